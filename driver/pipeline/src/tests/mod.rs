//! Work that is stopped at chosen points: wherever the switch is thrown, either everything is published or nothing.

mod capture;
mod conflicts;
mod formats;
mod memory;
mod publication;
mod questions;
mod response;
mod telemetry;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use engine::{OutputOutcome, SegmentOutcome, SessionOptions};
use ir::stage::Stage;
use passes::Pass;
use tempfile::TempDir;

use crate::record::{RunRecord, Status};
use crate::{
    Asking, Cancellation, Compilation, CompileRequest, ExtractOptions, Lake, Observer, Outcome,
    PipelineError, PublishOptions, Result, Source, Statement, WorkerOptions, Workers, compile, extract,
    publish, run_pass,
};

const SPEC: &str = "\
version: 4
input_relations:
  - {logical_name: defs, delta_location: tables/defs}
view_definitions:
  - name: names
    transform: {kind: Project, source: defs, columns: [path, name]}
  - name: per_file
    transform: {kind: Aggregate, source: names, group_by: [path], aggregations: [{function: count, column: name, alias: n}]}
output_targets:
  - {table_name: names, source_view: names}
  - {table_name: per_file, source_view: per_file}
cache_policy: {overrides: [{view_name: names, action: ForceCache}]}
";

/// Writes down every point it is told of, and throws a switch at one of them.
struct StopAt {
    point: String,
    switch: Cancellation,
    seen: Mutex<Vec<String>>,
}

impl StopAt {
    fn new(point: &str, switch: &Cancellation) -> Arc<Self> {
        Arc::new(Self { point: point.to_owned(), switch: switch.clone(), seen: Mutex::default() })
    }

    fn at(&self, point: String) {
        if point == self.point {
            self.switch.cancel();
        }
        self.seen.lock().unwrap().push(point);
    }
}

impl Observer for StopAt {
    fn stage_started(&self, stage: Stage) {
        self.at(format!("stage {stage}"));
    }

    fn pass_started(&self, pass: &'static Pass) {
        self.at(format!("pass {}", pass.name));
    }

    fn segment_started(&self, segment: &str) {
        self.at(format!("begin {segment}"));
    }

    fn segment_finished(&self, outcome: &SegmentOutcome) {
        self.at(format!("end {}", outcome.segment));
    }

    fn output_committed(&self, outcome: &OutputOutcome) {
        self.at(format!("commit {}", outcome.table));
    }

    fn rows_extracted(&self, _: u64) {
        self.at("rows".to_owned());
    }
}

fn workers(switch: &Cancellation) -> Workers {
    let session = SessionOptions { target_partitions: 2, ..SessionOptions::for_this_machine() };
    Workers::new(WorkerOptions { session, ..WorkerOptions::default() }, switch.clone())
}

/// A folder with a small repository.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("repo")).unwrap();
    fs::write(folder.path().join("repo/a.py"), "def f():\n    return 1\n\n\ndef g():\n    return f()\n")
        .unwrap();
    folder
}

fn extract_all(folder: &Path, workers: &Workers, observer: &dyn Observer) -> Result<()> {
    let options = ExtractOptions::default();
    let extracted = extract(
        &[folder.join("repo").as_path().into()],
        &folder.join("tables"),
        "",
        &options,
        workers,
        observer,
    )?;
    extracted.publish(workers, observer).map(|_| ())
}

fn run(folder: &Path, point: &str) -> (Result<Outcome>, Vec<String>, Cancellation) {
    let switch = Cancellation::new();
    let (workers, observer) = (workers(&switch), StopAt::new(point, &switch));
    let source = Source::from_bytes(SPEC.as_bytes(), "spec.yaml".into(), "spec", folder).unwrap();
    let request = CompileRequest { tracing: Some(&observer), ..CompileRequest::new(source, &workers) };
    let compiled = compile(request);
    let outcome = compiled.and_then(|compiled| {
        publish(compiled, &workers, PublishOptions::default(), Arc::clone(&observer) as _)
    });
    let seen = observer.seen.lock().unwrap().clone();
    (outcome, seen, switch)
}

/// A compilation of all passes that nobody watches.
fn compiled_by(source: Source, workers: &Workers) -> Result<Compilation> {
    compile(CompileRequest::new(source, workers))
}

/// What is recorded of runs in a folder, the oldest first.
fn records(folder: &Path) -> Vec<RunRecord> {
    let files = RunRecord::files(folder).unwrap();
    files.iter().map(|file| RunRecord::read(file).unwrap_or_else(|error| panic!("{error}"))).collect()
}

/// How many rows a table of a lake has, or those of one that fulfil a condition.
fn count(lake: &Path, table: &str, workers: &Workers) -> usize {
    let query = Statement::query("query", &format!("SELECT * FROM {table}"));
    let answer = Lake::at(lake).unwrap().ask(&query, &Asking::new(workers)).unwrap();
    answer.rows(workers).unwrap().map(|batch| batch.unwrap().num_rows()).sum()
}

/// The files below a folder, the extracted tables and the records of runs left out.
fn files(folder: &Path) -> Vec<PathBuf> {
    files_besides(folder, &["tables", "repo", "runs"])
}

