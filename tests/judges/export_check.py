#!/usr/bin/env python3
"""Reads what `driver export` writes with programs that are not ours, and compares it with the tables of the lake.

    export_check.py DRIVER LAKE [--sources FOLDER]

Needs the packages deltalake, pyarrow, networkx and protobuf; pydot and the programs `nop`, `gc` and `dot` of Graphviz and
`xmllint` where they are there (what is skipped is said). Every form is written twice, and must be the same bytes. Nodes and edges must
be those of the tables, read as Delta tables, with all their values. DOT is read in full (pydot) up to 3,000 edges, and counted by
Graphviz beyond.

The index of SCIP is decoded by Google's protocol buffers from a description of the messages that is written here. It must keep every
rule of `scip lint` (0.5): no empty or repeated path or symbol, no symbol that is both of a document and external, occurrences of
known symbols only, in canonical form, no occurrence twice, no definition that is a forward definition, relationships with a flag, to
known symbols, each once. Besides: paths are relative, without `.` and `..`; metadata stands first; ranges have three numbers and are
inside of the file; symbols follow the grammar of `scip.proto`; at definitions stands the symbol's name (with --sources, the folder
that was built). Occurrences must be the rows of `symbols`, `references` and `imports`.
"""

import argparse
import collections
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import deltalake
import networkx
import pyarrow.parquet
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0xFFFE: 0xFFFD, 0xFFFF: 0xFFFD}
XML_PICTURES = {code: seen for code, seen in PICTURES.items() if code not in (9, 10, 13)}
DOT_PICTURES = {code: seen for code, seen in PICTURES.items() if code < 0x20 and code not in (9, 10)} | {0x7F: 0x2421}
DOT_PICTURES |= {code: 0xFFFD for code in range(0x80, 0xA0)}


def fail(message):
    sys.exit(f"WRONG: {message}")


def table(lake, name):
    read = deltalake.DeltaTable(str(lake / name)).to_pyarrow_table()
    return read.to_pylist()


def graph(lake):
    """Nodes and edges of the graph as `export` should name their columns."""
    nodes = [
        {"id": row.pop("node_id"), "kind": row.pop("node_kind"), **{key: row[key] for key in row if key != "file_id"}}
        for row in table(lake, "cpg_nodes")
    ]
    renamed = {"edge_id": "id", "src_node_id": "source", "dst_node_id": "target", "edge_kind": "kind"}
    renamed |= {"resolution_method": "method", "ambiguity_group_id": "ambiguity_group"}
    edges = [
        {renamed.get(key, key): value for key, value in row.items() if key not in ("file_id", "origin")}
        for row in table(lake, "cpg_edges")
    ]
    return nodes, edges


def symbols(lake):
    """The same of the tables that people ask for."""
    columns = """kind name qualified_name language signature visibility is_test path line column_utf8 column_utf16 end_line
    bstart bend""".split()
    known = table(lake, "symbols")
    nodes = {row["symbol_id"]: {"id": row["symbol_id"], **{key: row[key] for key in columns}} for row in known}
    languages = {row["path"]: row["language"] for row in table(lake, "extract/files")}
    edges, inside = [], set(nodes)
    ends = {
        "calls": ("CALLS", "caller_id", "callee_id", "callee"),
        "imports": ("IMPORTS", "importer_id", "imported_id", "imported"),
        "inherits": ("INHERITS", "subclass_id", "base_id", "base"),
        "overrides": ("OVERRIDES", "method_id", "overridden_id", "overridden"),
        "references": ("REFERS_TO", "used_in_id", "symbol_id", "symbol"),
        "tests_of": ("TESTS", "test_id", "symbol_id", "symbol"),
    }
    properties = "path line column_utf8 column_utf16 method confidence score ambiguity_group_id reason".split()
    lacks = {"overrides": ["method"]}
    for name, (kind, source, target, named) in ends.items():
        for row in table(lake, name):
            if row[target] is None or row[named] is None:
                continue
            if row[target] not in inside:
                end = nodes.setdefault(row[target], dict.fromkeys(["id", *columns]))
                end["name"] = min(end["name"] or row[named], row[named])
                end |= {"id": row[target], "kind": "external", "qualified_name": end["name"]}
                end["language"] = languages[row["path"]]
            edge = {key: row.get(key) for key in properties}
            edge |= dict.fromkeys(lacks.get(name, []))
            edge["ambiguity_group"] = edge.pop("ambiguity_group_id")
            edges.append({"source": row[source], "target": row[target], "kind": kind, **edge})
    for row in known:
        if row["owner_id"] in inside:
            edge = {key: row.get(key) for key in ("path", "line", "column_utf8", "column_utf16")}
            edge |= dict.fromkeys(("method", "confidence", "score", "ambiguity_group", "reason"))
            edges.append({"source": row["owner_id"], "target": row["symbol_id"], "kind": "CONTAINS", **edge})
    return list(nodes.values()), edges


