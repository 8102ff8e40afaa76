#!/usr/bin/env python3
"""Recomputes every hash that the driver prints and records, after `ir/hash/HASHES.md` alone.

    hashes_check.py DRIVER [--keep FOLDER] [--cases DIR] [--only TEXT]

The definitions are in `hashes_definitions.py`. First the vectors of the page. Then cases: the specs of `tests/cases` (DIR) over
their tables, which are made with the Delta library for Python; the shipped spec over extracted repositories; generated specs over
a lake that is made here: every kind of transform, parameters, pins, change feeds, lineage, metadata, lists of files, YAML and
JSON, a log whose beginning is gone, deleted rows. Of each, `compile --emit identity` is compared with what follows from

    spec_hash           the text of the spec with the defaults of `driver schema`, and `--emit spec`
    identity_hash       the log of the table on disk; types of nested columns, and what of the table is read, are the graph's
    hashes of plans     what is printed beside them
    content_hash        the contents, inputs first; operations must be those of `--emit ir`, inputs those of `--emit json`

Then the spec is run: its record must have the same hashes, and the tags of every data file and commit must be the digests of the
rows that the files hold (`MISSING` where there is none). The tables are compacted by the Delta library, after which they must have
the same digest as before. The same goes for builds. Last, specs and tables are changed, and those hashes must differ that the page
says, and no others. Prints a line a case

    ok NAME | WRONG NAME what | SKIPPED NAME why

and counts. `--keep` keeps specs and tables; with `--only`, cases whose names hold a text. Exit status 1 when a line is WRONG or
fewer than 50 cases were compared. Skips loudly without a library. Needs `pip install blake3 xxhash deltalake pyarrow pyyaml`.
"""

import argparse
import collections
import copy
import datetime
import decimal
import functools
import json
import math
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

try:
    import blake3
    import pyarrow
    import xxhash
    import yaml
    from deltalake import DeltaTable, write_deltalake
except ImportError as error:
    print(f"SKIPPED: nothing was checked, because a library is missing: {error}")
    sys.exit(0)

import hashes_definitions as page

# Specs of this judge read and write beside their folder.
os.environ["CODEANATOMY_ALLOW"] = "/"

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SECONDS = 600
SIZES = {"--threads": "2", "--memory-limit": "1GiB", "--spill-limit": "1GiB"}
ENOUGH = 50


class Yaml(yaml.SafeLoader):
    """YAML 1.2: dates are texts, and so are `yes` and `no`."""


Yaml.yaml_implicit_resolvers = {}
for tag, form, first in [
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
]:
    Yaml.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{form})$"), first)


class WithoutAliases(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


def as_yaml(spec, sort_keys=False):
    return yaml.dump(spec, Dumper=WithoutAliases, allow_unicode=True, sort_keys=sort_keys)


def read_spec(text):
    """YAML or JSON; of YAML, JSON is a part but for escapes of halves of characters."""
    return json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, Yaml)


class Refused(Exception):
    """The driver ended with an error, or a case cannot be made."""


