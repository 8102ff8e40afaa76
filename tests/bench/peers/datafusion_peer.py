"""DataFusion's Python package: the engine underneath, without specs and passes."""

import pathlib

import protocol

params = protocol.start()

import datafusion
import deltalake
import pyarrow as pa
from datafusion import SessionConfig, SessionContext

import digest
import workloads


def session(params):
    return SessionContext(SessionConfig().with_target_partitions(params["threads"]))


def rows(frame):
    """All rows of a query, as a pyarrow table."""
    return pa.Table.from_batches(frame.collect(), schema=frame.schema())


def register_delta(ctx, name, location):
    """Through deltalake's own table provider."""
    ctx.register_table(name, deltalake.DeltaTable(location))


def register_files(ctx, name, location):
    """The same files as plain Parquet: what Delta costs is the difference."""
    active = {pathlib.Path(file).name for file in deltalake.DeltaTable(location).file_uris()}
    if active != {file.name for file in pathlib.Path(location).glob("*.parquet")}:
        raise SystemExit(f"{location} has files that are not in its latest version; write the table anew")
    ctx.register_parquet(name, location)


def shared(define_view):
    """Outputs over one view, each streamed into a Delta table."""

    def run(params, clock):
        folder = pathlib.Path(params["out_dir"])
        outputs = workloads.outputs(params)
        with clock:
            ctx = session(params)
            register_delta(ctx, "lineitem", params["delta"])
            define_view(ctx)
            for name, query in outputs.items():
                deltalake.write_deltalake(str(folder / name), ctx.sql(query), mode="overwrite")
        return {name: digest.of_delta(folder / name) for name in outputs}

    return run


def view(ctx):
    ctx.register_view("v", ctx.sql(workloads.VIEW))


def cached_view(ctx):
    ctx.register_view("v", ctx.sql(workloads.VIEW).cache())


def containment(params, clock):
    query = workloads.pairs(workloads.side(params, "containers"), workloads.side(params, "contained"))
    with clock:
        ctx = session(params)
        register_delta(ctx, "spans", params["delta"])
        result = rows(ctx.sql(query))
    return workloads.pairs_answer(result.to_pylist()[0].values())


def tpch(register):
    """One of the 22 queries. With `out_dir` its rows are also written there as a Delta table."""

    def run(params, clock):
        query = pathlib.Path(params["query_file"]).read_text()
        with clock:
            ctx = session(params)
            for name in workloads.TPCH_TABLES:
                register(ctx, name, f"{params['delta_dir']}/{name}")
            result = rows(ctx.sql(query))
            if "out_dir" in params:
                deltalake.write_deltalake(params["out_dir"], result, mode="overwrite")
        return digest.of_table(result)

    return run


def compile_cut(params, clock):
    """Plans every view with the views it reads as tables: each alone, as if they had been computed before."""
    numbers = workloads.layered_numbers(params)
    with clock:
        ctx = session(params)
        for number in range(numbers.stop):
            ctx.sql(f"create table m{number}(k bigint, a bigint, b bigint)")
        for number in numbers:
            ctx.sql(workloads.layered_view(number, "m{}".format)).execution_plan()
    return {"views": len(numbers)}


def compile_inlined(params, clock):
    """Plans the last layer with all views inlined, which is what views mean to DataFusion."""
    numbers = workloads.layered_numbers(params)
    with clock:
        ctx = session(params)
        for number in range(numbers.start):
            ctx.sql(f"create table m{number}(k bigint, a bigint, b bigint)")
        for number in numbers:
            ctx.sql(f"create view m{number} as {workloads.layered_view(number, 'm{}'.format)}")
        for number in numbers[-workloads.LAYER :]:
            ctx.sql(f"select * from m{number}").execution_plan()
    return {"views": len(numbers)}


BENCHMARKS = {
    "shared": {"as written": shared(view), "tuned: view cached in memory": shared(cached_view)},
    "containment": {"as written": containment},
    "tpch": {"over Delta": tpch(register_delta), "over the same Parquet files": tpch(register_files)},
    "compile": {"views cut": compile_cut},
    # Of its own, as its cost doubles about every fifteen views: 120 of them take seconds, 500 never end.
    "compile_inlined": {"views inlined": compile_inlined},
}

if __name__ == "__main__":
    protocol.main("datafusion", datafusion.__version__, BENCHMARKS, params)
