//! What earlier runs counted, and what the cost model makes of it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{driver_in, err, exits, json, out, with_tables};

/// A view with many times the rows of its table, which rules of thumb do not see.
const SPEC: &str = "\
version: 4
input_relations:
  - {logical_name: defs, delta_location: tables/defs}
view_definitions:
  - name: many
    transform: {kind: Sql, query: \"SELECT path, unnest(range(0, 99)) AS n FROM defs\"}
  - name: low
    transform: {kind: Filter, source: many, predicate: n < 5}
  - name: high
    transform: {kind: Filter, source: many, predicate: n > 5}
output_targets:
  - {table_name: low, source_view: low}
  - {table_name: high, source_view: high}
cache_policy: {use_historical_metrics: true}
";

fn place_of(folder: &Path, view: &str) -> String {
    let compiled = driver_in(folder, ["compile", "spec.yaml", "--emit", "ir"]);
    let ir = out(&compiled);
    let node = ir.split_once(&format!("\n{view} = ")).unwrap().1;
    let place =
        node.lines().skip(1).take_while(|line| line.starts_with(' ')).find(|line| line.contains("place "));
    place.unwrap().trim().to_owned()
}

fn newest_record(folder: &Path) -> Value {
    let runs = fs::read_dir(folder.join(".codeanatomy/runs")).unwrap().map(|entry| entry.unwrap().path());
    let newest = runs.filter(|file| file.extension().is_some_and(|it| it == "json")).max().unwrap();
    serde_json::from_slice(&fs::read(newest).unwrap()).unwrap()
}

fn run(folder: &Path) -> Value {
    exits(&driver_in(folder, ["run", "spec.yaml", "-q"]), 0);
    newest_record(folder)
}

#[test]
fn placement_knows_what_earlier_runs_counted() {
    let folder = with_tables();
    let spec = folder.path().join("spec.yaml");
    fs::write(&spec, SPEC).unwrap();
    let before = place_of(folder.path(), "many");
    assert!(before.contains("share") && !before.contains(" run"), "{before}");
    let first = run(folder.path());
    assert_eq!(first["history"].as_array().unwrap().len(), 0);
    let shared = &first["shared_views"][0];
    assert_eq!(shared["view"], "many");
    let rows = shared["rows"].as_u64().unwrap();
    assert!(rows > 0 && rows.is_multiple_of(99));
    // To hold that many rows costs more than to make them twice.
    let known = format!("{rows} rows (from 1 run)");
    let after = place_of(folder.path(), "many");
    assert!(after.contains("recompute") && after.contains(&known), "{after}");
    // Its readers do not count it, and it stays known for longer than records are looked at.
    for runs in 1..=12 {
        let record = run(folder.path());
        assert_eq!(record["history"].as_array().unwrap().len(), runs.min(10));
        assert!(record["shared_views"].as_array().unwrap().is_empty(), "it is shared again");
    }
    assert_eq!(place_of(folder.path(), "many"), after);
    let outputs = newest_record(folder.path())["counted"].as_array().unwrap().clone();
    let low = outputs.iter().find(|it| it["node"] == "low").unwrap();
    assert_eq!(low["runs"].as_array().unwrap().len(), 10, "{low}");
    // Runs that failed, and those of other specs, do not push it out.
    let runs = folder.path().join(".codeanatomy/runs");
    for number in 0..24 {
        let mut other = newest_record(folder.path());
        other["status"] = (if number % 2 == 0 { "failed" } else { "published" }).into();
        other["counted"] = Value::Array(Vec::new());
        fs::write(runs.join(format!("2999{number:04}-other.json")), other.to_string()).unwrap();
    }
    assert_eq!(place_of(folder.path(), "many"), after);
    // Another view of the same content is known as well.
    fs::write(&spec, SPEC.replace("many", "several")).unwrap();
    assert!(place_of(folder.path(), "several").contains(&known));
    // Who does not ask gets what he would have got without a history.
    fs::write(&spec, SPEC.replace("cache_policy: {use_historical_metrics: true}\n", "")).unwrap();
    assert_eq!(place_of(folder.path(), "many"), before);
}

#[test]
fn a_record_that_cannot_be_read_is_told_and_decides_nothing() {
    let folder = with_tables();
    fs::write(folder.path().join("spec.yaml"), SPEC).unwrap();
    let before = place_of(folder.path(), "many");
    exits(&driver_in(folder.path(), ["run", "spec.yaml", "-q"]), 0);
    let runs = folder.path().join(".codeanatomy/runs");
    for file in fs::read_dir(&runs).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|it| it == "json") {
            fs::write(&file, "{\"format\": 3}").unwrap();
        }
    }
    let checked = driver_in(folder.path(), ["check", "spec.yaml"]);
    exits(&checked, 0);
    assert!(err(&checked).contains("W0018") && err(&checked).contains("format 3"), "{}", err(&checked));
    let checked = driver_in(folder.path(), ["check", "spec.yaml", "--format", "json"]);
    assert_eq!(json(&checked)["diagnostics"][0]["line"], 14);
    assert_eq!(place_of(folder.path(), "many"), before);
}

