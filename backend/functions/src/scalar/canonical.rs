//! The canonical text of a value: what an identifier hashes.
//!
//! | type | text |
//! |---|---|
//! | text | as it is |
//! | integers | decimal, `-` for negative numbers, no leading zeros |
//! | booleans | `true`, `false` |
//! | dates | `YYYY-MM-DD` |
//! | timestamps | `YYYY-MM-DDThh:mm:ss[.fff[fff[fff]]]`, with `Z` after instants (types with a time zone, shown in UTC) |
//!
//! The text depends on the value and not on the width or unit of its type, so widening a column does not change
//! identifiers. Types without one obvious spelling (floats, decimals, binary, nested) are refused.

use std::io::Write as _;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringArray, UInt64Array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow::temporal_conversions::{as_date, as_datetime};
use datafusion::common::{Result, exec_err, internal_err, plan_err};

use super::text_column::{TextColumn, is_plain_text};

/// The type a part is read as.
///
/// # Errors
/// Types without a canonical text, by name and with what to write instead.
pub(crate) fn coerce_part(function: &str, found: &DataType) -> Result<DataType> {
    match found {
        DataType::Null => Ok(DataType::Utf8),
        DataType::Date64 => Ok(DataType::Date32),
        DataType::Boolean | DataType::Date32 | DataType::Timestamp(..) => Ok(found.clone()),
        plain if plain.is_integer() || is_plain_text(plain) => Ok(plain.clone()),
        DataType::Dictionary(_, values) if values.is_integer() || is_plain_text(values) => Ok(found.clone()),
        other => plan_err!(
            "{function}: a value of type {other} has no canonical text; \
             CAST it to BIGINT, VARCHAR, DATE or TIMESTAMP first"
        ),
    }
}

/// A column whose rows can be written as canonical text.
pub(crate) enum CanonicalColumn {
    Text(ArrayRef),
    Signed(Int64Array),
    Unsigned(UInt64Array),
    Boolean(BooleanArray),
    Encoded { keys: Vec<Option<usize>>, values: Box<CanonicalColumn> },
}

impl CanonicalColumn {
    /// Prepares `array`, whose type has passed [`coerce_part`].
    pub(crate) fn try_new(array: &ArrayRef) -> Result<Self> {
        let data_type = array.data_type();
        if is_plain_text(data_type) {
            return Ok(Self::Text(ArrayRef::clone(array)));
        }
        if data_type.is_signed_integer() {
            return Ok(Self::Signed(checked_cast(array, &DataType::Int64)?.as_primitive().clone()));
        }
        if data_type.is_unsigned_integer() {
            return Ok(Self::Unsigned(checked_cast(array, &DataType::UInt64)?.as_primitive().clone()));
        }
        if let Some(booleans) = array.as_boolean_opt() {
            return Ok(Self::Boolean(booleans.clone()));
        }
        if let Some(dictionary) = array.as_any_dictionary_opt() {
            let nulls = array.nulls();
            let keys = dictionary
                .normalized_keys()
                .into_iter()
                .enumerate()
                .map(|(row, key)| nulls.is_none_or(|nulls| nulls.is_valid(row)).then_some(key))
                .collect();
            return Ok(Self::Encoded { keys, values: Box::new(Self::try_new(dictionary.values())?) });
        }
        Ok(Self::Text(std::sync::Arc::new(iso_text(array)?)))
    }

    /// Replaces the contents of `out` by the canonical text of a row. False when the row is NULL.
    pub(crate) fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<bool> {
        out.clear();
        match self {
            Self::Text(array) => {
                let Some(text) = TextColumn::try_new(array.as_ref())?.get(row) else { return Ok(false) };
                out.extend_from_slice(text.as_bytes());
            }
            Self::Signed(array) if array.is_valid(row) => {
                let value = array.value(row);
                push_decimal(out, value < 0, value.unsigned_abs());
            }
            Self::Unsigned(array) if array.is_valid(row) => push_decimal(out, false, array.value(row)),
            Self::Boolean(array) if array.is_valid(row) => write!(out, "{}", array.value(row))?,
            Self::Signed(_) | Self::Unsigned(_) | Self::Boolean(_) => return Ok(false),
            Self::Encoded { keys, values } => match keys.get(row).copied().flatten() {
                Some(key) => return values.write(key, out),
                None => return Ok(false),
            },
        }
        Ok(true)
    }
}

/// Appends a number in decimal. Most parts of most identifiers are numbers.
fn push_decimal(out: &mut Vec<u8>, negative: bool, magnitude: u64) {
    // 2^64 has twenty digits.
    let mut digits = [0; 20];
    let mut used = 0;
    let mut rest = magnitude;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        used += 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if negative {
        out.push(b'-');
    }
    out.extend_from_slice(digits.split_at(digits.len() - used).1);
}

fn checked_cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    Ok(cast_with_options(array, to, &CastOptions { safe: false, ..Default::default() })?)
}

/// Dates and timestamps in ISO 8601.
fn iso_text(array: &ArrayRef) -> Result<StringArray> {
    let render: fn(i64) -> Option<String> = match array.data_type() {
        DataType::Date32 => {
            let dates = array.as_primitive::<Date32Type>();
            return dates
                .iter()
                .map(|days| days.map(|days| in_range(i64::from(days), iso_date(days), array)).transpose())
                .collect();
        }
        DataType::Timestamp(TimeUnit::Second, _) => {
            |v| Some(format!("{:?}", as_datetime::<TimestampSecondType>(v)?))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            |v| Some(format!("{:?}", as_datetime::<TimestampMillisecondType>(v)?))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            |v| Some(format!("{:?}", as_datetime::<TimestampMicrosecondType>(v)?))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            |v| Some(format!("{:?}", as_datetime::<TimestampNanosecondType>(v)?))
        }
        other => return internal_err!("no canonical text for {other}"),
    };
    let zone = if matches!(array.data_type(), DataType::Timestamp(_, Some(_))) { "Z" } else { "" };
    let ticks = checked_cast(array, &DataType::Int64)?;
    ticks
        .as_primitive::<Int64Type>()
        .iter()
        .map(|tick| tick.map(|tick| Ok(in_range(tick, render(tick), array)? + zone)).transpose())
        .collect()
}

fn iso_date(days: i32) -> Option<String> {
    as_date::<Date32Type>(i64::from(days)).map(|date| date.to_string())
}

fn in_range(raw: i64, text: Option<String>, array: &ArrayRef) -> Result<String> {
    match text {
        Some(text) => Ok(text),
        None => exec_err!("{raw} is outside the calendar of {}", array.data_type()),
    }
}
