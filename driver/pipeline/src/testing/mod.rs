//! Tests of views: a spec's `tests`, run over temporary tables that hold the rows they give.
//!
//! A test is a small spec of its own: what it gives becomes inputs, the view and what it needs above them stay as they are,
//! and the view is the one output. It is compiled and run like any other, in a temporary folder that goes away with it; no
//! table of the spec is written, and none is read but to ask for the columns of what a test gives without saying them.

mod compare;
mod plan;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use ir::diag::{Diagnostic, SpecPath, codes};
use ir::graph::Graph;
use ir::spec::ViewTest;

pub use compare::{DiffLine, RowDiff};

use crate::{
    Asking, CompileRequest, Lake, PipelineError, PublishOptions, Result, Ruleset, Source, Statement, Workers,
    compile, publish,
};

/// A test that was run.
#[derive(Debug)]
pub struct TestOutcome {
    /// Its name.
    pub name: String,
    /// The view that it tests.
    pub view: String,
    /// The line of the spec at which it stands, counted from 1.
    pub line: Option<usize>,
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took.
    pub time: Duration,
}

/// How a test ended.
#[derive(Debug)]
pub enum Verdict {
    /// The view gives the expected rows.
    Passed,
    /// It gives others.
    Failed(RowDiff),
    /// It cannot be run: the rows are none of the columns, an input that is needed is not given, a value fails.
    Broken(PipelineError),
}

impl TestOutcome {
    /// Whether the view gives the expected rows.
    #[must_use]
    pub fn passed(&self) -> bool {
        matches!(self.verdict, Verdict::Passed)
    }
}

/// Runs the tests of a spec in their order, or only the one of this name; `told` hears of each that ended.
///
/// # Errors
/// When the spec has mistakes that can be seen without its tables, there is no test of this name, or the workers are
/// stopped. What is wrong with one test is its verdict.
pub fn run_tests(
    source: &Source,
    only: Option<&str>,
    workers: &Workers,
    told: &mut dyn FnMut(&TestOutcome),
) -> Result<Vec<TestOutcome>> {
    let tests = &source.spec.tests;
    if let Some(name) = only.filter(|name| !tests.iter().any(|test| test.name == *name)) {
        let found = Diagnostic::new(codes::UNKNOWN_TEST, format!("there is no test `{name}`"));
        let found = found.found(name).allowed(tests.iter().map(|test| &test.name)).suggest_nearest();
        return Err(PipelineError::diagnostic(found, source.map.name().as_str()));
    }
    let lowered = graph_after("lower", source, workers)?;
    let mut typed: Option<Graph> = None;
    let mut outcomes = Vec::new();
    for (index, test) in tests.iter().enumerate() {
        if only.is_some_and(|name| test.name != name) {
            continue;
        }
        workers.must_go_on()?;
        let began = Instant::now();
        let verdict = match verdict(source, test, &lowered, &mut typed, workers) {
            Ok(None) => Verdict::Passed,
            Ok(Some(diff)) => Verdict::Failed(diff),
            Err(PipelineError::Interrupted(why)) => return Err(PipelineError::Interrupted(why)),
            Err(error) => Verdict::Broken(error),
        };
        let place = SpecPath::root().field("tests").index(index);
        let outcome = TestOutcome {
            name: test.name.clone(),
            view: test.view.clone(),
            line: source.map.locate(&place).map(|place| place.line),
            verdict,
            time: began.elapsed(),
        };
        told(&outcome);
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// What differs, if anything.
fn verdict(
    source: &Source,
    test: &ViewTest,
    lowered: &Graph,
    typed: &mut Option<Graph>,
    workers: &Workers,
) -> Result<Option<RowDiff>> {
    let folder = tempfile::tempdir().map_err(|error| {
        PipelineError::file("create a folder for a test in", &std::env::temp_dir(), error)
    })?;
    let asks_columns = test.given.values().any(|given| given.schema().is_none());
    if asks_columns && typed.is_none() {
        *typed = Some(graph_after("type", source, workers)?);
    }
    let spec = plan::spec_of(&source.spec, test, lowered).map_err(|message| broken(test, message))?;
    for (name, given) in plan::given(test, lowered) {
        let batch = plan::batch(name, given, typed.as_ref()).map_err(|message| broken(test, message))?;
        plan::write(batch, name, folder.path(), workers)?;
    }
    let own = Source::from_spec(spec, test.name.clone(), folder.path())?;
    let compilation = compile(CompileRequest::new(own, workers))?;
    publish(compilation, workers, PublishOptions::default(), Arc::new(()))?;
    let (schema, batches) = read(folder.path(), workers)?;
    compare::difference(test, &schema, &batches).map_err(|message| broken(test, message))
}

/// The rows of the view that was tested.
fn read(folder: &Path, workers: &Workers) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let query = Statement::query("the rows of a test", &format!("SELECT * FROM \"{}\"", plan::RESULT));
    let answer = Lake::at(folder)?.ask(&query, &Asking::new(workers))?;
    let rows = answer.rows(workers)?;
    Ok((SchemaRef::clone(&rows.schema), rows.collect::<Result<_>>()?))
}

/// The spec's graph after a pass. Tables are asked for from `type` on.
fn graph_after(pass: &'static str, source: &Source, workers: &Workers) -> Result<Graph> {
    let request = CompileRequest::new(source.copied()?, workers);
    let compilation = compile(CompileRequest {
        ruleset: Ruleset { stop_after: Some(pass), ..Ruleset::default() },
        ..request
    })?;
    if pass == "lower" {
        compilation.must_be_sound()?;
    }
    Ok(compilation.graph)
}

fn broken(test: &ViewTest, message: String) -> PipelineError {
    PipelineError::finding(codes::TEST_NOT_RUN, message, &format!("test {}", test.name))
}
