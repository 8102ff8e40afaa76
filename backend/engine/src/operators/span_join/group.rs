//! The rows of one key on the stored side of a span join.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanBufferBuilder};
use arrow::compute::interleave;
use arrow::row::{RowConverter, SortField};
use datafusion::common::Result;

use super::gather::Output;
use super::input::KeyedBatch;
use super::sweep::{Stored, Sweep};

/// The rows of one key on the stored side.
pub(super) struct Group {
    pub(super) key: Vec<u8>,
    pub(super) batches: Vec<Arc<KeyedBatch>>,
    /// Batch and row of each row of the group.
    pub(super) rows: Vec<(u32, u32)>,
    pub(super) sweep: Sweep,
    /// Which rows have matched, where the join kind asks for it.
    pub(super) matched: Option<BooleanBufferBuilder>,
    /// Numbers of `batches` in the output, valid for one output generation.
    pub(super) registered: (usize, Vec<Option<usize>>),
    /// Next row to look at when the group ends.
    pub(super) finished: usize,
}

impl Group {
    /// The pick for a row, registering its batch when needed.
    pub(super) fn pick(&mut self, row: u32, output: &mut Output) -> Option<(usize, usize)> {
        if self.registered.0 != output.generation() {
            self.registered = (output.generation(), vec![None; self.batches.len()]);
        }
        let &(batch, batch_row) = self.rows.get(row as usize)?;
        let number = self.registered.1.get_mut(batch as usize)?;
        if number.is_none() {
            *number = Some(output.register_stored(self.batches.get(batch as usize)?));
        }
        number.map(|number| (number, batch_row as usize))
    }
}

/// Reorders stored rows with identical spans so that the greatest comes last, which is the one that the sweep
/// prefers: compared column by column, NULL lowest, columns of types without an order left out.
pub(super) fn put_greatest_last(
    stored: &mut [Stored],
    batches: &[Arc<KeyedBatch>],
    rows: &[(u32, u32)],
) -> Result<()> {
    let tied: Vec<(usize, usize)> = stored
        .chunk_by(|a, b| a.span == b.span)
        .filter(|run| run.len() > 1)
        .flatten()
        .filter_map(|stored| rows.get(stored.row as usize))
        .map(|(batch, row)| (*batch as usize, *row as usize))
        .collect();
    let Some(first) = batches.first().filter(|_| !tied.is_empty()) else { return Ok(()) };
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for index in 0..first.batch.num_columns() {
        let field = SortField::new(first.batch.column(index).data_type().clone());
        if RowConverter::supports_fields(std::slice::from_ref(&field)) {
            let parts: Vec<&dyn Array> =
                batches.iter().map(|batch| batch.batch.column(index).as_ref()).collect();
            columns.push(interleave(&parts, &tied)?);
            fields.push(field);
        }
    }
    let keys = RowConverter::new(fields)?.convert_columns(&columns)?;
    let mut next = 0;
    for run in stored.chunk_by_mut(|a, b| a.span == b.span).filter(|run| run.len() > 1) {
        let mut ranked: Vec<(usize, Stored)> = run.iter().copied().enumerate().collect();
        ranked.sort_by(|(a, _), (b, _)| keys.row(next + a).cmp(&keys.row(next + b)));
        run.iter_mut().zip(&ranked).for_each(|(place, (_, stored))| *place = *stored);
        next += run.len();
    }
    Ok(())
}
