"""Measures how the time of `driver build` grows with long and deep files: sizes n, 2n and 4n of each shape.

    python3 tests/judges/long_files_check.py --driver target/debug/driver [--size 25000] [SHAPE ...]

A line for each shape: the seconds of the three sizes, the rows of the nodes' and edges' tables at the largest, and the
exponent by which the time grew from the middle to the largest (1 is linear). Shapes that end with an error, or whose
exponent is above 1.4 while they take longer than ten seconds, are told at the end, and the exit code is then 1.
"""

import argparse
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def numbered(count, line):
    return "".join(line(i) for i in range(count))


PYTHON = {
    "one_line": lambda n: numbered(n, lambda i: f"a{i}=f(b.c);"),
    "many_names": lambda n: numbered(n, lambda i: f"a{i} = a{i // 2}\n"),
    "one_name_functions": lambda n: "def f(): return f()\n" * n,
    "one_name_variables": lambda n: "x = x.y()\n" * n,
    "one_name_methods": lambda n: "class C:\n" + "  def f(self): return self.f()\n" * n,
    "one_field": lambda n: "class C:\n" + numbered(n, lambda i: f"  def f{i}(self): self.a = self.a()\n"),
    "brackets": lambda n: f"x = {'(' * n}a{')' * n}\n",
    "lists": lambda n: f"x = {'[' * n}a{']' * n}\n",
    "attributes": lambda n: f"x = a{'.b' * n}\n",
    "calls": lambda n: f"x = a{'()' * n}\n",
    "method_calls": lambda n: f"x = a(){'.b()' * n}\n",
    "operators": lambda n: f"x = a{' + a' * n}\n",
    "texts": lambda n: "x = 'a'" + " 'b'" * n + "\n",
    "decorators": lambda n: "@a.b(c)\n" * n + "def f(): pass\n",
    "arms": lambda n: "if a: pass\n" + numbered(n, lambda i: f"elif b: a{i} = a{i // 2}\n"),
    "cases": lambda n: "match a:\n" + numbered(n, lambda i: f"  case [b{i}]: a = b{i}\n"),
    "handlers": lambda n: "try:\n" + numbered(n, lambda i: f"  a{i} = 1\n") + numbered(n, lambda i: f"except E{i}: a = 1\n"),
    "assignments": lambda n: numbered(n, lambda i: f"a{i} = ") + "1\n",
    "lambdas": lambda n: f"x = {'lambda b: ' * n}a\n" + "a;" * n + "\n",
    "comprehensions": lambda n: f"a = 1\nx = {'[a() for b in ' * n}{']' * n}\n",
    "nested_functions": lambda n: numbered(int((2 * n) ** 0.5) + 1, lambda i: f"{' ' * i}def f{i}():\n") + " " * (int((2 * n) ** 0.5) + 2) + "f0()\n",
    "returns": lambda n: "def f(a):\n" + numbered(n, lambda i: f"  return g{i}\n") + "f().a()\n" * n,
    "exports": lambda n: "__all__ = [" + numbered(n, lambda i: f"'a{i}', ") + "]\n" + numbered(n, lambda i: f"a{i} = 1\n"),
}

RUST = {
    "lets": lambda n: "fn f() { " + numbered(n, lambda i: f"let a{i} = f(); ") + "}\n",
    "shadowing": lambda n: "fn f() { let a = 1; " + "let a = a.b(); f(); " * n + "}\n",
    "one_name": lambda n: "fn a() { a() }\n" * n,
    "ifs": lambda n: "fn f() { " + "if a { " * n + "b()" + "}" * n + " }\n",
    "else_ifs": lambda n: "fn f() { if a { b() } " + "else if a { b() } " * n + "}\n",
    "arms": lambda n: "fn f() { match a { " + numbered(n, lambda i: f"A{i}(b) => b.c(), ") + "} }\n",
    "modules": lambda n: "mod a { use self::b; fn c() { m!(); d::e() } " * n + "}" * n + "\n",
    "functions": lambda n: "fn f(a: u8) { g(a); u8::max(); " * n + "}" * n + "\n",
    "use_tree": lambda n: "use a::" + "{b, a::" * n + "b" + "}" * n + ";\n",
    "path": lambda n: "fn f() { a" + "::b" * n + "(); }\n",
    "macros": lambda n: "m!{ " + "=> { " * n + "a" + "}" * n + " }\n",
    "macro_calls": lambda n: "fn f() { " + "m!(" * n + "a" + ")" * n + "; }\n",
    "method_calls": lambda n: "fn f() { a" + ".b()" * n + "; }\n",
    "brackets": lambda n: "fn f() { " + "(u8::b, " * n + "u8::b" + ")" * n + "; }\n",
    "variants": lambda n: "enum E { " + numbered(n, lambda i: f"A{i}, ") + "} fn f() { " + numbered(n, lambda i: f"E::A{i}; ") + "}\n",
    "implementations": lambda n: "struct S; " + numbered(n, lambda i: f"impl S {{ fn a{i}() {{}} }} ") + "fn f() { " + numbered(n, lambda i: f"S::a{i}(); ") + "}\n",
}

SHAPES = [(f"{name}.py", make) for name, make in PYTHON.items()] + [(f"{name}.rs", make) for name, make in RUST.items()]


def build(driver, name, text, limit):
    """Seconds of a build, and what it printed; none when it did not end well."""
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder) / "r"
        repository.mkdir()
        (repository / name).write_text(text)
        command = [driver, "build", str(repository), "--lake", str(Path(folder) / "lake"), "--max-file-size", "1GiB"]
        begin = time.monotonic()
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired:
            return None, f"more than {limit} s"
        seconds = time.monotonic() - begin
        output = done.stdout + done.stderr
        if done.returncode != 0:
            return None, f"exit code {done.returncode}: {output[-400:]}"
        return seconds, "time limit" if "time_limit" in output or "could not be" in output else ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--driver", required=True)
    parser.add_argument("--size", type=int, default=25_000)
    parser.add_argument("--limit", type=float, default=600)
    parser.add_argument("shapes", nargs="*")
    arguments = parser.parse_args()
    bad = []
    for name, make in SHAPES:
        if arguments.shapes and name not in arguments.shapes and name.split(".")[0] not in arguments.shapes:
            continue
        times, remark = [], ""
        for size in (arguments.size, 2 * arguments.size, 4 * arguments.size):
            seconds, remark = build(arguments.driver, name, make(size), arguments.limit)
            if seconds is None:
                bad.append(f"{name} at {size}: {remark}")
                break
            times.append(seconds)
        exponent = math.log2(times[2] / times[1]) if len(times) == 3 else float("nan")
        if exponent > 1.4 and times[2] > 10:
            bad.append(f"{name}: grows with exponent {exponent:.2f}")
        print(f"{name:24} {' '.join(f'{seconds:7.1f}' for seconds in times)}  {exponent:5.2f}  {remark}", flush=True)
    for line in bad:
        print(line)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