class Driver:
    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.schema = page.SpecSchema(json.loads(self.said("schema")))

    def said(self, *arguments, sizes=SIZES):
        command = [self.path, *map(str, arguments), *(word for size in sizes.items() for word in size)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        if ran.returncode:
            raise Refused(f"{' '.join(command[1:3])} ends with {ran.returncode}: {' '.join(ran.stderr.split())[:300]}")
        return ran.stdout

    def emitted(self, spec, form, sizes=SIZES):
        return self.said("compile", spec, "--emit", form, sizes=sizes)

    def identity(self, spec, sizes=SIZES):
        return json.loads(self.emitted(spec, "identity", sizes))

    def run(self, spec):
        """The record of a run."""
        self.said("run", spec, "-q")
        return last_record(spec.parent)


def last_record(folder):
    return json.loads(max((folder / ".codeanatomy" / "runs").glob("*.json")).read_text(encoding="utf-8"))


class Report:
    def __init__(self, only):
        self.only, self.counts = only, collections.Counter()

    def judge(self, name, check, *arguments):
        """Prints what a check found: a list of what is wrong, empty if all is right. True if it was compared."""
        if self.only not in name:
            return False
        try:
            faults = check(*arguments)
        except Refused as why:
            self.say("SKIPPED", name, str(why))
            return False
        except Exception as error:
            faults = [f"the judge fails: {type(error).__name__} {error}"]
        self.say("WRONG" if faults else "ok", name, "; ".join(faults))
        return True

    def say(self, word, name, what):
        self.counts[word] += 1
        print(" ".join(filter(None, [word, name, what])), flush=True)


def same(what, mine, printed):
    return [] if mine == printed else [f"{what} is {printed}, not {mine}"]


# The vectors


def check_vectors():
    text = (ROOT / "ir" / "hash" / "HASHES.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| `(.+)` \| `([0-9a-f]{64})` \|$", text, re.M)
    faults = [] if len(rows) >= 10 else [f"only {len(rows)} vectors found"]
    for domain, value, wanted in rows:
        faults += same(f"{domain} {value}", page.digest(domain, json.loads(value)), wanted)
    return faults


def check_own_digest():
    """The digests of the page's table of vectors, and those of rows whose states are added up by hand here."""
    body = (ROOT / "ir" / "hash" / "HASHES.md").read_text(encoding="utf-8")
    vectors = re.findall(r"^\| `(\[.*\])` \| `(\[.*\])` \| `(2:[0-9a-f]{32}:\d+)` \|$", body, re.M)
    faults = [] if len(vectors) >= 8 else [f"only {len(vectors)} digests found"]
    kinds = {"long": pyarrow.int64(), "double": pyarrow.float64(), "string": pyarrow.string()}
    for columns, rows, wanted in vectors:
        fields = [{"name": name, "type": array_type(kind)} for name, kind in json.loads(columns)]
        rows = [dict(zip((field["name"] for field in fields), row)) for row in json.loads(rows)]
        made = [pyarrow.array([row[field["name"]] for row in rows], vector_type(field["type"], kinds))
                for field in page.by_name(fields)]
        faults += same(columns, str(page.digest_of_columns(fields, made, len(rows))), wanted)
    fields = [{"name": "s", "type": "string"}, {"name": "n", "type": "short"}]
    data = blake3.blake3(page.encoded("codeanatomy rows 2") + page.encoded([["n", "short"], ["s", "string"]])).digest(length=384)
    key = [int.from_bytes(data[at:at + 8], "little") for at in range(0, 384, 8)]
    wide = [int.from_bytes(data[at:at + 16], "little") for at in range(0, 384, 16)]
    start, number, no_number, no_text = wide[1], wide[9] | 1, wide[8], wide[16]
    pair = lambda first, second: (2**64 + (first + key[40]) % 2**64) * (2**64 + (second + key[41]) % 2**64)
    states = [start + 2 * number + no_text, start + no_number + pair(0, 0), start + (2**64 - 1) * number + pair(2 + (0xa9c3 << 32), 0)]
    wanted = page.RowsDigest(sum(page.permuted(state % 2**128) for state in states), 3)
    columns = [pyarrow.array([2, None, -1], pyarrow.int16()), pyarrow.array([None, "", "é"])]
    faults += same("seed", page.seed(fields), key[0]) + same("seed", page.seed(fields[::-1]), key[0])
    faults += same("digest", str(page.digest_of_columns(fields, columns, 3)), str(wanted))
    map_type = {"type": "map", "keyType": "string", "valueType": {"type": "array", "elementType": "decimal(5,2)"}}
    record = {"type": "struct", "fields": [{"name": "é", "type": map_type}, {"name": "b", "type": "double"}]}
    return faults + same("type", page.type_name(record), "struct<2:é:map<string,array<decimal(5,2)>>,1:b:double>")


def array_type(kind):
    return {"type": "array", "elementType": array_type(kind[6:-1])} if kind.startswith("array<") else kind


def vector_type(kind, kinds):
    return kinds[kind] if isinstance(kind, str) else pyarrow.list_(vector_type(kind["elementType"], kinds))


# Tables


PLAIN = {
    "Int8": pyarrow.int8(), "Int16": pyarrow.int16(), "Int32": pyarrow.int32(), "Int64": pyarrow.int64(),
    "Float32": pyarrow.float32(), "Float64": pyarrow.float64(), "Boolean": pyarrow.bool_(), "Utf8": pyarrow.string(),
    "Date32": pyarrow.date32(), "Timestamp(µs)": pyarrow.timestamp("us"),
}
# The types of columns in the text form of graphs.
PRINTED = {
    "byte": "Int8", "short": "Int16", "integer": "Int32", "long": "Int64", "float": "Float32", "double": "Float64",
    "boolean": "Boolean", "string": "Utf8View", "binary": "BinaryView", "date": "Date32", "timestamp_ntz": "Timestamp(µs)",
    "timestamp": 'Timestamp(µs, "UTC")', "void": "Null",
}


def arrow_type(text):
    """A type that a fixture of `tests/cases` names."""
    if text in PLAIN:
        return PLAIN[text]
    form, _, inside = text.removesuffix(")").partition("(")
    if form == "List":
        return pyarrow.list_(arrow_type(inside))
    if form == "Struct":
        return pyarrow.struct([(name, arrow_type(kind)) for name, kind in re.findall(r'"([^"]+)": (\w+)', inside)])
    raise Refused(f"its tables have the type {text}, of which the judge knows nothing")


def arrow_column(values, kind):
    if pyarrow.types.is_temporal(kind):
        return pyarrow.array(values, pyarrow.string()).cast(kind)
    return pyarrow.array(values, kind)


def make_fixture(place, description):
    """Makes a table that a file in `tables/` of a case describes."""
    fields = [pyarrow.field(name, arrow_type(kind.removesuffix("!")), not kind.endswith("!"))
              for name, kind in description["schema"].items()]
    for commit in description["commits"]:
        columns = [arrow_column([row[field.name] for row in commit["rows"]], field.type) for field in fields]
        write_deltalake(place, pyarrow.table(columns, pyarrow.schema(fields)), mode=commit["mode"],
                        partition_by=description.get("partition_by"), configuration=description.get("properties"))


def write(place, columns, **options):
    write_deltalake(place, pyarrow.table(columns), **options)


def make_lake(lake):
    """The tables that generated specs read."""
    days = [datetime.date(2024, 1, 1), datetime.date(1969, 12, 31), None]
    feed = {"delta.enableChangeDataFeed": "true"}
    people = {"id": [1, 2, 3], "name": ["Ann", "Bob", None], "team": ["a", "b", "a"], "born": days, "score": [0.5, None, -2.25],
              "active": [True, False, None]}
    write(lake / "people", people, configuration=feed)
    write(lake / "people", {**people, "id": [4, 5, 6]}, mode="append")
    write(lake / "people", {**people, "id": [7, 8, 9]}, mode="overwrite")
    notes = {"person": [1, 2, 2, 7], "text": [" Café ", "x", None, "Y"], "start": [0, 5, 5, None], "end": [9, 7, 6, 3]}
    write(lake / "notes", notes)
    tags = pyarrow.array([["x", None], [], None, ["y"]], pyarrow.list_(pyarrow.string()))
    write(lake / "posts", {"id": [1, 2, 3, 4], "tags": tags, "likes": [3, 1, 4, 1]})
    spans = {"bstart": [0, 4], "bend": [4, 9]}
    write(lake / "nodes", {"node_id": [1, 2], "node_kind": ["A", "B"], "path": ["p", "q"], "name": ["n", None], **spans})
    write(lake / "events", {"id": [1, 2, 3], "day": ["mon", "a/b=c d%é", None]}, partition_by=["day"])
    write(lake / "everything", every_type())
    shutil.copytree(lake / "everything", lake / "featured")
    edit_log(lake / "featured", 0, add_features)
    numbers = list(range(40000))
    texts = [f"{number * 2654435761 % 2**32:x} {number * 40503 % 65537}" for number in numbers]
    write(lake / "many", {"id": numbers, "text": texts, "group": [number % 3 for number in numbers]})
    write(lake / "cleaned", {"id": [1, 2], "day": ["mon", "tue"]}, partition_by=["day"])
    write(lake / "cleaned", {"id": [3], "day": ["wed"]}, mode="append", partition_by=["day"])
    clean_log(lake / "cleaned", lake / "removed")
    write(lake / "deleted", {"id": [1, 2, 3, 4, 5], "name": list("abcde")})
    delete_rows(lake / "deleted", [1, 3])


def every_type():
    """A column of every type, with the values that go wrong."""
    utc = datetime.timezone.utc
    times = [datetime.datetime(2024, 2, 29, 12, 30, 0, 5), datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), None,
             datetime.datetime(9999, 12, 31), datetime.datetime(1, 1, 1)]
    numbers = [decimal.Decimal(text) for text in ("0.000", "-1.500", "12345678901234567890123456789012345.678")]
    item = pyarrow.struct([("x y", pyarrow.int64()), ("é", pyarrow.list_(pyarrow.string()))])
    items = [{"x y": 1, "é": ["a", None, ""]}, {"x y": None, "é": []}, None, {"x y": 2, "é": None}, {"x y": -1, "é": ["é"]}]
    pairs = [[("k", 1.5), ("", None)], [], None, [("é", math.nan)], [("z", -0.0), ("a", 0.0)]]
    columns = {
        "byte": ([-128, 127, None, 0, 1], pyarrow.int8()),
        "short": ([-32768, 32767, None, 0, 1], pyarrow.int16()),
        "int": ([-2**31, 2**31 - 1, None, 0, 1], pyarrow.int32()),
        "long": ([-2**63, 2**63 - 1, None, 0, 1], pyarrow.int64()),
        "float": ([math.nan, -0.0, None, 0.1, math.inf], pyarrow.float32()),
        "double": ([math.nan, -0.0, None, 0.0, -math.inf], pyarrow.float64()),
        "flag": ([True, False, None, True, False], pyarrow.bool_()),
        "text": (["", None, "Grüße, 🦀", "a\n\"b\"", "NULL"], pyarrow.string()),
        "data": ([b"", None, b"\x00\xff", b"a", b"b"], pyarrow.binary()),
        "date": ([time and time.date() for time in times], pyarrow.date32()),
        "moment": ([time and time.replace(tzinfo=utc) for time in times], pyarrow.timestamp("us", "UTC")),
        "local": (times, pyarrow.timestamp("us")),
        "price": ([*numbers, None, numbers[1]], pyarrow.decimal128(38, 3)),
        "small": ([None, *map(decimal.Decimal, ("-9.9", "0.0", "9.9")), None], pyarrow.decimal128(2, 1)),
        "list": ([[1, None], [], None, [2**40], [3, 3]], pyarrow.list_(pyarrow.int64())),
        "item": (items, item),
        "items": ([items[:2], [], None, [None], items[3:]], pyarrow.list_(item)),
        "map": (pairs, pyarrow.map_(pyarrow.string(), pyarrow.float64())),
    }
    return {name: pyarrow.array(values, kind) for name, (values, kind) in columns.items()}


