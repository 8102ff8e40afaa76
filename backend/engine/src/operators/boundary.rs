//! Passes rows on, and of what is known of them their order at most.

use std::fmt;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::CardinalityEffect;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, PlanProperties,
};

use crate::operators::forward::passes_rows_on;

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

    fn over(&self, input: Arc<dyn ExecutionPlan>) -> Self {
        Self::new(input, self.keeps_order)
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

    passes_rows_on!();

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![self.keeps_order]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}