def bag(rows, change=lambda value: value):
    """Rows as a multiset; NULL and a missing value are one."""
    def frozen(row):
        return tuple(sorted((key, change(value)) for key, value in row.items() if value is not None))

    return collections.Counter(map(frozen, rows))


def same(what, found, wanted):
    if found != wanted:
        extra, missing = found - wanted, wanted - found
        fail(f"{what}: {sum(extra.values())} that are not in the lake, {sum(missing.values())} missing, such as\n"
             f"  {next(iter(extra), None)}\n  {next(iter(missing), None)}")


class Exports:
    def __init__(self, driver, lake, folder):
        self.driver, self.lake, self.folder, self.number = driver, lake, folder, 0

    def write(self, form, *options):
        """Writes a form twice, and gives the place of one of them."""
        places = []
        for _ in range(2):
            self.number += 1
            place = self.folder / f"{self.number}.{form}"
            command = [self.driver, "export", "--format", form, "--lake", str(self.lake), "-o", str(place), *options]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                fail(f"{command}: {done.stderr}")
            places.append(place)
        digests = [
            [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted([place, *place.glob("*")]) if file.is_file()]
            for place in places
        ]
        if digests[0] != digests[1] or not digests[0]:
            fail(f"{form} {options}: other bytes the second time")
        return places[0]


def check_jsonl(place, nodes, edges):
    rows = {"node": [], "edge": []}
    kinds = []
    with place.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            kinds.append(row["type"])
            rows[row.pop("type")].append(row)
    if kinds != sorted(kinds, reverse=True):
        fail("jsonl: an edge before a node")
    ids = [row["id"] for row in rows["node"]]
    if ids != sorted(ids):
        fail("jsonl: nodes are not ordered")
    same("jsonl, nodes", bag(rows["node"]), bag(nodes))
    same("jsonl, edges", bag(rows["edge"]), bag(edges))


def check_graphml(place, nodes, edges):
    if shutil.which("xmllint"):
        subprocess.run(["xmllint", "--huge", "--noout", str(place)], check=True)
    else:
        print("  skipped: xmllint is not there")
    read = networkx.read_graphml(place, node_type=int, force_multigraph=True)
    if not read.is_directed():
        fail("graphml: not directed")

    def seen(value):
        return value.translate(XML_PICTURES) if isinstance(value, str) else value

    same("graphml, nodes", bag({"id": node, **data} for node, data in read.nodes(data=True)), bag(nodes, seen))
    found = [
        {"source": source, "target": target, **data, **({"id": key} if "id" in edges[0] else {})}
        for source, target, key, data in read.edges(keys=True, data=True)
    ]
    same("graphml, edges", bag(found), bag(edges, seen))


