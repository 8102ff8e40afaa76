"""The tables and the plan shapes of `memory_check.py`.

A view has two forms: the transform of the spec and the query that means the same to DuckDB. Where the transform is `Sql`,
both are one text. The tables hold what makes limits bite: texts of different lengths, NULLs, keys that half of the rows
share, keys that are all NULL, nested spans. All rows come from a seed. Sums of floating point numbers are exact (all are
multiples of a quarter), and whatever depends on an order has a total one, so that results can be compared as they are.
"""

import re
import typing


class View(typing.NamedTuple):
    name: str
    transform: dict
    query: str  # for DuckDB


class Output(typing.NamedTuple):
    view: str
    sort_by: tuple = ()  # "column" or "column DESC"
    partition_by: tuple = ()

    @property
    def table(self):
        return f"o_{self.view}"


class Plan(typing.NamedTuple):
    name: str
    views: list
    outputs: list
    shared: tuple = ()  # views that are to be kept for their readers, whatever the compiler thinks


def sql(name, query, judged=None):
    query = " ".join(query.split())
    return View(name, {"kind": "Sql", "query": query}, " ".join((judged or query).split()))


def native(name, kind, judged, **fields):
    return View(name, {"kind": kind, **fields}, " ".join(judged.split()))


def words(query):
    return set(re.findall(r"\w+", query))


def spec(plan, tables, locations):
    """The spec, with only those tables that a view may read."""
    read = {word for view in plan.views for word in words(view.query)}
    sort = lambda entry: {"column": entry.split()[0], "descending": entry.endswith(" DESC")}
    outputs = []
    for output in plan.outputs:
        target = {"table_name": output.table, "source_view": output.view}
        if output.sort_by:
            target["sort_by"] = [sort(entry) for entry in output.sort_by]
        if output.partition_by:
            target["partition_by"] = list(output.partition_by)
        outputs.append(target)
    made = {
        "version": 4,
        "input_relations": [{"logical_name": name, "delta_location": f"{locations}/{name}"} for name in tables if name in read],
        "view_definitions": [{"name": view.name, "transform": view.transform} for view in plan.views],
        "output_targets": outputs,
    }
    if plan.shared:
        made["cache_policy"] = {"overrides": [{"view_name": name, "action": "ForceCache"} for name in plan.shared]}
    return made


# The tables. All have id, k, g, v and s, so that generated plans can read any of them in the same way.

SPAN = 8192  # bytes of a file of the table `nodes`, which is a tree with eight children a node and four levels
NODES = 1 + 8 + 64 + 512


