//! What a compilation answers before anything runs.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ir::estimate::Quality;
use serde_json::Value;

use super::{SPEC, extract_all, files, repository, workers};
use crate::{
    Cancellation, Compilation, CompileRequest, PublishOptions, RESPONSE_FORMAT, Ruleset, Source, Workers,
    compile, publish,
};

fn compiled(folder: &Path, workers: &Workers, ruleset: Ruleset<'_>) -> Compilation {
    let source = Source::from_bytes(SPEC.as_bytes(), "spec.yaml".into(), "spec", folder).unwrap();
    compile(CompileRequest { ruleset, ..CompileRequest::new(source, workers) }).unwrap()
}

/// The log of the extracted table without its statistics.
fn without_statistics(folder: &Path) {
    let commit = folder.join("tables/defs/_delta_log/00000000000000000000.json");
    let text = fs::read_to_string(&commit).unwrap();
    let lines = text.lines().map(|line| {
        let mut action: Value = serde_json::from_str(line).unwrap();
        if let Some(add) = action.get_mut("add").and_then(Value::as_object_mut) {
            assert!(add.remove("stats").is_some());
        }
        format!("{action}\n")
    });
    fs::write(&commit, lines.collect::<String>()).unwrap();
}

#[test]
fn a_response_says_what_a_run_will_record_and_nothing_has_run() {
    let (folder, workers) = (repository(), workers(&Cancellation::new()));
    extract_all(folder.path(), &workers, &()).unwrap();
    let compilation = compiled(folder.path(), &workers, Ruleset::default());
    let response = compilation.response().unwrap();
    assert_eq!(files(folder.path()), Vec::<std::path::PathBuf>::new(), "compiling executes nothing");
    assert!(!folder.path().join(".codeanatomy").exists());

    let schedule = response.task_schedule.as_ref().unwrap();
    let tasks: Vec<(&str, u32)> =
        schedule.tasks.iter().map(|task| (task.task.as_str(), task.level)).collect();
    assert_eq!(tasks, [("names", 0), ("@per_file", 1), ("@names", 1)]);
    assert_eq!(response.dependency_map["@per_file"], ["names"]);
    assert_eq!(schedule.critical_path, ["names", "@per_file"]);
    let along: u64 = schedule.critical_path.iter().map(|task| response.task_costs[task]).sum();
    assert_eq!((response.critical_path_length, along), (response.bottom_level_costs["names"], along));
    assert!(schedule.critical_path.iter().all(|task| response.slack_by_task[task] == 0));
    let spare = response.bottom_level_costs["@per_file"] - response.bottom_level_costs["@names"];
    assert_eq!(response.slack_by_task["@names"], spare);
    assert_eq!(response.stats_quality.as_ref().unwrap()["defs"], Quality::Exact);
    assert_eq!(response.warnings, []);

    let value = serde_json::to_value(&response).unwrap();
    assert_eq!(value["format"], RESPONSE_FORMAT);
    assert_eq!(value["provider_identities"][0]["location"], "tables/defs");
    assert!(value.get("plan_artifacts").is_none() && value.get("compilation").is_none());
    let outcome = publish(compilation, &workers, PublishOptions::default(), Arc::new(())).unwrap();
    let record = serde_json::to_value(&outcome.record).unwrap();
    for hash in ["spec_hash", "envelope_hash", "rulepack_fingerprint"] {
        assert!(value[hash].is_string() && value[hash] == record[hash], "{hash}");
    }
    for hash in ["planning_surface_hash", "provider_identity_hash"] {
        assert!(value[hash].is_string() && value[hash] == record["envelope"][hash], "{hash}");
    }
    for field in ["version", "table_id", "commit_hash", "files_hash"] {
        assert_eq!(value["provider_identities"][0][field], record["inputs"][0][field], "{field}");
    }
}

#[test]
fn costs_without_statistics_are_warned_of() {
    let (folder, workers) = (repository(), workers(&Cancellation::new()));
    extract_all(folder.path(), &workers, &()).unwrap();
    without_statistics(folder.path());
    let compilation = compiled(folder.path(), &workers, Ruleset::default());
    let response = compilation.response().unwrap();
    assert_eq!(response.stats_quality.as_ref().unwrap()["defs"], Quality::Unknown);
    let warned: Vec<(&str, &str, Option<usize>)> = response
        .warnings
        .iter()
        .map(|warning| (warning.name.as_str(), warning.finding.code.as_str(), warning.finding.line))
        .collect();
    assert_eq!(warned, [("cost-model-stats-fallback", "W0015", Some(3))]);
    assert!(compilation.diagnostics.is_empty(), "it is nothing that a run would speak of");
}

#[test]
fn a_compilation_that_is_stopped_has_no_tasks() {
    let (folder, workers) = (repository(), workers(&Cancellation::new()));
    extract_all(folder.path(), &workers, &()).unwrap();
    let stop_after = |pass| Ruleset { stop_after: Some(pass), ..Ruleset::default() };
    let lowered = compiled(folder.path(), &workers, stop_after("lower")).response().unwrap();
    assert_eq!((lowered.provider_identities.len(), lowered.stats_quality), (0, None));
    let typed = compiled(folder.path(), &workers, stop_after("type")).response().unwrap();
    assert_eq!((typed.provider_identities.len(), typed.task_schedule), (1, None));
    assert_eq!((typed.critical_path_length, typed.task_costs.len()), (0, 0));
    assert_eq!(typed.stats_quality.unwrap().len(), 1);
}

/// Each list holds all names and is compared with one more, so a list for each of many mistakes takes minutes and gigabytes.
#[test]
fn of_many_mistakes_only_the_first_list_what_would_be_right() {
    let views: Vec<String> = (0..300)
        .map(|at| format!("  - {{name: v{at}, transform: {{kind: Sql, query: 'SELECT * FROM nope{at}'}}}}\n"))
        .collect();
    let spec = format!(
        "version: 4\ninput_relations: []\nview_definitions:\n{}output_targets:\n  - {{table_name: t, source_view: v0}}\n",
        views.concat()
    );
    let folder = tempfile::tempdir().unwrap();
    let source = Source::from_bytes(spec.as_bytes(), "spec.yaml".into(), "spec", folder.path()).unwrap();
    let workers = workers(&Cancellation::new());
    let compiled = compile(CompileRequest::new(source, &workers)).unwrap();
    let listed: Vec<usize> = compiled.diagnostics.iter().map(|found| found.allowed.len()).collect();
    assert_eq!(listed.len(), 300);
    assert_eq!((listed[0], listed[299]), (300, 0));
}
