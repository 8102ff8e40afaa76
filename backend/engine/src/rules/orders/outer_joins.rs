//! A physical rule: a constant of one side of an outer join is none of the rows of the join.
//!
//! ```text
//! SortExec: expr=[found]
//!   HashJoinExec: join_type=Left
//!     l
//!     r, of which `found` is 1 in all rows
//! ```
//!
//! Rows of `l` without a match have NULL there. DataFusion 55.2 keeps the constant (`EquivalenceGroup::join`) and leaves the sort
//! out. Constants are found in literals, in conditions, in `count(*) OVER ()`. Here an operator without effect lies over such a
//! side, of which only the order is known ([`BoundaryExec`]).
//!
//! The rule runs before DataFusion's `EnsureRequirements`, which is the first to rely on constants.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::common::{JoinType, Result};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _};

use crate::operators::BoundaryExec;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct OuterJoins;

impl PhysicalOptimizerRule for OuterJoins {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let gets_nulls = match join_type(&plan) {
                Some(JoinType::Left) => [false, true],
                Some(JoinType::Right) => [true, false],
                Some(JoinType::Full) => [true, true],
                _ => return Ok(Transformed::no(plan)),
            };
            let mut changed = false;
            let mut sides = Vec::new();
            for (side, gets_nulls) in plan.children().into_iter().zip(gets_nulls) {
                let has_constants = !side.equivalence_properties().constants().is_empty();
                changed |= gets_nulls && has_constants;
                sides.push(match gets_nulls && has_constants {
                    true => Arc::new(BoundaryExec::of_order(Arc::clone(side))) as Arc<dyn ExecutionPlan>,
                    false => Arc::clone(side),
                });
            }
            if !changed {
                return Ok(Transformed::no(plan));
            }
            let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            Ok(Transformed::yes(plan.replace_children(sides, options)?))
        })
        .data()
    }

    fn name(&self) -> &str {
        "outer_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn join_type(plan: &Arc<dyn ExecutionPlan>) -> Option<JoinType> {
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        return Some(*join.join_type());
    }
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        return Some(*join.join_type());
    }
    plan.downcast_ref::<SortMergeJoinExec>().map(SortMergeJoinExec::join_type)
}
