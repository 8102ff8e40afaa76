//! `driver test SPEC`: runs the tests of a spec and shows how they ended.

use ir::diag::{Severity, escape_text, resolve};
use pipeline::testing::{DiffLine, RowDiff, TestOutcome, Verdict, run_tests};
use serde_json::{Value, json};

use crate::cli::TestArgs;
use crate::commands::Context;
use crate::failure::Failure;

pub(in crate::commands) fn run(arguments: &TestArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let source = context.read_spec_with(&arguments.spec.spec, &arguments.spec.parameters)?;
    let only = arguments.test.as_deref();
    let outcomes = run_tests(&source, only, context.workers()?, &mut |_| {})?;
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    if context.console.is_json() {
        context.console.print_json(&Value::Array(outcomes.iter().map(as_json).collect()))?;
    } else {
        let text: String =
            outcomes.iter().map(|outcome| as_text(outcome, source.map.name().as_str())).collect();
        if outcomes.is_empty() {
            context.console.note("the spec has no tests; they stand below `tests:`\n");
        }
        let passed = outcomes.len() - failed;
        context.console.print(&format!("{text}{passed} passed, {failed} failed\n"))?;
    }
    if failed == 0 {
        return Ok(());
    }
    let noun = if failed == 1 { "test" } else { "tests" };
    Err(Failure::User(format!("{failed} {noun} of {} failed", outcomes.len())))
}

/// A line that says how a test ended; below it what differs.
fn as_text(outcome: &TestOutcome, file: &str) -> String {
    let (name, view) = (escape_text(&outcome.name), escape_text(&outcome.view));
    let seconds = outcome.time.as_secs_f64();
    let place = outcome.line.map_or(String::new(), |line| format!(", {}:{line}", escape_text(file)));
    match &outcome.verdict {
        Verdict::Passed => format!("passed  {name} (view {view}, {seconds:.2} s)\n"),
        Verdict::Failed(diff) => format!("FAILED  {name} (view {view}{place})\n{}", diff_text(diff)),
        Verdict::Broken(error) => {
            let why = broken_lines(error);
            format!("FAILED  {name} (view {view}{place})\n  it cannot be run: {}\n", escape_text(&why))
        }
    }
}

/// Why a test cannot be run: every reason, with its line.
fn broken_lines(error: &pipeline::PipelineError) -> String {
    match error {
        pipeline::PipelineError::Findings { diagnostics, map } => {
            let told =
                resolve(diagnostics, map).into_iter().filter(|found| found.severity == Severity::Error);
            let said = told.map(|found| {
                let line = found.line.map_or(String::new(), |line| format!(" (line {line})"));
                let meant =
                    found.suggestion.map_or(String::new(), |near| format!(" (did you mean `{near}`?)"));
                format!("{}{line}: {}{meant}", found.code, found.message)
            });
            said.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

/// The rows that differ: `-` is expected and missing, `+` is given and not expected; `*` marks the cells that differ.
fn diff_text(diff: &RowDiff) -> String {
    let cell = |line: &DiffLine, at: usize| {
        let value = line.cells.get(at).and_then(Option::as_deref);
        let text = value.map_or("NULL".to_owned(), |text| escape_text(text).into_owned());
        if line.changed.get(at).copied().unwrap_or(false) { format!("*{text}*") } else { text }
    };
    let header: Vec<String> = diff.columns.iter().map(|column| escape_text(column).into_owned()).collect();
    let mut table = vec![(' ', header)];
    for line in &diff.lines {
        let sign = if line.is_expected { '-' } else { '+' };
        table.push((sign, (0..diff.columns.len()).map(|at| cell(line, at)).collect()));
    }
    let width =
        |at: usize| table.iter().filter_map(|(_, row)| row.get(at)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..diff.columns.len()).map(|at| width(at).unwrap_or(0)).collect();
    let mut text = String::new();
    for (sign, row) in &table {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let room = width.saturating_sub(cell.chars().count());
            format!("{cell}{}", " ".repeat(room))
        });
        let line = format!("  {sign} {}", cells.collect::<Vec<_>>().join("  "));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let missing = diff.lines.iter().filter(|line| line.is_expected).count();
    let unexpected = diff.lines.len() - missing;
    let order = if diff.ordered { "; rows are compared in order" } else { "" };
    text.push_str(&format!(
        "  {missing} missing (-), {unexpected} unexpected (+), {} as expected{order}\n",
        diff.equal
    ));
    text
}

fn as_json(outcome: &TestOutcome) -> Value {
    let mut value = json!({
        "test": outcome.name, "view": outcome.view, "line": outcome.line, "passed": outcome.passed(),
        "seconds": outcome.time.as_secs_f64(),
    });
    match &outcome.verdict {
        Verdict::Passed => {}
        Verdict::Failed(diff) => {
            let line = |line: &DiffLine| json!({"kind": if line.is_expected { "missing" } else { "unexpected" }, "cells": line.cells, "changed": line.changed});
            value["columns"] = diff.columns.clone().into();
            value["rows"] = diff.lines.iter().map(line).collect();
            value["equal"] = diff.equal.into();
            value["ordered"] = diff.ordered.into();
        }
        Verdict::Broken(error) => value["error"] = broken_lines(error).into(),
    }
    value
}
