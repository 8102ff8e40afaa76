"""dbt with its DuckDB adapter: the compilation of a project of SQL models. Nothing is computed."""

import contextlib
import pathlib
import shutil
import sys

import protocol

params = protocol.start()

from dbt.cli.main import dbtRunner
from dbt.version import __version__

import workloads

PROJECT = """
name: layered
version: "1.0"
profile: layered
model-paths: [models]
flags: {send_anonymous_usage_stats: false}
models: {layered: {+materialized: view}}
"""
PROFILES = """
layered: {{target: dev, outputs: {{dev: {{type: duckdb, path: ":memory:", threads: {threads}}}}}}}
"""


def reference(number):
    """A base table or a model, as dbt refers to it."""
    if number < workloads.LAYER:
        return f"{{{{ source('base', 'm{number}') }}}}"
    return f"{{{{ ref('m{number}') }}}}"


def write_project(params):
    """A new project with one model a view, in the working folder."""
    folder = pathlib.Path(params["work_dir"])
    shutil.rmtree(folder, ignore_errors=True)
    models = folder / "models"
    models.mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(PROFILES.format(threads=params["threads"]))
    base = "".join(f"      - name: m{number}\n" for number in range(workloads.LAYER))
    (models / "sources.yml").write_text(f"version: 2\nsources:\n  - name: base\n    tables:\n{base}")
    for number in workloads.layered_numbers(params):
        (models / f"m{number}.sql").write_text(workloads.layered_view(number, reference))
    return folder


def compile_project(folder):
    """Parses and compiles, as `dbt compile` does."""
    arguments = ["--quiet", "compile", "--project-dir", str(folder), "--profiles-dir", str(folder)]
    with contextlib.redirect_stdout(sys.stderr):
        result = dbtRunner().invoke(arguments)
    if not result.success:
        raise SystemExit(f"dbt compile failed: {result.exception or 'see above'}")


def compiled_views(folder):
    return {"views": len(list((folder / "target" / "compiled").rglob("m*.sql")))}


def cold(params, clock):
    folder = write_project(params)
    with clock:
        compile_project(folder)
    return compiled_views(folder)


def warm(params, clock):
    """Compiles again after the last model changed; what was parsed before is kept in files."""
    folder = write_project(params)
    compile_project(folder)
    last = workloads.layered_numbers(params)[-1]
    (folder / "models" / f"m{last}.sql").write_text(workloads.layered_view(last, reference) + " and y.b > 0")
    with clock:
        compile_project(folder)
    return compiled_views(folder)


BENCHMARKS = {"compile": {"compile": cold, "compile again after one change": warm}}

if __name__ == "__main__":
    protocol.main("dbt", __version__, BENCHMARKS, params)
