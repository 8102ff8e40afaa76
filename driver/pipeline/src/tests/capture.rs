//! How a run was planned: kept when a spec asks for it, and only then.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use engine::{CaptureUse, FilterAnswer, RulePhase, Stage as Form};

use super::{SPEC, StopAt, compiled_by, extract_all, records, repository, workers};
use crate::execution::Recording;
use crate::provenance::Provenance;
use crate::record::{Capture, CaptureError, RunRecord, Status};
use crate::replay::{Replay, Verdict};
use crate::{
    Cancellation, Compilation, CompileRequest, Observer, Outcome, PublishOptions, Source, Stages, Workers,
    compile, new_run_id, publish,
};

/// The spec of these tests, with a filter that the scan is offered.
fn spec(is_captured: bool) -> String {
    let filtered = SPEC.replace(
        "  - name: per_file\n",
        "  - name: functions\n    transform: {kind: Filter, source: defs, predicate: \"kind = 'function' AND bstart > 1\"}\n  - name: per_file\n",
    );
    let filtered = filtered.replace(
        "output_targets:\n",
        "output_targets:\n  - {table_name: functions, source_view: functions, columns: [name]}\n",
    );
    format!("{filtered}runtime: {{compliance_capture: {is_captured}}}\n")
}

fn compiled(folder: &Path, text: &str, workers: &Workers) -> Compilation {
    let source = Source::from_bytes(text.as_bytes(), "spec.yaml".into(), "spec", folder).unwrap();
    let compiled = compiled_by(source, workers).unwrap();
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    compiled
}

/// Publishes a spec, and says what its session did for a capture.
fn published(folder: &Path, text: &str) -> (Outcome, CaptureUse) {
    let workers = workers(&Cancellation::new());
    let compiled = compiled(folder, text, &workers);
    let session = compiled.session.clone();
    let outcome = publish(compiled, &workers, PublishOptions::default(), Arc::new(())).unwrap();
    (outcome, session.capture_use())
}

fn lake() -> tempfile::TempDir {
    let folder = repository();
    extract_all(folder.path(), &workers(&Cancellation::new()), &()).unwrap();
    folder
}

fn capture_of(outcome: &Outcome) -> Capture {
    Capture::of(&outcome.record, &outcome.record_file).unwrap().unwrap()
}

#[test]
fn a_run_that_is_not_captured_does_nothing_for_it() {
    let folder = lake();
    let (off, used) = published(folder.path(), &spec(false));
    assert_eq!((used, off.capture_files, &off.record.capture), (CaptureUse::default(), 0, &None));
    assert!(Capture::of(&off.record, &off.record_file).unwrap().is_none());
    let runs = off.record_file.parent().unwrap().to_owned();
    let count = || fs::read_dir(&runs).unwrap().count();
    assert_eq!(count(), 2, "a record and its graph");

    let (on, used) = published(folder.path(), &spec(true));
    assert!(used.rules_observed > 0 && used.texts_made > 0 && used.scans_probed > 0, "{used:?}");
    assert_eq!((on.capture_files, count()), (1, 5));
    assert_eq!(records(folder.path()).len(), 2, "a capture is no record");
    let rows = |outcome: &Outcome| -> Vec<(String, String, String)> {
        let outputs = outcome.record.outputs.iter();
        outputs.map(|it| (it.table.clone(), it.digest.clone(), it.content_hash.to_string())).collect()
    };
    assert_eq!(rows(&on), rows(&off), "it changes no row");
    let digests = |outcome: &Outcome| -> BTreeSet<String> {
        outcome.record.segments.iter().map(|segment| segment.digest.to_string()).collect()
    };
    assert_eq!(digests(&on), digests(&off), "it changes no plan");
    assert_ne!(on.record.spec_hash, off.record.spec_hash);
    assert_eq!(on.record.envelope_hash, off.record.envelope_hash);
}

