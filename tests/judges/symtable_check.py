#!/usr/bin/env python3
"""Compares name resolution in a code property graph with CPython's own symbol tables.

    symtable_check.py TABLES SOURCES [--modules a.py,b/c.py | --all] [--threshold 98] [--show 20]

TABLES is a folder with four tables, each as JSON lines (`NAME.jsonl`) or CSV with a header (`NAME.csv`):

    scopes     node_id, path, kind, name, bstart, bend
    refs       node_id, path, name, context, lookup_start, lookup_end   (attributes may be left out)
    cpg_edges  edge_kind, src_node_id, dst_node_id, path, resolution_method  (DECLARES and REFERS_TO suffice)
    cpg_nodes  node_id, node_kind, path, name, bstart                   (ends of those edges, nodes of scopes)

SOURCES is the folder the paths are relative to. The source files are read and compiled to symbol tables
by this interpreter; nothing of the program that made the tables is used.

For every scope and name, the graph's answer follows from edges alone: a name is `local` to a scope (`class`
for class bodies) when the scope's node DECLARES it; `global` when uses of it in the scope REFER_TO a
declaration of the module, or to an EXTERNAL node; `free` when they refer to a declaration of another
scope. It must equal what `symtable` says. Exit status 1 when less than the threshold agrees, or when no
scope could be compared.

The compiler has one scope for a name that a class or a module binds; where it is used before, the graph has what the class or
the module then finds outside: that is the same answer.

Names that only the compiler knows are left out: the parameter `.0` of comprehensions and the cell
`__class__` and its like. Since Python 3.12 comprehensions may be merged into the
enclosing function (PEP 709); such scopes have no symbol table and are skipped, with their own names in the
enclosing one.
"""

import argparse
import collections
import csv
import json
import pathlib
import re
import symtable
import sys
import warnings

DEFAULT_MODULES = """argparse.py ast.py asyncio/base_events.py asyncio/tasks.py bdb.py calendar.py cgitb.py codecs.py
collections/__init__.py concurrent/futures/thread.py configparser.py contextlib.py copy.py csv.py ctypes/__init__.py
dataclasses.py datetime.py decimal.py difflib.py dis.py doctest.py email/message.py enum.py fractions.py
functools.py http/client.py http/server.py importlib/_bootstrap.py inspect.py json/decoder.py json/encoder.py
logging/__init__.py mailbox.py multiprocessing/pool.py optparse.py os.py pathlib.py pdb.py pickle.py platform.py
pprint.py random.py re/_parser.py shutil.py socket.py sqlite3/dbapi2.py ssl.py statistics.py subprocess.py
tarfile.py tempfile.py threading.py timeit.py tokenize.py traceback.py turtle.py typing.py unittest/case.py
unittest/mock.py urllib/parse.py urllib/request.py uuid.py warnings.py weakref.py xml/dom/minidom.py
zipfile.py zipfile/__init__.py test/test_scope.py test/test_generators.py test/test_named_expressions.py
test/test_patma.py test/test_type_params.py test/test_type_aliases.py test/test_grammar.py""".split()

IMPLICIT = re.compile(r"^\.|^__(class|classdict|type_params|conditional_annotations|static_attributes)__$|^__firstlineno__$")
# Tables of single expressions that are evaluated late; the graph has no scope for them.
LATE = {"annotation", "type variable", "type variables", "type alias", "typevar bound", "typevar default"}
COMPREHENSIONS = {"listcomp", "setcomp", "dictcomp", "genexpr"}


def rows(folder, table):
    path = folder / f"{table}.jsonl"
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)
        return
    path = folder / f"{table}.csv"
    if not path.exists():
        sys.exit(f"neither {table}.jsonl nor {table}.csv in {folder}")
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


class Graph:
    """The tables, by path."""

    def __init__(self, folder, wanted):
        self.scopes = collections.defaultdict(list)
        self.refs = collections.defaultdict(list)
        self.declares = collections.defaultdict(list)
        self.refers = {}
        owners = {}
        for row in rows(folder, "scopes"):
            if wanted(row["path"]):
                scope = Scope(row)
                self.scopes[row["path"]].append(scope)
                owners[str(row["node_id"])] = scope
        for row in rows(folder, "refs"):
            if wanted(row["path"]) and row["context"] != "attribute":
                self.refs[row["path"]].append(row)
        ends = {
            str(row["node_id"]): (row["node_kind"], row["name"], int(row["bstart"] or 0))
            for row in rows(folder, "cpg_nodes")
            if row["node_kind"] == "EXTERNAL" or wanted(row["path"])
        }
        for node, scope in owners.items():
            # Spans of scopes cover bodies; their nodes, the whole construct.
            scope.node_start = ends.get(node, (None, None, scope.start))[2]
        # Names inside annotations that are strings are no symbols.
        for path, refs in self.refs.items():
            self.refs[path] = [row for row in refs if ends.get(str(row["node_id"]), ("",))[0] != "string"]
        names = set()
        for row in (row for refs in self.refs.values() for row in refs):
            names.add(str(row["node_id"]))
            # The name as it is written; references are compared by what it means inside its class.
            row["name"] = ends[str(row["node_id"])][1]
        self.declared_in = {}
        refers = []
        for row in rows(folder, "cpg_edges"):
            if not wanted(row["path"]):
                continue
            source, target = str(row["src_node_id"]), str(row["dst_node_id"])
            if row["edge_kind"] == "DECLARES" and row["resolution_method"] == "field":
                continue
            if row["edge_kind"] == "DECLARES":
                scope = owners[source]
                scope.declared.add(ends[target][1])
                self.declared_in[target] = scope
            elif row["edge_kind"] == "REFERS_TO" and source in names:
                refers.append((source, target))
        for source, target in refers:
            # None stands for an external.
            # What a star brings from a file that is not compared is a module's.
            self.refers[source] = self.declared_in.get(target)


