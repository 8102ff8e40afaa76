"""DuckDB. Its Delta extension is not part of the package, so it reads the files that a table's log names, and writes
plain Parquet: it is spared the commits."""

import pathlib

import protocol

params = protocol.start()

import deltalake
import duckdb

import digest
import workloads


def connect(params):
    connection = duckdb.connect()
    connection.execute(f"SET threads = {int(params['threads'])}")
    return connection


def register(connection, name, location):
    """A view over the active files of a Delta table."""
    connection.read_parquet(deltalake.DeltaTable(location).file_uris()).create_view(name)


def copy(connection, query, target):
    connection.sql(query).write_parquet(str(target))


def shared(define_view):
    """Outputs over one view, each a Parquet file."""

    def run(params, clock):
        folder = pathlib.Path(params["out_dir"])
        folder.mkdir(parents=True, exist_ok=True)
        outputs = workloads.outputs(params)
        with clock:
            connection = connect(params)
            register(connection, "lineitem", params["delta"])
            connection.execute(f"CREATE {define_view} v AS {workloads.VIEW}")
            for name, query in outputs.items():
                copy(connection, query, folder / f"{name}.parquet")
        return {name: digest.of_parquet(folder / f"{name}.parquet") for name in outputs}

    return run


def containment(*settings):
    """The query as it is meant, perhaps under other settings."""

    def run(params, clock):
        query = workloads.pairs(workloads.side(params, "containers"), workloads.side(params, "contained"))
        with clock:
            connection = connect(params)
            for setting in settings:
                connection.execute(setting)
            register(connection, "spans", params["delta"])
            row = connection.execute(query).fetchone()
        return workloads.pairs_answer(row)

    return run


def containment_by_ranges(params, clock):
    """Rewritten by hand: without an equality DuckDB takes its IEJoin."""
    key = f"file_id * {workloads.FILE_STRIDE}"
    query = f"""
    WITH a AS (SELECT id, {key} + s AS s, {key} + e AS e FROM {workloads.side(params, "containers")}),
         d AS (SELECT id, {key} + s AS s, {key} + e AS e FROM {workloads.side(params, "contained")})
    SELECT count(*) AS n, sum(a.id) AS sum_a, sum(d.id) AS sum_d FROM a JOIN d ON a.s <= d.s AND d.e <= a.e
    """
    with clock:
        connection = connect(params)
        register(connection, "spans", params["delta"])
        row = connection.execute(query).fetchone()
    return workloads.pairs_answer(row)


def write(params, clock):
    folder = pathlib.Path(params["out_dir"])
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "copy.parquet"
    with clock:
        connection = connect(params)
        register(connection, "source", params["delta"])
        copy(connection, "SELECT * FROM source", target)
    return digest.of_parquet(target)


def tpch(params, clock):
    query = pathlib.Path(params["query_file"]).read_text()
    with clock:
        connection = connect(params)
        for name in workloads.TPCH_TABLES:
            register(connection, name, f"{params['delta_dir']}/{name}")
        result = connection.sql(query).to_arrow_table()
    return digest.of_table(result)


BENCHMARKS = {
    "shared": {
        "as written, to Parquet": shared("VIEW"),
        "tuned: temporary table, to Parquet": shared("TEMPORARY TABLE"),
    },
    "containment": {
        "as written": containment(),
        "tuned: prefer_range_joins": containment("SET prefer_range_joins = true"),
        "rewritten: IEJoin on global positions": containment_by_ranges,
    },
    "write": {"COPY to Parquet": write},
    "tpch": {"over the same Parquet files": tpch},
}

if __name__ == "__main__":
    protocol.main("duckdb", duckdb.__version__, BENCHMARKS, params)
