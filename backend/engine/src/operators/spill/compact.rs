//! Lets go of bytes that rows do not use before an operator takes them in.
//!
//! Texts in the view layout point into buffers that they share with the arrays they came from: after a join each batch
//! may keep all texts of the build side alive. An operator that holds batches then reserves these bytes for every batch,
//! and a sort of a few rows may find no memory for the first of them.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, plan_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt as _;

use super::buffers::compacted;

/// Gives the rows of its input in batches that hold hardly more than they use.
#[derive(Debug)]
pub(crate) struct CompactExec(Arc<dyn ExecutionPlan>);

impl CompactExec {
    /// The plan, behind this operator where its rows can hold more than they use.
    pub(crate) fn below(input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let useful = !input.is::<Self>() && can_waste(&input.schema());
        if useful { Arc::new(Self(input)) } else { input }
    }
}

fn can_waste(schema: &Schema) -> bool {
    let is_view = |data_type: &DataType| matches!(data_type, DataType::Utf8View | DataType::BinaryView);
    schema.fields().iter().any(|field| is_view(field.data_type()))
}

/// The batch without the bytes it holds and does not use.
pub(in crate::operators) fn compact(batch: RecordBatch) -> Result<RecordBatch> {
    let copies = compacted(std::slice::from_ref(&batch))?;
    Ok(copies.into_iter().flatten().next().unwrap_or(batch))
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
        let input = self.0.execute(partition, context)?;
        let schema = input.schema();
        let rows = input.map(|batch| batch.and_then(compact));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
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