def edit_log(table, version, change):
    """Changes the actions of a commit in place; the time of its file stays."""
    log = page.Log(table)
    file, actions = log.commit_file(version), log.actions(version)
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    for action in actions:
        change(action)
    file.write_text("".join(json.dumps(action) + "\n" for action in actions), encoding="utf-8")
    os.utime(file, ns=times)


def add_features(action):
    """Declares features that are not in the order of their names."""
    for name in ("readerFeatures", "writerFeatures") if "protocol" in action else ():
        action["protocol"][name] += ["v2Checkpoint", "columnMapping"]


def clean_log(table, removed):
    """Writes a checkpoint, and moves away the commits that it replaces."""
    DeltaTable(table).create_checkpoint()
    removed.mkdir()
    for file in (table / "_delta_log").glob("*.json"):
        file.rename(removed / file.name)


def delete_rows(table, rows):
    """Marks rows of a table of one file as deleted, by a vector within the log."""
    log = page.Log(table)
    metadata, _, (add,) = log.state(0)
    bitmap = struct.pack("<QIIIHHI", 1, 0, 12346, 1, 0, len(rows) - 1, 16) + struct.pack(f"<{len(rows)}H", *rows)
    data = struct.pack("<I", 1681511377) + bitmap
    vector = {"storageType": "i", "pathOrInlineDv": z85(data), "sizeInBytes": len(data), "cardinality": len(rows)}
    metadata["configuration"]["delta.enableDeletionVectors"] = "true"
    features = ["deletionVectors"]
    actions = [
        {"commitInfo": {"timestamp": add["modificationTime"] + 1, "operation": "DELETE"}},
        {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}},
        {"metaData": metadata}, {"add": {**add, "deletionVector": vector}},
        {"remove": {"path": add["path"], "dataChange": True, "deletionTimestamp": add["modificationTime"] + 1}},
    ]
    log.commit_file(1).write_text("".join(json.dumps(action) + "\n" for action in actions), encoding="utf-8")


