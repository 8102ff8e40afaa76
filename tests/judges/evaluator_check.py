#!/usr/bin/env python3
"""Compares the rows that the evaluator of `tests/differential` computes with those of DuckDB.

    cargo run --release -p codeanatomy-differential -- --seeds 1000 --make-only --queries FOLDER
    evaluator_check.py FOLDER [--show N]

Every view that another engine can compute is one query over tables with the rows that the evaluator gives to what the view reads.
Prints a line for each view whose rows differ, and how many are equal. Exit status 1 when some differ, or DuckDB refuses a query.
Skips loudly without DuckDB. Needs `pip install pyarrow duckdb`.
"""

import argparse
import collections
import datetime
import decimal
import json
import math
import pathlib
import sys

try:
    import duckdb
    import pyarrow
except ImportError as error:
    print(f"SKIPPED: nothing was checked, because a library is missing: {error}")
    sys.exit(0)

TYPES = {
    "Int": pyarrow.int64(), "Float": pyarrow.float64(), "Text": pyarrow.string(), "Token": pyarrow.string(),
    "Bool": pyarrow.bool_(), "Decimal": pyarrow.decimal128(22, 2), "Date": pyarrow.date32(),
    "Timestamp": pyarrow.timestamp("us"), "Ints": pyarrow.list_(pyarrow.int64()), "Texts": pyarrow.list_(pyarrow.string()),
    "Pair": pyarrow.struct([("a", pyarrow.int64()), ("b", pyarrow.string())]),
}


def value_of(kind, value):
    """The value of Python for a value of the file."""
    if value is None:
        return None
    match kind:
        case "Float":
            return float(value)
        case "Decimal":
            return decimal.Decimal(value)
        case "Date":
            return datetime.date.fromisoformat(value)
        case "Timestamp":
            return datetime.datetime.fromisoformat(value)
        case _:
            return value


def comparable(value):
    """Equal numbers are one, whatever their types; so are the two zeros, and all NaN."""
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, (int, float, decimal.Decimal)):
        if isinstance(value, float) and not math.isfinite(value):
            return repr(value)
        return repr(decimal.Decimal(value).normalize() + 0)
    if isinstance(value, list):
        return repr([comparable(one) for one in value])
    if isinstance(value, dict):
        return repr([comparable(one) for one in value.values()])
    return repr(value)


def multiset(rows):
    return collections.Counter(tuple(comparable(value) for value in row) for row in rows)


def relation_rows(relation):
    kinds = [kind for _, kind in relation["columns"]]
    return [[value_of(kind, value) for kind, value in zip(kinds, row)] for row in relation["rows"]]


def check(path, show):
    """How many views of a file are equal, and how many are not."""
    case = json.loads(path.read_text())
    connection = duckdb.connect()
    connection.execute("SET integer_division = true")
    # Unicode has two upper cases of this letter; DuckDB takes the one that is a letter.
    connection.execute("CREATE MACRO upper(letters) AS replace(ucase(letters), chr(7838), 'SS')")
    for name, relation in case["relations"].items():
        rows = relation_rows(relation)
        columns = [
            pyarrow.array([row[at] for row in rows], TYPES[kind]) for at, (_, kind) in enumerate(relation["columns"])
        ]
        table = pyarrow.Table.from_arrays(columns, names=[column for column, _ in relation["columns"]])
        connection.register("given", table)
        connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM given')
        connection.unregister("given")
    equal = different = 0
    for name, query in case["queries"].items():
        relation = case["relations"][name]
        columns = ", ".join(column for column, _ in relation["columns"])
        try:
            found = connection.execute(f"SELECT {columns} FROM ({query})").fetchall()
        except duckdb.Error as error:
            different += 1
            print(f"REFUSED {path.stem} {name}: {str(error).splitlines()[0]}\n    {query}")
            continue
        found, right = multiset(found), multiset(relation_rows(relation))
        if found == right:
            equal += 1
            continue
        different += 1
        print(f"DIFFERS {path.stem} {name}: {query}")
        for word, rows in (("only of the evaluator", right - found), ("only of DuckDB", found - right)):
            for row in list(rows)[:show]:
                print(f"    {word}: {row}")
    return equal, different


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--show", type=int, default=3, help="how many rows of a difference are shown")
    arguments = parser.parse_args()
    equal = different = 0
    for path in sorted(arguments.folder.glob("*.json")):
        counts = check(path, arguments.show)
        equal, different = equal + counts[0], different + counts[1]
    print(f"{equal} views equal, {different} not (DuckDB {duckdb.__version__})")
    sys.exit(1 if different or not equal else 0)


if __name__ == "__main__":
    main()
