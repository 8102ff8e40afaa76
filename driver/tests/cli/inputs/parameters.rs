//! Values for parameters from the command line and from files.

use std::fs;

use crate::program::{driver_in, err, exits, json, out};

const SPEC: &str = "\
version: 4
input_relations:
  - {logical_name: orders, location: orders.csv, format: csv}
view_definitions:
  - name: kept
    transform: {kind: Filter, source: orders, predicate: amount > $1 AND day >= $2 AND customer <> $3}
output_targets:
  - {table_name: kept, source_view: kept}
typed_parameters:
  - {label: least, target: {kind: PlaceholderPos, position: 1}, value: {type: Float64, value: 0.5}}
  - {label: since, target: {kind: PlaceholderPos, position: 2}, value: {type: Date, value: '2026-01-01'}}
  - {label: without, target: {kind: PlaceholderPos, position: 3}, value: {type: Utf8, value: nobody}}
";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let orders = "day,customer,amount\n2026-01-01,a,1\n2026-01-02,b,2\n2026-01-03,c,3\n";
    fs::write(folder.path().join("orders.csv"), orders).unwrap();
    fs::write(folder.path().join("spec.yaml"), SPEC).unwrap();
    folder
}

/// A given value is what the spec would say: every hash is the same.
#[test]
fn given_values_are_those_of_the_spec() {
    let folder = folder();
    let identity = |spec: &str, arguments: &[&str]| {
        let compiled =
            driver_in(folder.path(), [&["compile", spec, "--emit", "identity"], arguments].concat());
        exits(&compiled, 0);
        json(&compiled)
    };
    let written =
        SPEC.replace("value: 0.5", "value: -2").replace("2026-01-01", "2026-01-02").replace("nobody", "'7'");
    fs::write(folder.path().join("written.yaml"), written).unwrap();
    let own = identity("spec.yaml", &[]);
    let written = identity("written.yaml", &[]);
    assert_ne!(own["spec_hash"], written["spec_hash"]);
    let given = ["--param", "least=-2", "--param", "since=2026-01-02", "--param", "without=7"];
    assert_eq!(identity("spec.yaml", &given), written);
    fs::write(folder.path().join("p.yaml"), "since: 2026-01-02\nleast: -2\nwithout: '7'\n").unwrap();
    assert_eq!(identity("spec.yaml", &["--params", "p.yaml"]), written);
    fs::write(folder.path().join("p.json"), "{\"since\": \"2026-01-02\", \"least\": 9, \"without\": \"7\"}")
        .unwrap();
    assert_eq!(
        identity("spec.yaml", &["--params", "p.json", "--param", "least=-2"]),
        written,
        "the command line goes first"
    );
}

/// What is computed is the same for all values, but for the values.
#[test]
fn the_shape_of_the_plan_is_the_same_for_all_values() {
    let folder = folder();
    let plan = |least: &str, since: &str, without: &str| {
        let values = [format!("least={least}"), format!("since={since}"), format!("without={without}")];
        let arguments = values.iter().flat_map(|value| ["--param", value]);
        let plan = ["compile", "spec.yaml", "--emit", "physical"].into_iter().chain(arguments);
        let compiled = driver_in(folder.path(), plan);
        exits(&compiled, 0);
        out(&compiled)
            .replace(&format!("{:?}", least.parse::<f64>().unwrap()), "LEAST")
            .replace(since, "SINCE")
            .replace(without, "WITHOUT")
    };
    let first = plan("0.25", "2026-01-01", "someone");
    assert!(first.contains("LEAST") && first.contains("SINCE") && first.contains("WITHOUT"), "{first}");
    for (least, since, without) in
        [("1000000.5", "1900-02-28", "nobody else"), ("-3.75", "2026-12-31", "'; DROP TABLE kept; --")]
    {
        assert_eq!(plan(least, since, without), first);
    }
}

#[test]
fn values_that_cannot_be_are_told() {
    let folder = folder();
    fs::write(folder.path().join("list.yaml"), "least: [1]\n").unwrap();
    fs::write(folder.path().join("text.yaml"), "least: 'one'\n").unwrap();
    fs::write(folder.path().join("number.yaml"), "without: 7\n").unwrap();
    fs::write(folder.path().join("cut.yaml"), "least: {\n").unwrap();
    for (arguments, wanted) in [
        (["--param", "leest=1"], "a value is given for `leest`, and no parameter has this label"),
        (["--param", "least=one"], "the value that is given for `least` is `one`, and its type is Float64"),
        (["--param", "least="], "the value that is given for `least` is ``, and its type is Float64"),
        (["--param", "since=2026-02-30"], "Invalid Date parameter `2026-02-30`"),
        (
            ["--params", "text.yaml"],
            "the value that is given for `least` is `\"one\"`, and its type is Float64",
        ),
        (["--params", "number.yaml"], "the value that is given for `without` is `7`, and its type is Utf8"),
        (["--params", "list.yaml"], "the value of `least` is a list"),
        (["--params", "cut.yaml"], "cut.yaml:"),
        (["--params", "nothing.yaml"], "the file of parameters cannot be read"),
    ] {
        let checked = driver_in(folder.path(), [&["check", "spec.yaml"], &arguments[..]].concat());
        exits(&checked, 1);
        assert!(err(&checked).contains(wanted), "{arguments:?}\n{}", err(&checked));
    }
    let twice = driver_in(folder.path(), ["check", "spec.yaml", "--param", "least=1", "--param", "least=2"]);
    exits(&twice, 1);
    assert!(err(&twice).contains("the parameter `least` is given two values"), "{}", err(&twice));
    exits(&driver_in(folder.path(), ["check", "spec.yaml", "--param", "least"]), 2);
}
