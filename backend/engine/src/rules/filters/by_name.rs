//! A physical rule: DataFusion's `FilterPushdown`, where it cannot take one column for another.
//!
//! The rule carries a predicate through projections, filters and sorts by the names of columns. The rows of a join often have
//! two of one name: of `WHERE coalesce(r.k, l.k) IS NOT NULL` it made a filter of `r` by `coalesce(r.k, r.k)`, and rows
//! were lost. Predicates on columns of one side have been pushed by the logical rules, which know the relation of a column. So
//! a plan in which two columns of an operator have one name is left as it is.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNode as _;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct FiltersByName(pub(crate) Arc<dyn PhysicalOptimizerRule + Send + Sync>);

impl PhysicalOptimizerRule for FiltersByName {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        options: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let is_ambiguous = plan.exists(|node| {
            let mut names = HashSet::new();
            Ok(!node.schema().fields().iter().all(|field| names.insert(field.name().clone())))
        })?;
        if is_ambiguous { Ok(plan) } else { self.0.optimize(plan, options) }
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}
