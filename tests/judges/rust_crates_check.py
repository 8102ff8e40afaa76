#!/usr/bin/env python3
"""Compares references and calls of Rust crates with what `rust-analyzer` says of them.

    rust_crates_check.py DRIVER [--work FOLDER] [--only NAME ...] [--show 20]

Needs cargo, `rustup component add rust-analyzer rust-src` (made with rust-analyzer 1.95.0), duckdb 1.4, pyarrow 21 and
deltalake 1.1. `rust-analyzer scip` expands macros, infers types and writes an index of occurrences; nothing of the program that
made the graph is used. It has the sources of the standard library and of what the crates depend on, the default features and
the configuration of this machine. Crates come from crates.io, at the versions below.

A place is compared when the index says what stands there and where in the crate that is defined, or that it is defined
outside. A call is a call, or the call of a macro, at the name that is called; the graph's answer is where its CALLS edges end. A
reference is any other name: the answer is where REFERS_TO and IMPORTS edges end, through imports. Several edges (an
`ambiguity_group_id`) are right when one of them is; how many answers are such is told. `Self` is not compared, which is the type for
the index, and the implementation for the graph. Nor is what the index gives no name to, like the fields of tuples.

Precision is the part of the graph's answers in the crate that the index agrees with, recall the part of what the index has in
the crate for which the graph has the same answer. Exit status 1 below a threshold.
"""

import argparse
import os
import pathlib
import shutil
import sys
import tempfile

from index_comparison import BuiltGraph, Counts, is_below, print_differences, run
from scip_index import indexed

# Named before any of them was looked at.
CRATES = ["indexmap@2.14.2", "petgraph@0.8.3", "regex-automata@0.4.18"]
# Percent: precision and recall.
THRESHOLDS = {"calls": (95, 45), "references": (97, 60)}
NAMES = {"identifier", "field_identifier", "type_identifier", "shorthand_field_identifier", "metavariable", "crate", "self", "super"}
IMPORTS = {"identifier", "scoped_identifier", "use_as_clause", "use_wildcard", "self", "use_list"}


class Graph(BuiltGraph):
    """The edges of the code property graph."""

    def place(self, node):
        """Where the name of a definition is."""
        kind, path, start, *_ = self.nodes[node]
        return (path, 0) if kind == "FILE" else (path, self.names.get(node, start))

    def imported(self, node):
        """What the import names that binds a name."""
        for _ in range(4):
            if self.kind(node) not in IMPORTS:
                break
            if further := self.edges.get(("IMPORTS", node)):
                return further
            node = self.parent.get(node, node)
        return []

    def ends(self, targets):
        """Where edges end, through imports; none when all is outside."""
        found, left, seen = set(), list(targets), set()
        while left:
            target = left.pop()
            if target in seen or self.kind(target) == "EXTERNAL":
                continue
            seen.add(target)
            if further := self.imported(target):
                left.extend(further)
            else:
                found.add(self.place(target))
        return found

    def last_name(self, node):
        """The name at the end of a path, of a field, or of an imported path."""
        for _ in range(64):
            children = [child for child in self.children.get(node, []) if "comment" not in self.kind(child)]
            kind = self.kind(node)
            if kind in NAMES:
                return node
            if kind in ("generic_function", "use_as_clause", "generic_type") and children:
                node = children[0]
            elif kind in ("scoped_identifier", "scoped_type_identifier", "field_expression") and children:
                node = children[-1]
            else:
                return None
        return None

    def calls(self):
        """(path, byte) of called names -> where the calls lead to."""
        found = {}
        for node, (kind, path, *_) in self.nodes.items():
            if kind in ("call_expression", "macro_invocation") and self.children.get(node):
                name = self.last_name(self.children[node][0])
                if name is not None:
                    found[(path, self.nodes[name][2])] = self.ends(self.edges.get(("CALLS", node), []))
        return found

    def references(self):
        """(path, byte) of names -> where they lead to."""
        found = {}
        for (kind, node), targets in self.edges.items():
            if kind == "REFERS_TO" or kind == "IMPORTS" and self.kind(node) in IMPORTS:
                name = self.last_name(node)
                if name is not None:
                    found.setdefault(tuple(self.nodes[name][1:3]), set()).update(self.ends(targets))
        return found


