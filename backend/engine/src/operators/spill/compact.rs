//! Lets go of bytes that rows do not use before an operator takes them in, and divides batches that are large.
//!
//! Texts in the view layout point into buffers that they share with the arrays they came from: after a join each batch
//! may keep all texts of the build side alive. Slices keep the whole arrays alive that they were cut from, such as all groups
//! of an aggregation. An operator that holds batches then reserves these bytes for every batch,
//! and a sort of a few rows may find no memory for the first of them. Nor may it for a batch of wide rows, whose number is
//! chosen before anybody knows how wide they are, or for one with more rows than a batch has, which a sort gives out in
//! pieces that count the same buffers again.

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use datafusion::common::utils::memory::get_record_batch_memory_size;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::batches::used_bytes;
use super::buffers::{WORTH_A_COPY, compacted, is_waste, with_copies};
use crate::operators::forward::passes_rows_on;
use crate::operators::row_widths::RowWidths;
use crate::resources::LimitedPool;

/// A batch is divided if it takes more than this part of a working set: a sort reserves twice as much, and its merge holds
/// two of them.
const PART_OF_WORKING_SET: usize = 4;

/// A batch may waste this part of what it may take.
const WASTE_PART: usize = 16;
/// And so many bytes for each row: where batches have few rows there are many of them.
const WASTE_PER_ROW: usize = 4 << 10;

/// Gives the rows of its input in batches that hold hardly more than they use, and that are not large.
#[derive(Debug)]
pub(crate) struct CompactExec {
    input: Arc<dyn ExecutionPlan>,
    /// The most rows of a batch, besides those that all batches may have.
    rows: usize,
    /// What is found of the width of the rows; nothing where nobody asks.
    widths: Option<Arc<RowWidths>>,
}

impl CompactExec {
    /// The plan, behind this operator.
    pub(crate) fn below(
        input: Arc<dyn ExecutionPlan>,
        widths: Option<&Arc<RowWidths>>,
    ) -> Arc<dyn ExecutionPlan> {
        if input.is::<Self>() { input } else { Self::in_batches_of(usize::MAX, input, widths) }
    }

    /// The plan, behind this operator, in batches of so many rows at most.
    pub(crate) fn in_batches_of(
        rows: usize,
        input: Arc<dyn ExecutionPlan>,
        widths: Option<&Arc<RowWidths>>,
    ) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self { input, rows, widths: widths.cloned() })
    }

    fn over(&self, input: Arc<dyn ExecutionPlan>) -> Self {
        Self { input, rows: self.rows, widths: self.widths.clone() }
    }
}

/// The batch without the bytes it holds and does not use.
pub(in crate::operators) fn compact(batch: RecordBatch) -> Result<RecordBatch> {
    let copies = compacted(std::slice::from_ref(&batch))?;
    Ok(copies.into_iter().flatten().next().unwrap_or(batch))
}

/// How large a batch may be.
#[derive(Clone, Copy, Debug)]
struct Most {
    bytes: usize,
    rows: usize,
}

/// The rows in batches that hold hardly more than they use, and take no more than they may, but for single rows.
fn divided(batch: RecordBatch, most: Most) -> Result<Vec<RecordBatch>> {
    let batch = compact(batch)?;
    let held = get_record_batch_memory_size(&batch);
    let is_small = held <= most.bytes && batch.num_rows() <= most.rows;
    let worth_a_copy =
        WORTH_A_COPY.min(most.bytes / WASTE_PART).min(batch.num_rows().saturating_mul(WASTE_PER_ROW));
    // Most batches are small: they need not be looked at row by row.
    if is_small && held <= worth_a_copy {
        return Ok(vec![batch]);
    }
    let used = used_bytes(&batch);
    if is_small && !is_waste(held, used, worth_a_copy) {
        return Ok(vec![batch]);
    }
    // Where the rows use less than the batch holds, one piece may be enough.
    let pieces = used.div_ceil(most.bytes.max(1)).max(1);
    let rows = batch.num_rows().div_ceil(pieces).clamp(1, most.rows.max(1));
    let starts = (0..batch.num_rows()).step_by(rows);
    let copies = starts.map(|start| {
        let numbers = start..batch.num_rows().min(start + rows);
        let numbers: UInt32Array = numbers.filter_map(|number| u32::try_from(number).ok()).collect();
        with_copies(&take_record_batch(&batch, &numbers)?, |_| true)
    });
    copies.collect()
}

impl DisplayAs for CompactExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => write!(f, "CompactExec"),
            DisplayFormatType::TreeRender => Ok(()),
        }
    }
}

