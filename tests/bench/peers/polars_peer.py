"""Polars, which reads and writes Delta tables through deltalake."""

import pathlib

import protocol

params = protocol.start()

import polars as pl

import digest
import workloads


def view(params):
    lineitem = pl.scan_delta(params["delta"])
    return lineitem.group_by("l_orderkey").agg(
        n=pl.len().cast(pl.Int64), s=pl.col("l_extendedprice").sum(), m=pl.col("l_shipdate").max()
    )


def outputs(params):
    """The outputs of the shared view by name, as lazy frames over one frame."""
    v = view(params)
    count = pl.len().cast(pl.Int64)
    frames = {
        "o0": v.filter(pl.col("n") > 3),
        "o1": v.filter(pl.col("n") <= 3),
        "o2": v.filter(pl.col("s") > 100000),
        "o3": v.group_by("n").agg(x=count),
        "o4": v.filter(pl.col("n") > 4),
        "o5": v.filter(pl.col("n") == 2),
        "o6": v.filter(pl.col("s") < 50000),
        "o7": v.group_by("m").agg(x=count, s=pl.col("s").sum()),
    }
    return {name: frames[name] for name in workloads.outputs(params)}


def shared_one_by_one(params, clock):
    folder = pathlib.Path(params["out_dir"])
    with clock:
        frames = outputs(params)
        for name, frame in frames.items():
            frame.sink_delta(str(folder / name), mode="overwrite")
    return {name: digest.of_delta(folder / name) for name in frames}


def shared_together(params, clock):
    """`collect_all` finds the common subplan; `sink_delta` cannot be one of several sinks of a plan."""
    folder = pathlib.Path(params["out_dir"])
    with clock:
        frames = outputs(params)
        for name, frame in zip(frames, pl.collect_all(list(frames.values()))):
            frame.write_delta(str(folder / name), mode="overwrite")
    return {name: digest.of_delta(folder / name) for name in frames}


def sides(params):
    """Containers and contained rows as lazy frames. Polars reads only the columns that are used."""
    spans = pl.scan_delta(params["delta"])
    conditions = [params.get(which) for which in ("containers", "contained")]
    return [spans.filter(pl.sql_expr(condition)) if condition else spans for condition in conditions]


def totals(frame):
    row = frame.select(n=pl.len(), sum_a=pl.col("id").sum(), sum_d=pl.col("id_right").sum()).collect().row(0)
    return workloads.pairs_answer(row)


def containment(params, clock):
    with clock:
        containers, contained = sides(params)
        return totals(
            containers.join_where(
                contained,
                pl.col("file_id") == pl.col("file_id_right"),
                pl.col("s") <= pl.col("s_right"),
                pl.col("e_right") <= pl.col("e"),
            )
        )


def containment_by_ranges(params, clock):
    """Rewritten by hand: without an equality Polars takes its IEJoin."""
    key = pl.col("file_id") * workloads.FILE_STRIDE
    with clock:
        containers, contained = (
            side.select("id", from_=key + pl.col("s"), to=key + pl.col("e")) for side in sides(params)
        )
        return totals(
            containers.join_where(
                contained, pl.col("from_") <= pl.col("from__right"), pl.col("to_right") <= pl.col("to")
            )
        )


def write_stream(params, clock):
    with clock:
        pl.scan_delta(params["delta"]).sink_delta(params["out_dir"], mode="overwrite")
    return digest.of_delta(params["out_dir"])


def write_from_memory(params, clock):
    frame = pl.read_delta(params["delta"])
    with clock:
        frame.write_delta(params["out_dir"], mode="overwrite")
    return digest.of_delta(params["out_dir"])


def tpch(params, clock):
    query = pathlib.Path(params["query_file"]).read_text()
    with clock:
        ctx = pl.SQLContext()
        for name in workloads.TPCH_TABLES:
            ctx.register(name, pl.scan_delta(f"{params['delta_dir']}/{name}"))
        result = ctx.execute(query, eager=True)
    return digest.of_table(result.to_arrow())


BENCHMARKS = {
    "shared": {"as written: sink_delta each": shared_one_by_one, "tuned: collect_all, write_delta": shared_together},
    "containment": {
        "as written: join_where": containment,
        "rewritten: IEJoin on global positions": containment_by_ranges,
    },
    "write": {"sink_delta": write_stream, "write_delta from memory": write_from_memory},
    "tpch": {"SQL over Delta": tpch},
}

if __name__ == "__main__":
    protocol.main("polars", pl.__version__, BENCHMARKS, params)