def table_queries(rows, seed):
    """What DuckDB makes the tables from."""
    draw = lambda salt, below, of="range": f"CAST(hash({of}, {salt}, {seed}) % {max(1, below)} AS BIGINT)"
    rare = lambda salt, share, value: f"CASE WHEN {draw(salt, share)} = 0 THEN NULL ELSE {value} END"
    text = lambda salt, below, longest: (
        f"substr(repeat(md5(CAST({draw(salt, below)} AS VARCHAR)), {longest // 32 + 1}), 1, "
        f"8 + {draw(0, longest - 7, of=draw(salt, below))})")
    number = f"{rare(11, 20, draw(12, 100000) + ' - 50000')} AS v"
    common = f"{draw(13, 1000)} AS g, {number}"
    half, quarter, tenth = rows // 2, rows // 4, rows // 10
    files = max(1, half // NODES)
    level = "CASE WHEN place < 1 THEN 0 WHEN place < 9 THEN 1 WHEN place < 73 THEN 2 ELSE 3 END"
    tree = (f"SELECT *, (place - CASE level WHEN 0 THEN 0 WHEN 1 THEN 1 WHEN 2 THEN 9 ELSE 73 END) "
            f"* ({SPAN} >> (3 * level)) AS begun, {SPAN} >> (3 * level) AS width FROM (SELECT *, {level} AS level "
            f"FROM (SELECT range, range // {NODES} AS file, range % {NODES} AS place FROM range({files * NODES})))")
    return {
        "facts": f"""SELECT range AS id, {rare(1, 50, draw(2, half))} AS k, {common},
            {rare(3, 20, draw(4, 4000) + ' / 4.0')} AS f, {rare(5, 50, text(6, rows // 3, 80))} AS s,
            CASE WHEN range % {max(1, quarter)} = 0 THEN 7 ELSE 8 + {draw(7, half)} END AS hot FROM range({rows})""",
        "others": f"""SELECT range AS id, {rare(21, 50, draw(22, half))} AS k, {common}, {rare(23, 50, text(24, half, 80))} AS s,
            CASE WHEN {draw(25, 2)} = 0 THEN 7 ELSE 8 + {draw(26, half)} END AS hot, CAST(NULL AS BIGINT) AS nothing
            FROM range({half})""",
        "dims": f"""SELECT range AS id, {rare(31, 100, 'range * 2')} AS k, {common}, {text(32, rows, 60)} AS s
            FROM range({quarter})""",
        "wide": f"""SELECT range AS id, {draw(41, half)} AS k, {common}, {text(42, rows, 1500)} AS s FROM range({tenth})""",
        "nodes": f"""SELECT range AS id, range * 7 % {max(1, half)} AS k, {common}, {text(51, rows, 90)} AS s, file,
            CAST(level AS BIGINT) AS level, CAST(begun + level AS BIGINT) AS start_byte,
            CAST(begun + width - level AS BIGINT) AS end_byte FROM ({tree})""",
        "names": f"""SELECT id, k, g, v, s, file, start_byte, start_byte + 3 AS end_byte FROM (SELECT range AS id,
            {draw(61, half)} AS k, {common}, {text(62, rows, 40)} AS s, {draw(63, files)} AS file,
            {rare(64, 100, draw(65, SPAN + 800))} AS start_byte FROM range({quarter}))""",
        "lists": f"""SELECT range AS id, {draw(71, half)} AS k, {common}, {text(72, rows, 40)} AS s,
            CASE WHEN {draw(73, 30)} = 0 THEN NULL ELSE list_transform(range({draw(74, 21)}), lambda x:
            CAST(hash(range * 32 + x, {seed}) % {max(1, half)} AS BIGINT)) END AS items FROM range({tenth})""",
        "small": "SELECT range AS id, range AS k, range * 3 AS g, range * 100 AS v, 'part ' || range AS s FROM range(20)",
    }


# Made by the driver, so that the table records its order.
SORTED = Plan("sorted", [sql("sorted", "SELECT * FROM facts")], [Output("sorted", ("k", "id"))])

# The conditions of span joins over `a` and `b`, for DuckDB.
CONTAINS = "a.start_byte <= b.start_byte AND b.end_byte <= a.end_byte"
WITHIN = "b.start_byte <= a.start_byte AND a.end_byte <= b.end_byte"
OVERLAPS = "a.start_byte < b.end_byte AND b.start_byte < a.end_byte"
EQUALS = "a.start_byte = b.start_byte AND a.end_byte = b.end_byte"


def spans(name, left, relation, right, condition, join="Inner", keys=("file",), **fields):
    """A span join that keeps the ids of both sides and both texts."""
    written = {"Inner": "JOIN", "Left": "LEFT JOIN", "Right": "RIGHT JOIN", "Full": "FULL JOIN", "Semi": "SEMI JOIN",
               "Anti": "ANTI JOIN"}[join]
    both = join not in ("Semi", "Anti")
    on = " AND ".join([*(f"a.{key} = b.{key}" for key in keys), condition])
    listed = "a.id, a.s, b.id AS other, b.s AS text" if both else "a.*"
    span = {"relation": relation, "left": ["start_byte", "end_byte"], "right": ["start_byte", "end_byte"]}
    if both:
        fields["select"] = ["left.id", "left.s", "right.id as other", "right.s as text"]
    return native(name, "Relate", f"SELECT {listed} FROM {left} a {written} {right} b ON {on}", left=left, right=right,
                  join_type=join, on=list(keys), span=span, **fields)


def innermost(name, left, right):
    """Each span of the left side with the smallest that contains it, if there is one."""
    pairs = (f"SELECT a.id, b.id AS other, b.s AS text, row_number() OVER (PARTITION BY a.id ORDER BY b.end_byte - b.start_byte) "
             f"AS place FROM {left} a JOIN {right} b ON a.file = b.file AND {WITHIN}")
    view = spans(name, left, "within", right, WITHIN, "Left", innermost=True)
    return view._replace(query=f"SELECT a.id, a.s, p.other, p.text FROM {left} a LEFT JOIN ({pairs}) p "
                               f"ON a.id = p.id AND p.place = 1")


PAIR = "SELECT l.id, l.v, l.s, r.id AS other, r.s AS text"


def relate(name, join, key="k", left="facts", right="others"):
    """A join by a key, as a relation."""
    written = {"Inner": "JOIN", "Left": "LEFT JOIN", "Right": "RIGHT JOIN", "Full": "FULL JOIN", "Semi": "SEMI JOIN",
               "Anti": "ANTI JOIN"}[join]
    if join in ("Semi", "Anti"):
        return native(name, "Relate", f"SELECT l.* FROM {left} l {written} {right} r ON l.{key} = r.{key}", left=left, right=right,
                      join_type=join, on=[key])
    return native(name, "Relate", f"{PAIR} FROM {left} l {written} {right} r ON l.{key} = r.{key}", left=left, right=right,
                  join_type=join, on=[key], select=["left.id", "left.v", "left.s", "right.id as other", "right.s as text"])


def unnested(name, source, columns, column, alias):
    """A row an element; without those of empty lists."""
    listed = ", ".join(columns)
    return native(name, "Unnest", f"SELECT {listed}, unnest({column}) AS {alias} FROM {source}", source=source, column=column,
                  alias=alias)


GROUPED = "SELECT k, s, count(*) AS n, CAST(sum(v) AS BIGINT) AS v FROM facts GROUP BY k, s"


def one(name, *views, sort_by=(), partition_by=(), shared=()):
    """A shape whose only output is its last view."""
    return Plan(name, list(views), [Output(views[-1].name, sort_by, partition_by)], shared)


def exchanges_and_sorts():
    numbered = sql("numbered", """SELECT id, g, v, s, CAST(row_number() OVER (ORDER BY id) AS BIGINT) AS place FROM facts""")
    wide_texts = sql("texts", "SELECT id, k, repeat(s, 2000) AS s FROM dims WHERE id % 50 = 0")
    return [
        one("exchange_hash", sql("grouped", GROUPED)),
        one("exchange_round_robin", numbered, sql("cut", """SELECT id, place, replace(upper(s), 'A', 'xy') AS s, v FROM numbered
            WHERE replace(s, 'a', '') LIKE '%b%'"""), sql("counted", """SELECT s, count(*) AS n, max(place) AS place, min(id) AS id
            FROM cut GROUP BY s""")),
        one("exchange_ordered", sql("per_key", """SELECT k, count(*) AS n, CAST(sum(v) AS BIGINT) AS v, max(s) AS s FROM sorted
            GROUP BY k"""), sort_by=("k",)),
        one("exchange_ordered_window", sql("neighbours", """SELECT k, id, s, lag(v) OVER (PARTITION BY k ORDER BY id) AS before,
            CAST(row_number() OVER (PARTITION BY k ORDER BY id) AS BIGINT) AS place FROM sorted"""), sort_by=("k", "id")),
        one("sort", sql("sorting", "SELECT * FROM facts"), sort_by=("v DESC", "s", "id")),
        one("sort_wide_rows", sql("sorting", "SELECT * FROM wide"), sort_by=("s",)),
        one("sort_computed_wide_rows", wide_texts, sort_by=("s",)),
        one("join_computed_wide_rows", wide_texts, sql("joined", "SELECT l.id, l.s, r.id AS other FROM texts l JOIN others r ON l.k = r.k")),
        one("shared_computed_wide_rows", wide_texts, sql("one", "SELECT id, s FROM texts WHERE s LIKE '%a%'"), sql("two", """SELECT
            max(id) AS id, s FROM texts GROUP BY s"""), sql("together", "SELECT * FROM one UNION ALL SELECT * FROM two")),
        one("join_aggregated_wide_rows", sql("listed", "SELECT g, string_agg(s, ',' ORDER BY id) AS s FROM others GROUP BY g"), sql("joined",
            "SELECT f.id, l.s FROM facts f JOIN listed l ON f.g = l.g WHERE f.id % 100 = 0"), sort_by=("s", "id")),
        one("sort_partitions", sql("sorting", "SELECT id, k, g % 16 AS part, s FROM facts"), sort_by=("s DESC", "id"),
            partition_by=("part",)),
    ]


def joins():
    mark = """SELECT id, k, s FROM facts f WHERE f.g < 50 OR EXISTS (SELECT 1 FROM others o WHERE o.s = f.s)
        OR f.id IN (SELECT k FROM wide)"""
    filtered = sql("filtered", "SELECT id, k, v, s FROM facts WHERE g < 500 AND (s LIKE '%a%' OR length(s) < 20)")
    return [
        *(one(f"join_{kind.lower()}", relate("joined", kind)) for kind in ("Inner", "Left", "Right", "Full")),
        *(one(f"join_{kind.lower()}", relate("joined", kind, "s")) for kind in ("Semi", "Anti")),
        one("join_in", sql("kept", "SELECT id, k, s FROM facts WHERE s IN (SELECT s FROM others WHERE v > -40000)")),
        one("join_not_in", sql("kept", """SELECT id, k, s FROM facts WHERE k NOT IN
            (SELECT k FROM others WHERE k IS NOT NULL AND v > 0)""")),
        one("join_mark", sql("kept", mark)),
        one("join_residual", sql("joined", f"""{PAIR} FROM facts l LEFT JOIN others r ON l.k = r.k AND l.v < r.v
            AND length(l.s) <> length(r.s)""")),
        one("join_skewed_keys", relate("joined", "Inner", "hot")),
        one("join_null_keys", sql("joined", f"""{PAIR} FROM facts l LEFT JOIN others r ON l.k = r.nothing""")),
        one("join_misjudged", unnested("items", "lists", ("id", "k", "g", "v", "s"), "items", "item"), filtered,
            sql("joined", f"{PAIR} FROM filtered l JOIN items r ON l.k = r.item")),
        one("join_cross_small", sql("crossed", f"{PAIR} FROM facts l CROSS JOIN small r WHERE (l.v + r.id) % 20 = 0")),
    ]


def aggregates():
    return [
        one("aggregate_having", native("grouped", "Aggregate", """SELECT s, count(*) AS n, CAST(sum(v) AS BIGINT) AS v, min(id) AS low,
            max(s) AS high, sum(f) AS f FROM facts GROUP BY s""", source="facts", group_by=["s"], aggregations=[
                {"function": "count", "alias": "n"}, {"function": "sum", "column": "v", "alias": "v"},
                {"function": "min", "column": "id", "alias": "low"}, {"function": "max", "column": "s", "alias": "high"},
                {"function": "sum", "column": "f", "alias": "f"}]),
            sql("frequent", "SELECT * FROM grouped WHERE n > 1")),
        one("aggregate_count_distinct", sql("counted", "SELECT g, count(DISTINCT s) AS n, count(*) AS m FROM facts GROUP BY g")),
        one("aggregate_count_distinct_two", sql("counted", """SELECT g, count(DISTINCT s) AS n, count(DISTINCT k) AS m,
            CAST(sum(v) AS BIGINT) AS v FROM facts GROUP BY g""")),
        one("aggregate_median", sql("medians", "SELECT k, median(f) AS half, count(*) AS n FROM facts GROUP BY k")),
        one("aggregate_percentile", sql("quarters", """SELECT k % 1000 AS k, percentile_cont(0.25) WITHIN GROUP (ORDER BY f) AS quarter
            FROM facts GROUP BY k % 1000""")),
        one("aggregate_string_agg", sql("texts", """SELECT k % 20000 AS k, string_agg(s, ',' ORDER BY s) AS s FROM facts
            GROUP BY k % 20000""")),
        one("aggregate_array_agg", sql("listed", """SELECT g, array_agg(id ORDER BY id) AS ids, array_agg(s ORDER BY id) AS texts
            FROM facts GROUP BY g""")),
        one("aggregate_grouping_sets", sql("sets", """SELECT k, s, CAST(grouping(k) AS BIGINT) AS level, count(*) AS n,
            CAST(sum(v) AS BIGINT) AS v FROM facts GROUP BY GROUPING SETS ((k, s), (s), ())""")),
        one("distinct_rows", sql("once", "SELECT DISTINCT s, k % 100000 AS k FROM facts")),
    ]


def windows():
    return [
        one("window_ranks", sql("ranked", """SELECT id, s, CAST(row_number() OVER (PARTITION BY k ORDER BY v NULLS LAST, id) AS BIGINT)
            AS place, CAST(rank() OVER (PARTITION BY k ORDER BY g) AS BIGINT) AS rank,
            lag(s) OVER (PARTITION BY k ORDER BY v NULLS LAST, id) AS before FROM facts""")),
        one("window_frames", sql("framed", """SELECT id, s, CAST(sum(v) OVER (PARTITION BY g) AS BIGINT) AS total,
            CAST(sum(v) OVER (PARTITION BY g ORDER BY id ROWS BETWEEN 5 PRECEDING AND 2 FOLLOWING) AS BIGINT) AS near,
            max(s) OVER (PARTITION BY g ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS high FROM facts""")),
        one("window_whole_table", sql("framed", """SELECT id, s, CAST(row_number() OVER (ORDER BY v NULLS LAST, id) AS BIGINT) AS place,
            count(*) OVER () AS n, lead(s) OVER (ORDER BY v NULLS LAST, id) AS next FROM facts""")),
        one("top_rows", sql("top", "SELECT id, k, v, s FROM facts ORDER BY s DESC NULLS LAST, id LIMIT 200000")),
    ]


def span_joins():
    positions = [sql(f"{table}_at", f"""SELECT id, s, start_byte + file * 10000 AS start_byte, end_byte + file * 10000 AS end_byte
        FROM {table}""") for table in ("nodes", "names")]
    return [
        one("span_contains", spans("inside", "nodes", "contains", "names", CONTAINS)),
        one("span_innermost", innermost("nearest", "names", "nodes")),
        one("span_overlaps", spans("touching", "nodes", "overlaps", "names", OVERLAPS, "Right")),
        one("span_equals", sql("leaves", "SELECT * FROM nodes WHERE g < 500"),
            spans("same", "leaves", "equals", "nodes", EQUALS, "Right")),
        Plan("span_semi_anti", [sql("leaves", "SELECT * FROM nodes WHERE level = 3"),
                                spans("met", "names", "within", "leaves", WITHIN, "Semi"),
                                spans("lonely", "names", "within", "leaves", WITHIN, "Anti")], [Output("met"), Output("lonely")]),
        one("span_without_keys", *positions, spans("inside", "nodes_at", "contains", "names_at", CONTAINS, keys=())),
        one("span_as_query", sql("inside", f"""SELECT a.id, a.s, b.id AS other, b.s AS text FROM nodes a LEFT JOIN names b
            ON a.file = b.file AND {CONTAINS} AND a.v < b.v""")),
    ]


def unions_and_shares(rows):
    several = [relate("joined", "Inner"), sql("grouped", GROUPED), sql("ranked", """SELECT id, s, CAST(row_number() OVER
        (PARTITION BY k ORDER BY id) AS BIGINT) AS place FROM others""")]
    step = rows // 100 + 1
    parts, branches = [], []
    for number in range(100):
        parts.append(sql(f"part{number}", f"""SELECT k, s, count(*) AS n, CAST(sum(v) AS BIGINT) AS v FROM facts
            WHERE id >= {number * step} AND id < {(number + 1) * step} GROUP BY k, s"""))
        branches.append(sql(f"more{number}", f"SELECT k, s, n + 1 AS n, v FROM part{number} WHERE v > 0"))
    names = [view.name for pair in zip(parts, branches) for view in pair]
    union = native("together", "Union", " UNION ALL BY NAME ".join(f"SELECT * FROM {name}" for name in names), sources=names)
    readers = [sql("high", "SELECT * FROM grouped WHERE v > 0"), sql("total", "SELECT k, count(*) AS m FROM grouped GROUP BY k"),
               sql("matched", "SELECT a.k, a.s, a.v, b.m FROM high a JOIN total b ON a.k = b.k"),
               sql("least", "SELECT k, s, v FROM grouped ORDER BY v NULLS LAST, k, s LIMIT 1000")]
    plain = ["facts", "others", "dims", "wide", "names", "nodes"]
    picked = [sql(f"of_{name}", f"SELECT id, k, g, v, s FROM {name}") for name in plain]
    return [
        one("union_many", *picked, native("all_rows", "Union", " UNION ALL ".join(f"SELECT * FROM of_{name}" for name in plain),
                                          sources=[f"of_{name}" for name in plain])),
        Plan("shared_view", [sql("grouped", GROUPED), *readers], [Output("matched"), Output("least"), Output("grouped", ("s", "k"))]),
        one("shared_hundred", *parts, *branches, union, sort_by=("s", "k", "n"), shared=tuple(view.name for view in parts)),
        Plan("outputs_several", several, [Output("joined", ("s",)), Output("grouped"), Output("ranked", ("place DESC", "id"))]),
        one("unnest", unnested("items", "lists", ("id", "k", "g", "v", "s"), "items", "item"),
            sql("grouped", "SELECT item, count(*) AS n, min(s) AS s FROM items GROUP BY item")),
    ]


def pairs():
    """Two of the others on top of each other."""
    total = lambda name, table: sql(name, f"SELECT k, count(*) AS n, CAST(sum(v) AS BIGINT) AS v, min(s) AS s FROM {table} GROUP BY k")
    owners = sql("owners", "SELECT id, file, start_byte, end_byte, max(s) AS s FROM nodes GROUP BY id, file, start_byte, end_byte")
    return [
        one("join_aggregate_sort", relate("joined", "Left"), sql("grouped", """SELECT text, count(*) AS n, CAST(sum(v) AS BIGINT) AS v,
            max(s) AS s FROM joined GROUP BY text"""), sort_by=("n DESC", "text")),
        one("window_over_join", relate("joined", "Inner"), sql("ranked", """SELECT id, other, s, CAST(row_number() OVER
            (PARTITION BY other ORDER BY id) AS BIGINT) AS place, count(*) OVER (PARTITION BY text) AS n FROM joined""")),
        Plan("span_over_shared", [owners, innermost("nearest", "names", "owners"), spans("inside", "owners", "contains", "names", CONTAINS),
                                  sql("counted", "SELECT id, count(*) AS n, min(text) AS text FROM inside GROUP BY id")],
             [Output("nearest"), Output("counted", ("n DESC", "id"))], ("owners",)),
        one("aggregate_over_aggregate", sql("grouped", GROUPED), sql("again", """SELECT v % 20000 AS v, count(*) AS n,
            count(DISTINCT s) AS texts, max(s) AS s FROM grouped GROUP BY v % 20000""")),
        one("join_of_aggregates", total("one", "facts"), total("two", "others"), sql("joined", """SELECT coalesce(a.k, b.k) AS k, a.n,
            b.n AS m, a.s, b.s AS text FROM one a FULL JOIN two b ON a.k = b.k""")),
        one("unnest_of_lists", sql("listed", "SELECT k % 100000 AS k, array_agg(s ORDER BY id) AS texts FROM facts GROUP BY k % 100000"),
            unnested("texts_again", "listed", ("k",), "texts", "s"),
            sql("counted", "SELECT s, count(*) AS n, max(k) AS k FROM texts_again GROUP BY s")),
        one("sort_over_window_over_span", spans("inside", "nodes", "contains", "names", CONTAINS), sql("ranked", """SELECT id, other, text,
            CAST(row_number() OVER (PARTITION BY other ORDER BY id DESC) AS BIGINT) AS place FROM inside"""), sort_by=("text", "place")),
        one("distinct_over_join_of_joins", relate("joined", "Inner"), sql("twice", """SELECT DISTINCT j.text, d.s, d.g FROM joined j
            JOIN dims d ON d.k = j.other AND d.v <> j.v""")),
    ]


def shapes(rows):
    return [*exchanges_and_sorts(), *joins(), *aggregates(), *windows(), *span_joins(), *unions_and_shares(rows), *pairs()]
