//! How wide the rows of a segment turn out to be while it runs.

use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::{Result, resources_err};

/// The width of rows for which batches have the number of rows that the session says, in bytes.
pub(crate) const USUAL_ROW_BYTES: usize = 1024;
/// Batches may take so many times the bytes they are meant to take, or this part of the memory, before it is worth to plan
/// again.
const TOO_WIDE: usize = 4;
const PART_OF_MEMORY: usize = 32;
/// Fewer rows than these say nothing about those to come.
const TELLING_ROWS: usize = 16;

/// What the operators of a segment find of the width of its rows. Those that look have it from whoever made them.
#[derive(Debug)]
pub(crate) struct RowWidths {
    /// What a batch is meant to take, in bytes.
    batch_bytes: usize,
    /// What a batch may take before the plan is made again, in bytes.
    most_bytes: usize,
    /// The rows of a batch; nothing where the plan is not made again.
    rows: Option<usize>,
    /// The bytes of a row that is too wide for these batches; 0 without any.
    too_wide: AtomicUsize,
}

impl RowWidths {
    /// Batches of so many rows are meant to take so many bytes of this memory; without rows the plan is not made again.
    pub(crate) fn new(batch_bytes: usize, memory_bytes: usize, rows: Option<usize>) -> Self {
        let most_bytes = batch_bytes.saturating_mul(TOO_WIDE).max(memory_bytes / PART_OF_MEMORY);
        Self { batch_bytes, most_bytes, rows, too_wide: AtomicUsize::new(0) }
    }

    /// What a batch is meant to take, in bytes.
    pub(crate) fn batch_bytes(&self) -> usize {
        self.batch_bytes
    }

    /// Ends the plan if so many rows, which are some of one stream, take so many bytes that batches of rows like them are too
    /// large.
    ///
    /// # Errors
    /// [`DataFusionError::ResourcesExhausted`](datafusion::error::DataFusionError::ResourcesExhausted) where the segment is
    /// planned again.
    pub(crate) fn check(&self, rows: usize, bytes: usize) -> Result<()> {
        let Some(rows_of_batch) = self.rows.filter(|rows| *rows > 1) else { return Ok(()) };
        let row_bytes = bytes / rows.max(1);
        let tells = rows >= TELLING_ROWS && bytes >= self.batch_bytes;
        // Planned again, batches must have fewer rows.
        let helps = narrowed(rows_of_batch, row_bytes, self.batch_bytes) < rows_of_batch;
        if !tells || !helps || row_bytes.saturating_mul(rows_of_batch) <= self.most_bytes {
            return Ok(());
        }
        self.too_wide.fetch_max(row_bytes, Ordering::Relaxed);
        resources_err!("rows take {row_bytes} bytes, and batches of {rows_of_batch} of them are too large")
    }

    /// The bytes of rows for which the segment must be planned again.
    pub(crate) fn too_wide(&self) -> Option<usize> {
        Some(self.too_wide.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
    }
}

/// How many rows of this width a batch of so many bytes has that has `rows` of usual width.
pub(crate) fn narrowed(rows: usize, row_bytes: usize, batch_bytes: usize) -> usize {
    if row_bytes <= USUAL_ROW_BYTES { rows } else { (batch_bytes / row_bytes).clamp(1, rows.max(1)) }
}

#[cfg(test)]
mod tests {
    use super::{RowWidths, narrowed};

    #[test]
    fn batches_of_wide_rows_take_the_same_bytes() {
        assert_eq!(narrowed(8192, 0, 8192 << 10), 8192);
        assert_eq!(narrowed(8192, 1024, 8192 << 10), 8192);
        assert_eq!(narrowed(8192, 100 << 10, 8192 << 10), 81);
        assert_eq!(narrowed(256, 100 << 10, 256 << 10), 2);
        assert_eq!(narrowed(256, 1 << 30, 256 << 10), 1);
        assert_eq!(narrowed(8192, 2048, 1 << 20), 512);
    }

    /// With 1 MiB of memory, rows of 800 bytes are too many for a batch and not wide.
    #[test]
    fn a_plan_is_not_made_again_where_it_would_be_the_same() {
        let widths = RowWidths::new(32 << 10, 1 << 20, Some(256));
        widths.check(256, 256 * 800).unwrap();
        assert_eq!(widths.too_wide(), None);
        widths.check(256, 256 * 2000).unwrap_err();
        assert_eq!(widths.too_wide(), Some(2000));
    }
}
