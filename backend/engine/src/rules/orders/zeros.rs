//! A physical rule: a column that equals zero is not zero in every expression.
//!
//! ```text
//! SortExec: expr=[a + 0.0, id]
//!   FilterExec: b = 0.0
//! ```
//!
//! DataFusion 55.2 takes `b` and `0.0` for one and the same then, and sorts by `a + b` (`EquivalenceGroup::normalize_expr`). Zero
//! and minus zero are equal, but `a + b` keeps the sign of a minus zero where `a + 0.0` takes it off, which is what orders are made
//! with (`semantics::values`). Here an operator without effect lies over such a filter, of which only the order is known
//! ([`BoundaryExec`]).
//!
//! The rule runs before DataFusion's `EnsureRequirements`, which makes the sorts.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Literal};
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;

use crate::operators::BoundaryExec;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct EqualZeros;

impl PhysicalOptimizerRule for EqualZeros {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| match plan.downcast_ref::<FilterExec>() {
            Some(filter) if split_conjunction(filter.predicate()).into_iter().any(compares_with_zero) => {
                Ok(Transformed::yes(Arc::new(BoundaryExec::of_order(plan))))
            }
            _ => Ok(Transformed::no(plan)),
        })
        .data()
    }

    fn name(&self) -> &str {
        "equal_zeros"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn compares_with_zero(condition: &Arc<dyn PhysicalExpr>) -> bool {
    condition.downcast_ref::<BinaryExpr>().is_some_and(|comparison| {
        *comparison.op() == Operator::Eq && (is_zero(comparison.left()) || is_zero(comparison.right()))
    })
}

fn is_zero(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let Some(literal) = expr.downcast_ref::<Literal>() else { return false };
    matches!(literal.value(), ScalarValue::Float64(Some(0.0)) | ScalarValue::Float32(Some(0.0)))
}
