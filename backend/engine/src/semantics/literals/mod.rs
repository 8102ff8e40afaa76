//! Numbers written in SQL take the type of what they meet.
//!
//! DataFusion reads `500.2` as a double. Compared with a `FLOAT` column, the column becomes double, and no value of it
//! equals 500.2; compared with a `DECIMAL`, the column becomes double and cents are lost (apache/datafusion#13078,
//! #12655, #12817). Here
//!
//! * a number that a double cannot hold (more than 15 digits, or a whole number of more than 64 bits) is a decimal of
//!   just its digits, wherever it stands;
//! * any other number with a point becomes the `FLOAT` or `DECIMAL` it is compared with, added to, multiplied with, or
//!   an alternative to (`CASE`, `coalesce`); compared with whole numbers it is compared exactly;
//! * two such numbers are added, subtracted and multiplied as decimals: `0.1 + 0.2 = 0.3`;
//! * alone, or with a point and an exponent, it stays a double.

mod decimal;

use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{Between, InList, InSubquery, SetComparison};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{BinaryExpr, Case, Expr, ExprSchemable as _, Operator, lit};
use datafusion::sql::sqlparser::ast::{
    self, BinaryOperator, CastKind, ExactNumberInfo, UnaryOperator, Value, VisitMut, VisitorMut,
};
use ir::expr::walk;

use decimal::Decimal;

/// How many digits every double keeps.
const DOUBLE_DIGITS: usize = 15;
/// How many digits a decimal can have.
const DECIMAL_DIGITS: usize = 38;
/// The digits of the smallest `BIGINT`.
const SMALLEST: &str = "9223372036854775808";

/// Writes numbers that DataFusion would read as something nearby as casts of their digits to decimals.
pub(super) fn write_out_long_numbers(tree: &mut impl VisitMut) {
    // It never breaks off.
    let _ = walk::visit_mut(tree, &mut LongNumbers);
}

struct LongNumbers;

impl VisitorMut for LongNumbers {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
        if let ast::Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } = expr
            && let ast::Expr::Value(value) = inner.as_mut()
            && let Value::Number(digits, _) = &mut value.value
            && digits == SMALLEST
        {
            digits.insert(0, '-');
            *expr = ast::Expr::Value(value.clone());
        }
        if let ast::Expr::Value(value) = expr
            && let Value::Number(digits, _) = &value.value
            && let Some((precision, scale)) = long_number(&digits.replace('_', ""))
        {
            let mut text = value.clone();
            text.value = Value::SingleQuotedString(digits.replace('_', ""));
            *expr = ast::Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(ast::Expr::Value(text)),
                data_type: ast::DataType::Decimal(ExactNumberInfo::PrecisionAndScale(precision, scale)),
                array: false,
                format: None,
            };
        }
        ControlFlow::Continue(())
    }
}

/// Precision and scale of the decimal a text is, if neither a `BIGINT` nor a double holds it and a decimal does.
fn long_number(text: &str) -> Option<(u64, i64)> {
    if text.parse::<i64>().is_ok() || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches('0');
    let digits = match (whole, fraction.trim_end_matches('0')) {
        ("", fraction) => fraction.trim_start_matches('0').len(),
        (whole, fraction) => whole.len() + fraction.len(),
    };
    let written = (whole.len() + fraction.len()).max(1);
    let is_double = text.contains('.') && digits <= DOUBLE_DIGITS;
    if is_double || written > DECIMAL_DIGITS {
        return None;
    }
    Some((u64::try_from(written).ok()?, i64::try_from(fraction.len()).ok()?))
}

/// Converts numbers next to an operator.
#[derive(Debug)]
pub(super) struct NumbersMeetOperands;

impl ExprPlanner for NumbersMeetOperands {
    fn plan_binary_op(
        &self,
        mut raw: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, Minus, Multiply, NotEq, Plus};
        let how = match raw.op {
            Eq | NotEq | Lt | LtEq | Gt | GtEq | BinaryOperator::Spaceship => Meeting::Comparison,
            Plus | Minus | Multiply => Meeting::Arithmetic,
            _ => return Ok(PlannerResult::Original(raw)),
        };
        match (double(&raw.left), double(&raw.right)) {
            (Some(left), Some(right)) if how == Meeting::Arithmetic => {
                if let Some(result) = Decimal::combined(&raw.op, left, right) {
                    return Ok(PlannerResult::Planned(lit(result)));
                }
            }
            (Some(_), None) => {
                let own = std::mem::take(&mut raw.left);
                raw.left = met(own, &type_of(&raw.right, schema), how);
            }
            (None, Some(_)) => {
                let own = std::mem::take(&mut raw.right);
                raw.right = met(own, &type_of(&raw.left, schema), how);
            }
            _ => {}
        }
        Ok(PlannerResult::Original(raw))
    }
}

/// What a number and the other expression are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meeting {
    Comparison,
    Arithmetic,
    /// Values of one column.
    Alternatives,
}

