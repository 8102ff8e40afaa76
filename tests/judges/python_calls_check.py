#!/usr/bin/env python3
"""Compares the calls of small Python programs with what happens when they run.

    python_calls_check.py DRIVER [--show 20] [--precision 99] [--recall 0]

Needs Python 3.12 or newer (`sys.monitoring`), duckdb 1.4, pyarrow 21 and deltalake 1.1. The programs stand in
`python_calls/*.txt`, one text for each category: `=== NAME` before each program, `--- NAME` before each of its files;
`main.py` is run. All programs are folders of one repository. Every call that happens is noted with its place in the text
and the function that was called: for a class its `__init__`, or the class where that is not in the program's files. What
is not written in Python and calls one function (`functools.partial`, `functools.cache`, `Class[int]`) counts as that.

For every call that happened the graph's CALLS edges into the repository are the answer. Precision is the part of these
edges that happened, recall the part of what happened in the program's files that has an edge. Edges that are one of several
(a group) count as one, which is right when one of them happened. An edge from a call that went to the outside is wrong; one
to a function that the callee says it wraps (`functools.wraps`) is right, and not asked for. So is one to a method that the
called one overrides: the graph names the method of the class that it sees, and its table `overrides` those of others. How
many of these there are is told; they are not found. Exit status 1 below a threshold.
"""

import argparse
import ast
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

RUNNER = r"""
import functools, json, os, runpy, sys, types
root = os.path.realpath(sys.argv[1])
seen = set()

def place(code):
    path = os.path.realpath(code.co_filename)
    return os.path.relpath(path, root) if path.startswith(root + os.sep) else None

def target(callee):
    if isinstance(callee, types.MethodType):
        callee = callee.__func__
    if isinstance(callee, type):
        made = callee.__init__
        if isinstance(made, types.FunctionType) and place(made.__code__):
            return target(made)
        module = sys.modules.get(callee.__module__)
        path = getattr(module, '__file__', None)
        path = path and os.path.realpath(path)
        return path and path.startswith(root + os.sep) and [os.path.relpath(path, root), callee.__qualname__, 0]
    if isinstance(callee, types.FunctionType):
        path = place(callee.__code__)
        return path and [path, callee.__code__.co_qualname, callee.__code__.co_firstlineno]
    call = getattr(type(callee), '__call__', None)
    if isinstance(call, types.FunctionType) and place(call.__code__):
        return target(call)
    if isinstance(origin := getattr(callee, '__origin__', None), type):
        return target(origin)
    inner = callee.func if type(callee) is functools.partial else getattr(callee, '__wrapped__', None)
    return None if inner is None else target(inner)

def wrapped(callee):
    found = []
    while len(found) < 8 and getattr(callee, '__wrapped__', None) is not None:
        callee = callee.__wrapped__
        found.append(target(callee))
    return [each for each in found if each]

def overridden(callee, first):
    method = getattr(callee, '__func__', callee)
    owner = first if isinstance(first, type) else type(first)
    found = [member for each in owner.__mro__ for name, member in vars(each).items() if name == method.__name__]
    found = [getattr(member, '__func__', member) for member in found]
    if method not in found:
        return []
    return [place for each in found[found.index(method) + 1:] if (place := target(each))]

def called(code, offset, callee, first):
    path = place(code)
    if path is None:
        return
    positions = list(code.co_positions())[offset // 2]
    if None not in positions:
        found = [target(callee) or None, wrapped(callee), []]
        if isinstance(callee, (types.FunctionType, types.MethodType)):
            found[2] = overridden(callee, getattr(callee, '__self__', first))
        seen.add(json.dumps([path, positions[0], positions[2], positions[1], positions[3], *found]))

monitoring = sys.monitoring
monitoring.use_tool_id(1, 'calls')
monitoring.register_callback(1, monitoring.events.CALL, called)
monitoring.set_events(1, monitoring.events.CALL)
sys.path.insert(0, root)
sys.argv = ['main.py']
try:
    runpy.run_path(os.path.join(root, 'main.py'), run_name='__main__')
finally:
    monitoring.set_events(1, 0)
    print('\n'.join(sorted(seen)), file=sys.stderr)
"""


def programs(text, stem):
    """Name of each program of a text -> its files."""
    found, name, path = {}, stem, None
    for line in text.splitlines(keepends=True):
        if line.startswith("=== "):
            name, path = line[4:].strip(), None
        elif line.startswith("--- "):
            path = line[4:].strip()
            found.setdefault(name, {})[path] = ""
        elif path:
            found[name][path] += line
    return found


def unpack(files, folder):
    """Writes the files of a program."""
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content, encoding="utf-8")


def definitions(files):
    """Qualified name and first line of what is defined, decorators included -> line of its `def` or `class`."""
    found = {}

    def visit(path, node, prefix):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                name = prefix + child.name
                first = min([child.lineno] + [decorator.lineno for decorator in child.decorator_list])
                is_class = isinstance(child, ast.ClassDef)
                found[(path, name, 0 if is_class else first)] = (path, child.name, child.lineno)
                visit(path, child, name + ("." if is_class else ".<locals>."))
            else:
                visit(path, child, prefix)

    for path, text in files.items():
        visit(path, ast.parse(text), "")
    return found


