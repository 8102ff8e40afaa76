"""The deltalake package: how its users write Delta tables."""

import protocol

params = protocol.start()

import deltalake

import digest


def write_stream(params, clock):
    """From its own reader: what is decoded is written at once."""
    with clock:
        source = deltalake.QueryBuilder().register("source", deltalake.DeltaTable(params["delta"]))
        deltalake.write_deltalake(params["out_dir"], source.execute("SELECT * FROM source"), mode="overwrite")
    return digest.of_delta(params["out_dir"])


def write_from_memory(params, clock):
    """From a table that is in memory before the clock starts: encoding and writing alone."""
    table = deltalake.DeltaTable(params["delta"]).to_pyarrow_table()
    with clock:
        deltalake.write_deltalake(params["out_dir"], table, mode="overwrite")
    return digest.of_delta(params["out_dir"])


BENCHMARKS = {
    "write": {"write_deltalake from a reader": write_stream, "write_deltalake from memory": write_from_memory}
}

if __name__ == "__main__":
    protocol.main("deltalake", deltalake.__version__, BENCHMARKS, params)
