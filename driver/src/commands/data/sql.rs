//! `driver sql QUERY`: a query over the tables of a lake.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use ir::spec::MAX_SPEC_BYTES;
use ir::stage::Stage;
use pipeline::{Observer as _, PipelineError, Rows};

use crate::cli::{DEFAULT_LAKE, Format, SqlArgs};
use crate::commands::Context;
use crate::failure::Failure;
use crate::report;

pub(in crate::commands) fn run(arguments: &SqlArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let lake = context.lake(arguments.lake.as_deref())?.unwrap_or_else(|| PathBuf::from(DEFAULT_LAKE));
    if !lake.is_dir() {
        return Err(Failure::User(format!(
            "there is no lake at `{}`; make one with `driver build REPO`, or name one with `--lake DIR` \
             (`build` writes to REPO/{DEFAULT_LAKE})",
            lake.display()
        )));
    }
    let query = query_text(&arguments.query, context)?;
    let progress = context.console.progress();
    progress.stage_started(Stage::Query);
    let mut rows = Rows::of(&query, &lake, context.workers()?)?;
    let schema = Arc::clone(&rows.schema);
    // The line must be gone when the first row is printed.
    let first = rows.next();
    drop(progress);
    let mut batches = first.into_iter().chain(rows);
    match context.console.format {
        Format::Text => print_text(context, &schema, &mut batches, arguments.max_rows),
        Format::Json => report::print_json(&mut context.console, batches),
        Format::Csv => report::print_csv(&mut context.console, &schema, batches),
    }
}

fn query_text(argument: &str, context: &mut Context<'_>) -> Result<String, Failure> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let limit = u64::try_from(MAX_SPEC_BYTES).unwrap_or(u64::MAX);
    let mut text = String::new();
    let failed = |error| Failure::User(format!("the query cannot be read from stdin: {error}"));
    context.stdin.take(limit).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
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
