//! The columns of a batch, as they write their cells: each goes over some rows at a time, so that what to do for its type
//! is decided once and not for every cell.

mod fixed;
mod lines;
mod nested;
mod texts;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{cast, take};
use arrow::datatypes::{
    DataType, Date32Type, Decimal32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow::error::ArrowError;

use super::RowsError;
pub(super) use lines::{Lines, SLACK};
use nested::{Encoded, Spans};
use texts::Views;

/// A column of a batch.
pub(super) struct Column {
    values: Values,
    /// Absent when no value is NULL.
    nulls: Option<NullBuffer>,
    step: Step,
}

/// What is known of the rows that are written next.
#[derive(Default)]
struct Step {
    rows: Range<usize>,
    /// Which of them have a value; empty if all have.
    valid: Vec<bool>,
    lengths: Lengths,
    /// Their cells, for types that are written cell by cell.
    encoded: Encoded,
}

impl Step {
    /// Which rows have a value, unless all have.
    fn valid(&self) -> Option<&[bool]> {
        (!self.valid.is_empty()).then_some(&self.valid)
    }
}

/// Appends bits, 64 at a time.
fn push_bits(flags: &mut Vec<bool>, bits: &BooleanBuffer) {
    for word in bits.bit_chunks().iter_padded() {
        flags.extend((0..u64::BITS).map(|bit| word >> bit & 1 == 1));
    }
    flags.truncate(bits.len());
}

/// What is known of the lengths of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lengths {
    /// None is longer.
    most: usize,
    /// Whether all are as long as that.
    are_equal: bool,
}

impl Lengths {
    fn equal(length: usize) -> Self {
        Self { most: length, are_equal: true }
    }

    /// Those of cells that have `more` bytes than these lengths.
    ///
    /// The bits of all lengths together are not less than any of them. They are found in a fraction of the time that the
    /// largest takes, which is looked for when the difference may be large.
    #[inline(always)]
    fn of(lengths: impl Iterator<Item = u32> + Clone, more: usize) -> Self {
        const SHORT: u32 = 1 << 12;
        let Some(first) = lengths.clone().next() else { return Self::equal(more) };
        let (bits, differing) = lengths
            .clone()
            .fold((0, 0), |(bits, differing), length| (bits | length, differing | (length ^ first)));
        let most = match bits {
            _ if differing == 0 => first,
            ..SHORT => bits,
            _ => lengths.max().unwrap_or(bits),
        };
        Self { most: most as usize + more, are_equal: differing == 0 }
    }
}

/// Values, by how they are written. They share the buffers of the array.
enum Values {
    Void,
    Boolean(BooleanBuffer),
    Byte(ScalarBuffer<i8>),
    Short(ScalarBuffer<i16>),
    /// Dates too.
    Integer(ScalarBuffer<i32>),
    /// Timestamps too.
    Long(ScalarBuffer<i64>),
    Float(ScalarBuffer<f32>),
    Double(ScalarBuffer<f64>),
    Decimal32(ScalarBuffer<i32>),
    Decimal64(ScalarBuffer<i64>),
    Decimal128(ScalarBuffer<i128>),
    Text {
        offsets: OffsetBuffer<i32>,
        bytes: Buffer,
    },
    LargeText {
        offsets: OffsetBuffer<i64>,
        bytes: Buffer,
    },
    View(Views),
    /// Bytes that are all of one length.
    Equal {
        length: usize,
        bytes: Buffer,
    },
    List {
        spans: Spans,
        items: Box<Column>,
    },
    Map {
        spans: Spans,
        keys: Box<Column>,
        values: Box<Column>,
    },
    Struct(Vec<Column>),
}

