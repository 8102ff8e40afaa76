//! Two physical rules: aggregations that keep the values of their groups take one step.
//!
//! ```text
//! AggregateExec: mode=FinalPartitioned, aggr=[array_agg_sorted(…)]
//!   AggregateExec: mode=Partial, aggr=[array_agg_sorted(…)]
//!     input
//! ```
//! becomes
//! ```text
//! ListAggregateExec: aggr=[array_agg_sorted(…)]
//!   input
//! ```
//!
//! Two steps pay when the first makes less of its input. A list holds every value it is given, so the first step would
//! only hold the rows once more, copied into lists. The same is true of other aggregates that keep an object for each
//! group; their states are lists, too. A single step over rows partitioned by the grouping columns gives
//! the same groups: all rows of a group are in one partition. That step is an `AggregateExec` when there are other
//! aggregates than lists, or when the input is ordered by the grouping columns, so that groups come in their order;
//! otherwise it is a [`ListAggregateExec`].
//!
//! The first rule, [`SingleStepLists`], runs before DataFusion's `EnsureRequirements`, which deals the rows out and sorts
//! them as the operators that will run need it. After it, a sort above may be gone because the aggregation kept an order.
//! The second, [`ListsOfStoredRows`], runs after it. It lets an aggregation whose input is a shared view in memory work with
//! the places of the rows, also where the input is ordered by some of the keys: groups come in the order of their first rows.

mod exec;
mod groups;
mod replay;
mod stored_rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _};

use crate::operators::SpillingAggregateExec;
use exec::ListAggregateExec;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct SingleStepLists;

impl PhysicalOptimizerRule for SingleStepLists {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let rewritten = plan.transform_down(|plan| {
            let single = single_step(plan.as_ref())?;
            let step = single.as_ref().or_else(|| plan.downcast_ref());
            if let Some(lists) = step.and_then(ListAggregateExec::for_aggregation) {
                return Ok(Transformed::yes(Arc::new(lists)));
            }
            Ok(single.map_or_else(|| Transformed::no(plan), |single| Transformed::yes(Arc::new(single))))
        })?;
        Ok(rewritten.data)
    }

    fn name(&self) -> &str {
        "single_step_lists"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// See the module documentation. A view stays where it is until the plan is let go of, so one that would take, with those that
/// others keep so, more than two thirds of the memory is read as other inputs are.
#[derive(Debug)]
pub(crate) struct ListsOfStoredRows {
    /// The memory of the session, in bytes.
    pub(crate) memory_bytes: usize,
}

impl PhysicalOptimizerRule for ListsOfStoredRows {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let most_bytes = self.memory_bytes / 3 * 2;
        let rewritten = plan.transform_down(|plan| {
            let over_stored = ListAggregateExec::over_stored_rows(plan.as_ref(), most_bytes)?;
            Ok(over_stored.map_or_else(|| Transformed::no(plan), |lists| Transformed::yes(Arc::new(lists))))
        })?;
        Ok(rewritten.data)
    }

    fn name(&self) -> &str {
        "lists_of_stored_rows"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The single step for a pair of steps, if the plan is such a pair.
fn single_step(plan: &dyn ExecutionPlan) -> Result<Option<AggregateExec>> {
    let Some(last) = plan.downcast_ref::<AggregateExec>() else { return Ok(None) };
    let lists = SpillingAggregateExec::keeps_objects(last);
    let Some(first) = last.input().downcast_ref::<AggregateExec>() else { return Ok(None) };
    let pair = *first.mode() == AggregateMode::Partial && first.group_expr().is_single();
    if !pair || !lists || first.group_expr().is_empty() {
        return Ok(None);
    }
    let mode = match last.mode() {
        AggregateMode::FinalPartitioned => AggregateMode::SinglePartitioned,
        // All rows are in one partition as it is.
        AggregateMode::Final if first.input().output_partitioning().partition_count() == 1 => {
            AggregateMode::Single
        }
        _ => return Ok(None),
    };
    let single = AggregateExec::try_new(
        mode,
        first.group_expr().clone(),
        first.aggr_expr().to_vec(),
        first.filter_expr().to_vec(),
        Arc::clone(first.input()),
        first.input_schema(),
    )?;
    Ok(Some(single))
}
