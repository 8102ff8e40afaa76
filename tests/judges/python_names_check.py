#!/usr/bin/env python3
"""Compares what names of small Python programs refer to, call, import and inherit with what the programs say themselves.

    python_names_check.py DRIVER [TEXT ...] [--alone]

Needs Python 3.12 or newer with duckdb, pyarrow and deltalake. The programs stand in `python_names/*.txt`, in the form of
`python_calls/`; those of `roots.txt` are repositories of their own, for what they ask depends on the whole repository, and take
a build each. The others are folders of one. What is expected was written from the language reference, and follows a line:

    def f(): pass  #@f                    the definitions of this line are called `f` below
    f()  #> f()=f|g; x[1]=f; y=EXT os.y   the call of `f` goes to `f` or `g`, the second `x` of the line refers to `f`

`kw x=` is the keyword `x` of a call, `imp x=` what the import of `x` names, `inh A=` the bases of the class `A`, `new A=` the
class of which a call of `A` makes an object. An end is the name of a mark, `EXT name`, `file:PATH`, `?reason` for one that is
open (`?` for any reason), `-` for no edge and `*` for any. All ends that are named must be there, and no others; several must
be one group whose scores add up to 1. Where one may be open, not all need be there. Exit status 1 when something differs.
"""

import argparse
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from python_calls_check import programs, unpack

HERE = pathlib.Path(__file__).parent
MARK = re.compile(r"#@(\w+)")
EXPECTED = re.compile(r"#> (.*?)(?=#@|$)")
ITEM = re.compile(r"(?:(kw|imp|inh|new) )?(\*|[^\s=\[]+?)(\(\))?(?:\[(\d+)\])?=(.*)")
ALONE = "roots"
SITES = {
    "call": ("CALLS", "SELECT path, coalesce(callee_name, callee_text), bstart, node_id FROM calls"),
    "new": ("INSTANTIATES", "SELECT path, coalesce(callee_name, callee_text), bstart, node_id FROM calls"),
    "ref": ("REFERS_TO", "SELECT path, name, bstart, node_id FROM refs"),
    "kw": ("REFERS_TO", "SELECT path, keyword, bstart, node_id FROM call_args WHERE keyword IS NOT NULL"),
    "imp": ("IMPORTS", "SELECT path, coalesce(name, CASE WHEN is_star THEN '*' ELSE raw_module END), bstart, node_id FROM imports"),
    "inh": ("INHERITS", "SELECT path, name, bstart, node_id FROM cpg_nodes WHERE node_kind = 'class_definition'"),
}


class Graph:
    """The edges of a lake by kind and node, and the places that have them by file, line and name."""

    def __init__(self, driver, folder, lake):
        import duckdb
        from deltalake import DeltaTable

        built = subprocess.run([driver, "build", str(folder), "--lake", str(lake)], capture_output=True, text=True)
        if built.returncode:
            sys.exit(f"{folder}: {built.stderr[-2000:]}")
        connection = duckdb.connect()
        for table in ("cpg_nodes", "cpg_edges", "extract/refs", "extract/calls", "extract/imports", "extract/call_args"):
            connection.register(table.split("/")[-1], DeltaTable(str(lake / table)).to_pyarrow_table())
        self.texts, self.folder = {}, folder
        self.edges = collections.defaultdict(list)
        query = """SELECT e.edge_kind, e.src_node_id, e.bstart, t.node_kind, t.path, t.name, t.bstart, e.resolution_method,
                e.score, e.ambiguity_group_id, e.reason
            FROM cpg_edges e JOIN cpg_nodes t ON t.node_id = e.dst_node_id"""
        for kind, source, start, *end in connection.execute(query).fetchall():
            self.edges[kind, source, start if kind == "REFERS_TO" else 0].append(end)
        self.sites = {}
        for what, (_, query) in SITES.items():
            self.sites[what] = collections.defaultdict(list)
            for path, name, start, node in connection.execute(query + " ORDER BY bstart").fetchall():
                self.sites[what][path, self.line(path, start), name].append((start, node))

    def line(self, path, offset):
        """The line of an offset in a file."""
        if path not in self.texts:
            self.texts[path] = (self.folder / path).read_bytes() if path else b""
        return self.texts[path][:offset].count(b"\n") + 1

    def ends(self, what, site, marks, prefix):
        """What a place leads to, in the words of expectations -> score and group."""
        start, node = site
        kind = SITES[what][0]
        found = {}
        for node_kind, path, name, at, method, score, group, reason in self.edges[kind, node, start if kind == "REFERS_TO" else 0]:
            if node_kind == "EXTERNAL":
                end = f"?{reason}" if method in ("dynamic", "unbound") else f"EXT {name}"
            elif node_kind == "FILE":
                end = f"file:{path.removeprefix(prefix)}"
            else:
                place = (path.removeprefix(prefix), self.line(path, at))
                end = marks.get(place, f"{place[0]}:{place[1]} {name}")
            found[end] = (score, group)
        return found


