//! Runs: what they report, what they leave, and what a failed one does not leave.

mod capture;
mod history;
mod replay;
mod tests_of_views;
mod values_of_tests;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{SPEC, copy, driver_in, err, exits, json, listing, out, with_tables};

#[test]
fn a_run_reports_on_stdout_and_leaves_a_record() {
    let folder = with_tables();
    let output = driver_in(folder.path(), ["run", "spec.yaml"]);
    exits(&output, 0);
    for text in ["output", "per_file", "shared view", "1x", "stage", "execute", "commit", "total"] {
        assert!(out(&output).contains(text), "no `{text}` in:\n{}", out(&output));
    }
    assert_eq!(err(&output), "");
    assert!(!out(&output).contains('\u{1b}'));

    let runs = folder.path().join(".codeanatomy/runs");
    let files = listing(&runs);
    assert_eq!(files.len(), 2, "{files:?}");
    let record = files.iter().find(|path| path.extension() == Some(OsStr::new("json"))).unwrap();
    let record: Value = serde_json::from_slice(&fs::read(runs.join(record)).unwrap()).unwrap();
    assert_eq!(record["inputs"][0]["location"], "tables/defs");
    assert_eq!(record["inputs"][0]["version"], 0);
    assert_eq!(record["outputs"][1]["table"], "per_file");
    // pkg/shapes.py, pkg/tools.py, src/inner.rs, src/lib.rs define functions; `area` is a method.
    assert_eq!(record["outputs"][1]["rows"], 4);
    let graph = runs.join(record["graph"].as_str().unwrap());
    exits(&driver_in(folder.path(), [OsStr::new("verify"), graph.as_os_str()]), 0);
    // Shown again, it is what was reported.
    let file = files.iter().find(|path| path.extension() == Some(OsStr::new("json"))).unwrap();
    let again = driver_in(folder.path(), [OsStr::new("runs"), runs.join(file).as_os_str()]);
    assert_eq!(out(&again), out(&output));
    assert!(out(&driver_in(folder.path(), ["runs"])).contains("published"));

    let commit =
        fs::read_to_string(folder.path().join("per_file/_delta_log/00000000000000000000.json")).unwrap();
    for key in [
        "codeanatomy.spec_hash",
        "codeanatomy.envelope_hash",
        "codeanatomy.run_id",
        "codeanatomy.run_started_at",
    ] {
        assert!(commit.contains(key), "no {key} in {commit}");
    }
    let rows = driver_in(
        folder.path(),
        [
            "sql",
            "SELECT functions FROM per_file WHERE path = 'pkg/tools.py'",
            "--lake",
            ".",
            "--format",
            "csv",
        ],
    );
    assert_eq!(out(&rows), "functions\n1\n");
}

#[test]
fn hashes_do_not_depend_on_the_run() {
    let folder = with_tables();
    let run = |more: &[&str]| {
        let arguments = ["run", "spec.yaml", "--format", "json"];
        json(&driver_in(folder.path(), arguments.iter().chain(more)))
    };
    // Nothing is said about memory and threads: what is free differs from run to run.
    let (first, second) = (run(&[]), run(&[]));
    for key in ["spec_hash", "envelope_hash"] {
        assert_eq!(first[key], second[key], "{key}");
        assert_eq!(first[key].as_str().map(str::len), Some(64), "{key}");
    }
    assert_ne!(first["run_id"], second["run_id"]);
    assert_eq!(second["outputs"][0]["version"], 1);
    let sized = run(&["--memory-limit", "2GiB", "--threads", "1"]);
    assert_eq!(first["envelope_hash"], sized["envelope_hash"], "sizes decide no row");
    let record = |run: &Value| -> Value {
        let path = folder.path().join(run["record"].as_str().unwrap());
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    for key in ["envelope", "rulepack_fingerprint"] {
        assert_eq!(record(&first)[key], record(&sized)[key], "{key}");
    }
    assert_ne!(record(&first)["profile_fingerprint"], record(&sized)["profile_fingerprint"]);
}

#[test]
fn hashes_follow_the_rows_of_inputs_and_not_their_place() {
    let folder = with_tables();
    let moved = tempfile::tempdir().unwrap();
    copy(folder.path(), moved.path());
    let envelope = |folder: &Path| {
        json(&driver_in(folder, ["run", "spec.yaml", "--format", "json"]))["envelope_hash"].clone()
    };
    let here = envelope(folder.path());
    assert_eq!(here, envelope(moved.path()), "a lake that moves stays itself");
    // The same version of the same table, written by another commit.
    let log = moved.path().join("tables/defs/_delta_log/00000000000000000000.json");
    let text = fs::read_to_string(&log).unwrap();
    let changed = text.replacen("\"timestamp\":", "\"timestamp\": ", 1);
    assert_ne!(text, changed);
    fs::write(&log, changed).unwrap();
    assert_ne!(here, envelope(moved.path()));
}

#[test]
fn tables_that_change_places_are_other_inputs() {
    let folder = with_tables();
    let tables = folder.path().join("tables");
    let (one, other, aside) = (tables.join("defs"), tables.join("other"), tables.join("aside"));
    fs::create_dir(&other).unwrap();
    copy(&one, &other);
    let log = other.join("_delta_log/00000000000000000000.json");
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("\"timestamp\":", "\"timestamp\": ", 1)).unwrap();
    let spec = "version: 4\ninput_relations:\n  - {logical_name: one, delta_location: tables/defs}\n  \
                - {logical_name: other, delta_location: tables/other}\nview_definitions:\n  \
                - {name: x, transform: {kind: Sql, query: SELECT * FROM one}}\n  \
                - {name: y, transform: {kind: Sql, query: SELECT * FROM other}}\noutput_targets:\n  \
                - {table_name: a, source_view: x}\n  - {table_name: b, source_view: y}\n";
    fs::write(folder.path().join("two.yaml"), spec).unwrap();
    let envelope =
        || json(&driver_in(folder.path(), ["run", "two.yaml", "--format", "json"]))["envelope_hash"].clone();
    let before = envelope();
    assert_eq!(before, envelope());
    fs::rename(&one, &aside).unwrap();
    fs::rename(&other, &one).unwrap();
    fs::rename(&aside, &other).unwrap();
    assert_ne!(before, envelope(), "the rows of `one` are those of the other table now");
}

