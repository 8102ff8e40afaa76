#!/usr/bin/env python3
"""Compares references and calls of Python packages with what `scip-python` says of them.

    python_packages_check.py DRIVER [--work FOLDER] [--only NAME ...] [--show 20]

Needs Python 3.12 or newer, Node.js 18 or newer with npm, and duckdb 1.4, pyarrow 21, deltalake 1.1 and jedi. `scip-python`
0.6.6 runs the type checker Pyright over each package and writes an index of occurrences; nothing of the program that made the
graph is used. Packages come from PyPI, at the versions below, without what they depend on.

A reference is a name at a place where its symbol is not defined. The graph's answer is where its REFERS_TO edges at that
place end, and through imports where their IMPORTS edges end; it is right when the index has the same symbol there. `__class__`
is not compared. The index has one symbol for a variable, the graph an edge to the assignment that is seen.

A call is a CALLS edge from a call into the package, at a callee whose name is an occurrence: the function that has the
symbol, or a method of the class that has it. A callee that is a variable is not compared, nor is one whose object has a
`__call__`: the graph follows the value to a function, the index does not.

Names that the index leaves open (symbols without a definition that are not of the standard library) are not compared. An
answer in the package where the index says the standard library is wrong. Stubs are left out: Pyright answers with them, the
graph with the sources. Where an answer differs, jedi 0.19.2 is asked where the name is defined; what it says
as well is right. That many are counted: the index takes all names of builtins for those, also where the package has its own,
and what comes through several star imports for the last name of the last of them.

Precision is the part of the graph's answers that the index agrees with, recall the part of what the index has in the package
for which the graph has the same answer. Exit status 1 below a threshold.
"""

import argparse
import os
import pathlib
import shutil
import sys
import tempfile
import zipfile

from index_comparison import BuiltGraph, Counts, is_below, print_differences, run
from scip_index import indexed

TOOL = "@sourcegraph/scip-python@0.6.6"
# Named before any of them was looked at.
PACKAGES = ["attrs==24.2.0", "requests==2.32.3", "flask==3.0.3", "rich==13.7.1", "pydantic==1.10.17", "networkx==3.3"]
# Percent: precision and recall.
THRESHOLDS = {"references": (99, 88), "calls": (97, 60)}
FUNCTION, CLASS = "().", "#"


class Graph(BuiltGraph):
    """The edges of the code property graph."""

    def place(self, node):
        """Where the name of a definition is."""
        kind, path, start, *_ = self.nodes[node]
        if kind == "FILE":
            return (path, 0)
        for child in self.children.get(node, []) if kind.endswith("_definition") else []:
            if self.kind(child) == "identifier":
                return (path, self.nodes[child][2])
        return (path, self.names.get(node, start))

    def imported(self, node):
        """What the import names that binds a name."""
        for _ in range(3):
            if self.kind(node) not in ("identifier", "dotted_name", "aliased_import"):
                break
            if further := self.edges.get(("IMPORTS", node)):
                return further
            node = self.parent.get(node, node)
        return []

    def ends(self, targets):
        """Where edges end, and where through imports; none when all is outside."""
        found, last = set(), set()
        left, seen = list(targets), set()
        while left:
            target = left.pop()
            if target in seen or self.kind(target) == "EXTERNAL":
                continue
            seen.add(target)
            found.add(self.place(target))
            if further := self.imported(target):
                left.extend(further)
            else:
                last.add(self.place(target))
        # An import of something outside is where the index has a symbol that is not of the package.
        return found if last else set()

    def references(self):
        """(path, byte) of names -> where they lead to."""
        found = {place: self.ends(targets) for place, targets in self.uses.items()}
        for (kind, name), targets in self.edges.items():
            if kind == "IMPORTS":
                while children := self.children.get(name):
                    name = children[0 if self.kind(name) == "aliased_import" else -1]
                found.setdefault((self.nodes[name][1], self.nodes[name][2]), set()).update(self.ends(targets))
        return found

    def calls(self):
        """(path, byte) of called names -> where the calls lead to."""
        found = {}
        for node, (kind, path, *_) in self.nodes.items():
            if kind != "call":
                continue
            callee = self.children[node][0]
            while self.kind(callee) in ("attribute", "parenthesized_expression"):
                callee = self.children[callee][-1]
            if self.kind(callee) == "identifier":
                found[(path, self.nodes[callee][2])] = self.ends(
                    self.edges.get(("CALLS", node), []) + self.edges.get(("INSTANTIATES", node), [])
                )
        return found


class Index:
    """What the index says of places."""

    def __init__(self, folder, file):
        self.uses, self.definitions = indexed(folder, file)
        self.at = {place: set(symbols) for place, symbols in self.uses.items()}
        for symbol, places in self.definitions.items():
            for place in places:
                self.at.setdefault(place, set()).add(symbol)

    def compared(self):
        """(place, symbols) of names that are in the package, or in the standard library."""
        for place, symbols in self.uses.items():
            known = {symbol for symbol in symbols if symbol in self.definitions}
            if place in set().union(*(self.definitions[symbol] for symbol in known)):
                continue
            is_outside = all(" python-stdlib " in symbol and not symbol.endswith("#__class__().") for symbol in symbols)
            if known == symbols or not known and is_outside:
                yield place, known

    def is_reference(self, symbols, answer):
        return any(symbols & self.at.get(place, set()) for place in answer)

    def is_call(self, symbols, answer):
        """Whether one of the places is the function or class that a symbol is, or a method of that class."""
        defined = set().union(*(self.at.get(place, set()) for place in answer))
        return any(
            other == symbol or symbol.endswith(CLASS) and (other.startswith(symbol) or other.endswith(("#__init__().", "#__new__().")))
            for symbol in symbols
            for other in defined
        )


