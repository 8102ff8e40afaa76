//! A physical rule: what a condition guards is computed only for rows that pass the condition.
//!
//! `WHERE v <> 0 AND 100 / v > 2` and `WHERE s ~ '^[0-9]+$' AND CAST(s AS BIGINT) > 5` are written by everybody. DataFusion
//! computes both sides of `AND` for all rows of a batch, unless it happens that few rows pass the first, and its optimizer
//! puts conditions of several views together in any order: whether such a query gives rows or an error depends on the
//! batches. Here, after the rules of DataFusion, conditions that can fail come after those that cannot, in a `CASE`, which is
//! computed for the rows that reach it. A condition that nothing guards fails as before.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _, TreeNodeRewriter};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Operator, ScalarUDF};
use datafusion::physical_expr::expressions::{BinaryExpr, CaseExpr, CastExpr, IsNullExpr, Literal};
use datafusion::physical_expr::projection::ProjectionExpr;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::projection::ProjectionExec;
use functions::scalar::instead::checked_arithmetic::{CheckedArithmetic, CheckedNegation};

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct GuardedConditions;

impl PhysicalOptimizerRule for GuardedConditions {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            if let Some(filter) = plan.downcast_ref::<FilterExec>() {
                let schema = filter.input().schema();
                let guarded = condition(filter.predicate(), &schema)?;
                if !guarded.transformed {
                    return Ok(Transformed::no(plan));
                }
                let filter = FilterExecBuilder::from(filter).with_predicate(guarded.data).build()?;
                return Ok(Transformed::yes(Arc::new(filter)));
            }
            let Some(projection) = plan.downcast_ref::<ProjectionExec>() else {
                return Ok(Transformed::no(plan));
            };
            let schema = projection.input().schema();
            let mut changed = false;
            let mut columns = Vec::with_capacity(projection.expr().len());
            for column in projection.expr() {
                let (guarded, _) = values(&column.expr, &schema)?;
                changed |= guarded.transformed;
                columns.push(ProjectionExpr { expr: guarded.data, alias: column.alias.clone() });
            }
            if !changed {
                return Ok(Transformed::no(plan));
            }
            let projection = ProjectionExec::try_new(columns, Arc::clone(projection.input()))?;
            Ok(Transformed::yes(Arc::new(projection)))
        })
        .data()
    }

    fn name(&self) -> &str {
        "guarded_conditions"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

type Expr = Arc<dyn PhysicalExpr>;

/// A condition of which only rows matter for which it is true.
fn condition(predicate: &Expr, schema: &Schema) -> Result<Transformed<Expr>> {
    let mut changed = false;
    let (mut guards, mut guarded) = (None, None);
    for conjunct in split_conjunction(predicate) {
        let (conjunct, can_fail) = values(conjunct, schema)?;
        changed |= conjunct.transformed;
        let place = if can_fail { &mut guarded } else { &mut guards };
        *place = Some(match place.take() {
            Some(before) => joined(before, Operator::And, conjunct.data),
            None => conjunct.data,
        });
    }
    Ok(match (guards, guarded) {
        (Some(guard), Some(guarded)) => {
            let rest = CaseExpr::try_new(None, vec![(Arc::clone(&guard), guarded)], Some(boolean(false)))?;
            // The guard stays a condition of its own, so that what it says of the rows is still known.
            Transformed::yes(joined(guard, Operator::And, Arc::new(rest)))
        }
        (Some(all), None) | (None, Some(all)) if changed => Transformed::yes(all),
        _ => Transformed::no(Arc::clone(predicate)),
    })
}

/// An expression in which `AND` and `OR` compute an operand that can fail only where the other leaves it open, and whether
/// it can still fail.
fn values(expr: &Expr, schema: &Schema) -> Result<(Transformed<Expr>, bool)> {
    let mut guarding = Guarding { schema, can_fail: vec![Vec::new()] };
    let guarded = Arc::clone(expr).rewrite(&mut guarding)?;
    Ok((guarded, guarding.can_fail.concat().contains(&true)))
}

struct Guarding<'a> {
    schema: &'a Schema,
    /// For every expression that the visit is inside of, whether its operands so far can fail.
    can_fail: Vec<Vec<bool>>,
}

impl TreeNodeRewriter for Guarding<'_> {
    type Node = Expr;

    fn f_down(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        self.can_fail.push(Vec::new());
        Ok(Transformed::no(expr))
    }

    fn f_up(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        let operands = self.can_fail.pop().unwrap_or_default();
        let lazy = lazily(&expr, &operands, self.schema)?;
        // The branches of a case are computed where they are reached.
        let is_lazy = lazy.is_some() || expr.is::<CaseExpr>();
        let can_fail = !is_lazy && (operands.contains(&true) || is_partial(&expr, self.schema)?);
        self.can_fail.last_mut().into_iter().for_each(|outer| outer.push(can_fail));
        Ok(match lazy {
            Some(lazy) => Transformed::yes(lazy),
            None => Transformed::no(expr),
        })
    }
}

