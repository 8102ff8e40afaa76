//! One stream of batches into files.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::record_batch::RecordBatch;
use deltalake::datafile::writer::DeltaWriter;
use deltalake::kernel::Add;
use deltalake::logstore::object_store::ObjectStore;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::bounds::Bounds;
use super::encoding::{SAMPLE_ROWS, for_sample};
use super::files::{Uncommitted, WrittenFiles};
use super::target::Target;
use crate::error::{DeltaError, Result};
use crate::order::{OrderCheck, tag, to_text};

/// Batches that may wait for the encoder: enough that producer and encoder overlap, few enough that they
/// do not count against the memory of a query.
const WAITING_BATCHES: usize = 2;

/// Writes batches to data files of a [`TableTarget`](super::TableTarget).
///
/// Checking, encoding and compressing happen in the writer's own tokio task, one core at most; on a
/// multi-threaded runtime the producer runs beside it and is held back by a queue of two batches. The first 32 Ki
/// rows are held back until the writer has chosen how to encode each column.
///
/// # Memory
/// Not counted by any memory pool. A writer holds the sample at first, then one row group (256 Ki rows), encoded and
/// mostly compressed: about 8 MB for TPC-H `lineitem`. Parts that are being sent, 5 MB each, come on top. A
/// partitioned table has one open file per writer and partition value, each with a row group of its own: feed a
/// writer few partitions, or sorted ones.
///
/// Dropping a writer without closing it deletes what it wrote, in the background.
pub struct TableWriter {
    location: String,
    queue: Sender<Message>,
    bytes: Arc<AtomicU64>,
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
        let bytes = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(write(target, batches, Arc::clone(&bytes)));
        Self { location, queue, bytes, task }
    }

    /// Bytes of data files handed to the storage so far. They come in parts of some megabytes, so what is encoded
    /// or waits to be is not among them.
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

async fn write(
    target: Arc<Target>,
    mut batches: Receiver<Message>,
    bytes: Arc<AtomicU64>,
) -> Result<WrittenFiles> {
    let mut uncommitted = Uncommitted::new(target.disk.clone());
    let store = uncommitted.store(target.root.clone(), bytes);
    let mut encoder = Encoder::new(Arc::clone(&target), store);
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
        if let Err(error) = encoder.write(&batch).await {
            break Some(error);
        }
    };
    // Closed at once, so that a blocked producer learns of a failure while files are being deleted.
    batches.close();
    let rows = encoder.rows;
    let outcome = match failure {
        None => encoder.close().await,
        Some(failure) => {
            encoder.abort().await;
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

/// Checks batches, looks at the first of them to choose encodings, and hands all to the Delta library's writer.
struct Encoder {
    target: Arc<Target>,
    store: Arc<dyn ObjectStore>,
    /// The first batches, until there are enough of them.
    sample: Vec<RecordBatch>,
    /// Absent until the encodings are chosen.
    writer: Option<DeltaWriter>,
    order: Option<OrderCheck>,
    bounds: Bounds,
    rows: u64,
}

impl Encoder {
    fn new(target: Arc<Target>, store: Arc<dyn ObjectStore>) -> Self {
        let schema = &target.schema.arrow;
        let columns = target.sort_by.iter().filter_map(|sort| schema.index_of(&sort.column).ok()).collect();
        let order = (!target.sort_by.is_empty()).then(|| OrderCheck::new(&target.sort_by, columns));
        let bounds = Bounds::new(Arc::clone(schema));
        Self { target, store, sample: Vec::new(), writer: None, order, bounds, rows: 0 }
    }

    async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = self.target.checks.apply(batch)?;
        self.check_order(&batch)?;
        self.bounds.see(&batch);
        self.rows += u64::try_from(batch.num_rows()).unwrap_or(0);
        if self.writer.is_some() {
            return self.encode(&batch).await;
        }
        self.sample.push(batch);
        if self.rows < SAMPLE_ROWS { Ok(()) } else { self.encode_sample().await }
    }

    fn check_order(&mut self, batch: &RecordBatch) -> Result<()> {
        let Some(order) = &mut self.order else { return Ok(()) };
        let location = self.target.location.text();
        let follows = order
            .follows(batch)
            .map_err(|error| DeltaError::engine(location, "checking the order of rows", error))?;
        if follows {
            return Ok(());
        }
        Err(DeltaError::OrderViolation {
            location: location.into(),
            access: "written to",
            order: to_text(&self.target.sort_by),
            advice: "sort what each writer gets, or leave the order out",
        })
    }

    /// Chooses the encodings by the batches that wait for it, and encodes them.
    async fn encode_sample(&mut self) -> Result<()> {
        let sample = std::mem::take(&mut self.sample);
        let properties = for_sample(&self.target.properties, &sample);
        let writer = DeltaWriter::new(Arc::clone(&self.store), self.target.config.clone());
        self.writer = Some(writer.with_writer_properties(properties));
        for batch in &sample {
            self.encode(batch).await?;
        }
        Ok(())
    }

    async fn encode(&mut self, batch: &RecordBatch) -> Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let location = self.target.location.text();
        writer.write(batch).await.map_err(|error| DeltaError::delta(location, "writing a data file", error))
    }

    async fn close(mut self) -> Result<Vec<Add>> {
        if let Err(error) = self.encode_sample_if_waiting().await {
            self.abort().await;
            return Err(error);
        }
        let Some(writer) = self.writer else { return Ok(Vec::new()) };
        let location = self.target.location.text();
        let mut adds = writer
            .close()
            .await
            .map_err(|error| DeltaError::delta(location, "finishing a data file", error))?;
        for add in &mut adds {
            self.bounds.hold(add);
        }
        if !self.target.sort_by.is_empty() {
            tag(&mut adds, &self.target.sort_by, Uuid::new_v4())
                .map_err(|reason| DeltaError::InvalidData { location: location.into(), reason })?;
        }
        Ok(adds)
    }

    async fn encode_sample_if_waiting(&mut self) -> Result<()> {
        if self.writer.is_some() { Ok(()) } else { self.encode_sample().await }
    }

    async fn abort(self) {
        let Some(writer) = self.writer else { return };
        // Parts of unfinished uploads go here; a failure to remove them must not hide the cause.
        let _ = writer.abort().await;
    }
}
