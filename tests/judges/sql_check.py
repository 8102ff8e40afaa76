#!/usr/bin/env python3
"""Compares the rows of generated queries with those that DuckDB computes over the same tables.

    sql_check.py DRIVER [--seed N] [--queries N] [--batch N] [--keep FOLDER] [--cases TEXT]

First the queries of `sql_cases.py`, which are written by hand (with `--cases`, only those that hold a text), then generated ones. The
tables are small and hold what goes wrong: NULLs, copies, no rows, decimals, ends of time, NaN and -0, texts that look
like numbers. Queries are generated from a seed, which is printed: joins of all kinds with ON, USING and NATURAL, set
operations with and without ALL, subqueries in all positions (IN, NOT IN, EXISTS, ANY, ALL, scalar; correlated; below OR, CASE
and NOT; over aggregates), aggregates with FILTER, DISTINCT and ORDER BY, GROUPING SETS, windows with frames and IGNORE NULLS, LIMIT
under a total order. A batch of queries is one spec, a view and an output each. Prints a line a query that is

    WRONG rows differ | FAILED check passes and the run ends with an error | REFUSED CODE message

and then the counts. A generated query that the driver refuses is no fault; one that DuckDB refuses is left out. Exit status 1 when a
line is WRONG or FAILED, or a query that is written by hand is not what its case says. Skips loudly without DuckDB. Needs `pip install pyarrow deltalake duckdb`.
"""

import argparse
import datetime
import decimal
import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import duckdb
    import pyarrow
    from deltalake import DeltaTable, write_deltalake
except ImportError as error:
    print(f"SKIPPED: nothing was checked, because a library is missing: {error}")
    sys.exit(0)

import sql_cases

SECONDS = 600
COLUMNS = {
    "id": "int", "k": "int", "g": "int", "v": "int", "d": "decimal", "f": "float", "s": "text", "ts": "time", "day": "date",
    "b": "bool",
}
TYPES = {
    "id": pyarrow.int64(), "k": pyarrow.int32(), "g": pyarrow.int64(), "v": pyarrow.int64(), "d": pyarrow.decimal128(12, 2),
    "f": pyarrow.float64(), "s": pyarrow.string(), "ts": pyarrow.timestamp("us", "UTC"), "day": pyarrow.date32(),
    "b": pyarrow.bool_(),
}
LITERALS = {
    "int": ["0", "1", "2", "3", "7", "-1", "NULL"],
    "decimal": ["0.00", "1.5", "2.25", "-1.10", "100"],
    "float": ["0.0", "1.5", "-0.5", "CAST('NaN' AS DOUBLE)"],
    "text": ["'x'", "'y'", "''", "'10'", "'é'", "NULL"],
    "time": ["TIMESTAMPTZ '2024-01-01 00:00:00+00'", "TIMESTAMPTZ '2024-01-02 12:00:00+00'",
             "TIMESTAMPTZ '9999-12-31 23:59:59+00'", "TIMESTAMPTZ '1969-12-31 23:00:00+00'"],
    "date": ["DATE '2024-01-01'", "DATE '2024-02-29'", "DATE '9999-12-31'", "DATE '1969-12-31'"],
    "bool": ["true", "false", "NULL"],
}


def values(choice, count):
    """Columns of `count` rows; `id` is unique and never NULL."""
    utc = datetime.timezone.utc
    times = [datetime.datetime(2024, 1, 1, tzinfo=utc), datetime.datetime(2024, 1, 2, 12, tzinfo=utc),
             datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=utc),
             datetime.datetime(1969, 12, 31, 23, 0, 0, 1, tzinfo=utc)]
    days = [datetime.date(2024, 1, 1), datetime.date(2024, 2, 29), datetime.date(9999, 12, 31), datetime.date(1969, 12, 31)]
    pools = {
        "k": [1, 2, 3, 4, None], "g": [1, 2, 3, None], "v": [0, 1, 2, 2, 10, -5, 7, None, 1000000],
        "d": [decimal.Decimal(text) for text in ("0.00", "1.50", "2.25", "-1.10", "99999.99")] + [None],
        "f": [0.0, -0.0, 1.5, -0.5, 2.25, math.nan, None], "s": ["x", "y", "", "10", "9", "é", "X", None],
        "ts": [*times, None], "day": [*days, None], "b": [True, False, None],
    }
    columns = {name: [choice.choice(pool) for _ in range(count)] for name, pool in pools.items()}
    return {"id": list(range(1, count + 1)), **columns}


