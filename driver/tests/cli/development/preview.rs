//! Looking at the rows of one part of a spec.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::program::{SPEC, driver_in, err, exits, json, listing, out, with_tables};

/// What a preview in JSON says of its scans on stderr.
fn scanned(output: &std::process::Output) -> Value {
    let line = err(output).lines().last().unwrap();
    serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"))["scanned"].clone()
}

fn preview(folder: &Path, arguments: &[&str]) -> std::process::Output {
    driver_in(folder, ["preview", "spec.yaml"].iter().chain(arguments))
}

/// A folder with a table of a million rows, in order.
fn with_a_million_rows() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let digits = "(SELECT * FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS t(x))";
    let from: Vec<String> =
        ["a", "b", "c", "d", "e", "f"].iter().map(|name| format!("{digits} AS {name}")).collect();
    let query = format!(
        "SELECT a.x + 10 * b.x + 100 * c.x + 1000 * d.x + 10000 * e.x + 100000 * f.x AS n FROM {}",
        from.join(" CROSS JOIN ")
    );
    let spec = json!({
        "version": 4, "input_relations": [],
        "view_definitions": [{"name": "rows", "transform": {"kind": "Sql", "query": query}}],
        "output_targets": [{"table_name": "numbers", "source_view": "rows"}],
    });
    fs::write(folder.path().join("make.json"), spec.to_string()).unwrap();
    exits(&driver_in(folder.path(), ["run", "make.json", "-q"]), 0);
    fs::remove_dir_all(folder.path().join(".codeanatomy")).unwrap();
    folder
}

#[test]
fn a_preview_computes_what_it_shows_and_writes_nothing() {
    let folder = with_a_million_rows();
    let spec = "\
version: 4
input_relations:
  - {logical_name: numbers, delta_location: numbers}
  - {logical_name: gone, delta_location: no/such/table}
view_definitions:
  - {name: even, transform: {kind: Filter, source: numbers, predicate: n % 2 = 0}}
  - {name: squares, transform: {kind: Project, source: even, columns: [n, {name: square, expr: n * n}]}}
  - {name: both, transform: {kind: Sql, query: SELECT a.n FROM even a JOIN squares b ON a.n = b.n}}
  - {name: other, transform: {kind: Filter, source: gone, predicate: x > 1}}
output_targets:
  - {table_name: squares, source_view: squares, columns: [square]}
  - {table_name: other, source_view: other}
";
    fs::write(folder.path().join("spec.yaml"), spec).unwrap();
    let before = listing(folder.path());
    let shown = preview(folder.path(), &["squares", "--limit", "5", "--format", "json"]);
    exits(&shown, 0);
    let rows = json(&shown);
    assert_eq!(rows.as_array().unwrap().len(), 5);
    assert!(rows.as_array().unwrap().iter().all(|row| row["n"].as_i64().unwrap() % 2 == 0));
    let read = scanned(&shown);
    assert_eq!(read["inputs"][0]["input"], "numbers");
    let rows = read["inputs"][0]["rows"].as_u64().unwrap();
    assert!(rows > 0 && rows <= 200_000, "a scan ends once there are enough rows: {rows}");
    assert_eq!(
        (&read["opened"], &read["of_inputs"]),
        (&json!(1), &json!(2)),
        "the other input is not opened"
    );
    // An output is shown as it would be written; a view of the same name comes first.
    let output = preview(folder.path(), &["@squares", "--limit", "3", "--format", "csv"]);
    exits(&output, 0);
    assert_eq!(out(&output).lines().next(), Some("square"));
    assert_eq!(out(&output).lines().count(), 4);
    // An input, all of it: as text.
    let input = preview(folder.path(), &["numbers", "--limit", "2"]);
    exits(&input, 0);
    assert_eq!(out(&input).lines().count(), 4, "{}", out(&input));
    assert!(
        err(&input).starts_with("scanned ") && err(&input).contains("opened 1 of 2 inputs"),
        "{}",
        err(&input)
    );
    // What several views read is computed once, also for a preview.
    let joined =
        preview(folder.path(), &["both", "--limit", "1000000", "--format", "json", "--threads", "2"]);
    exits(&joined, 0);
    assert_eq!(json(&joined).as_array().unwrap().len(), 500_000);
    assert_eq!(listing(folder.path()), before, "nothing is written");
    // A shared view that another one reads as well stays until the rows are read.
    let forced = "cache_policy: {overrides: [{view_name: even, action: ForceCache}, {view_name: squares, action: ForceCache}]}\n";
    fs::write(folder.path().join("spec.yaml"), format!("{spec}{forced}")).unwrap();
    let shared = preview(folder.path(), &["both", "--limit", "7", "--format", "json"]);
    exits(&shared, 0);
    assert_eq!(json(&shared).as_array().unwrap().len(), 7);
    assert_eq!(scanned(&shared)["inputs"][0]["rows"], 1_000_000, "once");
}

