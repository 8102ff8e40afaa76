//! Files of events: valid lines in order, of commands that do well, fail, are killed, or cannot write.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::super::program::{
    SPEC, command, driver_in, err, exits, json as result, with_tables, write_repository,
};
use super::lines;
use super::schema::Judge;

/// Lines by the run they belong to, in the order of the file.
fn by_run(lines: &[Value]) -> Vec<(String, Vec<&Value>)> {
    let mut runs: Vec<(String, Vec<&Value>)> = Vec::new();
    for line in lines {
        let id = line["run_id"].as_str().unwrap().to_owned();
        match runs.iter_mut().find(|(known, _)| *known == id) {
            Some((_, lines)) => lines.push(line),
            None => runs.push((id, vec![line])),
        }
    }
    runs
}

fn of_kind<'a>(lines: &[&'a Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == kind).copied().collect()
}

/// Every line is valid, and every run begins, counts its events, and ends.
fn judged(file: &Path) -> Vec<Value> {
    let (judge, lines) = (Judge::of_events(), lines(file));
    lines.iter().for_each(|line| judge.accepts(line));
    for (id, lines) in by_run(&lines) {
        let sequence: Vec<u64> = lines.iter().map(|line| line["sequence"].as_u64().unwrap()).collect();
        assert_eq!(sequence, (0..sequence.len() as u64).collect::<Vec<_>>(), "{id}");
        assert_eq!(lines[0]["event"], "run_started", "{id}");
        assert_eq!(lines[lines.len() - 1]["event"], "run_finished", "{id}");
        let times: Vec<&str> = lines.iter().map(|line| line["time"].as_str().unwrap()).collect();
        assert!(times.is_sorted(), "{times:?}");
        let mut open: BTreeMap<&str, u32> = BTreeMap::new();
        for line in &lines {
            let stage = line["stage"].as_str().unwrap_or_default();
            match line["event"].as_str().unwrap() {
                "stage_started" => assert_eq!(open.insert(stage, 1), None, "{stage} twice"),
                "stage_finished" => assert_eq!(open.remove(stage), Some(1), "{stage} has not begun"),
                _ => {}
            }
        }
        assert!(open.is_empty(), "without an end: {open:?}");
    }
    lines
}

#[test]
fn events_of_every_command_are_valid_and_a_run_tells_what_its_record_says() {
    let folder = with_tables();
    let folder = folder.path();
    write_repository(&folder.join("repo"));
    let with_events = |arguments: &[&str]| {
        let output = driver_in(folder, arguments.iter().chain(&["--events", "events.ndjson"]));
        exits(&output, 0);
        output
    };
    let ran = result(&with_events(&["run", "spec.yaml", "--format", "json"]));
    let record = ran["run_id"].as_str().unwrap().to_owned();
    with_events(&["check", "spec.yaml"]);
    with_events(&["compile", "spec.yaml"]);
    with_events(&["trace", "spec.yaml", "-o", "traced"]);
    with_events(&["replay", &record, "--execute"]);
    with_events(&["extract", "repo", "-o", "extracted"]);
    with_events(&["build", "repo"]);
    let lines = judged(&folder.join("events.ndjson"));
    let runs = by_run(&lines);
    let commands: Vec<&Value> = runs.iter().map(|(_, lines)| &lines[0]["command"]).collect();
    assert_eq!(commands, ["run", "check", "compile", "trace", "replay", "extract", "build"]);
    for (id, lines) in &runs {
        assert_eq!(lines[lines.len() - 1]["status"], "succeeded", "{id}");
    }

    let (id, run) = &runs[0];
    assert_eq!(*id, record, "the run has the id of its events");
    let published = of_kind(run, "output_published");
    let outputs = ran["outputs"].as_array().unwrap();
    assert_eq!((published.len(), outputs.len()), (2, 2));
    for (event, output) in published.iter().zip(outputs) {
        for field in ["table", "version", "rows", "files", "bytes", "digest"] {
            assert_eq!(event[field], output[field], "{field}");
        }
    }
    let segments: Vec<&Value> = of_kind(run, "segment_finished").iter().map(|it| &it["segment"]).collect();
    assert_eq!(segments.len(), 3, "{segments:?}");
    assert_eq!(of_kind(run, "pass_finished").len(), passes::PIPELINE.len());
    assert_eq!(
        of_kind(run, "compiled")[0]["inputs"],
        json!([{"input": "defs", "location": "tables/defs", "version": 0}])
    );
    assert_eq!(of_kind(&runs[4].1, "replayed")[0]["recorded_run_id"], record.as_str());
    let [extract, build] = [&runs[5].1, &runs[6].1].map(|lines| of_kind(lines, "output_published"));
    assert!(!extract.is_empty() && build.len() > extract.len());
    assert!(extract.iter().all(|table| table["digest"].is_null()));
}

#[test]
fn a_line_that_is_not_an_event_is_refused_by_the_schema() {
    let folder = with_tables();
    exits(&driver_in(folder.path(), ["check", "spec.yaml", "--events", "events.ndjson"]), 0);
    let judge = Judge::of_events();
    let lines = lines(&folder.path().join("events.ndjson"));
    let mut refused = 0;
    for line in &lines {
        let fields: Vec<String> = line.as_object().unwrap().keys().cloned().collect();
        for field in fields {
            let mut broken = line.clone();
            broken.as_object_mut().unwrap().remove(&field);
            assert!(judge.judge(&broken).is_err(), "without {field}: {broken}");
            broken[&field] = json!({"another": "type"});
            assert!(judge.judge(&broken).is_err(), "{field} of another type: {broken}");
            refused += 2;
        }
        for (field, value) in [
            ("event", json!("no_such_event")),
            ("schema_version", json!(2)),
            ("run_id", json!("not a uuid")),
            ("time", json!("yesterday")),
            ("sequence", json!(-1)),
        ] {
            let mut broken = line.clone();
            broken[field] = value;
            assert!(judge.judge(&broken).is_err(), "{broken}");
        }
    }
    assert!(refused > 200, "{refused}");
}

