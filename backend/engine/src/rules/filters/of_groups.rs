//! A logical rule: DataFusion's `PushDownFilter`, which moves no filter below an aggregation that gives a row for no rows.
//!
//! ```text
//! Filter: (SELECT max(n) FROM s) < 0
//!   Aggregate: groupBy=[[]], aggr=[[count(*)]]
//!     t
//! ```
//!
//! DataFusion 55.2 moves a predicate below an aggregation if all columns of it are among the keys. So are those of a predicate
//! without columns: a subquery, or a column that is NULL in every row, as in a branch of a union that lacks it. Where the
//! predicate is not true the aggregation then has no rows, and without keys it gives its one row all the same.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct FiltersOfGroups(pub(crate) Arc<dyn OptimizerRule + Send + Sync>);

impl OptimizerRule for FiltersOfGroups {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if let LogicalPlan::Filter(filter) = &plan
            && let LogicalPlan::Aggregate(aggregate) = filter.input.as_ref()
            && gives_a_row_for_none(aggregate)
            && split_conjunction(&filter.predicate).into_iter().any(|part| part.column_refs().is_empty())
        {
            return Ok(Transformed::no(plan));
        }
        self.0.rewrite(plan, config)
    }
}

/// Whether there is a group of all rows: without keys, or as one of several grouping sets.
fn gives_a_row_for_none(aggregate: &Aggregate) -> bool {
    aggregate.group_expr.iter().all(|key| matches!(key, Expr::GroupingSet(_)))
}
