#!/usr/bin/env python3
"""Makes a Delta table with a large log, and measures what opening it costs.

    big_log.py make FOLDER [--files 300000] [--commits 300] [--checkpoint] [--partitioned]
    big_log.py open FOLDER

`make` writes one small data file and a log that names it under as many names as there are files, each with statistics
of five columns: only FILES of them exist, so plans can be made and the rows of the first file read, no more. With
--checkpoint the log is a checkpoint instead of JSON. `open` opens the table with the Python library and prints the
processor time and the peak memory of that, which the driver's `check` of a spec over the table is compared with
(`/usr/bin/time -v driver check s.yaml`).

Needs `pip install pyarrow deltalake`.
"""

import argparse
import json
import os
import resource
import sys
import time
import uuid

FILES = 100


def make(folder, files, commits, checkpoint, partitioned):
    import pyarrow as pa
    import pyarrow.parquet as pq

    log = os.path.join(folder, "_delta_log")
    os.makedirs(log)
    columns = [("id", "long"), ("at", "timestamp"), ("name", "string"), ("price", "decimal(15,2)"), ("day", "date")]
    fields = [{"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in columns]
    if partitioned:
        fields.append({"name": "p", "type": "string", "nullable": True, "metadata": {}})
    data = pa.table({"id": pa.array([1, 2], pa.int64()), "name": ["a", "b"]})
    meta = {
        "id": str(uuid.uuid4()), "format": {"provider": "parquet", "options": {}},
        "schemaString": json.dumps({"type": "struct", "fields": fields}),
        "partitionColumns": ["p"] if partitioned else [], "configuration": {}, "createdTime": 1700000000000,
    }
    each = -(-files // commits)
    number = 0
    for version in range(commits):
        with open(f"{log}/{version:020}.json", "w") as commit:
            write = lambda action: commit.write(json.dumps(action, separators=(",", ":")) + "\n")
            write({"commitInfo": {"timestamp": 1700000000000 + version, "operation": "WRITE"}})
            if version == 0:
                write({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}})
                write({"metaData": meta})
            for number in range(number, min(number + each, files)):
                value = f"p{number % 50}"
                path = f"part-{number:05}-{uuid.UUID(int=number * 7919 + 12345)}-c000.snappy.parquet"
                path = f"p={value}/{path}" if partitioned else path
                if number < FILES:
                    os.makedirs(os.path.dirname(f"{folder}/{path}"), exist_ok=True)
                    pq.write_table(data, f"{folder}/{path}")
                    size = os.path.getsize(f"{folder}/{path}")
                low = {"id": number * 10, "at": "2024-01-01T00:00:00.000Z", "name": f"a{number:07}",
                       "price": number / 100, "day": "2024-01-01"}
                high = {**low, "id": number * 10 + 9, "at": "2024-01-02T00:00:00.000Z", "name": f"b{number:07}"}
                statistics = {"numRecords": 2, "minValues": low, "maxValues": high,
                              "nullCount": {name: 0 for name, _ in columns}}
                write({"add": {"path": path, "partitionValues": {"p": value} if partitioned else {}, "size": size,
                               "modificationTime": 1700000000000, "dataChange": True, "stats": json.dumps(statistics)}})
            number += 1
    if checkpoint:
        from deltalake import DeltaTable
        DeltaTable(folder).create_checkpoint()
        for version in range(commits - 1):
            os.remove(f"{log}/{version:020}.json")


def opened(folder):
    from deltalake import DeltaTable

    before = time.process_time()
    table = DeltaTable(folder)
    spent = time.process_time() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"version {table.version()}: {spent:.2f} s of processor time, {memory:.0f} MiB at most")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("command", choices=["make", "open"])
    arguments.add_argument("folder")
    arguments.add_argument("--files", type=int, default=300_000)
    arguments.add_argument("--commits", type=int, default=300)
    arguments.add_argument("--checkpoint", action="store_true")
    arguments.add_argument("--partitioned", action="store_true")
    given = arguments.parse_args()
    if given.command == "make":
        make(given.folder, given.files, given.commits, given.checkpoint, given.partitioned)
    else:
        opened(given.folder)


if __name__ == "__main__":
    sys.exit(main())
