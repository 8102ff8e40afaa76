//! `EXCEPT ALL` and `INTERSECT ALL`.
//!
//! DataFusion plans them as an anti and a semi join over all columns, so one row on the right takes away all its copies
//! on the left, or keeps all of them (apache/datafusion#12955, #12956). Here the copies of a row are numbered on both
//! sides, and the number is one more key: three copies without one are two.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, NullEquality, Result};
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionDefinition};
use datafusion::logical_expr::{
    Distinct, Expr, ExprFunctionExt as _, Join, JoinType, LogicalPlan, LogicalPlanBuilder, WindowUDF,
};

/// The name of the number of a copy.
const COPY: &str = "__copy";

/// The plan of a query, as the SQL planner made it, with copies counted by `row_number`.
pub(super) fn counted(plan: LogicalPlan, row_number: &Arc<WindowUDF>) -> Result<LogicalPlan> {
    let counted = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Join(join) if is_of_copies(&join) => {
            Ok(Transformed::yes(numbered_join(join, row_number)?))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(counted.data)
}

/// Only set operations have joins in which NULL equals NULL before the optimizer runs; those without ALL have no copies
/// on the left.
fn is_of_copies(join: &Join) -> bool {
    matches!(join.join_type, JoinType::LeftAnti | JoinType::LeftSemi)
        && join.null_equality == NullEquality::NullEqualsNull
        && join.filter.is_none()
        && !matches!(join.left.as_ref(), LogicalPlan::Distinct(Distinct::All(_)))
}

fn numbered_join(join: Join, row_number: &Arc<WindowUDF>) -> Result<LogicalPlan> {
    let output: Vec<Expr> = join.left.schema().columns().into_iter().map(Expr::Column).collect();
    let columns = |plan: &LogicalPlan| {
        let mut columns = plan.schema().columns();
        columns.push(Column::new_unqualified(COPY));
        columns
    };
    let keys = (columns(&join.left), columns(&join.right));
    let left = numbered(Arc::unwrap_or_clone(join.left), row_number)?;
    let right = numbered(Arc::unwrap_or_clone(join.right), row_number)?;
    LogicalPlanBuilder::from(left)
        .join_detailed(right, join.join_type, keys, None, NullEquality::NullEqualsNull)?
        .project(output)?
        .build()
}

/// The rows of a plan, each with its number among its copies.
fn numbered(plan: LogicalPlan, row_number: &Arc<WindowUDF>) -> Result<LogicalPlan> {
    let columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    let definition = WindowFunctionDefinition::WindowUDF(Arc::clone(row_number));
    let number =
        Expr::from(WindowFunction::new(definition, Vec::new())).partition_by(columns.clone()).build()?;
    let name = number.schema_name().to_string();
    let output = columns.into_iter().chain([Expr::Column(Column::new_unqualified(name)).alias(COPY)]);
    LogicalPlanBuilder::from(plan).window([number])?.project(output)?.build()
}
