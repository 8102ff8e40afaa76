//! Values as the definition sees them, the bytes it gives them, and arrays of them in every encoding.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Date32Array, Decimal32Array, Decimal64Array,
    Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array,
    Int64Array, LargeBinaryArray, LargeListArray, LargeStringArray, ListArray, MapArray, NullArray,
    StringArray, StringViewArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, nullif};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};

/// A type of a Delta table.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Void,
    Boolean,
    Byte,
    Short,
    Integer,
    Long,
    Float,
    Double,
    Text,
    Binary,
    Date,
    Timestamp,
    TimestampNtz,
    Decimal(u8),
    List(Box<Kind>),
    Map(Box<Kind>, Box<Kind>),
    Struct(Vec<Kind>),
}

/// A value. Its type says what it means.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    /// Every type of numbers; the bits of those with a point.
    Number(i128),
    Bytes(Vec<u8>),
    /// Items, or the fields of a struct, or keys and values in turn.
    Several(Vec<Value>),
}

/// Appends the cell of a value.
pub(super) fn push_cell(out: &mut Vec<u8>, kind: &Kind, value: &Value) {
    if matches!(value, Value::Null) {
        out.push(0);
        return;
    }
    out.push(1);
    match (kind, value) {
        (Kind::Boolean | Kind::Byte, Value::Number(number)) => out.extend(&number.to_le_bytes()[..1]),
        (Kind::Short, Value::Number(number)) => out.extend(&number.to_le_bytes()[..2]),
        (Kind::Integer | Kind::Date, Value::Number(number)) => out.extend(&number.to_le_bytes()[..4]),
        (Kind::Float, Value::Number(bits)) if f32::from_bits(*bits as u32).is_nan() => {
            out.extend([0, 0, 0xc0, 0x7f]);
        }
        (Kind::Double, Value::Number(bits)) if f64::from_bits(*bits as u64).is_nan() => {
            out.extend([0, 0, 0, 0, 0, 0, 0xf8, 0x7f]);
        }
        (Kind::Float, Value::Number(bits)) => out.extend(&bits.to_le_bytes()[..4]),
        (Kind::Long | Kind::Timestamp | Kind::TimestampNtz | Kind::Double, Value::Number(number)) => {
            out.extend(&number.to_le_bytes()[..8]);
        }
        (Kind::Decimal(_), Value::Number(number)) => out.extend(number.to_le_bytes()),
        (Kind::Text | Kind::Binary, Value::Bytes(bytes)) => {
            out.extend((bytes.len() as u32).to_le_bytes());
            out.extend(bytes);
        }
        (Kind::List(item), Value::Several(items)) => {
            out.extend((items.len() as u32).to_le_bytes());
            items.iter().for_each(|value| push_cell(out, item, value));
        }
        (Kind::Map(key, value), Value::Several(entries)) => {
            out.extend((entries.len() as u32 / 2).to_le_bytes());
            for entry in entries.chunks(2) {
                push_cell(out, key, &entry[0]);
                push_cell(out, value, &entry[1]);
            }
        }
        (Kind::Struct(fields), Value::Several(values)) => {
            fields.iter().zip(values).for_each(|(kind, value)| push_cell(out, kind, value));
        }
        (kind, value) => panic!("{value:?} is no {kind:?}"),
    }
}