def text(value):
    """A value as the text of it that DOT has."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).translate(DOT_PICTURES)


def unquoted(value):
    """A text of DOT without its quotes and escapes."""
    if not (value.startswith('"') and value.endswith('"')):
        return value
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), value[1:-1], flags=re.S)


def check_dot(place, nodes, edges):
    if shutil.which("gc"):
        said = subprocess.run(["gc", "-n", "-e", str(place)], capture_output=True, text=True, check=True).stdout.split()
        if (int(said[0]), int(said[1])) != (len(nodes), len(edges)):
            fail(f"dot: Graphviz counts {said[:2]}, the lake has {len(nodes), len(edges)}")
        subprocess.run(["nop", str(place)], stdout=subprocess.DEVNULL, check=True)
    else:
        print("  skipped: Graphviz is not there")
    if len(edges) > 3000:
        print(f"  {len(edges)} edges of DOT are counted, not compared")
        return
    try:
        import pydot
    except ImportError:
        print("  skipped: pydot is not there")
        return
    (read,) = pydot.graph_from_dot_data(place.read_text(encoding="utf-8"))

    def cells(attributes):
        return {key: unquoted(value) for key, value in attributes.items()}

    found = [{"id": unquoted(node.get_name()), **cells(node.get_attributes())} for node in read.get_nodes()]
    for row in found:
        row["label"] = row["label"].replace("&amp;", "&")
    wanted = [{**node, "label": node["kind"] if node["name"] is None else node["name"], "name": None} for node in nodes]
    same("dot, nodes", bag(found), bag(wanted, text))
    found = [
        {"source": unquoted(edge.get_source()), "target": unquoted(edge.get_destination()), **cells(edge.get_attributes())}
        for edge in read.get_edges()
    ]
    for row in found:
        if row.pop("label") != row["kind"]:
            fail(f"dot: the label of {row}")
    same("dot, edges", bag(found), bag(edges, text))


def check_parquet(place, nodes, edges):
    if sorted(file.name for file in place.iterdir()) != ["edges.parquet", "nodes.parquet"]:
        fail("parquet: other files")
    read = {name: pyarrow.parquet.read_table(place / f"{name}.parquet").to_pylist() for name in ("nodes", "edges")}
    for rows in read.values():
        ids = [row["id"] for row in rows if "id" in row]
        if ids != sorted(ids):
            fail("parquet: not ordered")
    same("parquet, nodes", bag(read["nodes"]), bag(nodes))
    same("parquet, edges", bag(read["edges"]), bag(edges))


def check_coo(place, nodes, edges):
    numbered = pyarrow.parquet.read_table(place / "nodes.parquet").to_pylist()
    if [row.pop("index") for row in numbered] != list(range(len(nodes))):
        fail("coo: indices are not 0, 1, 2, ...")
    same("coo, nodes", bag(numbered), bag(nodes))
    pairs = pyarrow.parquet.read_table(place / "edges.parquet")
    if pairs.column_names != ["src_index", "dst_index", "edge_kind"] or any(column.null_count for column in pairs.columns):
        fail(f"coo: columns {pairs.schema}")
    pairs = pairs.to_pylist()
    kinds = [row["edge_kind"] for row in pairs]
    if kinds != sorted(kinds):
        fail("coo: the edges of a kind are not together")
    ids = [row["id"] for row in numbered]
    found = collections.Counter((ids[row["src_index"]], ids[row["dst_index"]], row["edge_kind"]) for row in pairs)
    same("coo, edges", found, collections.Counter((row["source"], row["target"], row["kind"]) for row in edges))


# ---- SCIP ----

STRING, INT32, BOOL, MESSAGE = 9, 5, 8, 11
MESSAGES = {
    "Index": [("metadata", 1, "Metadata"), ("documents", 2, ["Document"]), ("external_symbols", 3, ["SymbolInformation"])],
    "Metadata": [("version", 1, INT32), ("tool_info", 2, "ToolInfo"), ("project_root", 3, STRING), ("text_document_encoding", 4, INT32)],
    "ToolInfo": [("name", 1, STRING), ("version", 2, STRING), ("arguments", 3, [STRING])],
    "Document": [
        ("language", 4, STRING), ("relative_path", 1, STRING), ("occurrences", 2, ["Occurrence"]),
        ("symbols", 3, ["SymbolInformation"]), ("text", 5, STRING), ("position_encoding", 6, INT32),
    ],
    "Occurrence": [("range", 1, [INT32]), ("symbol", 2, STRING), ("symbol_roles", 3, INT32)],
    "SymbolInformation": [
        ("symbol", 1, STRING), ("documentation", 3, [STRING]), ("relationships", 4, ["Relationship"]), ("kind", 5, INT32),
        ("display_name", 6, STRING), ("signature_documentation", 7, "Signature"), ("enclosing_symbol", 8, STRING),
    ],
    "Signature": [("language", 4, STRING), ("text", 5, STRING)],
    "Relationship": [
        ("symbol", 1, STRING), ("is_reference", 2, BOOL), ("is_implementation", 3, BOOL), ("is_type_definition", 4, BOOL),
        ("is_definition", 5, BOOL),
    ],
}


def index_class():
    file = descriptor_pb2.FileDescriptorProto(name="index.proto", package="scip", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, of in fields:
            label, of = (3, of[0]) if isinstance(of, list) else (1, of)
            made = message.field.add(name=field, number=number, label=label)
            made.type = MESSAGE if isinstance(of, str) else of
            if isinstance(of, str):
                made.type_name = f".scip.{of}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("scip.Index"))


NAME = r"(?:[A-Za-z0-9_+$-]+|`(?:[^`]|``)+`)"
DESCRIPTOR = re.compile(rf"{NAME}[/#.:!]|{NAME}\([A-Za-z0-9_+$-]*\)\.|\[{NAME}\]|\({NAME}\)", re.S)
PACKAGE = re.compile(r"((?:[^ ]|  )+) ((?:[^ ]|  )+) ((?:[^ ]|  )+) ((?:[^ ]|  )+) ", re.S)


def canonical(symbol):
    """Refuses what is no symbol of the grammar, in its one form."""
    package = PACKAGE.match(symbol)
    if not package:
        fail(f"scip: `{symbol}` has no package")
    at = package.end()
    while at < len(symbol):
        found = DESCRIPTOR.match(symbol, at)
        if not found:
            fail(f"scip: `{symbol}` is no symbol, from {symbol[at:]!r}")
        for escaped in re.findall(r"`((?:[^`]|``)+)`", found[0]):
            if re.fullmatch(r"[A-Za-z0-9_+$-]+", escaped):
                fail(f"scip: `{symbol}` has needless backticks")
        at = found.end()
    if at == package.end():
        fail(f"scip: `{symbol}` has no descriptor")


def check_scip(place, lake, sources):
    data = place.read_bytes()
    if data[0] != (1 << 3 | 2):
        fail("scip: metadata is not first")
    index = index_class()()
    index.ParseFromString(data)
    if index.metadata.text_document_encoding != 1 or not index.metadata.project_root.startswith("file:///"):
        fail(f"scip: {index.metadata}")
    paths = [document.relative_path for document in index.documents]
    external = [symbol.symbol for symbol in index.external_symbols]
    for name, values in [("paths", paths), ("external symbols", external)]:
        if len(set(values)) != len(values) or "" in values:
            fail(f"scip: {name} are empty or repeated")
    if paths != sorted(paths) or set(paths) != {row["path"] for row in table(lake, "extract/files") if row["language"]}:
        fail("scip: other documents than files")
    known = set(external)
    for document in index.documents:
        if document.relative_path.startswith("/") or set(document.relative_path.split("/")) & {"", ".", ".."}:
            fail(f"scip: the path {document.relative_path}")
        if document.position_encoding != 1 or not document.language:
            fail(f"scip: {document.relative_path} lacks its encoding or language")
        own = [symbol.symbol for symbol in document.symbols]
        if len(set(own)) != len(own) or "" in own:
            fail(f"scip: symbols of {document.relative_path} are empty or repeated")
        if set(own) & known:
            fail(f"scip: {set(own) & known} of {document.relative_path} is known from elsewhere")
        known |= set(own)
    for symbol in known:
        canonical(symbol)
    for document in index.documents:
        check_document(document, known, sources)
    check_rows(index, lake)
    return index


def check_document(document, known, sources):
    lines = (sources / document.relative_path).read_bytes().split(b"\n") if sources else None
    names = {symbol.symbol: symbol.display_name for symbol in document.symbols}
    for symbol in document.symbols:
        targets = [relation.symbol for relation in symbol.relationships]
        if len(set(targets)) != len(targets) or not set(targets) <= known or symbol.symbol in targets:
            fail(f"scip: relationships of {symbol.symbol}: {targets}")
        if not all(relation.is_implementation or relation.is_reference for relation in symbol.relationships):
            fail(f"scip: a relationship of {symbol.symbol} without a flag")
    seen, defined = set(), set()
    for occurrence in document.occurrences:
        place = f"{document.relative_path} {list(occurrence.range)}"
        if occurrence.symbol not in known:
            fail(f"scip: {place}: nothing is known of `{occurrence.symbol}`")
        if len(occurrence.range) != 3 or min(occurrence.range) < 0 or occurrence.range[1] > occurrence.range[2]:
            fail(f"scip: {place} is no range")
        key = (tuple(occurrence.range), occurrence.symbol)
        if key in seen:
            fail(f"scip: {place} twice")
        seen.add(key)
        if occurrence.symbol_roles & 1 and occurrence.symbol_roles & 0x40:
            fail(f"scip: {place} is a forward definition")
        if occurrence.symbol_roles & 1:
            defined.add(occurrence.symbol)
        if lines is not None:
            line, start, end = occurrence.range
            if line >= len(lines) or end > len(lines[line]):
                fail(f"scip: {place} is not in the file")
            stands = lines[line][start:end].decode(errors="replace")
            name = names.get(occurrence.symbol)
            if occurrence.symbol_roles & 1 and start != end and stands not in (name, f"r#{name}") and stands.strip("'\"`#") != name:
                fail(f"scip: {place}: `{stands}` is where `{name}` is defined")
    if seen and [list(key[0]) for key in sorted(seen)] != [list(occurrence.range) for occurrence in document.occurrences]:
        fail(f"scip: occurrences of {document.relative_path} are not ordered")
    if defined != set(names):
        fail(f"scip: {document.relative_path} defines {set(names) ^ defined} without a place")


def check_rows(index, lake):
    """Every row of the tables is an occurrence, and every occurrence is a row, by place; in numbers of symbols, too."""
    documents = {document.relative_path for document in index.documents}
    stars = {row["node_id"] for row in table(lake, "extract/imports") if row["is_star"]}
    wanted = {
        (row["path"], row["line"] - 1, row["column_utf8"] - 1)
        for name, end, named in [("symbols", "symbol_id", "name"), ("references", "symbol_id", "symbol"), ("imports", "imported_id", "imported")]
        for row in table(lake, name)
        if row[end] is not None and row[named] is not None and row["path"] in documents and row.get("import_id") not in stars
    }
    found = {
        (document.relative_path, occurrence.range[0], occurrence.range[1])
        for document in index.documents
        for occurrence in document.occurrences
    }
    if found != wanted:
        fail(f"scip: {len(found - wanted)} places that are in no table, {len(wanted - found)} rows without a place, such as "
             f"{next(iter(found - wanted), None)} {next(iter(wanted - found), None)}")
    defined = sum(len(document.symbols) for document in index.documents)
    if defined != len(table(lake, "symbols")):
        fail(f"scip: {defined} symbols, the lake has {len(table(lake, 'symbols'))}")


CHECKS = {"jsonl": check_jsonl, "graphml": check_graphml, "dot": check_dot, "parquet": check_parquet, "coo": check_coo}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("driver")
    parser.add_argument("lake", type=pathlib.Path)
    parser.add_argument("--sources", type=pathlib.Path)
    arguments = parser.parse_args()
    lake = arguments.lake
    parts = [("symbols", symbols(lake), ["--symbols"])]
    if (lake / "cpg_nodes").is_dir():
        parts.append(("graph", graph(lake), []))
    with tempfile.TemporaryDirectory() as folder:
        exports = Exports(arguments.driver, lake, pathlib.Path(folder))
        for name, (nodes, edges), options in parts:
            print(f"{name}: {len(nodes)} nodes, {len(edges)} edges")
            if not nodes or not edges:
                fail(f"{name}: nothing to compare")
            chosen = [edge for edge in edges if edge["kind"] in ("CALLS", "INHERITS")]
            ends = {edge[end] for edge in chosen for end in ("source", "target")}
            some = [node for node in nodes if node["id"] in ends]
            for form, check in CHECKS.items():
                check(exports.write(form, *options), nodes, edges)
                check(exports.write(form, *options, "--kinds", "CALLS,INHERITS"), some, chosen)
                print(f"  {form}: the same")
        root = ["--root", str(arguments.sources)] if arguments.sources else []
        index = check_scip(exports.write("scip", *root), lake, arguments.sources)
        occurrences = sum(len(document.occurrences) for document in index.documents)
        print(f"scip: {len(index.documents)} documents, {occurrences} occurrences, {len(index.external_symbols)} external symbols")
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