class Queries:
    """Generates queries over the tables `a`, `b` and the empty `e`, which have the same columns."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.aliases = 0

    def any(self, *options):
        return self.random.choice(options)

    def chance(self, share):
        return self.random.random() < share

    def table(self):
        return self.random.choices(["a", "b", "e"], [5, 5, 1])[0]

    def alias(self):
        self.aliases += 1
        return f"t{self.aliases}"

    def column(self, kind, scope):
        names = [name for name, own in COLUMNS.items() if own == kind]
        return f"{self.any(*scope)}.{self.any(*names)}"

    def kind(self):
        return self.any("int", "int", "int", "decimal", "float", "text", "time", "date", "bool")

    def value(self, kind, scope, depth=2):
        """An expression without a subquery that cannot fail."""
        share = self.random.random()
        if depth == 0 or share < 0.5:
            return self.column(kind, scope)
        if share < 0.62:
            return self.any(*LITERALS[kind]) if kind != "int" else self.any("1", "2", "7")
        inner = lambda other=kind: self.value(other, scope, depth - 1)
        if share < 0.72:
            return f"coalesce({inner()}, {inner()})"
        if share < 0.80:
            return f"CASE WHEN {self.predicate(scope, depth - 1, False)} THEN {inner()} ELSE {inner()} END"
        if share < 0.85:
            return f"nullif({inner()}, {self.column(kind, scope)})"
        if kind == "int":
            return self.any(f"({inner()} + {inner()})", f"({inner()} - {inner()})", f"abs({self.column('int', scope)})",
                            f"length({inner('text')})", f"({self.column('int', scope)} % 3)", f"greatest({inner()}, {inner()})",
                            f"(-{self.column('int', scope)})", f"CAST(extract(year FROM {self.column('date', scope)}) AS BIGINT)",
                            f"CAST(extract(month FROM {self.column('time', scope)}) AS BIGINT)", f"least({inner()}, {inner()})")
        if kind == "text":
            return self.any(f"upper({inner()})", f"concat({inner()}, {inner()})", f"({inner()} || {inner()})",
                            f"CAST({self.column('int', scope)} AS VARCHAR)", f"substr({inner()}, 1, 2)",
                            f"CAST({self.column('date', scope)} AS VARCHAR)", f"replace({inner()}, 'x', 'zz')")
        if kind == "decimal":
            return self.any(f"({self.column(kind, scope)} + {self.column(kind, scope)})", f"(- {self.column(kind, scope)})",
                            f"({self.column(kind, scope)} * 2)", f"abs({self.column(kind, scope)})")
        if kind == "float":
            return self.any(f"({inner()} + 1.0)", f"abs({inner()})", f"CAST({self.column('int', scope)} AS DOUBLE)",
                            f"({inner()} * {inner()})", f"CAST({self.column('decimal', scope)} AS DOUBLE)")
        if kind == "bool":
            return f"({self.predicate(scope, depth - 1, False)})"
        if kind == "date":
            return self.any(f"CAST({self.column('time', scope)} AS DATE)", f"greatest({inner()}, {inner()})")
        return f"greatest({inner()}, {inner()})"

    def predicate(self, scope, depth=2, subqueries=True):
        share = self.random.random()
        if depth > 0 and share < 0.15:
            return f"({self.predicate(scope, depth - 1, subqueries)} OR {self.predicate(scope, depth - 1, subqueries)})"
        if depth > 0 and share < 0.27:
            return f"({self.predicate(scope, depth - 1, subqueries)} AND {self.predicate(scope, depth - 1, subqueries)})"
        if depth > 0 and share < 0.35:
            return f"NOT ({self.predicate(scope, depth - 1, subqueries)})"
        if subqueries and depth > 0 and share < 0.65:
            return self.subquery_predicate(scope)
        kind = self.kind()
        own = self.value(kind, scope, 1)
        if share < 0.70:
            return f"{own} IS {self.any('', 'NOT ')}NULL"
        if share < 0.76:
            listed = ", ".join(self.random.sample(LITERALS[kind], 2))
            return f"{own} {self.any('', 'NOT ')}IN ({listed})"
        if share < 0.81:
            return f"{own} {self.any('', 'NOT ')}BETWEEN {self.value(kind, scope, 0)} AND {self.value(kind, scope, 0)}"
        if share < 0.86:
            return f"{own} IS {self.any('', 'NOT ')}DISTINCT FROM {self.value(kind, scope, 1)}"
        if share < 0.90:
            return f"{self.column('text', scope)} {self.any('', 'NOT ')}LIKE {self.any(chr(39) + '%x%' + chr(39), chr(39) + '_' + chr(39), chr(39) + '%' + chr(39))}"
        if share < 0.93:
            return self.column("bool", scope)
        return f"{own} {self.any('=', '<>', '<', '<=', '>', '>=')} {self.value(kind, scope, 1)}"

    def inner_where(self, alias, scope):
        """The condition of a subquery, correlated or not."""
        kind = self.any("int", "int", "text", "decimal", "date")
        conditions = []
        if self.chance(0.6):
            operator = self.any("=", "=", "=", "=", "<", ">=", "<>")
            conditions.append(f"{self.column(kind, [alias])} {operator} {self.column(kind, scope)}")
        if self.chance(0.5):
            conditions.append(self.predicate([alias], 1, False))
        return " WHERE " + " AND ".join(conditions) if conditions else ""

    def aggregate(self, kind, scope):
        """An aggregate whose value is of the kind."""
        value = self.value(kind, scope, 1)
        if kind == "int":
            return self.any(f"count({value})", "count(*)", f"CAST(sum({self.column('int', scope)}) AS BIGINT)",
                            f"max({value})", f"min({value})", f"count(DISTINCT {self.value(self.kind(), scope, 1)})")
        if kind == "bool":
            return self.any(f"bool_and({value})", f"bool_or({value})")
        if kind == "decimal":
            return self.any(f"max({value})", f"min({value})", f"CAST(sum({self.column('decimal', scope)}) AS DECIMAL(20, 2))")
        if kind == "float":
            return self.any(f"max({value})", f"min({value})", f"avg({self.column('int', scope)})")
        return f"{self.any('max', 'min')}({value})"

    def scalar_subquery(self, kind, scope):
        alias = self.alias()
        where = self.inner_where(alias, scope)
        return f"(SELECT {self.aggregate(kind, [alias])} FROM {self.table()} {alias}{where})"

    def subquery_predicate(self, scope):
        alias, kind = self.alias(), self.any("int", "int", "text", "decimal", "date", "float")
        where = self.inner_where(alias, scope)
        own = self.value(kind, scope, 1)
        table = self.table()
        grouped = f"SELECT {self.aggregate(kind, [alias])} FROM {table} {alias}{where}"
        if self.chance(0.5):
            grouped += f" GROUP BY {self.column('int', [alias])}"
            if self.chance(0.3):
                grouped += f" HAVING count(*) {self.any('>', '=')} 1"
        plain = f"SELECT {self.value(kind, [alias], 1)} FROM {table} {alias}{where}"
        if self.chance(0.15):
            plain = plain.replace("SELECT", "SELECT DISTINCT", 1)
        inner = grouped if self.chance(0.25) else plain
        share = self.random.random()
        if share < 0.25:
            return f"{own} IN ({inner})"
        if share < 0.5:
            return f"{own} NOT IN ({inner})"
        if share < 0.75:
            return f"{self.any('', 'NOT ')}EXISTS ({inner})"
        if share < 0.88:
            return f"{own} {self.any('=', '<>', '<', '<=', '>', '>=')} {self.any('ANY', 'ALL')} ({inner})"
        return f"{own} {self.any('=', '<', '>=')} {self.scalar_subquery(kind, scope)}"

    def source(self):
        """A FROM clause and its aliases, each with all columns."""
        share = self.random.random()
        first = self.alias()
        if share < 0.45:
            return f"{self.table()} {first}", [first]
        second = self.alias()
        join = self.any("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT JOIN")
        kind = self.any("int", "int", "int", "text", "decimal", "float", "date", "time")
        operator = "=" if join == "FULL JOIN" or self.chance(0.7) else self.any("<", ">=", "IS NOT DISTINCT FROM")
        condition = f"{self.column(kind, [first])} {operator} {self.column(kind, [second])}"
        if self.chance(0.4) and join != "FULL JOIN":
            condition += f" AND {self.predicate([first, second], 1, False)}"
        clause = f"{self.table()} {first} {join} {self.table()} {second} ON {condition}"
        if share < 0.8:
            return clause, [first, second]
        third = self.alias()
        kind = self.any("int", "text")
        return (f"{clause} {self.any('JOIN', 'LEFT JOIN')} {self.table()} {third} ON "
                f"{self.column(kind, [first])} = {self.column(kind, [third])}"), [first, second, third]

    def where(self, scope, share=0.7):
        return f" WHERE {self.predicate(scope)}" if self.chance(share) else ""

    # Kinds of queries.

    def plain(self):
        source, scope = self.source()
        columns = [self.value(self.kind(), scope) for _ in range(3)]
        if self.chance(0.25):
            columns.append(self.scalar_subquery(self.any("int", "text", "decimal"), scope))
        if self.chance(0.25):
            columns.append(f"({self.subquery_predicate(scope)})")
        if self.chance(0.1):
            columns.append(f"CASE WHEN {self.subquery_predicate(scope)} THEN 1 ELSE 0 END")
        listed = ", ".join(f"{column} AS c{n}" for n, column in enumerate(columns))
        return f"SELECT {self.any('', '', 'DISTINCT ')}{listed} FROM {source}{self.where(scope)}"

    def merged(self):
        """USING and NATURAL over a few columns."""
        keys = self.random.sample(["k", "g", "s", "d", "day", "f"], 2)
        sides = [f"(SELECT {', '.join(keys)}, v AS v{n} FROM {self.table()}) AS {self.alias()}" for n in range(3)]
        kinds = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]
        if self.chance(0.3):
            source = f"{sides[0]} NATURAL {self.any(*kinds)} {sides[1]}"
        else:
            using = ", ".join(keys)
            source = f"{sides[0]} {self.any(*kinds)} {sides[1]} USING ({using})"
            if self.chance(0.4):
                source += f" {self.any(*kinds)} {sides[2]} USING ({using})"
        condition = self.any("", f" WHERE {keys[0]} IS NULL", f" WHERE {keys[0]} IS NOT NULL", " WHERE v1 > 1", " WHERE v0 IS NULL")
        if self.chance(0.3):
            return f"SELECT {keys[0]} AS c0, count(*) AS c1, count(v1) AS c2 FROM {source}{condition} GROUP BY {keys[0]}"
        star = "*" if self.chance(0.2) else f"{keys[0]} AS c0, {keys[1]} AS c1, v0, v1"
        return f"SELECT {star} FROM {source}{condition}"

    def branch(self, kinds):
        alias = self.alias()
        columns = ", ".join(f"{self.value(kind, [alias], 1)} AS c{n}" for n, kind in enumerate(kinds))
        return f"SELECT {columns} FROM {self.table()} {alias}{self.where([alias], 0.4)}"

    def sets(self):
        kinds = [self.kind() for _ in range(self.any(1, 2))]
        query = self.branch(kinds)
        for _ in range(self.any(1, 1, 2)):
            operator = self.any("UNION", "UNION ALL", "EXCEPT", "EXCEPT ALL", "INTERSECT", "INTERSECT ALL")
            query = f"({query}) {operator} ({self.branch(kinds)})"
        return query

    def groups(self):
        source, scope = self.source()
        keys = [self.value(self.any("int", "text", "float", "date", "decimal", "bool"), scope, 1) for _ in range(self.any(1, 2))]
        aggregates = []
        for _ in range(3):
            aggregate = self.aggregate(self.kind(), scope)
            if self.chance(0.3):
                aggregate += f" FILTER (WHERE {self.predicate(scope, 1, False)})"
            aggregates.append(aggregate)
        if self.chance(0.2):
            only = f"{self.column('text', scope)}"
            aggregates.append(f"string_agg({only}, ',' ORDER BY {only})")
        if self.chance(0.15):
            aggregates.append(f"{self.any('stddev_samp', 'var_pop')}({self.column('int', scope)})")
        listed = ", ".join(f"{column} AS c{n}" for n, column in enumerate(keys + aggregates))
        having = self.any("", "", " HAVING count(*) > 1", f" HAVING {self.aggregate('int', scope)} >= 2")
        if self.chance(0.15):
            listed = ", ".join(f"{column} AS c{n}" for n, column in enumerate(aggregates))
            return f"SELECT {listed} FROM {source}{self.where(scope)}{having}"
        return f"SELECT {listed} FROM {source}{self.where(scope)} GROUP BY {', '.join(keys)}{having}"

    def grouping_sets(self):
        alias = self.alias()
        first, second = (f"{alias}.{name}" for name in self.random.sample(["k", "g", "s", "b", "f", "d"], 2))
        sets = self.any(f"GROUPING SETS (({first}), ({second}), ())", f"ROLLUP ({first}, {second})",
                        f"CUBE ({first}, {second})", f"GROUPING SETS (({first}, {second}), ({second}))")
        return (f"SELECT {first} AS c0, {second} AS c1, {self.aggregate('int', [alias])} AS c2, "
                f"grouping({first}) AS c3, {self.aggregate(self.kind(), [alias])} AS c4 "
                f"FROM {self.table()} {alias}{self.where([alias], 0.4)} GROUP BY {sets}")

    def windows(self):
        alias = self.alias()
        partition = f"PARTITION BY {self.column(self.any('int', 'text', 'bool', 'float'), [alias])} " if self.chance(0.7) else ""
        order = f"{self.column(self.any('int', 'decimal', 'date', 'float', 'text'), [alias])} {self.any('ASC', 'DESC')} NULLS {self.any('FIRST', 'LAST')}"
        total = f"{order}, {alias}.id"
        frame = self.any("", "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
                         "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", "ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING",
                         "ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING")
        columns = []
        for _ in range(3):
            kind = self.kind()
            value, number = self.column(kind, [alias]), self.column("int", [alias])
            nulls = self.any("", "", " IGNORE NULLS")
            columns.append(self.any(
                f"row_number() OVER ({partition}ORDER BY {total})",
                f"{self.any('rank', 'dense_rank', 'percent_rank', 'cume_dist')}() OVER ({partition}ORDER BY {order})",
                f"ntile({self.any(2, 3)}) OVER ({partition}ORDER BY {total})",
                f"{self.any('lead', 'lag')}({value}{self.any('', ', 1', ', 2', ', 3')}){nulls} OVER ({partition}ORDER BY {total})",
                f"{self.any('first_value', 'last_value')}({value}){nulls} OVER ({partition}ORDER BY {total} {frame})",
                f"nth_value({value}, 2) OVER ({partition}ORDER BY {total} {frame})",
                f"CAST(sum({number}) OVER ({partition}ORDER BY {total} {frame}) AS BIGINT)",
                f"{self.any('count', 'min', 'max')}({value}) OVER ({partition}ORDER BY {total} {frame})",
                f"count(*) OVER ({partition}ORDER BY {order})",
                f"CAST(sum({number}) OVER ({partition}ORDER BY {alias}.{self.any('v', 'g')} NULLS LAST RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING) AS BIGINT)",
                f"max({value}) OVER ({partition.strip()})",
            ))
        listed = ", ".join(f"{column} AS c{n}" for n, column in enumerate(columns))
        return f"SELECT {alias}.id AS i, {listed} FROM {self.table()} {alias}{self.where([alias], 0.3)}"

    def limited(self):
        alias = self.alias()
        order = f"{self.column(self.kind(), [alias])} {self.any('ASC', 'DESC')} NULLS {self.any('FIRST', 'LAST')}, {alias}.id"
        cut = self.any("LIMIT 1", "LIMIT 3", "LIMIT 2 OFFSET 2", "LIMIT 0", "LIMIT 5 OFFSET 1")
        inner = f"SELECT {alias}.* FROM {self.table()} {alias}{self.where([alias], 0.5)} ORDER BY {order} {cut}"
        outer = self.alias()
        columns = ", ".join(f"{self.value(self.kind(), [outer], 1)} AS c{n}" for n in range(2))
        return f"SELECT {columns} FROM ({inner}) {outer}{self.where([outer], 0.4)}"

    def chained(self):
        alias, other = self.alias(), self.alias()
        inner = self.aggregate("int", [alias])
        return (f"WITH w AS (SELECT {alias}.g AS g, {inner} AS n FROM {self.table()} {alias} GROUP BY {alias}.g) "
                f"SELECT x.g AS c0, x.n AS c1, y.n AS c2 FROM w x {self.any('JOIN', 'LEFT JOIN', 'FULL JOIN')} w y ON x.g = y.n "
                f"UNION ALL SELECT {other}.k, {other}.v, {other}.g FROM {self.table()} {other}{self.where([other], 0.6)}")

    def query(self):
        kinds = [self.plain, self.plain, self.plain, self.merged, self.sets, self.groups, self.groups, self.grouping_sets,
                 self.windows, self.limited, self.chained]
        return self.any(*kinds)()


def plain(value):
    """A value without what only its type says."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, (int, decimal.Decimal)):
        return f"{decimal.Decimal(value).normalize():f}".replace("-0", "0") if value == 0 else f"{decimal.Decimal(value).normalize():f}"
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value + 0.0:.9g}" if value else "0"
    if isinstance(value, datetime.datetime):
        value = value.astimezone(datetime.timezone.utc) if value.tzinfo else value
        return value.replace(tzinfo=None).isoformat()
    return str(value) if not isinstance(value, str) else repr(value)