/// An array of `values`, in one of the encodings of its type; `choice` says which.
///
/// What stands in an array for NULL is `filler`.
pub(super) fn array(kind: &Kind, values: &[Value], filler: &Value, choice: usize) -> ArrayRef {
    if matches!(kind, Kind::Void) {
        return Arc::new(NullArray::new(values.len()));
    }
    let present = |value: &Value| if matches!(value, Value::Null) { filler.clone() } else { value.clone() };
    let filled: Vec<Value> = values.iter().map(present).collect();
    let nulls: BooleanArray = values.iter().map(|value| Some(matches!(value, Value::Null))).collect();
    let without_nulls = present_array(kind, &filled, choice);
    let array = if nulls.true_count() == 0 { without_nulls } else { nullif(&without_nulls, &nulls).unwrap() };
    match (kind, choice % 7) {
        (Kind::Text, 4) => dictionary(&array),
        (Kind::Text, 5) => cast(&array, &dictionary_type(DataType::Int32, DataType::LargeUtf8)).unwrap(),
        (Kind::Binary, 4) => cast(&array, &dictionary_type(DataType::UInt16, DataType::Binary)).unwrap(),
        (Kind::Long, 4) => cast(&array, &dictionary_type(DataType::Int64, DataType::Int64)).unwrap(),
        (Kind::Text | Kind::Integer, 6) => {
            let ends = Arc::new(Field::new("run_ends", DataType::Int32, false));
            let field = Arc::new(Field::new("values", array.data_type().clone(), true));
            cast(&array, &DataType::RunEndEncoded(ends, field)).unwrap()
        }
        _ => array,
    }
}

fn dictionary_type(keys: DataType, values: DataType) -> DataType {
    DataType::Dictionary(Box::new(keys), Box::new(values))
}

/// A dictionary with one value a row, in which NULL is a value and not a missing key.
fn dictionary(texts: &ArrayRef) -> ArrayRef {
    let rows = texts.len() as i32;
    let reversed: Int32Array = (0..rows).rev().map(Some).collect();
    let values = arrow::compute::take(texts, &reversed, None).unwrap();
    Arc::new(DictionaryArray::new(reversed, values))
}

fn numbers<T>(values: &[Value], number: impl Fn(i128) -> T) -> Vec<T> {
    let each = |value: &Value| match value {
        Value::Number(value) => number(*value),
        other => panic!("{other:?} is no number"),
    };
    values.iter().map(each).collect()
}

fn present_array(kind: &Kind, values: &[Value], choice: usize) -> ArrayRef {
    match kind {
        Kind::Void => panic!("it has no values"),
        Kind::Boolean => Arc::new(BooleanArray::from(numbers(values, |value| value != 0))),
        Kind::Byte => Arc::new(Int8Array::from(numbers(values, |value| value as i8))),
        Kind::Short => Arc::new(Int16Array::from(numbers(values, |value| value as i16))),
        Kind::Integer => Arc::new(Int32Array::from(numbers(values, |value| value as i32))),
        Kind::Long => Arc::new(Int64Array::from(numbers(values, |value| value as i64))),
        Kind::Date => Arc::new(Date32Array::from(numbers(values, |value| value as i32))),
        Kind::Float => Arc::new(Float32Array::from(numbers(values, |value| f32::from_bits(value as u32)))),
        Kind::Double => Arc::new(Float64Array::from(numbers(values, |value| f64::from_bits(value as u64)))),
        Kind::Timestamp => {
            let times = TimestampMicrosecondArray::from(numbers(values, |value| value as i64));
            Arc::new(times.with_timezone(["UTC", "+00:00", "+02:00"][choice % 3]))
        }
        Kind::TimestampNtz => {
            Arc::new(TimestampMicrosecondArray::from(numbers(values, |value| value as i64)))
        }
        Kind::Decimal(precision) => decimals(*precision, values, choice),
        Kind::Text | Kind::Binary => bytes(matches!(kind, Kind::Text), values, choice),
        Kind::List(item) => list(item, values, choice),
        Kind::Map(key, value) => map(key, value, values, choice),
        Kind::Struct(fields) => Arc::new(structs(fields, values, choice)),
    }
}

fn decimals(precision: u8, values: &[Value], choice: usize) -> ArrayRef {
    let scale = 2;
    match (precision, choice % 3) {
        (..=9, 1) => {
            let values = Decimal32Array::from(numbers(values, |value| value as i32));
            Arc::new(values.with_precision_and_scale(precision, scale).unwrap())
        }
        (..=18, 2) => {
            let values = Decimal64Array::from(numbers(values, |value| value as i64));
            Arc::new(values.with_precision_and_scale(precision, scale).unwrap())
        }
        _ => {
            let values = Decimal128Array::from(numbers(values, |value| value));
            Arc::new(values.with_precision_and_scale(precision, scale).unwrap())
        }
    }
}

