//! Digests that another program computed.
//!
//! The numbers here and on the page of hashes come from Python functions that were written from that page and share nothing with
//! this crate (`tests/judges/hashes_definitions.py`, with the packages `blake3` 1.0 and `xxhash` 4.1).

use std::sync::Arc;

use arrow::array::builder::{
    Float64Builder, Int32Builder, Int64Builder, ListBuilder, MapBuilder, StringBuilder, StructBuilder,
};
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, ListArray, NullArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use serde_json::Value;

use super::{batch, batch_of, digest};
use crate::rows::RowHasher;

fn decimals(precision: u8, scale: i8, values: [Option<i128>; 4]) -> ArrayRef {
    Arc::new(Decimal128Array::from(values.to_vec()).with_precision_and_scale(precision, scale).unwrap())
}

/// Every type that is not nested; the second row is NULL.
fn flat() -> RecordBatch {
    let most_millis = 253_402_300_799_999_999;
    batch(vec![
        ("b", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), Some(true)]))),
        ("i8", Arc::new(Int8Array::from(vec![Some(i8::MIN), None, Some(i8::MAX), Some(0)]))),
        ("i16", Arc::new(Int16Array::from(vec![Some(i16::MIN), None, Some(i16::MAX), Some(1)]))),
        ("i32", Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(i32::MAX), Some(2)]))),
        ("i64", Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX), Some(3)]))),
        ("f", Arc::new(Float32Array::from(vec![Some(1.5), None, Some(-f32::NAN), Some(-0.0)]))),
        ("d", Arc::new(Float64Array::from(vec![Some(-0.25), None, Some(-0.0), Some(-f64::NAN)]))),
        (
            "s",
            Arc::new(StringArray::from(vec![
                Some("é\n\"x"),
                None,
                Some(""),
                Some("longer than a view holds"),
            ])),
        ),
        (
            "bin",
            Arc::new(BinaryArray::from(vec![Some(&[0, 255][..]), None, Some(b""), Some(b"thirteen byte")])),
        ),
        ("day", Arc::new(Date32Array::from(vec![Some(-1), None, Some(2_932_896), Some(0)]))),
        (
            "ts",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(-1), None, Some(most_millis), Some(1)])
                    .with_timezone("UTC"),
            ),
        ),
        ("ntz", Arc::new(TimestampMicrosecondArray::from(vec![Some(1_000_001), None, Some(0), Some(-2)]))),
        ("dec", decimals(15, 2, [Some(-12_345), None, Some(999_999_999_999_999), Some(0)])),
        ("big", decimals(38, 10, [Some(10_i128.pow(37)), None, Some(-1), Some(0)])),
        ("v", Arc::new(NullArray::new(4))),
    ])
}

#[test]
fn columns_of_every_type() {
    let flat = flat();
    assert_eq!(RowHasher::new(&flat.schema()).unwrap().seed(), 0x2b22_5de7_6791_71ab);
    assert_eq!(digest(&flat).to_string(), "2:99e4e2d0fdbe8f960e0e100f2446d013:4");
    let rows = [
        "2:b5f61c39550b4a2a31fa8fd8c4076297:1",
        "2:f8e83855bb815a361bac1481942b7570:1",
        "2:ec6869b6cd9174e9439d2608e52a4887:1",
        "2:fe9e248b1fa0764c7cca45abe6e9af85:1",
    ];
    for (row, expected) in rows.into_iter().enumerate() {
        assert_eq!(digest(&flat.slice(row, 1)).to_string(), expected, "row {row}");
    }
}

fn span() -> StructBuilder {
    let fields = Fields::from(vec![
        Field::new("start", DataType::Int64, true),
        Field::new("label", DataType::Utf8, true),
    ]);
    StructBuilder::new(fields, vec![Box::new(Int64Builder::new()), Box::new(StringBuilder::new())])
}

fn push_span(spans: &mut StructBuilder, start: Option<i64>, label: Option<&str>, valid: bool) {
    spans.field_builder::<Int64Builder>(0).unwrap().append_option(start);
    spans.field_builder::<StringBuilder>(1).unwrap().append_option(label);
    spans.append(valid);
}

/// Lists, maps and structs: with values, without any, and NULL.
#[test]
fn nested_columns() {
    let mut tags = ListBuilder::new(StringBuilder::new());
    tags.append_value([Some("a"), None, Some("")]);
    tags.append_value([None::<&str>; 0]);
    tags.append_null();
    let mut spans = ListBuilder::new(span());
    push_span(spans.values(), Some(1), Some("a"), true);
    push_span(spans.values(), Some(2), None, true);
    push_span(spans.values(), Some(9), Some("under NULL"), false);
    spans.append(true);
    spans.append(true);
    spans.append(false);
    let mut props = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    props.keys().append_value("k");
    props.values().append_value(7);
    props.keys().append_value("l");
    props.values().append_null();
    [true, true, false].into_iter().for_each(|valid| props.append(valid).unwrap());
    let mut deep = MapBuilder::new(None, Int32Builder::new(), ListBuilder::new(Float64Builder::new()));
    deep.keys().append_value(1);
    deep.values().append_value([Some(0.5), None]);
    deep.keys().append_value(2);
    deep.values().append_null();
    [true, true, false].into_iter().for_each(|valid| deep.append(valid).unwrap());
    let mut s = span();
    push_span(&mut s, Some(3), Some("x"), true);
    push_span(&mut s, None, None, true);
    push_span(&mut s, Some(4), Some("under NULL"), false);
    let nested = batch(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("tags", Arc::new(tags.finish())),
        ("spans", Arc::new(spans.finish())),
        ("props", Arc::new(props.finish())),
        ("deep", Arc::new(deep.finish())),
        ("s", Arc::new(s.finish())),
    ]);
    assert_eq!(RowHasher::new(&nested.schema()).unwrap().seed(), 0xeb46_e59b_4c72_b55a);
    assert_eq!(digest(&nested).to_string(), "2:92fbc9fd6bf074d4c9f33dd9c3a2c781:3");
}

