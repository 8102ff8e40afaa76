"""The tables of `memory_check.py`, what DuckDB makes of a plan over them, and how an output of the driver is compared with it.

Rows are compared as multisets, by their number and two sums of hashes over them; only where these differ, row by row.
"""

import os
import shutil
import sys

import duckdb
import pyarrow.dataset
from deltalake import DeltaTable, WriterProperties, write_deltalake

import memory_shapes


def normal(columns):
    """The columns as expressions whose types do not depend on who wrote them."""
    whole = ("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
    kind = lambda type_: "BIGINT" if type_ in whole else "DOUBLE" if type_ == "FLOAT" else type_
    return {name: f'CAST("{name}" AS {kind(type_)})' for name, type_ in columns.items()}


def columns_of(database, relation):
    return {row[0]: row[1] for row in database.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}


class Reference:
    """The tables, and what DuckDB makes of a plan's views."""

    def __init__(self, folder, rows, seed):
        self.folder, self.rows, self.seed, self.tables = folder, rows, seed, []
        self.database = duckdb.connect()
        self.database.execute("SET memory_limit = '4GB'; SET threads = 2; SET preserve_insertion_order = false")
        self.database.execute(f"SET temp_directory = '{folder}/duckdb'")

    def location(self, name):
        return f"{self.folder}/tables/{name}"

    def make(self, run):
        """The tables, unless the folder has them already; each has four files with several row groups. `run` runs a plan."""
        stamp = f"{self.rows} rows, seed {self.seed}, made from {sorted(memory_shapes.table_queries(self.rows, self.seed).items())}"
        marker = f"{self.folder}/tables/made.txt"
        fresh = not os.path.exists(marker) or open(marker, encoding="utf-8").read() != stamp
        if fresh:
            shutil.rmtree(f"{self.folder}/tables", ignore_errors=True)
        for name, query in memory_shapes.table_queries(self.rows, self.seed).items():
            if fresh:
                self.write(name, query)
            self.know(name)
        if fresh:
            plan = memory_shapes.SORTED
            ran = run(plan, f"{self.folder}/tables")
            if ran.status:
                sys.exit(f"the table `sorted` cannot be made: {ran.code} {ran.message}")
            os.rename(self.location(plan.outputs[0].table), self.location("sorted"))
            with open(marker, "w", encoding="utf-8") as file:
                file.write(stamp)
        self.know("sorted")

    def write(self, name, query):
        rows = self.database.sql(f"SELECT * FROM ({query}) ORDER BY id").to_arrow_table()
        part = max(1, rows.num_rows // 4 + 1)
        for start in range(0, rows.num_rows, part):
            write_deltalake(self.location(name), rows.slice(start, part), mode="append",
                            writer_properties=WriterProperties(max_row_group_size=max(1000, part // 4), compression="SNAPPY"))

    def know(self, name):
        files = DeltaTable(self.location(name)).file_uris()
        self.database.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({files})")
        self.tables.append(name)

    def begin(self, name):
        self.database.execute(f"CREATE SCHEMA {name}; SET search_path = '{name},main'")

    def add(self, view):
        """A view's rows, as a table."""
        self.database.execute(f"CREATE TABLE {view.name} AS {view.query}")

    def drop(self, name):
        self.database.execute(f"SET search_path = 'main'; DROP SCHEMA {name} CASCADE")

    def print_of(self, database, relation, columns):
        """The number of rows and two sums over them that no other rows have."""
        listed = list(normal(columns).values())
        first, second = ", ".join(listed), ", ".join([*reversed(listed), "'again'"])
        return database.execute(f"SELECT count(*), sum(CAST(hash({first}) AS HUGEINT)), sum(CAST(hash({second}) AS HUGEINT)) "
                                f"FROM {relation}").fetchone()

    def difference(self, plan, output, place):
        """What is wrong with a table that the driver has written, or None."""
        database = self.database.cursor()
        table = DeltaTable(place)
        database.register("found", table.to_pyarrow_dataset())
        wanted = f"{plan.name}.{output.view}"
        columns, found = columns_of(database, wanted), columns_of(database, "found")
        if set(columns) != set(found):
            return f"{output.table}: columns {sorted(found)} for {sorted(columns)}"
        if self.print_of(database, wanted, columns) != self.print_of(database, "found", columns):
            said = self.rows_that_differ(database, wanted, columns)
            if said:
                return f"{output.table}: {said}"
        return self.disorder(database, output, table.file_uris()) if output.sort_by else None

    def rows_that_differ(self, database, wanted, columns):
        sides = [f"SELECT {', '.join(f'{value} AS {name}' for name, value in normal(columns).items())} FROM {side}"
                 for side in ("found", wanted)]
        counts = [database.execute(f"SELECT count(*) FROM ({side})").fetchone()[0] for side in sides]
        floats = [name for name, type_ in columns.items() if type_ in ("DOUBLE", "FLOAT")]
        if floats and counts[0] == counts[1]:
            order = ", ".join([name for name in columns if name not in floats] + floats)
            one, two = (f"(SELECT *, row_number() OVER (ORDER BY {order}) AS at_place FROM ({side}))" for side in sides)
            near = lambda name: f"abs(a.{name} - b.{name}) <= 1e-9 * greatest(1, abs(b.{name}))"
            same = [f"coalesce({near(name)}, a.{name} IS NOT DISTINCT FROM b.{name})" if name in floats
                    else f"a.{name} IS NOT DISTINCT FROM b.{name}" for name in columns]
            if not database.execute(f"SELECT count(*) FROM {one} a JOIN {two} b USING (at_place) "
                                    f"WHERE NOT ({' AND '.join(same)})").fetchone()[0]:
                return None
        only = [database.execute(f"SELECT left(CAST(t AS VARCHAR), 200) FROM (({a}) EXCEPT ALL ({b}) LIMIT 2) t").fetchall()
                for a, b in (sides, sides[::-1])]
        return f"{counts[0]} rows for {counts[1]}; too many {[row[0] for row in only[0]]}, missing {[row[0] for row in only[1]]}"

    def disorder(self, database, output, files):
        keys = [f"{entry.split()[0]} DESC NULLS FIRST" if entry.endswith(" DESC") else f"{entry} ASC NULLS LAST"
                for entry in output.sort_by]
        for file in files:
            moved = database.execute(f"""SELECT count(*) FROM (SELECT file_row_number AS was, row_number() OVER
                (ORDER BY {', '.join(keys)}, file_row_number) - 1 AS place FROM read_parquet('{file}', file_row_number = true,
                hive_partitioning = false)) WHERE was <> place""").fetchone()[0]
            if moved:
                return f"{output.table}: {moved} rows of a file are not where its order has them"
        return None