/// `AND` or `OR` of an operand that cannot fail and one that can.
fn lazily(expr: &Expr, operands: &[bool], schema: &Schema) -> Result<Option<Expr>> {
    let Some(binary) = expr.downcast_ref::<BinaryExpr>() else { return Ok(None) };
    let operator = *binary.op();
    let (guard, guarded) = match operands {
        _ if !matches!(operator, Operator::And | Operator::Or) => return Ok(None),
        [false, true] => (Arc::clone(binary.left()), Arc::clone(binary.right())),
        [true, false] => (Arc::clone(binary.right()), Arc::clone(binary.left())),
        _ => return Ok(None),
    };
    let unknown: Expr = Arc::new(IsNullExpr::new(Arc::clone(&guard)));
    let both = joined(Arc::clone(&guard), operator, Arc::clone(&guarded));
    let (if_true, if_false) = match operator {
        Operator::And => (guarded, boolean(false)),
        _ => (boolean(true), guarded),
    };
    let mut cases = vec![(Arc::clone(&guard), if_true)];
    if guard.nullable(schema)? {
        cases.push((unknown, both));
    }
    Ok(Some(Arc::new(CaseExpr::try_new(None, cases, Some(if_false))?)))
}

fn joined(left: Expr, operator: Operator, right: Expr) -> Expr {
    Arc::new(BinaryExpr::new(left, operator, right))
}

fn boolean(value: bool) -> Expr {
    Arc::new(Literal::new(ScalarValue::Boolean(Some(value))))
}

/// Functions that are not defined for all values of their types.
const PARTIAL: &[&str] = &[
    "abs",
    "arrow_cast",
    "chr",
    "decode",
    "factorial",
    "from_unixtime",
    "gcd",
    "lcm",
    "make_date",
    "make_time",
    "power",
    "to_date",
    "to_time",
    "to_timestamp",
    "to_timestamp_micros",
    "to_timestamp_millis",
    "to_timestamp_nanos",
    "to_timestamp_seconds",
    "to_unixtime",
];

/// Whether an operation can give an error for some values of its operands. Sums and differences count as if they could
/// not: they leave their type more seldom than a guard is worth.
fn is_partial(expr: &Expr, schema: &Schema) -> Result<bool> {
    if let Some(cast) = expr.downcast_ref::<CastExpr>() {
        return Ok(may_not_fit(&cast.expr().data_type(schema)?, cast.cast_type()));
    }
    if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        let divides = matches!(binary.op(), Operator::Divide | Operator::Modulo);
        return Ok(divides
            && !binary.left().data_type(schema)?.is_floating()
            && !binary.right().downcast_ref::<Literal>().is_some_and(|number| divides_all(number.value())));
    }
    Ok(expr.downcast_ref::<ScalarFunctionExpr>().is_some_and(|call| is_partial_function(call.fun())))
}

/// Whether a function can give an error for some values of its arguments, by the same rule.
pub(crate) fn is_partial_function(function: &ScalarUDF) -> bool {
    if let Some(checked) = function.inner().downcast_ref::<CheckedArithmetic>() {
        return !matches!(checked.operator(), Operator::Plus | Operator::Minus);
    }
    function.inner().is::<CheckedNegation>() || PARTIAL.contains(&function.name())
}

/// Whether every number can be divided by one: by a number that is neither zero nor -1, which the smallest number cannot be
/// divided by.
pub(crate) fn divides_all(number: &ScalarValue) -> bool {
    let is = |other: Result<ScalarValue>| other.is_ok_and(|other| other == *number);
    let data_type = number.data_type();
    !number.is_null()
        && !is(ScalarValue::new_zero(&data_type))
        && !is(ScalarValue::new_negative_one(&data_type))
}

/// Whether some values of one type are none of another.
pub(crate) fn may_not_fit(from: &DataType, to: &DataType) -> bool {
    use DataType::{Decimal128, Int8, Int16, Int32, Int64, LargeUtf8, Utf8, Utf8View};
    let digits = |whole: &DataType| match whole {
        Int8 => Some(3),
        Int16 => Some(5),
        Int32 => Some(10),
        Int64 => Some(19),
        _ => None,
    };
    match (from, to) {
        (_, Utf8 | LargeUtf8 | Utf8View) => false,
        (Utf8 | LargeUtf8 | Utf8View, _) => true,
        (_, to) if to.is_floating() => false,
        (from, to) if from.is_integer() && to.is_integer() => !CastExpr::check_bigger_cast(to, from),
        (Decimal128(precision, scale), Decimal128(other, finer)) => {
            let whole = |precision: u8, scale: i8| i16::from(precision) - i16::from(scale);
            whole(*other, *finer) < whole(*precision, *scale) || finer < scale
        }
        (whole, Decimal128(precision, scale)) if digits(whole).is_some() => {
            digits(whole).is_some_and(|digits| i16::from(*precision) - i16::from(*scale) < digits)
        }
        (from, to) => from.is_numeric() && to.is_numeric() && from != to,
    }
}
