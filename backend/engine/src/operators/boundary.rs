//! Passes rows on, and of what is known of them their order at most.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, plan_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::CardinalityEffect;
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, PlanProperties,
};

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct BoundaryExec {
    input: Arc<dyn ExecutionPlan>,
    keeps_order: bool,
    properties: Arc<PlanProperties>,
}

impl BoundaryExec {
    /// The rows of this plan, of which the order stays known, and constants and equal columns do not.
    pub(crate) fn of_order(input: Arc<dyn ExecutionPlan>) -> Self {
        Self::new(input, true)
    }

    /// The rows of this plan, of which nothing stays known; no sort is moved below it.
    pub(crate) fn of_rows(input: Arc<dyn ExecutionPlan>) -> Self {
        Self::new(input, false)
    }

    fn new(input: Arc<dyn ExecutionPlan>, keeps_order: bool) -> Self {
        let mut known = EquivalenceProperties::new(input.schema());
        if keeps_order {
            known.add_orderings(input.output_ordering().cloned());
        }
        let properties = input.properties().as_ref().clone().with_eq_properties(known);
        Self { input, keeps_order, properties: Arc::new(properties) }
    }
}

impl DisplayAs for BoundaryExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "BoundaryExec: known={}", if self.keeps_order { "order" } else { "nothing" })
            }
            DisplayFormatType::TreeRender => Ok(()),
        }
    }
}

impl ExecutionPlan for BoundaryExec {
    fn name(&self) -> &'static str {
        "BoundaryExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![self.keeps_order]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
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
            Ok([input]) => Ok(Arc::new(Self::new(input, self.keeps_order))),
            Err(_) => plan_err!("BoundaryExec has one input"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        match inputs {
            [input] => Ok(Arc::clone(input)),
            _ => plan_err!("BoundaryExec has one input"),
        }
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}
