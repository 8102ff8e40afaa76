//! A temporary file that is being written.

use std::fmt;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::SpillFile;
use datafusion::physical_plan::SpillManager;

/// Takes a batch, or ends the file and gives it. DataFusion's type has no public name.
type Append = Box<dyn FnMut(Option<&RecordBatch>) -> Result<Option<Arc<dyn SpillFile>>> + Send>;

/// A temporary file that takes batches until it is finished. It is deleted when nobody holds it any more.
pub(in crate::operators) struct SpillWriter(Append);

impl fmt::Debug for SpillWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpillWriter")
    }
}

impl SpillWriter {
    /// An empty file; `owner` is named when the disk is full.
    ///
    /// # Errors
    /// When there is no folder for temporary files.
    pub(in crate::operators) fn new(spills: &SpillManager, owner: &str) -> Result<Self> {
        let mut file = spills.create_in_progress_file(owner)?;
        Ok(Self(Box::new(move |batch| match batch {
            Some(batch) => file.append_batch(batch).map(|_| None),
            None => file.finish(),
        })))
    }

    /// Adds a batch.
    ///
    /// # Errors
    /// When the disk, or the part of it that may be used, is full.
    pub(in crate::operators) fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        (self.0)(Some(batch)).map(|_| ())
    }

    /// Ends the file; nothing if it has no batches.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub(in crate::operators) fn finish(mut self) -> Result<Option<Arc<dyn SpillFile>>> {
        (self.0)(None)
    }
}
