//! A physical rule: a join in a recursion makes its table of the side that is the same in each iteration.
//!
//! ```text
//! RecursiveQueryExec
//!   Scan: roots
//!   HashJoinExec: walk.node = edges.start
//!     WorkTableExec: walk              the rows of the iteration before
//!     Scan: edges
//! ```
//!
//! DataFusion takes the smaller side for the table, and knows nothing of the size of a work table: every iteration would read
//! all edges again to find the neighbours of a few rows. With the edges as build side, [`SpillingHashJoinExec`] keeps their
//! table for all iterations, and each reads its own rows alone. That is how recursive queries are evaluated semi-naively
//! (Bancilhon, "Naive evaluation of recursively defined relations", 1986) when the other relations do not change.
//!
//! A side whose values may differ each time that it is computed stays where it is. So do the sides of joins that give rows of
//! the unchanging side without a match.
//!
//! [`SpillingHashJoinExec`]: crate::operators::SpillingHashJoinExec

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{JoinType, Result};
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::work_table::WorkTableExec;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct Recursions;

type Plan = Arc<dyn ExecutionPlan>;

impl PhysicalOptimizerRule for Recursions {
    fn optimize(&self, plan: Plan, _: &ConfigOptions) -> Result<Plan> {
        if !reads_work_table(&plan)? {
            return Ok(plan);
        }
        plan.transform_up(|plan| {
            let Some(join) = plan.downcast_ref::<HashJoinExec>() else { return Ok(Transformed::no(plan)) };
            Ok(match with_unchanging_build_side(join)? {
                Some(join) => Transformed::yes(join),
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "recursions"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The same join with the side as its build side that is the same in each iteration, where there is one.
fn with_unchanging_build_side(join: &HashJoinExec) -> Result<Option<Plan>> {
    let changes = [reads_work_table(join.left())?, reads_work_table(join.right())?];
    Ok(match changes {
        [false, true] if keeps_its_build_side(*join.join_type()) && !varies(join.left())? => {
            Some(join.builder().with_partition_mode(PartitionMode::CollectLeft).build_exec()?)
        }
        [true, false]
            if keeps_its_build_side(join.join_type().swap())
                && !join.null_aware
                && !varies(join.right())? =>
        {
            Some(join.swap_inputs(PartitionMode::CollectLeft)?)
        }
        _ => None,
    })
}

/// Whether the table of a join is the same in each iteration of a recursion, and its rows may come in any order.
///
/// # Errors
/// When an operator cannot tell its expressions.
pub(crate) fn keeps_table(join: &HashJoinExec) -> Result<bool> {
    Ok(*join.partition_mode() == PartitionMode::CollectLeft
        && keeps_its_build_side(*join.join_type())
        && join.properties().output_ordering().is_none()
        && reads_work_table(join.right())?
        && !reads_work_table(join.left())?
        && !varies(join.left())?)
}

/// Whether the table of a join of this type is the same after its probe side has been read: no row of the build side is
/// marked.
fn keeps_its_build_side(join_type: JoinType) -> bool {
    match join_type {
        JoinType::Inner
        | JoinType::Right
        | JoinType::RightSemi
        | JoinType::RightAnti
        | JoinType::RightMark => true,
        JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark | JoinType::Full => {
            false
        }
    }
}

fn reads_work_table(plan: &Plan) -> Result<bool> {
    plan.exists(|plan| Ok(plan.is::<WorkTableExec>()))
}

/// Whether a plan has values that may differ each time that it is executed.
fn varies(plan: &Plan) -> Result<bool> {
    plan.exists(|plan| {
        let mut varies = false;
        plan.apply_expressions(&mut |expr| {
            varies |= is_volatile(expr);
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(varies)
    })
}
