//! `EXPLAIN`: how a query is computed, as lines of text; with `ANALYZE`, how it was.

use std::fmt::Write as _;
use std::time::Duration;

use engine::{OperatorMetrics, Stage};
use ir::text::print;

use crate::{Compilation, Result, Workers};

/// The plans of a compiled query: the physical ones; with `verbose` the graph, and every form of the plans on the way.
///
/// # Errors
/// When it cannot be planned, or the workers are stopped.
pub(super) fn explained(compilation: &Compilation, verbose: bool, workers: &Workers) -> Result<String> {
    let plans = compilation.plan(workers)?;
    if !verbose {
        return plans.explain(Stage::Physical, workers);
    }
    let mut text = format!("== graph\n{}", print(&compilation.graph));
    let stages =
        [("as emitted", Stage::Plan), ("optimized", Stage::Optimized), ("physical", Stage::Physical)];
    for (name, stage) in stages {
        let _ = write!(text, "\n== {name}\n{}", plans.explain(stage, workers)?);
    }
    Ok(text)
}

/// The operators of a query after it was computed to its end, with what each gave, and how long that took.
///
/// # Errors
/// When it fails, or the workers are stopped.
pub(super) fn analyzed(compilation: &Compilation, workers: &Workers) -> Result<String> {
    let began = std::time::Instant::now();
    let mut rows = compilation.preview(workers)?;
    let mut given = 0;
    for batch in rows.by_ref() {
        given += batch?.num_rows();
    }
    let rows_word = if given == 1 { "row" } else { "rows" };
    let mut text = format!("{given} {rows_word} in {:.3} s\n", began.elapsed().as_secs_f64());
    for operator in rows.operators() {
        let _ = writeln!(text, "{}", line(&operator));
    }
    Ok(text)
}

/// An operator and what it did.
fn line(operator: &OperatorMetrics) -> String {
    // What it computes begins with its name.
    let described = operator.described.split_whitespace().collect::<Vec<_>>().join(" ");
    let named = if described.is_empty() { &operator.name } else { &described };
    let mut line = format!("{}{named}", "  ".repeat(operator.depth));
    if let Some(rows) = operator.output_rows {
        let _ = write!(line, " rows={rows}");
    }
    if let Some(nanos) = operator.elapsed_compute_nanos {
        let time = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let _ = write!(line, " seconds={:.3}", time.as_secs_f64());
    }
    if let Some(scan) = &operator.scan {
        let _ = write!(line, " bytes={}", scan.bytes);
    }
    if let Some(bytes) = operator.spilled_bytes.filter(|bytes| *bytes > 0) {
        let _ = write!(line, " spilled={bytes}");
    }
    line
}
