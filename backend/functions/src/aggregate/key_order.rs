//! The order of rows by several keys, prepared for many comparisons.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{SortOptions, cast};
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::Result;

/// Keys of rows, ascending with NULL last.
pub(super) enum KeyOrder {
    /// One or two integer-like keys without NULL: their values, biased so that they compare unsigned, packed
    /// into one number.
    Packed(Vec<u128>),
    /// Any other keys, in the row format.
    Rows(Rows),
}

impl KeyOrder {
    /// Prepares the rows of `keys`, columns of the same length.
    pub(super) fn try_new(keys: &[ArrayRef]) -> Result<Self> {
        let packable = |key: &ArrayRef| {
            let integer = key.data_type().is_integer();
            (integer
                || matches!(key.data_type(), DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)))
                && key.null_count() == 0
        };
        if keys.len() <= 2 && keys.iter().all(packable) {
            return Ok(Self::Packed(packed(keys)?));
        }
        let order = SortOptions { descending: false, nulls_first: false };
        let fields = keys.iter().map(|key| SortField::new_with_options(key.data_type().clone(), order));
        Ok(Self::Rows(RowConverter::new(fields.collect())?.convert_columns(keys)?))
    }

    /// A number that orders rows like the keys do, except that different keys may share it.
    pub(super) fn leading(&self, row: u32) -> u128 {
        match self {
            Self::Packed(packed) => packed.get(row as usize).copied().unwrap_or_default(),
            Self::Rows(rows) => leading_bytes(rows.row(row as usize).data()),
        }
    }

    /// The order of two rows with the same leading number.
    pub(super) fn compare_rest(&self, a: u32, b: u32) -> Ordering {
        match self {
            Self::Packed(_) => Ordering::Equal,
            Self::Rows(rows) => rows.row(a as usize).cmp(&rows.row(b as usize)),
        }
    }
}

/// The first key in the upper, the second in the lower half.
fn packed(keys: &[ArrayRef]) -> Result<Vec<u128>> {
    let mut packed = vec![0; keys.first().map_or(0, |key| key.len())];
    for (key, shift) in keys.iter().zip([64, 0]) {
        let places = packed.iter_mut();
        if key.data_type().is_unsigned_integer() {
            let values = cast(key, &DataType::UInt64)?;
            let values = values.as_primitive::<UInt64Type>().values();
            places.zip(values).for_each(|(place, value)| *place |= u128::from(*value) << shift);
        } else {
            let values = cast(key, &DataType::Int64)?;
            let values = values.as_primitive::<Int64Type>().values();
            let biased = values.iter().map(|value| value.cast_unsigned() ^ (1 << 63));
            places.zip(biased).for_each(|(place, value)| *place |= u128::from(value) << shift);
        }
    }
    Ok(packed)
}

/// The first sixteen bytes, so that most comparisons need no second look at the rows. Shorter byte strings are
/// padded with zeros, which keeps the order and may only make different strings look equal.
fn leading_bytes(bytes: &[u8]) -> u128 {
    match bytes.first_chunk::<16>() {
        Some(leading) => u128::from_be_bytes(*leading),
        None => {
            let mut leading = [0; 16];
            leading.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
            u128::from_be_bytes(leading)
        }
    }
}
