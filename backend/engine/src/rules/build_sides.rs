//! A physical rule: the build sides of nested loop joins can be read again.
//!
//! When memory runs out while a `NestedLoopJoinExec` takes in its build side, DataFusion executes that side a second
//! time (apache/datafusion#24676). Most operators serve one execution: an exchange panics, or gives the rows that were
//! left over. So the second execution is given operators that begin anew. For joins that keep rows of the build side,
//! each partition of the other side would then give the rows without a match in it; these joins fail for want of memory
//! instead.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::common::{JoinType, Result, resources_err};
use datafusion::execution::TaskContext;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{
    ChildrenPropertiesMode, ReplaceChildrenOptions, reset_plan_states,
};
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, PlanProperties,
    SendableRecordBatchStream,
};

use crate::operators::forward::passes_rows_on;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct BuildSides;

impl PhysicalOptimizerRule for BuildSides {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() else {
                return Ok(Transformed::no(plan));
            };
            if join.left().is::<BuildSideExec>() {
                return Ok(Transformed::no(plan));
            }
            let keeps_rows = matches!(
                join.join_type(),
                JoinType::Left
                    | JoinType::LeftSemi
                    | JoinType::LeftAnti
                    | JoinType::LeftMark
                    | JoinType::Full
            );
            let again = !keeps_rows || join.right().output_partitioning().partition_count() == 1;
            let left = Arc::new(BuildSideExec::new(Arc::clone(join.left()), again));
            let right = Arc::clone(join.right());
            let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            Ok(Transformed::yes(plan.replace_children(vec![left, right], options)?))
        })
        .data()
    }

    fn name(&self) -> &str {
        "build_sides"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Gives the rows of its input, the second time from operators that begin anew.
#[derive(Debug)]
struct BuildSideExec {
    input: Arc<dyn ExecutionPlan>,
    /// Whether a second execution gives a right join.
    again: bool,
    executed: AtomicBool,
}

impl BuildSideExec {
    fn new(input: Arc<dyn ExecutionPlan>, again: bool) -> Self {
        Self { input, again, executed: AtomicBool::new(false) }
    }

    fn over(&self, input: Arc<dyn ExecutionPlan>) -> Self {
        Self::new(input, self.again)
    }
}

impl DisplayAs for BuildSideExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => write!(f, "BuildSideExec"),
            DisplayFormatType::TreeRender => Ok(()),
        }
    }
}

impl ExecutionPlan for BuildSideExec {
    fn name(&self) -> &'static str {
        "BuildSideExec"
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
        if !self.executed.swap(true, Ordering::Relaxed) {
            return self.input.execute(partition, context);
        }
        if !self.again {
            return resources_err!(
                "a join without equal keys that keeps all rows of one side does not fit the memory limit; raise it, or \
                 join by a key"
            );
        }
        reset_plan_states(Arc::clone(&self.input))?.execute(partition, context)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray as _;
    use arrow::datatypes::Int64Type;
    use datafusion::common::tree_node::TreeNodeRecursion;
    use datafusion::error::DataFusionError;
    use datafusion::physical_plan::collect;
    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::{Session, SessionOptions};

    /// A build side with exchanges in it, that takes some megabytes, and a condition that is no span.
    const QUERY: &str = "SELECT count(*) AS n FROM (SELECT value % 200000 AS k, max(value) AS top FROM generate_series(1, 400000) GROUP BY 1) a \
                         JOIN (SELECT value AS v FROM generate_series(1, 3)) b ON a.k + 0.5 < b.v * 1.5";

    /// The rows counted, and how often the join went to disk.
    async fn counted(memory_limit_bytes: usize) -> Result<(i64, usize)> {
        let options =
            SessionOptions { target_partitions: 3, memory_limit_bytes, ..SessionOptions::for_this_machine() };
        let context = SessionContext::new_with_state(Session::new(options).unwrap().state().clone());
        let plan = context.sql(QUERY).await?.create_physical_plan().await?;
        let batches = collect(Arc::clone(&plan), context.task_ctx()).await?;
        let mut spills = 0;
        plan.apply(|plan| {
            if plan.is::<NestedLoopJoinExec>() {
                spills += plan.metrics().and_then(|metrics| metrics.spill_count()).unwrap_or(0);
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok((batches[0].column(0).as_primitive::<Int64Type>().value(0), spills))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_build_side_with_exchanges_is_read_again_when_memory_runs_out() {
        // k < 1, k < 2.5 and k < 4, without the half.
        let right = 1 + 3 + 4;
        assert_eq!(counted(1 << 30).await.unwrap(), (right, 0));
        let mut spilled = 0;
        for megabytes in [2, 4, 6, 8, 12, 16] {
            match counted(megabytes << 20).await {
                Ok((rows, spills)) => {
                    assert_eq!(rows, right, "{megabytes} MiB");
                    spilled += spills;
                }
                Err(error) => {
                    let cause = error.find_root();
                    assert!(
                        matches!(cause, DataFusionError::ResourcesExhausted(_)),
                        "{megabytes} MiB: {error}"
                    );
                }
            }
        }
        assert!(spilled > 0, "no limit lets the join go to disk: the test shows nothing");
    }
}
