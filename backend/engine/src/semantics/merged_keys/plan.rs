//! Plans of joins with merged keys.

use datafusion::common::{Column, DFSchema, NullEquality, Result, not_impl_err, plan_err};
use datafusion::functions::core::coalesce;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{Ident, Join, JoinConstraint, TableFactor, TableWithJoins};

use super::{MERGED, has_keys, kind};

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
                let keeping = alias.as_ref().is_some_and(|alias| alias.name.value == MERGED);
                let alias = alias.filter(|_| !keeping);
                let mut plan = context.plan(relation)?;
                for join in joins {
                    plan = joined(plan, join, keeping, context)?;
                }
                Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
            }
            other => Ok(RelationPlanning::Original(Box::new(other))),
        }
    }
}

fn joined(
    left: LogicalPlan,
    join: Join,
    keeping: bool,
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
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
            merged(left, right, join_type, &keys, keeping)
        }
        JoinConstraint::Natural => {
            let right_names: Vec<&String> =
                right.schema().fields().iter().map(|field| field.name()).collect();
            let common = left.schema().fields().iter().map(|field| field.name());
            let keys: Vec<String> = common.filter(|name| right_names.contains(name)).cloned().collect();
            if keys.is_empty() && join_type == JoinType::Inner {
                return LogicalPlanBuilder::from(left).cross_join(right)?.build();
            }
            merged(left, right, join_type, &keys, keeping)
        }
    }
}

/// The join of two plans by columns of the same names, with one column for each: in the place of the left one, or, when
/// `keeping` both, as one of the table [`MERGED`].
fn merged(
    left: LogicalPlan,
    right: LogicalPlan,
    join_type: JoinType,
    keys: &[String],
    keeping: bool,
) -> Result<LogicalPlan> {
    let left_keys = columns(left.schema(), keys)?;
    let (right, right_keys) = apart(right, &left_keys, keys)?;
    let pairs = || left_keys.iter().zip(&right_keys).zip(keys);
    let both = |left: &Column, right: &Column| match join_type {
        JoinType::Right => Expr::Column(right.clone()),
        JoinType::Full => {
            let values = vec![Expr::Column(left.clone()), Expr::Column(right.clone())];
            Expr::ScalarFunction(ScalarFunction::new_udf(coalesce(), values))
        }
        _ => Expr::Column(left.clone()),
    };
    let is_merged = |column: &Column| matches!(&column.relation, Some(table) if table.table() == MERGED);
    let mut output = Vec::new();
    for column in left.schema().columns() {
        match pairs().find(|((left, _), _)| **left == column) {
            Some(_) if keeping && is_merged(&column) => {}
            Some(((left, right), name))
                if !keeping && matches!(join_type, JoinType::Right | JoinType::Full) =>
            {
                output.push(both(left, right).alias(name));
            }
            _ => output.push(Expr::Column(column)),
        }
    }
    let stays = |column: &Column| keeping && column.relation.is_some() || !right_keys.contains(column);
    output.extend(right.schema().columns().into_iter().filter(stays).map(Expr::Column));
    if keeping {
        output.extend(
            pairs()
                .map(|((left, right), name)| both(left, right).alias_qualified(Some(MERGED), name.clone())),
        );
    }
    LogicalPlanBuilder::from(left)
        .join_detailed(right, join_type, (left_keys, right_keys), None, NullEquality::NullEqualsNothing)?
        .project(output)?
        .build()
}

/// The columns of these names; one that was merged before goes before those that it was made of.
fn columns(schema: &DFSchema, names: &[String]) -> Result<Vec<Column>> {
    let column = |name: &String| {
        let merged = Column::new(Some(MERGED), name.as_str());
        if schema.has_column(&merged) {
            return Ok(merged);
        }
        schema.qualified_field_with_unqualified_name(name).map(Column::from)
    };
    names.iter().map(column).collect()
}

/// The right side of a join and its keys, which have other names where DataFusion could not tell them from the left ones:
/// where one of the two has no table.
fn apart(right: LogicalPlan, left_keys: &[Column], names: &[String]) -> Result<(LogicalPlan, Vec<Column>)> {
    let keys = columns(right.schema(), names)?;
    if left_keys.iter().chain(&keys).all(|key| key.relation.is_some()) {
        return Ok((right, keys));
    }
    let renamed = |key: &Column| Column::new_unqualified(format!("__right_{}", key.name));
    let output: Vec<Expr> = right
        .schema()
        .columns()
        .into_iter()
        .map(|column| match keys.contains(&column) {
            true => Expr::Column(column.clone()).alias(renamed(&column).name),
            false => Expr::Column(column),
        })
        .collect();
    let keys = keys.iter().map(renamed).collect();
    Ok((LogicalPlanBuilder::from(right).project(output)?.build()?, keys))
}
