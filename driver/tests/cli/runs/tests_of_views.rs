//! `driver test`: tests of views pass, and fail so that one sees what is wrong.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{SPEC, driver_in, err, exits, json, listing, out, with_tables};

/// Sums by day, over an input that is given with its columns.
const SUMS: &str = "\
version: 4
input_relations: [{logical_name: orders, delta_location: nowhere/orders}]
view_definitions:
  - {name: paid, transform: {kind: Filter, source: orders, predicate: amount > $1}}
  - name: daily
    transform: {kind: Aggregate, source: paid, group_by: [day], aggregations: [{function: sum, column: amount, alias: total}]}
output_targets: [{table_name: daily, source_view: daily}]
typed_parameters: [{target: {kind: PlaceholderPos, position: 1}, value: {type: Int64, value: 0}}]
tests:
  - name: sums_by_day
    view: daily
    given:
      orders:
        schema: {day: Date32, amount: Float64}
        rows: [{day: 2026-01-01, amount: 2.5}, {day: 2026-01-01, amount: 4}, {day: 2026-01-02, amount: -1}, {day: 2026-01-03, amount: 1}]
    expect: [{day: 2026-01-03, total: 1}, {day: 2026-01-01, total: 6.5}]
  - name: nothing_is_nothing
    view: daily
    given: {paid: {schema: {day: Date32, amount: Float64}, rows: []}}
    expect: []
";