class Jedi:
    """Where jedi says that names are defined."""

    def __init__(self, folder):
        import jedi

        self.folder, self.scripts, self.jedi = folder, {}, jedi
        self.project = jedi.Project(folder, smart_sys_path=False, added_sys_path=[str(folder)], load_unsafe_extensions=False)

    def says(self, place, answer):
        """Whether the name at a place is defined at one of the others."""
        path, at = place
        if path not in self.scripts:
            self.scripts[path] = self.jedi.Script(path=self.folder / path, project=self.project)
        before = (self.folder / path).read_bytes()[:at]
        line, column = before.count(b"\n") + 1, len(before.rpartition(b"\n")[2].decode())
        try:
            names = self.scripts[path].goto(line, column, follow_imports=True) + self.scripts[path].goto(line, column)
        except Exception as error:  # A failure of the judge is no answer.
            print(f"    jedi fails at {path}:{line}: {error!r}")
            return False
        return any(self.place(name) in answer for name in names)

    def place(self, name):
        if name.module_path is None or not name.module_path.is_relative_to(self.folder):
            return None
        path = str(name.module_path.relative_to(self.folder))
        if name.type == "module":
            return (path, 0)
        lines = name.module_path.read_text(encoding="utf-8").split("\n")
        before = "\n".join([*lines[: name.line - 1], lines[name.line - 1][: name.column]])
        return (path, len(before.encode()))


def compared(title, index, answers, texts, jedi, sums, show):
    """Prints what differs, and adds to the sums."""
    counts, wrong, missed, by_jedi = Counts(), [], [], 0
    for place, symbols in index.compared():
        if title == "calls":
            if place not in answers or symbols and not any(symbol.endswith((FUNCTION, CLASS)) for symbol in symbols):
                continue
        answer = answers.get(place, set())
        if title == "calls" and any(symbol.endswith("#__call__().") for each in answer for symbol in index.at.get(each, ())):
            continue
        is_right = (index.is_call if title == "calls" else index.is_reference)(symbols, answer)
        if answer and not is_right and jedi.says(place, answer):
            is_right, by_jedi = True, by_jedi + 1
        for each in (counts, sums):
            each.add(answer, is_right, bool(symbols))
        path, at = place
        text = texts[path]
        about = f"{path}:{text.count(b'\n', 0, at) + 1} {text[at : at + 40].split()[0].decode(errors='replace')!r}"
        if answer and not is_right:
            said = [f"{path}:{texts[path].count(b'\n', 0, at) + 1}" for path, at in sorted(answer)]
            wrong.append(f"{about}: {said}, not {sorted(symbols or index.uses[place])}")
        elif symbols and not is_right:
            missed.append(f"{about}: {sorted(symbols)}")
    print_differences(title, wrong, missed, show)
    print(f"  {title}: {counts.text()}; {by_jedi} by jedi", flush=True)


def prepared(requirement, work):
    """The sources of a package in a folder of their own."""
    name = requirement.partition("==")[0]
    folder = work / name
    if not folder.exists():
        wheels = ["--no-deps", "--only-binary", ":all:", "--platform", "any", "--python-version", "3.12"]
        run([sys.executable, "-m", "pip", "download", "--quiet", *wheels, "--dest", work / "wheels", requirement], work)
        wheel = next((work / "wheels").glob(f"{name}-*.whl"))
        zipfile.ZipFile(wheel).extractall(folder)
        for metadata in folder.glob("*.dist-info"):
            shutil.rmtree(metadata)
        for stub in folder.rglob("*.pyi"):
            stub.unlink()
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver")
    parser.add_argument("--work", help="a folder to keep packages, the tool and its indexes in; graphs there are made anew")
    parser.add_argument("--only", nargs="+", help="names of packages; the others are left out")
    parser.add_argument("--keep", action="store_true", help="take the graphs that are in the folder already")
    parser.add_argument("--show", type=int, default=20)
    arguments = parser.parse_args()
    work = pathlib.Path(arguments.work or tempfile.mkdtemp(prefix="python-packages-")).resolve()
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "node_modules").exists():
        (work / "package.json").write_text("{}", encoding="utf-8")
        run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", TOOL], work)
    indexer = work / "node_modules" / ".bin" / "scip-python"
    (work / "environment.json").write_text("[]", encoding="utf-8")
    sums = {title: Counts() for title in THRESHOLDS}
    for requirement in PACKAGES:
        name = requirement.partition("==")[0]
        if arguments.only and name not in arguments.only:
            continue
        folder, file, lake = prepared(requirement, work).resolve(), work / f"{name}.scip", work / f"{name}.lake"
        if not file.exists():
            names = ["--project-name", name, "--project-version", "1", "--environment", work / "environment.json"]
            run([indexer, "index", *names, "--quiet", "--output", file], folder)
        if not arguments.keep:
            shutil.rmtree(lake, ignore_errors=True)
        graph = Graph(os.path.abspath(arguments.driver), folder, lake)
        index, jedi = Index(folder, file), Jedi(folder)
        texts = {path: (folder / path).read_bytes() for path, _ in index.at}
        print(requirement)
        for title, answers in (("references", graph.references()), ("calls", graph.calls())):
            compared(title, index, answers, texts, jedi, sums[title], arguments.show)
    if not arguments.work:
        shutil.rmtree(work, ignore_errors=True)
    return is_below(sums, THRESHOLDS)


if __name__ == "__main__":
    sys.exit(main())