def happened(folder, files):
    """(path, first byte, last byte) of every call that happened -> what was called, what that wraps, what it overrides."""
    run = subprocess.run([sys.executable, "-c", RUNNER, str(folder)], capture_output=True, text=True, timeout=60)
    if run.returncode:
        sys.exit(f"{folder} does not run: {run.stderr[-2000:]}")
    known = definitions(files)
    written = {
        (path, node.lineno, node.end_lineno, node.col_offset, node.end_col_offset)
        for path, text in files.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
    }
    starts = {}
    for path, text in files.items():
        lines = text.encode().splitlines(keepends=True)
        starts[path] = [0]
        for line in lines:
            starts[path].append(starts[path][-1] + len(line))
    calls = {}
    for line in run.stderr.splitlines():
        path, row, column, last_row, last_column, target, *others = json.loads(line)
        # Decorators and `with` call without being calls in the text.
        is_written = (path, row, last_row, column, last_column) in written
        if is_written and not (target and target[1].endswith(("__enter__", "__exit__"))):
            place = (path, starts[path][row - 1] + column, starts[path][last_row - 1] + last_column)
            ends, *also = calls.setdefault(place, (set(), set(), set()))
            if target:
                ends.add(known.get(tuple(target), tuple(target)))
            for known_ones, found in zip(also, others):
                known_ones.update(known.get(tuple(each), tuple(each)) for each in found)
    return calls


def answered(driver, folder, lake):
    """Program -> (path, first byte, last byte) of every call -> definitions with the score of the edge."""
    import duckdb
    from deltalake import DeltaTable

    built = subprocess.run([driver, "build", str(folder), "--lake", str(lake)], capture_output=True, text=True)
    if built.returncode:
        sys.exit(f"{folder}: {built.stderr[-2000:]}")
    connection = duckdb.connect()
    for table in ("cpg_nodes", "cpg_edges"):
        connection.register(table, DeltaTable(str(lake / table)).to_pyarrow_table())
    query = """SELECT e.path, e.bstart, e.bend, t.path, t.name, t.bstart, coalesce(e.score, 1.0)
        FROM cpg_edges e JOIN cpg_nodes t ON t.node_id = e.dst_node_id WHERE e.edge_kind = 'CALLS' AND t.node_kind <> 'EXTERNAL'"""
    calls = {}
    for path, start, end, target, name, at, score in connection.execute(query).fetchall():
        line = (folder / target).read_bytes()[:at].count(b"\n") + 1
        program, _, path = path.partition("/")
        owner, _, target = target.partition("/")
        target = target if owner == program else f"../{owner}/{target}"
        calls.setdefault(program, {}).setdefault((path, start, end), {})[(target, name, line)] = score
    return calls


class Counts:
    """What edges say, what of that is right, what happened, and what of that is found."""

    def __init__(self):
        self.said = self.right = self.declared = self.total = self.found = 0
        self.wrong, self.missed = [], []

    def add(self, about, ends, also, overridden, answers):
        """Counts one call: what was called, what that wraps and overrides, and the edges with their scores."""
        hits, allowed = len(ends & answers.keys()), len((ends | also) & answers.keys())
        is_group = min(answers.values(), default=1) < 1
        self.total += len(ends)
        self.found += hits
        self.said += 1 if is_group else len(answers)
        self.right += min(allowed, 1) if is_group else allowed
        declared = len(overridden & answers.keys() - ends - also)
        self.declared += min(declared, 1 - min(allowed, 1)) if is_group else declared
        if not (is_group and allowed):
            self.wrong += [f"{about}: {target}" for target in answers.keys() - ends - also - overridden]
        self.missed += [f"{about}: {target}" for target in ends - answers.keys()]

    def rates(self):
        return 100 * (self.right + self.declared) / max(self.said, 1), 100 * self.found / max(self.total, 1)

    def text(self):
        precision, recall = self.rates()
        overridden = f" ({self.declared} to what was overridden)" if self.declared else ""
        said = f"{self.total} calls that happened, {self.said} edges{overridden}"
        return f"{said}; precision {precision:.2f} %, recall {recall:.2f} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver")
    parser.add_argument("--show", type=int, default=20)
    parser.add_argument("--precision", type=float, default=99)
    parser.add_argument("--recall", type=float, default=0)
    arguments = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="python-calls-"))
    called = {}
    for text in sorted((pathlib.Path(__file__).parent / "python_calls").glob("*.txt")):
        for name, files in programs(text.read_text(encoding="utf-8"), text.stem).items():
            program = f"{text.stem}-{name}"
            unpack(files, work / "repository" / program)
            called[program] = (text.stem, happened(work / "repository" / program, files))
    graph = answered(os.path.abspath(arguments.driver), work / "repository", work / "lake")
    everything, categories = Counts(), {}
    for program, (category, calls) in called.items():
        for place, (ends, also, overridden) in calls.items():
            text = (work / "repository" / program / place[0]).read_bytes()
            line = text.count(b"\n", 0, place[1]) + 1
            about = f"{program}/{place[0]}:{line} {text[place[1] : place[2]].decode()!r}"
            for counts in (everything, categories.setdefault(category, Counts())):
                counts.add(about, ends, also, overridden, graph.get(program, {}).get(place, {}))
    shutil.rmtree(work, ignore_errors=True)
    for title, lines in (("edges that did not happen", everything.wrong), ("calls without an edge", everything.missed)):
        print(f"{title}: {len(lines)}")
        print("".join(f"  {line}\n" for line in lines[: arguments.show]), end="")
    for category, counts in categories.items():
        print(f"{category}: {counts.text()}")
    print(f"{len(called)} programs, {everything.text()}")
    precision, recall = everything.rates()
    return precision < arguments.precision or recall < arguments.recall


if __name__ == "__main__":
    sys.exit(main())
