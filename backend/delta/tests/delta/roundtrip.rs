//! What is written comes back: every type Delta has, nested ones included.

use std::sync::Arc;

use arrow::array::builder::Int64Builder;
use arrow::array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array,
    DictionaryArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    LargeStringArray, ListArray, MapBuilder, RecordBatch, StringArray, StringBuilder, StringViewArray,
    StructArray, TimestampMicrosecondArray, TimestampNanosecondArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Int32Type, Schema, TimeUnit};
use delta::{Compression, SortColumn, WriteOptions};
use serde_json::Value;

use crate::fixtures::{Lake, open, overwrite, query, read, scan, session, write};

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<_> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

#[tokio::test]
async fn scalar_types() {
    let lake = Lake::new();
    let utc = "UTC";
    let data = batch(vec![
        ("b", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("i8", Arc::new(Int8Array::from(vec![Some(i8::MIN), None]))),
        ("i16", Arc::new(Int16Array::from(vec![Some(i16::MIN), None]))),
        ("i32", Arc::new(Int32Array::from(vec![Some(i32::MIN), None]))),
        ("i64", Arc::new(Int64Array::from(vec![Some(i64::MIN), None]))),
        ("f32", Arc::new(Float32Array::from(vec![Some(1.5), None]))),
        ("f64", Arc::new(Float64Array::from(vec![Some(-0.25), None]))),
        ("s", Arc::new(StringArray::from(vec![Some("é\n\"x"), None]))),
        ("bin", Arc::new(BinaryArray::from(vec![Some(&[0u8, 255][..]), None]))),
        ("d", Arc::new(Date32Array::from(vec![Some(-1), None]))),
        ("ts", Arc::new(TimestampMicrosecondArray::from(vec![Some(-1), None]).with_timezone(utc))),
        ("ntz", Arc::new(TimestampMicrosecondArray::from(vec![Some(1_000_001), None]))),
        (
            "dec",
            Arc::new(
                Decimal128Array::from(vec![Some(-12_345), None]).with_precision_and_scale(38, 3).unwrap(),
            ),
        ),
    ]);
    let location = lake.at("t");
    write(&location, std::slice::from_ref(&data), overwrite()).await;

    let table = open(&location).await;
    let types: Vec<_> = table.schema().fields().iter().map(|field| field.data_type().to_string()).collect();
    assert_eq!(
        types,
        [
            "Boolean",
            "Int8",
            "Int16",
            "Int32",
            "Int64",
            "Float32",
            "Float64",
            "Utf8View",
            "BinaryView",
            "Date32",
            "Timestamp(µs, \"UTC\")",
            "Timestamp(µs)",
            "Decimal128(38, 3)"
        ]
    );
    let rows = read(&location, "select * from t order by i64 nulls last").await;
    let row = rows.lines().nth(3).unwrap();
    for value in [
        "true",
        "-128",
        "-32768",
        "-2147483648",
        "-9223372036854775808",
        "1.5",
        "-0.25",
        "é\\n\"x",
        "00ff",
        "1969-12-31",
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:01.000001",
        "-12.345",
    ] {
        assert!(row.contains(value) || value.contains('é') && rows.contains("é"), "{value} not in\n{rows}");
    }
    let nulls = read(&location, "select count(*) from t where coalesce(b, i8 > 0, s = '', ts is not null and false) is null or s is null").await;
    assert!(nulls.contains("| 1 "), "{nulls}");
}

#[tokio::test]
async fn every_encoding_of_a_string_is_a_string() {
    let lake = Lake::new();
    let dictionary: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
    let data = batch(vec![
        ("utf8", Arc::new(StringArray::from(vec![Some("a"), None, Some("c")]))),
        ("large", Arc::new(LargeStringArray::from(vec![Some("a"), None, Some("c")]))),
        ("view", Arc::new(StringViewArray::from(vec![Some("longer than twelve bytes"), None, Some("c")]))),
        ("dict", Arc::new(dictionary)),
    ]);
    let location = lake.at("t");
    write(&location, std::slice::from_ref(&data), overwrite()).await;
    let rows = read(&location, "select * from t order by utf8").await;
    let expected = "\
+------+-------+--------------------------+------+
| utf8 | large | view                     | dict |
+------+-------+--------------------------+------+
| a    | a     | longer than twelve bytes | a    |
| c    | c     | c                        | a    |
|      |       |                          |      |
+------+-------+--------------------------+------+";
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn unsigned_integers_and_other_precisions_get_the_next_signed_type() {
    let lake = Lake::new();
    let data = batch(vec![
        ("u8", Arc::new(UInt8Array::from(vec![u8::MAX]))),
        ("u16", Arc::new(UInt16Array::from(vec![u16::MAX]))),
        ("u32", Arc::new(UInt32Array::from(vec![u32::MAX]))),
        ("u64", Arc::new(UInt64Array::from(vec![u64::MAX]))),
        ("ns", Arc::new(TimestampNanosecondArray::from(vec![1_234_567_891]).with_timezone("+02:00"))),
    ]);
    let location = lake.at("t");
    write(&location, std::slice::from_ref(&data), overwrite()).await;
    let rows = read(&location, "select *, arrow_typeof(u8) a, arrow_typeof(u64) d from t").await;
    for value in [
        "255",
        "65535",
        "4294967295",
        "18446744073709551615",
        "1970-01-01T00:00:01.234567Z",
        "Int16",
        "Decimal128(20, 0)",
    ] {
        assert!(rows.contains(value), "{value} not in\n{rows}");
    }
}

#[tokio::test]
async fn nested_types() {
    let lake = Lake::new();
    let fields =
        vec![Field::new("start", DataType::Int64, false), Field::new("label", DataType::Utf8View, true)];
    let structs = StructArray::new(
        fields.clone().into(),
        vec![
            Arc::new(Int64Array::from(vec![1, 2, 3])),
            Arc::new(StringViewArray::from(vec![Some("a"), None, Some("a label of many bytes")])),
        ],
        None,
    );
    let item = Arc::new(Field::new("item", structs.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([2, 0, 1]);
    let nulls = vec![true, false, true].into();
    let lists = ListArray::new(item, offsets, Arc::new(structs), Some(nulls));
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    map.keys().append_value("k");
    map.values().append_value(7);
    map.append(true).unwrap();
    map.append(true).unwrap();
    map.append(false).unwrap();
    let data = batch(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("spans", Arc::new(lists)),
        ("props", Arc::new(map.finish())),
    ]);
    let location = lake.at("t");
    write(&location, std::slice::from_ref(&data), overwrite()).await;
    let rows = read(&location, "select * from t order by id").await;
    let expected = "\
+----+-----------------------------------------------+--------+
| id | spans                                         | props  |
+----+-----------------------------------------------+--------+
| 1  | [{start: 1, label: a}, {start: 2, label: }]   | {k: 7} |
| 2  |                                               | {}     |
| 3  | [{start: 3, label: a label of many bytes}]    |        |
+----+-----------------------------------------------+--------+";
    let squeeze = |text: &str| text.replace([' ', '-'], "");
    assert_eq!(squeeze(&rows), squeeze(expected), "{rows}");
    // Written again from its own scan, with the scan's view types, it still fits.
    let table = open(&location).await;
    let context = session();
    let batches = context.read_table(scan(&table)).unwrap().collect().await.unwrap();
    let appended = write(&location, &batches, crate::fixtures::append()).await;
    assert_eq!((appended.version, appended.rows), (1, 3));
}

#[tokio::test]
async fn timestamps_keep_their_unit_and_zone() {
    let lake = Lake::new();
    let data = batch(vec![(
        "t",
        Arc::new(TimestampMicrosecondArray::from(vec![i64::from(i32::MAX) * 1_000_000_000])),
    )]);
    let location = lake.at("t");
    write(&location, std::slice::from_ref(&data), overwrite()).await;
    let table = open(&location).await;
    assert_eq!(table.schema().field(0).data_type(), &DataType::Timestamp(TimeUnit::Microsecond, None));
    assert_eq!(table.protocol().reader_features, ["timestampNtz"]);
}

#[tokio::test]
async fn every_compression_reads_back() {
    let lake = Lake::new();
    for (name, compression) in
        [("z", Compression::Zstd), ("s", Compression::Snappy), ("u", Compression::Uncompressed)]
    {
        let location = lake.at(name);
        let options = WriteOptions { compression, ..overwrite() };
        write(&location, &[crate::fixtures::crowd(0, 100)], options).await;
        let sum = query(scan(&open(&location).await), "select sum(id) s from t").await;
        assert!(sum.contains("4950"), "{sum}");
    }
}

/// Rows enough that most are encoded after the encodings were chosen, when texts are no longer copied.
#[tokio::test]
async fn views_are_written_as_the_texts_they_stand_for() {
    let lake = Lake::new();
    let text =
        |row: i64| (row % 7 > 0).then(|| format!("{}: a text, longer than a view holds", row % 50_000));
    let short = |row: i64| (row % 11 > 0).then(|| format!("é{}", row % 5));
    let batch_from = |from: i64, as_views: bool| {
        let (texts, shorts) = ((from..from + 8192).map(text), (from..from + 8192).map(short));
        let bytes = (from..from + 8192).map(|row| text(row).map(String::into_bytes));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + 8192));
        let (texts, shorts, bytes): (ArrayRef, ArrayRef, ArrayRef) = if as_views {
            let bytes = BinaryViewArray::from_iter(bytes);
            (
                Arc::new(texts.collect::<StringViewArray>()),
                Arc::new(shorts.collect::<StringViewArray>()),
                Arc::new(bytes),
            )
        } else {
            let bytes = BinaryArray::from_iter(bytes);
            (
                Arc::new(texts.collect::<StringArray>()),
                Arc::new(shorts.collect::<StringArray>()),
                Arc::new(bytes),
            )
        };
        batch(vec![("n", numbers), ("text", texts), ("short", shorts), ("bytes", bytes)])
    };
    let batches = |as_views| (0..12).map(|batch| batch_from(batch * 8192, as_views)).collect::<Vec<_>>();
    let by_text = vec![SortColumn { column: "n".into(), descending: false }];
    for (name, sort_by) in [("plain", Vec::new()), ("sorted", by_text)] {
        let written = |kind: &str, batches: Vec<RecordBatch>| {
            let table = format!("{name}_{kind}");
            let (location, log) =
                (lake.at(&table), lake.path(&table).join("_delta_log/00000000000000000000.json"));
            let sort_by = sort_by.clone();
            async move {
                let options = WriteOptions { sort_by, ..overwrite() };
                let committed = write(&location, &batches, options).await;
                let log = std::fs::read_to_string(log).unwrap();
                let actions = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
                let statistics: Vec<Value> = actions
                    .map(|action| action["add"]["stats"].clone())
                    .filter(|found| !found.is_null())
                    .collect();
                let rows = read(
                    &location,
                    "select count(*), count(text), count(distinct text), min(text), max(text), \
                    count(distinct short), min(short), sum(n * length(text)), sum(n * length(short)), max(bytes) from t",
                );
                (committed.files_added, statistics, rows.await)
            }
        };
        let (views, texts) = (written("views", batches(true)).await, written("texts", batches(false)).await);
        assert_eq!(views, texts, "{name}");
        assert!(views.1.iter().all(|found| found.to_string().contains("0: a text")), "{:?}", views.1);
    }
}
