//! Zero and minus zero are one number.
//!
//! They are equal where DataFusion compares two floats, joins by them, and groups by them. Lists, windows, `DISTINCT`
//! aggregates, `CASE x WHEN`, `nullif` and orders compare bits. There `x` becomes `x + 0.0`, which is the same number and
//! never minus zero, and is in the same order as `x`.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable as _, LogicalPlan, Operator, SortExpr, lit};

/// An expression, whose operands are right, with one zero among what it compares.
pub(super) fn one(mut expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let mut compared: Vec<&mut Expr> = Vec::new();
    match &mut expr {
        Expr::InList(list) if !list.list.iter().all(is_other_number) => {
            compared.push(&mut list.expr);
            compared.extend(&mut list.list);
        }
        Expr::WindowFunction(call) => {
            compared.extend(&mut call.params.partition_by);
            compared.extend(call.params.order_by.iter_mut().map(|key| &mut key.expr));
            if call.params.distinct {
                compared.extend(&mut call.params.args);
            }
        }
        Expr::AggregateFunction(call) => {
            let params = &mut call.params;
            if params.distinct {
                compared.extend(&mut params.args);
                compared.extend(params.order_by.iter_mut().map(|key| &mut key.expr));
            } else {
                compared.extend(before_others(&mut params.order_by));
            }
        }
        Expr::Case(case) => {
            if let Some(operand) = &mut case.expr {
                compared.push(operand);
                compared.extend(case.when_then_expr.iter_mut().map(|(when, _)| when.as_mut()));
            }
        }
        Expr::ScalarFunction(call) if call.name() == "nullif" => compared.extend(&mut call.args),
        _ => {}
    }
    let mut changed = false;
    for expr in compared {
        changed |= add_zero(expr, schema)?;
    }
    Ok(Transformed::new_transformed(expr, changed))
}

/// The plan with one zero in its orders, where further keys decide between rows that are equal by a float.
pub(in super::super) fn in_orders(plan: LogicalPlan) -> Result<LogicalPlan> {
    let rewritten = plan.transform_up_with_subqueries(|mut node| {
        let schema = merge_schema(&node.inputs());
        let LogicalPlan::Sort(sort) = &mut node else { return Ok(Transformed::no(node)) };
        let mut changed = false;
        for key in before_others(&mut sort.expr) {
            changed |= add_zero(key, &schema)?;
        }
        Ok(Transformed::new_transformed(node, changed))
    })?;
    Ok(rewritten.data)
}

/// All keys of an order but the last. Rows that are equal by the last one are in no order.
fn before_others(keys: &mut [SortExpr]) -> impl Iterator<Item = &mut Expr> {
    let last = keys.len().saturating_sub(1);
    keys.iter_mut().take(last).map(|key| &mut key.expr)
}

/// A literal that is not zero.
fn is_other_number(value: &Expr) -> bool {
    match value {
        Expr::Literal(value, _) => !is_zero(value),
        _ => false,
    }
}

fn is_zero(value: &ScalarValue) -> bool {
    matches!(value, ScalarValue::Float64(Some(0.0)) | ScalarValue::Float32(Some(0.0)))
}

/// Makes a float one that is never minus zero; whether it changed.
fn add_zero(value: &mut Expr, schema: &DFSchema) -> Result<bool> {
    let zero = match value.get_type(schema)? {
        DataType::Float32 => lit(0_f32),
        DataType::Float64 => lit(0_f64),
        _ => return Ok(false),
    };
    match value {
        Expr::Literal(literal, _) if is_zero(literal) => *value = zero,
        Expr::Literal(..) => return Ok(false),
        Expr::BinaryExpr(BinaryExpr { op: Operator::Plus, right, .. }) if **right == zero => {
            return Ok(false);
        }
        _ => *value = std::mem::take(value) + zero,
    }
    Ok(true)
}