#[test]
fn a_bad_spec_is_reported_at_once_and_writes_nothing() {
    let folder = with_tables();
    let bad = SPEC
        .replace("source: functions,", "source: functoins,")
        .replace("predicate: \"kind", "predicate: \"kidn");
    fs::write(folder.path().join("bad.yaml"), bad).unwrap();
    let before = listing(folder.path());
    let output = driver_in(folder.path(), ["run", "bad.yaml"]);
    exits(&output, 1);
    assert_eq!(out(&output), "");
    for text in ["E0107", "did you mean `functions`?", "E0201", "bad.yaml:6:", "2 errors"] {
        assert!(err(&output).contains(text), "no `{text}` in:\n{}", err(&output));
    }
    assert_eq!(listing(folder.path()), before);

    let checked = driver_in(folder.path(), ["check", "bad.yaml", "--format", "json"]);
    exits(&checked, 1);
    let report = json(&checked);
    assert_eq!(report["ok"], false);
    assert_eq!(error_lines(report["diagnostics"].as_array().unwrap()), [6, 8]);
    assert_eq!(err(&checked), "");

    // Elsewhere diagnostics are one JSON object a line, on stderr.
    let run = driver_in(folder.path(), ["run", "bad.yaml", "--format", "json"]);
    exits(&run, 1);
    let lines: Vec<Value> = err(&run).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(error_lines(&lines), [6, 8]);
    assert_eq!(out(&run), "");
}

/// The lines of the spec that have errors.
fn error_lines(diagnostics: &[Value]) -> Vec<u64> {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic["severity"] == "error");
    errors.map(|diagnostic| diagnostic["line"].as_u64().unwrap()).collect()
}

#[test]
fn a_failing_computation_publishes_nothing() {
    let folder = with_tables();
    let failing = SPEC
        .replace("columns: [path, name]", "columns: [path, name, {name: zero, expr: 1 / (bstart - bstart)}]");
    fs::write(folder.path().join("failing.yaml"), failing).unwrap();
    let output = driver_in(folder.path(), ["run", "failing.yaml"]);
    exits(&output, 1);
    assert!(err(&output).contains("E0707"), "{}", err(&output));
    let left: Vec<PathBuf> =
        listing(folder.path()).into_iter().filter(|path| !path.starts_with("tables")).collect();
    let published = left
        .iter()
        .any(|path| path.ends_with("_delta_log") || path.extension() == Some(OsStr::new("parquet")));
    assert!(!published, "{left:?}");
    // It tells what it was and how it ended.
    let listed = json(&driver_in(folder.path(), ["runs", "--format", "json"]));
    assert_eq!((listed[0]["name"].as_str(), listed[0]["status"].as_str()), (Some("failing"), Some("failed")));
    let file = listed[0]["record"].as_str().unwrap();
    let shown = driver_in(folder.path(), ["runs", file]);
    exits(&shown, 0);
    for text in ["the run of `failing` that was started 2", "failed:", "E0707 at view_definitions", "execute"]
    {
        assert!(out(&shown).contains(text), "no `{text}` in:\n{}", out(&shown));
    }
    let record = json(&driver_in(folder.path(), ["runs", file, "--format", "json"]));
    assert_eq!(record["failure"]["findings"][0]["code"], "E0707");
    assert_eq!(record["failure"]["published"], serde_json::json!([]));
    assert_eq!(record["inputs"][0]["location"], "tables/defs");
    let graph = folder.path().join(".codeanatomy/runs").join(record["graph"].as_str().unwrap());
    exits(&driver_in(folder.path(), [OsStr::new("verify"), graph.as_os_str()]), 0);
}
