//! `USING` and `NATURAL` in right and full outer joins.
//!
//! The merged key of `a FULL JOIN b USING (k)` is `coalesce(a.k, b.k)`. DataFusion takes `a.k`, which is NULL for a row
//! that only `b` has (apache/datafusion#22881). Joins with such a key are put into parentheses in the syntax tree, and
//! what is in parentheses is planned here: the key becomes a column of its own, and the keys it was made of are gone.
//! A query that names one of them (`a.k`) is refused by the usual check of names.

use std::ops::ControlFlow;

use datafusion::common::{Column, DFSchema, NullEquality, Result, not_impl_err, plan_err};
use datafusion::functions::core::coalesce;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{
    Ident, Join, JoinConstraint, JoinOperator, Query, SetExpr, TableFactor, TableWithJoins, VisitMut,
    VisitorMut,
};

/// Puts parentheses around joins whose merged keys DataFusion gets wrong.
pub(super) fn enclose_merged_keys(tree: &mut impl VisitMut) {
    // It never breaks off.
    let _: ControlFlow<()> = tree.visit(&mut Enclosing);
}

struct Enclosing;

impl VisitorMut for Enclosing {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        enclose_in(&mut query.body);
        ControlFlow::Continue(())
    }
}

fn enclose_in(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => {
            for from in select.from.iter_mut().filter(|from| has_merged_keys(from)) {
                let relation =
                    TableFactor::NestedJoin { table_with_joins: Box::new(from.clone()), alias: None };
                *from = TableWithJoins { relation, joins: Vec::new() };
            }
        }
        SetExpr::SetOperation { left, right, .. } => {
            enclose_in(left);
            enclose_in(right);
        }
        // Queries in parentheses are visited themselves.
        _ => {}
    }
}

/// Whether a key of these joins is one that rows without a match on the left have too.
fn has_merged_keys(joins: &TableWithJoins) -> bool {
    joins.joins.iter().any(|join| match kind(&join.join_operator) {
        Some((JoinType::Right | JoinType::Full, constraint)) => {
            matches!(constraint, JoinConstraint::Using(_) | JoinConstraint::Natural)
        }
        _ => false,
    })
}

fn kind(operator: &JoinOperator) -> Option<(JoinType, &JoinConstraint)> {
    Some(match operator {
        JoinOperator::Join(on) | JoinOperator::Inner(on) | JoinOperator::CrossJoin(on) => {
            (JoinType::Inner, on)
        }
        JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (JoinType::Left, on),
        JoinOperator::Right(on) | JoinOperator::RightOuter(on) => (JoinType::Right, on),
        JoinOperator::FullOuter(on) => (JoinType::Full, on),
        _ => return None,
    })
}

/// Plans joins in parentheses.
#[derive(Debug)]
pub(super) struct MergedKeys;

impl RelationPlanner for MergedKeys {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        match relation {
            TableFactor::NestedJoin { table_with_joins, alias } if has_merged_keys(&table_with_joins) => {
                let TableWithJoins { relation, joins } = *table_with_joins;
                let mut plan = context.plan(relation)?;
                for join in joins {
                    plan = joined(plan, join, context)?;
                }
                Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
            }
            other => Ok(RelationPlanning::Original(Box::new(other))),
        }
    }
}

fn joined(left: LogicalPlan, join: Join, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let lateral = match &join.relation {
        TableFactor::Derived { lateral, .. } | TableFactor::Function { lateral, .. } => *lateral,
        TableFactor::UNNEST { .. } => true,
        _ => false,
    };
    let Some((join_type, constraint)) = kind(&join.join_operator).filter(|_| !lateral) else {
        return not_impl_err!(
            "joins with USING or NATURAL that keep right rows do not go together with `{join}`; write ON and \
             coalesce(a.k, b.k) for the key"
        );
    };
    let constraint = constraint.clone();
    let right = context.plan(join.relation)?;
    match constraint {
        JoinConstraint::On(condition) => {
            let schema = left.schema().join(right.schema())?;
            let condition = context.sql_to_expr(condition, &schema)?;
            LogicalPlanBuilder::from(left).join_on(right, join_type, Some(condition))?.build()
        }
        JoinConstraint::None if join_type == JoinType::Inner => {
            LogicalPlanBuilder::from(left).cross_join(right)?.build()
        }
        JoinConstraint::None => {
            LogicalPlanBuilder::from(left).join_on(right, join_type, std::iter::empty())?.build()
        }
        JoinConstraint::Using(names) => {
            let mut keys = Vec::with_capacity(names.len());
            for name in names {
                match name.0.as_slice() {
                    [part] if part.as_ident().is_some() => {
                        keys.extend(
                            part.as_ident().cloned().map(|ident: Ident| context.normalize_ident(ident)),
                        );
                    }
                    _ => return plan_err!("`{name}` in USING must be the name of a column"),
                }
            }
            merged(left, right, join_type, &keys)
        }
        JoinConstraint::Natural => {
            let right_names: Vec<&String> =
                right.schema().fields().iter().map(|field| field.name()).collect();
            let common = left.schema().fields().iter().map(|field| field.name());
            let keys: Vec<String> = common.filter(|name| right_names.contains(name)).cloned().collect();
            if keys.is_empty() && join_type == JoinType::Inner {
                return LogicalPlanBuilder::from(left).cross_join(right)?.build();
            }
            merged(left, right, join_type, &keys)
        }
    }
}

/// The join of two plans by columns of the same names, with one column for each.
fn merged(
    left: LogicalPlan,
    right: LogicalPlan,
    join_type: JoinType,
    keys: &[String],
) -> Result<LogicalPlan> {
    let columns = |schema: &DFSchema| {
        keys.iter()
            .map(|key| schema.qualified_field_with_unqualified_name(key).map(Column::from))
            .collect::<Result<Vec<_>>>()
    };
    let (left_keys, right_keys) = (columns(left.schema())?, columns(right.schema())?);
    let mut output = Vec::new();
    for column in left.schema().columns() {
        let key = left_keys.iter().position(|key| *key == column);
        let other = key.and_then(|at| Some((right_keys.get(at)?, keys.get(at)?)));
        output.push(match other {
            Some((other, name)) if join_type == JoinType::Right => Expr::Column(other.clone()).alias(name),
            Some((other, name)) if join_type == JoinType::Full => {
                let values = vec![Expr::Column(column), Expr::Column(other.clone())];
                Expr::ScalarFunction(ScalarFunction::new_udf(coalesce(), values)).alias(name)
            }
            _ => Expr::Column(column),
        });
    }
    let rest = right.schema().columns().into_iter().filter(|column| !right_keys.contains(column));
    output.extend(rest.map(Expr::Column));
    LogicalPlanBuilder::from(left)
        .join_detailed(right, join_type, (left_keys, right_keys), None, NullEquality::NullEqualsNothing)?
        .project(output)?
        .build()
}