/// A join and a query, of which a view between is given.
const JOINED: &str = "\
version: 4
input_relations: [{logical_name: people, delta_location: nowhere/people}, {logical_name: notes, delta_location: nowhere/notes}]
view_definitions:
  - {name: short, transform: {kind: Filter, source: notes, predicate: length(text) < 100}}
  - name: written
    transform: {kind: Relate, left: people, right: short, join_type: Left, on: [{left: id, right: person}], select: [left.name, right.text]}
  - {name: idle, transform: {kind: Sql, query: \"SELECT name FROM written WHERE text IS NULL\"}}
output_targets: [{table_name: idle, source_view: idle}]
tests:
  - name: people_without_notes
    view: idle
    given:
      people: {schema: {id: Int64, name: Utf8}, rows: [{id: 1, name: ada}, {id: 2, name: bo}]}
      short: {schema: {person: Int64, text: Utf8}, rows: [{person: 1, text: hi}]}
    expect: [{name: bo}]
";

/// A test whose given rows have the columns of the table.
fn over_tables() -> String {
    format!(
        "{SPEC}\
tests:
  - name: functions_only
    view: names
    given: {{defs: [{{path: a.py, name: f, kind: function}}, {{path: a.py, name: C, kind: class}}]}}
    expect: [{{path: a.py, name: f}}]
"
    )
}

fn test(folder: &Path, spec: &str, more: &[&str]) -> std::process::Output {
    fs::write(folder.join("spec.yaml"), spec).unwrap();
    driver_in(folder, [&["test", "spec.yaml"], more].concat())
}

/// What there is beside what compilations keep.
fn tables(folder: &Path) -> Vec<PathBuf> {
    listing(folder).into_iter().filter(|path| !path.starts_with(".codeanatomy/compiled")).collect()
}

#[test]
fn tests_of_three_specs_pass_and_touch_nothing() {
    let folder = with_tables();
    let before = tables(folder.path());
    for (spec, passed) in [(SUMS.to_owned(), 2), (JOINED.to_owned(), 1), (over_tables(), 1)] {
        let output = test(folder.path(), &spec, &[]);
        exits(&output, 0);
        assert!(out(&output).ends_with(&format!("{passed} passed, 0 failed\n")), "{}", out(&output));
    }
    assert_eq!(tables(folder.path()), before);
}

#[test]
fn a_spec_without_tests_says_so() {
    let folder = with_tables();
    let (without, _) = SUMS.split_once("tests:").unwrap();
    let output = test(folder.path(), without, &[]);
    exits(&output, 0);
    assert_eq!(out(&output), "0 passed, 0 failed\n");
    assert!(err(&output).contains("the spec has no tests"), "{}", err(&output));
}

#[test]
fn changed_views_fail_readably() {
    let folder = with_tables();
    let wrong = SUMS.replace("function: sum", "function: max");
    let output = test(folder.path(), &wrong, &[]);
    exits(&output, 1);
    let shown = "\
FAILED  sums_by_day (view daily, spec.yaml:10)
    day         total
  - 2026-01-01  *6.5*
  + 2026-01-01  *4.0*
  1 missing (-), 1 unexpected (+), 1 as expected
";
    assert!(out(&output).contains(shown), "{}", out(&output));
    assert!(out(&output).ends_with("1 passed, 1 failed\n"), "{}", out(&output));
    let wrong = JOINED.replace("text IS NULL", "text IS NOT NULL");
    let output = test(folder.path(), &wrong, &["--format", "json"]);
    exits(&output, 1);
    let rows = &json(&output)[0]["rows"];
    assert_eq!((&rows[0]["kind"], &rows[0]["cells"][0]), (&"missing".into(), &"bo".into()), "{rows}");
    assert_eq!((&rows[1]["kind"], &rows[1]["cells"][0]), (&"unexpected".into(), &"ada".into()), "{rows}");
    let wrong =
        over_tables().replace("predicate: \"kind = 'function'\"", "predicate: \"kind <> 'function'\"");
    let output = test(folder.path(), &wrong, &[]);
    exits(&output, 1);
    assert!(out(&output).contains("- a.py  *f*\n  + a.py  *C*\n"), "{}", out(&output));
}

#[test]
fn numbers_may_be_near_where_the_test_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let near = SUMS.replace("total: 6.5", "total: 6.4");
    exits(&test(folder.path(), &near, &[]), 1);
    let tolerant =
        near.replace("    view: daily\n    given:\n", "    view: daily\n    tolerance: 0.2\n    given:\n");
    assert_ne!(near, tolerant);
    exits(&test(folder.path(), &tolerant, &[]), 0);
}

/// What is wrong with a test is told of this test; what it names is checked with the spec.
#[test]
fn tests_that_cannot_be_run_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        (
            SUMS.replace("    view: daily\n    given: {paid:", "    view: daily\n    given: {daily:"),
            "is given and tested",
        ),
        (
            SUMS.replace("given: {paid: {schema: {day: Date32, amount: Float64}, rows: []}}", "given: {}"),
            "needs orders",
        ),
        (
            SUMS.replace("{day: 2026-01-03, amount: 1}]", "{day: 2026-01-03, amuont: 1}]"),
            "did you mean `amount`?",
        ),
        (SUMS.replace("total: 1}", "totl: 1}"), "did you mean `total`?"),
        (
            SUMS.replace(
                "schema: {day: Date32, amount: Float64}, rows: []",
                "schema: {day: Dat32}, rows: []",
            ),
            "is no type",
        ),
        (
            SUMS.replace("{paid: {schema: {day: Date32, amount: Float64}, rows: []}}", "{orders: []}"),
            "are not known",
        ),
    ];
    for (spec, why) in cases {
        assert_ne!(spec, SUMS, "{why}");
        let output = test(folder.path(), &spec, &[]);
        exits(&output, 1);
        assert!(out(&output).contains(why), "{why}: {}", out(&output));
        assert!(out(&output).contains("1 failed"), "{}", out(&output));
    }
    let unknown = test(folder.path(), SUMS, &["--test", "sums_by_dy"]);
    exits(&unknown, 1);
    assert!(err(&unknown).contains("did you mean `sums_by_day`?"), "{}", err(&unknown));
    let only = test(folder.path(), SUMS, &["--test", "sums_by_day"]);
    exits(&only, 0);
    assert!(out(&only).ends_with("1 passed, 0 failed\n"), "{}", out(&only));
    fs::write(folder.path().join("spec.yaml"), SUMS.replace("given: {paid:", "given: {piad:")).unwrap();
    let checked = driver_in(folder.path(), ["check", "spec.yaml", "--format", "json"]);
    exits(&checked, 1);
    let found = json(&checked)["diagnostics"].as_array().unwrap().clone();
    let named = found.iter().find(|found| found["found"] == "piad").unwrap();
    assert_eq!((&named["code"], &named["line"]), (&"E0107".into(), &19.into()), "{named}");
}
