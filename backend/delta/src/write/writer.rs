//! One stream of batches into files.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use datafusion::execution::runtime_env::RuntimeEnv;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use super::encoder::{Encoder, Queue, bytes_of};
use super::files::{Uncommitted, WrittenFiles};
use super::target::Target;
use crate::error::{DeltaError, Result};

/// Batches that may wait for the encoder: enough that producer and encoder overlap.
const WAITING_BATCHES: usize = 2;

/// Writes batches to data files of a [`TableTarget`](super::TableTarget).
///
/// Checking, encoding and compressing happen in the writer's own tokio task, one core at most; on a
/// multi-threaded runtime the producer runs beside it and is held back by a queue of two batches. The first 32 Ki
/// rows are held back until the writer has chosen how to encode each column.
///
/// # Memory
/// What a writer holds is counted in the memory pool it was started with
/// ([`TableTarget::writer_within`](super::TableTarget::writer_within)): waiting batches, the sample, unfinished row
/// groups and the entries of finished files. All of them are bounded in bytes, by shares of the pool's limit: row groups
/// have 128 MiB at the most, all unfinished ones of a writer 256 MiB. About 8 MB are usual, a row group of 256 Ki rows
/// of TPC-H `lineitem`. When the pool refuses more, row groups end early.
///
/// A partitioned table has an open file for each of the first 64 values a writer meets, or for fewer when memory is
/// short. The rows of other values are sorted, with spill files if need be, and written when the writer is closed: one
/// file a value, however many there are.
///
/// Dropping a writer without closing it deletes what it wrote, in the background.
pub struct TableWriter {
    location: String,
    queue: Sender<Message>,
    room: Queue,
    bytes: Arc<AtomicU64>,
    task: JoinHandle<Result<WrittenFiles>>,
}

enum Message {
    /// A batch, and its room in the queue: free when it has been written.
    Batch(RecordBatch, Option<OwnedSemaphorePermit>),
    Close,
}

impl TableWriter {
    pub(crate) fn start(target: Arc<Target>, runtime: Arc<RuntimeEnv>, name: &str) -> Self {
        let (queue, batches) = channel(WAITING_BATCHES);
        let room = Queue::new(&runtime.memory_pool);
        let location = target.location.text().to_owned();
        let bytes = Arc::new(AtomicU64::new(0));
        let uncommitted = Uncommitted::new(target.disk.clone());
        let files = uncommitted.new_files(target.root.clone(), Arc::clone(&bytes));
        let encoder = Encoder::new(Arc::clone(&target), files, runtime, name, room.clone());
        let task = tokio::spawn(write(target, batches, encoder, uncommitted));
        Self { location, queue, room, bytes, task }
    }

    /// Bytes of data files handed to the storage so far. They come in row groups, so what waits for the end of one is
    /// not among them.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Queues a batch with the columns the target was prepared for, in any order and string encoding.
    ///
    /// # Errors
    /// Whatever stopped the writer, perhaps at an earlier batch: [`DeltaError::ConstraintViolation`],
    /// [`DeltaError::InvalidData`], [`DeltaError::OrderViolation`], [`DeltaError::Delta`]. What was written is deleted by then.
    pub async fn write(&mut self, batch: RecordBatch) -> Result<()> {
        let room = self.room.room(bytes_of(&batch)).await;
        match self.queue.send(Message::Batch(batch, room)).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.stopped().await),
        }
    }

    /// Finishes the files.
    ///
    /// # Errors
    /// As [`TableWriter::write`].
    pub async fn close(mut self) -> Result<WrittenFiles> {
        if self.queue.send(Message::Close).await.is_err() {
            return Err(self.stopped().await);
        }
        match (&mut self.task).await {
            Ok(outcome) => outcome,
            Err(stopped) => {
                Err(DeltaError::WriterStopped { location: self.location, reason: stopped.to_string() })
            }
        }
    }

    /// Deletes what was written; returns when it is gone.
    pub async fn abort(self) {
        let Self { queue, task, .. } = self;
        drop(queue);
        // The task's answer is that it was abandoned.
        let _abandoned = task.await;
    }

    async fn stopped(&mut self) -> DeltaError {
        let reason = match (&mut self.task).await {
            Ok(Err(error)) => return error,
            Ok(Ok(_)) => "it was closed before".into(),
            Err(stopped) => stopped.to_string(),
        };
        DeltaError::WriterStopped { location: self.location.clone(), reason }
    }
}

async fn write(
    target: Arc<Target>,
    mut batches: Receiver<Message>,
    mut encoder: Encoder,
    mut uncommitted: Uncommitted,
) -> Result<WrittenFiles> {
    let mut encoding = Duration::ZERO;
    let failure = loop {
        let (batch, room) = match batches.recv().await {
            Some(Message::Batch(batch, room)) => (batch, room),
            Some(Message::Close) => break None,
            None => {
                break Some(DeltaError::WriterStopped {
                    location: target.location.to_string(),
                    reason: "it was dropped before it was closed".into(),
                });
            }
        };
        if let Err(error) = timed(encoder.write(&batch), &mut encoding).await {
            break Some(error);
        }
        drop((batch, room));
    };
    // Closed at once, so that a blocked producer learns of a failure while files are being deleted.
    batches.close();
    let outcome = match failure {
        None => timed(encoder.close(), &mut encoding).await,
        Some(failure) => {
            // Nothing must be created any more when its files are deleted.
            drop(encoder);
            Err(failure)
        }
    };
    match outcome {
        Ok((adds, digest)) => {
            let table = target.location.url().clone();
            Ok(WrittenFiles { table, adds, digest, encoding, uncommitted })
        }
        Err(error) => {
            uncommitted.delete().await;
            Err(error)
        }
    }
}

/// The result of a future; adds the time that was worked at it, and none in which it waited.
async fn timed<F: Future>(work: F, spent: &mut Duration) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|context| {
        let begun = Instant::now();
        let polled = work.as_mut().poll(context);
        *spent += begun.elapsed();
        polled
    })
    .await
}
