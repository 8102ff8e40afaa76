"""Odd repositories: each function makes one in an empty folder, or returns why it cannot."""

import os
import random
import socket
import subprocess
import threading
import time
import unicodedata


def write(root, path, content="x = 1\n"):
    """Writes a file, whose path and content may be bytes."""
    place = os.path.join(os.fsencode(root), os.fsencode(path))
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def git(root, *arguments):
    settings = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always", *arguments]
    subprocess.run(command, cwd=root, env={**os.environ, **settings}, check=True, capture_output=True)


def empty(root):
    pass


def only_binaries(root):
    for i in range(5):
        write(root, f"a{i}.bin", random.Random(i).randbytes(5000))
    write(root, "module.so", b"\x7fELF\0\0")


def without_commits(root):
    git(root, "init", "-q")
    write(root, "a.py")


def bare(root):
    git(root, "init", "-q", "--bare")


def git_file_that_leads_nowhere(root):
    write(root, ".git", "gitdir: /nowhere\n")
    write(root, "a.py")


def broken_index(root):
    git(root, "init", "-q")
    write(root, ".git/index", b"DIRC\0\0\0\2\xff\xff\xff\xff")
    write(root, "a.py")


def submodule(root):
    inner = root / "inner_source"
    inner.mkdir()
    git(inner, "init", "-q")
    write(inner, "b.py")
    git(inner, "add", ".")
    git(inner, "commit", "-qm", "b")
    git(root, "init", "-q")
    git(root, "submodule", "add", "-q", str(inner), "sub")
    write(root, "a.py", "import sub.b\n")


def worktree(root):
    git(root, "init", "-q")
    write(root, "a.py")
    git(root, "add", ".")
    git(root, "commit", "-qm", "a")
    git(root, "worktree", "add", "-q", "tree")


def link_loops(root):
    write(root, "d/a.py")
    os.symlink("..", root / "d" / "up")
    os.symlink("self", root / "self")
    os.symlink("d", root / "e")
    os.symlink("/nowhere", root / "f.py")
    os.symlink("d/a.py", root / "g.py")


def odd_names(root):
    for name in ["a\nb.py", "a'b.py", 'a"b.py', "a b.py", "a\\b.py", "a\tb.py", "-rf.py", "$(x).py", "a;b.py", "*.py", "a%20.py",
                 "{a}.py", "[a].py", "!a.py", "#a.py", "~.py", " .py", "a\r.py", "\u202ea.py", "日本.py", "\U0001f600.py"]:
        write(root, name, "def f(): pass\nf()\n")
        write(root, f"{name}.d/m.py")


def names_not_utf8(root):
    write(root, b"a\xff.py")
    write(root, b"a\xfe.py")
    write(root, b"d\xff/b.py")
    write(root, b"d\xff/c.py")
    write(root, "ok.py")


def normal_forms(root):
    for form in ("NFC", "NFD"):
        write(root, unicodedata.normalize(form, "é.py"), "é = 1\n")
        write(root, unicodedata.normalize(form, "ö/m.py"), "import é\n")


def long_paths(root):
    write(root, "/".join(["a" * 200] * 15) + "/m.py", "def f(): pass\n")
    write(root, "b" * 250 + ".py")


