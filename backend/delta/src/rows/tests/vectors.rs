//! Digests that another program computed.
//!
//! The numbers here come from a Python function of forty lines that was written from the definition and shares nothing with
//! this crate: it makes the bytes of a row with `struct` and `int.to_bytes`, the seed with the package `blake3` 1.0, and the
//! hashes with `xxhash.xxh3_128_intdigest` of the package `xxhash` 4.1, which is xxHash 0.8.4 in C.

use std::sync::Arc;

use arrow::array::builder::{
    Float64Builder, Int32Builder, Int64Builder, ListBuilder, MapBuilder, StringBuilder, StructBuilder,
};
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, NullArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Fields};

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
    assert_eq!(RowHasher::new(&flat.schema()).unwrap().seed(), 0xed39_5b18_ccd3_b402);
    assert_eq!(digest(&flat).to_string(), "822cac51ffec89d4f6dd1877eaf37d1a:4");
    let rows = [
        "f37bde0b8991f27587ccf8e61b898685:1",
        "83bd1d4ce22234db5c44a909fccad97d:1",
        "70ae0c7586d88d74d9a65e52905a7a6a:1",
        "9a45a4840d5fd50f392518354244a2ae:1",
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
    assert_eq!(RowHasher::new(&nested.schema()).unwrap().seed(), 0x6bac_1e2c_55ba_c8f8);
    assert_eq!(digest(&nested).to_string(), "e883e3d5216dfa8fe27a4c730ea8ab67:3");
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
        assert_eq!(RowHasher::new(&row.schema()).unwrap().seed(), 0x2686_e242_5283_b95b);
        assert_eq!(digest(&row).to_string(), "7661ef7d8be91dd67065532f97673f24:1");
    }
}

/// Lengths of rows at which XXH3 goes another way.
#[test]
fn long_and_short_rows() {
    let lengths = [0, 1, 5, 30, 58, 59, 60, 61, 117, 118, 119, 500, 5000];
    let texts: StringArray = lengths.iter().map(|length| Some("é".repeat(*length))).collect();
    let texts = batch(vec![("text", Arc::new(texts))]);
    assert_eq!(digest(&texts).to_string(), "59867fdebe25748d11c4546c90aae8f9:13");
    assert_eq!(digest(&texts.slice(3, 0)).to_string(), "00000000000000000000000000000000:0");
    let no_columns = batch_of(2, Vec::new());
    assert_eq!(RowHasher::new(&no_columns.schema()).unwrap().seed(), 0x391b_5d16_7ba3_c571);
    assert_eq!(digest(&no_columns).to_string(), "8a0364aac0dbbc582a77afe560be577a:2");
}
