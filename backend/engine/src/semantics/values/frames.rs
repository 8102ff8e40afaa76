//! Windows: their frames, and the defaults of `lead` and `lag`.
//!
//! | written | becomes | why |
//! |---|---|---|
//! | an aggregate over a frame | one that is right over any frame | see [`Framed`] |
//! | `RANGE 1 PRECEDING` over dates | refused | DataFusion takes the number for one of months |
//! | `RANGE` with an offset over texts, booleans, lists | refused | nothing can be added to them, and DataFusion compares something |
//! | `RANGE INTERVAL '36' HOUR PRECEDING` over dates | the same over timestamps | DataFusion drops the hours that are no whole day |
//! | an offset with more decimal places than the numbers have | refused | DataFusion rounds it |
//! | a frame that ends before it starts, a negative interval | refused | DataFusion loses count of the rows |
//! | `lag(v, 1, 1.5)` over whole numbers | refused | DataFusion cuts the default to 1 |

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction, WindowFunctionDefinition};
use datafusion::logical_expr::{
    Expr, ExprSchemable as _, WindowFrame, WindowFrameBound, WindowFrameUnits, cast,
};
use functions::aggregate::instead::framed::Framed;

use super::constants;
use crate::error::NotComputed;

/// Makes a call over a window right, in which conversions are explicit; whether it changed.
pub(super) fn exact(call: &mut WindowFunction, schema: &DFSchema) -> Result<bool> {
    let params = &call.params;
    if ends_before_it_starts(&params.window_frame) {
        return NotComputed::error(format!(
            "the frame {} ends before it starts; write the bound that comes first in the order first",
            params.window_frame
        ));
    }
    match &mut call.fun {
        WindowFunctionDefinition::AggregateUDF(function) => {
            let args = params.args.clone();
            let over_all =
                AggregateFunction::new_udf(Arc::clone(function), args, false, None, Vec::new(), None);
            constants::check_aggregate(&over_all)?;
            let framed = Framed::of(Arc::clone(function));
            let is_new = !Arc::ptr_eq(&framed, function);
            *function = framed;
            Ok(is_new)
        }
        WindowFunctionDefinition::WindowUDF(function) => {
            if matches!(function.name(), "lead" | "lag") {
                check_default(function.name(), &params.args, schema)?;
            }
            Ok(false)
        }
    }
}

/// Whether no row can be between the bounds, whatever the rows are.
fn ends_before_it_starts(frame: &WindowFrame) -> bool {
    use WindowFrameBound::{CurrentRow, Following, Preceding};
    match (&frame.start_bound, &frame.end_bound) {
        (Preceding(start), Preceding(end)) => !start.is_null() && start < end,
        (Following(start), Following(end)) => !end.is_null() && start > end,
        (CurrentRow | Following(_), Preceding(_)) | (Following(_), CurrentRow) => true,
        (Preceding(_), CurrentRow | Following(_)) | (CurrentRow, CurrentRow | Following(_)) => false,
    }
}

/// Refuses a written default that the type of the values does not hold.
fn check_default(name: &str, args: &[Expr], schema: &DFSchema) -> Result<()> {
    let [value, _, default] = args else { return Ok(()) };
    let Some(written) = constants::literal(default) else { return Ok(()) };
    if is_held(&written, &value.get_type(schema)?) {
        return Ok(());
    }
    NotComputed::error(format!(
        "the default `{written}` of {name} is no value of the type of `{value}`; write one that is, or convert the \
         values, for example {name}(CAST({value} AS DOUBLE), ...)"
    ))
}

/// Whether a value is the same in another type. A float is the nearest one, and a text is whatever is read from it.
fn is_held(value: &ScalarValue, kind: &DataType) -> bool {
    if value.is_null() || value.data_type() == *kind {
        return true;
    }
    let Ok(converted) = value.cast_to(kind) else { return false };
    let written = value.data_type();
    if kind.is_floating() || written.is_string() {
        return !converted.is_null();
    }
    converted.cast_to(&written).is_ok_and(|back| back == *value)
}

/// Makes the offsets of a `RANGE` frame, which are still as they are written, ones that can be added to the keys, or
/// refuses them; whether the call changed.
pub(super) fn ranged(call: &mut WindowFunction, schema: &DFSchema) -> Result<bool> {
    let params = &mut call.params;
    let frame = &params.window_frame;
    let offsets: Vec<&str> = [&frame.start_bound, &frame.end_bound].into_iter().filter_map(offset).collect();
    let (WindowFrameUnits::Range, [key], false) =
        (frame.units, params.order_by.as_mut_slice(), offsets.is_empty())
    else {
        return Ok(false);
    };
    let Ok(kind) = key.expr.get_type(schema) else { return Ok(false) };
    match kind {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => {
            check_places(&offsets, scale, &key.expr).map(|()| false)
        }
        number if number.is_numeric() => Ok(false),
        DataType::Timestamp(..) => has_hours(&offsets, &key.expr).map(|_| false),
        DataType::Date32 | DataType::Date64 => {
            let in_hours = has_hours(&offsets, &key.expr)?;
            if in_hours {
                let timestamp = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
                key.expr = cast(std::mem::take(&mut key.expr), timestamp);
            }
            Ok(in_hours)
        }
        _ => NotComputed::error(format!(
            "{frame} needs an order by numbers, dates or timestamps, because it adds to the key, and `{}` is none of \
             these; count rows with ROWS, or rows of equal keys with GROUPS",
            key.expr
        )),
    }
}

/// The offset of a bound as it is written.
fn offset(bound: &WindowFrameBound) -> Option<&str> {
    match bound {
        WindowFrameBound::Preceding(ScalarValue::Utf8(Some(text)))
        | WindowFrameBound::Following(ScalarValue::Utf8(Some(text))) => Some(text),
        _ => None,
    }
}

/// Refuses numbers with more decimal places than the keys have.
fn check_places(offsets: &[&str], scale: i8, key: &Expr) -> Result<()> {
    let places =
        |offset: &str| offset.split_once('.').map_or(0, |(_, places)| places.trim_end_matches('0').len());
    let Some(offset) = offsets.iter().find(|offset| places(offset) > usize::try_from(scale).unwrap_or(0))
    else {
        return Ok(());
    };
    NotComputed::error(format!(
        "the offset {offset} of a frame has more decimal places than `{key}`; convert the key, for example \
         ORDER BY CAST({key} AS DOUBLE)"
    ))
}

/// Whether an offset has hours or less. Offsets that are no intervals are refused.
fn has_hours(offsets: &[&str], key: &Expr) -> Result<bool> {
    let mut any = false;
    for offset in offsets {
        if offset.parse::<f64>().is_ok() {
            return NotComputed::error(format!(
                "the offset {offset} of a frame is a number, and `{key}` is none; write the unit, for example \
                 INTERVAL '{offset}' DAY"
            ));
        }
        let interval = DataType::Interval(IntervalUnit::MonthDayNano);
        let ScalarValue::IntervalMonthDayNano(Some(interval)) =
            ScalarValue::try_from_string((*offset).to_owned(), &interval)?
        else {
            continue;
        };
        if interval.months < 0 || interval.days < 0 || interval.nanoseconds < 0 {
            return NotComputed::error(format!(
                "the offset INTERVAL '{offset}' of a frame is negative; write PRECEDING for FOLLOWING, or the other \
                 way around"
            ));
        }
        any |= interval.nanoseconds != 0;
    }
    Ok(any)
}