impl Column {
    /// The column `name`, whose type is one of a Delta table.
    ///
    /// # Errors
    /// [`RowsError::TooLong`], [`RowsError::Undecodable`], [`RowsError::UnsupportedType`].
    pub(super) fn new(array: &ArrayRef, name: &str) -> Result<Self, RowsError> {
        let array = decoded(array, name)?;
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
        let values = match array.data_type() {
            DataType::Null => Values::Void,
            DataType::Boolean => Values::Boolean(array.as_boolean().values().clone()),
            DataType::Int8 => Values::Byte(array.as_primitive::<Int8Type>().values().clone()),
            DataType::Int16 => Values::Short(array.as_primitive::<Int16Type>().values().clone()),
            DataType::Int32 => Values::Integer(array.as_primitive::<Int32Type>().values().clone()),
            DataType::Date32 => Values::Integer(array.as_primitive::<Date32Type>().values().clone()),
            DataType::Int64 => Values::Long(array.as_primitive::<Int64Type>().values().clone()),
            DataType::Timestamp(_, _) => {
                let times = array.as_primitive_opt::<TimestampMicrosecondType>();
                Values::Long(times.ok_or_else(|| unsupported(&array, name))?.values().clone())
            }
            DataType::Float32 => Values::Float(array.as_primitive::<Float32Type>().values().clone()),
            DataType::Float64 => Values::Double(array.as_primitive::<Float64Type>().values().clone()),
            DataType::Decimal32(_, _) => {
                Values::Decimal32(array.as_primitive::<Decimal32Type>().values().clone())
            }
            DataType::Decimal64(_, _) => {
                Values::Decimal64(array.as_primitive::<Decimal64Type>().values().clone())
            }
            DataType::Decimal128(_, _) => {
                Values::Decimal128(array.as_primitive::<Decimal128Type>().values().clone())
            }
            nested if nested.is_nested() => nested::values(&array, name)?,
            _ => texts::values(&array, name)?,
        };
        Ok(Self { values, nulls, step: Step::default() })
    }

    /// Looks at the rows that are written next. Gives the bytes of the longest of their cells.
    pub(super) fn measure(&mut self, rows: Range<usize>) -> usize {
        let Step { mut valid, mut encoded, .. } = std::mem::take(&mut self.step);
        valid.clear();
        let nulls = self.nulls.as_ref().map(|nulls| nulls.slice(rows.start, rows.len()));
        let lengths = match nulls.filter(|nulls| nulls.null_count() > 0) {
            _ if self.is_encoded() => encoded.fill(self, &rows),
            None => self.lengths(&rows, None),
            Some(nulls) if nulls.null_count() == rows.len() => Lengths::equal(1),
            Some(nulls) => {
                push_bits(&mut valid, nulls.inner());
                Lengths { are_equal: false, ..self.lengths(&rows, Some(&valid)) }
            }
        };
        self.step = Step { rows, valid, lengths, encoded };
        lengths.most
    }

    /// The lengths of cells that have a value.
    fn lengths(&self, rows: &Range<usize>, valid: Option<&[bool]>) -> Lengths {
        match &self.values {
            Values::Void => Lengths::equal(1),
            Values::Boolean(_) | Values::Byte(_) => Lengths::equal(1 + 1),
            Values::Short(_) => Lengths::equal(1 + 2),
            Values::Integer(_) | Values::Float(_) => Lengths::equal(1 + 4),
            Values::Long(_) | Values::Double(_) => Lengths::equal(1 + 8),
            Values::Decimal32(_) | Values::Decimal64(_) | Values::Decimal128(_) => Lengths::equal(1 + 16),
            Values::Text { offsets, .. } => texts::lengths(offsets, rows),
            Values::LargeText { offsets, .. } => texts::lengths(offsets, rows),
            Values::View(views) => views.lengths(rows, valid),
            Values::Equal { .. } | Values::List { .. } | Values::Map { .. } | Values::Struct(_) => {
                Lengths::default()
            }
        }
    }

    /// Whether cells are made one by one before they are written.
    fn is_encoded(&self) -> bool {
        use Values::{Equal, List, Map, Struct};
        matches!(self.values, Equal { .. } | List { .. } | Map { .. } | Struct(_))
    }