class Scope:
    """One scope of the graph, with the names declared and used in it."""

    def __init__(self, row):
        self.kind, self.name = row["kind"], row["name"] or None
        self.start, self.end = int(row["bstart"]), int(row["bend"])
        self.node = str(row["node_id"])
        self.declared = set()
        self.used = collections.defaultdict(set)
        self.parent = None
        self.line = 0
        self.node_start = self.start
        self.future = False

    def answers(self):
        """Name -> local | class | global | free."""
        found = {}
        for name, targets in self.used.items():
            places = {self.place(target) for target in targets}
            found[name] = places.pop() if len(places) == 1 else "inconsistent"
        for name, targets in self.used.items():
            # A class and a module look further where they have not bound the name yet (Python reference, 4.2.2).
            if name in self.declared and self.kind in ("class", "module") and all(map(self.is_around, targets)):
                found[name] = self.place(self)
        for name in self.declared:
            if found.get(name, "local") not in ("local", "class"):
                found[name] = f"declared but {found[name]}"
            else:
                found[name] = self.place(self)
        return found

    def is_around(self, target):
        """Whether a use in the scope may find a name there that the scope binds as well."""
        return target is None or target is self or target.kind == "module"

    def place(self, target):
        if target is None or (target.kind == "module" and target is not self):
            return "global"
        if target is self:
            return "class" if self.kind == "class" else "local"
        return "free"


def prepare(graph, path, source):
    """Nests the scopes of one file and files every use under the innermost scope around its lookup."""
    lines = [0] + [match.end() for match in re.finditer(rb"\n", source)]

    def line_of(offset):
        low, high = 0, len(lines)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if lines[middle] <= offset else (low, middle)
        return low + 1

    scopes = sorted(graph.scopes[path], key=lambda scope: (scope.start, -scope.end))
    stack = []
    for scope in scopes:
        while stack and stack[-1].end < scope.end:
            stack.pop()
        scope.parent = stack[-1] if stack else None
        stack.append(scope)
    for ref in graph.refs[path]:
        start, end = int(ref["lookup_start"]), int(ref["lookup_end"])
        inside = [scope for scope in scopes if scope.start <= start and end <= scope.end]
        scope = min(inside, key=lambda scope: (scope.end - scope.start, -scopes.index(scope)))
        if (ref["context"], scope.future) != ("type", True):
            scope.used[ref["name"]].add(graph.refers[str(ref["node_id"])])
    return scopes, line_of


def tables(top):
    """All symbol tables from `top` down, with the name of the class around each (or its own)."""
    pending = [(top, None)]
    while pending:
        table, owner = pending.pop()
        if str(table.get_type()).lower().replace("_", " ") not in LATE:
            owner = table.get_name() if table.get_type() == "class" else owner
            yield table, owner
        pending.extend((child, owner) for child in reversed(table.get_children()))


def table_kind(table):
    kind = str(table.get_type())
    if kind == "function":
        name = table.get_name()
        return "comprehension" if name in COMPREHENSIONS else "lambda" if name == "lambda" else "function"
    if "type param" in kind.lower().replace("_", " "):
        return "type_parameters"
    return kind


def table_answers(table, owner):
    """Name -> local | class | global | free, by the compiler."""
    kind = table.get_type()
    found = {}
    for symbol in table.get_symbols():
        name = symbol.get_name()
        if IMPLICIT.match(name):
            continue
        declared_only = not (
            symbol.is_referenced() or symbol.is_assigned() or symbol.is_parameter() or symbol.is_imported()
            or symbol.is_annotated() or symbol.is_namespace() or is_type_parameter(symbol)
        )
        if declared_only:
            continue
        # Names like __x are renamed inside classes (Python reference, 6.2.1); nodes have the text.
        if owner and owner.strip("_") and name.startswith("_" + owner.lstrip("_") + "__"):
            name = name[len(owner.lstrip("_")) + 1 :]
        if kind == "module":
            found[name] = "local" if symbol.is_local() else "global"
        elif symbol.is_free():
            found[name] = "free"
        elif symbol.is_local():
            # Asked before is_global, which before Python 3.12 takes any scope named `top` for the module.
            found[name] = "class" if kind == "class" else "local"
        else:
            found[name] = "global"
    return found