/// Converts numbers in lists, ranges, cases and alternatives of an expression that is not yet coerced.
pub(super) fn adapted(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| {
        Ok(match expr {
            Expr::InList(InList { expr, list, negated }) if list.iter().any(is_double) => {
                let data_type = type_of(&expr, schema);
                let list = list.into_iter().map(|item| met(item, &data_type, Meeting::Comparison)).collect();
                Transformed::yes(Expr::InList(InList { expr, list, negated }))
            }
            Expr::Between(Between { expr, negated, low, high }) if is_double(&low) || is_double(&high) => {
                let data_type = type_of(&expr, schema);
                let bound = |bound: Box<Expr>| Box::new(met(*bound, &data_type, Meeting::Comparison));
                Transformed::yes(Expr::Between(Between { expr, negated, low: bound(low), high: bound(high) }))
            }
            // The planner of operators does not see these two.
            Expr::BinaryExpr(BinaryExpr { left, op, right })
                if matches!(op, Operator::IsDistinctFrom | Operator::IsNotDistinctFrom)
                    && is_double(&left) != is_double(&right) =>
            {
                let (own, other) = (type_of(&left, schema), type_of(&right, schema));
                let left = Box::new(met(*left, &other, Meeting::Comparison));
                let right = Box::new(met(*right, &own, Meeting::Comparison));
                Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right }))
            }
            Expr::Case(case) => of_case(case, schema),
            Expr::ScalarFunction(mut call) if has_alternatives(call.name()) => {
                let changed = agree(call.args.iter_mut().collect(), schema);
                Transformed::new_transformed(Expr::ScalarFunction(call), changed)
            }
            Expr::InSubquery(InSubquery { expr, subquery, negated }) if is_double(&expr) => {
                let data_type =
                    subquery.subquery.schema().fields().first().map(|field| field.data_type().clone());
                let expr = Box::new(met(*expr, &data_type, Meeting::Comparison));
                Transformed::yes(Expr::InSubquery(InSubquery { expr, subquery, negated }))
            }
            Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) if is_double(&expr) => {
                let data_type =
                    subquery.subquery.schema().fields().first().map(|field| field.data_type().clone());
                let expr = Box::new(met(*expr, &data_type, Meeting::Comparison));
                Transformed::yes(Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }))
            }
            other => Transformed::no(other),
        })
    })
}

/// Whether the arguments of a function are brought to one type.
pub(super) fn has_alternatives(function: &str) -> bool {
    matches!(function, "coalesce" | "nullif" | "nvl" | "ifnull" | "nvl2" | "greatest" | "least")
}

fn of_case(mut case: Case, schema: &DFSchema) -> Transformed<Expr> {
    let mut changed = false;
    if let Some(operand) = &case.expr {
        let data_type = type_of(operand, schema);
        for (when, _) in &mut case.when_then_expr {
            changed |= is_double(when);
            **when = met(std::mem::take(when.as_mut()), &data_type, Meeting::Comparison);
        }
    }
    let results = case.when_then_expr.iter_mut().map(|(_, then)| then.as_mut());
    changed |= agree(results.chain(case.else_expr.as_deref_mut()).collect(), schema);
    Transformed::new_transformed(Expr::Case(case), changed)
}

/// Gives numbers among expressions of one column the type of the others; whether any changed.
fn agree(mut expressions: Vec<&mut Expr>, schema: &DFSchema) -> bool {
    if !expressions.iter().any(|expr| is_double(expr)) {
        return false;
    }
    let others: Vec<DataType> = expressions
        .iter()
        .filter(|expr| !matches!(expr, Expr::Literal(..)))
        .filter_map(|expr| type_of(expr, schema))
        .collect();
    // A double among them makes all of them double.
    let Some(data_type) = others.first().filter(|_| !others.contains(&DataType::Float64)).cloned() else {
        return false;
    };
    let data_type = Some(data_type);
    for expr in &mut expressions {
        **expr = met(std::mem::take(*expr), &data_type, Meeting::Alternatives);
    }
    true
}

/// The value of a literal number with a point.
fn double(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Literal(ScalarValue::Float64(Some(value)), _) if value.is_finite() => Some(*value),
        _ => None,
    }
}

fn is_double(expr: &Expr) -> bool {
    double(expr).is_some()
}

/// Nothing where it cannot be told before coercion.
fn type_of(expr: &Expr, schema: &DFSchema) -> Option<DataType> {
    expr.get_type(schema).ok()
}

/// A number next to something of another type; any other expression as it is.
fn met(expr: Expr, other: &Option<DataType>, how: Meeting) -> Expr {
    let (Some(value), Some(other)) = (double(&expr), other) else { return expr };
    let decimal = || Decimal::of(value).map(|decimal| lit(decimal.literal()));
    let converted = match (other, how) {
        // The digits of the shortest text are those that were written.
        (DataType::Float32, _) => {
            value.to_string().parse::<f32>().ok().filter(|short| short.is_finite()).map(lit)
        }
        (DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..), _) => decimal(),
        (whole, Meeting::Comparison) if whole.is_integer() => decimal(),
        _ => None,
    };
    converted.unwrap_or(expr)
}

#[cfg(test)]
mod tests {
    use super::long_number;

    #[test]
    fn numbers_that_no_double_holds_are_decimals() {
        assert_eq!(long_number("9007199254740993.01"), Some((18, 2)));
        assert_eq!(long_number("18446744073709551616"), Some((20, 0)));
        assert_eq!(long_number("0.1234567890123456789"), Some((19, 19)));
        for short in
            ["500.2", "9223372036854775807", "0.000000000000000000001", "1e300", "100.00000000000000000"]
        {
            assert_eq!(long_number(short), None, "{short}");
        }
        let too_long = "1".repeat(39);
        assert_eq!(long_number(&too_long), None);
    }
}
