"""SQLMesh: loading a project of SQL models and rendering their queries. Nothing is computed."""

import contextlib
import os
import pathlib
import shutil
import sys

import protocol

params = protocol.start()
# The processes it loads models with.
os.environ["MAX_FORK_WORKERS"] = str(params["threads"])

import sqlmesh

import workloads

CONFIG = """
gateways: {local: {connection: {type: duckdb}}}
default_gateway: local
model_defaults: {dialect: duckdb}
disable_anonymized_analytics: true
"""


def name(number):
    """A base table or a model."""
    return f"base.m{number}" if number < workloads.LAYER else f"layered.m{number}"


def model(number):
    return f"MODEL (name {name(number)}, kind VIEW);\n{workloads.layered_view(number, name)}"


def write_project(params):
    """A new project with one model a view, in the working folder."""
    folder = pathlib.Path(params["work_dir"])
    shutil.rmtree(folder, ignore_errors=True)
    models = folder / "models"
    models.mkdir(parents=True)
    (folder / "config.yaml").write_text(CONFIG)
    base = (f"- name: {name(number)}\n  columns: {{k: int, a: int, b: int}}\n" for number in range(workloads.LAYER))
    (folder / "external_models.yaml").write_text("".join(base))
    for number in workloads.layered_numbers(params):
        (models / f"m{number}.sql").write_text(model(number))
    return folder


def load_and_render(folder):
    """The number of models whose queries were rendered."""
    with contextlib.redirect_stdout(sys.stderr):
        context = sqlmesh.Context(paths=[str(folder)])
        rendered = [model.render_query() for model in context.models.values() if model.kind.is_view]
    return {"views": len(rendered)}


def cold(params, clock):
    folder = write_project(params)
    with clock:
        return load_and_render(folder)


def warm(params, clock):
    """Loads and renders again after the last model changed; what was loaded before is kept in files."""
    folder = write_project(params)
    load_and_render(folder)
    last = workloads.layered_numbers(params)[-1]
    (folder / "models" / f"m{last}.sql").write_text(model(last) + " and y.b > 0")
    with clock:
        return load_and_render(folder)


BENCHMARKS = {"compile": {"load and render": cold, "load and render again after one change": warm}}

if __name__ == "__main__":
    protocol.main("sqlmesh", sqlmesh.__version__, BENCHMARKS, params)
