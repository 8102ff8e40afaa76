//! One reading of a partition.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, internal_err};
use datafusion::physical_plan::SendableRecordBatchStream;
use futures::{Stream, StreamExt, stream};

use super::SharedStore;
use super::packed::unpacked;
use super::partition::BatchPlace;

/// Where a reader is. It asks the store for every batch by its number, so that batches can move to a file under it.
struct Cursor {
    store: Arc<SharedStore>,
    partition: usize,
    next: usize,
    /// The file with the next batch, read up to it.
    file: Option<SendableRecordBatchStream>,
}

/// The batches of a partition, from the first on.
pub(super) fn read(
    store: Arc<SharedStore>,
    partition: usize,
) -> impl Stream<Item = Result<RecordBatch>> + Send {
    let cursor = Cursor { store, partition, next: 0, file: None };
    stream::try_unfold(cursor, |mut cursor| async move {
        let batch = cursor.batch().await?;
        cursor.next += 1;
        Ok(batch.map(|batch| (batch, cursor)))
    })
}

impl Cursor {
    /// The next batch, if there is one.
    async fn batch(&mut self) -> Result<Option<RecordBatch>> {
        if let Some(file) = &mut self.file {
            match file.next().await {
                Some(batch) => return batch.map(Some),
                None => self.file = None,
            }
        }
        match self.store.place(self.partition, self.next)? {
            BatchPlace::Memory(batch) => unpacked(&batch, &self.store.schema).map(Some),
            BatchPlace::End => Ok(None),
            BatchPlace::File(file, before) => {
                let mut file = self.store.spills.read_spill_as_stream(file, None)?;
                for _ in 0..before {
                    file.next().await.transpose()?;
                }
                let Some(batch) = file.next().await.transpose()? else {
                    return internal_err!(
                        "a temporary file of the shared view `{}` ends too early",
                        self.store.view
                    );
                };
                self.file = Some(file);
                Ok(Some(batch))
            }
        }
    }
}