def is_type_parameter(symbol):
    return getattr(symbol, "is_type_parameter", lambda: False)()


def compare(graph, root, path, tally, differences):
    source = (root / path).read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        top = symtable.symtable(source, path, "exec")
    future = re.search(rb"^from __future__ import .*\bannotations\b", source, re.M) is not None
    for scope in graph.scopes[path]:
        scope.future = future
    scopes, line_of = prepare(graph, path, source)
    waiting = collections.defaultdict(list)
    for scope in scopes:
        scope.line = line_of(scope.node_start)
        waiting[(scope.kind, scope.name if scope.kind in ("function", "class") else None, 1 if scope.kind == "module" else scope.line)].append(scope)
    matched = set()
    pairs = []
    # A name that only functions bind, by `global`, is missing from the module's table, yet it is the module's.
    sent_up = {
        symbol.get_name()
        for table, _ in tables(top)
        for symbol in table.get_symbols()
        if symbol.is_declared_global() and (symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace())
    }
    for table, owner in tables(top):
        kind = table_kind(table)
        name = table.get_name() if kind in ("function", "class") else None
        line = 1 if kind == "module" else table.get_lineno()
        theirs = table_answers(table, owner)
        if kind == "module":
            theirs.update(dict.fromkeys(sent_up, "local"))
        candidates = [scope for scope in waiting[(kind, name, line)] if id(scope) not in matched]
        if not candidates:
            tally["scope missing"] += 1
            differences[("scope missing", kind)].append(f"{path}:{line} {name or kind}")
            continue
        # Scopes of one kind and name on one line: take the one whose names fit best, then in text order.
        scope = max(candidates, key=lambda scope: likeness(scope.answers(), theirs))
        matched.add(id(scope))
        pairs.append((scope, theirs, table, line))
    merged = [scope for scope in scopes if id(scope) not in matched]
    for scope, theirs, table, line in pairs:
        ours = scope.answers()
        for inner in merged:
            if inner.kind == "comprehension" and inner.parent is scope:
                for name in inner.answers():
                    theirs.pop(name, None)
                    ours.pop(name, None)
        for name in sorted(set(ours) | set(theirs)):
            if IMPLICIT.match(name):
                continue
            mine, right = ours.get(name, "absent"), theirs.get(name, "absent")
            if mine == right:
                tally[f"agree: {right}"] += 1
            else:
                differences[(f"graph says {mine}", f"symtable says {right}")].append(
                    f"{path}:{line} {table.get_name()}: {name}"
                )
    for scope in merged:
        if scope.kind != "comprehension" or sys.version_info < (3, 12):
            tally["scope only in the graph"] += 1
            differences[("scope only in the graph", scope.kind)].append(f"{path}:{scope.line} {scope.name}")


def likeness(ours, theirs):
    same = sum(1 for name, place in ours.items() if theirs.get(name) == place)
    return same - len(set(ours) ^ set(theirs))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=pathlib.Path)
    parser.add_argument("sources", type=pathlib.Path)
    parser.add_argument("--modules")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--threshold", type=float, default=98.0)
    parser.add_argument("--show", type=int, default=5, help="examples per cause")
    arguments = parser.parse_args()
    sys.setrecursionlimit(100_000)
    chosen = arguments.modules.split(",") if arguments.modules else DEFAULT_MODULES
    wanted = (lambda path: path.endswith(".py")) if arguments.all else set(chosen).__contains__
    graph = Graph(arguments.tables, wanted)
    tally, differences, compared = collections.Counter(), collections.defaultdict(list), 0
    for path in sorted(graph.scopes):
        try:
            compare(graph, arguments.sources, path, tally, differences)
            compared += 1
        except (SyntaxError, ValueError) as error:
            tally["not compiled by this interpreter"] += 1
            print(f"skipped {path}: {error}", file=sys.stderr)
    agree = sum(count for key, count in tally.items() if key.startswith("agree"))
    differ = sum(len(examples) for examples in differences.values())
    total = agree + differ
    print(f"{compared} modules, {total} pairs of scope and name")
    for key, count in sorted(tally.items()):
        print(f"  {key}: {count}")
    for cause, examples in sorted(differences.items(), key=lambda item: -len(item[1])):
        print(f"  {'; '.join(cause)}: {len(examples)}, for example")
        for example in examples[: arguments.show]:
            print(f"    {example}")
    if not total or compared < 20 and not arguments.modules:
        print("too few modules to judge: at least 20 are wanted")
        return 1
    share = 100.0 * agree / total
    print(f"agreement {share:.3f}% (wanted {arguments.threshold}%)")
    return 0 if share >= arguments.threshold else 1


if __name__ == "__main__":
    sys.exit(main())
