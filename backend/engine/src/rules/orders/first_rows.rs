//! A physical rule: a sort that keeps the first rows of each partition compares all that the merge above it compares.
//!
//! ```text
//! SortPreservingMergeExec: [source, b], fetch=2
//!   SortExec: TopK(fetch=2), expr=[b], preserve_partitioning=[true]
//!     UnionExec
//!       ProjectionExec: expr=['left' as source, b]
//!       ProjectionExec: expr=['right' as source, b]
//! ```
//!
//! DataFusion 55.2 leaves out keys that are constant in each partition, also where the constants differ (`add_sort_above`).
//! Each partition is sorted rightly that way. But the partitions of a sort that keeps the first rows share what they know of
//! the last row to keep, and by the keys that are left the rows of one partition then drop those of another, which may come
//! first in the merge.
//!
//! The rule runs after DataFusion's `LimitPushdown`, which tells sorts how many rows to keep.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct FirstRows;

impl PhysicalOptimizerRule for FirstRows {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let Some(merge) = plan.downcast_ref::<SortPreservingMergeExec>() else {
                return Ok(Transformed::no(plan));
            };
            let Some(sort) = merge.input().downcast_ref::<SortExec>() else {
                return Ok(Transformed::no(plan));
            };
            if sort.fetch().is_none() || sort.expr() == merge.expr() {
                return Ok(Transformed::no(plan));
            }
            let sorted = SortExec::new(merge.expr().clone(), Arc::clone(sort.input()))
                .with_fetch(sort.fetch())
                .with_preserve_partitioning(sort.preserve_partitioning());
            let merged = SortPreservingMergeExec::new(merge.expr().clone(), Arc::new(sorted));
            Ok(Transformed::yes(Arc::new(merged.with_fetch(merge.fetch()))))
        })
        .data()
    }

    fn name(&self) -> &str {
        "first_rows"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
