//! Values as the definition sees them, what it makes of them, and arrays of them in every encoding.

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
use twox_hash::XxHash3_128;

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

/// The keys of a type and of what lies inside it, as the extended output has them.
pub(super) type Keys<'a> = &'a [[u8; 128]];

/// How many blocks of keys a type has.
pub(super) fn blocks(kind: &Kind) -> usize {
    1 + match kind {
        Kind::List(item) => blocks(item),
        Kind::Map(key, value) => blocks(key) + blocks(value),
        Kind::Struct(fields) => fields.iter().map(blocks).sum(),
        _ => 0,
    }
}

fn key(keys: Keys, at: usize) -> u128 {
    u128::from_le_bytes(keys[0][at..at + 16].try_into().unwrap())
}

/// What a cell adds.
pub(super) fn added(kind: &Kind, value: &Value, keys: Keys) -> u128 {
    let number = |word: u128| (key(keys, 16) | 1).wrapping_mul(word & u128::from(u64::MAX));
    match (kind, value) {
        (_, Value::Null) => key(keys, 0),
        (Kind::Float, Value::Number(bits)) if f32::from_bits(*bits as u32).is_nan() => number(0x7fc0_0000),
        (Kind::Double, Value::Number(bits)) if f64::from_bits(*bits as u64).is_nan() => number(0x7ff8_0000),
        (Kind::Float, Value::Number(bits)) => number(*bits as u128 & 0xffff_ffff),
        (Kind::Double, Value::Number(bits)) => {
            number((*bits as u128 & 0xffff_ffff) << 32 | *bits as u128 >> 32)
        }
        (Kind::Decimal(_), Value::Number(value)) => {
            let wide = (value - i128::from(*value as i64)) / (1 << 64);
            let wide = (key(keys, 32) | 1).wrapping_mul(u128::from(wide as u64));
            number(*value as u128).wrapping_add(wide)
        }
        (_, Value::Number(value)) => number(*value as u128),
        (_, Value::Bytes(bytes)) => text(bytes, keys),
        (Kind::Struct(fields), Value::Several(values)) => members(fields.iter().zip(values), &keys[1..]),
        (Kind::List(item), Value::Several(items)) => {
            items.iter().zip(1..).fold(0_u128, |sum, (value, place)| {
                sum.wrapping_add(permuted(number(place).wrapping_add(added(item, value, &keys[1..]))))
            })
        }
        (Kind::Map(key, value), Value::Several(entries)) => {
            entries.chunks(2).zip(1..).fold(0_u128, |sum, (entry, place)| {
                let entry = [(&**key, &entry[0]), (&**value, &entry[1])].into_iter();
                sum.wrapping_add(permuted(number(place).wrapping_add(members(entry, &keys[1..]))))
            })
        }
        (kind, value) => panic!("{value:?} is no {kind:?}"),
    }
}

/// What all of these add, each with its keys.
pub(super) fn members<'a>(members: impl Iterator<Item = (&'a Kind, &'a Value)>, mut keys: Keys) -> u128 {
    members.fold(0, |sum, (kind, value)| {
        let (own, others) = keys.split_at(blocks(kind));
        keys = others;
        sum.wrapping_add(added(kind, value, own))
    })
}

fn text(bytes: &[u8], keys: Keys) -> u128 {
    let at = |place: usize, words: u128| pair(words, key(keys, 64 + 16 * place));
    let head = [&(bytes.len() as u32).to_le_bytes()[..], bytes, &[0; 16]].concat();
    let head = u128::from_le_bytes(head[..16].try_into().unwrap());
    let words = |one: usize, two: usize| {
        let word = |from: usize| {
            let from = from.min(bytes.len() - 8);
            u128::from(u64::from_le_bytes(bytes[from..from + 8].try_into().unwrap()))
        };
        word(one) | word(two) << 64
    };
    match bytes.len() {
        0..=12 => at(0, head),
        13..=44 => at(0, head).wrapping_add(at(1, words(12, 20))).wrapping_add(at(2, words(28, 36))),
        _ => at(3, XxHash3_128::oneshot(bytes)),
    }
}

fn pair(words: u128, keys: u128) -> u128 {
    let factor =
        |shift: u32| (1 << 64) + u128::from(((words >> shift) as u64).wrapping_add((keys >> shift) as u64));
    factor(0).wrapping_mul(factor(64))
}

/// The hash of a state.
pub(super) fn permuted(state: u128) -> u128 {
    let digits = "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89\
                  452821e638d01377be5466cf34e90c6cc0ac29b7c97c50dd3f84d5b5b5470917";
    let pi = |place: usize| u64::from_str_radix(&digits[16 * place..16 * (place + 1)], 16).unwrap();
    let mut halves = [state as u64, (state >> 64) as u64];
    for round in 0..4 {
        let product = u128::from(halves[1] ^ pi(2 * round)) * u128::from(pi(2 * round + 1) | 1);
        halves = [halves[1], halves[0] ^ (product >> 64) as u64 ^ product as u64];
    }
    u128::from(halves[0]) | u128::from(halves[1]) << 64
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