def z85(data):
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    words = struct.unpack(f">{len(data) // 4}I", data)
    return "".join(digits[word // 85**place % 85] for word in words for place in (4, 3, 2, 1, 0))


# Specs


def spec_of(tables, views, outputs=None, **fields):
    """A spec over tables of the lake (`name` or a map of its fields), with an output for each view."""
    inputs = [relation(table) if isinstance(table, str) else table for table in tables]
    views = [{"name": name, "transform": transform} for name, transform in views.items()]
    outputs = outputs or [output(f"out_{named['name']}", source_view=named["name"]) for named in views]
    return {"version": 4, "input_relations": inputs, "view_definitions": views, "output_targets": outputs, **fields}


def relation(table, **fields):
    return {"logical_name": table, "delta_location": f"../lake/{table}", **fields}


def output(name, **fields):
    return {"table_name": name, "source_view": "v", **fields}


def sql(query):
    return {"kind": "Sql", "query": query}


def view(kind, source, **fields):
    return {"kind": kind, "source": source, **fields}


def placeholder(position, kind, value):
    return {"target": {"kind": "PlaceholderPos", "position": position}, "value": {"type": kind, "value": value}}


COUNT = {"function": "count", "alias": "n"}


def transforms():
    """Specs of the kinds of transforms."""
    fields = {"id_columns": ["person", "text"], "span_columns": ["start", "end"], "text_columns": ["text"]}
    yield "normalize", spec_of(["notes"], {"v": view("Normalize", "notes", **fields)})
    on = {"kind": "Relate", "left": "people", "right": "notes", "on": [{"left": "id", "right": "person"}]}
    select = ["left.name as who", "right.text", {"from": "right", "column": "start"},
              {"from": "left", "column": "id", "name": "i d"}]
    joins = {kind: {**on, "join_type": kind} for kind in ("Left", "Full", "Semi", "Anti")}
    joins.update(v=on, w={**on, "select": ["left.*"]}, x={**on, "select": select})
    yield "relate", spec_of(["people", "notes"], joins)
    itself = {"kind": "Relate", "left": "notes", "right": "notes", "on": ["person"]}
    span = {"relation": "within", "left": ["start", "end"], "right": ["start", "end"]}
    innermost = {"span": span, "innermost": True, "select": ["left.text", "right.person as other"]}
    keys = {"suffix": ["_l", "_r"], "join_keys": [{"left_key": "start", "right_key": "end"}]}
    joins = {"v": {**itself, "suffix": "_r"}, "w": {**itself, **keys}, "x": {**itself, **innermost}}
    yield "relate_span", spec_of(["notes"], joins)
    yield "union", spec_of(["people", "posts", "notes"], {
        "v": {"kind": "Union", "sources": ["people", "posts"]},
        "w": {"kind": "Union", "sources": ["notes", "people"], "discriminator_column": "from", "distinct": True}})
    columns = ["name", {"name": "two words", "expr": "id + 1"}, {"name": "id", "expr": "id"}]
    yield "project", spec_of(["people"], {
        "v": view("Project", "people", columns=columns),
        "w": view("Filter", "v", predicate="\"two words\" > 2\n  AND name IS NOT NULL")})
    counted = [COUNT, {"function": "sum", "column": "likes", "alias": "s", "distinct": True, "filter": "id > 1"},
               {"function": "array_agg", "arguments": ["id * 2"], "alias": "a", "order_by": ["id DESC NULLS LAST"]}]
    yield "aggregate", spec_of(["posts"], {
        "v": view("Aggregate", "posts", group_by=["likes", {"name": "even", "expr": "id % 2 = 0"}], aggregations=counted),
        "w": view("Aggregate", "posts", aggregations=[COUNT]), "x": view("Aggregate", "posts", group_by=["likes"])})
    ranks = [{"name": "place", "expr": "row_number() OVER (PARTITION BY likes ORDER BY id)"}]
    yield "window", spec_of(["posts"], {"v": view("Window", "posts", columns=ranks)})
    yield "unnest", spec_of(["posts"], {
        "v": view("Unnest", "posts", column="tags"), "w": view("Unnest", "posts", column="tags", alias="tag", keep_empty=True)})
    yield "shape", spec_of(["nodes"], {"v": {"kind": "CpgEmit", "output_kind": "Nodes", "sources": ["nodes"]}})


def queries():
    """Specs of queries, and of what is read besides rows."""
    yield "queries", spec_of(["people", "notes"], {
        "v": sql("SELECT p.name, count(*) AS n FROM people p JOIN notes ON p.id = notes.person GROUP BY p.name"),
        "w": sql("WITH t AS (SELECT n FROM v) SELECT max(n) AS m, 'a  b -- c' AS \"odd name\" FROM t"),
        "x": sql("SELECT id FROM people ORDER BY id LIMIT 2")})
    yield "volatile", spec_of(["people"], {
        "v": sql("SELECT id, random() AS r FROM people"), "w": view("Filter", "v", predicate="r < 0.5"),
        "x": view("Project", "people", columns=[{"name": "u", "expr": "uuid()"}]), "y": sql("SELECT now() AS n FROM people")})
    changes = [{}, {"starting_version": 1}, {"starting_version": 1, "ending_version": 1},
               {"starting_timestamp": "2024-01-31T12:00:00Z", "ending_version": 2},
               {"ending_timestamp": "2124-01-31T12:00:00.5+01:00"}]
    feeds = {f"f{number}": view("IncrementalCdf", "people", **bounds) for number, bounds in enumerate(changes)}
    yield "change_feeds", spec_of(["people"], feeds)
    yield "facts", spec_of(["people", "events"], {
        "v": view("Metadata", "events"), "w": view("FileManifest", "events"), "x": view("Metadata", "people")})


def inputs_of_all_kinds():
    """Specs that read tables in other ways."""
    copied = {"v": view("Project", "people")}
    yield "pinned", spec_of([relation("people", version_pin=0)], copied)
    now = {**relation("people"), "logical_name": "now"}
    yield "pinned_twice", spec_of([relation("people", version_pin=1), now], {**copied, "w": view("Project", "now")})
    yield "lineage", spec_of([relation("events", requires_lineage=True)], {"v": view("Project", "events")})
    yield "lineage_and_rows", spec_of([relation("events", requires_lineage=True), {**relation("events"), "logical_name": "plain"}],
                                      {"v": view("Project", "events"), "w": view("Project", "plain")})
    yield "everything_of_one", spec_of([relation("people", requires_lineage=True)], {
        **copied, "m": view("Metadata", "people"), "f": view("FileManifest", "people"), "c": view("IncrementalCdf", "people")})
    yield "other_spelling", spec_of([relation("people", delta_location=".././lake//people/")], copied)
    yield "unused", spec_of(["people", "notes", "posts"], {
        **copied, "w": view("Metadata", "posts"), "x": view("Project", "notes")}, [output("o")])
    yield "cleaned_log", spec_of(["cleaned"], {"v": view("Project", "cleaned"), "w": view("FileManifest", "cleaned")})
    yield "deleted_rows", spec_of(["deleted"], {"v": view("Project", "deleted"), "w": view("FileManifest", "deleted")})
    yield "deleted_rows_pinned", spec_of([relation("deleted", version_pin=0)], {"v": view("Project", "deleted")})
    yield "features", spec_of(["featured"], {"v": view("Filter", "featured", predicate="byte IS NULL")})


def parameters():
    """Specs with parameters of all types, among them numbers that are hard to print."""
    doubles = [0.1, -0.0, 1e21, 123456789012345680000.0, 1e-7, 0.000001, 5e-324, 1.7976931348623157e308, 1.0, 333333333.3333333]
    integers = [0, -1, 2**53, 2**53 + 1, -2**53, -2**53 - 1, 2**63 - 1, -2**63]
    texts = [("Utf8", "it's \"é\" \\ \n\t🦀"), ("Boolean", True), ("Date", "2024-02-29"),
             ("Timestamp", "2024-02-29T01:02:03.000004")]
    nulls = [("Null", {"data_type": name}) for name in ("utf8", "string", "double")]
    kinds = {"doubles": [("Float64", value) for value in doubles], "integers": [("Int64", value) for value in integers],
             "parameters": texts + nulls}
    for name, values in kinds.items():
        listed = [placeholder(position, *value) for position, value in enumerate(values, 1)]
        columns = [{"name": f"p{position}", "expr": f"${position}"} for position in range(1, len(values) + 1)]
        selected = ", ".join(f"${position} AS q{position}" for position in range(1, len(values) + 1))
        views = {"v": view("Project", "people", columns=columns), "w": sql(f"SELECT {selected} FROM people")}
        yield name, spec_of(["people"], views, typed_parameters=listed)
    filters = [{"label": "team", "target": {"kind": "FilterEq", "filter_column": "team"}, "value": {"type": "Utf8", "value": "a"}},
               {"target": {"kind": "FilterEq", "base_table": "v", "filter_column": "id"}, "value": {"type": "Int64", "value": 7}}]
    yield "filters", spec_of(["people"], {"v": view("Project", "people")}, typed_parameters=filters)


def fields_of_all_kinds():
    """Specs with the fields that others leave out, and with texts that are hard to print."""
    copied = {"v": view("Project", "people")}
    texts = {"\U0001f600": "by UTF-16 before the next", "\ufb00": "\x7f\u2028\u0007\\\"/", "é": "\r\n\t\b\f", "z": "", "": "empty"}
    columns = ["id", {"name": "n", "expr": "id"}]
    odd = output("o", delta_location="out/ö o", columns=columns, write_metadata=texts, max_commit_retries=0,
                 target_file_size=2**53 + 2, schema_mode="strict", sort_by=[])
    order = ["id", {"column": "name"}, {"column": "team", "descending": True}]
    by_order = output("s", sort_by=order, partition_by=["active"], schema_mode="replace")
    yield "texts", spec_of(["people"], copied, [odd, by_order], runtime={"lineage_tags": {"ticket": "42", "Ä": "ß"}})
    readers = {"v": view("Aggregate", "people", group_by=["team"], aggregations=[COUNT]),
               "w": view("Filter", "v", predicate="n > 1"), "x": view("Filter", "v", predicate="n = 1")}
    policy = {"min_fanout": 3, "min_estimated_rows": 10, "cache_memory_budget": 10**9,
              "overrides": [{"view_name": "v", "action": "ForceCache"}]}
    yield "shared", spec_of(["people"], readers, cache_policy=policy)
    yield "shared_by_default", spec_of(["people"], readers, cache_policy={})
    promised = spec_of(["people"], {**copied, "w": view("Project", "v")})
    first, second = promised["view_definitions"]
    first.update(view_kind="copy", view_dependencies=[], output_schema={"columns": {"name": "Utf8", "id": "Int64"}})
    second.update(view_dependencies=["v"], output_schema={})
    yield "promises", promised
    yield "defaults", spec_of(["people"], copied, rule_overlay=None, maintenance=None, typed_parameters=[], join_graph={},
                              runtime={"tracing": {"export_policy": {}}}, rulepack_profile="Default", runtime_profile={})


def stored_rows():
    """Specs whose outputs hold all that a table may."""
    copied = {"v": view("Project", "everything")}
    append = {"materialization_mode": "Append"}
    yield "rows_of_all_types", spec_of(["everything"], copied)
    yield "rows_appended", spec_of(["everything"], copied, [output("o", **append)])
    # An empty text is no partition. The Delta library ruins partitions of negative decimals when it compacts them.
    made = {"label": "nullif(text, '')", "cost": "abs(price)", "part": "abs(small)"}
    columns = ["long", "byte", "short", "int", "flag", "date", "moment", "local", "price", "small"]
    named = {"v": view("Project", "everything", columns=columns + [{"name": name, "expr": expr} for name, expr in made.items()])}
    yield "rows_partitioned", spec_of(["everything"], named, [
        output(name, partition_by=[name]) for name in ("label", "byte", "int", "long", "flag", "date", "moment", "price", "small")])
    yield "rows_partitioned_appended", spec_of(["everything"], named, [
        output(name, partition_by=columns, **append)
        for name, columns in (("local", ["local"]), ("cost", ["cost"]), ("several", ["part", "label", "short"]))])
    yield "rows_in_files", spec_of(["many"], {"v": view("Project", "many")}, [
        output("o", target_file_size=10000), output("p", target_file_size=10000, partition_by=["group"]),
        output("s", target_file_size=20000, sort_by=["text"], **append)])
    yield "rows_none", spec_of(["everything"], {"v": view("Filter", "everything", predicate="long = 5")}, [
        output("o"), output("p", partition_by=["flag"]), output("a", **append)])


def queried_rows():
    """Specs whose outputs hold what queries make of every type."""
    queries = {
        "texts": "'' AS a, CAST(NULL AS VARCHAR) AS b, text FROM everything UNION ALL SELECT NULL, '', 'ab' FROM everything",
        "floats": "double, float, CAST('NaN' AS DOUBLE) AS nan, -CAST('NaN' AS REAL) AS minus, 0.0 * -1.0 AS zero FROM everything",
        "decimals": """price, small, CAST(small AS DECIMAL(10, 4)) AS wide, CAST(long % 1000 AS DECIMAL(38, 0)) AS whole
                       FROM everything""",
        "nested": "list, item, items, map, [list, NULL, []] AS lists, named_struct('a', item, 'b', map) AS both FROM everything",
        "times": """date, moment, local, CAST(date AS TIMESTAMP) AS midnight, TIMESTAMP '2024-01-01T00:00:00.123456789' AS nanos
                    FROM everything""",
        "copies": "id, name FROM people UNION ALL SELECT id, name FROM people",
    }
    for name, query in queries.items():
        yield f"rows_of_{name}", spec_of(["everything", "people"], {"v": sql(f"SELECT {query}")})


def generated():
    makers = (transforms, queries, inputs_of_all_kinds, parameters, fields_of_all_kinds, stored_rows, queried_rows)
    for number, (name, spec) in enumerate(made for maker in makers for made in maker()):
        text = json.dumps(spec, indent=1) if number % 2 else as_yaml(spec, bool(number % 4))
        yield name, "json" if number % 2 else "yaml", text


# What is compiled


def check_spec(driver, path, printed):
    raw = read_spec(path.read_text(encoding="utf-8"))
    emitted = json.loads(driver.emitted(path, "spec"))
    completed = driver.schema.complete(raw)
    faults = same("spec_hash", page.spec_hash(completed), printed["spec_hash"])
    faults += same("spec_hash of --emit spec", page.spec_hash(emitted), printed["spec_hash"])
    if faults and page.canonical(completed) != page.canonical(emitted):
        faults.append("the spec with its defaults is not that of --emit spec")
    return faults


def log_of(folder, location):
    """The log of a table that a spec names; commits that were removed are beside the table."""
    place = (folder / location.removeprefix("file://")).resolve()
    removed = place.parent / "removed"
    return page.Log(place, removed if place.name == "cleaned" else None)


BOUNDS = ["starting_version", "ending_version", "starting_timestamp", "ending_timestamp"]


def in_order(read):
    """What is read, with the bounds of a change feed in their order."""
    if isinstance(read, str):
        return read
    return {"changes": {bound: read["changes"][bound] for bound in BOUNDS if bound in read["changes"]}}


def scan_of(folder, relation, version, log, nodes):
    """What a graph reads of the table of an input, whatever inputs name it."""
    scans = [node["operation"] for node in nodes if node["operation"]["op"] == "scan"]
    scans = [scan for scan in scans if scan["version"] == version and log_of(folder, scan["location"]).table == log.table]
    listings = {scan.get("identity", {}).get("listing") for scan in scans} - {None}
    reads = {json.dumps(in_order(scan.get("read", "rows")), separators=(",", ":")) for scan in scans}
    shown = any(scan.get("lineage") or scan.get("read") in ("metadata", "files") for scan in scans)
    return {"lineage": "__source_file" if relation["requires_lineage"] else None, "listings": sorted(listings),
            "place": log.table.as_uri() + "/" if shown else None, "reads": [json.loads(read) for read in sorted(reads)]}


def check_types(log, printed):
    """Names of columns, and the types of those that are not nested; decimals are written alike."""
    metadata, _, _ = log.state(printed["version"])
    fields = page.columns_of(metadata)
    types = {column["name"]: column["type"] for column in printed["schema"]}
    faults = same("columns", [field["name"] for field in fields], list(types))
    for field in fields:
        kind = field["type"]
        if isinstance(kind, str):
            wanted = PRINTED.get(kind) or kind.replace("decimal", "Decimal128").replace(",", ", ")
            faults += same(f"the type of {field['name']}", wanted, types.get(field["name"]))
    return faults


def check_inputs(folder, spec, printed, nodes):
    faults, identities = [], {}
    relations = {relation["logical_name"]: relation for relation in spec["input_relations"]}
    faults += same("inputs", sorted(relations), sorted(found["input"] for found in printed["provider_identities"]))
    for found in printed["provider_identities"]:
        relation = relations[found["input"]]
        log = log_of(folder, relation["delta_location"])
        version = max(log.versions()) if relation["version_pin"] is None else relation["version_pin"]
        scan = scan_of(folder, relation, version, log, nodes)
        types = {column["name"]: column["type"] for column in found["schema"]}
        identities[found["input"]] = page.identity_hash(log, version, scan, types)
        wrong = check_types(log, found)
        wrong += same("scan", scan, found["scan"])
        wrong += same("rows_hash", page.rows_hash(log, version), found["rows_hash"])
        wrong += same("files_hash", page.files_hash(log, version), found["files_hash"])
        wrong += same("identity_hash", identities[found["input"]], found["identity_hash"])
        faults += [f"input {found['input']}: {fault}" for fault in wrong]
    return faults + same("provider_identity_hash", page.provider_identity_hash(identities), printed["provider_identity_hash"])


def check_plans(spec, printed):
    surface, providers = printed["planning_surface"], printed["provider_identity_hash"]
    hashes = {"planning_surface_hash": page.planning_surface_hash(surface),
              "rulepack_fingerprint": page.rulepack_fingerprint(surface),
              "profile_fingerprint": page.profile_fingerprint(printed["profile"])}
    envelope = {**printed["envelope"], "planning_surface_hash": hashes["planning_surface_hash"], "spec_version": spec["version"],
                "provider_identity_hash": providers}
    hashes.update(envelope=envelope, envelope_hash=page.envelope_hash(envelope))
    return [fault for name, mine in hashes.items() for fault in same(name, mine, printed[name])]


CHANCE = re.compile(r"\b(random|uuid|now)\(")


def check_nodes(driver, path, printed, nodes):
    """Content hashes, from the inputs on; what is hashed must be what the other forms show."""
    faults, hashes = [], {}
    statements = statements_of(driver.emitted(path, "ir"))
    faults += same("nodes", sorted(node["name"] for node in nodes), sorted(printed["nodes"]))
    waiting = {node["name"]: node for node in nodes}
    while waiting:
        ready = [name for name, node in waiting.items() if all(name in hashes for name in node["inputs"])]
        for name in ready:
            node, found = waiting.pop(name), printed["nodes"][name]
            content = found["content"]
            inputs = [hashes[given] for given in node["inputs"]]
            hashes[name] = page.content_hash(inputs, content["only"], content["operation"], content["schema"])
            wrong = same("content_hash", hashes[name], found["content_hash"])
            wrong += same("inputs", inputs, content["inputs"])
            wrong += same("only", only_of(node, content), content["only"])
            wrong += check_text(node, content, statements[name])
            faults += [f"node {name}: {fault}" for fault in wrong]
        if not ready:
            return faults + [f"no inputs for {', '.join(waiting)}"]
    return faults


def only_of(node, content):
    is_output = node["operation"]["op"] in ("sink", "written")
    return node["name"] if is_output or CHANCE.search(content["operation"]) else None


def statements_of(text):
    """The statements of a graph's text form by name; continued lines are indented."""
    found = {}
    for statement in re.split(r"\n(?=\S)", text):
        name = re.match(r'("(?:[^"\\]|\\.)*"|\S+) = ', statement)
        if name:
            found[json.loads(name[1]) if name[1].startswith('"') else name[1]] = statement
    return found


def check_text(node, content, statement):
    """Whether a content has the operation and the columns of a statement, however they are broken into lines."""
    kind = node["operation"]["op"]
    if not content["operation"].startswith(kind):
        return [f"the operation is no {kind}"]
    head = f"{quoted(node['name'])} = {kind} {', '.join(map(quoted, node['inputs']))}"
    wanted = head + content["operation"].removeprefix(kind) + " : " + content["schema"]
    return [] if unplaced(statement).startswith(unplaced(wanted)) else [f"--emit ir has {statement!r}, not {wanted!r}"]


def quoted(name):
    return name if re.fullmatch(r"[\w@.]+", name) else json.dumps(name, ensure_ascii=False)


def unplaced(text):
    """A text without white space, places and estimates."""
    text = re.sub(r'\blocation=("(?:[^"\\]|\\.)*"|\([^)]*\)|\S+)', 'location=""', text)
    return re.sub(r"\s", "", re.sub(r"\brows=\??\d+", "rows=?0", text))


def check_compiled(driver, path):
    printed = driver.identity(path)
    spec = json.loads(driver.emitted(path, "spec"))
    nodes = json.loads(driver.emitted(path, "json"))["nodes"]
    return (check_spec(driver, path, printed) + check_inputs(path.parent, spec, printed, nodes) + check_plans(spec, printed)
            + check_nodes(driver, path, printed, nodes))


# What is written


def check_run(driver, path, times, counts):
    """Runs a spec; compares the record, then the tags of all its outputs with the rows in their files."""
    faults = []
    spec = json.loads(driver.emitted(path, "spec"))
    for _ in range(times):
        printed = driver.identity(path)
        faults += check_record(path.parent, driver.run(path), printed)
    for target in spec["output_targets"]:
        log = log_of(path.parent, target["delta_location"] or target["table_name"])
        faults += [f"output {target['table_name']}: {fault}" for fault in check_table(log, counts)]
    return faults


def check_table(log, counts):
    """The tags of all that the driver wrote; then the digest of the table, before and after compaction."""
    faults = check_tags(log, counts)
    metadata, before, files = table_digest(log)
    tags = [add.get("tags") or {} for add in files]
    if all(tag.get("codeanatomy.rows_schema") == page.schema_tag(metadata) for tag in tags):
        total = sum((page.RowsDigest.read(tag["codeanatomy.rows"]) for tag in tags), page.RowsDigest())
        faults += same("the sum of the tags", str(before), str(total))
        counts["tables summed"] += 1
    DeltaTable(log.table).optimize.compact()
    _, after, fewer = table_digest(log)
    counts["tables compacted"] += len(fewer) < len(files)
    return faults + same("the digest after compaction", str(before), str(after))


def check_record(folder, record, printed):
    """A record has the hashes that are printed, and the digests of the commits, which `check_tags` judges."""
    faults = []
    for name in ("spec_hash", "envelope_hash", "envelope", "rulepack_fingerprint", "profile_fingerprint"):
        faults += same(f"{name} in the record", printed[name], record[name])
    faults += same("inputs in the record", printed["provider_identities"], record["inputs"])
    for written in record["outputs"]:
        name, content = written["table"], printed["nodes"][f"@{written['table']}"]["content_hash"]
        faults += same(f"content_hash of {name} in the record", content, written["content_hash"])
        actions = log_of(folder, written["location"]).actions(written["version"])
        added, = (action["commitInfo"].get("codeanatomy.rows") for action in actions if "commitInfo" in action)
        faults += same(f"digest of {name} in the record", added, written["digest"])
    return faults


def check_tags(log, counts):
    """The tags of the files of each commit that the driver made, and that of the commit."""
    faults = []
    for version in log.versions():
        actions = log.actions(version)
        commit = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
        if not any(name.startswith("codeanatomy.") for name in commit):
            continue
        metadata, _, _ = log.state(version)
        total = page.RowsDigest()
        for add in (action["add"] for action in actions if "add" in action):
            found = page.digest_of_file(page.data_file(log.table, add), add, metadata)
            total += found
            counts["files"] += 1
            wanted = {"codeanatomy.rows": str(found), "codeanatomy.rows_schema": page.schema_tag(metadata)}
            faults += tag_faults(f"file {add['path']}", wanted, add.get("tags"))
        counts["commits"] += 1
        faults += tag_faults(f"commit {version}", {"codeanatomy.rows": str(total)}, commit)
    return faults


def tag_faults(what, wanted, tags):
    faults = []
    for name, mine in wanted.items():
        tag = (tags or {}).get(name)
        faults += [f"MISSING {name} of {what}"] if tag is None else same(f"{name} of {what}", mine, tag)
    return faults


def table_digest(log):
    """The metadata of a table, the digest of its rows, as its files are read, and the files."""
    metadata, _, files = log.state(max(log.versions()))
    digests = (page.digest_of_file(page.data_file(log.table, add), add, metadata) for add in files)
    return metadata, sum(digests, page.RowsDigest()), files


# Cases


def cases_of(driver, folder, cases):
    """Names and makers of the specs that are in the repository."""
    for case in sorted(cases.iterdir()):
        if (case / "repo").is_dir():
            yield case.name, functools.partial(make_extracted, driver, case / "repo", folder / case.name)
        elif (case / "spec.yaml").exists():
            yield case.name, functools.partial(make_case, case, folder / case.name)


def make_case(case, place):
    place.mkdir(parents=True)
    shutil.copy(case / "spec.yaml", place)
    for description in sorted((case / "tables").glob("*.yaml")):
        make_fixture(place / "tables" / description.stem, yaml.load(description.read_text(encoding="utf-8"), Yaml))
    return place / "spec.yaml"


def make_extracted(driver, repository, place):
    place.mkdir(parents=True)
    driver.said("extract", repository, "--output", place / "extract", "-q")
    return shutil.copy(ROOT / "driver" / "specs" / "cpg.yaml", place / "spec.yaml")


def make_generated(place, form, text):
    place.mkdir(parents=True)
    path = place / f"spec.{form}"
    path.write_text(text, encoding="utf-8")
    return path


def check_case(report, driver, name, make, counts):
    """Compares what is compiled, then what is written."""
    made = []

    def compiled():
        made.append(make())
        return check_compiled(driver, made[0])

    if report.judge(name, compiled) and made:
        report.judge(f"{name} run", check_run, driver, made[0], 2 if name.startswith("rows_") else 1, counts)


def check_build(driver, repository, place, counts):
    """Builds a repository twice, the second time with another file; checks the records and all tables."""
    shutil.copytree(repository, place / "repo")
    faults = []
    for text in ("def one():\n    return 1\n", "def two(one):\n    return one\n"):
        (place / "repo" / "added.py").write_text(text, encoding="utf-8")
        driver.said("build", place / "repo", "--lake", place / "lake", "-q")
        record = last_record(place / "lake")
        identities = {}
        for found in record["inputs"]:
            log = page.Log(place / "lake" / found["location"])
            types = {column["name"]: column["type"] for column in found["schema"]}
            identities[found["input"]] = page.identity_hash(log, max(log.versions()), found["scan"], types)
            faults += same(f"identity_hash of {found['input']}", identities[found["input"]], found["identity_hash"])
        envelope = {**record["envelope"], "provider_identity_hash": page.provider_identity_hash(identities)}
        faults += same("envelope_hash", page.envelope_hash(envelope), record["envelope_hash"])
    for folder in sorted((place / "lake").rglob("_delta_log")):
        log = page.Log(folder.parent)
        faults += [f"table {folder.parent.name}: {fault}" for fault in check_table(log, counts)]
    return faults


def check_arrangements(driver, place, counts):
    """One set of rows as tables of other files, partitions, orders of rows and of columns: the same digest."""
    outputs = [output("plain"), output("files", target_file_size=10000), output("parts", partition_by=["group"]),
               output("sorted", sort_by=["text"], target_file_size=30000), output("turned", columns=["text", "group", "id"])]
    spec = spec_of(["many"], {"v": view("Project", "many")}, outputs)
    driver.run(make_generated(place / "once", "yaml", as_yaml(spec)))
    logs = [page.Log(place / "once" / target["table_name"]) for target in outputs]
    digests = {str(table_digest(log)[1]) for log in logs + [page.Log(place / "lake" / "many")]}
    faults = [] if len(digests) == 1 else [f"{len(digests)} digests: {', '.join(sorted(digests))}"]
    if len(table_digest(logs[1])[2]) < 2:
        faults.append("the rows of `files` are in one file")
    return faults + [fault for log in logs for fault in check_table(log, counts)]


def check_grown(driver, place, counts):
    """A table to which a column is added: older files keep the digest of the columns that they were written with."""
    for name, columns in ("narrow", ["id"]), ("wide", ["id", "name"]):
        target = output("o", delta_location="../grown", columns=columns, materialization_mode="Append", schema_mode="additive")
        spec = spec_of(["people"], {"v": view("Project", "people")}, [target])
        driver.run(make_generated(place / name, "yaml", as_yaml(spec)))
    return check_table(page.Log(place / "grown"), counts)


# What must differ, and what must not


SPEC, IDENTITY, PROVIDERS, ENVELOPE, PROFILE, CONTENT = "spec", "identity", "providers", "envelope", "profile", "content"
INPUT = {IDENTITY, PROVIDERS, ENVELOPE}


def families(printed):
    return {
        SPEC: printed["spec_hash"], IDENTITY: sorted(found["identity_hash"] for found in printed["provider_identities"]),
        PROVIDERS: printed["provider_identity_hash"], ENVELOPE: printed["envelope_hash"], PROFILE: printed["profile_fingerprint"],
        CONTENT: sorted(node["content_hash"] for node in printed["nodes"].values()), "surface": printed["planning_surface_hash"],
        "rules": printed["rulepack_fingerprint"],
    }


def bases():
    """Specs that are changed, over a lake beside them."""
    parameter = [placeholder(1, "Int64", 8)]
    joined = {"kind": "Relate", "left": "people", "right": "notes", "on": [{"left": "id", "right": "person"}],
              "select": ["left.id", "right.text"]}
    views = {"older": view("Filter", "people", predicate="id >= $1"), "joined": joined,
             "counted": view("Aggregate", "joined", group_by=["id"], aggregations=[COUNT])}
    outputs = [output("first", source_view="older"), output("last", source_view="counted")]
    yield "views", spec_of(["people", "notes"], views, outputs, typed_parameters=parameter)
    views = {"older": sql("SELECT id, name FROM people WHERE id >= $1"), "counted": sql("SELECT count(*) AS n FROM older, notes")}
    yield "queries", spec_of(["people", "notes"], views, [output("first", source_view="counted")], typed_parameters=parameter)
    views = {"older": view("IncrementalCdf", "people"), "files": view("FileManifest", "people"),
             "few": view("Filter", "older", predicate="id < $1")}
    outputs = [output("first", source_view="few"), output("files", source_view="files")]
    yield "feeds", spec_of(["people"], views, outputs, typed_parameters=parameter)
    views = {"older": view("Metadata", "people"), "few": view("Filter", "older", predicate="version < $1")}
    yield "facts", spec_of(["people"], views, [output("first", source_view="few")], typed_parameters=parameter)
    tables = [relation("people", requires_lineage=True), {**relation("people"), "logical_name": "again"}]
    views = {"older": view("Filter", "people", predicate="id >= $1"), "both": {"kind": "Union", "sources": ["older", "again"]}}
    yield "twice", spec_of(tables, views, [output("first", source_view="both")], typed_parameters=parameter)


def reversed_keys(value):
    if isinstance(value, list):
        return [reversed_keys(item) for item in value]
    return {key: reversed_keys(value[key]) for key in reversed(value)} if isinstance(value, dict) else value


def renamed(value, old, new):
    """A spec in which a name is another one, in expressions and queries too."""
    if isinstance(value, str):
        return re.sub(rf"(?<![\w/]){old}\b", new, value)
    if isinstance(value, list):
        return [renamed(item, old, new) for item in value]
    return {key: renamed(item, old, new) for key, item in value.items()} if isinstance(value, dict) else value


def with_input(spec, **fields):
    first, *others = spec["input_relations"]
    return {**spec, "input_relations": [{**first, **fields}, *others]}


def changed_specs(driver, base, path, spec):
    """Name, text of the changed spec, and the families that differ."""
    of_rows = {CONTENT} if base in ("views", "queries") else set()
    of_lineage = set() if base == "twice" else {SPEC} | of_rows | INPUT
    # The text of a query names what it reads.
    of_names = {CONTENT} if base == "queries" else set()
    completed = json.loads(driver.emitted(path, "spec"))
    others = {**spec, "typed_parameters": [placeholder(1, "Int64", 3)]}
    first, *outputs = spec["output_targets"]
    yield "reordered keys", as_yaml(reversed_keys(spec)), set()
    yield "as JSON", json.dumps(reversed_keys(spec)), set()
    yield "defaults written", json.dumps(completed), set()
    yield "comments", "# A comment\n" + as_yaml(spec).replace("\n", " # and more\n"), set()
    yield "pinned to its version", as_yaml(with_input(spec, version_pin=2)), {SPEC}
    yield "location spelled differently", as_yaml(with_input(spec, delta_location="../lake/../lake//people/")), {SPEC}
    yield "another version", as_yaml(with_input(spec, version_pin=1)), {SPEC, CONTENT} | INPUT
    yield "lineage", as_yaml(with_input(spec, requires_lineage=True)), of_lineage
    yield "another value", as_yaml(others), {SPEC, CONTENT}
    yield "input renamed", as_yaml(renamed(spec, "people", "persons")), {SPEC, PROVIDERS, ENVELOPE} | of_names
    yield "view renamed", as_yaml(renamed(spec, "older", "ancient")), {SPEC} | of_names
    yield "output renamed", as_yaml(renamed(spec, "first", "premier")), {SPEC, CONTENT}
    yield "output elsewhere", as_yaml({**spec, "output_targets": [{**first, "delta_location": "elsewhere"}, *outputs]}), {SPEC}
    yield "tags", as_yaml({**spec, "runtime": {"lineage_tags": {"a": "b"}}}), {SPEC}
    yield "order of views", as_yaml({**spec, "view_definitions": spec["view_definitions"][::-1]}), {SPEC}


def forbid_null(action):
    if "metaData" in action:
        action["metaData"]["schemaString"] = action["metaData"]["schemaString"].replace('"nullable":true', '"nullable":false', 1)


def raise_protocol(action):
    if "protocol" in action:
        action["protocol"]["minWriterVersion"] += 1


def sign(action):
    if "commitInfo" in action:
        action["commitInfo"]["userName"] = "somebody else"


def append_copy(table):
    write_deltalake(table, DeltaTable(table).to_pyarrow_table(), mode="append")


def touch_all(table):
    for file in table.rglob("*.json"):
        os.utime(file, (10**9, 10**9))


def changed_tables(base):
    """Name, what is done to the lake, and the families that differ."""
    people = pathlib.Path("lake", "people")
    shows_times = INPUT | {CONTENT} if base == "facts" else set()
    yield "nothing", lambda place: None, set()
    yield "column that cannot be NULL", lambda place: edit_log(place / people, 0, forbid_null), INPUT | {CONTENT}
    yield "another protocol", lambda place: edit_log(place / people, 0, raise_protocol), INPUT | shows_times
    yield "another commit", lambda place: edit_log(place / people, 2, sign), INPUT | {CONTENT}
    yield "another version", lambda place: append_copy(place / people), INPUT | {CONTENT}
    yield "other times of files", lambda place: touch_all(place / people), shows_times


def check_difference(before, after, wanted):
    before, after = families(before), families(after)
    found = {family for family in before if before[family] != after[family]}
    return same("what differs", sorted(wanted), sorted(found))


def check_changed_table(driver, place, change, wanted):
    before = driver.identity(place / "spec" / "spec.yaml")
    change(place)
    return check_difference(before, driver.identity(place / "spec" / "spec.yaml"), wanted)


def check_changes(report, driver, folder):
    for base, spec in bases():
        home = folder / base
        make_lake(home / "lake")
        path = make_generated(home / "spec", "yaml", as_yaml(spec))
        before = driver.identity(path)
        for number, (name, text, wanted) in enumerate(changed_specs(driver, base, path, spec)):
            changed = path.with_name(f"changed_{number}.{'json' if text.startswith('{') else 'yaml'}")
            changed.write_text(text, encoding="utf-8")
            report.judge(f"{base}: {name}", lambda: check_difference(before, driver.identity(changed), wanted))
        moved = shutil.copytree(home, folder / "moved" / base)
        # Their rows show where the table lies.
        shown = INPUT | {CONTENT} if base in ("facts", "feeds", "twice") else set()
        report.judge(f"{base}: moved", lambda: check_difference(before, driver.identity(moved / "spec" / "spec.yaml"), shown))
        for size, other in ("--threads", "3"), ("--memory-limit", "2GiB"), ("--spill-limit", "2GiB"):
            sizes = {**SIZES, size: other}
            report.judge(f"{base}: {size}", lambda: check_difference(before, driver.identity(path, sizes), {PROFILE}))
        for number, (name, change, wanted) in enumerate(changed_tables(base)):
            place = shutil.copytree(home, folder / "tables" / base / str(number))
            report.judge(f"{base}: {name}", check_changed_table, driver, place, change, wanted)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for tables and specs that stays")
    parser.add_argument("--cases", type=pathlib.Path, default=ROOT / "tests" / "cases")
    parser.add_argument("--only", default="", help="only cases whose names hold this text")
    asked = parser.parse_args()
    if asked.keep and asked.keep.exists() and any(asked.keep.iterdir()):
        parser.error(f"{asked.keep} is not empty")
    folder = (asked.keep or pathlib.Path(tempfile.mkdtemp(prefix="hashes-check-"))).resolve()
    driver, report, counts = Driver(asked.driver), Report(asked.only), collections.Counter()
    report.judge("vectors", check_vectors)
    report.judge("digest of rows by hand", check_own_digest)
    lake = folder / "generated" / "lake"
    make_lake(lake)
    cases = list(cases_of(driver, folder / "cases", asked.cases))
    cases += [(name, functools.partial(make_generated, lake.parent / name, form, text)) for name, form, text in generated()]
    for name, make in cases:
        check_case(report, driver, name, make, counts)
    report.judge("arrangements", check_arrangements, driver, lake.parent, counts)
    report.judge("grown table", check_grown, driver, lake.parent, counts)
    for repository in sorted(asked.cases.glob("*/repo")):
        name = repository.parent.name
        report.judge(f"build of {name}", check_build, driver, repository, folder / "builds" / name, counts)
    check_changes(report, driver, folder / "changes")
    print(", ".join(f"{count} {what}" for what, count in (report.counts + counts).items()))
    if not asked.keep:
        shutil.rmtree(folder)
    compared = report.counts["ok"] + report.counts["WRONG"]
    if compared < ENOUGH and not asked.only:
        print(f"only {compared} cases were compared; {ENOUGH} are wanted")
        return 1
    return 1 if report.counts["WRONG"] else 0


if __name__ == "__main__":
    sys.exit(main())
