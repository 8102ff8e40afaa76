//! A logical rule: a projection of a view that is a projection itself becomes one.
//!
//! ```text
//! Projection: m.a + 2 AS a, m.b AS b
//!   SubqueryAlias: m
//!     Projection: t.a + 1 AS a, t.b AS b
//!       t
//! ```
//! becomes
//! ```text
//! Projection: t.a + 1 + 2 AS a, t.b AS b
//!   t
//! ```
//!
//! DataFusion merges projections that lie directly upon each other, but not through the name of a view, so that views over
//! views keep one for each until there are operators. Everything between looks at each of them, and looks its columns up
//! among all others: of ten views of a thousand columns that was a third of the work.
//!
//! As in DataFusion's own rule, what is computed below is computed once: nothing is merged that is used twice. Nor is
//!
//! * a projection that reads columns without the name of a relation: DataFusion takes one for a repetition of the one right
//!   below it when they have the same expressions, and drops it ([`crate::emit`] gives such projections a name to read);
//! * a constant, but where it is passed on as it is: of some functions the type of the value depends on literals.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use crate::semantics::is_query;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct MergedProjections;

impl OptimizerRule for MergedProjections {
    fn name(&self) -> &'static str {
        "merged_projections"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if let LogicalPlan::Projection(upper) = &plan
            && let Some(merged) = merged(upper)?
        {
            return Ok(Transformed::yes(LogicalPlan::Projection(merged)));
        }
        Ok(Transformed::no(plan))
    }
}

/// A projection merged with the one that the view has which it reads, if there is one and nothing is computed more often
/// then.
fn merged(upper: &Projection) -> Result<Option<Projection>> {
    let LogicalPlan::SubqueryAlias(view) = upper.input.as_ref() else { return Ok(None) };
    let LogicalPlan::Projection(lower) = view.input.as_ref() else { return Ok(None) };
    let has_name_only = |expr: &Expr| !matches!(expr, Expr::Alias(alias) if alias.metadata.is_some());
    let reads_relations = |expr: &Expr| expr.column_refs().iter().all(|column| column.relation.is_some());
    if !lower.expr.iter().all(|expr| has_name_only(expr) && reads_relations(expr) && !expr.is_volatile()) {
        return Ok(None);
    }
    let places: HashMap<Column, usize> = view.schema.columns().into_iter().zip(0..).collect();
    if !can_be_put_in(&lower.expr, &places, &upper.expr)? {
        return Ok(None);
    }
    let computed = |expr: Expr| match &expr {
        Expr::Column(column) => {
            let below = places.get(column).and_then(|place| lower.expr.get(*place));
            Ok(below.map_or_else(
                || Transformed::no(expr.clone()),
                |below| Transformed::yes(below.clone().unalias()),
            ))
        }
        _ => Ok(Transformed::no(expr)),
    };
    let columns = upper.expr.iter().zip(upper.schema.iter()).map(|(expr, (relation, field))| {
        let merged = expr.clone().transform_up(computed)?.data;
        Ok(match merged {
            Expr::Alias(_) if matches!(expr, Expr::Alias(_)) => merged,
            other => other.alias_qualified(relation.cloned(), field.name()),
        })
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Projection::try_new_with_schema(columns, Arc::clone(&lower.input), Arc::clone(&upper.schema)).map(Some)
}

/// Whether what is computed can be put in the place of the columns that expressions read.
fn can_be_put_in(computed: &[Expr], places: &HashMap<Column, usize>, exprs: &[Expr]) -> Result<bool> {
    let mut used = vec![false; computed.len()];
    for expr in exprs {
        let is_passed_on = is_free(expr);
        let mut possible = true;
        expr.apply(|part| {
            possible = match part {
                Expr::Column(column) => places.get(column).is_some_and(|place| {
                    let again = used.get_mut(*place).is_none_or(|used| std::mem::replace(used, true));
                    computed.get(*place).is_some_and(|below| {
                        (!again || is_free(below)) && (is_passed_on || below.any_column_refs())
                    })
                }),
                // They may read the columns of the view from within.
                _ => !is_query(part) && !matches!(part, Expr::OuterReferenceColumn(..)),
            };
            Ok(if possible { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
        })?;
        if !possible {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an expression takes no work.
fn is_free(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => is_free(&alias.expr),
        Expr::Column(_) | Expr::Literal(..) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{LogicalPlanBuilder, col, lit};
    use datafusion::optimizer::OptimizerContext;
    use datafusion::prelude::random;

    use super::*;

    /// The plan of a projection of the view `m`, which is one of numbers `n` and `k`.
    fn rewritten(lower: Vec<Expr>, upper: Vec<Expr>) -> String {
        let rows = LogicalPlanBuilder::values(vec![vec![lit(1_i64), lit(2_i64)]]).unwrap();
        let rows = rows.project(vec![col("column1").alias("n"), col("column2").alias("k")]).unwrap();
        let rows = rows.alias("t").unwrap();
        let view = rows.project(lower).unwrap().alias("m").unwrap();
        let plan = view.project(upper).unwrap().build().unwrap();
        let schema = Arc::clone(plan.schema());
        let rewritten = MergedProjections.rewrite(plan, &OptimizerContext::new()).unwrap();
        assert_eq!(*rewritten.data.schema(), schema);
        let text = rewritten.data.display_indent().to_string();
        let merged = !text.contains("SubqueryAlias: m");
        assert_eq!(rewritten.transformed, merged);
        text.lines().next().unwrap().to_owned()
    }

    fn sum() -> Vec<Expr> {
        vec![(col("t.n") + col("t.k")).alias("a"), col("t.k").alias("b")]
    }

    #[test]
    fn what_is_used_once_is_computed_above() {
        let upper =
            vec![(col("m.a") + lit(1_i64)).alias("c"), col("m.b"), (col("m.b") * lit(2_i64)).alias("d")];
        assert_eq!(
            rewritten(sum(), upper),
            "Projection: t.n + t.k + Int64(1) AS c, t.k AS b, t.k * Int64(2) AS d"
        );
        assert_eq!(rewritten(sum(), vec![col("m.a")]), "Projection: t.n + t.k AS a");
    }

    #[test]
    fn what_is_used_twice_or_differs_each_time_stays() {
        let twice = vec![(col("m.a") + col("m.a")).alias("c")];
        assert_eq!(rewritten(sum(), twice), "Projection: m.a + m.a AS c");
        let chance = vec![random().alias("a"), col("t.k").alias("b")];
        assert_eq!(rewritten(chance, vec![col("m.a").alias("c")]), "Projection: m.a AS c");
    }

    #[test]
    fn a_constant_is_passed_on_and_not_put_into_expressions() {
        let constant = || vec![lit(2_i64).alias("a"), col("t.k").alias("b")];
        assert_eq!(rewritten(constant(), vec![col("m.a").alias("c")]), "Projection: Int64(2) AS c");
        let sum = vec![(col("m.a") + col("m.b")).alias("c")];
        assert_eq!(rewritten(constant(), sum), "Projection: m.a + m.b AS c");
    }
}
