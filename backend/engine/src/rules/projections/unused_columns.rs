//! A logical rule: DataFusion's `OptimizeProjections`, which is not asked where every column is used.
//!
//! It makes every projection anew, looking up each column among all others, whether there is a column to leave out or
//! not; and it does so twice, since the optimizer goes over a plan until nothing changes. Plans of filters, projections and
//! scans in which every projection uses all columns it can read are left alone.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use crate::semantics::is_query;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct UnusedColumns(pub(crate) Arc<dyn OptimizerRule + Send + Sync>);

impl OptimizerRule for UnusedColumns {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if !uses_all_columns(&plan)? {
            return self.0.rewrite(plan, config);
        }
        debug_assert_eq!(
            self.0.rewrite(plan.clone(), config)?.data.display_indent_schema().to_string(),
            plan.display_indent_schema().to_string(),
            "DataFusion finds a column to leave out"
        );
        Ok(Transformed::no(plan))
    }
}

/// Whether nothing can be left out of a plan, all of whose columns are wanted: only where that is seen at a glance.
fn uses_all_columns(mut plan: &LogicalPlan) -> Result<bool> {
    loop {
        plan = match plan {
            LogicalPlan::Projection(projection) => {
                if !reads_all_columns(projection)? || changes_nothing(projection) {
                    return Ok(false);
                }
                projection.input.as_ref()
            }
            LogicalPlan::Filter(filter) => {
                if filter.predicate.exists(|part| Ok(is_query(part)))? {
                    return Ok(false);
                }
                filter.input.as_ref()
            }
            LogicalPlan::SubqueryAlias(view) => view.input.as_ref(),
            LogicalPlan::TableScan(scan) => return Ok(scan.projection.is_some()),
            _ => return Ok(false),
        }
    }
}

/// Whether a projection reads all columns of its input, and is not one that could be merged with a projection below.
fn reads_all_columns(projection: &Projection) -> Result<bool> {
    if matches!(projection.input.as_ref(), LogicalPlan::Projection(_)) {
        return Ok(false);
    }
    let input = projection.input.schema();
    let is_named = input.iter().all(|(relation, _)| relation.is_some());
    let mut read: HashSet<&Column> = HashSet::new();
    let mut is_plain = true;
    for expr in &projection.expr {
        expr.apply(|part| {
            match part {
                // One column may be read by two names.
                Expr::Column(column) => {
                    is_plain &= column.relation.is_some() == is_named;
                    read.insert(column);
                }
                _ => is_plain &= !is_query(part) && !matches!(part, Expr::OuterReferenceColumn(..)),
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    Ok(is_plain && read.len() == input.fields().len())
}

/// Whether a projection only passes on columns of its input, under the same names.
fn changes_nothing(projection: &Projection) -> bool {
    projection.schema.fields() == projection.input.schema().fields()
        && projection.expr.iter().all(|expr| matches!(expr, Expr::Column(_)))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::logical_expr::{LogicalPlanBuilder, col, lit, table_scan};
    use datafusion::optimizer::OptimizerContext;
    use datafusion::optimizer::optimize_projections::OptimizeProjections;

    use super::*;

    /// Whether DataFusion's rule is asked about a projection of filtered rows with the columns `a` and `b`.
    fn is_asked(scanned: Option<Vec<usize>>, exprs: Vec<Expr>) -> bool {
        let fields = ["a", "b"].map(|name| Field::new(name, DataType::Int64, true));
        let rows = table_scan(Some("t"), &Schema::new(fields.to_vec()), scanned).unwrap();
        let rows = rows.filter(col("t.a").gt(lit(1_i64))).unwrap();
        let plan = LogicalPlanBuilder::from(rows.build().unwrap()).project(exprs).unwrap().build().unwrap();
        let all = uses_all_columns(&plan).unwrap();
        let rule = UnusedColumns(Arc::new(OptimizeProjections::new()));
        let rewritten = rule.rewrite(plan.clone(), &OptimizerContext::new()).unwrap();
        assert!(!all || rewritten.data == plan);
        !all
    }

    #[test]
    fn plans_without_an_unused_column_are_left_alone() {
        let sum = || (col("t.a") + col("t.b")).alias("sum");
        assert!(!is_asked(Some(vec![0, 1]), vec![sum()]));
        assert!(!is_asked(Some(vec![0, 1]), vec![col("t.b"), col("t.a").alias("c")]));
        assert!(is_asked(None, vec![sum()]), "the scan may read all columns");
        assert!(is_asked(Some(vec![0, 1]), vec![col("t.a")]), "`b` is not used");
        assert!(is_asked(Some(vec![0, 1]), vec![col("t.a"), col("t.b")]), "nothing is changed");
    }
}
