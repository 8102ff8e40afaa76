//! Questions about the tables of a lake in SQL, and the rows of a view of a spec: what is read while it is computed.
//!
//! ```text
//! Statement::all: a text -> its statements
//! Lake::ask: a statement -> a spec of one view, compiled as any -> Answer: rows
//! ```
//!
//! | module | does |
//! |---|---|
//! | lake | which tables there are |
//! | statement | a text as statements |
//! | ask | a statement -> what answers it |
//! | answer | its rows |
//! | catalog | what is told of tables, columns and functions |
//! | plans | `EXPLAIN` |
//! | given | rows of the program's own, as tables of a folder |
//! | preview | the rows of a compilation that shows some |

mod answer;
mod ask;
mod catalog;
mod given;
mod lake;
mod plans;
mod preview;
mod statement;

use arrow::array::RecordBatch;
use futures::{Stream, StreamExt as _};
use tokio::sync::mpsc::{Receiver, channel};

pub use answer::{Answer, AnswerRows};
pub use ask::Asking;
pub(crate) use given::write_rows;
pub use lake::{Lake, LakeTable, MAIN_SCHEMA};
pub use preview::{Preview, Scanned, ScannedInput};
pub use statement::Statement;

use crate::{Result, Workers};

/// Batches that wait to be read. A query stops computing while this many do.
const WAITING_BATCHES: usize = 2;

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
