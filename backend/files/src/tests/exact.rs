//! Values of files are never changed: a type that does not hold one is an error, with its line.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, Date64Array, Int64Array, ListArray, NullArray, StructArray,
    TimestampNanosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::writer::FileWriter;
use arrow::record_batch::RecordBatch;
use ir::op::FileFormat::{self, Arrow, Csv, Ndjson, Parquet};
use parquet::arrow::ArrowWriter;

use super::{folder, rows, source_with};

async fn read(format: FileFormat, bytes: &[u8], columns: &[&str]) -> Result<Vec<String>, String> {
    let folder = folder(&[("f", bytes)]);
    rows(folder.path(), "f", &source_with(format, &[], columns)).await
}

/// A text is the same value in both formats of texts, or an error in both.
#[tokio::test]
async fn texts_in_types() {
    for (text, data_type, wanted) in [
        ("-1", "UInt64", Err("is no UInt64")),
        ("-1", "UInt8", Err("is no UInt8")),
        ("256", "UInt8", Err("is no UInt8")),
        ("255", "UInt8", Ok("255")),
        ("4294967296", "UInt32", Err("is no UInt32")),
        ("18446744073709551615", "UInt64", Ok("18446744073709551615")),
        ("18446744073709551616", "UInt64", Err("is no UInt64")),
        ("128", "Int8", Err("is no Int8")),
        ("007", "Int64", Ok("7")),
        ("1.230", "Decimal128(5, 2)", Ok("1.23")),
        ("1.239", "Decimal128(5, 2)", Err("is no Decimal128(5, 2): it has more digits behind the point")),
        ("1234", "Decimal128(5, 2)", Err("is no Decimal128(5, 2): it has more digits before the point")),
        (
            "99999999999999999999999999999999999999",
            "Decimal128(38, 0)",
            Ok("99999999999999999999999999999999999999"),
        ),
        ("1e400", "Float64", Err("is no Float64: it is out of range")),
        ("-1e39", "Float32", Err("is no Float32: it is out of range")),
        ("1e-400", "Float64", Err("is no Float64: it is closer to zero")),
        ("9007199254740993", "Float64", Err("is no Float64: the integer has more digits")),
        ("9007199254740992", "Float64", Ok("9007199254740992.0")),
        ("inf", "Float64", Ok("inf")),
        ("2026-02-28", "Date32", Ok("2026-02-28")),
        ("2026-02-28T00:00:00", "Date32", Ok("2026-02-28")),
        ("2026-02-28T10:00:00", "Date32", Err("is no Date32: it has a time of day")),
        ("20000", "Date32", Err("is no Date32")),
        ("2026-02-28T10:00:00.123456", "Timestamp(ns)", Ok("2026-02-28T10:00:00.123456")),
        (
            "2026-02-28T10:00:00.1234567",
            "Timestamp(ns)",
            Err("is no Timestamp(µs): timestamps are microseconds"),
        ),
        ("2026-02-28T23:59:60", "Timestamp(µs)", Err("is no Timestamp(µs): there are no leap seconds")),
        ("2026-02-28T10:00:00Z", "Timestamp(µs)", Err("is no Timestamp(µs): it has a time zone")),
        ("2026-02-28T10:00:00+02:00", "Timestamp(µs, \"UTC\")", Ok("2026-02-28T08:00:00Z")),
        ("1700000000", "Timestamp(µs)", Err("is no Timestamp(µs)")),
        ("TRUE", "Boolean", Ok("true")),
        ("1", "Boolean", Err("is no Boolean")),
    ] {
        let column = format!("a {data_type}");
        let wanted = wanted.map(str::to_owned).map_err(|what| format!("`{text}` {what}"));
        let csv = read(Csv, format!("b,a\n1,\n2,{text}\n").as_bytes(), &[&column]).await;
        let json = match data_type {
            // A truth value is no text in JSON.
            "Boolean" => format!("{{\"a\":null}}\n\n{{\"a\":{}}}\n", text.to_lowercase()),
            _ => format!("{{\"a\":null}}\n\n{{\"a\":\"{text}\"}}\n"),
        };
        let ndjson = read(Ndjson, json.as_bytes(), &[&column]).await;
        match wanted {
            Ok(value) => {
                let mut both = vec!["NULL".to_owned(), value];
                both.sort();
                assert_eq!(csv.as_ref(), Ok(&both), "{text} {data_type}");
                assert_eq!(ndjson.as_ref(), Ok(&both), "{text} {data_type}");
            }
            Err(reason) => {
                let found = csv.unwrap_err();
                assert!(found.starts_with(&format!("`f`, line 3: column `a`: {reason}")), "{found}");
                let found = ndjson.unwrap_err();
                let is_told = data_type == "Boolean" || found.contains(&reason);
                assert!(is_told && found.starts_with("`f`, line 3: "), "{found}");
            }
        }
    }
}

