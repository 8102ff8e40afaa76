//! Tests of views: a spec's `tests`, run over temporary tables that hold the rows they give.
//!
//! A test is a small spec of its own: what it gives becomes inputs, the view and what it needs above them stay as they are.
//! What can be known of it without computing anything is known when the spec is compiled (`TestedGraph`): the compiler types the
//! small spec over tables of which there are only the columns, and every value is compared with the type that it is for. Then
//! it is compiled and computed like a view that is looked at, in a temporary folder that goes away with it; no table of the spec
//! is written, and none is read but to ask for the columns of what a test gives without saying them.

mod cells;
mod check;
mod columns;
mod compare;
mod plan;
mod tested;
mod values;

use std::time::{Duration, Instant};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use ir::diag::{Diagnostic, SpecPath, codes};
use ir::spec::{Spec, ViewTest};

pub use compare::{DiffLine, RowDiff};
pub(crate) use tested::TestedGraph;

use crate::{Compilation, CompileRequest, PipelineError, Result, Ruleset, Source, Workers, compile};
use check::{Examination, Runnable, Surroundings};
use compare::Comparison;

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
    let is_meant = |test: &ViewTest| only.is_none_or(|name| test.name == name);
    let lowered = compiled_until("lower", source, workers)?;
    lowered.must_be_sound()?;
    let asks = |test: &ViewTest| is_meant(test) && asks_tables(&source.spec, test);
    let typed = if tests.iter().any(asks) { Some(compiled_until("type", source, workers)?) } else { None };
    let around = Surroundings {
        source,
        lowered: &lowered.graph,
        typed: typed.as_ref().map(|typed| &typed.graph),
        engine: &lowered.oracle,
        has_errors: false,
    };
    let mut outcomes = Vec::new();
    for (index, test) in tests.iter().enumerate().filter(|(_, test)| is_meant(test)) {
        workers.must_go_on()?;
        let began = Instant::now();
        let verdict = match verdict(around, test, index, workers) {
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

/// Whether a test gives rows of which only a table says the columns.
fn asks_tables(spec: &Spec, test: &ViewTest) -> bool {
    test.given.iter().any(|(name, given)| given.schema().is_none() && !columns::is_declared(spec, name))
}

/// What differs, if anything.
fn verdict(
    around: Surroundings<'_>,
    test: &ViewTest,
    index: usize,
    workers: &Workers,
) -> Result<Option<RowDiff>> {
    let runnable = Examination::of(around, test, index).result()?;
    let map = || Box::new(around.source.map.clone());
    let Runnable { spec, given, expected, tolerance } =
        runnable.map_err(|diagnostics| PipelineError::Findings { diagnostics, map: map() })?;
    let folder = tempfile::tempdir().map_err(|error| {
        PipelineError::file("create a folder for a test in", &std::env::temp_dir(), error)
    })?;
    for (name, rows) in given {
        plan::write(rows, &name, folder.path(), workers)?;
    }
    let own = Source::from_spec(spec, test.name.clone(), folder.path())?;
    let compilation =
        compile(CompileRequest { scope: plan::scope(test), ..CompileRequest::new(own, workers) })?;
    let mut computed = Vec::new();
    for batch in compilation.preview(workers)? {
        computed
            .push(of_columns(&batch?, expected.schema_ref()).map_err(|error| incomparable(test, &error))?);
    }
    let rows = |batches: &[RecordBatch]| {
        let rows = batches.iter().map(cells::rows).collect::<Result<Vec<_>, ArrowError>>();
        rows.map(|rows| rows.concat()).map_err(|error| incomparable(test, &error))
    };
    let columns = expected.schema_ref().fields().iter().map(|field| field.name().clone()).collect();
    let comparison = Comparison { columns, tolerance, ordered: test.ordered };
    Ok(comparison.difference(rows(&[expected])?, rows(&computed)?))
}

/// The columns of a batch that are compared, in the types that they are compared in.
fn of_columns(batch: &RecordBatch, columns: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let mut arrays = Vec::new();
    let mut fields = Vec::new();
    for field in columns.fields() {
        let column = batch.column(batch.schema_ref().index_of(field.name())?);
        arrays.push(cast(column, field.data_type())?);
        fields.push(Field::new(field.name(), field.data_type().clone(), true));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(SchemaRef::new(Schema::new(fields)), arrays, &options)
}

/// The spec after a pass. Tables are asked for from `type` on.
fn compiled_until(pass: &'static str, source: &Source, workers: &Workers) -> Result<Compilation> {
    let request = CompileRequest::new(source.copied()?, workers);
    let ruleset = Ruleset { stop_after: Some(pass), ..Ruleset::default() };
    compile(CompileRequest { ruleset, ..request })
}

fn incomparable(test: &ViewTest, error: &ArrowError) -> PipelineError {
    let message = format!("the rows cannot be compared: {error}");
    PipelineError::finding(codes::TEST_NOT_RUN, message, &format!("test {}", test.name))
}
