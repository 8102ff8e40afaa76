//! Working on a part of a spec.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::program::{SPEC, driver_in, err, exits, json, listing, out, with_tables};

/// Two chains that have an input and a view in common; the tables are where each output's name says.
const TWO: &str = "\
version: 4
input_relations:
  - {logical_name: defs, delta_location: tables/defs}
  - {logical_name: gone, delta_location: no/such/table}
view_definitions:
  - {name: functions, transform: {kind: Filter, source: defs, predicate: \"kind = $1\"}}
  - {name: names, transform: {kind: Project, source: functions, columns: [path, name]}}
  - {name: paths, transform: {kind: Sql, query: SELECT DISTINCT path FROM functions WHERE path <> $2}}
  - {name: lost, transform: {kind: Filter, source: gone, predicate: x > 1}}
  - {name: wrong, transform: {kind: Filter, source: names, predicate: nmae = 'a'}}
output_targets:
  - {table_name: names, source_view: names}
  - {table_name: all_paths, source_view: paths}
  - {table_name: lost, source_view: lost}
  - {table_name: wrong, source_view: wrong}
typed_parameters:
  - {target: {kind: PlaceholderPos, position: 1}, value: {type: Utf8, value: function}}
  - {target: {kind: PlaceholderPos, position: 2}, value: {type: Utf8, value: none}}
";

fn with(spec: &str) -> tempfile::TempDir {
    let folder = with_tables();
    fs::write(folder.path().join("spec.yaml"), spec).unwrap();
    folder
}

fn records(folder: &Path) -> Vec<PathBuf> {
    let runs = folder.join(".codeanatomy/runs");
    let files = listing(&runs).into_iter().filter(|file| file.extension().is_some_and(|it| it == "json"));
    files.map(|file| runs.join(file)).collect()
}

fn tables(folder: &Path) -> Vec<String> {
    let there = |name: &&&str| folder.join(name).join("_delta_log").is_dir();
    ["names", "all_paths", "lost", "wrong"].iter().filter(there).map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_run_of_a_selection_publishes_and_records_it() {
    let folder = with(TWO);
    exits(&driver_in(folder.path(), ["run", "spec.yaml"]), 1);
    let run = driver_in(folder.path(), ["run", "spec.yaml", "--select", "names", "--format", "json"]);
    exits(&run, 0);
    assert_eq!(tables(folder.path()), ["names"]);
    let file = records(folder.path()).pop().unwrap();
    let record: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(record["selection"], json!({"selectors": ["names"], "outputs": ["names"]}));
    let whole = json(&driver_in(folder.path(), ["check", "spec.yaml", "--format", "json"]));
    assert_eq!(record["spec_hash"], whole["spec_hash"], "the hash of a spec is that of all of it");
    assert_eq!(record["inputs"].as_array().unwrap().len(), 1, "the other input was not opened");
    let parts: Vec<&str> =
        record["costs"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(parts, ["defs", "functions", "names", "names"]);
    let log = fs::read_to_string(folder.path().join("names/_delta_log/00000000000000000000.json")).unwrap();
    assert!(log.contains("\"codeanatomy.selection\":\"names\""), "{log}");
    // A replay computes the same part.
    let run = file.to_str().unwrap();
    let replayed = driver_in(folder.path(), ["replay", run, "--execute", "--format", "json"]);
    exits(&replayed, 0);
    let report = json(&replayed);
    assert_eq!(report["outputs"].as_array().unwrap().len(), 1);
    assert!(report["parts"].as_array().unwrap().iter().any(|it| it["part"] == "selection"));
    // Whoever changes what was selected is found out.
    let forged = fs::read_to_string(&file).unwrap().replacen(
        "\"names\"\n    ],\n    \"outputs\"",
        "\"functions+\"\n    ],\n    \"outputs\"",
        1,
    );
    assert!(forged.contains("functions+"), "{forged}");
    fs::write(&file, forged).unwrap();
    exits(&driver_in(folder.path(), ["replay", run]), 1);
}

#[test]
fn selectors_go_up_and_down() {
    let folder = with(TWO);
    for (select, written) in [
        ("functions+1", vec![]),
        ("paths+", vec!["all_paths"]),
        ("@names,paths", vec!["names", "all_paths"]),
        ("*paths", vec!["all_paths"]),
    ] {
        let run = driver_in(folder.path(), ["run", "spec.yaml", "--select", select]);
        if select == "functions+1" {
            // The views one step further have outputs, which are written.
            exits(&run, 0);
            assert_eq!(tables(folder.path()), ["names", "all_paths"], "{select}");
        } else {
            exits(&run, 0);
            assert_eq!(tables(folder.path()), written, "{select}");
        }
        for table in tables(folder.path()) {
            fs::remove_dir_all(folder.path().join(table)).unwrap();
        }
    }
    let nothing = driver_in(folder.path(), ["run", "spec.yaml", "--select", "functions"]);
    exits(&nothing, 2);
    let text = err(&nothing);
    assert!(text.contains("`functions` writes none") && text.contains("`@all_paths`"), "{text}");
    for (select, told) in
        [("nmaes", "did you mean `names`?"), ("x_*", "`x_*`"), ("a+b", "`a+b`"), ("@functions", "there are")]
    {
        let wrong = driver_in(folder.path(), ["check", "spec.yaml", "--select", select]);
        exits(&wrong, 2);
        assert!(err(&wrong).contains(told), "{select}: {}", err(&wrong));
    }
    assert_eq!(tables(folder.path()), Vec::<String>::new());
}

#[test]
fn a_check_of_a_selection_reports_what_concerns_it() {
    let folder = with(TWO);
    let whole = driver_in(folder.path(), ["check", "spec.yaml", "--format", "json"]);
    exits(&whole, 1);
    assert_eq!(json(&whole)["diagnostics"].as_array().unwrap().len(), 2);
    let sound = driver_in(folder.path(), ["check", "spec.yaml", "--select", "names,paths"]);
    exits(&sound, 0);
    assert!(out(&sound).starts_with("ok: 1 input, 3 views, 2 outputs;"), "{}", out(&sound));
    assert_eq!(
        err(&sound),
        "",
        "an unselected view that uses $2 makes it no unused parameter, and none is left"
    );
    let codes = |select: &str| -> Vec<String> {
        let checked =
            json(&driver_in(folder.path(), ["check", "spec.yaml", "-s", select, "--format", "json"]));
        checked["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["code"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(codes("names"), Vec::<String>::new());
    assert_eq!(codes("lost"), ["E0112"]);
    assert_eq!(codes("wrong"), ["E0201"]);
    assert_eq!(codes("gone+"), ["E0112"]);
    // What is needed and cannot be computed is told, and names that are not selected are still known.
    let broken = TWO
        .replace("columns: [path, name]", "columns: [pth, name]")
        .replace("source: names", "source: nmaes");
    fs::write(folder.path().join("spec.yaml"), &broken).unwrap();
    let checked = driver_in(folder.path(), ["check", "spec.yaml", "--select", "wrong"]);
    exits(&checked, 1);
    assert!(err(&checked).contains("did you mean `names`?"), "{}", err(&checked));
    let broken = TWO.replace("columns: [path, name]", "columns: [pth, name]");
    fs::write(folder.path().join("spec.yaml"), &broken).unwrap();
    assert_eq!(codes("wrong"), ["E0201"], "of the view that it reads");
    assert_eq!(codes("paths"), Vec::<String>::new());
}

#[test]
fn a_part_of_the_graph_is_shown_without_outputs_too() {
    let folder = with(TWO);
    let shown = driver_in(folder.path(), ["compile", "spec.yaml", "--select", "functions"]);
    exits(&shown, 0);
    let text = out(&shown);
    assert!(text.contains("@functions.rows = sink functions") && text.contains("mode=return"), "{text}");
    assert!(!text.contains("names ="), "{text}");
    for form in ["json", "identity", "plan", "physical", "dot"] {
        exits(&driver_in(folder.path(), ["compile", "spec.yaml", "-s", "functions", "--emit", form]), 0);
    }
    let archive = driver_in(folder.path(), ["compile", "spec.yaml", "-s", "functions", "--emit", "archive"]);
    exits(&archive, 0);
    fs::write(folder.path().join("graph"), archive.stdout).unwrap();
    exits(&driver_in(folder.path(), ["verify", "graph"]), 0);
}

#[test]
fn what_cannot_be_read_at_all_is_not_run_in_part() {
    // The record would have a spec that says less than the file.
    let folder =
        with(&SPEC.replace("{kind: Aggregate, source: names,", "{kind: Aggregate, source: names, sorce: x,"));
    exits(&driver_in(folder.path(), ["check", "spec.yaml", "--select", "names"]), 0);
    let run = driver_in(folder.path(), ["run", "spec.yaml", "--select", "names"]);
    exits(&run, 1);
    assert!(err(&run).contains("sorce"), "{}", err(&run));
    assert!(!folder.path().join("names").exists());
}

#[test]
fn assertions_of_what_is_computed_come_along_and_a_preview_has_none() {
    // No path is NULL; that one fails on every row. Nobody computes `lost`, whose assertion says what no table is asked.
    let failing = TWO
        .replace(
            "predicate: \"kind = $1\"}}",
            "predicate: \"kind = $1\"}, assertions: [{name: never, expression: path IS NULL}]}",
        )
        .replace("predicate: x > 1}}", "predicate: x > 1}, assertions: [{unique: [x]}]}");
    assert_eq!(failing.matches("assertions:").count(), 2);
    let folder = with(&failing);
    let refused = driver_in(folder.path(), ["run", "spec.yaml", "--select", "all_paths"]);
    exits(&refused, 1);
    assert!(err(&refused).contains("E0721") && err(&refused).contains("never"), "{}", err(&refused));
    assert_eq!(tables(folder.path()), Vec::<String>::new());
    let shown = driver_in(folder.path(), ["preview", "spec.yaml", "paths"]);
    exits(&shown, 0);
    assert!(!err(&shown).contains("E0721"), "{}", err(&shown));
    fs::write(folder.path().join("spec.yaml"), failing.replace("path IS NULL", "path IS NOT NULL")).unwrap();
    let run = driver_in(folder.path(), ["run", "spec.yaml", "--select", "all_paths", "--format", "json"]);
    exits(&run, 0);
    assert_eq!(tables(folder.path()), ["all_paths"]);
    let names: Vec<String> = json(&run)["assertions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["assertion"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["never"]);
    // Beyond the selection an assertion has a table to itself: it is read, and nothing is written of it.
    let relation = TWO.replace(
        "columns: [path, name]}}",
        "columns: [path, name]}, assertions: [{relation: {columns: [path], to: paths, to_columns: [path]}}]}",
    );
    fs::write(folder.path().join("spec.yaml"), relation).unwrap();
    let run = driver_in(folder.path(), ["run", "spec.yaml", "--select", "names", "--format", "json"]);
    exits(&run, 0);
    assert_eq!(json(&run)["assertions"].as_array().unwrap().len(), 1);
    assert_eq!(tables(folder.path()), ["names", "all_paths"]);
}
