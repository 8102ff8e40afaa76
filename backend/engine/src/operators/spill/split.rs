//! Splits rows by the hash of their keys into files.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::hash_utils::create_hashes;
use datafusion::execution::{SendableRecordBatchStream, SpillFile};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr_common::utils::evaluate_expressions_to_arrays;
use datafusion::physical_plan::joins::SeededRandomState;
use datafusion::physical_plan::{EmptyRecordBatchStream, SpillManager};
use futures::TryStreamExt as _;

use super::batches::used_bytes;
use super::writer::SpillWriter;
use crate::resources::blocking;

/// Into how many files rows are split at a time, as a power of two.
const FAN_OUT_BITS: u32 = 4;
const FAN_OUT: usize = 1 << FAN_OUT_BITS;
/// Other hashes than those that deal rows out to partitions, or all rows of a partition would go to few files.
const HASHES: SeededRandomState = SeededRandomState::with_seed(0x6a09_e667_f3bc_c908);
/// How often rows can be split by other bits of their hash.
pub(in crate::operators) const DEEPEST: u32 = 64 / FAN_OUT_BITS - 1;

/// A file that holds this many of a hundred rows of the file it was split from is not split again: most of its rows have
/// one key.
const SKEWED_PERCENT: usize = 90;

/// Whether splitting rows of which so many went to one file makes little of them.
pub(in crate::operators) fn is_skewed(rows: usize, of: usize) -> bool {
    rows * 100 >= of * SKEWED_PERCENT
}

/// Rows in a file.
#[derive(Clone, Default)]
pub(in crate::operators) struct Part {
    file: Option<Arc<dyn SpillFile>>,
    pub(in crate::operators) rows: usize,
    /// What they take in memory.
    pub(in crate::operators) bytes: usize,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows of {} bytes in a file", self.rows, self.bytes)
    }
}

impl Part {
    /// Its rows, as often as wanted.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(in crate::operators) fn read(&self, spills: &SpillManager) -> Result<SendableRecordBatchStream> {
        match &self.file {
            Some(file) => spills.read_spill_as_stream(Arc::clone(file), None),
            None => Ok(Box::pin(EmptyRecordBatchStream::new(Arc::clone(spills.schema())))),
        }
    }
}

/// A file that is being written.
#[derive(Default)]
struct Open {
    file: Option<SpillWriter>,
    rows: usize,
    bytes: usize,
}

impl Open {
    fn add(&mut self, rows: &RecordBatch, spills: &SpillManager, owner: &str) -> Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(SpillWriter::new(spills, owner)?),
        };
        self.rows += rows.num_rows();
        self.bytes += used_bytes(rows);
        file.append(rows)
    }

    fn finish(self) -> Result<Part> {
        let file = self.file.map(SpillWriter::finish).transpose()?.flatten();
        Ok(Part { file, rows: self.rows, bytes: self.bytes })
    }
}

/// Splits rows. Those with the same keys go to one file, in the order in which they came.
pub(in crate::operators) struct Splitter {
    /// Who splits, for messages.
    owner: &'static str,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    spills: SpillManager,
    depth: u32,
    /// Whether a row without a key goes anywhere: it matches nothing.
    spreads_nulls: bool,
    spread: usize,
    /// Files that nobody would read.
    unwanted: Vec<bool>,
    files: Vec<Open>,
}

impl Splitter {
    /// Splits by the bits of the hash that belong to this depth. Files are left out whose number is marked in `unwanted`.
    pub(in crate::operators) fn new(
        owner: &'static str,
        keys: Vec<Arc<dyn PhysicalExpr>>,
        spills: SpillManager,
        depth: u32,
        spreads_nulls: bool,
        unwanted: Vec<bool>,
    ) -> Self {
        let files = std::iter::repeat_with(Open::default).take(FAN_OUT).collect();
        Self { owner, keys, spills, depth, spreads_nulls, spread: 0, unwanted, files }
    }

    /// Puts everything into one file.
    pub(in crate::operators) fn whole(owner: &'static str, spills: SpillManager) -> Self {
        Self::new(owner, Vec::new(), spills, 0, false, Vec::new())
    }

    /// Adds all rows of a stream.
    ///
    /// # Errors
    /// What the stream fails with, and when the disk is full.
    pub(in crate::operators) async fn add_all(&mut self, mut rows: SendableRecordBatchStream) -> Result<()> {
        while let Some(batch) = rows.try_next().await? {
            self.add(&batch)?;
        }
        Ok(())
    }

    /// Adds a batch.
    ///
    /// # Errors
    /// When a key cannot be computed, or the disk is full.
    pub(in crate::operators) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let numbers = self.file_numbers(batch)?;
        blocking(|| {
            for (number, rows) in numbers.into_iter().enumerate() {
                let Some(file) = self.files.get_mut(number) else { continue };
                if rows.is_empty() || self.unwanted.get(number) == Some(&true) {
                    continue;
                }
                let rows = if rows.len() == batch.num_rows() {
                    batch.clone()
                } else {
                    take_record_batch(batch, &UInt32Array::from(rows))?
                };
                file.add(&rows, &self.spills, self.owner)?;
            }
            Ok(())
        })
    }

    /// Which rows go to which file.
    fn file_numbers(&mut self, batch: &RecordBatch) -> Result<Vec<Vec<u32>>> {
        let mut numbers = vec![Vec::new(); FAN_OUT];
        let keys = evaluate_expressions_to_arrays(&self.keys, batch)?;
        let mut hashes = vec![0_u64; batch.num_rows()];
        if !keys.is_empty() {
            create_hashes(&keys, HASHES.random_state(), &mut hashes)?;
        }
        let without_key = |row: usize| keys.iter().any(|key: &ArrayRef| key.is_null(row));
        let shift = self.depth.min(DEEPEST) * FAN_OUT_BITS;
        for (row, hash) in hashes.into_iter().enumerate() {
            let number = if self.spreads_nulls && without_key(row) {
                self.spread += 1;
                self.spread % FAN_OUT
            } else {
                (hash >> shift) as usize % FAN_OUT
            };
            if let (Some(rows), Ok(row)) = (numbers.get_mut(number), u32::try_from(row)) {
                rows.push(row);
            }
        }
        Ok(numbers)
    }

    /// The files, in the order of their numbers.
    ///
    /// # Errors
    /// When the disk is full.
    pub(in crate::operators) fn finish(self) -> Result<Vec<Part>> {
        self.files.into_iter().map(Open::finish).collect()
    }

    /// The only file of [`Self::whole`].
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub(in crate::operators) fn finish_whole(self) -> Result<Part> {
        Ok(self.finish()?.into_iter().next().unwrap_or_default())
    }
}