fn bytes(are_texts: bool, values: &[Value], choice: usize) -> ArrayRef {
    let all: Vec<&[u8]> = values
        .iter()
        .map(|value| match value {
            Value::Bytes(bytes) => bytes.as_slice(),
            other => panic!("{other:?} has no bytes"),
        })
        .collect();
    let texts = || all.iter().map(|bytes| std::str::from_utf8(bytes).unwrap());
    match (are_texts, choice % 3) {
        (true, 0) => Arc::new(StringArray::from_iter_values(texts())),
        (true, 1) => Arc::new(LargeStringArray::from_iter_values(texts())),
        (true, _) => Arc::new(StringViewArray::from_iter_values(texts())),
        (false, 0) => Arc::new(BinaryArray::from_iter_values(&all)),
        (false, 1) => Arc::new(LargeBinaryArray::from_iter_values(&all)),
        (false, _) => Arc::new(BinaryViewArray::from_iter_values(&all)),
    }
}

fn several(value: &Value) -> &[Value] {
    match value {
        Value::Several(values) => values,
        other => panic!("{other:?} is one value"),
    }
}

/// A value of the type that is not NULL.
pub(super) fn zero(kind: &Kind) -> Value {
    match kind {
        Kind::Void => Value::Null,
        Kind::Text | Kind::Binary => Value::Bytes(b"filler".to_vec()),
        Kind::List(_) | Kind::Map(_, _) => Value::Several(Vec::new()),
        Kind::Struct(fields) => Value::Several(fields.iter().map(zero).collect()),
        _ => Value::Number(7),
    }
}

fn field(name: &str, array: &ArrayRef) -> FieldRef {
    Arc::new(Field::new(name, array.data_type().clone(), true))
}

fn list(item: &Kind, values: &[Value], choice: usize) -> ArrayRef {
    let all: Vec<Value> = values.iter().flat_map(several).cloned().collect();
    let items = array(item, &all, &zero(item), choice / 2);
    let lengths = values.iter().map(|value| several(value).len());
    if choice.is_multiple_of(2) {
        Arc::new(ListArray::new(field("element", &items), OffsetBuffer::from_lengths(lengths), items, None))
    } else {
        let offsets = OffsetBuffer::from_lengths(lengths);
        Arc::new(LargeListArray::new(field("item", &items), offsets, items, None))
    }
}

fn map(key: &Kind, value: &Kind, values: &[Value], choice: usize) -> ArrayRef {
    let entries: Vec<&[Value]> = values.iter().flat_map(|value| several(value).chunks(2)).collect();
    let column = |place: usize| entries.iter().map(|entry| entry[place].clone()).collect::<Vec<_>>();
    let keys = array(key, &column(0), &zero(key), choice / 2);
    let items = array(value, &column(1), &zero(value), choice / 3);
    let fields = Fields::from(vec![
        Field::new("key", keys.data_type().clone(), false),
        Field::new("value", items.data_type().clone(), true),
    ]);
    let entries = StructArray::new(fields, vec![keys, items], None);
    let entry = Arc::new(Field::new("entries", entries.data_type().clone(), false));
    let offsets = OffsetBuffer::from_lengths(values.iter().map(|value| several(value).len() / 2));
    Arc::new(MapArray::new(entry, offsets, entries, None, false))
}

fn structs(fields: &[Kind], values: &[Value], choice: usize) -> StructArray {
    let columns: Vec<ArrayRef> = fields
        .iter()
        .enumerate()
        .map(|(place, kind)| {
            let column: Vec<Value> = values.iter().map(|value| several(value)[place].clone()).collect();
            array(kind, &column, &zero(kind), choice / 2 + place)
        })
        .collect();
    let names = (0..fields.len()).map(|place| format!("f{place}"));
    let fields: Fields = names.zip(&columns).map(|(name, column)| field(&name, column)).collect();
    StructArray::try_new_with_length(fields, columns, None, values.len()).unwrap()
}
