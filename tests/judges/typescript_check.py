#!/usr/bin/env python3
"""Compares references and calls of TypeScript and JavaScript packages with what `scip-typescript` says of them.

    typescript_check.py DRIVER [--work FOLDER] [--show 20] [--precision 98] [--recall 85]

Needs Node.js 18 or newer with npm, and duckdb 1.4, pyarrow 21 and deltalake 1.1. `scip-typescript` 0.4.0 runs the compiler
of TypeScript 5.9.3 over each package, with all that it infers, and writes an index of occurrences; nothing of the program
that made the graph is used. Packages come from npm, at the versions below; what a package keeps of its sources is indexed.

A reference is an occurrence of a symbol that is defined in the package, at a place where it is not defined. The graph's
answer is where its REFERS_TO edges at that place end, and through imports where their IMPORTS edges end. A symbol with
several definitions (overloads, merged declarations) is met by each of them; of several ends one must meet.

A call is a CALLS edge from a call or `new` into the package, at a callee whose name is an occurrence; for the index a name
after `new` is that of the constructor, so that this counts as what the name refers to as well. A callee that is a variable, to which the reference is right, is not compared: the graph follows its value
to a function, the index does not.

Left out is what the index does not define though it is of the package: fields that JavaScript assigns, members of mapped
types, constructors of classes in functions. And names in `{ name }`, which are a variable for the graph and a property of
the type that is expected for the index.

Precision is the part of the graph's answers that the index agrees with, recall the part of the index's references (of its
functions, methods and classes that are called) for which the graph has the same answer. Exit status 1 below a threshold.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile

from index_comparison import BuiltGraph, Counts, is_below, print_differences, run
from scip_index import indexed

TOOLS = ["@sourcegraph/scip-typescript@0.4.0", "typescript@5.9.3"]
# Name and version, and the folder of the package that has the sources.
PACKAGES = [("immer@10.1.1", "src"), ("commander@12.1.0", "lib"), ("zod@3.25.76", "src/v3")]
SETTINGS = {
    "compilerOptions": {
        "target": "es2022",
        "module": "esnext",
        "moduleResolution": "node",
        "allowJs": True,
        "strict": True,
        "skipLibCheck": True,
        "noEmit": True,
        "types": [],
    },
    "include": ["**/*"],
}
NAMES = {
    "identifier",
    "type_identifier",
    "property_identifier",
    "private_property_identifier",
    "shorthand_property_identifier",
    "shorthand_property_identifier_pattern",
    "string",
    "number",
}
SHELLS = {"parenthesized_expression", "non_null_expression", "instantiation_expression"}
IMPORTS = {"import_specifier", "namespace_import", "import_require_clause"}


class Graph(BuiltGraph):
    """The edges of the code property graph."""

    def place(self, node):
        """Where the name of a definition is."""
        kind, path, start, _, name = self.nodes[node]
        if kind == "FILE":
            return (path, 0)
        if node in self.names:
            return (path, self.names[node])
        for child in self.children.get(node, []):
            if self.kind(child) in NAMES and self.nodes[child][4] == name:
                return (path, self.nodes[child][2])
        return (path, start)

    def ends(self, node, kind="REFERS_TO"):
        """Where the edges of a node end, through imports; none when all is outside."""
        found, left, seen = set(), list(self.edges.get((kind, node), [])), set()
        while left:
            target = left.pop()
            if target in seen or self.kind(target) == "EXTERNAL":
                continue
            seen.add(target)
            parent = self.parent.get(target)
            source = parent if parent and self.kind(parent) in IMPORTS else target
            further = self.edges.get(("IMPORTS", source)) or self.edges.get(("IMPORTS", target))
            if further:
                left.extend(further)
            else:
                found.add(self.place(target))
        return found

    def references(self):
        """(path, byte) of names -> where they lead to."""
        found = {}
        for (kind, node), _ in self.edges.items():
            if kind in ("REFERS_TO", "IMPORTS") and self.kind(node) not in ("FILE", "EXTERNAL"):
                if kind == "IMPORTS" and self.kind(node) not in IMPORTS | {"export_specifier", "identifier"}:
                    continue
                ends = self.ends(node, kind)
                # A specifier may begin with `type`; its first name is what is taken from the module.
                named = self.children.get(node, [node])[0] if kind == "IMPORTS" else node
                if ends:
                    found.setdefault((self.nodes[named][1], self.nodes[named][2]), set()).update(ends)
        return found

    def callee(self, call):
        """The node of the name that is called."""
        children = self.children.get(call, [])
        while children:
            node = children[0]
            kind = self.kind(node)
            if kind in NAMES or kind == "super":
                return node
            if kind == "member_expression":
                last = [child for child in self.children[node] if self.kind(child) in NAMES]
                return last[-1] if last else None
            if kind not in SHELLS:
                return None
            children = self.children.get(node, [])
        return None

    def calls(self):
        """(path, byte) of called names -> where the calls lead to; None of those without an answer in the package."""
        found, self.made = {}, set()
        for node, (kind, path, *_) in self.nodes.items():
            if kind not in ("call_expression", "new_expression"):
                continue
            name = self.callee(node)
            if name is None or self.kind(name) == "super":
                continue
            place = (path, self.nodes[name][2])
            found[place] = self.ends(node, "CALLS")
            if kind == "new_expression":
                self.made.add(place)
                found[place] |= self.ends(node, "INSTANTIATES")
        return found


def is_own(symbol, path, paths):
    """Whether a symbol is of the package, by its text: local to a file, or `scheme manager name version folder/`file`/member`."""
    before, _, rest = symbol.partition("`")
    return symbol.startswith(f"{path} local ") or before.rsplit(" ", 1)[-1] + rest.partition("`")[0] in paths


def compared(title, answers, uses, definitions, is_compared, texts, sums, show):
    """Prints what differs, and adds to the sums."""
    counts, wrong, missed = Counts(), [], []
    for place, symbols in uses.items():
        truth = set().union(*(definitions.get(symbol, set()) for symbol in symbols))
        answer = answers.get(place)
        if answer is None and title == "calls" or place in truth:
            continue
        answer = answer or set()
        if not is_compared(place, symbols, answer, truth):
            continue
        agrees = bool(answer & truth)
        path, at = place
        line = texts[path].count(b"\n", 0, at) + 1
        about = f"{path}:{line} {texts[path][at : at + 30].split(b'(')[0].decode(errors='replace')!r}"
        for each in (counts, sums):
            each.add(answer, agrees, bool(truth))
        if answer and not agrees:
            wrong.append(f"{about}: {sorted(answer)}, not {sorted(truth)}")
        elif truth and not answer:
            missed.append(f"{about}: {sorted(truth)}")
    print_differences(title, wrong, missed, show)
    print(f"  {title}: {counts.text()}", flush=True)


def prepared(name, sources, work):
    """The sources of a package of npm in a folder of their own, with settings."""
    stem = name.replace("@", "-").strip("-").replace("/", "-")
    folder = work / stem
    if not folder.exists():
        run(["npm", "pack", name, "--pack-destination", work], work)
        archive = work / f"{stem}.tgz"
        shutil.unpack_archive(archive, work / f"{stem}.all")
        shutil.copytree(work / f"{stem}.all" / "package" / sources, folder / sources)
        (folder / "tsconfig.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver")
    parser.add_argument("--work", help="a folder to keep packages and tools in")
    parser.add_argument("--show", type=int, default=20)
    parser.add_argument("--precision", type=float, default=98)
    parser.add_argument("--recall", type=float, default=85)
    arguments = parser.parse_args()
    work = pathlib.Path(arguments.work or tempfile.mkdtemp(prefix="typescript-check-")).resolve()
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "node_modules").exists():
        (work / "package.json").write_text("{}", encoding="utf-8")
        run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", *TOOLS], work)
    indexer = work / "node_modules" / "@sourcegraph" / "scip-typescript" / "dist" / "src" / "main.js"
    sums = {title: Counts() for title in ("references", "calls")}
    for name, sources in PACKAGES:
        folder = prepared(name, sources, work)
        index = work / f"{folder.name}.scip"
        run(["node", indexer, "index", "--output", index], folder)
        lake = work / f"{folder.name}.lake"
        shutil.rmtree(lake, ignore_errors=True)
        graph = Graph(os.path.abspath(arguments.driver), folder, lake)
        uses, definitions = indexed(folder, index)
        texts = {path: (folder / path).read_bytes() for path, _ in uses}
        print(name)
        references, calls = graph.references(), graph.calls()
        for place in graph.made:
            references[place] = references.get(place, set()) | calls.get(place, set())
        shorthand = {
            (path, start) for kind, path, start, *_ in graph.nodes.values() if kind.startswith("shorthand_property_identifier")
        }

        def is_reference(place, symbols, answer, truth):
            return place not in shorthand and not any(
                symbol not in definitions and is_own(symbol, place[0], set(texts)) for symbol in symbols
            )

        def is_call(place, symbols, answer, truth):
            if not is_reference(place, symbols, answer, truth):
                return False
            callable_ = any(symbol.endswith(("().", "#")) for symbol in symbols)
            return callable_ or not references.get(place, set()) & truth

        for title, answers, is_compared in (
            ("references", references, is_reference),
            ("calls", calls, is_call),
        ):
            compared(title, answers, uses, definitions, is_compared, texts, sums[title], arguments.show)
    if not arguments.work:
        shutil.rmtree(work, ignore_errors=True)
    return is_below(sums, dict.fromkeys(sums, (arguments.precision, arguments.recall)))


if __name__ == "__main__":
    sys.exit(main())
