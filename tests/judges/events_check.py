#!/usr/bin/env python3
"""Checks what `--events` and `--lineage` write with validators that are not ours.

    events_check.py DRIVER [--keep FOLDER]

Runs the driver over a small repository: extract, run, check, compile, replay, build, and runs that fail. Then

* every line of `--events` is judged by the JSON Schema that `driver schema events` prints, with Python's `jsonschema`, formats
  included; lines that are broken on purpose must be refused;
* every line of `--lineage` becomes objects of `openlineage-python`, the client that OpenLineage generates from its schema: each
  field must be known to the class it belongs to, and each facet must have the version that the class says;
* where CODEANATOMY_OPENLINEAGE_SCHEMA names a folder with `OpenLineage.json` and `facets/*.json`, as the repository of OpenLineage
  has them below `spec`, every event and facet is judged by these as well.

Prints a line for each thing that is wrong, then the counts. Exit status 1 when something is wrong. Skips loudly what a missing
library or folder leaves out. Needs `pip install jsonschema rfc3339-validator openlineage-python`.
"""

import argparse
import copy
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

try:
    import jsonschema
    import referencing
    import referencing.jsonschema
except ImportError as error:
    print(f"SKIPPED: nothing was checked, because a library is missing: {error}")
    sys.exit(0)

SPEC = """\
version: 4
input_relations:
  - {logical_name: defs, delta_location: tables/defs}
  - {logical_name: files, delta_location: tables/files}
view_definitions:
  - {name: functions, transform: {kind: Filter, source: defs, predicate: "kind = 'function'"}}
  - {name: names, transform: {kind: Project, source: functions, columns: [path, name, FIRST]}}
  - name: per_file
    transform: {kind: Aggregate, source: names, group_by: [path], aggregations: [{function: count, column: name, alias: functions}]}
  - {name: asked, transform: {kind: Sql, query: "SELECT f.path, n.name FROM files f JOIN names n ON n.path = f.path"}}
output_targets:
  - {table_name: names, source_view: names}
  - {table_name: per_file, source_view: per_file}
  - {table_name: asked, source_view: asked}
runtime: {lineage_tags: {team: analytics}}
"""
GOOD = "{name: first, expr: \"substr(name, 1, 1)\"}"
FAILS = "{name: first, expr: \"CAST(CAST(name AS BIGINT) AS VARCHAR)\"}"
UNKNOWN = "no_such_column"

wrong = 0


def report(text):
    global wrong
    wrong += 1
    print(f"WRONG {text}")


