//! An extraction and a run over it as one publication, and who keeps whom from a table.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::SessionOptions;
use ir::hash::ContentHash;
use serde_json::Value;

use super::{SPEC, StopAt, compiled_by, count, extract_all, files_besides, repository, workers};
use crate::{
    Cancellation, CompileRequest, ExtractOptions, Extraction, InScope, Observer, Outcome, PipelineError,
    PublishOptions, Result, Source, WorkerOptions, Workers, compile, extract, publish,
};

fn source(folder: &Path) -> Source {
    Source::from_bytes(SPEC.as_bytes(), "spec.yaml".into(), "spec", folder).unwrap()
}

fn extraction(folder: &Path, workers: &Workers, observer: &dyn Observer) -> Result<Extraction> {
    let options = ExtractOptions::default();
    extract(&[folder.join("repo").as_path().into()], &folder.join("tables"), "", &options, workers, observer)
}

/// What `driver build` does, with [`SPEC`].
fn build(folder: &Path, workers: &Workers, observer: &Arc<StopAt>) -> Result<Outcome> {
    let extraction = extraction(folder, workers, observer)?;
    let request = CompileRequest::new(source(folder), workers);
    let request = CompileRequest { extraction: Some(&extraction), tracing: Some(observer), ..request };
    let compilation = compile(request)?;
    let options = PublishOptions { extraction: Some(extraction), ..PublishOptions::default() };
    publish(compilation, workers, options, Arc::clone(observer) as _)
}

/// All files but those of the repository.
fn files(folder: &Path) -> Vec<PathBuf> {
    files_besides(folder, &["repo", "runs"])
}

#[test]
fn an_extraction_and_the_run_over_it_are_visible_together_or_not_at_all() {
    let whole = repository();
    let switch = Cancellation::new();
    let nowhere = StopAt::new("nowhere", &switch);
    let outcome = build(whole.path(), &workers(&switch), &nowhere).unwrap();
    let extracted = outcome.extracted.unwrap();
    assert!(extracted.tables.iter().all(|table| table.version == 0) && extracted.summary.files == 1);
    let points = nowhere.seen.lock().unwrap().clone();
    let first_commit = points.iter().position(|point| point == "stage commit").unwrap();
    for point in ["stage extract", "rows", "stage resolve", "stage emit", "end output names"] {
        assert!(points.iter().take(first_commit).any(|seen| seen == point), "no {point} in {points:?}");
    }
    let folder = repository();
    for (at, point) in points.iter().enumerate() {
        let switch = Cancellation::new();
        let outcome = build(folder.path(), &workers(&switch), &StopAt::new(point, &switch));
        if at < first_commit {
            assert!(matches!(outcome, Err(PipelineError::Interrupted(_))), "at {point}: {outcome:?}");
            assert_eq!(files(folder.path()), Vec::<PathBuf>::new(), "at {point}");
        } else {
            let outcome = outcome.unwrap_or_else(|error| panic!("at {point}: {error}"));
            assert!(outcome.record_file.is_file() && outcome.extracted.is_some(), "at {point}");
        }
    }
}

/// What is published when the run is computed is the extraction before.
#[test]
fn a_run_reads_the_extraction_that_it_is_published_with() {
    let folder = repository();
    let workers = workers(&Cancellation::new());
    extract_all(folder.path(), &workers, &()).unwrap();
    let before = count(&folder.path().join("tables"), "defs", &workers);
    fs::write(folder.path().join("repo/b.py"), "def h():\n    return 1\n").unwrap();

    let staged = extraction(folder.path(), &workers, &()).unwrap();
    assert_eq!(count(&folder.path().join("tables"), "defs", &workers), before, "nobody sees it yet");
    let request = CompileRequest::new(source(folder.path()), &workers);
    let request = CompileRequest { extraction: Some(&staged), ..request };
    let compilation = compile(request).unwrap();
    let options = PublishOptions { extraction: Some(staged), ..PublishOptions::default() };
    let outcome = publish(compilation, &workers, options, Arc::new(())).unwrap();

    let after = count(&folder.path().join("tables"), "defs", &workers);
    assert!(after > before);
    assert_eq!(count(folder.path(), "names", &workers), after);
    let record: Value = serde_json::from_slice(&fs::read(&outcome.record_file).unwrap()).unwrap();
    let inputs = record["inputs"].as_array().unwrap();
    let [input] = inputs.as_slice() else { panic!("only what is read: {inputs:?}") };
    assert_eq!(input["version"], 1);
    let commit = fs::read(folder.path().join("tables/defs/_delta_log/00000000000000000001.json")).unwrap();
    assert_eq!(input["commit_hash"], ContentHash::of(&commit).to_string());
}

