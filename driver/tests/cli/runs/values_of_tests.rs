//! `driver test`: values are compared exactly, rows in order where that is asked, and all that can be known of a test is told
//! with the spec.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::program::{driver_in, err, exits, json, out};

/// A view of one column of this type, `x`, and whole numbers `k`, with the tests.
fn spec(data_type: &str, tests: &str) -> String {
    format!(
        "\
version: 4
input_relations: [{{logical_name: t, location: not/there.csv, format: csv, schema: {{k: Int64!, x: '{data_type}'}}}}]
view_definitions: [{{name: v, transform: {{kind: Filter, source: t, predicate: k >= 0}}}}]
output_targets: [{{table_name: o, source_view: v}}]
tests: [{tests}]
"
    )
}

fn test(folder: &Path, spec: &str) -> Output {
    fs::write(folder.join("spec.yaml"), spec).unwrap();
    driver_in(folder, ["test", "spec.yaml"])
}

/// What the row that is given must be for the row that is expected: `passes`, `fails`, or a part of why the test cannot run.
const VALUES: &[(&str, &str, &str, &str)] = &[
    ("Int64", "1", "1", "passes"),
    ("Int64", "1", "1.0", "passes"),
    ("Int64", "1", "'1'", "passes"),
    ("Int64", "1", "1.7", "`x` is Int64: `1.7` is no whole number"),
    ("Int64", "-1.9", "-1", "`x` is Int64: `-1.9` is no whole number"),
    ("Int64", "1", "many", "`many` is no number"),
    ("Int64", "9007199254740993", "9007199254740992", "fails"),
    ("Int32", "1", "1.999", "is no whole number"),
    ("Int32", "1", "3000000000", "`3000000000` is beyond what the column holds"),
    ("Int64", "1", "true", "`true` is no number"),
    ("Decimal128(10, 2)", "1.55", "1.55", "passes"),
    ("Decimal128(10, 2)", "1.55", "1.550", "passes"),
    ("Decimal128(10, 2)", "1.55", "1.559", "`1.559` has more digits after the point"),
    ("Decimal128(20, 2)", "12345678901234567.89", "12345678901234567.88", "fails"),
    ("Decimal128(20, 2)", "12345678901234567.89", "'12345678901234567.89'", "passes"),
    ("Decimal128(4, 2)", "1.5", "123.5", "`123.5` has more digits before the point"),
    ("Float64", "0.1", "1e-1", "passes"),
    ("Float64", "0.0", "-0.0", "passes"),
    ("Float64", "NaN", "NaN", "passes"),
    ("Float64", "-Infinity", "Infinity", "fails"),
    ("Float64", "1", "9007199254740993", "has more digits than the column holds"),
    ("Float32", "0.1", "0.1", "passes"),
    ("Float32", "1", "1e39", "is beyond what the column holds"),
    ("Date32", "2026-02-28", "2026-02-28", "passes"),
    ("Date32", "2026-02-28", "2026-02-28T23:00:00", "is a moment, and the column has days"),
    ("Date32", "2026-02-28", "20512", "is no text"),
    ("Timestamp(µs)", "2026-02-28", "2026-02-28T00:00:00.000", "passes"),
    ("Timestamp(µs)", "2026-02-28", "2026-02-28T00:00:00.1234567", "has more digits of a second"),
    ("Timestamp(µs)", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00", "has a zone"),
    ("Utf8", "'1'", "1", "write it in quotes"),
    ("Boolean", "true", "'true'", "is not true or false"),
    ("Binary", "00ff", "00FF", "passes"),
    ("Binary", "00ff", "0", "is no text"),
    ("List(Int64)", "[1, null]", "[1, null]", "passes"),
    ("List(Int64)", "[1, null]", "[1, 2]", "fails"),
    ("List(Int64)", "[1, 2]", "[1, 2.5]", "`2.5` is no whole number"),
    ("List(Float64)", "[0.0]", "[-0.0]", "passes"),
];

/// A value is never rounded, cut or converted to be what is expected.
#[test]
fn expected_and_given_values_are_compared_as_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    for (data_type, given, expected, ends) in VALUES {
        let test_of_it = format!(
            "{{name: one, view: v, given: {{t: [{{k: 1, x: {given}}}]}}, expect: [{{k: 1, x: {expected}}}]}}"
        );
        let output = test(folder.path(), &spec(data_type, &test_of_it));
        let case = format!("{data_type}: {given} is {expected}: {ends}\n{}", out(&output));
        match *ends {
            "passes" => assert_eq!(output.status.code(), Some(0), "{case}"),
            "fails" => assert!(out(&output).contains("1 missing (-), 1 unexpected (+)"), "{case}"),
            why => {
                assert!(
                    out(&output).contains("it cannot be run: E0125") && out(&output).contains(why),
                    "{case}"
                );
                // It is known before, at its line.
                let checked = driver_in(folder.path(), ["check", "spec.yaml", "--format", "json"]);
                let found = json(&checked)["diagnostics"].as_array().unwrap().clone();
                let told = found.iter().find(|found| found["code"] == "E0125").unwrap();
                assert!(
                    told["message"].as_str().unwrap().contains(why) && told["line"] == 5,
                    "{case}\n{told}"
                );
            }
        }
    }
}

