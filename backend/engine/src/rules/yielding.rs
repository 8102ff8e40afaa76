//! A physical rule: joins that give far more rows than they read yield to others.
//!
//! Nobody is stopped in the middle of a computation: a run that is cancelled ends when its operators give the thread back.
//! DataFusion's `EnsureCooperative` sees to that where rows come from. A join of all rows with all others computes for minutes
//! over rows that it has read in one batch, and so yields here, where they go to.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::{CrossJoinExec, NestedLoopJoinExec, PiecewiseMergeJoinExec};

/// See the module documentation.
#[derive(Debug)]
pub(super) struct YieldingJoins;

impl PhysicalOptimizerRule for YieldingJoins {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            if multiplies(&plan) {
                return Ok(Transformed::yes(Arc::new(CooperativeExec::new(plan))));
            }
            // A plan that has been through this rule before.
            let inner = plan.downcast_ref::<CooperativeExec>().map(CooperativeExec::input);
            match inner.filter(|inner| inner.is::<CooperativeExec>()) {
                Some(inner) => Ok(Transformed::yes(Arc::clone(inner))),
                None => Ok(Transformed::no(plan)),
            }
        })
        .data()
    }

    fn name(&self) -> &str {
        "yielding_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether an operator pairs rows without looking up keys.
fn multiplies(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.is::<NestedLoopJoinExec>() || plan.is::<CrossJoinExec>() || plan.is::<PiecewiseMergeJoinExec>()
}
