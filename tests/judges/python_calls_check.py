#!/usr/bin/env python3
"""Compares the calls of small Python programs with what happens when they run.

    python_calls_check.py DRIVER [--show 20] [--precision 99] [--recall 0]

Needs Python 3.12 or newer (`sys.monitoring`), duckdb 1.4, pyarrow 21 and deltalake 1.1. The programs stand in
`python_calls/*.txt`: each is one text with files, `--- NAME` before each; `main.py` is run. Every call that happens is noted
with its place in the text and the function that was called: for a class its `__init__`, or the class where that is not
written in Python. Calls to what is not in the program's files are not compared.

For every call that happened the graph's CALLS edges into the repository are the answer. Precision is the part of these
edges that happened, recall the part of what happened that has an edge. Edges that are one of several (a group) count as one,
which is right when one of them happened. Exit status 1 below a threshold.
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
import json, os, runpy, sys, types
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
        if isinstance(made, types.FunctionType):
            return target(made)
        module = sys.modules.get(callee.__module__)
        path = getattr(module, '__file__', None)
        return path and [os.path.relpath(os.path.realpath(path), root), callee.__qualname__, 0]
    if isinstance(callee, types.FunctionType):
        path = place(callee.__code__)
        return path and [path, callee.__code__.co_qualname, callee.__code__.co_firstlineno]
    call = getattr(type(callee), '__call__', None)
    return target(call) if isinstance(call, types.FunctionType) else None

def called(code, offset, callee, first):
    path = place(code)
    if path is None:
        return
    positions = list(code.co_positions())[offset // 2]
    found = target(callee)
    if found and None not in positions:
        seen.add(json.dumps([path, positions[0], positions[2], positions[1], positions[3], found]))

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


def unpack(text, folder):
    """Writes the files of a program."""
    path = None
    files = {}
    for line in text.splitlines(keepends=True):
        if line.startswith("--- "):
            path = line[4:].strip()
            files[path] = ""
        elif path:
            files[path] += line
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content, encoding="utf-8")
    return files


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
    """(path, first byte, last byte) of every call that happened -> definitions that were called."""
    run = subprocess.run([sys.executable, "-c", RUNNER, str(folder)], capture_output=True, text=True, timeout=60)
    if run.returncode:
        sys.exit(f"{folder.name} does not run: {run.stderr[-2000:]}")
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
        path, row, column, last_row, last_column, target = json.loads(line)
        end = known.get(tuple(target))
        # Decorators and `with` call without being calls in the text.
        is_written = (path, row, last_row, column, last_column) in written
        if end and is_written and not target[1].endswith(("__enter__", "__exit__")):
            place = (path, starts[path][row - 1] + column, starts[path][last_row - 1] + last_column)
            calls.setdefault(place, set()).add(end)
    return calls


def answered(driver, folder, lake):
    """(path, first byte, last byte) of every call -> definitions with the score of the edge."""
    import duckdb
    from deltalake import DeltaTable

    built = subprocess.run([driver, "build", str(folder), "--lake", str(lake)], capture_output=True, text=True)
    if built.returncode:
        sys.exit(f"{folder.name}: {built.stderr[-2000:]}")
    connection = duckdb.connect()
    for table in ("cpg_nodes", "cpg_edges"):
        connection.register(table, DeltaTable(str(lake / table)).to_pyarrow_table())
    query = """SELECT e.path, e.bstart, e.bend, t.path, t.name, t.bstart, coalesce(e.score, 1.0)
        FROM cpg_edges e JOIN cpg_nodes t ON t.node_id = e.dst_node_id WHERE e.edge_kind = 'CALLS' AND t.node_kind <> 'EXTERNAL'"""
    calls = {}
    for path, start, end, target, name, at, score in connection.execute(query).fetchall():
        line = (folder / target).read_bytes()[:at].count(b"\n") + 1
        calls.setdefault((path, start, end), {})[(target, name, line)] = score
    return calls


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver")
    parser.add_argument("--show", type=int, default=20)
    parser.add_argument("--precision", type=float, default=99)
    parser.add_argument("--recall", type=float, default=0)
    arguments = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="python-calls-"))
    said = right = total = found = 0
    wrong, missed = [], []
    programs = sorted((pathlib.Path(__file__).parent / "python_calls").glob("*.txt"))
    for program in programs:
        folder = work / program.stem
        files = unpack(program.read_text(encoding="utf-8"), folder)
        truth = happened(folder, files)
        graph = answered(os.path.abspath(arguments.driver), folder, work / f"{program.stem}.lake")
        for place, targets in truth.items():
            answers = graph.get(place, {})
            total += len(targets)
            found += len(targets & answers.keys())
            is_group = min(answers.values(), default=1) < 1
            said += 1 if is_group else len(answers)
            hits = len(targets & answers.keys())
            right += min(hits, 1) if is_group else hits
            text = (folder / place[0]).read_bytes()[place[1] : place[2]].decode()
            wrong += [f"{program.stem}/{place[0]} {text!r}: {target}" for target in answers.keys() - targets]
            missed += [f"{program.stem}/{place[0]} {text!r}: {target}" for target in targets - answers.keys()]
    shutil.rmtree(work, ignore_errors=True)
    for title, lines in (("edges that did not happen", wrong), ("calls without an edge", missed)):
        print(f"{title}: {len(lines)}")
        print("".join(f"  {line}\n" for line in lines[: arguments.show]), end="")
    precision, recall = 100 * right / max(said, 1), 100 * found / max(total, 1)
    print(f"{len(programs)} programs, {total} calls that happened; precision {precision:.2f} %, recall {recall:.2f} %")
    return precision < arguments.precision or recall < arguments.recall


if __name__ == "__main__":
    sys.exit(main())