/// The spec says the columns of an input whose files are not there; and that one is never NULL.
#[test]
fn columns_come_from_the_schema_of_the_spec() {
    let folder = tempfile::tempdir().unwrap();
    let with_null = spec("Utf8", "{name: one, view: v, given: {t: [{k: 1}]}, expect: [{x: null}]}");
    exits(&test(folder.path(), &with_null), 0);
    // A column that no row names is NULL, although it never is; the view keeps no such row.
    let without = spec("Utf8", "{name: one, view: v, given: {t: [{x: a}]}, expect: []}");
    exits(&test(folder.path(), &without), 0);
    for (given, expected) in [("k: 1}, {x: a", "k: 1"), ("k: null", "k: 1"), ("k: 1", "k: null")] {
        let test_of_it =
            format!("{{name: one, view: v, given: {{t: [{{{given}}}]}}, expect: [{{{expected}}}]}}");
        let output = test(folder.path(), &spec("Utf8", &test_of_it));
        exits(&output, 1);
        assert!(out(&output).contains("`k` is never NULL"), "{given}: {}", out(&output));
    }
}

/// Rows in order, values for parameters, and tolerances of decimals.
const DAYS: &str = "\
version: 4
input_relations: [{logical_name: t, location: not/there.csv, format: csv, schema: {k: Int64, x: 'Decimal128(20, 2)'}}]
view_definitions:
  - {name: best, transform: {kind: Sql, query: 'SELECT k, x FROM t WHERE x > $1 ORDER BY x DESC, k'}}
output_targets: [{table_name: o, source_view: best}]
typed_parameters: [{label: more_than, target: {kind: PlaceholderPos, position: 1}, value: {type: Int64, value: 0}}]
tests:
  - name: in_order
    view: best
    ordered: true
    parameters: {more_than: 1}
    given: {t: [{k: 1, x: 1}, {k: 4, x: 2}, {k: 3, x: 30}, {k: 2, x: 2}]}
    expect: [{k: 3}, {k: 2}, {k: 4}]
  - name: near
    view: best
    tolerance: 0.01
    given: {t: [{k: 1, x: '12345678901234567.89'}]}
    expect: [{x: '12345678901234567.88'}]
";

#[test]
fn rows_are_compared_in_order_where_a_test_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let output = test(folder.path(), DAYS);
    exits(&output, 0);
    let turned = DAYS.replace("expect: [{k: 3}, {k: 2}, {k: 4}]", "expect: [{k: 2}, {k: 3}, {k: 4}]");
    let output = test(folder.path(), &turned);
    exits(&output, 1);
    let shown = "    k\n  - *2*\n  + *3*\n  - *3*\n  + *2*\n  2 missing (-), 2 unexpected (+), 1 as expected; rows are compared in order\n";
    assert!(out(&output).contains(shown), "{}", out(&output));
    exits(&test(folder.path(), &turned.replace("    ordered: true\n", "")), 0);
    // Without the value that the test gives, the spec's own holds.
    let output = test(folder.path(), &DAYS.replace("    parameters: {more_than: 1}\n", ""));
    exits(&output, 1);
    assert!(out(&output).contains("0 missing (-), 1 unexpected (+), 3 as expected"), "{}", out(&output));
    let output = test(folder.path(), &DAYS.replace("tolerance: 0.01", "tolerance: 0.009"));
    exits(&output, 1);
    assert!(out(&output).contains("1 passed, 1 failed"), "{}", out(&output));
    let unordered = DAYS.replace(" ORDER BY x DESC, k", "");
    let output = test(folder.path(), &unordered);
    exits(&output, 1);
    assert!(out(&output).contains("the rows of `best` have no order"), "{}", out(&output));
}

/// A run is not refused for what is only looked at, and everything else tells of tests that do not fit.
#[test]
fn a_test_that_does_not_fit_keeps_a_spec_from_running() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("t.csv"), "k,x\n1,2.5\n").unwrap();
    let test_of_it = "{name: one, view: v, given: {t: [{k: 1}]}, expect: [{k: 1.5}]}";
    let wrong = spec("Float64", test_of_it).replace("not/there.csv", "t.csv");
    fs::write(folder.path().join("spec.yaml"), wrong).unwrap();
    for arguments in
        [&["check", "spec.yaml"][..], &["run", "spec.yaml"], &["check", "spec.yaml", "--select", "v"]]
    {
        let output = driver_in(folder.path(), arguments);
        exits(&output, 1);
        assert!(err(&output).contains("error[E0125]: `k` is Int64: `1.5`"), "{}", err(&output));
        assert!(err(&output).contains("--> spec.yaml:5:"), "{}", err(&output));
    }
    assert!(!folder.path().join("o").exists());
    exits(&driver_in(folder.path(), ["preview", "spec.yaml", "v"]), 0);
    exits(&driver_in(folder.path(), ["check", "spec.yaml", "--select", "t"]), 0);
}
