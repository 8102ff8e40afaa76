//! Dates, intervals and parts of dates, in an expression that is not yet coerced.
//!
//! | written | becomes | why |
//! |---|---|---|
//! | a date plus an interval that is not of whole days or months | the date as a timestamp, plus the interval | DataFusion keeps a date and drops the hours |
//! | a timestamp minus a date, and the other way around | a difference of timestamps | DataFusion takes it for one in nanoseconds |
//! | a duration, which is what a timestamp minus a timestamp is, compared with `INTERVAL '1' DAY` | a comparison of durations | DataFusion compares intervals by months, then by days, then by the rest, so 36 hours are less than a day |
//! | a date compared with a number | refused | DataFusion compares the number of days since 1970 |
//! | two intervals compared, or one with months | refused | a month has no length |
//! | the seconds (`epoch`) of a duration | a division of its microseconds | DataFusion drops fractions |
//! | the decade, century or millennium of a date | arithmetic with its year | DataFusion finds out when the query runs that it has no such part |

use std::str::FromStr as _;

use arrow::compute::kernels::cast_utils::IntervalUnit;
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable as _, Operator, cast, lit, when};

use super::frames;
use super::operands::Operand;
use crate::error::NotComputed;

/// The expression with right dates.
pub(in super::super) fn dated(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| match expr {
        Expr::BinaryExpr(binary) if matches!(binary.op, Operator::Plus | Operator::Minus) => {
            Ok(moved(binary, schema))
        }
        Expr::ScalarFunction(call) if matches!(call.name(), "date_part" | "datepart" | "extract") => {
            part(call, schema)
        }
        Expr::WindowFunction(mut call) => {
            let changed = frames::ranged(&mut call, schema)?;
            Ok(Transformed::new_transformed(Expr::WindowFunction(call), changed))
        }
        other => Ok(Transformed::no(other)),
    })
}

/// Nothing where it cannot be told before coercion.
fn type_of(expr: &Expr, schema: &DFSchema) -> Option<DataType> {
    expr.get_type(schema).ok()
}

/// A date plus or minus an interval, or a date and a timestamp of which the difference is taken: the date as a timestamp.
fn moved(mut binary: BinaryExpr, schema: &DFSchema) -> Transformed<Expr> {
    let is_date = |expr: &Expr| matches!(type_of(expr, schema), Some(DataType::Date32 | DataType::Date64));
    let wanted = |date: &Expr, other: &Expr| as_timestamp(other, schema).filter(|_| is_date(date));
    let (date, wanted) = if let Some(wanted) = wanted(&binary.left, &binary.right) {
        (&mut binary.left, wanted)
    } else if let Some(wanted) = wanted(&binary.right, &binary.left) {
        (&mut binary.right, wanted)
    } else {
        return Transformed::no(Expr::BinaryExpr(binary));
    };
    **date = cast(std::mem::take(date.as_mut()), wanted);
    Transformed::yes(Expr::BinaryExpr(binary))
}

/// The type of timestamp that a date has to be so that this can be added to it or subtracted.
fn as_timestamp(other: &Expr, schema: &DFSchema) -> Option<DataType> {
    match type_of(other, schema)? {
        DataType::Interval(_) | DataType::Duration(_) if !is_of_days(other) => {
            Some(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
        }
        timestamp @ DataType::Timestamp(..) => Some(timestamp),
        _ => None,
    }
}

/// Whether an interval is of whole days and months, whatever the row.
fn is_of_days(interval: &Expr) -> bool {
    match interval {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(value)), _) => value.nanoseconds == 0,
        Expr::Literal(ScalarValue::IntervalDayTime(Some(value)), _) => value.milliseconds == 0,
        Expr::Literal(ScalarValue::IntervalYearMonth(_), _) => true,
        Expr::Literal(value, _) => value.is_null(),
        Expr::Negative(inner) => is_of_days(inner),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Plus | Operator::Minus, right }) => {
            is_of_days(left) && is_of_days(right)
        }
        _ => false,
    }
}