def table_rows(table):
    """Rows of an Arrow table in one order. Timestamps are read as microseconds: Python has no year 10000."""
    return sorted("|".join(map(plain, row.values())) for row in table.to_pylist())


class Run:
    """Runs batches of queries in a folder that holds the tables."""

    def __init__(self, driver, folder, tables):
        self.driver, self.folder, self.tables = driver, folder, list(tables)
        self.database = duckdb.connect()
        self.database.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            write_deltalake(f"{folder}/{name}", table)
            self.database.register(name, table)

    def wanted(self, query, leave_out=()):
        """The rows, without the columns that have one of the types to leave out."""
        # DuckDB has the words within the parentheses.
        query = re.sub(r"\) IGNORE NULLS OVER", " IGNORE NULLS) OVER", query)
        try:
            table = self.database.execute(query).to_arrow_table()
            return table_rows(table.select([n for n, field in enumerate(table.schema) if field.type not in leave_out]))
        except (duckdb.Error, pyarrow.ArrowException, OverflowError, ValueError):
            return None

    def command(self, *arguments):
        ran = subprocess.run([self.driver, *arguments, "--format", "json"], capture_output=True, text=True, cwd=self.folder,
                             timeout=SECONDS)
        said = [json.loads(line) for line in ran.stderr.splitlines() if line.startswith("{")]
        if ran.stdout.startswith("{"):
            said += json.loads(ran.stdout).get("diagnostics", [])
        return ran, [one for one in said if one.get("severity") != "warning"]

    def rows(self, queries):
        """What the driver makes of each query: ('rows', rows), ('refused', message) or ('failed', message)."""
        spec = ["version: 4", "input_relations:"]
        spec += [f"  - {{logical_name: {name}, delta_location: {name}}}" for name in self.tables]
        spec.append("view_definitions:")
        for name, query in queries.items():
            spec += [f"  - name: {name}", f"    transform: {{kind: Sql, query: {json.dumps(query, ensure_ascii=False)}}}"]
        spec.append("output_targets:")
        spec += [f"  - {{table_name: o_{name}, source_view: {name}}}" for name in queries]
        with open(f"{self.folder}/spec.yaml", "w", encoding="utf-8") as file:
            file.write("\n".join(spec) + "\n")
        for name in queries:
            shutil.rmtree(f"{self.folder}/o_{name}", ignore_errors=True)
        checked, said = self.command("check", "spec.yaml")
        text = " ; ".join(f"{one.get('code', '')} {one.get('message', '')}" for one in said) or checked.stderr[-300:]
        if checked.returncode:
            if len(queries) == 1:
                return {name: ("refused" if checked.returncode == 1 else "failed", text) for name in queries}
            return self.halves(queries)
        ran, said = self.command("run", "spec.yaml")
        if ran.returncode:
            text = " ; ".join(f"{one.get('code', '')} {one.get('message', '')}" for one in said) or ran.stderr[-300:]
            return {name: ("failed", text) for name in queries} if len(queries) == 1 else self.halves(queries)
        return {name: ("rows", table_rows(DeltaTable(f"{self.folder}/o_{name}").to_pyarrow_table())) for name in queries}

    def halves(self, queries):
        names = list(queries)
        half = len(names) // 2
        return {**self.rows({name: queries[name] for name in names[:half]}),
                **self.rows({name: queries[name] for name in names[half:]})}