/// Numbers keep their digits on the way, also inside of lists and objects, and are no dates.
#[tokio::test]
async fn values_of_json() {
    let cases: [(&str, &str, Result<&str, &str>); 14] = [
        ("18446744073709551615", "UInt64", Ok("18446744073709551615")),
        ("-1", "UInt64", Err("column `a`: `-1` is no UInt64")),
        ("12345678901234567.89", "Decimal128(20, 2)", Ok("12345678901234567.89")),
        ("1.5e1", "Decimal128(5, 2)", Ok("15.00")),
        ("1.239", "Decimal128(5, 2)", Err("column `a`: `1.239` is no Decimal128(5, 2)")),
        ("[1, -1]", "List(UInt8)", Err("column `a`: `-1` is no UInt8")),
        ("[1, 2]", "List(UInt8)", Ok("[1, 2]")),
        (
            "{\"b\": [0.125]}",
            "Struct(\"b\": List(Decimal128(5, 2)))",
            Err("column `a`: `0.125` is no Decimal128"),
        ),
        ("{\"b\": \"2026-01-01\"}", "Struct(\"b\": Date32)", Ok("{b: 2026-01-01}")),
        ("20000", "Date32", Err("`a` is an integer, and its column is Date32")),
        ("1700000000", "Timestamp(µs)", Err("`a` is an integer, and its column is Timestamp(µs)")),
        ("1", "Utf8", Err("`a` is an integer, and its column is Utf8")),
        ("\"true\"", "Boolean", Err("`a` is a text, and its column is Boolean")),
        ("[1]", "Int64", Err("`a` is a list, and its column is Int64")),
    ];
    for (value, data_type, wanted) in cases {
        let column = format!("a {data_type}");
        let found = read(Ndjson, format!("{{\"a\":null}}\n{{\"a\":{value}}}\n").as_bytes(), &[&column]).await;
        match wanted {
            Ok(wanted) => assert_eq!(
                found,
                Ok(vec!["NULL".to_owned(), wanted.to_owned()]).map(|mut rows: Vec<String>| {
                    rows.sort();
                    rows
                }),
                "{value}"
            ),
            Err(wanted) => {
                let found = found.unwrap_err();
                assert!(found.starts_with(&format!("`f`, line 2: {wanted}")), "{found}");
            }
        }
    }
}

fn columnar(columns: Vec<(&str, ArrayRef)>) -> (Vec<u8>, Vec<u8>) {
    let fields = columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let mut parquet = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut parquet, Arc::clone(&schema), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let mut arrow = FileWriter::try_new(Vec::new(), &schema).unwrap();
    arrow.write(&batch).unwrap();
    arrow.finish().unwrap();
    (parquet, arrow.into_inner().unwrap())
}

async fn both(columns: Vec<(&str, ArrayRef)>, wanted: &[&str]) -> Result<Vec<String>, String> {
    let (parquet, arrow) = columnar(columns);
    let one = read(Parquet, &parquet, wanted).await;
    let other = read(Arrow, &arrow, wanted).await;
    assert_eq!(one, other, "the format does not matter");
    one
}

