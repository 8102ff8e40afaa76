//! A physical rule: an order that an operator needs and its input has lost is made again.
//!
//! DataFusion gives an operator the order it needs by sorting the inputs of a union below it, each by the keys that are not
//! constant there, and then does not find the order of the union: `UnionExec` knows less of constants than its inputs
//! (apache/datafusion#17372 is one case of it). Its check of plans then refuses the query. A union by name of views that lack
//! some of the columns, with `sort_by`, is such a plan. Here the union is sorted once more.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _};

/// See the module documentation. It comes after the rule that sorts and before the check.
#[derive(Debug)]
pub(crate) struct LostOrders;

impl PhysicalOptimizerRule for LostOrders {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let mut lost = false;
            let mut inputs = Vec::new();
            for (input, needed) in plan.children().into_iter().zip(plan.required_input_ordering()) {
                let needed = needed.map(|needed| needed.into_single());
                match needed {
                    Some(needed)
                        if !input
                            .equivalence_properties()
                            .ordering_satisfy_requirement(needed.clone())? =>
                    {
                        let sort =
                            SortExec::new(needed.into(), Arc::clone(input)).with_preserve_partitioning(true);
                        inputs.push(Arc::new(sort) as Arc<dyn ExecutionPlan>);
                        lost = true;
                    }
                    _ => inputs.push(Arc::clone(input)),
                }
            }
            if !lost {
                return Ok(Transformed::no(plan));
            }
            let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            Ok(Transformed::yes(plan.replace_children(inputs, options)?))
        })
        .data()
    }

    fn name(&self) -> &str {
        "lost_orders"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
