//! Mark joins.
//!
//! A left mark join gives every row of its left side once, with a column that says whether a row of the right side
//! satisfies the condition: never NULL. The right side is the subquery without what refers to the outer query, which
//! becomes part of the condition (DataFusion's [`PullUpCorrelatedExpr`]).

use std::collections::BTreeSet;

use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr_rewriter::unalias;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Subquery, lit};
use datafusion::optimizer::decorrelate::PullUpCorrelatedExpr;

use super::NOT_JOINED;
use crate::error::NotComputed;

/// What the value of a subquery is called while it is joined.
const VALUE: &str = "__value";

/// Makes the mark joins of a query.
#[derive(Default)]
pub(super) struct Marks {
    made: usize,
}

impl Marks {
    /// Joins `input` with a subquery; the column that says whether a row of it satisfies the condition, which is made
    /// of the subquery's value. Without a condition: whether there is a row.
    pub(super) fn mark(
        &mut self,
        input: &mut LogicalPlan,
        subquery: &Subquery,
        condition: Option<&dyn Fn(Expr) -> Expr>,
    ) -> Result<Expr> {
        self.made += 1;
        let alias = format!("__subquery_{}", self.made);
        let own = Expr::Column(subquery.subquery.schema().qualified_field(0).into());
        let plan = LogicalPlanBuilder::from(subquery.subquery.as_ref().clone());
        let plan = plan.project([unalias(own).alias(VALUE)])?.build()?;
        let mut pull_up = PullUpCorrelatedExpr::new();
        let plan = plan.rewrite(&mut pull_up)?.data;
        let refers = !pull_up.join_filters.is_empty();
        if !pull_up.can_pull_up
            || (refers && pull_up.pulled_up_scalar_agg)
            || !plan.all_out_ref_exprs().is_empty()
        {
            return NotComputed::error(NOT_JOINED);
        }
        let right = LogicalPlanBuilder::from(plan).alias(alias.as_str())?.build()?;
        let own: BTreeSet<Column> = pull_up.correlated_subquery_cols_map.into_values().flatten().collect();
        let correlated = conjunction(pull_up.join_filters);
        let correlated = correlated.map(|filter| requalified(filter, &own, &alias)).transpose()?;
        let compared =
            condition.map(|condition| condition(Expr::Column(Column::new(Some(alias.as_str()), VALUE))));
        let refers_to_input = correlated.is_some()
            || compared.as_ref().is_some_and(|compared| compared.column_refs().len() > 1);
        let (right, filter) = if refers_to_input {
            (right, conjunction(correlated.into_iter().chain(compared)))
        } else {
            // One row says it for all rows of the input.
            let right = LogicalPlanBuilder::from(right);
            let right = match compared {
                Some(compared) => right.filter(compared)?,
                None => right,
            };
            (right.limit(0, Some(1))?.build()?, None)
        };
        let left = std::mem::take(input);
        let joined = LogicalPlanBuilder::from(left).join_on(
            right,
            JoinType::LeftMark,
            [filter.unwrap_or(lit(true))],
        )?;
        *input = joined.build()?;
        Ok(Expr::Column(Column::new(Some(alias), "mark")))
    }
}

/// The condition with the subquery's columns under its alias.
fn requalified(filter: Expr, own: &BTreeSet<Column>, alias: &str) -> Result<Expr> {
    let replaced = filter.transform_up(|expr| match expr {
        Expr::Column(column) if own.contains(&column) => {
            Ok(Transformed::yes(Expr::Column(Column::new(Some(alias), column.name))))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(replaced.data)
}
