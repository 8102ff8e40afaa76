#!/usr/bin/env python3
"""Compares what the driver reads of other writers' Delta tables with what the Delta library for Python reads.

    foreign_tables.py DRIVER FOLDER [--base DRIVER] [--only TEXT]

FOLDER is searched for tables (folders with a `_delta_log`). Each is run through a spec that copies its columns to a new
table, and the rows of the copy are compared with those of the original as `deltalake` gives them: as a PyArrow table
or, for what PyArrow cannot read (deletion vectors, mapped names), by its query engine. Prints a line a table:

    NAME: equal ROWS | refused CODE message | WRONG what | CRASH what | HANG

A table that a judge cannot read is `unjudged`, with the number of rows that were read. With `--base`, tables that the
other driver reads and this one refuses are `LOST`. Exit status 1 when a line is WRONG, CRASH, HANG or LOST.

Needs `pip install pyarrow deltalake`.
"""

import argparse
import datetime
import decimal
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

import pyarrow
import pyarrow.dataset
from deltalake import DeltaTable, QueryBuilder

# The tables lie outside the folders of specs; the environment, because older drivers have no option for it.
os.environ["CODEANATOMY_ALLOW_READ"] = "/"

SECONDS = 120
SPEC = """version: 4
input_relations: [{{logical_name: t, delta_location: {location}}}]
view_definitions: [{{name: v, transform: {{kind: Project, source: t}}}}]
output_targets: [{{table_name: o, source_view: v, delta_location: o}}]
"""


def tables(folder):
    for place, folders, _ in os.walk(folder):
        folders.sort()
        if "_delta_log" in folders:
            yield place


def plain(value):
    """A value without what only its type says, so that it can be sorted and compared."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value + 0.0
    if isinstance(value, decimal.Decimal):
        return str(value.normalize())
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return value.isoformat()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        # Maps come as lists of pairs; their order means nothing.
        inner = [plain(item) for item in value]
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
            inner.sort(key=lambda item: json.dumps(item, sort_keys=True))
        return inner
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def rows_of(path):
    """The rows of a table and who read them; None when nobody could."""
    def by_pyarrow(table):
        # It looks for the columns by their names, and finds nothing where files have others.
        if table.metadata().configuration.get("delta.columnMapping.mode", "none") != "none":
            raise ValueError("mapped columns")
        # Timestamps of the older kind would be nanoseconds otherwise, which end in the year 2262.
        options = pyarrow.dataset.ParquetReadOptions(coerce_int96_timestamp_unit="us")
        return table.to_pyarrow_dataset(parquet_read_options=options).to_table().to_pylist()

    def by_query(table):
        return pyarrow.table(QueryBuilder().register("t", table).execute("SELECT * FROM t")).to_pylist()

    readers = (("pyarrow", by_pyarrow), ("deltalake", by_query))
    for name, read in readers:
        try:
            return name, read(DeltaTable(path))
        except BaseException as error:  # a panic of the library is no Exception
            if isinstance(error, KeyboardInterrupt):
                raise
    return None


def sorted_rows(rows):
    return sorted(json.dumps(plain(row), sort_keys=True, default=str) for row in rows)


def driver(program, command, folder):
    return subprocess.run(
        [program, command, "s.yaml", "--format", "json"],
        cwd=folder, capture_output=True, text=True, timeout=SECONDS,
    )


def message(process):
    said = []
    for line in process.stderr.splitlines() + process.stdout.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            said += [found] if "message" in found else found.get("diagnostics") or []
    errors = [f"{entry.get('code', '')} {entry.get('message', '')}".strip() for entry in said
              if entry.get("severity") != "warning"]
    return (errors or [process.stderr.strip()])[0].replace("\n", " ")[:200]


def read_by(program, path):
    """('rows', rows), ('refused', message), ('CRASH', message) or ('HANG', '')."""
    folder = tempfile.mkdtemp(prefix="foreign-")
    try:
        with open(os.path.join(folder, "s.yaml"), "w") as spec:
            spec.write(SPEC.format(location=json.dumps(os.path.abspath(path))))
        process = driver(program, "run", folder)
        if process.returncode == 0:
            return "rows", DeltaTable(os.path.join(folder, "o")).to_pyarrow_table().to_pylist()
        if process.returncode == 1 and "panicked" not in process.stderr:
            return "refused", message(process)
        return "CRASH", f"exit {process.returncode}: {message(process)}"
    except subprocess.TimeoutExpired:
        return "HANG", f"no end after {SECONDS} s"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def judge(program, path, base):
    how, what = read_by(program, path)
    if how == "refused" and base:
        how_before, _ = read_by(base, path)
        if how_before == "rows":
            return f"LOST {what}"
    if how != "rows":
        return f"{how} {what}"
    judged = rows_of(path)
    if judged is None:
        return f"unjudged {len(what)} rows"
    reader, wanted = judged
    # A column of no type is not written: whoever reads the copy finds it gone.
    kept = set(what[0]) if what else set()
    if what:
        wanted = [{key: value for key, value in row.items() if key in kept or value is not None} for row in wanted]
    given, wanted = sorted_rows(what), sorted_rows(wanted)
    if given == wanted:
        return f"equal {len(given)} rows ({reader})"
    first = next((pair for pair in zip(given, wanted) if pair[0] != pair[1]), ("", ""))
    return f"WRONG {len(given)} rows instead of {len(wanted)} ({reader}): {first[0][:150]} instead of {first[1][:150]}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("driver")
    arguments.add_argument("folder")
    arguments.add_argument("--base")
    arguments.add_argument("--only", default="")
    given = arguments.parse_args()
    program, base = os.path.abspath(given.driver), given.base and os.path.abspath(given.base)
    counts = {}
    for path in tables(given.folder):
        name = os.path.relpath(path, given.folder)
        if given.only not in name:
            continue
        verdict = judge(program, path, base)
        counts[verdict.split()[0]] = counts.get(verdict.split()[0], 0) + 1
        print(f"{name}: {verdict}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    bad = {"WRONG", "CRASH", "HANG", "LOST"} & set(counts)
    sys.exit(1 if bad or not counts else 0)


if __name__ == "__main__":
    main()
