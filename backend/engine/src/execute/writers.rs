//! The writers of an output while it is written.
//!
//! What is estimated as small is begun by one writer for all partitions, and each partition opens its own when that one has
//! written [`ONE_WRITER_BYTES`].

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::execution::runtime_env::RuntimeEnv;
use delta::{DeltaError, TableTarget, TableWriter, WrittenFiles};
use tokio::sync::Mutex;

use crate::planning::{ONE_WRITER_BYTES, Sharing};

/// The writers of one output.
pub(super) struct Writers {
    target: TableTarget,
    /// Whose memory pool counts what they hold.
    runtime: Arc<RuntimeEnv>,
    /// The output.
    name: String,
    /// What the writer for everybody may write before everybody gets an own one.
    shared_bytes: u64,
    shared: Mutex<Shared>,
}

enum Shared {
    /// The writer for everybody, once there is a row.
    Open(Option<TableWriter>),
    /// Everybody has an own writer.
    Gone,
}

impl Writers {
    pub(super) fn new(target: TableTarget, sharing: Sharing, runtime: &Arc<RuntimeEnv>, name: &str) -> Self {
        let shared = match sharing {
            Sharing::OneAtFirst => Shared::Open(None),
            Sharing::Own => Shared::Gone,
        };
        let (runtime, name) = (Arc::clone(runtime), name.to_owned());
        Self { target, runtime, name, shared_bytes: ONE_WRITER_BYTES, shared: Mutex::new(shared) }
    }

    fn start(&self) -> TableWriter {
        self.target.writer_within(&self.runtime, &self.name)
    }

    /// Hands `batch` to the writer for everybody, or to `own`, which is started if need be.
    pub(super) async fn write(
        &self,
        own: &mut Option<TableWriter>,
        batch: RecordBatch,
    ) -> Result<(), DeltaError> {
        if own.is_none() {
            let mut shared = self.shared.lock().await;
            if let Shared::Open(writer) = &mut *shared {
                let writer = writer.get_or_insert_with(|| self.start());
                if writer.bytes_written() < self.shared_bytes {
                    let written = writer.write(batch).await;
                    if written.is_err() {
                        // It has stopped and cleaned up.
                        *shared = Shared::Gone;
                    }
                    return written;
                }
                // Whoever finds it full goes on with it.
                if let Shared::Open(writer) = std::mem::replace(&mut *shared, Shared::Gone) {
                    *own = writer;
                }
            }
        }
        own.get_or_insert_with(|| self.start()).write(batch).await
    }

    /// Finishes the writer for everybody.
    pub(super) async fn close(self) -> Result<Option<WrittenFiles>, DeltaError> {
        match self.shared.into_inner() {
            Shared::Open(Some(writer)) => writer.close().await.map(Some),
            Shared::Open(None) | Shared::Gone => Ok(None),
        }
    }

    /// Deletes what the writer for everybody has written.
    pub(super) async fn abort(self) {
        if let Shared::Open(Some(writer)) = self.shared.into_inner() {
            writer.abort().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    fn numbers(from: i64) -> RecordBatch {
        let values: Int64Array =
            (from..from + 20_000).map(|value| value.wrapping_mul(0x5DEE_CE66_D1A4_F087)).collect();
        RecordBatch::try_from_iter([("a", Arc::new(values) as ArrayRef)]).unwrap()
    }

    /// Two partitions write by turns, until both have a writer of their own; gives the files and their rows.
    async fn by_turns(shared_bytes: u64, batches: i64) -> (usize, usize, u64) {
        let lake = tempfile::tempdir().unwrap();
        let location = delta::Location::parse("t", lake.path()).unwrap();
        // Small files, because bytes are known to be written when a file ends.
        let target_file_size = std::num::NonZeroU64::new(100_000);
        let options = delta::WriteOptions { target_file_size, ..delta::WriteOptions::default() };
        let target = TableTarget::prepare(&location, numbers(0).schema(), options).await.unwrap();
        let writers = Writers {
            shared_bytes,
            ..Writers::new(target.clone(), Sharing::OneAtFirst, &Arc::default(), "t")
        };
        let mut own = [None, None];
        for batch in 0..batches {
            for (partition, own) in (0..).zip(&mut own) {
                writers.write(own, numbers((2 * batch + partition) * 20_000)).await.unwrap();
            }
            // The writer encodes beside us; without waiting for it nothing is written yet.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let opened = own.iter().flatten().count();
        let mut files: Vec<WrittenFiles> = writers.close().await.unwrap().into_iter().collect();
        for own in own.into_iter().flatten() {
            files.push(own.close().await.unwrap());
        }
        let runs = files.len();
        let committed = target.commit(files, &delta::CommitOptions::default()).await.unwrap();
        (opened, runs, committed.rows)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_writer_for_everybody_is_handed_over_when_it_has_written_much() {
        assert_eq!(by_turns(u64::MAX, 3).await, (0, 1, 120_000), "it is never full");
        assert_eq!(
            by_turns(150_000, 12).await,
            (2, 2, 480_000),
            "one goes on with it, the other opens its own"
        );
    }
}
