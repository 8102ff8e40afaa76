//! What makes another digest, what does not, and what has none.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, Decimal128Array, DictionaryArray, FixedSizeBinaryArray, FixedSizeListArray,
    Float64Array, Int32Array, Int64Array, ListArray, NullArray, StringArray, StructArray,
    TimestampMicrosecondArray, UInt8Array,
};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, IntervalUnit, Schema, TimeUnit};

use super::{batch, digest};
use crate::rows::{RowHasher, RowsError};

fn numbers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn structs(names: &[&str]) -> ArrayRef {
    let field = |name: &&str| (Arc::new(Field::new(*name, DataType::Int64, true)), numbers(&[1, 2]));
    Arc::new(StructArray::from(names.iter().map(field).collect::<Vec<_>>()))
}

fn lists(values: Vec<Option<Vec<Option<i64>>>>) -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(values))
}

fn decimals(scale: i8) -> ArrayRef {
    Arc::new(Decimal128Array::from(vec![1, 2]).with_precision_and_scale(10, scale).unwrap())
}

fn times(zone: Option<&str>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(vec![1, 2]).with_timezone_opt(zone))
}

#[test]
fn other_rows_have_another_digest() {
    let floats = |values: [f64; 2]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&b"ab"[..], b"c"]));
    let short: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    let (two, other) = (numbers(&[1, 2]), numbers(&[3, 4]));
    let tables: Vec<(&str, Vec<(&str, ArrayRef)>)> = vec![
        ("numbers", vec![("a", numbers(&[1, 2])), ("b", numbers(&[3, 4]))]),
        ("cells swapped between rows", vec![("a", numbers(&[1, 2])), ("b", numbers(&[4, 3]))]),
        ("values moved between columns", vec![("a", other.clone()), ("b", two.clone())]),
        ("a column renamed", vec![("a", two.clone()), ("c", other)]),
        ("a row twice", vec![("a", numbers(&[1, 2, 2])), ("b", numbers(&[3, 4, 4]))]),
        ("both rows twice", vec![("a", numbers(&[1, 2, 2, 1])), ("b", numbers(&[3, 4, 4, 3]))]),
        ("one row", vec![("a", numbers(&[1])), ("b", numbers(&[3]))]),
        ("one column", vec![("a", two)]),
        ("of another type", vec![("a", short)]),
        ("decimals", vec![("a", decimals(0))]),
        ("with the point elsewhere", vec![("a", decimals(1))]),
        ("with a zone", vec![("a", times(Some("UTC")))]),
        ("without", vec![("a", times(None))]),
        ("zero", vec![("a", floats([0.0, 1.0]))]),
        ("minus zero", vec![("a", floats([-0.0, 1.0]))]),
        ("not a number", vec![("a", floats([f64::NAN, 1.0]))]),
        ("texts", vec![("a", texts(&[Some("ab"), Some("c")]))]),
        ("divided elsewhere", vec![("a", texts(&[Some("a"), Some("bc")]))]),
        ("one text longer", vec![("a", texts(&[Some("ab"), Some("c\0")]))]),
        ("of thirteen bytes", vec![("a", texts(&[Some("ab"), Some("c\0\0\0\0\0\0\0\0\0\0\0\0")]))]),
        ("of twelve", vec![("a", texts(&[Some("ab"), Some("c\0\0\0\0\0\0\0\0\0\0\0")]))]),
        ("texts side by side", vec![("a", texts(&[Some("ab")])), ("b", texts(&[Some("c")]))]),
        ("divided elsewhere", vec![("a", texts(&[Some("a")])), ("b", texts(&[Some("bc")]))]),
        ("exchanged", vec![("a", texts(&[Some("c")])), ("b", texts(&[Some("ab")]))]),
        ("the same bytes", vec![("a", bytes)]),
        ("a space more", vec![("a", texts(&[Some("ab"), Some("c ")]))]),
        ("NULL", vec![("a", texts(&[Some("ab"), None]))]),
        ("an empty text", vec![("a", texts(&[Some("ab"), Some("")]))]),
        ("the other is NULL", vec![("a", texts(&[None, Some("ab")])), ("b", numbers(&[1, 2]))]),
        ("the one is NULL", vec![("a", texts(&[Some("ab"), None])), ("b", numbers(&[1, 2]))]),
        ("no type", vec![("a", Arc::new(NullArray::new(2)))]),
        ("a struct", vec![("a", structs(&["x", "y"]))]),
        ("with other names", vec![("a", structs(&["x", "z"]))]),
        ("with one name", vec![("a", structs(&["x"]))]),
        ("a list", vec![("a", lists(vec![Some(vec![Some(1)]), Some(vec![Some(2), Some(3)])]))]),
        ("in another order", vec![("a", lists(vec![Some(vec![Some(1)]), Some(vec![Some(3), Some(2)])]))]),
        ("divided elsewhere", vec![("a", lists(vec![Some(vec![Some(1), Some(2)]), Some(vec![Some(3)])]))]),
        ("no list", vec![("a", lists(vec![Some(vec![Some(1)]), None]))]),
        ("an empty list", vec![("a", lists(vec![Some(vec![Some(1)]), Some(vec![])]))]),
        (
            "lists side by side",
            vec![("a", lists(vec![Some(vec![Some(0)])])), ("b", lists(vec![Some(vec![])]))],
        ),
        ("exchanged", vec![("a", lists(vec![Some(vec![])])), ("b", lists(vec![Some(vec![Some(0)])]))]),
        ("a list of NULL", vec![("a", lists(vec![Some(vec![Some(1)]), Some(vec![None])]))]),
    ];
    let mut seen = HashMap::new();
    for (what, columns) in tables {
        if let Some(before) = seen.insert(digest(&batch(columns)), what) {
            panic!("`{what}` has the digest of `{before}`");
        }
    }
}