#[test]
fn an_extraction_that_is_dropped_leaves_nothing() {
    let folder = repository();
    let workers = workers(&Cancellation::new());
    drop(extraction(folder.path(), &workers, &()).unwrap());
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

/// A table has one publisher, in one process, too.
#[test]
fn one_publisher_at_a_time_has_a_table() {
    let folder = repository();
    let patient = workers(&Cancellation::new());
    extract_all(folder.path(), &patient, &()).unwrap();
    let session = SessionOptions { target_partitions: 2, ..SessionOptions::for_this_machine() };
    let options = WorkerOptions { session, lock_timeout: Duration::ZERO, ..WorkerOptions::default() };
    let impatient = Workers::new(options, Cancellation::new());

    let source_of = || source(folder.path());
    let mut told = Vec::new();
    let whole = InScope::default();
    let held = source_of()
        .lock_outputs(&whole, "a test", &patient.options().roots, &patient.waiting(), &mut |_| {})
        .unwrap();
    let busy = source_of().lock_outputs(
        &whole,
        "another",
        &impatient.options().roots,
        &impatient.waiting(),
        &mut |busy| told.push(busy.to_owned()),
    );
    let PipelineError::Findings { diagnostics, .. } = busy.unwrap_err() else { panic!("not a finding") };
    assert_eq!(diagnostics[0].code.id(), "E0715");
    assert!(diagnostics[0].message.contains(&format!("a test (process {}", std::process::id())));
    assert_eq!(told, Vec::<String>::new(), "nothing was waited for");
    let compilation = compiled_by(source_of(), &impatient).unwrap();
    let refused = publish(compilation, &impatient, PublishOptions::default(), Arc::new(()));
    assert!(matches!(&refused, Err(PipelineError::Findings { .. })), "{refused:?}");
    assert!(!folder.path().join("names").exists());

    let waits = std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let compilation = compiled_by(source_of(), &patient).unwrap();
            publish(compilation, &patient, PublishOptions::default(), Arc::new(()))
        });
        std::thread::sleep(Duration::from_millis(300));
        assert!(!folder.path().join("names").exists() && !waits.is_finished());
        drop(held);
        waits.join().unwrap()
    });
    assert_eq!(waits.unwrap().run.outputs.len(), 2);
    let locks = files(folder.path()).into_iter().filter(|file| file.to_string_lossy().contains("locks"));
    assert_eq!(locks.count(), 0);
}

#[test]
fn whoever_is_stopped_waits_no_longer() {
    let folder = repository();
    let (first, switch) = (workers(&Cancellation::new()), Cancellation::new());
    let _held = source(folder.path())
        .lock_outputs(&InScope::default(), "a test", &first.options().roots, &first.waiting(), &mut |_| {})
        .unwrap();
    let second = workers(&switch);
    let stopped = source(folder.path()).lock_outputs(
        &InScope::default(),
        "b",
        &second.options().roots,
        &second.waiting(),
        &mut |_| {
            switch.cancel();
        },
    );
    assert!(matches!(stopped, Err(PipelineError::Interrupted(_))), "{stopped:?}");
}

/// A graph of two nodes and the edges in the braces: `(10, 1, 2)` is an edge, its start and its end.
const GRAPH: &str = "\
version: 4
input_relations: []
view_definitions:
  - name: node_rows
    transform: {kind: Sql, query: \"SELECT CAST(id AS BIGINT) AS node_id, 'X' AS node_kind FROM (VALUES (1), (2)) AS t(id)\"}
  - name: edge_rows
    transform: {kind: Sql, query: \"SELECT CAST(e AS BIGINT) AS edge_id, 'X' AS edge_kind, CAST(s AS BIGINT) AS src_node_id, CAST(d AS BIGINT) AS dst_node_id FROM (VALUES {edges}) AS t(e, s, d)\"}
  - {name: nodes, transform: {kind: CpgEmit, output_kind: Nodes, sources: [node_rows]}}
  - {name: edges, transform: {kind: CpgEmit, output_kind: Edges, sources: [edge_rows]}}
output_targets:
  - {table_name: nodes, source_view: nodes}
  - {table_name: edges, source_view: edges}
";

/// Publishes [`GRAPH`] with these edges, and stops at a point.
fn publish_graph(folder: &Path, edges: &str, point: &str) -> Result<Outcome> {
    let switch = Cancellation::new();
    let (workers, observer) = (workers(&switch), StopAt::new(point, &switch));
    let text = GRAPH.replace("{edges}", edges);
    let source = Source::from_bytes(text.as_bytes(), "graph.yaml".into(), "graph", folder).unwrap();
    let request = CompileRequest { tracing: Some(&observer), ..CompileRequest::new(source, &workers) };
    let compilation = compile(request)?;
    publish(compilation, &workers, PublishOptions::default(), observer)
}

#[test]
fn a_graph_is_checked_before_it_is_published_and_can_be_stopped_then() {
    let folder = tempfile::tempdir().unwrap();
    let broken = publish_graph(folder.path(), "(10, 1, 2), (11, 2, 3)", "nowhere");
    let Err(PipelineError::Findings { diagnostics, .. }) = broken else { panic!("{broken:?}") };
    let found: Vec<&str> = diagnostics.iter().map(|finding| finding.code.id()).collect();
    assert_eq!(found, ["E0708"]);
    assert!(diagnostics[0].message.contains("edge_id 11") && diagnostics[0].location.is_some());
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
    let stopped = publish_graph(folder.path(), "(10, 1, 2)", "stage check");
    assert!(matches!(stopped, Err(PipelineError::Interrupted(_))), "{stopped:?}");
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
    let outcome = publish_graph(folder.path(), "(10, 1, 2)", "nowhere").unwrap();
    assert_eq!((outcome.run.outputs.len(), outcome.run.checks.len()), (2, 4));
}