#[test]
fn plans_in_a_capture_are_those_that_are_explained() {
    let folder = lake();
    let (outcome, _) = published(folder.path(), &spec(true));
    let capture = capture_of(&outcome);
    let names: Vec<&str> = capture.segments.iter().map(|segment| segment.segment.as_str()).collect();
    assert_eq!(names, ["output functions", "view names", "output names", "output per_file"]);
    assert!(capture.segments.iter().all(|segment| segment.planned == 1));
    let workers = workers(&Cancellation::new());
    let plans = compiled(folder.path(), &spec(true), &workers).plan(&workers).unwrap();
    for form in [Form::Plan, Form::Optimized] {
        let explained = plans.explain(form, &workers).unwrap();
        let texts = capture.segments.iter().map(|segment| match form {
            Form::Plan => Some(&segment.logical),
            Form::Optimized => segment.optimized.as_ref(),
            Form::Physical => segment.physical.as_ref(),
        });
        let texts: Vec<&str> = texts.map(|plan| plan.unwrap().text.as_str()).collect();
        assert!(texts.iter().all(|text| explained.contains(text)), "{form:?}: {explained}\n{texts:?}");
        assert_eq!(texts.concat().len(), explained.len(), "{form:?}");
    }
    // A segment that reads no shared view is shown as it runs. Of one that does, explaining knows no rows.
    let explained = plans.explain(Form::Physical, &workers).unwrap();
    for segment in capture.segments.iter().filter(|segment| segment.level == 0) {
        let text = &segment.physical.as_ref().unwrap().text;
        assert!(explained.contains(text), "{explained}\n{text}");
        assert!(!text.contains(".parquet"), "{text}");
    }
    for plan in capture.segments.iter().flat_map(|it| [Some(&it.logical), it.optimized.as_ref()]) {
        let plan = plan.unwrap();
        assert!(plan.is_whole(), "{}", plan.text);
    }
}

#[test]
fn rules_that_changed_something_and_filters_that_scans_were_offered() {
    let folder = lake();
    let (outcome, _) = published(folder.path(), &spec(true));
    let capture = capture_of(&outcome);
    let functions = &capture.segments[0];
    let impact = |phase: RulePhase, name: &str| {
        functions.rules.iter().find(|rule| (rule.phase, rule.rule_name.as_str()) == (phase, name))
    };
    let pushed = impact(RulePhase::Optimizer, "push_down_filter").unwrap();
    assert!(pushed.plans_touched == 1 && pushed.rewrites_applied >= 1, "{pushed:?}");
    // It puts an operator on top of every plan, and takes it away in the end.
    let required = impact(RulePhase::PhysicalOptimizer, "OutputRequirements").unwrap();
    assert_eq!((required.plans_touched, required.rewrites_applied), (1, 2));
    for name in ["span_joins", "push_down_limit", "eliminate_outer_join"] {
        assert_eq!(impact(RulePhase::Optimizer, name), None, "it has nothing to do here");
    }
    let of_all = capture.rule_impact.iter().find(|rule| rule.rule_name == "push_down_filter").unwrap();
    assert!(of_all.plans_touched >= 1 && capture.rule_impact.len() >= functions.rules.len());

    let [scan] = functions.scans.as_slice() else { panic!("{:?}", functions.scans) };
    assert_eq!(scan.scan, "defs");
    assert!(scan.columns.contains(&"name".to_owned()) && scan.columns.len() < 5, "{:?}", scan.columns);
    let filters: Vec<&str> = scan.filters.iter().map(|offered| offered.filter.as_str()).collect();
    assert_eq!(filters.len(), 2, "{filters:?}");
    assert!(scan.filters.iter().all(|offered| offered.answer == FilterAnswer::Inexact), "{scan:?}");
    let others = capture.segments[1..].iter().flat_map(|segment| &segment.scans);
    assert!(others.into_iter().all(|scan| scan.filters.is_empty()));
    assert_eq!(capture.config_snapshot, outcome.record.session);
}

#[test]
fn a_run_that_was_stopped_leaves_what_was_captured() {
    let folder = lake();
    for (point, names) in [("stage emit", Vec::new()), ("end view names", vec!["view names"])] {
        let switch = Cancellation::new();
        let (workers, observer) = (workers(&switch), StopAt::new(point, &switch));
        let text = spec(true);
        let source = Source::from_bytes(text.as_bytes(), "spec.yaml".into(), "spec", folder.path()).unwrap();
        let compiled = compile(CompileRequest::new(source, &workers)).unwrap();
        publish(compiled, &workers, PublishOptions::default(), observer).unwrap_err();
        let file = RunRecord::files(folder.path()).unwrap().pop().unwrap();
        let record = RunRecord::read(&file).unwrap();
        assert_eq!(record.status, Status::Cancelled);
        let capture = Capture::of(&record, &file).unwrap().unwrap();
        let seen: BTreeSet<&str> = capture.segments.iter().map(|it| it.segment.as_str()).collect();
        assert!(names.iter().all(|name| seen.contains(name)), "at {point}: {seen:?}");
        assert_eq!(names.is_empty(), seen.is_empty(), "at {point}: {seen:?}");
    }
}

