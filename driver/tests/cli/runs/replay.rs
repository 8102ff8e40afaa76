//! Runs that are looked at again: what differs is named, what was computed is computed again.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{SPEC, copy, driver_in, err, exits, json, listing, out, with_tables};

/// Makes another version of the table that the spec reads.
const OVERWRITES_THE_INPUT: &str = "\
version: 4
input_relations: []
view_definitions:
  - {name: other, transform: {kind: Sql, query: SELECT 1 AS x}}
output_targets:
  - {table_name: defs, delta_location: tables/defs, source_view: other, schema_mode: replace}
";

/// The spec with a column that adds up floats and one that depends on an order.
fn weaker(spec: &str) -> String {
    let views = concat!(
        "  - name: shares\n",
        "    transform: {kind: Sql, query: \"SELECT path, avg(functions / 3.0e0) AS share FROM per_file GROUP BY path\"}\n",
        "  - name: some\n",
        "    transform: {kind: Sql, query: \"SELECT * FROM names LIMIT 2\"}\n",
        "output_targets:\n",
        "  - {table_name: shares, source_view: shares}\n",
        "  - {table_name: some, source_view: some}\n",
    );
    spec.replace("output_targets:\n", views)
}

/// A folder in which the spec was run once, and the record of the run.
fn with_run(spec: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = with_tables();
    fs::write(folder.path().join("spec.yaml"), spec).unwrap();
    exits(&driver_in(folder.path(), ["run", "spec.yaml", "-q"]), 0);
    let record = record_in(folder.path());
    (folder, record)
}

fn record_in(folder: &Path) -> PathBuf {
    let runs = folder.join(".codeanatomy/runs");
    let mut records: Vec<PathBuf> =
        listing(&runs).into_iter().filter(|file| file.extension().is_some_and(|it| it == "json")).collect();
    records.sort();
    runs.join(&records[0])
}

/// The parts that are not the same, with their verdicts.
fn differing(report: &Value) -> Vec<(String, String)> {
    let parts = report["parts"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    parts
        .filter(|part| part["verdict"] != "same")
        .map(|it| (text(&it["part"]), text(&it["verdict"])))
        .collect()
}

#[test]
fn a_run_is_replayed_elsewhere_after_its_inputs_moved_on() {
    let (folder, _) = with_run(&weaker(SPEC));
    // The input has a version with other rows and columns now.
    fs::write(folder.path().join("other.yaml"), OVERWRITES_THE_INPUT).unwrap();
    exits(&driver_in(folder.path(), ["run", "other.yaml", "-q"]), 0);
    let elsewhere = tempfile::tempdir().unwrap();
    copy(folder.path(), elsewhere.path());
    drop(folder);
    let record = record_in(elsewhere.path());
    let before = listing(elsewhere.path());
    let arguments = ["replay", record.to_str().unwrap(), "--execute", "--format", "json"];
    for sizes in
        [&["--threads", "1"][..], &["--threads", "7", "--memory-limit", "64MiB"], &["--profile", "large"]]
    {
        let replayed = driver_in(elsewhere.path(), arguments.iter().chain(sizes));
        exits(&replayed, 0);
        let report = json(&replayed);
        assert_eq!(report["same"], true);
        let outputs = report["outputs"].as_array().unwrap();
        let classes: Vec<&str> = outputs.iter().map(|it| it["class"].as_str().unwrap()).collect();
        assert_eq!(outputs.len(), 4, "{outputs:?}");
        assert_eq!(classes.iter().filter(|class| **class == "bitwise").count(), 2, "{classes:?}");
        for output in outputs.iter().filter(|output| output["class"] == "bitwise") {
            assert_eq!(output["recorded"], output["found"]);
        }
        for (part, verdict) in differing(&report) {
            assert!(part.starts_with("setting ") && verdict == "allowed", "{part}: {verdict}");
        }
    }
    assert_eq!(listing(elsewhere.path()), before, "a replay leaves nothing");
}

#[test]
fn what_differs_is_named() {
    let (folder, record) = with_run(SPEC);
    let run = record.to_str().unwrap();
    // One setting.
    let knob = format!("{SPEC}session: {{config: {{datafusion.optimizer.max_passes: 1}}}}\n");
    fs::write(folder.path().join("knob.yaml"), knob).unwrap();
    let replayed = driver_in(folder.path(), ["replay", run, "--spec", "knob.yaml", "--format", "json"]);
    exits(&replayed, 1);
    let parts = differing(&json(&replayed));
    let setting = ("setting datafusion.optimizer.max_passes".to_owned(), "differs".to_owned());
    assert!(parts.contains(&setting), "{parts:?}");
    assert!(
        parts.iter().all(|(part, _)| !part.starts_with("input") && !part.starts_with("build")),
        "{parts:?}"
    );
    // One literal.
    fs::write(folder.path().join("literal.yaml"), SPEC.replace("'function'", "'class'")).unwrap();
    let replayed =
        driver_in(folder.path(), ["replay", run, "--spec", "literal.yaml", "--execute", "--format", "json"]);
    exits(&replayed, 1);
    let report = json(&replayed);
    let names: Vec<String> = differing(&report).into_iter().map(|(part, _)| part).collect();
    assert!(names.contains(&"spec.view_definitions[0].transform.predicate".to_owned()), "{names:?}");
    assert!(names.contains(&"output names".to_owned()), "{names:?}");
    assert!(report["outputs"].as_array().unwrap().iter().all(|output| output["verdict"] == "differs"));
    // The record itself.
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("'function'", "'class'")).unwrap();
    let replayed = driver_in(folder.path(), ["replay", run, "--format", "json"]);
    exits(&replayed, 1);
    assert!(differing(&json(&replayed)).contains(&("record".to_owned(), "differs".to_owned())));
}