    /// Writes the cells of the rows that were measured.
    pub(super) fn write(&self, lines: &mut Lines) {
        let Step { rows, lengths, encoded, .. } = &self.step;
        let (rows, valid) = (rows.clone(), self.step.valid());
        if *lengths == Lengths::equal(1) {
            // All are NULL: nothing else is so short.
            return fixed::write_null(rows.len(), lines);
        }
        match &self.values {
            Values::Void => fixed::write_null(rows.len(), lines),
            Values::Boolean(values) => {
                let values = values.slice(rows.start, rows.len());
                fixed::write(values.iter(), valid, lines, |value| [u8::from(value)]);
            }
            Values::Byte(values) => {
                fixed::write(values[rows].iter(), valid, lines, |value| value.to_le_bytes())
            }
            Values::Short(values) => {
                fixed::write(values[rows].iter(), valid, lines, |value| value.to_le_bytes())
            }
            Values::Integer(values) => {
                fixed::write(values[rows].iter(), valid, lines, |value| value.to_le_bytes());
            }
            Values::Long(values) => {
                fixed::write(values[rows].iter(), valid, lines, |value| value.to_le_bytes())
            }
            Values::Float(values) => {
                fixed::write(values[rows].iter(), valid, lines, |value| float_bytes(*value))
            }
            Values::Double(values) => {
                fixed::write(values[rows].iter(), valid, lines, |value| double_bytes(*value));
            }
            Values::Decimal32(values) => {
                fixed::write(values[rows].iter(), valid, lines, |value| decimal_bytes(*value));
            }
            Values::Decimal64(values) => {
                fixed::write(values[rows].iter(), valid, lines, |value| decimal_bytes(*value));
            }
            Values::Decimal128(values) => {
                fixed::write(values[rows].iter(), valid, lines, |value| decimal_bytes(*value));
            }
            Values::Text { offsets, bytes } => texts::write(offsets, bytes, &self.step, lines),
            Values::LargeText { offsets, bytes } => texts::write(offsets, bytes, &self.step, lines),
            Values::View(views) => views.write(&self.step, lines),
            Values::Equal { .. } | Values::List { .. } | Values::Map { .. } | Values::Struct(_) => {
                encoded.write(lines);
            }
        }
    }
}

/// `array` without a dictionary and without runs. Texts of a dictionary become views of it.
fn decoded(array: &ArrayRef, column: &str) -> Result<ArrayRef, RowsError> {
    let plain = match array.data_type() {
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            // Arrow's own cast of a dictionary to views takes no notice of NULL among its values.
            let views = match dictionary.values().data_type() {
                DataType::Utf8 | DataType::LargeUtf8 => cast(dictionary.values(), &DataType::Utf8View),
                DataType::Binary | DataType::LargeBinary => cast(dictionary.values(), &DataType::BinaryView),
                _ => Ok(Arc::clone(dictionary.values())),
            };
            views.and_then(|values| take(&values, dictionary.keys(), None))
        }
        DataType::RunEndEncoded(_, values) => cast(array, values.data_type()),
        _ => return Ok(Arc::clone(array)),
    };
    let undecodable =
        |error: ArrowError| RowsError::Undecodable { column: column.to_owned(), reason: error.to_string() };
    decoded(&plain.map_err(undecodable)?, column)
}

fn unsupported(array: &ArrayRef, column: &str) -> RowsError {
    RowsError::UnsupportedType { column: column.to_owned(), data_type: array.data_type().to_string() }
}

fn float_bytes(value: f32) -> [u8; 4] {
    if value.is_nan() { 0x7fc0_0000_u32.to_le_bytes() } else { value.to_bits().to_le_bytes() }
}

fn double_bytes(value: f64) -> [u8; 8] {
    if value.is_nan() { 0x7ff8_0000_0000_0000_u64.to_le_bytes() } else { value.to_bits().to_le_bytes() }
}

fn decimal_bytes(value: impl Into<i128>) -> [u8; 16] {
    value.into().to_le_bytes()
}