#[test]
fn a_capture_that_was_changed_is_told() {
    let folder = lake();
    let (outcome, _) = published(folder.path(), &spec(true));
    let (record, file) = (&outcome.record, &outcome.record_file);
    let reference = record.capture.clone().unwrap();
    let path = reference.path(file).unwrap();
    let verdict = || {
        let replay = Replay::of(file, folder.path(), None, &workers(&Cancellation::new()), Arc::new(()))
            .unwrap()
            .report();
        replay.parts.iter().find(|part| part.part == "capture").map(|part| part.verdict).unwrap()
    };
    assert_eq!(verdict(), Verdict::Same);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("push_down_filter", "push_down_filters", 1)).unwrap();
    assert!(matches!(Capture::of(record, file), Err(CaptureError::Changed { .. })));
    assert_eq!(verdict(), Verdict::Differs);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(Capture::of(record, file), Err(CaptureError::File { .. })));
    assert_eq!(verdict(), Verdict::Unknown);
    fs::remove_dir(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert!(matches!(Capture::of(record, file), Err(CaptureError::File { .. })));
    for elsewhere in ["../x.capture.json", "/x.capture.json", "x.json", ""] {
        let mut reference = reference.clone();
        elsewhere.clone_into(&mut reference.file);
        let refused = reference.bytes(file);
        assert!(matches!(refused, Err(CaptureError::Elsewhere { .. })), "{elsewhere}: {refused:?}");
    }
}

/// Keeps the codes of what it is warned of.
#[derive(Default)]
struct Warned(Mutex<Vec<&'static str>>);

impl Observer for Warned {
    fn warned(&self, found: &ir::diag::Diagnostic) {
        self.0.lock().unwrap().push(found.code.id());
    }
}

#[test]
fn a_capture_that_cannot_be_written_is_a_warning_of_a_run_that_is_recorded() {
    let folder = lake();
    let workers = workers(&Cancellation::new());
    let compiled = compiled(folder.path(), &spec(true), &workers);
    let victim = folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    for in_the_way in ["folder", "link", "dangling link", "file"] {
        let provenance = Provenance::of(&compiled, new_run_id()).unwrap();
        let record = provenance.record(Status::Published, None);
        let runs = folder.path().join(".codeanatomy/runs");
        fs::create_dir_all(&runs).unwrap();
        let path = runs.join(format!("{}.capture.json", record.graph.strip_suffix(".ir").unwrap()));
        match in_the_way {
            "folder" => fs::create_dir(&path).unwrap(),
            "link" => std::os::unix::fs::symlink(&victim, &path).unwrap(),
            "file" => fs::write(&path, "somebody else's").unwrap(),
            _ => std::os::unix::fs::symlink(folder.path().join("nowhere"), &path).unwrap(),
        }
        let observer = Arc::new(Warned::default());
        let recording = Recording {
            compilation: &compiled,
            provenance: &provenance,
            workers: &workers,
            observer: Arc::clone(&observer) as _,
            stages: Stages::default(),
            capture: Some(Arc::default()),
        };
        let (record, opened, written) = recording.keep(record);
        assert_eq!((opened, &record.capture), (1, &None), "{in_the_way}");
        assert_eq!(*observer.0.lock().unwrap(), ["W0019"], "{in_the_way}");
        let found = record.warnings.iter().find(|found| found.code == "W0019").unwrap();
        assert_eq!(found.stage, ir::stage::Stage::Record);
        assert!(found.context["file"].ends_with(".capture.json") && !found.context["cause"].is_empty());
        assert_eq!(record.warning_counts_by_code["W0019"], 1);
        assert_eq!(RunRecord::read(&written.unwrap()).unwrap(), record, "{in_the_way}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert!(!folder.path().join("nowhere").exists());
        let names = fs::read_dir(&runs).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(names.into_iter().all(|name| !name.to_string_lossy().ends_with(".partial")));
    }
}