impl ExecutionPlan for CompactExec {
    fn name(&self) -> &'static str {
        "CompactExec"
    }

    passes_rows_on!();

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let pool = context.memory_pool().downcast_ref::<LimitedPool>();
        let bytes = pool.map_or(usize::MAX, |pool| pool.working_set() / PART_OF_WORKING_SET);
        let most = Most { bytes, rows: context.session_config().batch_size().min(self.rows) };
        let widths = self.widths.clone();
        let input = self.input.execute(partition, context)?;
        let schema = input.schema();
        let rows = input.map(move |batch| {
            let batch = batch?;
            // What merges rows again fills batches up.
            if let Some(widths) = &widths
                && get_record_batch_memory_size(&batch) > widths.batch_bytes()
            {
                widths.check(batch.num_rows(), used_bytes(&batch))?;
            }
            let batches = divided(batch, most)?;
            Ok::<_, DataFusionError>(stream::iter(batches.into_iter().map(Ok)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows.try_flatten())))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, StringArray, StringViewArray, StringViewBuilder};
    use arrow::compute::concat_batches;

    use super::*;

    #[test]
    fn wide_rows_are_divided_and_stay_the_same() {
        let texts = |row: usize| Some("wide ".repeat(row % 7 * 1000)).filter(|_| !row.is_multiple_of(5));
        let views: ArrayRef = Arc::new((0..100).map(texts).collect::<StringViewArray>());
        let plain: ArrayRef = Arc::new((0..100).map(texts).collect::<StringArray>());
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
        let batch = RecordBatch::try_from_iter([("v", views), ("p", plain), ("n", numbers)]).unwrap();
        let most = |bytes, rows| Most { bytes, rows };
        let pieces = divided(batch.clone(), most(100_000, 8192)).unwrap();
        assert!(pieces.len() > 10, "{}", pieces.len());
        // Rows are counted, and not every piece has the same ones.
        assert!(pieces.iter().all(|piece| piece.get_array_memory_size() < 200_000));
        assert_eq!(concat_batches(&batch.schema(), &pieces).unwrap(), batch);
        assert_eq!(divided(batch.clone(), most(usize::MAX, 8192)).unwrap(), std::slice::from_ref(&batch));
        assert_eq!(divided(batch.clone(), most(1, 8192)).unwrap().len(), 100);
        let pieces = divided(batch.clone(), most(usize::MAX, 30)).unwrap();
        assert_eq!(pieces.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [30, 30, 30, 10]);
        assert_eq!(concat_batches(&batch.schema(), &pieces).unwrap(), batch);
    }

    #[test]
    fn a_batch_that_holds_more_than_it_may_and_uses_less_is_copied() {
        let texts: ArrayRef =
            Arc::new((0..1000).map(|row| Some(format!("{row:01000}"))).collect::<StringViewArray>());
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
        let part = RecordBatch::try_from_iter([("t", texts), ("n", numbers)]).unwrap().slice(100, 600);
        let most = Most { bytes: 900_000, rows: 8192 };
        assert!(get_record_batch_memory_size(&part) > most.bytes && used_bytes(&part) < most.bytes);
        let pieces = divided(part.clone(), most).unwrap();
        assert_eq!(pieces, [part]);
        assert!(get_record_batch_memory_size(&pieces[0]) <= most.bytes);
    }

    #[test]
    fn a_slice_lets_go_of_the_array_it_was_cut_from() {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
        let whole = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
        let most = Most { bytes: 1 << 20, rows: 8192 };
        let slice = whole.slice(500, 1000);
        assert!(get_record_batch_memory_size(&slice) < most.bytes);
        let pieces = divided(slice.clone(), most).unwrap();
        assert_eq!(pieces, [slice]);
        assert!(get_record_batch_memory_size(&pieces[0]) < 10_000);
    }

    /// A builder of texts takes its first buffer for many; with batches of three rows a sort holds thousands of them.
    #[test]
    fn a_batch_of_few_rows_keeps_no_large_buffer() {
        let texts_of = |rows: usize| {
            let mut texts = StringViewBuilder::new().with_fixed_block_size(32 << 10);
            (0..rows).for_each(|_| texts.append_value("a text that is longer than a view"));
            let texts: ArrayRef = Arc::new(texts.finish());
            RecordBatch::try_from_iter([("t", texts)]).unwrap()
        };
        let most = Most { bytes: 1 << 20, rows: 8192 };
        for (rows, is_copied) in [(3, true), (100, false)] {
            let batch = texts_of(rows);
            let held = get_record_batch_memory_size(&batch);
            let pieces = divided(batch.clone(), most).unwrap();
            assert_eq!(pieces, [batch]);
            assert_eq!(get_record_batch_memory_size(&pieces[0]) < held / 10, is_copied, "{rows} rows");
        }
    }
}