#[tokio::test]
async fn values_of_typed_files() {
    let nanoseconds = |last: i64| Arc::new(TimestampNanosecondArray::from(vec![1_000, last])) as ArrayRef;
    let more = both(vec![("t", nanoseconds(1_500))], &[]).await.unwrap_err();
    assert!(
        more.contains("column `t`: 1970-01-01T00:00:00.000001500 is more precise than Timestamp(µs)"),
        "{more}"
    );
    assert_eq!(both(vec![("t", nanoseconds(2_000))], &[]).await.unwrap().len(), 2);
    let inside = |last: i64| {
        let times = nanoseconds(last);
        let field = Arc::new(Field::new("t", times.data_type().clone(), true));
        let structs = StructArray::new(vec![field].into(), vec![times], None);
        let element = Arc::new(Field::new("element", structs.data_type().clone(), true));
        Arc::new(ListArray::new(element, OffsetBuffer::from_lengths([2]), Arc::new(structs), None))
            as ArrayRef
    };
    assert!(both(vec![("l", inside(1_500))], &[]).await.unwrap_err().contains("column `l`"));
    assert_eq!(both(vec![("l", inside(2_000))], &[]).await.unwrap().len(), 1);
    let noon: ArrayRef = Arc::new(Date64Array::from(vec![43_200_000]));
    let (_, arrow) = columnar(vec![("d", noon)]);
    assert!(read(Arrow, &arrow, &[]).await.unwrap_err().contains("is more precise than Date32"));
    let integers = |value: i64| Arc::new(Int64Array::from(vec![value])) as ArrayRef;
    for (value, data_type) in [(-1, "UInt32"), (4_294_967_296, "UInt32")] {
        let found = both(vec![("a", integers(value))], &[&format!("a {data_type}")]).await.unwrap_err();
        assert!(found.contains("column `a`") && found.contains(&value.to_string()), "{found}");
    }
    assert_eq!(both(vec![("a", integers(7))], &["a UInt32"]).await.unwrap(), ["7"]);
}

/// Writers that know no type of a column, since all of it is NULL, say so.
#[tokio::test]
async fn columns_of_nothing_but_null() {
    let nulls = || Arc::new(NullArray::new(2)) as ArrayRef;
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let columns = || vec![("k", Arc::clone(&numbers)), ("n", nulls())];
    assert_eq!(both(columns(), &[]).await.unwrap(), ["1|NULL", "2|NULL"]);
    assert_eq!(both(columns(), &["n Decimal128(5, 2)"]).await.unwrap(), ["NULL", "NULL"]);
    let element = Arc::new(Field::new("element", DataType::Null, true));
    let empty =
        ListArray::new(element, OffsetBuffer::from_lengths([0, 0]), Arc::new(NullArray::new(0)), None);
    let (_, arrow) = columnar(vec![("l", Arc::new(empty) as ArrayRef)]);
    assert_eq!(read(Arrow, &arrow, &[]).await.unwrap(), ["[]", "[]"]);
    assert_eq!(read(Arrow, &arrow, &["l List(Int64)"]).await.unwrap(), ["[]", "[]"]);
}

#[tokio::test]
async fn names_of_typed_files() {
    let numbers = || Arc::new(Int64Array::from(vec![1])) as ArrayRef;
    for (names, wanted) in
        [(["a", "a"], "`f`: it names a column `a` twice"), (["a", ""], "`f`: one of its columns has no name")]
    {
        let (parquet, arrow) = columnar(names.map(|name| (name, numbers())).into());
        assert_eq!(read(Parquet, &parquet, &[]).await.unwrap_err(), wanted);
        assert_eq!(read(Arrow, &arrow, &[]).await.unwrap_err(), wanted);
    }
}
