//! A physical rule: no sort is moved below an OFFSET.
//!
//! ```text
//! SortExec: expr=[b]
//!   GlobalLimitExec: skip=1, fetch=2
//!     t
//! ```
//!
//! DataFusion 55.2 moves the sort below the limit where that keeps the rows of an order, or where they have none, and tells it to
//! keep the first 2 rows; one of them is skipped after that, and one is left (`pushdown_sorts`, which knows of a limit only its
//! `fetch`). Here an operator without effect lies over such a limit, below which no sort is moved ([`BoundaryExec`]). A limit
//! without OFFSET has no such fault: what the sort keeps is what the limit takes.
//!
//! The rule runs before DataFusion's `EnsureRequirements`, which moves sorts.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::limit::GlobalLimitExec;

use crate::operators::BoundaryExec;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct SkippedRows;

impl PhysicalOptimizerRule for SkippedRows {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| match plan.downcast_ref::<GlobalLimitExec>() {
            Some(limit) if limit.skip() > 0 => Ok(Transformed::yes(Arc::new(BoundaryExec::of_rows(plan)))),
            _ => Ok(Transformed::no(plan)),
        })
        .data()
    }

    fn name(&self) -> &str {
        "skipped_rows"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
