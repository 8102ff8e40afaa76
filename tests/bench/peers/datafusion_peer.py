"""DataFusion's Python package: the engine underneath, without specs and passes."""

import pathlib

import protocol

params = protocol.start()

import datafusion
import deltalake
import pyarrow as pa
from datafusion import SessionConfig, SessionContext

import digest

TPCH_TABLES = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")


def session(params):
    return SessionContext(SessionConfig().with_target_partitions(params["threads"]))


def rows(frame):
    """All rows of a query, as a pyarrow table."""
    return pa.Table.from_batches(frame.collect(), schema=frame.schema())


def tpch(register):
    """One of the 22 queries. With `out_dir` its rows are also written there as a Delta table."""

    def run(params, clock):
        query = pathlib.Path(params["query_file"]).read_text()
        with clock:
            ctx = session(params)
            for name in TPCH_TABLES:
                register(ctx, name, f"{params['delta_dir']}/{name}")
            result = rows(ctx.sql(query))
            if "out_dir" in params:
                deltalake.write_deltalake(params["out_dir"], result, mode="overwrite")
        return digest.of_table(result)

    return run


def register_delta(ctx, name, location):
    """Through deltalake's own table provider: the form its documentation recommends."""
    ctx.register_table(name, deltalake.DeltaTable(location))


def register_files(ctx, name, location):
    """The same files as plain Parquet: what Delta costs is the difference."""
    ctx.register_parquet(name, only_parquet(location))


def only_parquet(location):
    """The folder of a Delta table, as one of Parquet files: right while every file in it is one of the table's."""
    active = {pathlib.Path(file).name for file in deltalake.DeltaTable(location).file_uris()}
    present = {file.name for file in pathlib.Path(location).glob("*.parquet")}
    if active != present:
        raise SystemExit(f"{location} has files that are not in its latest version; write the table anew")
    return location


BENCHMARKS = {
    "tpch": {
        "Delta table provider": tpch(register_delta),
        "Parquet files": tpch(register_files),
    },
}

if __name__ == "__main__":
    protocol.main("datafusion", datafusion.__version__, BENCHMARKS, params)