/// Makes intervals that are compared with durations durations; whether any changed.
pub(super) fn compared(operands: &mut [Operand<'_>]) -> Result<bool> {
    let any = |wanted: fn(&DataType) -> bool| operands.iter().any(|operand| operand.is(wanted));
    let is_interval = |own: &DataType| matches!(own, DataType::Interval(_));
    if any(|own| matches!(own, DataType::Date32 | DataType::Date64)) && any(DataType::is_numeric) {
        return NotComputed::error(
            "a date is compared with a number; write the date as DATE '2024-01-31', or count days with a - b",
        );
    }
    if !any(is_interval) {
        return Ok(false);
    }
    let with_duration = any(|own| matches!(own, DataType::Duration(_)));
    for Operand { expr, .. } in operands.iter_mut().filter(|operand| operand.is(is_interval)) {
        let Some(micros) = micros(expr).filter(|_| with_duration) else {
            return NotComputed::error(format!(
                "`{expr}` cannot be compared, because months have no length and days are not 24 hours everywhere; \
                 compare dates (`a + INTERVAL '1' MONTH > b`), or the difference of two timestamps with an interval of \
                 days, hours or less"
            ));
        };
        **expr = lit(ScalarValue::DurationMicrosecond(Some(micros)));
    }
    Ok(true)
}

/// The microseconds of a literal interval without months.
fn micros(interval: &Expr) -> Option<i64> {
    const DAY: i64 = 86_400_000_000;
    let (days, rest) = match interval {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(value)), _)
            if value.months == 0 && value.nanoseconds % 1000 == 0 =>
        {
            (value.days, value.nanoseconds / 1000)
        }
        Expr::Literal(ScalarValue::IntervalDayTime(Some(value)), _) => {
            (value.days, i64::from(value.milliseconds) * 1000)
        }
        Expr::Negative(inner) => return micros(inner)?.checked_neg(),
        _ => return None,
    };
    i64::from(days).checked_mul(DAY)?.checked_add(rest)
}

/// A part of a date.
fn part(mut call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let named = match call.args.as_slice() {
        [Expr::Literal(name, _), _] => name.try_as_str().flatten().map(str::to_lowercase),
        _ => None,
    };
    let Some(name) = named else { return Ok(Transformed::no(Expr::ScalarFunction(call))) };
    let name = name.trim_matches(['\'', '"']);
    if name == "epoch"
        && let [_, time] = call.args.as_mut_slice()
        && matches!(type_of(time, schema), Some(DataType::Duration(_)))
    {
        let micros = cast(std::mem::take(time), DataType::Duration(TimeUnit::Microsecond));
        let seconds = cast(cast(micros, DataType::Int64), DataType::Float64) / lit(1e6);
        return Ok(Transformed::yes(seconds));
    }
    let unit = match name {
        "isoyear" | "qtr" | "quarter" | "doy" | "dow" | "isodow" | "epoch" => None,
        "millennium" | "millennia" | "millenniums" => Some(Years::Thousand),
        name => match IntervalUnit::from_str(name) {
            Ok(IntervalUnit::Century) => Some(Years::Hundred),
            Ok(IntervalUnit::Decade) => Some(Years::Ten),
            Ok(_) => None,
            Err(_) => {
                return NotComputed::error(format!(
                    "`{name}` is no part of a date; there are millennium, century, decade, year, isoyear, quarter, month, \
                     week, day, doy, dow, isodow, hour, minute, second, millisecond, microsecond and epoch"
                ));
            }
        },
    };
    let (Some(unit), Some(first)) = (unit, call.args.first_mut()) else {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    };
    *first = lit("year");
    Ok(Transformed::yes(unit.of(Expr::ScalarFunction(call))?))
}

/// Parts of dates that are many years.
#[derive(Clone, Copy)]
enum Years {
    Ten,
    Hundred,
    Thousand,
}

impl Years {
    /// The number of the part that a year is in, by the rules of PostgreSQL. Decades are counted from the year 0. The first
    /// century and millennium begin with the year 1; before them, in the year 0, ends that with the number -1.
    fn of(self, year: Expr) -> Result<Expr> {
        let over = |from: Expr, years: i32| from / lit(years);
        let (from, after, before) = match self {
            Self::Ten => (0, over(year.clone(), 10), over(year.clone() - lit(9), 10)),
            Self::Hundred => (1, over(year.clone() + lit(99), 100), over(year.clone() - lit(100), 100)),
            Self::Thousand => (1, over(year.clone() + lit(999), 1000), over(year.clone() - lit(1000), 1000)),
        };
        when(year.gt_eq(lit(from)), after).otherwise(before)
    }
}