#[test]
fn findings_are_told_once_with_their_places_and_the_command_that_failed_says_so() {
    let folder = with_tables();
    let folder = folder.path();
    fs::write(folder.join("bad.yaml"), SPEC.replace("columns: [path, name]", "columns: [path, nam]"))
        .unwrap();
    fs::write(folder.join("broken.yaml"), "version: [").unwrap();
    for arguments in [["check", "bad.yaml"], ["run", "bad.yaml"], ["check", "broken.yaml"]] {
        let file = format!("{}-{}.ndjson", arguments[0], arguments[1]);
        exits(&driver_in(folder, [arguments[0], arguments[1], "--events", &file]), 1);
        let lines = judged(&folder.join(&file));
        let lines: Vec<&Value> = lines.iter().collect();
        let found = of_kind(&lines, "found");
        let places: BTreeSet<String> =
            found.iter().map(|it| format!("{}{}", it["code"], it["path"])).collect();
        assert!(!found.is_empty() && places.len() == found.len(), "{found:?}");
        assert_eq!((&found[0]["severity"], found[0]["line"].is_u64()), (&json!("error"), true), "{found:?}");
        let last = lines[lines.len() - 1];
        assert_eq!((&last["status"], &last["errors"]), (&json!("failed"), &json!(found.len())), "{last}");
    }
    let file = folder.join("missing.ndjson");
    exits(&driver_in(folder, ["sql", "SELECT 1", "--lake", "nowhere", "--events", "sql.ndjson"]), 2);
    assert!(!folder.join("sql.ndjson").exists());
    let missing = ["build", "nowhere", "--events", "missing.ndjson"];
    exits(&driver_in(folder, missing), 1);
    let last = judged(&file).pop().unwrap();
    assert!(last["message"].as_str().unwrap().contains("nowhere"), "{last}");
}

#[test]
fn a_file_that_is_not_one_of_events_is_refused_before_anything_runs() {
    let folder = with_tables();
    let folder = folder.path();
    fs::create_dir(folder.join("names")).unwrap();
    std::os::unix::fs::symlink(folder.join("tables/defs"), folder.join("elsewhere")).unwrap();
    let cases = [
        ("-", 2, "stdout"),
        ("no/such/folder.ndjson", 1, "no/such/folder.ndjson"),
        ("tables", 1, "directory"),
        ("tables/defs/events.ndjson", 1, "Delta table"),
        ("tables/defs/_delta_log/events.ndjson", 1, "Delta table"),
        ("elsewhere/events.ndjson", 1, "Delta table"),
        ("names/events.ndjson", 1, "Delta table"),
        ("spec.yaml", 1, "something else"),
    ];
    for (file, code, reason) in cases {
        let output = driver_in(folder, ["run", "spec.yaml", "--events", file]);
        exits(&output, code);
        assert!(err(&output).contains(reason), "{file}: {}", err(&output));
        assert!(!folder.join("names/_delta_log").exists() && !folder.join("per_file").exists(), "{file}");
    }
    assert!(
        !folder.join("tables/defs/events.ndjson").exists() && !folder.join("names/events.ndjson").exists()
    );
    assert_eq!(fs::read_to_string(folder.join("spec.yaml")).unwrap(), SPEC);
}

#[test]
fn lines_are_added_also_after_one_that_was_cut() {
    let folder = with_tables();
    let file = folder.path().join("events.ndjson");
    let check = ["check", "spec.yaml", "--events", "events.ndjson"];
    exits(&driver_in(folder.path(), check), 0);
    let text = fs::read_to_string(&file).unwrap();
    let cut = &text[..text.len() - 5];
    fs::write(&file, cut).unwrap();
    exits(&driver_in(folder.path(), check), 0);
    let both = fs::read_to_string(&file).unwrap();
    let added = both.strip_prefix(cut).unwrap();
    assert_eq!(added.lines().count(), text.lines().count() + 1);
    assert!(added.starts_with("\n{\"schema_version\":") && added.ends_with("}\n"));
}

#[test]
fn a_file_that_gets_full_is_warned_of_and_the_run_goes_on() {
    let folder = with_tables();
    let output = driver_in(folder.path(), ["run", "spec.yaml", "--events", "/dev/full"]);
    exits(&output, 0);
    assert!(err(&output).contains("W0026") && err(&output).contains("/dev/full"), "{}", err(&output));
    assert!(folder.path().join("names/_delta_log").is_dir());
}

/// The reader of a pipe sees lines when they are written; of a program that is killed it sees whole ones.
#[test]
fn events_come_line_by_line_as_they_happen_also_of_a_run_that_is_killed() {
    let folder = with_tables();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut run = command(folder.path(), ["run", "spec.yaml", "--events", "pipe"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(fs::File::open(&pipe).unwrap());
    let mut seen = String::new();
    while !seen.contains("\"pass\":\"type\"") {
        assert_ne!(reader.read_line(&mut seen).unwrap(), 0, "{seen}");
    }
    run.kill().unwrap();
    run.wait().unwrap();
    reader.read_to_string(&mut seen).unwrap();
    assert!(seen.ends_with('\n'));
    let judge = Judge::of_events();
    for line in seen.lines() {
        judge.accepts(&serde_json::from_str(line).unwrap());
    }
}
