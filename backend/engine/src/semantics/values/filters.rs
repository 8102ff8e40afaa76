//! What an aggregate's `FILTER` guards is computed only for rows that pass it.
//!
//! `sum(100 / v) FILTER (WHERE v <> 0)` divides by zero in DataFusion when it groups, because it computes the arguments for
//! all rows of a batch and filters then. Here an argument that can fail is computed in a `CASE`, and so is the part of a
//! filter that its other part guards, as in other conditions (`rules::guarded`).

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{BinaryExpr, Case, Expr, ExprSchemable as _, Operator, lit};

use crate::rules::guarded::{divides_all, is_partial_function, may_not_fit};

/// Guards arguments and the filter of an aggregate by the filter; whether any changed.
pub(super) fn guarded(
    arguments: &mut [Expr],
    filter: &mut Option<Box<Expr>>,
    schema: &DFSchema,
) -> Result<bool> {
    let Some(own) = filter else { return Ok(false) };
    let mut changed = guard_itself(own, schema)?;
    for argument in arguments {
        if can_fail(argument, schema)? {
            *argument = where_true(own.as_ref().clone(), std::mem::take(argument));
            changed = true;
        }
    }
    Ok(changed)
}

fn guard_itself(filter: &mut Box<Expr>, schema: &DFSchema) -> Result<bool> {
    let (mut guards, mut guarded) = (Vec::new(), Vec::new());
    for conjunct in split_conjunction_owned(filter.as_ref().clone()) {
        if can_fail(&conjunct, schema)? { &mut guarded } else { &mut guards }.push(conjunct);
    }
    let (Some(guard), Some(guarded)) = (conjunction(guards), conjunction(guarded)) else { return Ok(false) };
    **filter = where_true(guard, guarded);
    Ok(true)
}

/// The value where the condition is true, else NULL. The optimizer would make `CASE WHEN a THEN b END` of conditions `a AND b`,
/// which computes both.
fn where_true(condition: Expr, value: Expr) -> Expr {
    Expr::Case(Case {
        expr: Some(Box::new(condition)),
        when_then_expr: vec![(Box::new(lit(true)), Box::new(value))],
        else_expr: None,
    })
}

/// Whether an expression can give an error for some rows. Branches of a `CASE` are computed where they are reached.
fn can_fail(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    let mut can_fail = false;
    expr.apply(|part| {
        if matches!(part, Expr::Case(_)) {
            return Ok(TreeNodeRecursion::Jump);
        }
        can_fail |= is_partial(part, schema)?;
        Ok(if can_fail { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(can_fail)
}

/// Whether an operation can, as `rules::guarded` has it for a physical one.
fn is_partial(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    match expr {
        Expr::Cast(cast) => Ok(may_not_fit(&cast.expr.get_type(schema)?, cast.field.data_type())),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide | Operator::Modulo, right }) => {
            let divides_all = matches!(right.as_ref(), Expr::Literal(number, _) if divides_all(number));
            Ok(!DataType::is_floating(&left.get_type(schema)?) && !divides_all)
        }
        Expr::ScalarFunction(call) => Ok(is_partial_function(&call.func)),
        _ => Ok(false),
    }
}