#[test]
fn what_is_not_there_any_more_has_an_answer() {
    let (folder, record) = with_run(SPEC);
    let run = record.to_str().unwrap();
    // The archived graph is cut.
    let graph = listing(folder.path()).into_iter().find(|file| file.extension().is_some_and(|it| it == "ir"));
    let graph = folder.path().join(graph.unwrap());
    let bytes = fs::read(&graph).unwrap();
    fs::write(&graph, &bytes[..bytes.len() / 2]).unwrap();
    let replayed = driver_in(folder.path(), ["replay", run, "--format", "json"]);
    exits(&replayed, 1);
    assert!(differing(&json(&replayed)).contains(&("graph".to_owned(), "unknown".to_owned())));
    fs::write(&graph, &bytes).unwrap();
    // A data file was vacuumed.
    let file = listing(&folder.path().join("tables"))
        .into_iter()
        .find(|it| it.extension().is_some_and(|it| it == "parquet"));
    let file = folder.path().join("tables").join(file.unwrap());
    // One that was cut is there, and is not the file of the log.
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    let replayed = driver_in(folder.path(), ["replay", run, "--format", "json"]);
    exits(&replayed, 1);
    assert_eq!(differing(&json(&replayed)), [("input defs: data files".to_owned(), "unknown".to_owned())]);
    fs::remove_file(&file).unwrap();
    let replayed = driver_in(folder.path(), ["replay", run, "--execute"]);
    exits(&replayed, 1);
    assert!(err(&replayed).contains("E0701"), "{}", err(&replayed));
    // That is told before anything is computed, too.
    let replayed = driver_in(folder.path(), ["replay", run, "--format", "json"]);
    exits(&replayed, 1);
    let report = json(&replayed);
    assert_eq!(differing(&report), [("input defs: data files".to_owned(), "unknown".to_owned())]);
    // The table is gone.
    fs::remove_dir_all(folder.path().join("tables")).unwrap();
    let replayed = driver_in(folder.path(), ["replay", run, "--format", "json"]);
    exits(&replayed, 1);
    let parts = differing(&json(&replayed));
    assert!(parts.contains(&("input defs".to_owned(), "unknown".to_owned())), "{parts:?}");
}

