//! The order of rows by several keys, prepared for many comparisons.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{SortOptions, cast};
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::Result;

/// Keys of rows, ascending with NULL last. Rows are numbered over all chunks.
pub(super) enum KeyOrder {
    /// One or two integer-like keys without NULL: their values, biased so that they compare unsigned, packed
    /// into one number.
    Packed(Vec<u128>),
    /// Any other keys, in the row format.
    Rows(Rows),
}

impl KeyOrder {
    /// Prepares `rows` rows; each chunk gives one array for each of `types`.
    pub(super) fn try_new<'a>(
        types: &[DataType],
        rows: usize,
        chunks: impl Iterator<Item = &'a [ArrayRef]> + Clone,
    ) -> Result<Self> {
        let packable = |key: &DataType| {
            key.is_integer() || matches!(key, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..))
        };
        let complete = chunks.clone().flatten().all(|key| key.null_count() == 0);
        if complete && types.len() <= 2 && types.iter().all(packable) {
            let mut packed = Vec::with_capacity(rows);
            for keys in chunks {
                pack(keys, &mut packed)?;
            }
            return Ok(Self::Packed(packed));
        }
        let order = SortOptions { descending: false, nulls_first: false };
        let fields = types.iter().map(|key| SortField::new_with_options(key.clone(), order));
        let converter = RowConverter::new(fields.collect())?;
        let mut converted = converter.empty_rows(0, 0);
        for (index, keys) in chunks.enumerate() {
            converter.append(&mut converted, keys)?;
            if index == 0 {
                // The first chunk tells how long keys are; growing step by step would copy them many times.
                let bytes: usize = converted.lengths().sum();
                converted.reserve(rows, bytes / converted.num_rows().max(1) * rows);
            }
        }
        Ok(Self::Rows(converted))
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

/// Appends the packed keys of a chunk: the first key in the upper, the second in the lower half.
fn pack(keys: &[ArrayRef], packed: &mut Vec<u128>) -> Result<()> {
    let first = packed.len();
    for (key, shift) in keys.iter().zip([64, 0]) {
        packed.resize(first + key.len(), 0);
        let places = packed.iter_mut().skip(first);
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
    Ok(())
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
