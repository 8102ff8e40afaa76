"""Builds odd repositories and checks that nothing hangs and nothing vanishes.

    python3 tests/judges/odd_repositories/build_check.py --driver target/debug/driver [--keep DIR] [NAME ...]

Each repository of `repositories.py` is made in a temporary folder and built within 60 seconds. Then

- the exit code is 0, and the program did not crash;
- every path that `os.walk` finds is a row of `files`, or a row of `extract_errors`, or lies in a folder that is one, and no
  path is twice in either;
- every edge of the graph has both ends, and no two nodes have one id.

The exit code is 1 when something of this does not hold for some repository.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import repositories  # noqa: E402

LIMIT = 60


def query(driver, lake, sql):
    done = subprocess.run([driver, "sql", "--format", "ndjson", "--lake", lake, sql], capture_output=True, text=True, timeout=LIMIT)
    if done.returncode != 0:
        raise ValueError(f"query failed: {done.stderr[-300:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


def shown(path):
    """A path as tables have it: bytes that are not UTF-8 are written as `\\xff`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def found(root, lake):
    """Paths of everything that is no folder, and of folders that cannot be read."""
    paths = []
    own = os.path.join(root, ".codeanatomy")
    for folder, folders, files in os.walk(root):
        relative = os.path.relpath(folder, root)
        for name in list(folders):
            place = os.path.join(folder, name)
            if place in (own, lake):
                folders.remove(name)
            elif os.path.islink(place):
                folders.remove(name)
                files.append(name)
        for name in files:
            paths.append(name if relative == "." else os.path.join(relative, name))
    return paths


def check_paths(root, lake, files, errors):
    """What is wrong with the accounts of paths."""
    wrong = []
    for what, rows in (("files", files), ("extract_errors", [row["path"] for row in errors if row["code"] != "manifest"])):
        seen = set()
        for path in rows:
            if path in seen:
                wrong.append(f"{path!r} is twice in {what}")
            seen.add(path)
    known = set(files) | {row["path"] for row in errors}
    folders = tuple(row["path"] for row in errors if row["path"].endswith("/"))
    unreadable = tuple(row["path"] + "/" for row in errors if row["code"] == "walk" and row["path"])
    missing = []
    for path in found(root, lake):
        path = shown(path)
        if path not in known and not path.startswith(folders + unreadable):
            missing.append(path)
    if missing:
        wrong.append(f"{len(missing)} paths are in no table, as {missing[:3]!r}")
    return wrong


def check(driver, root, lake, may_fail):
    begin = time.monotonic()
    command = [driver, "build", root, "--lake", lake]
    during = repositories.DURING.get(os.path.basename(root))
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        if during:
            during(Path(root), process)
        output = "".join(process.communicate(timeout=LIMIT))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return [f"takes more than {LIMIT} s"], LIMIT
    seconds = time.monotonic() - begin
    if process.returncode != 0:
        if may_fail and process.returncode == 1 and "panicked" not in output:
            return [], seconds
        return [f"exit code {process.returncode}: {output.strip()[-300:]}"], seconds
    if "panicked" in output:
        return ["panicked"], seconds
    files = [row["path"] for row in query(driver, lake, "SELECT path FROM extract.files")]
    errors = query(driver, lake, "SELECT path, code FROM extract.extract_errors")
    wrong = [] if during else check_paths(root, lake, files, errors)
    open_ends = query(driver, lake, """
        SELECT COUNT(*) AS n FROM (SELECT src_node_id AS id FROM cpg_edges UNION ALL SELECT dst_node_id FROM cpg_edges) e
        LEFT ANTI JOIN cpg_nodes n ON n.node_id = e.id""")[0]["n"]
    if open_ends:
        wrong.append(f"{open_ends} ends of edges are no nodes")
    twice = query(driver, lake, "SELECT COUNT(*) - COUNT(DISTINCT node_id) AS n FROM cpg_nodes")[0]["n"]
    if twice:
        wrong.append(f"{twice} nodes have the id of another")
    return wrong, seconds


def remove(folder):
    """Removes a folder with what cannot be read in it."""
    subprocess.run(["chmod", "-R", "u+rwx", folder], check=False, capture_output=True)
    subprocess.run(["rm", "-rf", folder], check=False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--driver", required=True)
    parser.add_argument("--keep", help="a folder in which the repositories are left")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    driver = os.path.abspath(arguments.driver)
    base = arguments.keep or tempfile.mkdtemp()
    bad = 0
    for name, make in repositories.ALL.items():
        if arguments.names and name not in arguments.names:
            continue
        root = os.path.join(base, name)
        os.makedirs(root)
        skipped = make(Path(root))
        if isinstance(skipped, str):
            print(f"{name:32} skipped: {skipped}", flush=True)
            continue
        lake = os.path.join(root, "lake") if name in repositories.LAKE_INSIDE else os.path.join(base, f"{name}.lake")
        try:
            wrong, seconds = check(driver, root, lake, name in repositories.MAY_FAIL)
        except (ValueError, subprocess.TimeoutExpired) as error:
            wrong, seconds = [str(error)], 0
        bad += bool(wrong)
        print(f"{name:32} {seconds:6.1f} s  {'; '.join(wrong) or 'ok'}", flush=True)
        if not arguments.keep:
            remove(root)
            remove(os.path.join(base, f"{name}.lake"))
    print(f"{bad} repositories are not as they should be")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