/// The costs of all parts are those of all operators, and each stands at its line.
#[test]
fn costs_of_views_are_those_of_the_operators() {
    let folder = with_tables();
    fs::write(folder.path().join("spec.yaml"), SPEC).unwrap();
    exits(&driver_in(folder.path(), ["run", "spec.yaml", "-q"]), 0);
    let record = newest_record(folder.path());
    let operators = || {
        let segments = record["segments"].as_array().unwrap().iter();
        segments.flat_map(|segment| segment["operators"].as_array().unwrap())
    };
    let costs = record["costs"].as_array().unwrap();
    let sum = |values: &mut dyn Iterator<Item = &Value>| values.filter_map(Value::as_u64).sum::<u64>();
    for (part, operator) in [("compute_nanos", "elapsed_compute_nanos"), ("spills", "spill_count")] {
        let of_parts = sum(&mut costs.iter().map(|cost| &cost[part]));
        assert_eq!(of_parts, sum(&mut operators().map(|it| &it[operator])), "{part}");
    }
    assert_eq!(sum(&mut costs.iter().map(|cost| &cost["operators"])), operators().count() as u64);
    assert!(sum(&mut costs.iter().map(|cost| &cost["compute_nanos"])) > 0);
    let bytes = sum(&mut costs.iter().map(|cost| &cost["written_bytes"]));
    assert_eq!(bytes, sum(&mut record["outputs"].as_array().unwrap().iter().map(|it| &it["bytes"])));
    for cost in costs {
        let (line, name) = (cost["line"].as_u64().unwrap() as usize, cost["name"].as_str().unwrap());
        let text = SPEC.lines().nth(line - 1).unwrap();
        assert!(text.contains(&format!("name: {name}")), "{name} stands in line {line}: {text}");
    }
    let kinds: Vec<_> = costs.iter().map(|cost| cost["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["input", "view", "view", "view", "output", "output"]);
    let owners = ["defs", "many", "low", "high", "@low", "@high"];
    assert!(operators().all(|it| owners.contains(&it["part_of"].as_str().unwrap())));
    // Scans decode and writers encode; footers were looked for before they were there.
    let worked = costs.iter().filter(|cost| cost["kind"] != "view").all(|cost| cost["compute_nanos"] != 0);
    assert!(worked, "{costs:?}");
    let footers = record["caches"].as_array().unwrap().iter().find(|it| it["cache_name"] == "metadata_cache");
    assert!(footers.unwrap()["miss_count"].as_u64() > Some(0), "{footers:?}");
    let scan = operators().find(|it| it["operator"] == "DeltaTableScanExec").unwrap();
    assert_eq!(scan["selectivity"], 1.0, "{scan}");
}

/// The filter is moved below the aggregation, between two operators of its view, and its rows are counted once.
#[test]
fn rows_of_a_view_are_those_that_leave_its_highest_operator() {
    let folder = with_tables();
    let spec = "\
version: 4
input_relations:
  - {logical_name: defs, delta_location: tables/defs}
view_definitions:
  - name: groups
    transform: {kind: Aggregate, source: defs, group_by: [name], aggregations: [{function: count, column: path, alias: n}]}
  - name: some
    transform: {kind: Filter, source: groups, predicate: n > 0}
output_targets:
  - {table_name: some, source_view: some}
";
    fs::write(folder.path().join("spec.yaml"), spec).unwrap();
    let record = run(folder.path());
    let of = |name: &str| {
        record["costs"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap().clone()
    };
    assert_eq!(of("groups")["rows"], record["outputs"][0]["rows"], "{}", of("groups"));
}