def by_hand(driver, folder, text, batch, counts):
    """Runs the cases that hold a text."""
    run = Run(driver, folder, sql_cases.TABLES)
    cases = {f"q{number}": case for number, case in enumerate(sql_cases.CASES) if text in case.query}
    wanted = {name: run.wanted(case.duckdb) if case.how == "same" else case.rows for name, case in cases.items()}
    with_rows = [name for name, case in cases.items() if case.how in ("same", "gives")]
    found = {}
    for start in range(0, len(with_rows), batch):
        found.update(run.rows({name: cases[name].query for name in with_rows[start:start + batch]}))
    for name in set(cases) - set(with_rows):
        found.update(run.rows({name: cases[name].query}))
    for name, case in cases.items():
        how, what = found[name]
        if case.how == "same" and wanted[name] is None:
            line = "unjudged"
        elif how == "rows":
            line = "right" if case.how in ("same", "gives") and what == sorted(wanted[name]) else "WRONG"
        elif case.how == "error":
            line = "right"
        else:
            line = "right" if case.how == how else {"failed": "FAILED", "refused": "REFUSED"}[how]
        counts[line] += 1
        if line != "right":
            print(f"{line} {case.query}\n    wanted {case.how} {wanted[name]} {case.why or ''}\n    found {how} {what}", flush=True)
    return counts["WRONG"] + counts["FAILED"] + counts["REFUSED"] + counts["unjudged"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("driver")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--cases", default="", help="only the queries written by hand that hold this text")
    parser.add_argument("--keep", help="a folder for tables and specs that stays")
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    folder = asked.keep or tempfile.mkdtemp(prefix="sql-check-")
    os.makedirs(folder, exist_ok=True)
    counts = {"right": 0, "WRONG": 0, "FAILED": 0, "REFUSED": 0, "unjudged": 0}
    os.makedirs(f"{folder}/cases", exist_ok=True)
    faults = by_hand(os.path.abspath(asked.driver), f"{folder}/cases", asked.cases, asked.batch, counts)
    print("by hand: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()), flush=True)
    if asked.cases:
        sys.exit(1 if faults else 0)
    choice = random.Random(asked.seed)
    schema = pyarrow.schema([(name, TYPES[name]) for name in COLUMNS])
    tables = {name: pyarrow.table(values(choice, count), schema=schema) for name, count in (("a", 14), ("b", 11), ("e", 0))}
    run = Run(os.path.abspath(asked.driver), folder, tables)
    generated = Queries(asked.seed)
    counts = dict.fromkeys(counts, 0)
    left = asked.queries
    while left > 0:
        queries, wanted = {}, {}
        while len(queries) < min(asked.batch, left):
            query = generated.query()
            # A generated column without a type is NULL in every row, and no output has it (W0014).
            rows = run.wanted(query, leave_out=(pyarrow.null(),))
            if rows is None:
                counts["unjudged"] += 1
                continue
            name = f"q{len(queries)}"
            queries[name], wanted[name] = query, rows
        left -= len(queries)
        for name, (how, what) in run.rows(queries).items():
            if how == "rows" and what == wanted[name]:
                counts["right"] += 1
                continue
            line = {"rows": "WRONG", "failed": "FAILED", "refused": "REFUSED"}[how]
            counts[line] += 1
            print(f"{line} {queries[name]}")
            if how == "rows":
                more = [row for row in what if what.count(row) > wanted[name].count(row)]
                less = [row for row in wanted[name] if wanted[name].count(row) > what.count(row)]
                what = f"{len(what)} rows for {len(wanted[name])}; too many {more[:4]}, missing {less[:4]}"
            print(f"    {what}", flush=True)
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    if not asked.keep:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if faults or counts["WRONG"] or counts["FAILED"] else 0)


if __name__ == "__main__":
    main()
