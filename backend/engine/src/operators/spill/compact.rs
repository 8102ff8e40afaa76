//! Lets go of bytes that rows do not use before an operator takes them in, and divides batches that are large.
//!
//! Texts in the view layout point into buffers that they share with the arrays they came from: after a join each batch
//! may keep all texts of the build side alive. An operator that holds batches then reserves these bytes for every batch,
//! and a sort of a few rows may find no memory for the first of them. Nor may it for a batch of wide rows, whose number is
//! chosen before anybody knows how wide they are.

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::Schema;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::utils::memory::get_record_batch_memory_size;
use datafusion::common::{DataFusionError, Result, Statistics, plan_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::batches::used_bytes;
use super::buffers::{compacted, with_copies};
use crate::session::LimitedPool;

/// A batch is divided if it takes more than this part of a working set: a sort reserves twice as much, and its merge holds
/// two of them.
const PART_OF_WORKING_SET: usize = 4;

/// Gives the rows of its input in batches that hold hardly more than they use, and that are not large.
#[derive(Debug)]
pub(crate) struct CompactExec(Arc<dyn ExecutionPlan>);

impl CompactExec {
    /// The plan, behind this operator where its rows can hold more than they use.
    pub(crate) fn below(input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let useful = !input.is::<Self>() && varies(&input.schema());
        if useful { Arc::new(Self(input)) } else { input }
    }
}

/// Whether rows differ in what they take.
fn varies(schema: &Schema) -> bool {
    schema.fields().iter().any(|field| !field.data_type().is_primitive())
}

/// The batch without the bytes it holds and does not use.
pub(in crate::operators) fn compact(batch: RecordBatch) -> Result<RecordBatch> {
    let copies = compacted(std::slice::from_ref(&batch))?;
    Ok(copies.into_iter().flatten().next().unwrap_or(batch))
}

/// The rows in batches of their own that take no more than so many bytes, but for single rows.
fn divided(batch: RecordBatch, most: usize) -> Result<Vec<RecordBatch>> {
    let batch = compact(batch)?;
    // Most batches are small: they need not be looked at row by row.
    if batch.num_rows() <= 1 || get_record_batch_memory_size(&batch) <= most {
        return Ok(vec![batch]);
    }
    let pieces = used_bytes(&batch).div_ceil(most.max(1));
    if pieces <= 1 {
        return Ok(vec![batch]);
    }
    let rows = batch.num_rows().div_ceil(pieces).max(1);
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

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.0]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match <[_; 1]>::try_from(children) {
            Ok([input]) => Ok(Arc::new(Self(input))),
            Err(_) => plan_err!("CompactExec has one input"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let most = context.memory_pool().downcast_ref::<LimitedPool>();
        let most = most.map_or(usize::MAX, |pool| pool.working_set() / PART_OF_WORKING_SET);
        let input = self.0.execute(partition, context)?;
        let schema = input.schema();
        let rows = input.map(move |batch| {
            let batches = divided(batch?, most)?;
            Ok::<_, DataFusionError>(stream::iter(batches.into_iter().map(Ok)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows.try_flatten())))
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        match inputs.first() {
            Some(input) => Ok(Arc::clone(input)),
            None => plan_err!("CompactExec has one input"),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, StringArray, StringViewArray};
    use arrow::compute::concat_batches;

    use super::*;

    #[test]
    fn wide_rows_are_divided_and_stay_the_same() {
        let texts = |row: usize| Some("wide ".repeat(row % 7 * 1000)).filter(|_| !row.is_multiple_of(5));
        let views: ArrayRef = Arc::new((0..100).map(texts).collect::<StringViewArray>());
        let plain: ArrayRef = Arc::new((0..100).map(texts).collect::<StringArray>());
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
        let batch = RecordBatch::try_from_iter([("v", views), ("p", plain), ("n", numbers)]).unwrap();
        let most = 100_000;
        let pieces = divided(batch.clone(), most).unwrap();
        assert!(pieces.len() > 10, "{}", pieces.len());
        // Rows are counted, and not every piece has the same ones.
        assert!(pieces.iter().all(|piece| piece.get_array_memory_size() < 2 * most));
        assert_eq!(concat_batches(&batch.schema(), &pieces).unwrap(), batch);
        assert_eq!(divided(batch.clone(), usize::MAX).unwrap(), std::slice::from_ref(&batch));
        assert_eq!(divided(batch, 1).unwrap().len(), 100);
    }
}
