//! `driver sql QUERY`: a query over the tables of a lake.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use engine::EngineError;
use futures::StreamExt as _;
use ir::diag::{Diagnostic, codes};
use ir::oracle::TableError;
use ir::spec::MAX_SPEC_BYTES;
use tokio::sync::mpsc::{Receiver, channel};

use crate::cli::{DEFAULT_LAKE, Format, SqlArgs};
use crate::commands::{Context, Workers};
use crate::compilation::absolute;
use crate::failure::Failure;
use crate::report;

/// Batches that wait to be printed. A query stops computing while this many do.
const WAITING_BATCHES: usize = 2;

pub(in crate::commands) fn run(arguments: &SqlArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    if !arguments.lake.is_dir() {
        return Err(Failure::User(format!(
            "there is no lake at `{}`; make one with `driver build REPO`, or name one with `--lake DIR` \
             (`build` writes to REPO/{DEFAULT_LAKE})",
            arguments.lake.display()
        )));
    }
    let query = query_text(&arguments.query, context)?;
    let progress = context.console.progress();
    progress.stage("running the query");
    let mut rows = Rows::of(&query, &arguments.lake, &context.workers)?;
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
    batches: &mut dyn Iterator<Item = Result<RecordBatch, Failure>>,
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

/// The rows of a query, computed on the runtime while they are read here.
pub(super) struct Rows {
    /// The columns.
    pub(super) schema: SchemaRef,
    batches: Receiver<Result<RecordBatch, Failure>>,
}

impl Rows {
    /// Plans and starts a query over the tables in `lake`. Dropping the rows stops it.
    pub(super) fn of(query: &str, lake: &Path, workers: &Workers) -> Result<Self, Failure> {
        let session = workers.session()?;
        let (lake, query) = (absolute(lake)?, query.to_owned());
        let folder = lake.clone();
        let planned = workers.run(async move { session.sql(&query, &lake).await })?;
        let planned = planned.map_err(|error| refused(&error, &folder))?;
        let (runtime, cancellation) = workers.started()?;
        let cancellation = cancellation.clone();
        let (send, batches) = channel(WAITING_BATCHES);
        let mut stream = planned.batches;
        runtime.spawn(async move {
            loop {
                let next = tokio::select! {
                    biased;
                    () = cancellation.cancelled() => Some(Err(Failure::Interrupted("the query was stopped".to_owned()))),
                    next = stream.next() => next.map(|batch| batch.map_err(|error| {
                        let message = format!("the query failed: {}", error.strip_backtrace());
                        let error = EngineError::Plan { node: "query".to_owned(), source: Box::new(error) };
                        Failure::finding(error.diagnostic().code, message, "query")
                    })),
                };
                let Some(next) = next else { return };
                let is_last = next.is_err();
                // Nobody listens when enough rows have been read.
                if send.send(next).await.is_err() || is_last {
                    return;
                }
            }
        });
        Ok(Self { schema: planned.schema, batches })
    }
}

/// Why a query cannot be planned; for a table that is not there, the tables that are.
fn refused(error: &EngineError, lake: &Path) -> Failure {
    match error {
        EngineError::Table { location, source: TableError::NotFound(_), .. } => {
            let message = format!("there is no table `{location}` in `{}`", lake.display());
            let finding =
                Diagnostic::new(codes::UNKNOWN_TABLE, message).found(location).allowed(tables_in(lake));
            Failure::diagnostic(finding.suggest_nearest(), "query")
        }
        _ => Failure::engine(error, "query"),
    }
}

/// The names of the Delta tables directly in a folder.
fn tables_in(lake: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(lake).into_iter().flatten().flatten();
    let tables = entries.filter(|entry| entry.path().join("_delta_log").is_dir());
    tables.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

impl Iterator for Rows {
    type Item = Result<RecordBatch, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.blocking_recv()
    }
}
