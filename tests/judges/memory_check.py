#!/usr/bin/env python3
"""Runs plans with little memory and says which of them hang, fail, give wrong rows or take more than they may.

    memory_check.py DRIVER [--shapes] [--plans N] [--kill N] [--seed N] [--rows N] [--limits 16,64,256] [--threads 1,2,4,16]
                    [--only NAME] [--jobs N] [--timeout SECONDS] [--keep FOLDER]

With `--shapes` the plans of `memory_shapes.py`, which are written by hand (exchanges, sorts, joins of all kinds, aggregates,
windows, span joins, shared views, several outputs, and two of them on top of each other), each with every limit in MiB (`none` is
one) and every number of threads. With `--plans` that many plans of `memory_plans.py`, generated from a seed, which is printed, each with a
limit and a number of threads drawn from it. With `--kill` that many generated plans are run to their end and once more, in
which they are stopped (SIGINT, SIGTERM) or killed (SIGKILL) at some moment. The tables have `--rows` rows, one million without it,
and are made from the seed. DuckDB computes the same views over the same tables; all rows of all outputs are compared,
floating point numbers with a tolerance, and with `sort_by` every file must be in its order. Prints a line a run:

    RIGHT | WRONG | HANG | FAILED | UNTYPED | BEYOND | LEFTOVER   NAME LIMIT THREADS SECONDS PEAK-MiB spilled MiB: what

HANG is no end in time or E0713. FAILED is an error that is about memory or temporary space (E0705, E0706) and UNTYPED any other, a
panic or a signal. BEYOND is a peak of memory over the limit and 512 MiB. LEFTOVER is something left in the folder for temporary
files, after SIGKILL a file. A run that was stopped or killed must have published all outputs or none, and is TORN when SIGKILL
came between two commits, which Delta does not exclude. Exit status 1 when a line is WRONG, HANG, UNTYPED, BEYOND or LEFTOVER. Skips
loudly without DuckDB. Needs `pip install pyarrow deltalake duckdb`.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import typing

try:
    import duckdb
    import pyarrow
    from deltalake import DeltaTable
except ImportError as error:
    print(f"SKIPPED: nothing was checked, because a library is missing: {error}")
    sys.exit(0)

import memory_plans
import memory_shapes
from memory_reference import Reference
from memory_shapes import Plan

# The tables lie outside the folders of specs.
os.environ["CODEANATOMY_ALLOW_READ"] = "/"

MORE = 512  # MiB that a process may take beyond its limit
FAULTS = ("WRONG", "HANG", "UNTYPED", "BEYOND", "LEFTOVER")
ABOUT_SPACE = ("E0705", "E0706")
STOPPED = 130
SHAPE_LIMITS, SHAPE_THREADS = "16,64,256", "1,2,4,16"
PLAN_LIMITS, PLAN_THREADS = "16,16,24,32,64,64,96,128,256,512", "1,2,3,4,8,16"

# Runs one command from a small process: the peak that the system counts for a process begins with that of its parent.
RUNNER = """
import json, os, signal, subprocess, sys, time
limit, moment, number = float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
with open("out.json", "wb") as out, open("errors.txt", "wb") as errors:
    started = time.monotonic()
    process = subprocess.Popen(sys.argv[4:], stdout=out, stderr=errors, stdin=subprocess.DEVNULL)
    hung, sent = False, number == 0
    while True:
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        passed = time.monotonic() - started
        if ended:
            break
        if not sent and passed >= moment:
            os.kill(process.pid, number)
            sent = True
        if not hung and passed >= limit:
            os.kill(process.pid, signal.SIGKILL)
            hung = True
        time.sleep(0.005)