def line_of(texts, place):
    path, at = place
    return f"{path}:{texts[path][:at].count(10) + 1}"


def compared(title, uses, definitions, answers, calls, texts, sums, show):
    """Prints what differs, and adds to the sums."""
    counts, wrong, missed = Counts(), [], []
    for place, symbols in uses.items():
        if (place in calls) != (title == "calls"):
            continue
        truth = set().union(*(definitions.get(symbol, set()) for symbol in symbols))
        path, at = place
        text = texts[path]
        if place in truth or text[at : at + 4] == b"Self":
            continue
        answer = answers.get(place, set())
        is_right = bool(answer & truth)
        for each in (counts, sums):
            each.add(answer, is_right, bool(truth))
        about = f"{line_of(texts, place)} {text[at : at + 40].split(b'(')[0].decode(errors='replace')!r}"
        if answer and not is_right:
            wrong.append(f"{about}: {[line_of(texts, each) for each in sorted(answer)]}, not {sorted(symbols)}")
        elif truth and not is_right:
            missed.append(f"{about}: {sorted(symbols)}")
    print_differences(title, wrong, missed, show)
    print(f"  {title}: {counts.text()}", flush=True)


def prepared(requirement, work):
    """The sources of a crate in a folder of their own, as cargo has them."""
    name, version = requirement.split("@")
    folder = work / f"{name}-{version}"
    if not folder.exists():
        fetch = work / f"{name}.fetch"
        shutil.rmtree(fetch, ignore_errors=True)
        run(["cargo", "init", "--quiet", "--vcs", "none", "--lib", "--name", "fetch", fetch], work)
        run(["cargo", "add", "--quiet", f"{name}@={version}"], fetch)
        run(["cargo", "fetch", "--quiet"], fetch)
        home = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
        source = next((home / "registry" / "src").glob(f"*/{name}-{version}"))
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".cargo-ok", ".cargo_vcs_info.json"))
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver")
    parser.add_argument("--work", help="a folder to keep crates and indexes in; graphs there are made anew")
    parser.add_argument("--only", nargs="+", help="names of crates; the others are left out")
    parser.add_argument("--show", type=int, default=20)
    arguments = parser.parse_args()
    work = pathlib.Path(arguments.work or tempfile.mkdtemp(prefix="rust-crates-")).resolve()
    work.mkdir(parents=True, exist_ok=True)
    print(run(["rust-analyzer", "--version"], work).strip())
    sums = {title: Counts() for title in THRESHOLDS}
    for requirement in CRATES:
        if arguments.only and requirement.partition("@")[0] not in arguments.only:
            continue
        folder = prepared(requirement, work)
        file, lake = work / f"{folder.name}.scip", work / f"{folder.name}.lake"
        if not file.exists():
            run(["rust-analyzer", "scip", folder, "--output", file], folder)
        shutil.rmtree(lake, ignore_errors=True)
        graph = Graph(os.path.abspath(arguments.driver), folder, lake)
        uses, definitions = indexed(folder, file)
        texts = {path: (folder / path).read_bytes() for path in {path for path, _ in uses}}
        for places in definitions.values():
            texts.update({path: (folder / path).read_bytes() for path, _ in places if path not in texts})
        print(requirement)
        calls, references = graph.calls(), graph.references()
        for title, answers in (("calls", calls), ("references", references)):
            compared(title, uses, definitions, answers, calls, texts, sums[title], arguments.show)
    if not arguments.work:
        shutil.rmtree(work, ignore_errors=True)
    return is_below(sums, THRESHOLDS)


if __name__ == "__main__":
    sys.exit(main())