/// The columns in the order of the bytes of their names: `B`, `Z`, `a`, `aa`, `é`.
#[test]
fn columns_in_any_order() {
    let number = |value| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
    let mut columns =
        vec![("é", number(1)), ("B", number(2)), ("a", number(3)), ("Z", number(4)), ("aa", number(5))];
    for _ in 0..columns.len() {
        columns.rotate_left(1);
        let row = batch(columns.clone());
        assert_eq!(RowHasher::new(&row.schema()).unwrap().seed(), 0x213a_f25e_96c9_b561);
        assert_eq!(digest(&row).to_string(), "2:b5995825dd4d098fc42e456d74ec885f:1");
    }
}

/// Lengths of texts at which something else is done, by the definition or by XXH3.
#[test]
fn long_and_short_texts() {
    let lengths = [0, 1, 6, 7, 10, 11, 14, 15, 22, 23, 59, 60, 119, 120, 121, 500, 5000];
    let texts: StringArray = lengths.iter().map(|length| Some("é".repeat(*length))).collect();
    let texts = batch(vec![("text", Arc::new(texts))]);
    assert_eq!(digest(&texts).to_string(), "2:e3a39a4d82b3026e8419a52fe24f1483:17");
    assert_eq!(digest(&texts.slice(3, 0)).to_string(), "2:00000000000000000000000000000000:0");
    let texts: StringArray = (0..60).map(|length| Some("x".repeat(length))).collect();
    let texts = batch(vec![("text", Arc::new(texts))]);
    assert_eq!(digest(&texts).to_string(), "2:ef074ba798d34c8413be08688691745b:60");
    let no_columns = batch_of(2, Vec::new());
    assert_eq!(RowHasher::new(&no_columns.schema()).unwrap().seed(), 0xc99e_7fb8_0399_ed79);
}

/// A type by the name that it has in a seed.
fn data_type(name: &str) -> DataType {
    match name {
        "long" => DataType::Int64,
        "double" => DataType::Float64,
        "string" => DataType::Utf8,
        list => {
            let item = list.strip_prefix("array<").unwrap().strip_suffix('>').unwrap();
            DataType::List(Arc::new(Field::new("element", data_type(item), true)))
        }
    }
}

fn array_of(data_type: &DataType, values: &[&Value]) -> ArrayRef {
    match data_type {
        DataType::Int64 => Arc::new(values.iter().map(|value| value.as_i64()).collect::<Int64Array>()),
        DataType::Float64 => Arc::new(values.iter().map(|value| value.as_f64()).collect::<Float64Array>()),
        DataType::Utf8 => Arc::new(values.iter().map(|value| value.as_str()).collect::<StringArray>()),
        DataType::List(field) => {
            let lists: Vec<Option<&Vec<Value>>> = values.iter().map(|value| value.as_array()).collect();
            let items: Vec<&Value> = lists.iter().flatten().copied().flatten().collect();
            let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.map_or(0, Vec::len)));
            let nulls = lists.iter().map(Option::is_some).collect::<NullBuffer>();
            let items = array_of(field.data_type(), &items);
            Arc::new(ListArray::new(Arc::clone(field), offsets, items, Some(nulls)))
        }
        other => panic!("the page has no vectors of {other}"),
    }
}

#[test]
fn the_vectors_of_the_page_hold() {
    let page = include_str!("../../../../../ir/hash/HASHES.md");
    let lines = page.lines().map(|line| line.split('`').collect::<Vec<_>>());
    let mut vectors = 0;
    for line in lines.filter(|line| line.len() == 7 && line[5].starts_with("2:")) {
        let columns: Vec<(String, String)> = serde_json::from_str(line[1]).unwrap();
        let rows: Vec<Vec<Value>> = serde_json::from_str(line[3]).unwrap();
        let array = |place: usize, name: &str| {
            array_of(&data_type(name), &rows.iter().map(|row| &row[place]).collect::<Vec<_>>())
        };
        let arrays = columns.iter().enumerate().map(|(place, (name, it))| (name.as_str(), array(place, it)));
        let batch = batch_of(rows.len(), arrays.collect());
        assert_eq!(digest(&batch).to_string(), line[5], "{}", line[3]);
        vectors += 1;
    }
    assert!(vectors >= 9, "the table has {vectors} vectors");
}
