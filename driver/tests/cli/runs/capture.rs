//! How runs were planned, as the command line tells it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{SPEC, driver_in, err, exits, json, out, with_tables};

const CAPTURED: &str = "runtime: {compliance_capture: true}\n";

/// Runs the captured spec in a folder, and gives its report.
fn run(folder: &Path) -> Value {
    fs::write(folder.join("spec.yaml"), format!("{SPEC}{CAPTURED}")).unwrap();
    // What is free of the machine differs from run to run.
    let sizes = ["--memory-limit", "1GiB", "--threads", "2"];
    let output = driver_in(folder, ["run", "spec.yaml", "--format", "json"].iter().chain(&sizes));
    exits(&output, 0);
    json(&output)
}

#[test]
fn captures_of_two_processes_differ_in_the_run_alone() {
    let folders = [with_tables(), with_tables()];
    let [first, second] = folders.each_ref().map(|folder| {
        let report = run(folder.path());
        let id = report["run_id"].as_str().unwrap();
        let shown = driver_in(folder.path(), ["show", id, "--capture", "--format", "json"]);
        exits(&shown, 0);
        let mut capture = json(&shown);
        assert_eq!(capture["run_id"], report["run_id"]);
        let file = report["capture"]["path"].as_str().unwrap();
        let kept: Value = serde_json::from_slice(&fs::read(folder.path().join(file)).unwrap()).unwrap();
        assert_eq!(capture, kept, "the capture is shown as it is kept");
        capture["run_id"] = Value::Null;
        capture
    });
    assert_eq!(first["segments"].as_array().unwrap().len(), 3);
    assert_eq!(first, second);
    assert_eq!(first["retention"], "Long");
}

#[test]
fn a_capture_is_shown_and_one_that_was_changed_is_told() {
    let folder = with_tables();
    let report = run(folder.path());
    let id = report["run_id"].as_str().unwrap();
    let shown = driver_in(folder.path(), ["show", id]);
    exits(&shown, 0);
    let file = report["capture"]["path"].as_str().unwrap();
    assert!(out(&shown).contains(&format!("its plans are captured in {file}")), "{}", out(&shown));
    let captured = driver_in(folder.path(), ["show", id, "--capture"]);
    exits(&captured, 0);
    for text in ["push_down_filter", "-- view names (level 0)", "inexact", "kept for", "physical plan"] {
        assert!(out(&captured).contains(text), "no `{text}` in:\n{}", out(&captured));
    }
    let compiled = driver_in(folder.path(), ["compile", "spec.yaml", "--emit", "optimized"]);
    for line in out(&compiled).lines().filter(|line| !line.is_empty()) {
        assert!(out(&captured).contains(line), "no `{line}` in:\n{}", out(&captured));
    }

    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("inexact", "exact", 1)).unwrap();
    let refused = driver_in(folder.path(), ["show", id, "--capture"]);
    exits(&refused, 1);
    assert!(err(&refused).contains("is not the one that the run wrote"), "{}", err(&refused));
    assert!(out(&driver_in(folder.path(), ["show", id])).contains("is not the one that the run wrote"));
    let replayed = driver_in(folder.path(), ["replay", id]);
    exits(&replayed, 1);
    assert!(err(&replayed).contains("capture"), "{}", err(&replayed));
}

#[test]
fn a_run_without_a_capture_says_how_to_have_one() {
    let folder = with_tables();
    let report = json(&driver_in(folder.path(), ["run", "spec.yaml", "--format", "json"]));
    assert_eq!(report["capture"], Value::Null);
    let refused = driver_in(folder.path(), ["show", report["run_id"].as_str().unwrap(), "--capture"]);
    exits(&refused, 1);
    assert!(err(&refused).contains("compliance_capture: true"), "{}", err(&refused));
}

#[test]
fn warnings_have_a_stage_and_what_they_speak_of_and_are_counted() {
    let folder = with_tables();
    let odd = SPEC.replace(
        "output_targets:",
        "  - {name: idle, transform: {kind: Project, source: defs}}\n  - {name: more, transform: {kind: Project, source: defs}}\noutput_targets:",
    );
    let spec = format!("{odd}runtime_profile: {{list_files_cache_ttl: 5m}}\n");
    fs::write(folder.path().join("spec.yaml"), spec).unwrap();
    let output = driver_in(folder.path(), ["run", "spec.yaml", "--format", "json"]);
    exits(&output, 0);
    let report = json(&output);
    assert_eq!(report["warning_counts_by_code"], serde_json::json!({"W0004": 2, "W0016": 1}));
    let warnings = report["warnings"].as_array().unwrap();
    let of = |code: &str| warnings.iter().find(|found| found["code"] == code).unwrap();
    assert_eq!(of("W0004")["stage"], "front_passes");
    assert_eq!(of("W0004")["context"], serde_json::json!({"view": "idle"}));
    assert_eq!(of("W0016")["stage"], "load");
    assert_eq!(of("W0016")["context"]["knob"], "list_files_cache_ttl");
}