def differs(found, wanted, kind):
    """Whether what was found is not what is wanted."""
    if wanted == {"*"}:
        return False
    wanted = wanted - {"-"}
    fits = lambda end: end in wanted or end.startswith("?") and "?" in wanted
    may_be_open = len(wanted) > 1 and any(end.startswith("?") for end in wanted)
    if not all(map(fits, found)) or not found and wanted:
        return True
    if not may_be_open and not all(end in found or end == "?" for end in wanted):
        return True
    groups = {group for _, group in found.values()}
    return len(found) > 1 and (len(groups) > 1 or None in groups or abs(sum(score or 0 for score, _ in found.values()) - 1) > 1e-6)


def compare(graph, files, prefix):
    """The expectations of a program: how many there are, and what of them differs."""
    marks = {}
    for path, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            marks.update({found[1]: (path, number) for found in MARK.finditer(line)})
    names = {place: name for name, place in reversed(marks.items())}
    count, wrong = 0, []
    for path, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            items = [item.strip() for found in EXPECTED.finditer(line) for item in found[1].split(";")]
            for item in filter(None, items):
                what, name, is_call, index, ends = ITEM.fullmatch(item).groups()
                what = what or ("call" if is_call else "ref")
                sites = graph.sites[what][prefix + path, number, name]
                wanted = {names.get(marks.get(end), end) for end in ends.split("|")}
                count += 1
                if int(index or 0) >= len(sites):
                    wrong.append(f"{path}:{number} {item}: there is none")
                    continue
                found = graph.ends(what, sites[int(index or 0)], names, prefix)
                if differs(found, wanted, what):
                    wrong.append(f"{path}:{number} {item}: {found}")
    return count, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver")
    parser.add_argument("texts", nargs="*")
    arguments = parser.parse_args()
    driver, work = os.path.abspath(arguments.driver), pathlib.Path(tempfile.mkdtemp(prefix="python-names-"))
    together, alone = {}, {}
    for text in sorted((HERE / "python_names").glob("*.txt")):
        if not arguments.texts or text.stem in arguments.texts:
            for name, files in programs(text.read_text(encoding="utf-8"), text.stem).items():
                (alone if text.stem == ALONE else together)[f"{text.stem}-{name}"] = files
    total, wrong = 0, []
    for program, files in together.items():
        unpack(files, work / "repository" / program)
    graph = Graph(driver, work / "repository", work / "lake") if together else None
    for program, files in (together | alone).items():
        if program in alone:
            unpack(files, work / program)
            graph = Graph(driver, work / program, work / f"{program}.lake")
        count, differing = compare(graph, files, "" if program in alone else f"{program}/")
        total += count
        wrong += [f"{program}/{line}" for line in differing]
    shutil.rmtree(work, ignore_errors=True)
    print("".join(f"{line}\n" for line in wrong), end="")
    print(f"{len(together) + len(alone)} programs, {total} expectations, {len(wrong)} differ")
    return 1 if wrong or not total else 0


if __name__ == "__main__":
    sys.exit(main())