#[test]
fn where_a_column_stands_does_not_count() {
    let (a, b) = (numbers(&[1, 2]), texts(&[Some("x"), None]));
    let one = digest(&batch(vec![("a", a.clone()), ("b", b.clone())]));
    assert_eq!(digest(&batch(vec![("b", b), ("a", a)])), one);
}

/// Names that hold what stands around names.
#[test]
fn no_two_schemas_have_one_seed() {
    let fields = |names: &[&str]| -> Vec<Field> {
        names.iter().map(|name| Field::new(*name, DataType::Int64, true)).collect()
    };
    let of = |fields: Vec<Field>| RowHasher::new(&Schema::new(fields)).unwrap().seed();
    let structs = |names: &[&str]| of(vec![Field::new("s", DataType::Struct(fields(names).into()), true)]);
    let seeds = [
        structs(&["a", "b"]),
        structs(&["a:long,1:b"]),
        structs(&["a:long,b"]),
        structs(&["a,b"]),
        structs(&["ab"]),
        structs(&["é"]),
        structs(&[]),
        of(fields(&["a", "b"])),
        of(fields(&["ab"])),
        of(fields(&["a"])),
        of(fields(&["a", "long"])),
        of(fields(&[])),
    ];
    assert_eq!(seeds.iter().collect::<BTreeSet<_>>().len(), seeds.len(), "{seeds:x?}");
}

#[test]
fn nullability_metadata_and_the_names_inside_lists_are_no_difference() {
    let list =
        |item: &str, nullable| DataType::List(Arc::new(Field::new(item, DataType::Utf8View, nullable)));
    let seed = |field: Field| RowHasher::new(&Schema::new(vec![field])).unwrap().seed();
    let plain = seed(Field::new("a", list("element", true), true));
    let metadata = HashMap::from([("delta.columnMapping.id".to_owned(), "1".to_owned())]);
    assert_eq!(seed(Field::new("a", list("item", false), false).with_metadata(metadata)), plain);
    let large = DataType::LargeList(Arc::new(Field::new("item", DataType::Utf8, true)));
    assert_eq!(seed(Field::new("a", large, true)), plain);
    let schema = Schema::new(vec![Field::new("a", list("item", false), true)]);
    let named = schema.clone().with_metadata(HashMap::from([("k".to_owned(), "v".to_owned())]));
    assert_eq!(RowHasher::new(&schema).unwrap().seed(), RowHasher::new(&named).unwrap().seed());
}