process.returncode = 0
print(json.dumps([os.waitstatus_to_exitcode(status), passed, used.ru_maxrss / 1024, hung]))
"""


class Task(typing.NamedTuple):
    plan: Plan
    limit: object  # MiB or None
    threads: int
    number: int = 0  # of a signal
    moment: float = 0.0


class Ran(typing.NamedTuple):
    status: int
    seconds: float
    peak: float
    hung: bool
    code: str
    message: str
    spilled: float


class Driver:
    def __init__(self, path, seconds):
        self.path, self.seconds = path, seconds

    def run(self, task, folder, reference):
        """Runs the spec of a task in a folder, which gets `spec.json`, the outputs and `spill`."""
        os.makedirs(f"{folder}/spill", exist_ok=True)
        with open(f"{folder}/spec.json", "w", encoding="utf-8") as file:
            json.dump(memory_shapes.spec(task.plan, reference.tables, f"{reference.folder}/tables"), file, indent=1)
        command = [self.path, "run", "spec.json", "--format", "json", "--spill-dir", f"{folder}/spill", "--threads", str(task.threads)]
        if task.limit is not None:
            command += ["--memory-limit", f"{task.limit}MiB"]
        runner = [sys.executable, "-S", "-E", "-c", RUNNER, str(self.seconds), str(task.moment), str(task.number)]
        said = subprocess.run([*runner, *command], cwd=folder, capture_output=True, text=True, check=True).stdout
        status, seconds, peak, hung = json.loads(said)
        with open(f"{folder}/errors.txt", encoding="utf-8", errors="replace") as file:
            code, message = error_of(file.read())
        return Ran(status, seconds, peak, hung, code, message, spilled(f"{folder}/out.json"))


def error_of(text):
    for line in text.splitlines():
        try:
            one = json.loads(line)
        except ValueError:
            continue
        if isinstance(one, dict) and one.get("severity") == "error":
            return one.get("code", ""), one.get("message", "")
    return "", " ".join(text.split())[-400:]


def spilled(place):
    """MiB that operators and shared views have moved to files, as the report of the run says."""
    def bytes_in(value):
        if isinstance(value, list):
            return sum(map(bytes_in, value))
        if isinstance(value, dict):
            return sum((one or 0) if name == "spilled_bytes" else bytes_in(one) for name, one in value.items())
        return 0
    try:
        with open(place, encoding="utf-8") as file:
            return bytes_in(json.load(file)) / 2**20
    except ValueError:
        return 0.0


def left_over(folder, only_files):
    found = []
    for place, folders, files in os.walk(folder):
        found += [os.path.relpath(f"{place}/{name}", folder) for name in files + ([] if only_files else folders)]
    return found


class Judge:
    def __init__(self, driver, reference, folder, keep):
        self.driver, self.reference, self.folder, self.keep = driver, reference, folder, keep
        self.counts, self.failed, self.lock, self.runs = collections.Counter(), [], threading.Lock(), 0

    def differences(self, task, folder):
        """What is wrong with the outputs, those that are there, and those that are not."""
        wrong, there, absent = [], [], []
        for output in task.plan.outputs:
            place = f"{folder}/{output.table}"
            if not DeltaTable.is_deltatable(place):
                absent.append(output.table)
                continue
            there.append(output.table)
            try:
                said = self.reference.difference(task.plan, output, place)
            except (duckdb.Error, pyarrow.ArrowException, OSError) as error:
                said = f"{output.table} cannot be read: {' '.join(str(error).split())[:300]}"
            wrong += [said] if said else []
        return wrong, there, absent

    def verdicts(self, task, ran, folder):
        killed = ran.status < 0 and ran.status == -task.number
        stopped = task.number and ran.status == STOPPED
        if ran.hung or ran.code == "E0713":
            yield "HANG", ran.message or "no end in time"
            return
        wrong, there, absent = self.differences(task, folder)
        if killed or stopped:
            if wrong:
                yield "WRONG", "; ".join(wrong)
            elif there and absent:
                yield ("TORN" if killed else "WRONG"), f"{there} without {absent}"
            else:
                yield "RIGHT", "after signal " + str(task.number)
        elif ran.status == 1 and ran.code in ABOUT_SPACE:
            yield "FAILED", f"{ran.code} {ran.message}"
            if there:
                yield "WRONG", f"a run that failed has published {there}"
        elif ran.status:
            yield "UNTYPED", f"status {ran.status} {ran.code} {ran.message}"
        elif wrong or absent:
            yield "WRONG", "; ".join(wrong + [f"{name} is not there" for name in absent])
        else:
            yield "RIGHT", ""
        if task.limit is not None and ran.peak > task.limit + MORE:
            yield "BEYOND", f"{ran.peak - task.limit:.0f} MiB over the limit"
        left = left_over(f"{folder}/spill", only_files=killed)
        if left:
            yield "LEFTOVER", f"{len(left)} in the folder for temporary files, such as {left[0]}"

    def judge(self, task):
        with self.lock:
            self.runs += 1
            folder = f"{self.folder}/run{self.runs}"
        os.makedirs(folder)
        ran = self.driver.run(task, folder, self.reference)
        found = list(self.verdicts(task, ran, folder))
        limit = "none" if task.limit is None else task.limit
        with self.lock:
            for kind, what in found:
                self.counts[kind] += 1
                line = (f"{kind} {task.plan.name} {limit} {task.threads} {ran.seconds:.1f} {ran.peak:.0f} "
                        f"{ran.spilled:.0f}{': ' if what else ''}{what}")
                print(line, flush=True)
                if kind == "FAILED":
                    self.failed.append(" ".join(line.split()[1:4]))
        if self.keep:
            place = f"{self.keep}/specs/{task.plan.name}"
            os.makedirs(place, exist_ok=True)
            shutil.copy(f"{folder}/spec.json", place)
        shutil.rmtree(folder, ignore_errors=True)
        return ran


def whole_numbers(text):
    return [None if part == "none" else int(part) for part in text.split(",")]


def run_shapes(asked, judge, pool):
    limits, threads = whole_numbers(asked.limits or SHAPE_LIMITS), whole_numbers(asked.threads or SHAPE_THREADS)
    for plan in memory_shapes.shapes(asked.rows):
        if asked.only and asked.only not in plan.name:
            continue
        judge.reference.begin(plan.name)
        for view in plan.views:
            judge.reference.add(view)
        list(pool.map(judge.judge, [Task(plan, limit, count) for limit in limits for count in threads]))
        judge.reference.drop(plan.name)


def run_plans(asked, judge, kind, count):
    """Generated plans, each from a seed of its own, so that one can be run again alone. Those of kind `kill` end early."""
    for number in range(count):
        name = f"{kind}_{number}"
        if asked.only and asked.only != name:
            continue
        choice = random.Random(f"{asked.seed} {name}")
        judge.reference.begin(name)
        plan = memory_plans.Plans(choice, judge.reference, asked.rows).plan(name)
        task = Task(plan, choice.choice(whole_numbers(asked.limits or PLAN_LIMITS)),
                    choice.choice(whole_numbers(asked.threads or PLAN_THREADS)))
        ran = judge.judge(task)
        if kind == "kill":
            judge.judge(task._replace(number=choice.choice([2, 9, 9, 15]), moment=ran.seconds * choice.uniform(0.02, 1.0)))
        judge.reference.drop(name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("driver")
    parser.add_argument("--shapes", action="store_true", help="the plans written by hand; also without any of these options")
    parser.add_argument("--plans", type=int, default=0, help="generated plans")
    parser.add_argument("--kill", type=int, default=0, help="generated plans that are stopped or killed")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--limits", help=f"MiB, or `none`; of shapes {SHAPE_LIMITS}, of generated plans one of {PLAN_LIMITS}")
    parser.add_argument("--threads", help=f"of shapes {SHAPE_THREADS}, of generated plans one of {PLAN_THREADS}")
    parser.add_argument("--only", default="", help="only the shapes whose name holds this text, or the generated plan of this name")
    parser.add_argument("--jobs", type=int, default=1, help="shapes that run at the same time")
    parser.add_argument("--timeout", type=float, default=120, help="seconds after which a run counts as hung")
    parser.add_argument("--keep", help="a folder for tables and specs that stays; tables of the same seed are taken from it")
    asked = parser.parse_args()
    print(f"seed {asked.seed}, {asked.rows} rows", flush=True)
    folder = os.path.abspath(asked.keep or tempfile.mkdtemp(prefix="memory-check-"))
    os.makedirs(folder, exist_ok=True)
    runs = tempfile.mkdtemp(prefix="runs-", dir=folder)
    try:
        driver = Driver(os.path.abspath(asked.driver), asked.timeout)
        reference = Reference(folder, asked.rows, asked.seed)
        reference.make(lambda plan, place: driver.run(Task(plan, None, 2), place, reference))
        judge = Judge(driver, reference, runs, asked.keep and folder)
        with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
            if asked.shapes or not (asked.plans or asked.kill):
                run_shapes(asked, judge, pool)
        run_plans(asked, judge, "plan", asked.plans)
        run_plans(asked, judge, "kill", asked.kill)
    finally:
        for place in (runs, f"{folder}/duckdb") if asked.keep else (folder,):
            shutil.rmtree(place, ignore_errors=True)
    if judge.failed:
        print(f"FAILED (name, limit, threads): {'; '.join(judge.failed)}")
    print(", ".join(f"{count} {kind}" for kind, count in sorted(judge.counts.items())))
    sys.exit(1 if any(judge.counts[kind] for kind in FAULTS) else 0)


if __name__ == "__main__":
    main()