/// The files below a folder, without those in folders of these names.
fn files_besides(folder: &Path, names: &[&str]) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if names.iter().any(|name| path.ends_with(name)) => {}
                true => open.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_run_is_stopped_at_every_point_before_its_first_commit_and_at_none_after_it() {
    let folder = repository();
    extract_all(folder.path(), &workers(&Cancellation::new()), &()).unwrap();
    let whole = repository();
    extract_all(whole.path(), &workers(&Cancellation::new()), &()).unwrap();
    let (outcome, points, _) = run(whole.path(), "nowhere");
    outcome.unwrap();
    for point in ["stage resolve", "pass schedule", "stage emit", "begin view names", "end output names"] {
        assert!(points.iter().any(|seen| seen == point), "no {point} in {points:?}");
    }
    let first_commit = points.iter().position(|point| point == "stage commit").unwrap();
    let begins = points.iter().position(|point| point == "stage emit").unwrap();
    let mut stopped = 0;
    for (at, point) in points.iter().enumerate() {
        let (outcome, _, switch) = run(folder.path(), point);
        if at < first_commit {
            assert!(matches!(outcome, Err(PipelineError::Interrupted(_))), "at {point}: {outcome:?}");
            assert_eq!(files(folder.path()), Vec::<PathBuf>::new(), "at {point}");
            stopped += usize::from(at >= begins);
            let records = records(folder.path());
            assert_eq!(records.len(), stopped, "a run that has begun is recorded; at {point}");
            assert!(records.iter().all(|record| record.status == Status::Cancelled), "at {point}");
            continue;
        }
        let outcome = outcome.unwrap_or_else(|error| panic!("at {point}: {error}"));
        assert_eq!(outcome.run.outputs.len(), 2, "at {point}");
        assert!(outcome.record_file.is_file(), "what is published is recorded; at {point}");
        assert!(switch.is_cancelled(), "it takes effect afterwards; at {point}");
    }
}

#[test]
fn an_extraction_is_stopped_before_it_commits_and_not_while_it_does() {
    let folder = repository();
    for point in ["stage extract", "rows"] {
        let switch = Cancellation::new();
        let stopped = extract_all(folder.path(), &workers(&switch), &StopAt::new(point, &switch));
        assert!(matches!(stopped, Err(PipelineError::Interrupted(_))), "at {point}: {stopped:?}");
        assert!(!folder.path().join("tables/defs/_delta_log").exists(), "at {point}");
    }
    let switch = Cancellation::new();
    let point = "stage commit extraction";
    extract_all(folder.path(), &workers(&switch), &StopAt::new(point, &switch)).unwrap();
    assert!(folder.path().join("tables/defs/_delta_log").is_dir() && switch.is_cancelled());
}

#[test]
fn stopped_workers_begin_nothing() {
    let folder = repository();
    extract_all(folder.path(), &workers(&Cancellation::new()), &()).unwrap();
    let switch = Cancellation::new();
    let workers = workers(&switch);
    let source = Source::from_bytes(SPEC.as_bytes(), "spec.yaml".into(), "spec", folder.path()).unwrap();
    let compiled = compiled_by(source, &workers).unwrap();
    let lowered = "graph t phase=lowered\nt = input location=\"tables/defs\"\n";
    let lowered = ir::text::parse(lowered).unwrap().graph;
    switch.cancel();
    assert!(matches!(compiled.plan(&workers), Err(PipelineError::Interrupted(_))));
    let lake = Lake::at(&folder.path().join("tables")).unwrap();
    let answer = lake.ask(&Statement::query("query", "SELECT * FROM defs"), &Asking::new(&workers));
    assert!(matches!(answer, Err(PipelineError::Interrupted(_))));
    let resolved = run_pass("resolve", lowered, folder.path(), None, &workers);
    assert!(matches!(resolved, Err(PipelineError::Interrupted(_))));
    let source = Source::from_bytes(SPEC.as_bytes(), "spec.yaml".into(), "spec", folder.path()).unwrap();
    let again = compiled_by(source, &workers);
    assert!(matches!(again, Err(PipelineError::Interrupted(_))));
}

#[test]
fn a_view_that_cannot_be_planned_is_found_before_a_run_with_its_place() {
    let folder = repository();
    extract_all(folder.path(), &workers(&Cancellation::new()), &()).unwrap();
    let view = "  - name: odd\n    transform: {kind: Sql, query: \"SELECT n.path FROM names n, LATERAL (SELECT d.name FROM defs d WHERE d.bstart > length(n.name) LIMIT 1) AS l\"}\n";
    let text = SPEC.replace(
        "output_targets:\n",
        &format!("{view}output_targets:\n  - {{table_name: odd, source_view: odd}}\n"),
    );
    let workers = workers(&Cancellation::new());
    let source = Source::from_bytes(text.as_bytes(), "spec.yaml".into(), "spec", folder.path()).unwrap();
    let mut compiled = compiled_by(source, &workers).unwrap();
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    compiled.plan_for_mistakes(&workers).unwrap();
    let found: Vec<&str> = compiled.diagnostics.iter().map(|finding| finding.code.id()).collect();
    assert_eq!(found, ["E0229"]);
    let place = ir::diag::resolve(&compiled.diagnostics, &compiled.source.map);
    let place = serde_json::to_value(&place).unwrap();
    assert_eq!(place[0]["line"], 10, "{place}");

    // A run that was not checked says the same.
    let source = Source::from_bytes(text.as_bytes(), "spec.yaml".into(), "spec", folder.path()).unwrap();
    let compiled = compiled_by(source, &workers).unwrap();
    let error = publish(compiled, &workers, PublishOptions::default(), Arc::new(())).unwrap_err();
    let PipelineError::Findings { diagnostics, map } = error else { panic!("{error:?}") };
    let found: Vec<&str> = diagnostics.iter().map(|finding| finding.code.id()).collect();
    assert_eq!(found, ["E0229"]);
    assert_eq!(serde_json::to_value(ir::diag::resolve(&diagnostics, &map)).unwrap()[0]["line"], 10);
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
    let failed = records(folder.path()).pop().unwrap();
    let finding = &failed.failure.unwrap().findings[0];
    assert_eq!((failed.status, finding.code.as_str(), finding.line), (Status::Failed, "E0229", Some(10)));
}