#[test]
fn runs_are_named_by_their_ids() {
    let (folder, record) = with_run(SPEC);
    let text = fs::read_to_string(&record).unwrap();
    let id = serde_json::from_str::<Value>(&text).unwrap()["run_id"].as_str().unwrap().to_owned();
    let by_file = driver_in(folder.path(), ["show", record.to_str().unwrap()]);
    exits(&by_file, 0);
    let by_id = driver_in(folder.path(), ["show", &id[..8]]);
    exits(&by_id, 0);
    assert!(out(&by_id).contains(&id) && out(&by_id).contains("per_file"), "{}", out(&by_id));
    exits(&driver_in(folder.path(), ["replay", &id[..8]]), 0);
    let unknown = driver_in(folder.path(), ["show", "no-such-run"]);
    exits(&unknown, 1);
    assert!(err(&unknown).contains("driver runs"), "{}", err(&unknown));
}

#[test]
fn rows_that_may_differ_are_refused_on_request() {
    let folder = with_tables();
    fs::write(folder.path().join("spec.yaml"), weaker(SPEC)).unwrap();
    let refused = driver_in(folder.path(), ["run", "spec.yaml", "--require", "bitwise"]);
    exits(&refused, 1);
    for text in ["E0716", "`shares`", "tolerance", "`some`", "logical"] {
        assert!(err(&refused).contains(text), "no {text} in {}", err(&refused));
    }
    let refused = driver_in(folder.path(), ["run", "spec.yaml", "--require", "logical"]);
    exits(&refused, 1);
    assert!(err(&refused).contains("`shares`") && !err(&refused).contains("`some`"), "{}", err(&refused));
    assert!(!folder.path().join("names").exists(), "nothing was published");
    fs::write(folder.path().join("spec.yaml"), SPEC).unwrap();
    exits(&driver_in(folder.path(), ["run", "spec.yaml", "--require", "bitwise"]), 0);
}

#[test]
fn a_session_says_where_its_values_come_from() {
    let folder = with_tables();
    let spec = format!(
        "{SPEC}runtime_profile: {{profile_name: small, batch_size: 100}}\n\
         session: {{config: {{datafusion.optimizer.prefer_hash_join: false}}}}\n"
    );
    fs::write(folder.path().join("spec.yaml"), spec).unwrap();
    let shown =
        driver_in(folder.path(), ["session", "spec.yaml", "--memory-limit", "1GiB", "--format", "json"]);
    exits(&shown, 0);
    let session = json(&shown);
    let of = |key: &str| {
        let settings = session["settings"].as_array().unwrap();
        let found = settings.iter().find(|setting| setting["key"] == key).unwrap();
        (found["value"].as_str().unwrap().to_owned(), found["origin"].clone())
    };
    assert_eq!(session["profile"], "small");
    assert_eq!(of("target_partitions"), ("4".to_owned(), serde_json::json!({"profile": "small"})));
    assert_eq!(of("batch_size"), ("100".to_owned(), "runtime_profile".into()));
    assert_eq!(of("memory_limit_bytes"), ((1 << 30).to_string(), "command_line".into()));
    assert_eq!(of("datafusion.optimizer.prefer_hash_join"), ("false".to_owned(), "session_config".into()));
    assert_eq!(of("datafusion.execution.time_zone"), ("UTC".to_owned(), "program".into()));
    assert_eq!(of("datafusion.optimizer.max_passes"), ("3".to_owned(), "datafusion".into()));
    assert!(session["capabilities"].as_array().unwrap().iter().any(|it| it["available"] == false));
    // The command line names another profile; what the spec sets by itself stays.
    let shown = driver_in(folder.path(), ["session", "spec.yaml", "--profile", "large", "--format", "json"]);
    let session = json(&shown);
    let partitions =
        session["settings"].as_array().unwrap().iter().find(|it| it["key"] == "target_partitions");
    assert_eq!(partitions.unwrap()["value"], "16");
    // A run says it in its commits.
    exits(&driver_in(folder.path(), ["run", "spec.yaml", "-q"]), 0);
    let commit =
        fs::read_to_string(folder.path().join("names/_delta_log/00000000000000000000.json")).unwrap();
    assert!(commit.contains("\"codeanatomy.runtime_profile\":\"small\""), "{commit}");
}

