//! Bounds of any type as 64-bit positions that keep their order.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use datafusion::common::Result;

use super::SpanComparison;

/// Whether values of the type have positions: whole numbers of some unit, at most 64 bits wide.
pub(crate) fn has_positions(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Date32
                | DataType::Date64
                | DataType::Time32(_)
                | DataType::Time64(_)
                | DataType::Timestamp(_, _)
                | DataType::Duration(_)
        )
}

/// Whether the positions of values of the two types are in the order of the values: for equal types, and for
/// integers that `Int64` holds.
pub(super) fn comparable(left: &DataType, right: &DataType) -> bool {
    let fits = |data_type: &DataType| data_type.is_integer() && *data_type != DataType::UInt64;
    match (left, right) {
        // The zone is how a timestamp is shown, not which one it is.
        (DataType::Timestamp(left, _), DataType::Timestamp(right, _)) => left == right,
        (left, right) if left == right => has_positions(left),
        (left, right) => fits(left) && fits(right),
    }
}

/// The positions of a column of bounds.
///
/// # Errors
/// Half-open spans compare all integer types with each other: an unsigned value above the range of `Int64` is an
/// error then. Plain comparisons compare `UInt64` with itself only, and have no such values.
pub(super) fn positions(column: &ArrayRef, comparison: SpanComparison) -> Result<Int64Array> {
    if let (SpanComparison::Plain { .. }, DataType::UInt64) = (comparison, column.data_type()) {
        // The sign bit moves 0..2^64 to -2^63..2^63.
        return Ok(column.as_primitive::<UInt64Type>().unary(|value| (value ^ (1 << 63)) as i64));
    }
    let options = CastOptions { safe: false, ..Default::default() };
    let narrow = matches!(column.data_type(), DataType::Date32 | DataType::Time32(_));
    let column =
        if narrow { cast_with_options(column, &DataType::Int32, &options)? } else { Arc::clone(column) };
    Ok(cast_with_options(&column, &DataType::Int64, &options)?.as_primitive::<Int64Type>().clone())
}
