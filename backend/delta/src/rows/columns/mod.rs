//! The columns of a batch, as they add their cells to the states of their rows: each goes over some rows at a time, so that
//! what to do for its type is decided once and not for every cell.

mod nested;
mod numbers;
mod texts;

use std::hint::select_unpredictable;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::compute::{cast, take};
use arrow::datatypes::{
    DataType, Date32Type, Decimal32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use arrow::util::bit_chunk_iterator::BitChunks;

use super::RowsError;
use super::mixing::{KeyTree, Keys};
use nested::{Fields, Lists};
use texts::{Equal, Offsets, Views};

/// A column of a batch.
pub(super) struct Column {
    values: Values,
    /// Absent when no value is NULL.
    nulls: Option<NullBuffer>,
    keys: Keys,
}

/// Values, by what is done with them. They share the buffers of the array.
enum Values {
    Void,
    Boolean(BooleanBuffer),
    Byte(ScalarBuffer<i8>),
    Short(ScalarBuffer<i16>),
    /// Dates and short decimals too.
    Integer(ScalarBuffer<i32>),
    /// Timestamps and decimals too.
    Long(ScalarBuffer<i64>),
    Float(ScalarBuffer<f32>),
    Double(ScalarBuffer<f64>),
    Decimal(ScalarBuffer<i128>),
    Text(Offsets<i32>),
    LargeText(Offsets<i64>),
    View(Views),
    /// Bytes that are all of one length.
    Equal(Equal),
    /// Maps too.
    List(Lists),
    Struct(Fields),
}

impl Column {
    /// The column `name`, whose type is one of a Delta table and has these keys.
    ///
    /// # Errors
    /// [`RowsError::Undecodable`], [`RowsError::UnsupportedType`].
    pub(super) fn new(array: &ArrayRef, keys: &KeyTree, name: &str) -> Result<Self, RowsError> {
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
                Values::Integer(array.as_primitive::<Decimal32Type>().values().clone())
            }
            DataType::Decimal64(_, _) => Values::Long(array.as_primitive::<Decimal64Type>().values().clone()),
            DataType::Decimal128(_, _) => {
                Values::Decimal(array.as_primitive::<Decimal128Type>().values().clone())
            }
            nested if nested.is_nested() => nested::values(&array, &keys.inner, name)?,
            _ => texts::values(&array).ok_or_else(|| unsupported(&array, name))?,
        };
        Ok(Self { values, nulls, keys: keys.keys })
    }

    /// Adds the cells of `rows` to the states of these rows.
    pub(super) fn add(&mut self, rows: Range<usize>, states: &mut [u128]) {
        let nulls = self.nulls.as_ref().map(|nulls| nulls.slice(rows.start, rows.len()));
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0).map(NullBuffer::into_inner);
        let keys = self.keys;
        let cells = Cells { states, valid: nulls, keys: &keys };
        match &mut self.values {
            Values::Void => cells.states.iter_mut().for_each(|state| *state = state.wrapping_add(keys.null)),
            Values::Boolean(values) => {
                let values = values.slice(rows.start, rows.len());
                cells.add(values.iter(), |value| keys.number(value.into()));
            }
            // A negative number has its sign in all bits before it.
            Values::Byte(values) => cells.add(values[rows].iter(), |value| keys.number(*value as u64)),
            Values::Short(values) => cells.add(values[rows].iter(), |value| keys.number(*value as u64)),
            Values::Integer(values) => cells.add(values[rows].iter(), |value| keys.number(*value as u64)),
            Values::Long(values) => cells.add(values[rows].iter(), |value| keys.number(*value as u64)),
            Values::Float(values) => {
                cells.add(values[rows].iter(), |value| keys.number(numbers::float(*value)));
            }
            Values::Double(values) => {
                cells.add(values[rows].iter(), |value| keys.number(numbers::double(*value)));
            }
            Values::Decimal(values) => numbers::add_wide(&values[rows], cells),
            Values::Text(texts) => texts.add(rows, cells),
            Values::LargeText(texts) => texts.add(rows, cells),
            Values::View(views) => views.add(rows, cells),
            Values::Equal(texts) => texts.add(rows, cells),
            Values::List(lists) => lists.add(rows, cells),
            Values::Struct(fields) => fields.add(rows, cells),
        }
    }
}

/// Where cells are added: the states of some rows of a column.
struct Cells<'a> {
    states: &'a mut [u128],
    /// Which rows have a value, unless all have.
    valid: Option<BooleanBuffer>,
    keys: &'a Keys,
}

impl Cells<'_> {
    /// Adds what `cell` makes of each value, or NULL. It is also asked for what stands in an array for NULL.
    #[inline(always)]
    fn add<T>(self, values: impl Iterator<Item = T>, mut cell: impl FnMut(T) -> u128) {
        if self.valid.is_some() {
            return self.add_valid(values, |value, _| cell(value));
        }
        for (state, value) in self.states.iter_mut().zip(values) {
            *state = state.wrapping_add(cell(value));
        }
    }

    /// The same; `cell` is told whether the row has a value. It is called in one place, so that it is compiled into the loop.
    #[inline(always)]
    fn add_valid<T>(self, mut values: impl Iterator<Item = T>, mut cell: impl FnMut(T, bool) -> u128) {
        let bits = self.valid.as_ref().map(BooleanBuffer::bit_chunks);
        let mut words = bits.iter().flat_map(BitChunks::iter_padded);
        for states in self.states.chunks_mut(64) {
            let mut word = words.next().unwrap_or(u64::MAX);
            for (state, value) in states.iter_mut().zip(values.by_ref()) {
                let is_valid = word & 1 == 1;
                // A branch would often be guessed wrong.
                let added = select_unpredictable(is_valid, cell(value, is_valid), self.keys.null);
                *state = state.wrapping_add(added);
                word >>= 1;
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
