//! What does not hold is not published, and the rows that fail are shown.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{driver_in, err, exits, json, listing, out};

/// A view of rows `(id, customer, amount)`, written in `mode` with these assertions of the view and of the output.
fn spec(rows: &str, mode: &str, of_view: &str, of_output: &str) -> String {
    format!(
        "\
version: 4
input_relations: []
view_definitions:
  - name: orders
    transform: {{kind: Sql, query: \"SELECT CAST(id AS BIGINT) AS id, nullif(CAST(customer AS BIGINT), -1) AS customer, CAST(amount AS BIGINT) AS amount FROM (VALUES {rows}) AS t(id, customer, amount)\"}}
    assertions: [{of_view}]
  - name: customers
    transform: {{kind: Sql, query: \"SELECT CAST(key AS BIGINT) AS key FROM (VALUES (1), (2)) AS t(key)\"}}
output_targets:
  - {{table_name: beside, source_view: customers}}
  - {{table_name: mine, source_view: orders, materialization_mode: {mode}, assertions: [{of_output}]}}
"
    )
}

fn run(folder: &Path, spec: &str, more: &[&str]) -> std::process::Output {
    fs::write(folder.join("spec.yaml"), spec).unwrap();
    driver_in(folder, [&["run", "spec.yaml"], more].concat())
}

/// The newest record in a folder.
fn record(folder: &Path) -> Value {
    json(&driver_in(folder, ["show", "latest", "--format", "json"]))
}

fn tables(folder: &Path) -> Vec<std::path::PathBuf> {
    listing(folder).into_iter().filter(|path| !path.starts_with(".codeanatomy")).collect()
}

const EVERY_KIND: &str = "{unique: [id]}, {not_null: [customer]}, {accepted: {column: amount, values: [5, 7]}}, \
    {relation: {columns: [customer], to: customers, to_columns: [key]}}, {name: positive, expression: amount > 0}";

/// All failures at once, each at its line with its rows; every table stays as it was; the record has counts and no values.
#[test]
fn failing_assertions_publish_nothing_and_show_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let sound = spec("(1, 1, 5), (2, 2, 7)", "Overwrite", EVERY_KIND, "{unique: [id]}");
    exits(&run(folder.path(), &sound, &[]), 0);
    let before = tables(folder.path());
    let broken = spec(
        "(1, 1, 5), (1, 2, 7), (3, 9, 5), (4, 1, -12345), (5, NULL, 5)",
        "Overwrite",
        EVERY_KIND,
        "{unique: [id]}",
    );
    let output = run(folder.path(), &broken, &[]);
    exits(&output, 1);
    let text = err(&output);
    for part in [
        "error[E0721]: assertion `unique_id` of view orders fails in 1 case (unique: id); nothing was published",
        "assertion `not_null_customer` of view orders fails in 1 case",
        "assertion `accepted_amount` of view orders fails in 1 case (accepted: amount in (5, 7))",
        "assertion `relation_customer_customers` of view orders fails in 1 case",
        "assertion `positive` of view orders fails in 1 case (expression: amount > 0)",
        "assertion `unique_id` of output mine fails in 1 case",
        "id  rows\n    1   2\n",
        "customer  id\n    NULL      5\n",
        "customer  id\n    9         3\n",
        "amount  id\n    -12345  4\n",
        "--> spec.yaml:6:18",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(tables(folder.path()), before);
    let record = record(folder.path());
    let counts: Vec<(&str, u64)> = record["assertions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["assertion"].as_str().unwrap(), it["failures"].as_u64().unwrap()))
        .collect();
    assert_eq!(counts.len(), 6, "{record}");
    assert!(counts.iter().all(|(_, failures)| *failures == 1), "{counts:?}");
    assert_eq!(record["status"], "failed");
    assert!(!record["failure"].to_string().contains("12345"), "values are data, and not kept: {record}");
}

/// A warning has the count; the tables are published.
#[test]
fn an_assertion_of_severity_warn_publishes_and_tells() {
    let folder = tempfile::tempdir().unwrap();
    let warned = spec("(1, 1, 5), (1, 2, 7), (1, 2, 7)", "Overwrite", "{unique: [id], severity: warn}", "");
    let output = run(folder.path(), &warned, &[]);
    exits(&output, 0);
    assert!(err(&output).contains("warning[W0031]: assertion `unique_id` of view orders fails in 1 case"));
    assert!(err(&output).contains("id  rows\n    1   3\n"), "{}", err(&output));
    assert!(out(&output).contains("1 (warn)"), "{}", out(&output));
    let record = record(folder.path());
    assert_eq!(record["warning_counts_by_code"]["W0031"], 1);
    assert_eq!(record["assertions"][0]["failures"], 1);
    let rows =
        driver_in(folder.path(), ["sql", "SELECT count(*) AS n FROM mine", "--lake", ".", "--format", "csv"]);
    assert_eq!(out(&rows), "n\n3\n");
}

/// What an append keeps is part of the table that is looked at, and an assertion that is new is evaluated of it.
#[test]
fn an_append_is_checked_with_the_rows_it_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let first = spec("(1, 1, 5), (2, 1, 5)", "Append", "{unique: [id]}", "");
    exits(&run(folder.path(), &first, &[]), 0);
    let again = spec("(2, 1, 5), (3, 1, 5)", "Append", "{unique: [id]}", "{unique: [id]}");
    let output = run(folder.path(), &again, &["--format", "json"]);
    exits(&output, 1);
    let found: Value = serde_json::from_str(err(&output).lines().next().unwrap()).unwrap();
    assert_eq!((&found["code"], &found["context"]["subject"]), (&"E0721".into(), &"output mine".into()));
    assert_eq!(found["rows"], serde_json::json!(["id  rows", "2   2"]));
    let other = spec("(3, 1, 5)", "Append", "", "{unique: [id]}, {expression: amount < 9}");
    exits(&run(folder.path(), &other, &[]), 0);
    let asserted = spec("(4, 1, 1)", "Append", "", "{expression: amount < 5}");
    let output = run(folder.path(), &asserted, &[]);
    exits(&output, 1);
    assert!(err(&output).contains("fails in 3 cases"), "{}", err(&output));
}

/// A view that is shared is computed once, for its assertions too.
#[test]
fn a_shared_view_is_computed_once_for_its_assertions() {
    let folder = tempfile::tempdir().unwrap();
    let text = spec("(1, 1, 5), (2, 2, 7)", "Overwrite", EVERY_KIND, "")
        + "cache_policy: {overrides: [{view_name: orders, action: ForceCache}]}\n";
    let output = run(folder.path(), &text, &["--format", "json"]);
    exits(&output, 0);
    let report = json(&output);
    let shared = report["shared_views"].as_array().unwrap();
    let orders = shared.iter().find(|view| view["view"] == "orders").unwrap();
    assert_eq!(orders["computed"], 1, "{report}");
    assert!(orders["readers"].as_u64() > Some(1), "{report}");
    let asserted: Vec<&Value> =
        report["assertions"].as_array().unwrap().iter().map(|it| &it["failures"]).collect();
    assert_eq!(asserted, [0, 0, 0, 0, 0], "{report}");
}

/// The columns of a constraint are matched with the keys of the edge by their names, in whatever order both stand.
#[test]
fn a_constraint_finds_its_edge_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let spec = |columns: &str| {
        format!(
            "\
version: 4
input_relations: []
view_definitions:
  - {{name: a, transform: {{kind: Sql, query: 'SELECT CAST(k AS BIGINT) AS k, CAST(v AS BIGINT) AS v FROM (VALUES (1, 10), (2, 20)) AS t(k, v)'}}}}
  - {{name: b, transform: {{kind: Sql, query: 'SELECT CAST(p AS BIGINT) AS p, CAST(q AS BIGINT) AS q, CAST(0 AS BIGINT) AS k, CAST(0 AS BIGINT) AS v FROM (VALUES (1, 10)) AS t(p, q)'}}}}
output_targets: [{{table_name: o, source_view: a}}]
join_graph:
  edges: [{{left_relation: b, right_relation: a, join_type: Inner, left_keys: [p, q], right_keys: [k, v]}}]
  constraints: [{{name: there, constraint_type: relation, relations: [a, b], columns: {columns}}}]
"
        )
    };
    for columns in ["[k, v]", "[v, k]"] {
        let output = run(folder.path(), &spec(columns), &[]);
        exits(&output, 1);
        let told = "assertion `there` of view a fails in 1 case";
        assert!(err(&output).contains(told), "{columns}: {}", err(&output));
    }
    // Without an edge of these columns it is the same names, of which none agrees.
    let output = run(folder.path(), &spec("[k]"), &[]);
    exits(&output, 1);
    assert!(err(&output).contains("assertion `there` of view a fails in 2 cases"), "{}", err(&output));
}
