//! Decimals that meet floats.
//!
//! DataFusion makes both `DECIMAL(30, 15)` where they are compared or stand in one column: 1e-16 becomes 0 and equals it, and a
//! NaN, an infinity or 1e15 is an error when the query runs. Here the decimal becomes the float, as it does in sums and in
//! PostgreSQL and Spark; a number that is written takes the type of the column it meets instead (`semantics::literals`).

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{InSubquery, SetComparison};
use datafusion::logical_expr::{
    Expr, ExprSchemable as _, Join, JoinConstraint, LogicalPlan, Projection, Subquery, Union, cast,
};

use super::operands::Operand;

/// The float that values of these types are brought to, if a decimal and a float are among them.
pub(crate) fn common_float<'a>(types: impl IntoIterator<Item = &'a DataType>) -> Option<DataType> {
    let (mut decimal, mut float) = (false, None);
    for data_type in types {
        match data_type {
            DataType::Float64 => float = Some(DataType::Float64),
            DataType::Float16 | DataType::Float32 if float.is_none() => float = Some(DataType::Float32),
            other if other.is_decimal() => decimal = true,
            DataType::Float16 | DataType::Float32 | DataType::Null => {}
            other if other.is_integer() => {}
            _ => return None,
        }
    }
    float.filter(|_| decimal)
}

/// Makes decimals floats where they meet floats; whether any changed.
pub(super) fn made_floats(operands: &mut [Operand<'_>]) -> bool {
    let Some(float) = common_float(operands.iter().filter_map(|operand| operand.data_type.as_ref())) else {
        return false;
    };
    for operand in operands.iter_mut().filter(|operand| operand.is(DataType::is_decimal)) {
        *operand.expr = cast(std::mem::take(operand.expr), float.clone());
        operand.data_type = Some(float.clone());
    }
    true
}

/// `expr IN (query)`.
pub(super) fn in_subquery(mut all: InSubquery, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let changed = with_rows(&mut all.expr, &mut all.subquery, schema)?;
    Ok(Transformed::new_transformed(Expr::InSubquery(all), changed))
}

/// `expr = ANY (query)` and its kin.
pub(super) fn set_comparison(mut all: SetComparison, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let changed = with_rows(&mut all.expr, &mut all.subquery, schema)?;
    Ok(Transformed::new_transformed(Expr::SetComparison(all), changed))
}

/// A value and the rows of one column that it is compared with; whether any changed.
fn with_rows(expr: &mut Expr, subquery: &mut Subquery, schema: &DFSchema) -> Result<bool> {
    let (Ok(own), [rows]) = (expr.get_type(schema), subquery.subquery.schema().fields().as_ref()) else {
        return Ok(false);
    };
    let Some(float) = common_float([&own, rows.data_type()]) else { return Ok(false) };
    if own.is_decimal() {
        *expr = cast(std::mem::take(expr), float);
    } else {
        let plan = Arc::clone(&subquery.subquery);
        subquery.subquery = Arc::new(converted(plan, &[Some(float)])?);
    }
    Ok(true)
}

/// The keys of a join, and columns of a union.
pub(crate) fn in_node(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    match node {
        LogicalPlan::Join(join) => in_join(join),
        LogicalPlan::Union(union) => in_union(union),
        other => Ok(Transformed::no(other)),
    }
}

fn in_join(mut join: Join) -> Result<Transformed<LogicalPlan>> {
    let mut changed = false;
    for (left, right) in &mut join.on {
        // A key that is not there is an error of whoever made the join.
        let (Ok(own), Ok(other)) = (left.get_type(join.left.schema()), right.get_type(join.right.schema()))
        else {
            continue;
        };
        let Some(float) = common_float([&own, &other]) else { continue };
        let decimal = if own.is_decimal() { left } else { right };
        *decimal = cast(std::mem::take(decimal), float);
        changed = true;
    }
    if changed {
        // Keys of USING are columns.
        join.join_constraint = JoinConstraint::On;
    }
    Ok(Transformed::new_transformed(LogicalPlan::Join(join), changed))
}

fn in_union(mut union: Union) -> Result<Transformed<LogicalPlan>> {
    let wanted: Vec<Option<DataType>> = (0..union.schema.fields().len())
        .map(|at| {
            let mut types = Vec::new();
            union.inputs.iter().for_each(|input| add_types(input, at, &mut types));
            common_float(&types)
        })
        .collect();
    if wanted.iter().all(Option::is_none) {
        return Ok(Transformed::no(LogicalPlan::Union(union)));
    }
    for input in &mut union.inputs {
        *input = Arc::new(converted(Arc::clone(input), &wanted)?);
    }
    Ok(Transformed::yes(LogicalPlan::Union(Union::try_new_with_loose_types(union.inputs)?)))
}

/// The types of one column; those of all inputs of a union, which has no type before it is coerced.
fn add_types(plan: &LogicalPlan, column: usize, types: &mut Vec<DataType>) {
    match plan {
        LogicalPlan::Union(union) => union.inputs.iter().for_each(|input| add_types(input, column, types)),
        other => types.extend(other.schema().fields().get(column).map(|field| field.data_type().clone())),
    }
}

/// The plan with some columns, by place, converted.
fn converted(plan: Arc<LogicalPlan>, wanted: &[Option<DataType>]) -> Result<LogicalPlan> {
    let columns = plan.schema().columns().into_iter().zip(plan.schema().fields()).zip(wanted);
    let columns = columns
        .map(|((column, field), wanted)| match wanted {
            Some(wanted) if field.data_type() != wanted => {
                let (table, name) = (column.relation.clone(), column.name.clone());
                cast(Expr::Column(column), wanted.clone()).alias_qualified(table, name)
            }
            _ => Expr::Column(column),
        })
        .collect();
    Ok(LogicalPlan::Projection(Projection::try_new(columns, plan)?))
}
