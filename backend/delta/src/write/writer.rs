//! One stream of batches into files.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use deltalake::datafile::writer::DeltaWriter;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use super::files::{Uncommitted, WrittenFiles};
use super::target::Target;
use crate::error::{DeltaError, Result};

/// Batches that may wait for the encoder: enough that producer and encoder overlap, few enough that they
/// do not count against the memory of a query.
const WAITING_BATCHES: usize = 2;

/// Writes batches to data files of a [`TableTarget`](super::TableTarget).
///
/// Checking, encoding and compressing happen in the writer's own tokio task, one core at most; on a
/// multi-threaded runtime the producer runs beside it and is held back by a queue of two batches. A
/// partitioned table has one open file per writer and partition value, each with up to one row group
/// (256 Ki rows) in memory: feed a writer few partitions, or sorted ones.
///
/// Dropping a writer without closing it deletes what it wrote, in the background.
pub struct TableWriter {
    location: String,
    queue: Sender<Message>,
    task: JoinHandle<Result<WrittenFiles>>,
}

enum Message {
    Batch(RecordBatch),
    Close,
}

impl TableWriter {
    pub(crate) fn start(target: Arc<Target>) -> Self {
        let (queue, batches) = channel(WAITING_BATCHES);
        let location = target.location.text().to_owned();
        Self { location, queue, task: tokio::spawn(write(target, batches)) }
    }

    /// Queues a batch with the columns the target was prepared for, in any order and string encoding.
    ///
    /// # Errors
    /// Whatever stopped the writer, perhaps at an earlier batch: [`DeltaError::ConstraintViolation`],
    /// [`DeltaError::InvalidData`], [`DeltaError::Delta`]. What was written is deleted by then.
    pub async fn write(&mut self, batch: RecordBatch) -> Result<()> {
        match self.queue.send(Message::Batch(batch)).await {
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

async fn write(target: Arc<Target>, mut batches: Receiver<Message>) -> Result<WrittenFiles> {
    let (mut uncommitted, store) = Uncommitted::new(target.store.object_store(None));
    let mut writer = DeltaWriter::new(store, target.config.clone());
    let mut rows = 0u64;
    let failure = loop {
        let batch = match batches.recv().await {
            Some(Message::Batch(batch)) => batch,
            Some(Message::Close) => break None,
            None => {
                break Some(DeltaError::WriterStopped {
                    location: target.location.to_string(),
                    reason: "it was dropped before it was closed".into(),
                });
            }
        };
        rows += u64::try_from(batch.num_rows()).unwrap_or(0);
        if let Err(error) = encode(&target, &mut writer, &batch).await {
            break Some(error);
        }
    };
    // Closed at once, so that a blocked producer learns of a failure while files are being deleted.
    batches.close();
    let location = target.location.text();
    let outcome = match failure {
        None => {
            writer.close().await.map_err(|error| DeltaError::delta(location, "finishing a data file", error))
        }
        Some(failure) => {
            // Parts of unfinished uploads go here; a failure to remove them must not hide the cause.
            let _ = writer.abort().await;
            Err(failure)
        }
    };
    match outcome {
        Ok(adds) => Ok(WrittenFiles { table: target.location.url().clone(), adds, rows, uncommitted }),
        Err(error) => {
            uncommitted.delete().await;
            Err(error)
        }
    }
}

async fn encode(target: &Target, writer: &mut DeltaWriter, batch: &RecordBatch) -> Result<()> {
    let batch = target.checks.apply(batch)?;
    writer
        .write(&batch)
        .await
        .map_err(|error| DeltaError::delta(target.location.text(), "writing a data file", error))
}
