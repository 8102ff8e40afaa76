"""Generates plans for `memory_check.py`: two to seven operations on top of each other, over views that are read more than once.

Every view has the columns id, k, g, v and s, so that any operation can stand on any other. DuckDB computes each view as soon as
it is chosen; an operation that gives far too many rows, or hardly any, is taken back and another one chosen. Whatever
depends on an order has one in which only equal rows are equal.
"""

import duckdb

import memory_shapes
from memory_shapes import Output, Plan, native, sql

COLUMNS = ("id", "k", "g", "v", "s")
TOTAL = ", ".join(f"{name} NULLS LAST" for name in ("v", "id", "k", "g", "s"))
WRITTEN = {"Inner": "JOIN", "Left": "LEFT JOIN", "Right": "RIGHT JOIN", "Full": "FULL JOIN", "Semi": "SEMI JOIN",
           "Anti": "ANTI JOIN"}
LONGEST = 2000  # characters of a text that grows
TRIES = 40


class Plans:
    """Makes one plan whose views lie in the reference."""

    def __init__(self, choice, reference, rows):
        self.choice, self.reference, self.rows = choice, reference, rows
        self.views, self.above, self.number = [], [], 0

    def any(self, *options):
        return self.choice.choice(options)

    def name(self):
        self.number += 1
        return f"v{self.number}"

    def count(self, query):
        return self.reference.database.execute(query).fetchone()

    def known(self):
        """A view to stand on, more often one of the last."""
        names = [view.name for view in self.above]
        return names[-1] if self.choice.random() < 0.5 else self.choice.choice(names)

    def plan(self, name):
        bases = self.any(1, 2, 2, 3)
        while len(self.above) < bases:
            self.take(self.base)
        operations = [self.filter, self.project, self.aggregate, self.aggregate, self.distinct, self.sets, self.lists, self.join,
                      self.join, self.join, self.keep, self.keep, self.window, self.window, self.union, self.limit, self.cross,
                      self.span, self.span]
        depth = self.choice.randint(2, 7)
        while depth > 0:
            depth -= self.take(self.choice.choice(operations))
        return self.finished(name)

    def take(self, operation):
        """One if the operation gives rows, and not too many."""
        for _ in range(TRIES):
            made = operation()
            if made is None:
                continue
            if self.fits(made):
                self.views += made
                self.above.append(made[-1])
                return 1
            for view in made[::-1]:
                self.reference.database.execute(f"DROP TABLE IF EXISTS {view.name}")
        return 0

    def fits(self, made):
        try:
            for view in made:
                self.reference.add(view)
        except duckdb.OutOfMemoryException:
            return False
        found, texts = self.count(f"SELECT count(*), coalesce(sum(strlen(s)), 0) FROM {made[-1].name}")
        return min(1000, self.rows // 100) <= found <= 2 * self.rows and texts <= 200 * self.rows

    def finished(self, name):
        """The plan with one to three outputs and only those views that they need."""
        last = self.above[-1].name
        ends = [last, *self.choice.sample([view.name for view in self.above[:-1]], min(len(self.above) - 1, self.any(0, 0, 1, 2)))]
        needed, waiting = set(), list(ends)
        views = {view.name: view for view in self.views}
        reads = lambda view: {word for word in memory_shapes.words(view.query) if word in views}
        while waiting:
            one = waiting.pop()
            if one not in needed:
                needed.add(one)
                waiting += reads(views[one])
        kept = [view for view in self.views if view.name in needed]
        readers = [one for view in kept for one in reads(view)] + ends
        shared = tuple(view.name for view in kept if readers.count(view.name) > 1 and self.choice.random() < 0.3)
        return Plan(name, kept, [self.output(end) for end in ends], shared)

    def output(self, view):
        sort = self.any((), (), ("s", "id"), ("v DESC", "s"), ("k",), ("g", "id DESC"))
        few = self.count(f"SELECT count(DISTINCT g) FROM {view}")[0] <= 30
        partition = ("g",) if few and self.choice.random() < 0.7 else ()
        return Output(view, tuple(entry for entry in sort if entry.split()[0] not in partition), partition)

    # Operations. Each gives new views, the last of which has all columns, or None.

    def base(self):
        table = self.any("facts", "facts", "facts", "others", "others", "dims", "wide", "nodes", "names", "sorted", "lists")
        where = self.any("", "", f" WHERE {self.condition()}", f" WHERE id % {self.any(2, 3, 10)} = 0")
        if table == "lists":
            items = memory_shapes.unnested(self.name(), table, ("id", "k", "g", "v", "s"), "items", "item")
            return [items, sql(self.name(), f"SELECT id, k, g, item AS v, s FROM {items.name}")]
        special = {"facts": "hot % 1000 AS g", "others": "hot % 1000 AS g", "nodes": "file % 20 AS g"}
        g = self.any("g", "g", special.get(table, "g"))
        return [sql(self.name(), f"SELECT id, k, {g}, v, s FROM {table}{where}")]

    def condition(self):
        return self.any("v % 3 = 1", "v > -20000", "v IS NULL OR v > 0", "s LIKE '%a%'", "k % 5 <> 2", "length(s) > 20", "g < 300",
                        "k IS NOT NULL AND s IS NOT NULL", "s > '8'", "id % 7 <> 3")

    def filter(self):
        source, condition = self.known(), self.condition()
        return [native(self.name(), "Filter", f"SELECT * FROM {source} WHERE {condition}", source=source, predicate=condition)]

    def project(self):
        changed = {"k": self.any("k % 100000", "k + 1", "id"), "g": self.any("g % 16", "g", "abs(v) % 500"),
                   "v": self.any("coalesce(v, 0) % 100000 + g", "length(s)", "v % 50"), "s": self.any("upper(s)", "s || '-'", "s")}
        picked = {name: changed[name] if name in changed and self.choice.random() < 0.5 else name for name in COLUMNS}
        picked = {name: f"CAST({value} AS BIGINT)" if "length" in value else value for name, value in picked.items()}
        source = self.known()
        columns = [name if name == value else {"name": name, "expr": value} for name, value in picked.items()]
        listed = ", ".join(f"{value} AS {name}" for name, value in picked.items())
        return [native(self.name(), "Project", f"SELECT {listed} FROM {source}", source=source, columns=columns)]

    def aggregate(self):
        source, keys = self.known(), self.any(("k",), ("k",), ("s",), ("g",), ("k", "s"), ("g", "v"), ("id",))
        small = "CAST(sum(v % 100000) AS BIGINT)"
        v = self.any(small, small, "count(*)", "count(DISTINCT s)", "count(DISTINCT k)", "max(v)",
                     "CAST(floor(median(CAST(v AS DOUBLE))) AS BIGINT)")
        g = self.any("max(g)", "max(g)", "min(g)", "count(DISTINCT v)")
        s = self.any("min(s)", "max(s)", "min(s)", "max(s)", f"substr(string_agg(s, ',' ORDER BY s), 1, {LONGEST})")
        chosen = {"id": "min(id)", "k": "max(k)", "g": g, "v": v, "s": s}
        simple = {"id": ("min", "id"), "k": ("max", "k"), "g": ("max", "g"), "v": ("max", "v"), "s": ("min", "s")}
        name = self.name()
        if self.choice.random() < 0.3:
            listed = ", ".join(column if column in keys else f"{simple[column][0]}({column}) AS {column}" for column in COLUMNS)
            measures = [{"function": simple[column][0], "column": column, "alias": column} for column in COLUMNS if column not in keys]
            return [native(name, "Aggregate", f"SELECT {listed} FROM {source} GROUP BY {', '.join(keys)}", source=source,
                           group_by=list(keys), aggregations=measures)]
        listed = ", ".join(column if column in keys else f"{chosen[column]} AS {column}" for column in COLUMNS)
        having = self.any("", "", " HAVING count(*) > 1")
        return [sql(name, f"SELECT {listed} FROM {source} GROUP BY {', '.join(keys)}{having}")]

    def sets(self):
        sets = self.any("GROUPING SETS ((k, g), (s), ())", "GROUPING SETS ((k, s), (g))", "ROLLUP (g, k, s)")
        return [sql(self.name(), f"SELECT min(id) AS id, k, g, count(*) AS v, s FROM {self.known()} GROUP BY {sets}")]

    def distinct(self):
        return [sql(self.name(), f"SELECT DISTINCT k AS id, k, g % 10 AS g, v % 10 AS v, s FROM {self.known()}")]

    def lists(self):
        """Lists of values, and a row an element again."""
        key = self.any("k", "g", "g", "k % 20000", "s")
        listed = ", ".join(column if column == key else f"min({column}) AS {column}" for column in COLUMNS if column != "v")
        first = sql(self.name(), f"SELECT {listed}, array_agg(v ORDER BY v) AS items FROM {self.known()} GROUP BY {key}")
        return [first, memory_shapes.unnested(self.name(), first.name, ("id", "k", "g", "s"), "items", "v")]

    def join(self):
        left, right = self.known(), self.known()
        one, two = self.any(("k", "k"), ("k", "k"), ("id", "id"), ("k", "id"), ("s", "s"), ("g", "g"), ("v", "v"))
        pairs = self.count(f"""SELECT coalesce(sum(l.n * r.n), 0) FROM (SELECT {one} AS x, count(*) AS n FROM {left} GROUP BY x) l
            JOIN (SELECT {two} AS x, count(*) AS n FROM {right} GROUP BY x) r ON l.x = r.x""")[0]
        if pairs > 2 * self.rows:
            return None
        kind = self.any("Inner", "Inner", "Left", "Right", "Full")
        side = "r" if kind == "Right" else "l"
        text = self.any(f"{side}.s", "coalesce(l.s, r.s)", f"substr(l.s || r.s, 1, {LONGEST})")
        if self.choice.random() < 0.5:
            other = "l" if side == "r" else "r"
            word = {"l": "left", "r": "right"}
            origins = [(side, "id"), (side, "k"), (other, "g"), (other, "v"), (side, "s")]
            listed = ", ".join(f"{owner}.{column} AS {column}" for owner, column in origins)
            return [native(self.name(), "Relate", f"SELECT {listed} FROM {left} l {WRITTEN[kind]} {right} r ON l.{one} = r.{two}",
                           left=left, right=right, join_type=kind, on=[{"left": one, "right": two}],
                           select=[f"{word[owner]}.{column} as {column}" for owner, column in origins])]
        extra = self.any("", "", " AND l.v < r.v", " AND l.s <> r.s", " AND l.g + r.g > 500") if kind in ("Inner", "Left") else ""
        return [sql(self.name(), f"""SELECT coalesce(l.id, r.id) AS id, coalesce(r.k, l.k) AS k, l.g AS g,
            coalesce(l.v, 0) % 100000 + coalesce(r.v, 0) % 100000 AS v, {text} AS s FROM {left} l {WRITTEN[kind]} {right} r
            ON l.{one} = r.{two}{extra}""")]

    def keep(self):
        """Rows with a match or without one, in all spellings."""
        left, right, key = self.known(), self.known(), self.any("k", "k", "id", "s")
        kind = self.any("Semi", "Anti")
        if self.choice.random() < 0.3:
            return [native(self.name(), "Relate", f"SELECT l.* FROM {left} l {WRITTEN[kind]} {right} r ON l.{key} = r.{key}",
                           left=left, right=right, join_type=kind, on=[key])]
        some = self.condition()
        condition = self.any(
            f"l.{key} IN (SELECT {key} FROM {right} WHERE {some})",
            f"l.{key} NOT IN (SELECT {key} FROM {right} WHERE {key} IS NOT NULL AND ({some}))",
            f"EXISTS (SELECT 1 FROM {right} r WHERE r.{key} = l.{key} AND r.v <> l.v)",
            f"NOT EXISTS (SELECT 1 FROM {right} r WHERE r.{key} = l.{key} AND r.g > l.g)",
            f"l.g < 100 OR EXISTS (SELECT 1 FROM {right} r WHERE r.{key} = l.{key})",
            f"l.v > 40000 OR l.{key} IN (SELECT {key} FROM {right} WHERE {some})")
        return [sql(self.name(), f"SELECT l.* FROM {left} l WHERE {condition}")]

    def window(self):
        partition = self.any("PARTITION BY k ", "PARTITION BY k ", "PARTITION BY g ", "PARTITION BY s ", "")
        frame = self.any("ROWS BETWEEN 5 PRECEDING AND 2 FOLLOWING", "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW")
        v = self.any(f"row_number() OVER ({partition}ORDER BY {TOTAL})", f"rank() OVER ({partition}ORDER BY v NULLS LAST)",
                     f"lag(v) OVER ({partition}ORDER BY {TOTAL})", f"sum(v % 1000) OVER ({partition}ORDER BY {TOTAL} {frame})",
                     f"count(*) OVER ({partition})")
        source, name = self.known(), self.name()
        s = self.any("s", "s", f"lead(s) OVER ({partition}ORDER BY {TOTAL})", f"max(s) OVER ({partition}ORDER BY {TOTAL})")
        return [sql(name, f"SELECT id, k, g, CAST({v} AS BIGINT) AS v, {s} AS s FROM {source}")]

    def union(self):
        sources = [self.known() for _ in range(self.any(2, 2, 3, 4))]
        if len(set(sources)) < len(sources):
            return None
        distinct = self.choice.random() < 0.3
        word = " UNION BY NAME " if distinct else " UNION ALL BY NAME "
        return [native(self.name(), "Union", word.join(f"SELECT * FROM {one}" for one in sources), sources=sources,
                       distinct=distinct)]

    def limit(self):
        cut = self.any(2000, self.rows // 10, self.rows // 2)
        order = self.any("s DESC NULLS LAST, ", "k NULLS LAST, ", "") + TOTAL
        return [sql(self.name(), f"SELECT id, k, g, v, s FROM {self.known()} ORDER BY {order} LIMIT {cut}")]

    def cross(self):
        return [sql(self.name(), f"""SELECT l.id, l.k, r.id AS g, l.v, l.s FROM {self.known()} l CROSS JOIN small r
            WHERE (l.id + l.k + r.id) % 20 = 0""")]

    def span(self):
        """Places in the files of `nodes`, with the nodes around them."""
        files = max(1, self.rows // 2 // memory_shapes.NODES)
        at = f"abs(coalesce(v, id)) * 31 % {memory_shapes.SPAN}"
        left = sql(self.name(), f"SELECT id, k, g, v, s, abs(k) % {files} AS file, {at} AS start_byte, {at} + 3 AS end_byte "
                                f"FROM {self.known()}")
        right = sql(self.name(), f"SELECT id, k, g, v, s, file, level, start_byte, end_byte FROM nodes "
                                 f"WHERE {self.any('level < 3', 'level > 0', 'g < 500', 'k >= 0')}")
        kind = self.any("inner", "inner", "nearest", "Semi", "Anti", "overlaps")
        if kind in ("Semi", "Anti"):
            joined = memory_shapes.spans(self.name(), left.name, "within", right.name, memory_shapes.WITHIN, kind)
        elif kind == "nearest":
            # Copies of a row have one id, and each has its own nearest: the naive query needs ids that are unique.
            if self.count(f"SELECT count(*) - count(DISTINCT id) FROM ({left.query})")[0]:
                return None
            joined = memory_shapes.innermost(self.name(), left.name, right.name)
        else:
            relation, condition = ("within", memory_shapes.WITHIN) if kind == "inner" else ("overlaps", memory_shapes.OVERLAPS)
            joined = memory_shapes.spans(self.name(), left.name, relation, right.name, condition)
        if kind in ("Semi", "Anti"):
            return [left, right, joined, sql(self.name(), f"SELECT id, k, g, v, s FROM {joined.name}")]
        text = self.any("s", "text", f"substr(s || text, 1, {LONGEST})")
        return [left, right, joined, sql(self.name(), f"SELECT id, other AS k, other % 1000 AS g, id % 1000 AS v, {text} AS s "
                                                      f"FROM {joined.name}")]
