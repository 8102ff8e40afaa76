//! Commands that make or read tables, or tell of it.

pub(super) mod build;
pub(super) mod extract;
pub(super) mod preview;
pub(super) mod replay;
pub(super) mod run;
pub(super) mod runs;
pub(super) mod sql;
pub(super) mod test;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use pipeline::{Compilation, Outcome, PipelineError, PublishOptions, publish};

use super::Context;
use crate::cli::Format;
use crate::failure::Failure;
use crate::report;

/// Publishes what was compiled and shows how it goes. Says what was found meanwhile, and where a run that failed cannot be
/// recorded.
fn published(
    compilation: Compilation,
    options: PublishOptions,
    context: &mut Context<'_>,
) -> Result<Outcome, Failure> {
    let progress = Arc::new(context.console.progress());
    let map = compilation.source.map.clone();
    let observer = Arc::new((Arc::clone(&progress), context.telemetry.observer()));
    let options = PublishOptions { run_id: Some(context.telemetry.run_id().to_owned()), ..options };
    let outcome = publish(compilation, context.workers()?, options, observer);
    context.console.diagnose(&progress.warnings(), &map);
    if let Some(reason) = progress.not_recorded() {
        context.console.fail(&Failure::User(format!("the run cannot be recorded in {reason}")));
    }
    Ok(outcome?)
}

/// Prints rows in the form that is asked for: as text the first `max_rows` only.
fn print_rows(
    context: &mut Context<'_>,
    schema: &SchemaRef,
    batches: &mut dyn Iterator<Item = Result<RecordBatch, PipelineError>>,
    max_rows: usize,
) -> Result<(), Failure> {
    match context.console.format {
        Format::Text => print_text(context, schema, batches, max_rows),
        Format::Json => report::print_json(&mut context.console, batches),
        Format::Csv => report::print_csv(&mut context.console, schema, batches),
    }
}

/// Prints the first rows as a table, and whether there are more. Rows that are not shown are not computed.
fn print_text(
    context: &mut Context<'_>,
    schema: &SchemaRef,
    batches: &mut dyn Iterator<Item = Result<RecordBatch, PipelineError>>,
    max_rows: usize,
) -> Result<(), Failure> {
    let mut shown = Vec::new();
    let mut room = max_rows;
    let mut more = false;
    for batch in batches {
        let batch = batch?;
        if batch.num_rows() > room {
            shown.push(batch.slice(0, room));
            more = true;
            break;
        }
        room -= batch.num_rows();
        shown.push(batch);
    }
    context.console.print(&report::text_table(schema, &shown)?)?;
    if more {
        context.console.flush()?;
        context.console.note(&format!(
            "the first {max_rows} rows; `--max-rows N` shows more, `--format csv` and `--format json` print all\n"
        ));
    }
    Ok(())
}
