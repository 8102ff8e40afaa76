//! Plans of joins with merged keys.

use datafusion::common::{Column, DFSchema, NullEquality, Result, not_impl_err, plan_err};
use datafusion::functions::core::coalesce;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{Ident, Join, JoinConstraint, TableFactor, TableWithJoins};

use super::{has_keys, kind};

/// Plans joins in parentheses.
#[derive(Debug)]
pub(in super::super) struct MergedKeys;

impl RelationPlanner for MergedKeys {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        match relation {
            TableFactor::NestedJoin { table_with_joins, alias } if has_keys(&table_with_joins) => {
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
            "joins with USING or NATURAL that share a key or keep right rows do not go together with `{join}`; write \
             ON, and coalesce(a.k, b.k) for the key"
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
