//! Compilations that start from what an earlier one proved: the same text at every stage, and less to plan.

use std::path::Path;
use std::sync::{Arc, Mutex};

use ir::archive::{Proofs, read_proofs, write_proofs};
use ir::spec::Spec;
use libtest_mimic::Trial;
use passes::PassEvent;
use pipeline::{CompileRequest, Observer, Ruleset, Source};
use serde_json::{Value, json};

use crate::harness::{Case, root, session, trial, workers};

pub(crate) fn trials(cases: &[Arc<Case>]) -> Vec<Trial> {
    let of_case = |case: &Arc<Case>| {
        let case = Arc::clone(case);
        trial(format!("warm::{}", case.name), move || check(&case))
    };
    cases.iter().map(of_case).collect()
}

/// What a compilation gave.
struct Outcome {
    /// The text after every pass, with what the pass decided.
    stages: Vec<String>,
    proofs: Proofs,
    plannings: usize,
}

/// Keeps the text after every pass.
#[derive(Default)]
struct Texts(Mutex<Vec<String>>);

impl Observer for Texts {
    fn pass_finished(&self, event: &PassEvent<'_>) {
        let text = format!("{}\n{}", ir::text::print(event.graph), event.remarks.join("\n"));
        self.0.lock().expect("no observer panicked").push(text);
    }
}

fn compile(spec: &Spec, home: &Path, proofs: &Proofs) -> Outcome {
    let texts = Texts::default();
    let source = Source::from_spec(spec.clone(), "case", home).expect("a folder");
    let request = CompileRequest {
        session_factory: &session(4, 8192),
        ruleset: Ruleset { verify_passes: true, stop_after: None },
        tracing: Some(&texts),
        proofs: Some(proofs),
        ..CompileRequest::new(source, workers())
    };
    let compiled = pipeline::compile(request).unwrap_or_else(|error| panic!("{error}"));
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    let stages = texts.0.into_inner().expect("no observer panicked");
    Outcome { stages, proofs: compiled.proofs(), plannings: compiled.oracle.plannings() }
}

/// The spec with another view over its first view, written to a table.
fn changed(spec: &Spec) -> Spec {
    let mut value = serde_json::to_value(spec).expect("a spec has a JSON form");
    let source = spec.view_definitions.first().map(|view| view.name.clone()).expect("a view");
    let add = |value: &mut Value, list: &str, entry: Value| {
        value.get_mut(list).and_then(Value::as_array_mut).expect("a list").push(entry);
    };
    let query = format!("SELECT count(*) AS added_rows FROM \"{source}\"");
    add(
        &mut value,
        "view_definitions",
        json!({"name": "added", "transform": {"kind": "Sql", "query": query}}),
    );
    add(&mut value, "output_targets", json!({"table_name": "added_out", "source_view": "added"}));
    serde_json::from_value(value).expect("a spec")
}

fn check(case: &Case) {
    let home = case.prepared().home.path();
    let file = if case.folder.join("repo").is_dir() {
        root().join("driver/specs/cpg.yaml")
    } else {
        case.folder.join("spec.yaml")
    };
    let text = std::fs::read_to_string(file).expect("a spec is read");
    let spec = ir::spec::load(&text, "spec.yaml".into()).spec.expect("a spec");

    let cold = compile(&spec, home, &Proofs::default());
    let bytes = write_proofs(&cold.proofs).expect("proofs are archived");
    let proofs = read_proofs(&bytes).expect("proofs are read");
    let warm = compile(&spec, home, &proofs);
    assert_eq!(warm.stages, cold.stages);
    assert_eq!(warm.plannings, 0, "everything is proven");
    assert_eq!(warm.proofs, cold.proofs);

    let spec = changed(&spec);
    let cold = compile(&spec, home, &Proofs::default());
    let warm = compile(&spec, home, &proofs);
    assert_eq!(warm.stages, cold.stages, "after a change");
    assert_eq!(warm.proofs, cold.proofs, "after a change");
    assert!(warm.plannings < cold.plannings, "{} of {}", warm.plannings, cold.plannings);

    let foreign = Proofs { envelope: [0; 32], ..proofs };
    assert_eq!(compile(&spec, home, &foreign).plannings, cold.plannings, "of another envelope");
}