#[test]
fn a_wrong_name_is_told_with_the_nearest() {
    let folder = with_tables();
    let wrong = preview(folder.path(), &["nmaes"]);
    exits(&wrong, 2);
    assert!(err(&wrong).contains("`nmaes`; did you mean `names`?"), "{}", err(&wrong));
}

#[test]
fn mistakes_elsewhere_do_not_hide_the_rows() {
    let folder = with_tables();
    let broken = SPEC.replace("group_by: [path]", "group_by: [pth]");
    fs::write(folder.path().join("spec.yaml"), broken).unwrap();
    let shown = preview(folder.path(), &["names", "--format", "json"]);
    exits(&shown, 0);
    assert!(!json(&shown).as_array().unwrap().is_empty());
    let failed = preview(folder.path(), &["per_file"]);
    exits(&failed, 1);
    assert!(err(&failed).contains("pth"), "{}", err(&failed));
    // Neither do rows that no table can hold.
    let intervals = SPEC.replace(
        "output_targets:",
        "  - {name: ages, transform: {kind: Sql, query: \"SELECT path, INTERVAL '1' DAY AS age FROM names\"}}\noutput_targets:",
    );
    fs::write(folder.path().join("spec.yaml"), intervals).unwrap();
    let shown = preview(folder.path(), &["ages", "--limit", "1"]);
    exits(&shown, 0);
    assert!(out(&shown).contains("1 days"), "{}", out(&shown));
}

#[test]
fn a_computation_that_fails_says_where() {
    let folder = with_tables();
    let failing =
        SPEC.replace("columns: [path, name]", "columns: [path, {name: name, expr: CAST(name AS BIGINT)}]");
    fs::write(folder.path().join("spec.yaml"), failing).unwrap();
    let failed = preview(folder.path(), &["names"]);
    exits(&failed, 1);
    assert!(err(&failed).contains("spec.yaml:"), "{}", err(&failed));
}

/// A parameter of all inputs finds no column: with all inputs in scope that is a mistake, else nobody knows.
#[test]
fn a_parameter_that_filters_nothing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), "region,n\nEU,1\nUS,2\n").unwrap();
    fs::write(folder.path().join("b.csv"), "m\n1\n").unwrap();
    let spec = "\
version: 4
input_relations: [{logical_name: a, location: a.csv, format: csv}, {logical_name: b, location: b.csv, format: csv}]
view_definitions:
  - {name: v, transform: {kind: Filter, source: a, predicate: n > 0}}
  - {name: w, transform: {kind: Sql, query: SELECT n FROM a JOIN b ON n = m}}
output_targets: [{table_name: o, source_view: v}, {table_name: p, source_view: w}]
typed_parameters: [{target: {kind: FilterEq, filter_column: regoin}, value: {type: Utf8, value: EU}}]
";
    fs::write(folder.path().join("spec.yaml"), spec).unwrap();
    let all = preview(folder.path(), &["w"]);
    exits(&all, 1);
    assert!(err(&all).contains("error[E0408]: no input has a column `regoin`"), "{}", err(&all));
    for some in [&["preview", "spec.yaml", "v"][..], &["check", "spec.yaml", "--select", "v"]] {
        let some = driver_in(folder.path(), some);
        exits(&some, 0);
        let told = "warning[W0013]: no input of what is selected has a column `regoin`";
        assert!(err(&some).contains(told), "{}", err(&some));
    }
    // What does filter is told of nowhere.
    fs::write(folder.path().join("spec.yaml"), spec.replace("regoin", "region")).unwrap();
    let right = preview(folder.path(), &["v", "--format", "csv"]);
    exits(&right, 0);
    assert_eq!(out(&right), "region,n\nEU,1\n");
    assert!(!err(&right).contains("W0013"), "{}", err(&right));
}