def run(driver, folder, arguments, code=0):
    command = [driver, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != code:
        report(f"{' '.join(arguments)} ended with {done.returncode}, not {code}: {done.stderr}")
    return done.stdout


def lines(path):
    text = path.read_text(encoding="utf-8")
    if text and not text.endswith("\n"):
        report(f"{path.name} does not end with a line")
    return [json.loads(line) for line in text.splitlines()]


def make(driver, folder):
    """Events and lineage of several commands, in two files."""
    repository = folder / "repo"
    repository.mkdir()
    (repository / "a.py").write_text("def f(x):\n    return x\n\n\ndef g():\n    return f(1)\n", encoding="utf-8")
    for name, column in [("good", GOOD), ("fails", FAILS), ("unknown", UNKNOWN)]:
        (folder / f"{name}.yaml").write_text(SPEC.replace("FIRST", column), encoding="utf-8")
    events = ["--events", "events.ndjson"]
    both = [*events, "--lineage", "lineage.ndjson"]
    run(driver, folder, ["extract", "repo", "-o", "tables", *events])
    ran = json.loads(run(driver, folder, ["run", "good.yaml", "--format", "json", *both]))
    run(driver, folder, ["check", "good.yaml", *events])
    run(driver, folder, ["compile", "good.yaml", *events])
    run(driver, folder, ["replay", ran["run_id"], "--execute", *events])
    run(driver, folder, ["run", "fails.yaml", *both], 1)
    run(driver, folder, ["run", "unknown.yaml", *both], 1)
    run(driver, folder, ["build", "repo", *both])


def judge_events(driver, folder):
    schema = json.loads(run(driver, folder, ["schema", "events"]))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    events = lines(folder / "events.ndjson")
    for event in events:
        for error in validator.iter_errors(event):
            report(f"{event['event']}: {error.message}")
        for key, value in [("event", "none"), ("schema_version", 99), ("run_id", "x"), ("sequence", -1)]:
            broken = copy.deepcopy(event)
            broken[key] = value
            if validator.is_valid(broken):
                report(f"an event with {key}={value} is valid")
    kinds = sorted({event["event"] for event in events})
    print(f"{len(events)} events of {len({event['run_id'] for event in events})} runs: {', '.join(kinds)}")


def facets(event):
    """The facets of an event, each with its name and the base it must have."""
    yield from event["run"]["facets"].items()
    yield from event["job"]["facets"].items()
    for dataset in event["inputs"] + event["outputs"]:
        yield from dataset["facets"].items()
        yield from dataset.get("inputFacets", {}).items()
        yield from dataset.get("outputFacets", {}).items()


def judge_by_classes(events):
    try:
        from openlineage.client import event_v2, facet_v2
    except ImportError as error:
        print(f"SKIPPED: openlineage-python is missing: {error}")
        return
    import attr

    modules = [getattr(facet_v2, name) for name in dir(facet_v2) if not name.startswith("_")]
    classes = {}
    for module in modules:
        for name in dir(module):
            if name.endswith("Facet"):
                classes[name] = getattr(module, name)
    seen = set()

    def known(cls, content, place):
        fields = {field.name.lstrip("_"): field for field in attr.fields(cls)}
        for key in content:
            if key.lstrip("_") not in fields and key not in ("_producer", "_schemaURL"):
                report(f"{place} has no field {key}")

    for event in events:
        for name, facet in facets(event):
            cls = classes.get(facet["_schemaURL"].rsplit("/", 1)[-1])
            if cls is None:
                report(f"no class for {name}: {facet['_schemaURL']}")
                continue
            if cls._get_schema() != facet["_schemaURL"]:
                report(f"{name} has {facet['_schemaURL']}, the class {cls._get_schema()}")
            known(cls, facet, name)
            content = {key: value for key, value in facet.items() if not key.startswith("_")}
            cls(producer=facet["_producer"], **content)
            seen.add(cls.__name__)
        made = event_v2.RunEvent(
            eventTime=event["eventTime"],
            eventType=event_v2.RunState[event["eventType"]],
            run=event_v2.Run(runId=event["run"]["runId"]),
            job=event_v2.Job(namespace=event["job"]["namespace"], name=event["job"]["name"]),
            inputs=[event_v2.InputDataset(it["namespace"], it["name"]) for it in event["inputs"]],
            outputs=[event_v2.OutputDataset(it["namespace"], it["name"]) for it in event["outputs"]],
            producer=event["producer"],
        )
        known(event_v2.RunEvent, event, "RunEvent")
        if made.schemaURL != event["schemaURL"]:
            report(f"the event has {event['schemaURL']}, the client {made.schemaURL}")
        for field in [field for output in event["outputs"] for field in columns(output)]:
            for transformation in field["transformations"]:
                if transformation["type"] not in ("DIRECT", "INDIRECT"):
                    report(f"a transformation of type {transformation['type']}")
    print(f"facets made with the classes of openlineage-python: {', '.join(sorted(seen))}")


def columns(output):
    lineage = output["facets"]["columnLineage"]
    yield from lineage["dataset"]
    for field in lineage["fields"].values():
        yield from field["inputFields"]


def judge_by_schema(events):
    folder = os.environ.get("CODEANATOMY_OPENLINEAGE_SCHEMA")
    if not folder:
        print("SKIPPED: CODEANATOMY_OPENLINEAGE_SCHEMA names no folder with the schema of OpenLineage")
        return
    folder = pathlib.Path(folder)
    core = json.loads((folder / "OpenLineage.json").read_text(encoding="utf-8"))
    # Older versions name the same things otherwise.
    definitions = {**core.get("definitions", {}), **core.get("$defs", {})}
    core = {**core, "definitions": definitions, "$defs": definitions}

    def retrieve(uri):
        if not uri.endswith("/OpenLineage.json"):
            raise referencing.exceptions.NoSuchResource(ref=uri)
        content = {key: value for key, value in core.items() if key != "$id"}
        return referencing.Resource.from_contents(content, referencing.jsonschema.DRAFT202012)

    registry = referencing.Registry(retrieve=retrieve)
    checker = jsonschema.FormatChecker()
    event_schema = {**core, "$ref": "#/$defs/RunEvent"}
    event_schema.pop("oneOf", None)
    of_event = jsonschema.Draft202012Validator(event_schema, registry=registry, format_checker=checker)
    judged = set()
    for event in events:
        for error in of_event.iter_errors(event):
            report(f"{event['eventType']}: {error.message}")
        broken = copy.deepcopy(event)
        del broken["run"]["runId"]
        if of_event.is_valid(broken):
            report("an event without the id of its run is valid")
        for name, facet in facets(event):
            file = folder / "facets" / f"{facet['_schemaURL'].rsplit('/', 1)[-1]}.json"
            if not file.is_file():
                continue
            schema = json.loads(file.read_text(encoding="utf-8"))
            validator = jsonschema.Draft202012Validator(schema, registry=registry, format_checker=checker)
            for error in validator.iter_errors({name: facet}):
                report(f"{name}: {error.message}")
            judged.add(name)
    print(f"{len(events)} events judged by {core.get('$id', 'the core schema')}; facets by theirs: {', '.join(sorted(judged))}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("driver")
    parser.add_argument("--keep", help="leave what was made in this folder")
    arguments = parser.parse_args()
    driver = str(pathlib.Path(arguments.driver).resolve())
    folder = pathlib.Path(tempfile.mkdtemp(prefix="codeanatomy-events-")).resolve()
    try:
        make(driver, folder)
        judge_events(driver, folder)
        lineage = lines(folder / "lineage.ndjson")
        states = [event["eventType"] for event in lineage]
        if states != ["START", "COMPLETE", "START", "FAIL", "START", "COMPLETE"]:
            report(f"the events of lineage are {states}")
        judge_by_classes(lineage)
        judge_by_schema(lineage)
    finally:
        if arguments.keep:
            shutil.copytree(folder, arguments.keep, dirs_exist_ok=True)
        shutil.rmtree(folder)
    print(f"{wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
