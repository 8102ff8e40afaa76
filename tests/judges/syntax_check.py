"""Compares the spans of functions, classes, calls, names and imports with CPython's own parser.

    python3 tests/judges/syntax_check.py --driver target/debug/driver [--sources DIR] [--lake DIR] [--show 5]

The sources (the standard library of this interpreter without them) are extracted into a temporary lake, or are what the lake
already has. Every Python file that this interpreter compiles is compared; what stands inside of f-strings is left out, whose
positions CPython before 3.12 does not tell. A line for each kind: how many both have, how many only one has, and examples
with the line. Exit code 1 when they differ.
"""

import argparse
import ast
import collections
import json
import re
import subprocess
import sys
import sysconfig
import tempfile
import tokenize
import warnings
from pathlib import Path

QUERIES = {
    "function": "SELECT path, bstart, bend FROM extract.syntax_nodes WHERE kind = 'function_definition'",
    "class": "SELECT path, bstart, bend FROM extract.syntax_nodes WHERE kind = 'class_definition'",
    "call": "SELECT path, bstart, bend FROM extract.calls",
    "name": "SELECT r.path, r.bstart, r.bend FROM extract.refs r JOIN extract.syntax_nodes n ON n.node_id = r.node_id AND n.kind = 'identifier' "
            "WHERE r.context <> 'attribute'",
    "import": "SELECT path, bstart, bend FROM extract.imports",
}


def spans(text):
    """The spans of a file by CPython, by kind, and those of its f-strings."""
    tree = ast.parse(text)
    starts = [0]
    for line in lines(text):
        starts.append(starts[-1] + len(line.encode()))
    found = collections.defaultdict(set)
    formats = []

    def span(node):
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    content = text.encode()

    def bound(node):
        """Where a name stands that a handler or a pattern binds; they are no nodes of their own."""
        name = getattr(node, "rest", None) if isinstance(node, ast.MatchMapping) else node.name
        if name is None:
            return
        begin, end = span(node)
        if isinstance(node, ast.ExceptHandler):
            end = span(node.body[0])[0]
            mark = rb"\bas[\s\\]+"
        else:
            mark = rb"\*\*\s*" if isinstance(node, ast.MatchMapping) else rb"(?:^|\bas[\s\\]+|\*\s*)"
        places = list(re.finditer(mark + rb"(" + re.escape(name.encode()) + rb")\b", content[begin:end]))
        if places:
            found["name"].add((begin + places[-1].start(1), begin + places[-1].end(1)))

    kinds = {ast.FunctionDef: "function", ast.AsyncFunctionDef: "function", ast.ClassDef: "class", ast.Call: "call",
             ast.Name: "name", ast.alias: "import"}
    pending = [(tree, False)]
    while pending:
        node, inside = pending.pop()
        if isinstance(node, ast.JoinedStr):
            if not inside:
                formats.append(span(node))
            inside = True
        kind = kinds.get(type(node))
        if kind and not inside:
            found[kind].add(span(node))
        if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping)) and not inside:
            bound(node)
        # The name of an alias is that of a definition.
        alias = node.name if node.__class__.__name__ == "TypeAlias" else None
        pending.extend((child, inside) for child in ast.iter_child_nodes(node) if child is not alias)
    return found, formats


def lines(text):
    """The lines of a text with their ends, as CPython counts them."""
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end + 1
        yield text[begin:end]
        begin = end


def query(driver, lake, sql):
    done = subprocess.run([driver, "sql", "--format", "ndjson", "--lake", lake, sql], capture_output=True, text=True, check=True)
    return map(json.loads, done.stdout.splitlines())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--driver", required=True)
    parser.add_argument("--sources", default=sysconfig.get_path("stdlib"))
    parser.add_argument("--lake")
    parser.add_argument("--show", type=int, default=5)
    arguments = parser.parse_args()
    sources = Path(arguments.sources)
    lake = arguments.lake or tempfile.mkdtemp()
    if not arguments.lake:
        excluded = ["--exclude", "site-packages/", "--exclude", "dist-packages/"]
        subprocess.run([arguments.driver, "extract", sources, "-o", f"{lake}/extract", *excluded], check=True, capture_output=True)
    ours = {kind: collections.defaultdict(set) for kind in QUERIES}
    for kind, sql in QUERIES.items():
        for row in query(arguments.driver, lake, sql):
            ours[kind][row["path"]].add((row["bstart"], row["bend"]))
    files = [row["path"] for row in query(arguments.driver, lake, "SELECT path FROM extract.files WHERE language = 'python'")]
    counts = collections.defaultdict(collections.Counter)
    examples = collections.defaultdict(list)
    compared = 0
    for path in sorted(files):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with tokenize.open(sources / path) as file:
                    text = file.read()
                raw = (sources / path).read_bytes()
                if b"\r" in raw:
                    text = raw.decode(tokenize.detect_encoding(iter(raw.splitlines(keepends=True)).__next__)[0])
                    text = text.replace("\r\n", "\0").replace("\r", "\n").replace("\0", "\r\n")
                bom = 3 if raw.startswith(b"\xef\xbb\xbf") else 0
                theirs, formats = spans(text)
        except (SyntaxError, ValueError, UnicodeDecodeError, RecursionError):
            continue
        compared += 1
        outside = lambda place: not any(begin <= place[0] and place[1] <= end for begin, end in formats)
        for kind in QUERIES:
            left = {(begin - bom, end - bom) for begin, end in ours[kind][path]}
            left = {place for place in left if outside(place)}
            right = theirs[kind]
            counts[kind]["both"] += len(left & right)
            for which, only in (("ours", left - right), ("theirs", right - left)):
                counts[kind][which] += len(only)
                for begin, end in sorted(only)[:2]:
                    content = text.encode()
                    line = content.count(b"\n", 0, begin) + 1
                    examples[kind, which].append(f"{path}:{line}: {begin}..{end} {content[begin:end][:60]!r}…{content[max(begin, end - 30):end]!r}")
    print(f"{compared} files")
    bad = False
    for kind in QUERIES:
        count = counts[kind]
        print(f"{kind:10} both {count['both']:8}  only ours {count['ours']:6}  only CPython's {count['theirs']:6}")
        for which in ("ours", "theirs"):
            bad |= count[which] > 0
            for example in examples[kind, which][: arguments.show]:
                print(f"    {which}: {example}")
    return 1 if bad or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