/// Such a record says nothing of the rows that this program would make.
#[test]
fn digests_by_another_definition_are_not_compared() {
    let (folder, record) = with_run(&weaker(SPEC));
    let run = record.to_str().unwrap();
    let mut edited: Value = serde_json::from_str(&fs::read_to_string(&record).unwrap()).unwrap();
    for output in edited["outputs"].as_array_mut().unwrap() {
        let digest = output["digest"].as_str().unwrap().strip_prefix("2:").unwrap().to_owned();
        output["digest"] = digest.into();
    }
    fs::write(&record, edited.to_string()).unwrap();
    let replayed = driver_in(folder.path(), ["replay", run, "--execute", "--format", "json"]);
    exits(&replayed, 1);
    let report = json(&replayed);
    assert_eq!(report["same"], false);
    assert_eq!(differing(&report), []);
    for output in report["outputs"].as_array().unwrap() {
        assert_eq!(output["verdict"], "other_definition");
        assert!(output["found"].as_str().unwrap().starts_with("2:"));
    }
    let replayed = driver_in(folder.path(), ["replay", run, "--execute"]);
    exits(&replayed, 1);
    let answer = "cannot be told: the digest was made by another definition";
    assert!(out(&replayed).contains(answer), "{}", out(&replayed));
}

#[test]
fn a_record_that_was_edited_is_not_whole() {
    let (folder, record) = with_run(SPEC);
    let run = record.to_str().unwrap();
    let text = fs::read_to_string(&record).unwrap();
    let whole: Value = serde_json::from_str(&text).unwrap();
    let zeros = Value::from("0".repeat(64));
    let edits: [(&str, Value, &str); 5] = [
        ("/inputs", serde_json::json!([]), "record"),
        ("/outputs", serde_json::json!([]), "record"),
        ("/inputs/0/identity_hash", zeros.clone(), "record"),
        ("/inputs/0/version", 7.into(), "record"),
        ("/outputs/0/content_hash", zeros, "output names"),
    ];
    for (place, value, part) in edits {
        let mut edited = whole.clone();
        *edited.pointer_mut(place).unwrap() = value;
        fs::write(&record, edited.to_string()).unwrap();
        let replayed = driver_in(folder.path(), ["replay", run, "--format", "json"]);
        exits(&replayed, 1);
        let parts = differing(&json(&replayed));
        assert!(parts.contains(&(part.to_owned(), "differs".to_owned())), "{place}: {parts:?}");
    }
    // The class of a record allows nothing that the outputs do not.
    let mut edited = whole.clone();
    edited["outputs"][0]["class"] = "none".into();
    edited["outputs"][0]["digest"] = format!("2:{}:3", "0".repeat(32)).into();
    fs::write(&record, edited.to_string()).unwrap();
    exits(&driver_in(folder.path(), ["replay", run, "--execute"]), 1);
    // The graph of another run.
    fs::write(&record, &text).unwrap();
    fs::write(folder.path().join("other.yaml"), SPEC.replace("'function'", "'class'")).unwrap();
    exits(&driver_in(folder.path(), ["run", "other.yaml", "-q"]), 0);
    let runs = folder.path().join(".codeanatomy/runs");
    let mut graphs: Vec<PathBuf> =
        listing(&runs).into_iter().filter(|file| file.extension().is_some_and(|it| it == "ir")).collect();
    graphs.sort();
    fs::copy(runs.join(&graphs[1]), runs.join(&graphs[0])).unwrap();
    let replayed = driver_in(folder.path(), ["replay", run, "--format", "json"]);
    exits(&replayed, 1);
    assert!(differing(&json(&replayed)).contains(&("graph".to_owned(), "differs".to_owned())));
}
