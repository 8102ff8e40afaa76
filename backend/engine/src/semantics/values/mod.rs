//! Operations on values that DataFusion computes wrongly, in an expression whose conversions are explicit. What is to be
//! done before they are is in `dates`, `mixed` and `operands`.
//!
//! | written | becomes | why |
//! |---|---|---|
//! | `a + b`, `a - b`, `a * b`, `-a` | [`CheckedArithmetic`], [`CheckedNegation`] | DataFusion's wrap around (apache/datafusion#3520, #17539) |
//! | `a << n`, `a >> n` | [`CheckedArithmetic`] | DataFusion's count `n` modulo the bits of the number, and lose bits |
//! | a conversion to a timestamp of nanoseconds that DataFusion put in, as for `date = timestamp` | one to microseconds | nanoseconds end in 2262 (#8336) |
//! | floats in lists, windows, `DISTINCT` aggregates, `CASE x WHEN`, `nullif` and among several keys of an order | `x + 0.0` for `x` | DataFusion compares bits there, so -0 is not 0, as it is everywhere else (`zeros`) |
//! | `sum(100 / v) FILTER (WHERE v <> 0)` | the argument in a `CASE` | DataFusion computes it for all rows (`filters`) |
//! | `max(v ORDER BY id)` | `max(v)` | DataFusion plans a state that it does not fill |
//! | an aggregate over a frame of a window | one that keeps the rows of the frame, where taking rows out again leaves traces or cannot be done | a NaN, or 1e20, that has left spoils all later rows; `bool_and` fails when it runs (`frames`) |
//! | `text ~ '.*'` | a `CASE` | the optimizer makes it `text IS NOT NULL`, so NULL becomes false (#24379) |

mod constants;
mod dates;
mod filters;
mod frames;
pub(crate) mod mixed;
mod operands;
mod together;
mod zeros;

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Case, Expr, ExprSchemable as _, Operator, ScalarUDF, cast, lit};
use functions::scalar::instead::checked_arithmetic::{CheckedArithmetic, CheckedNegation};

pub(super) use dates::dated;
pub(super) use together::brought_together;
pub(super) use zeros::in_orders;

/// The expression with every operation that gives right values.
pub(super) fn right(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| match expr {
        Expr::BinaryExpr(binary) => arithmetic(binary, schema),
        Expr::Negative(inner) if inner.get_type(schema)?.is_integer() => {
            let negation = Arc::new(ScalarUDF::from(CheckedNegation::new()));
            Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(negation, vec![*inner]))))
        }
        Expr::Cast(cast) => to_microseconds(cast, schema),
        Expr::ScalarFunction(call) => {
            constants::check_function(&call, schema)?;
            of_function(call).transform_data(|expr| zeros::one(expr, schema))
        }
        Expr::AggregateFunction(mut call) => {
            constants::check_aggregate(&call)?;
            let params = &mut call.params;
            let mut changed = filters::guarded(&mut params.args, &mut params.filter, schema)?;
            if call.func.order_sensitivity().is_insensitive() {
                changed |= !std::mem::take(&mut params.order_by).is_empty();
            }
            let call = Transformed::new_transformed(Expr::AggregateFunction(call), changed);
            call.transform_data(|call| zeros::one(call, schema))
        }
        Expr::WindowFunction(mut call) => {
            let params = &mut call.params;
            let mut changed = filters::guarded(&mut params.args, &mut params.filter, schema)?;
            changed |= frames::exact(&mut call, schema)?;
            let call = Transformed::new_transformed(Expr::WindowFunction(call), changed);
            call.transform_data(|call| zeros::one(call, schema))
        }
        other => zeros::one(other, schema),
    })
}

/// A whole number that SQL converts to a timestamp counts seconds, as it does in DataFusion, whatever the unit of the
/// timestamp.
pub(super) fn counted_in_seconds(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| match expr {
        Expr::Cast(mut conversion) => {
            let DataType::Timestamp(TimeUnit::Microsecond, zone) = conversion.field.data_type() else {
                return Ok(Transformed::no(Expr::Cast(conversion)));
            };
            if !conversion.expr.get_type(schema).is_ok_and(|own| own.is_integer()) {
                return Ok(Transformed::no(Expr::Cast(conversion)));
            }
            let seconds = DataType::Timestamp(TimeUnit::Second, zone.clone());
            let number = cast(*conversion.expr, DataType::Int64);
            conversion.expr = Box::new(cast(number, seconds));
            Ok(Transformed::yes(Expr::Cast(conversion)))
        }
        other => Ok(Transformed::no(other)),
    })
}

fn arithmetic(binary: BinaryExpr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match binary.op {
        Operator::Plus
        | Operator::Minus
        | Operator::Multiply
        | Operator::BitwiseShiftLeft
        | Operator::BitwiseShiftRight => {
            let (left, right) = (binary.left.get_type(schema)?, binary.right.get_type(schema)?);
            if !CheckedArithmetic::is_needed(binary.op, &left, &right) {
                return Ok(Transformed::no(Expr::BinaryExpr(binary)));
            }
            let Some(checked) = CheckedArithmetic::of(binary.op) else {
                return Ok(Transformed::no(Expr::BinaryExpr(binary)));
            };
            let operands = vec![*binary.left, *binary.right];
            let call = ScalarFunction::new_udf(Arc::new(ScalarUDF::from(checked)), operands);
            Ok(Transformed::yes(Expr::ScalarFunction(call)))
        }
        Operator::RegexMatch | Operator::RegexIMatch if matches_anything(&binary.right) => {
            Ok(Transformed::yes(true_or_null(*binary.left)))
        }
        _ => Ok(Transformed::no(Expr::BinaryExpr(binary))),
    }
}

/// Whether DataFusion takes a pattern for one that matches everything but NULL.
fn matches_anything(pattern: &Expr) -> bool {
    let pattern = match pattern {
        Expr::Cast(cast) => cast.expr.as_ref(),
        other => other,
    };
    matches!(pattern, Expr::Literal(value, _) if value.try_as_str().flatten() == Some(".*"))
}

/// True for every value, NULL for NULL.
fn true_or_null(value: Expr) -> Expr {
    Expr::Case(Case {
        expr: None,
        when_then_expr: vec![(Box::new(value.is_null()), Box::new(lit(ScalarValue::Boolean(None))))],
        else_expr: Some(Box::new(lit(true))),
    })
}

/// `regexp_like(text, '.*')`, which DataFusion makes an operator of.
fn of_function(mut call: ScalarFunction) -> Transformed<Expr> {
    match call.args.as_slice() {
        [_, pattern] if call.name() == "regexp_like" && matches_anything(pattern) => {
            Transformed::yes(true_or_null(call.args.swap_remove(0)))
        }
        _ => Transformed::no(Expr::ScalarFunction(call)),
    }
}

/// A conversion to a unit of time other than microseconds, made to one to microseconds. Numbers are counted in the unit
/// they are converted to; they stay.
fn to_microseconds(conversion: Cast, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let DataType::Timestamp(unit, zone) = conversion.field.data_type() else {
        return Ok(Transformed::no(Expr::Cast(conversion)));
    };
    let own = conversion.expr.get_type(schema)?;
    if *unit == TimeUnit::Microsecond || own.is_numeric() {
        return Ok(Transformed::no(Expr::Cast(conversion)));
    }
    let wanted = DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_| "UTC".into()));
    Ok(Transformed::yes(if own == wanted { *conversion.expr } else { cast(*conversion.expr, wanted) }))
}
