"""What all peers compute, as SQL where they speak it. Everything is read from Delta tables."""

# One view over lineitem, and the outputs that read it.
VIEW = """
SELECT l_orderkey, count(*) AS n, sum(l_extendedprice) AS s, max(l_shipdate) AS m FROM lineitem GROUP BY l_orderkey
"""
OUTPUTS = {
    "o0": "SELECT * FROM v WHERE n > 3",
    "o1": "SELECT * FROM v WHERE n <= 3",
    "o2": "SELECT * FROM v WHERE s > 100000",
    "o3": "SELECT n, count(*) AS x FROM v GROUP BY n",
    "o4": "SELECT * FROM v WHERE n > 4",
    "o5": "SELECT * FROM v WHERE n = 2",
    "o6": "SELECT * FROM v WHERE s < 50000",
    "o7": "SELECT m, count(*) AS x, sum(s) AS s FROM v GROUP BY m",
}

# A file's keys start where those of no other file can end, so that one range condition on them means "in the same
# file and in this range".
FILE_STRIDE = 1_000_000_000

TPCH_TABLES = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")

# The layered views of `compile`: this many base tables, then views that each join two of the views below.
LAYER = 10


def outputs(params):
    """The first outputs of the shared view, as many as asked for."""
    return dict(list(OUTPUTS.items())[: params["outputs"]])


def pairs(containers, contained):
    """All pairs of rows of one file of which the left contains the right, counted and summed."""
    return f"""
    SELECT count(*) AS n, sum(a.id) AS sum_a, sum(d.id) AS sum_d
    FROM {containers} a JOIN {contained} d ON a.file_id = d.file_id AND a.s <= d.s AND d.e <= a.e
    """


def side(params, which):
    """The rows of one side of a containment query: all, or those that meet a condition."""
    condition = params.get(which)
    return f"(SELECT * FROM spans WHERE {condition})" if condition else "spans"


def pairs_answer(row):
    """The answer of a containment query from its one row."""
    n, sum_a, sum_d = (int(value or 0) for value in row)
    return {"n": n, "sum_a": sum_a, "sum_d": sum_d}


def layered_view(number, name):
    """The query of one of the layered views. `name` gives the name of the table or view of a number."""
    return (
        f"select x.k, x.a + y.b as a, y.b from {name(number - LAYER)} x"
        f" join {name((number - LAYER) // 2)} y on x.k = y.k where x.a > {number}"
    )


def layered_numbers(params):
    """The numbers of the layered views; base tables have those below."""
    return range(LAYER, LAYER + params["views"])
