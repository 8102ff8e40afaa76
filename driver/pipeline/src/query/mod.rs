//! A query over the tables of a lake, and the first rows of a view of a spec: what is read while it is computed.

mod preview;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use engine::{DataFusionError, EngineError, RunError};
use futures::{Stream, StreamExt as _};
use ir::diag::{Diagnostic, codes};
use ir::oracle::TableError;
use tokio::sync::mpsc::{Receiver, channel};

pub use preview::{Preview, Scanned, ScannedInput};

use crate::folders::absolute;
use crate::{PipelineError, Result, Workers};

/// Batches that wait to be read. A query stops computing while this many do.
const WAITING_BATCHES: usize = 2;

/// The rows of a query, computed on the workers' threads while they are read here.
pub struct Rows {
    /// The columns.
    pub schema: SchemaRef,
    batches: Box<dyn Iterator<Item = Result<RecordBatch>>>,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rows({})", self.schema)
    }
}

impl Rows {
    /// Plans and starts one `SELECT` over the Delta tables in the folder `lake`; a table's name is its folder's.
    /// Dropping the rows stops it.
    ///
    /// # Errors
    /// When the query does not parse or fit the tables, or a table is not there or cannot be opened.
    pub fn of(query: &str, lake: &Path, workers: &Workers) -> Result<Self> {
        let session = workers.session()?;
        let (lake, query) = (absolute(lake)?, query.to_owned());
        let folder = lake.clone();
        let planned = workers.run_unless_stopped(async move { session.sql(&query, &lake).await })?;
        let planned = planned.map_err(|error| refused(error, &folder))?;
        let failed = |error: Stopped<DataFusionError>| match error {
            Stopped::ByWorkers => PipelineError::Interrupted("the query was stopped".to_owned()),
            Stopped::By(error) => {
                let message = format!("the query failed: {}", engine::message_of(&error));
                let code = RunError::execution("query", error).diagnostic().code;
                PipelineError::finding(code, message, "query")
            }
        };
        let batches = read_ahead(planned.batches, workers)?;
        Ok(Self { schema: planned.schema, batches: Box::new(batches.map(move |next| next.map_err(failed))) })
    }
}

/// Why there are no more batches.
enum Stopped<E> {
    ByWorkers,
    By(E),
}

/// Batches that are computed on the workers' threads while they are read, a few ahead. Dropping them stops it.
fn read_ahead<E: Send + 'static>(
    mut stream: impl Stream<Item = Result<RecordBatch, E>> + Send + Unpin + 'static,
    workers: &Workers,
) -> Result<Batches<E>> {
    let cancellation = workers.cancellation().clone();
    let (send, batches) = channel(WAITING_BATCHES);
    workers.runtime()?.spawn(async move {
        loop {
            let next = tokio::select! {
                biased;
                () = cancellation.cancelled() => Some(Err(Stopped::ByWorkers)),
                next = stream.next() => next.map(|batch| batch.map_err(Stopped::By)),
            };
            let Some(next) = next else { return };
            let is_last = next.is_err();
            // Nobody listens when enough rows have been read.
            if send.send(next).await.is_err() || is_last {
                return;
            }
        }
    });
    Ok(Batches(batches))
}

/// What [`read_ahead`] gives.
struct Batches<E>(Receiver<Result<RecordBatch, Stopped<E>>>);

impl<E> Iterator for Batches<E> {
    type Item = Result<RecordBatch, Stopped<E>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.blocking_recv()
    }
}

/// Why a query cannot be planned; for a table that is not there, the tables that are.
fn refused(error: EngineError, lake: &Path) -> PipelineError {
    match &error {
        EngineError::Table { location, source: TableError::NotFound(_), .. } => {
            let message = format!("there is no table `{location}` in `{}`", lake.display());
            let finding =
                Diagnostic::new(codes::UNKNOWN_TABLE, message).found(location).allowed(tables_in(lake));
            PipelineError::diagnostic(finding.suggest_nearest(), "query")
        }
        _ => PipelineError::engine(error, "query"),
    }
}

/// The names of the Delta tables directly in a folder.
fn tables_in(lake: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(lake).into_iter().flatten().flatten();
    let tables = entries.filter(|entry| entry.path().join("_delta_log").is_dir());
    tables.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

impl Iterator for Rows {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.next()
    }
}