#[test]
fn values_of_one_length_are_values() {
    let items = Arc::new(Field::new("item", DataType::Int64, true));
    let pairs = FixedSizeListArray::new(items, 2, numbers(&[9, 9, 1, 2, 3, 4]), None).slice(1, 2);
    let lists = lists(vec![Some(vec![Some(1), Some(2)]), Some(vec![Some(3), Some(4)])]);
    assert_eq!(digest(&batch(vec![("a", Arc::new(pairs))])), digest(&batch(vec![("a", lists)])));
    let equal = FixedSizeBinaryArray::try_from_iter([b"--", b"ab", b"cd"].iter()).unwrap().slice(1, 2);
    let bytes = BinaryArray::from(vec![&b"ab"[..], b"cd"]);
    assert_eq!(digest(&batch(vec![("a", Arc::new(equal))])), digest(&batch(vec![("a", Arc::new(bytes))])));
}

#[test]
fn a_dictionary_without_values_is_null() {
    let nothing: DictionaryArray<Int32Type> = [None::<&str>, None].into_iter().collect();
    assert!(nothing.values().is_empty());
    let nothing = batch(vec![("a", Arc::new(nothing))]);
    assert_eq!(digest(&nothing), digest(&batch(vec![("a", texts(&[None, None]))])));
}

#[test]
fn types_that_no_table_has_are_refused() {
    let item = |data_type| Arc::new(Field::new("item", data_type, true));
    let refused = [
        DataType::UInt8,
        DataType::Float16,
        DataType::Date64,
        DataType::Time32(TimeUnit::Second),
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        DataType::Duration(TimeUnit::Microsecond),
        DataType::Interval(IntervalUnit::DayTime),
        DataType::Decimal128(10, -2),
        DataType::Decimal256(38, 2),
        DataType::List(item(DataType::UInt64)),
        DataType::Struct(vec![Field::new("x", DataType::Date64, true)].into()),
        DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::UInt8)),
        DataType::Map(item(DataType::Int64), false),
    ];
    for data_type in refused {
        let schema = Schema::new(vec![Field::new("a", data_type.clone(), true)]);
        let error = RowHasher::new(&schema).unwrap_err();
        let text = data_type.to_string();
        assert_eq!(error, RowsError::UnsupportedType { column: "a".into(), data_type: text });
    }
}

#[test]
fn batches_with_other_columns_are_refused() {
    let expected = batch(vec![("a", numbers(&[1])), ("b", texts(&[Some("x")]))]);
    let mut hasher = RowHasher::new(&expected.schema()).unwrap();
    let mut error = |columns: Vec<(&str, ArrayRef)>| hasher.digest(&batch(columns)).unwrap_err().to_string();
    let a = || numbers(&[1]);
    assert_eq!(error(vec![("a", a())]), "a batch has 1 columns instead of 2 columns");
    assert_eq!(
        error(vec![("a", a()), ("B", texts(&[None]))]),
        "a batch has the column `B` of type string instead of the column `b` of type string"
    );
    assert_eq!(
        error(vec![("a", a()), ("b", a())]),
        "a batch has the column `b` of type long instead of the column `b` of type string"
    );
    let unsigned: ArrayRef = Arc::new(UInt8Array::from(vec![1]));
    assert!(error(vec![("a", unsigned), ("b", texts(&[None]))]).contains("UInt8"));
    assert!(hasher.digest(&expected).is_ok(), "a refusal leaves nothing behind");
}
