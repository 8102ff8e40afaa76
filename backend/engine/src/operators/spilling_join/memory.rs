//! What a build side takes in memory.

use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use datafusion::common::utils::memory::{RecordBatchMemoryCounter, estimate_memory_size};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use futures::TryStreamExt as _;

use super::probe::Join;
use crate::operators::spill::{copied_bytes, gathered};

/// The bytes a join needs for so many rows of its build side beside them: the hash table, the chains of rows with the
/// same hash, a bit for each row that has matched.
pub(super) fn table_bytes(rows: usize) -> Result<usize> {
    Ok(estimate_memory_size::<(u32, u64)>(rows, 0)? + rows * size_of::<u64>() + rows / 8)
}

/// What an in-memory build side holds.
#[derive(Debug)]
pub(super) struct Memory {
    reservation: MemoryReservation,
    /// What is held only until the table has been made: DataFusion's operator copies all batches into one.
    transient: Mutex<usize>,
}

impl Memory {
    /// Memory of which a part is held only until the table has been made.
    pub(super) fn new(reservation: MemoryReservation, transient: usize) -> Self {
        Self { reservation, transient: Mutex::new(transient) }
    }

    /// The table has been made.
    pub(super) fn table_is_made(&self) {
        let mut transient = self.transient.lock().unwrap_or_else(PoisonError::into_inner);
        self.reservation.shrink(std::mem::take(&mut *transient).min(self.reservation.size()));
    }
}

/// Rows of a build side in memory, and what is reserved for them and for their table.
#[derive(Debug)]
pub(super) struct Resident {
    pub(super) batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    copied: usize,
    counter: RecordBatchMemoryCounter,
    reservation: MemoryReservation,
}

impl Resident {
    pub(super) fn new(reservation: MemoryReservation) -> Self {
        let counter = RecordBatchMemoryCounter::new();
        Self { batches: Vec::new(), rows: 0, bytes: 0, copied: 0, counter, reservation }
    }

    /// Adds a batch if it fits with its part of the table and of the copy.
    ///
    /// # Errors
    /// The pool's refusal, together with the batch.
    pub(super) fn add(&mut self, batch: RecordBatch) -> Result<(), (RecordBatch, DataFusionError)> {
        let batch = match gathered(&batch) {
            Ok(gathered) => gathered,
            Err(error) => return Err((batch, error)),
        };
        let bytes = self.bytes + self.counter.count_batch(&batch);
        let copied = self.copied + copied_bytes(&batch);
        let needed = table_bytes(self.rows + batch.num_rows()).map(|table| bytes + copied + table);
        if let Err(error) = needed.and_then(|needed| self.reservation.try_resize(needed)) {
            return Err((batch, error));
        }
        (self.bytes, self.copied) = (bytes, copied);
        self.rows += batch.num_rows();
        self.batches.push(batch);
        Ok(())
    }

    /// Adds the rows of a build side as long as they fit; gives the first batch that does not.
    ///
    /// # Errors
    /// What the input fails with.
    pub(super) async fn fill(
        &mut self,
        join: &Join,
        input: &mut SendableRecordBatchStream,
    ) -> Result<Option<RecordBatch>> {
        while let Some(batch) = input.try_next().await? {
            if batch.num_rows() == 0 {
                continue;
            }
            join.measures.build_rows.add(batch.num_rows());
            if let Err((batch, _)) = self.add(batch) {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    pub(super) fn into_memory(self) -> (Vec<RecordBatch>, Memory) {
        let memory = Memory::new(self.reservation, self.copied);
        (self.batches, memory)
    }
}