def longer_than_a_path_may_be(root):
    descriptor = os.open(root, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("c" * 200, dir_fd=descriptor)
        inner = os.open("c" * 200, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    file = os.open("m.py", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor)
    os.write(file, b"x = 1\n")
    os.close(file)
    os.close(descriptor)
    write(root, "a.py")


def many_files(root):
    for i in range(10_000):
        write(root, f"d{i % 100}/m{i}.py", f"from d{(i + 1) % 100} import m{(i + 1) % 10000}\ndef f{i}(): return {i}\n")


def large_file(root):
    write(root, "a.py", b"x = 1\n" * 17_500_000)
    write(root, "b.py")


def special_files(root):
    os.mkfifo(root / "a.py")
    with socket.socket(socket.AF_UNIX) as made:
        here = os.getcwd()
        os.chdir(root)
        made.bind("b.py")
        os.chdir(here)
    os.symlink("/dev/zero", root / "c.py")
    if os.geteuid() == 0:
        try:
            os.mknod(root / "null.py", 0o600 | 0o020000, os.makedev(1, 3))
        except OSError:
            pass
    write(root, "d.py")


def unreadable(root):
    write(root, "d/a.py")
    write(root, "b.py")
    write(root, "c.py")
    os.chmod(root / "d", 0)
    os.chmod(root / "b.py", 0)


def ignored_all(root):
    git(root, "init", "-q")
    write(root, ".gitignore", "*\n")
    write(root, "a.py")
    write(root, "d/b.py")


def negations(root):
    git(root, "init", "-q")
    write(root, ".gitignore", "*.py\n!keep.py\nd/*\n!d/e/\n")
    write(root, "d/e/.gitignore", "!again.py\nlocal/\n")
    for path in ["a.py", "keep.py", "d/b.py", "d/keep.py", "d/e/again.py", "d/e/keep.py", "d/e/local/keep.py", "d/e/c.txt"]:
        write(root, path)


def tracked_though_ignored(root):
    git(root, "init", "-q")
    write(root, ".gitignore", "d/\n*.tmp.py\n")
    for path in ["d/a.py", "d/e/b.py", "c.tmp.py", "d/loose.py"]:
        write(root, path)
    git(root, "add", "-f", "d/a.py", "d/e/b.py", "c.tmp.py")
    os.remove(root / "d" / "e" / "b.py")


def line_ends(root):
    text = "def f():\n    return 1\n\nclass A:\n    x = f()\n"
    write(root, "lf.py", text)
    write(root, "crlf.py", text.replace("\n", "\r\n"))
    write(root, "cr.py", text.replace("\n", "\r"))
    write(root, "mixed.py", "x = 1\r\ny = 2\rz = 3\n")
    write(root, "crlf.rs", "fn f() {\r\n    f()\r\n}\r\n")
    write(root, "cr.rs", "// a\rfn f() { f() }\r")


def encodings(root):
    text = "x = 'é'\n"
    write(root, "bom.py", b"\xef\xbb\xbf" + text.encode())
    write(root, "utf16.py", text.encode("utf-16"))
    write(root, "utf16be.rs", "fn f() {}".encode("utf-16-be"))
    write(root, "latin_with_line.py", "# coding: latin-1\n".encode() + text.encode("latin-1"))
    write(root, "latin_without.py", text.encode("latin-1"))
    write(root, "unknown.py", b"# coding: klingon\n" + text.encode())
    write(root, "two_boms.py", b"\xef\xbb\xbf\xef\xbb\xbf" + text.encode())
    write(root, "surrogate.py", b"x = '\xed\xa0\x80'\n")


def nul_bytes(root):
    write(root, "a.py", b"x = 1\0\n")
    write(root, "b.rs", b"\0")
    write(root, "c.py", b"\0" * 100_000)


def syntax_errors(root):
    source = random.Random(1)
    for i in range(40):
        write(root, f"a{i}.py", "".join(source.choice("()[]{}:=,.def class\n  'f\"\\@*") for _ in range(400)))
        write(root, f"a{i}.rs", "".join(source.choice("()[]{}:=,.fn struct\n  'r#\"\\!&*") for _ in range(400)))
    write(root, "open.py", "def f(\n" * 2000)
    write(root, "open.rs", "fn f( {" * 2000)
    write(root, "quotes.py", "'''" * 1001)
    write(root, "raw.rs", "r#\"" * 1001)


def deleted_while_read(root):
    for i in range(3000):
        write(root, f"a{i}.py", f"def f{i}(): pass\n" * 20)


def changed_while_read(root):
    for i in range(3000):
        write(root, f"a{i}.py", f"def f{i}(): pass\n" * 20)


def broken_manifests(root):
    for text, folder in [("", "empty"), ("{", "brace"), ("\xff", "odd"), ("[package]\nname = 1\n", "kind"), ("[[[", "deep")]:
        for name in ["package.json", "Cargo.toml", "pyproject.toml", "tsconfig.json", "setup.cfg"]:
            write(root, f"{folder}/{name}", text)
        write(root, f"{folder}/src/lib.rs", "fn f() { f() }\n")
        write(root, f"{folder}/m.py")
    write(root, "bytes/Cargo.toml", b"\xff\xfe")
    write(root, "bytes/src/lib.rs", "fn f() {}\n")
    write(root, "folder/Cargo.toml/x", "")
    write(root, "long/Cargo.toml", "a = " + "[" * 100_000)
    write(root, "long/src/lib.rs", "fn f() {}\n")


def workspaces_in_circles(root):
    write(root, "Cargo.toml", '[workspace]\nmembers = ["a", "b", "."]\n')
    for name, other in [("a", "b"), ("b", "a")]:
        write(root, f"{name}/Cargo.toml",
              f'[package]\nname = "{name}"\nworkspace = "../{other}"\n[dependencies]\n{other} = {{path = "../{other}"}}\n{name} = {{path = "."}}\n')
        write(root, f"{name}/src/lib.rs", f"pub use {other}::*; pub use {other}::f as g; fn h() {{ f(); g(); }}\n")


def modules_in_each_other(root):
    write(root, "Cargo.toml", '[package]\nname = "a"\n')
    write(root, "src/lib.rs", 'mod b; mod c; #[path = "lib.rs"] mod me; include!("b.rs");\n')
    write(root, "src/b.rs", '#[path = "c.rs"] mod c; #[path = "lib.rs"] mod up; include!("b.rs"); fn f() { c::f() }\n')
    write(root, "src/c.rs", '#[path = "b.rs"] mod b; pub use self::b::*; pub use super::*; fn f() { b::f() }\n')


def packages_in_circles(root):
    write(root, "a/__init__.py", "from b import x\nimport a\nfrom . import *\n")
    write(root, "b/__init__.py", "from a import x\nfrom a import y as x\n")
    write(root, "a/__main__.py", "from . import x\nx()\n")


def stars_in_circles(root):
    for i in range(60):
        write(root, f"m{i}.py", f"from m{(i + 1) % 60} import *\nfrom m{(i * 7) % 60} import *\ndef f{i}(): f{(i + 1) % 60}()\n")


def classes_in_circles(root):
    write(root, "a.py", "from b import B\nclass A(B):\n  def f(self): self.g()\nclass C(C): pass\nclass D(E): pass\nclass E(D): pass\n")
    write(root, "b.py", "from a import A\nclass B(A):\n  def g(self): super().f()\nclass X(A, B, A): pass\nX().f()\n")
    write(root, "long.py", "class A0: pass\n" + "".join(f"class A{i}(A{i - 1}): pass\n" for i in range(1, 1500)) + "A1499().f()\n")


def aliases_in_circles(root):
    write(root, "a.py", "a = b\nb = c\nc = a\na()\nf = f()\nx = x.y\nx.y()\ndef g(): return g()\ng()()\n")
    write(root, "a.rs", "type A = B; type B = A; use self::c as d; use self::d as c; fn f(a: A) { a.f(); c(); }\ntrait T: T {} impl<U: T> T for U {}\n")


def folder_named_as_file(root):
    write(root, "x.py/a.py")
    write(root, "x.py/__init__.py")
    write(root, "b.rs/mod.rs", "fn f() {}\n")
    write(root, "Cargo.toml/src/lib.rs", "fn f() {}\n")
    write(root, "main.py", "import x\n")


def names_without_stem(root):
    write(root, ".py")
    write(root, "d/.py")
    write(root, ".rs", "fn f() {}\n")
    write(root, "..py")
    write(root, "a.")
    write(root, "a..py")
    write(root, "__init__.py")
    write(root, "__init__.pyi")


def case_twins(root):
    for name in ["a.py", "A.py", "a.PY", "M/x.py", "m/x.py"]:
        write(root, name)


def deep_folders(root):
    write(root, "/".join(["d"] * 900) + "/m.py", "def f(): pass\n")


def lake_inside(root):
    write(root, "a.py")
    write(root, "lake_of_water.py")


def hidden(root):
    write(root, ".hidden/a.py")
    write(root, ".a.py")
    write(root, ".venv/lib/b.py")
    write(root, "node_modules/c/d.py")
    write(root, "__pycache__/a.cpython-312.pyc", b"\0\0\0\0")


def generated(root):
    write(root, "a_pb2.py")
    write(root, "b.py", "# @generated\nx = 1\n")
    write(root, "c.min.js", "var a=1;" * 3000)
    write(root, "d.py", f"x = '{'a' * 20000}'\n")


def long_line(root):
    write(root, "a.py", ";".join(f"a{i}=b(c.d)" for i in range(15_000)) + "\n")
    write(root, "a.rs", "fn f(){" + "".join(f"let a{i}=f();" for i in range(10_000)) + "}")


def deep_nesting(root):
    write(root, "a.py", f"x = {'(' * 50_000}1{')' * 50_000}\n")
    write(root, "a.rs", "fn f(){" * 5_000 + "}" * 5_000)
    write(root, "b.rs", "mod a{" * 5_000 + "}" * 5_000)


def one_character(root):
    for i in range(128):
        write(root, f"a{i}.py", bytes([i]))
        write(root, f"a{i}.rs", bytes([i]))
    write(root, "none.py", "")
    write(root, "none.rs", "")


def private_rules(root):
    git(root, "init", "-q")
    write(root, ".ignore", "a.py\n")
    write(root, ".git/info/exclude", "b.py\n")
    write(root, ".gitignore", b"\xff\xfe[\n[a-\n**/**/**\\\n!\n")
    for name in ["a.py", "b.py", "c.py"]:
        write(root, name)


def gitignore_is_a_folder(root):
    write(root, ".gitignore/a.py")
    write(root, "b.py")


def delete_during(root, process):
    def run():
        for i in range(0, 3000, 2):
            if process.poll() is not None:
                return
            os.remove(root / f"a{i}.py")
            time.sleep(0.0005)
    threading.Thread(target=run, daemon=True).start()


def change_during(root, process):
    def run():
        for i in range(3000):
            if process.poll() is not None:
                return
            write(root, f"a{i}.py", "def other(): pass\n" * (i % 50))
            time.sleep(0.0003)
    threading.Thread(target=run, daemon=True).start()


ALL = {name: made for name, made in list(globals().items())
       if callable(made) and getattr(made, "__module__", "") == __name__
       and name not in ("write", "git", "delete_during", "change_during")}
DURING = {"deleted_while_read": delete_during, "changed_while_read": change_during}
LAKE_INSIDE = {"lake_inside"}
# Repositories that may be refused, with a message.
MAY_FAIL = set()
