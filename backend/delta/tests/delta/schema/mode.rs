//! What writes do to the columns of a table that exists: conversions that lose nothing, columns that are added, tables that
//! are replaced.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Date32Array, Decimal128Array, Float32Array, Int8Array, Int16Array, Int32Array,
    Int64Array, ListArray, RecordBatch, StringArray, UInt32Array,
};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use delta::{DeltaError, SchemaMismatch, SchemaMode, TableBase, TableTarget, WriteMode, WriteOptions};

use crate::fixtures::{
    Lake, append, commit_file, number, open, overwrite, people, people_schema, read, try_write, write,
};

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

fn additive(options: WriteOptions) -> WriteOptions {
    WriteOptions { schema_mode: SchemaMode::Additive, ..options }
}

fn replace() -> WriteOptions {
    WriteOptions { schema_mode: SchemaMode::Replace, ..overwrite() }
}

fn decimals(values: Vec<i128>, precision: u8, scale: i8) -> ArrayRef {
    Arc::new(Decimal128Array::from(values).with_precision_and_scale(precision, scale).unwrap())
}

#[tokio::test]
async fn values_the_table_holds_exactly_are_converted_on_append_and_overwrite() {
    let lists = |of: ArrayRef| -> ArrayRef {
        match of.data_type() {
            DataType::Int32 => {
                Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(i32::MIN)])]))
            }
            _ => Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1)])])),
        }
    };
    let int = |value: i32| -> ArrayRef { Arc::new(Int32Array::from(vec![value])) };
    let long = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
    // (in the table, what is written, what is read)
    let cases: Vec<(ArrayRef, ArrayRef, &str)> = vec![
        (long(1), int(i32::MIN), "-2147483648"),
        (long(1), Arc::new(UInt32Array::from(vec![u32::MAX])), "4294967295"),
        (int(1), Arc::new(Int16Array::from(vec![i16::MIN])), "-32768"),
        (Arc::new(Int16Array::from(vec![1])), Arc::new(Int8Array::from(vec![-128])), "-128"),
        (
            Arc::new(arrow::array::Float64Array::from(vec![1.0])),
            Arc::new(Float32Array::from(vec![0.5])),
            "0.5",
        ),
        (Arc::new(arrow::array::Float64Array::from(vec![1.0])), int(i32::MAX), "2147483647.0"),
        (decimals(vec![1], 20, 0), long(i64::MIN), "-9223372036854775808"),
        (decimals(vec![1], 20, 4), decimals(vec![12345], 10, 2), "123.4500"),
        (
            Arc::new(arrow::array::TimestampMicrosecondArray::from(vec![0])),
            Arc::new(Date32Array::from(vec![-1])),
            "1969-12-31T00:00:00",
        ),
        (lists(long(1)), lists(int(1)), "[-2147483648]"),
    ];
    for (index, (table, written, expected)) in cases.into_iter().enumerate() {
        for options in [append(), overwrite()] {
            let lake = Lake::new();
            let location = lake.at("t");
            write(
                &location,
                &[batch(vec![("n", Arc::new(Int8Array::from(vec![0]))), ("x", Arc::clone(&table))])],
                overwrite(),
            )
            .await;
            let before = open(&location).await.schema().field(1).data_type().clone();
            // Columns are found by name, whatever their order is.
            let given = batch(vec![("x", Arc::clone(&written)), ("n", Arc::new(Int8Array::from(vec![1])))]);
            write(&location, &[given], options).await;
            let rows = read(&location, "select x from t where n = 1").await;
            assert!(rows.contains(&format!("| {expected} ")), "case {index}: {rows}");
            assert_eq!(open(&location).await.schema().field(1).data_type(), &before);
            let commit = std::fs::read_to_string(commit_file(&lake, "t", 1)).unwrap();
            assert!(!commit.contains("metaData"), "the table stays as it is: {commit}");
        }
    }
}

#[tokio::test]
async fn a_conversion_that_could_lose_something_is_refused_with_the_cast_to_write() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[batch(vec![("Line No", Arc::new(Int32Array::from(vec![1])))])], overwrite()).await;
    let given = batch(vec![("Line No", Arc::new(Int64Array::from(vec![1])))]);
    for options in [append(), overwrite(), additive(append())] {
        let error = try_write(&location, std::slice::from_ref(&given), options).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("column `Line No` is integer in the table and long in the data"), "{text}");
        assert!(text.contains("`CAST(\"Line No\" AS INT)`"), "{text}");
    }
    // Replacing does not convert: the table gets the type of the rows.
    write(&location, &[given], replace()).await;
    assert_eq!(open(&location).await.schema().field(0).data_type(), &DataType::Int64);
}

#[tokio::test]
async fn columns_are_added_to_the_end_and_are_null_in_older_rows() {
    for options in [append(), overwrite()] {
        let lake = Lake::new();
        let location = lake.at("t");
        let by_name = WriteOptions { partition_by: vec!["name".into()], ..overwrite() };
        write(&location, &[people(&[(1, "a")])], by_name).await;
        let before = open(&location).await;
        let wider = batch(vec![
            ("tag", Arc::new(StringArray::from(vec!["new"])) as ArrayRef),
            ("id", Arc::new(Int32Array::from(vec![2]))),
            ("name", Arc::new(StringArray::from(vec!["b"]))),
        ]);
        let strict = try_write(&location, std::slice::from_ref(&wider), options.clone()).await.unwrap_err();
        assert!(strict.to_string().contains("schema mode `additive`"), "{strict}");
        write(&location, &[wider], additive(options.clone())).await;
        let after = open(&location).await;
        let names: Vec<_> = after.schema().fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["id", "name", "tag"]);
        assert!(after.schema().field(2).is_nullable());
        assert_eq!(
            (after.table_id(), after.partition_columns()),
            (before.table_id(), before.partition_columns())
        );
        assert_eq!(
            number(&location, "select count(*) from t where id = 2 and tag = 'new' and name = 'b'").await,
            1
        );
        let older = number(&location, "select count(*) from t where id = 1 and tag is null").await;
        assert_eq!(older, i64::from(options.mode == WriteMode::Append));
        // The same rows again: nothing is left to add.
        let wider = batch(vec![
            ("id", Arc::new(Int64Array::from(vec![3])) as ArrayRef),
            ("name", Arc::new(StringArray::from(vec!["c"]))),
            ("tag", Arc::new(StringArray::from(vec!["newer"]))),
        ]);
        write(&location, &[wider], additive(options)).await;
        let commit = std::fs::read_to_string(commit_file(&lake, "t", 2)).unwrap();
        assert!(!commit.contains("metaData"), "{commit}");
    }
}

#[tokio::test]
async fn adding_columns_neither_drops_nor_renames_nor_narrows_any() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[people(&[(1, "a")])], overwrite()).await;
    let given = batch(vec![
        ("ID", Arc::new(Int64Array::from(vec![2])) as ArrayRef),
        ("name", Arc::new(Int64Array::from(vec![2]))),
        ("extra", Arc::new(Int64Array::from(vec![2]))),
    ]);
    let Err(DeltaError::SchemaMismatch { mismatches, .. }) =
        try_write(&location, &[given], additive(append())).await
    else {
        panic!("it was written");
    };
    let about: Vec<&str> = mismatches.iter().map(SchemaMismatch::column).collect();
    assert_eq!(about, ["id", "name", "ID"]);
    assert_eq!(open(&location).await.version(), 0);
}

#[tokio::test]
async fn an_appended_column_keeps_the_order_and_the_constraints_the_table_declares() {
    let lake = Lake::new();
    let location = lake.at("t");
    let properties = BTreeMap::from([("delta.constraints.positive".to_owned(), "id > 0".to_owned())]);
    let sort_by = vec![delta::SortColumn { column: "id".into(), descending: false }];
    let sorted = WriteOptions { properties, sort_by: sort_by.clone(), ..overwrite() };
    write(&location, &[people(&[(1, "a"), (2, "b")])], sorted).await;
    let wider = |id: i64| {
        batch(vec![
            ("id", Arc::new(Int64Array::from(vec![id])) as ArrayRef),
            ("name", Arc::new(StringArray::from(vec!["c"]))),
            ("tag", Arc::new(StringArray::from(vec!["x"]))),
        ])
    };
    let violating = try_write(&location, &[wider(-1)], additive(append())).await.unwrap_err();
    assert!(matches!(violating, DeltaError::ConstraintViolation { .. }), "{violating}");
    write(&location, &[wider(3)], additive(WriteOptions { sort_by, ..append() })).await;
    let table = open(&location).await;
    assert_eq!(table.sort_columns().len(), 1);
    assert_eq!(table.properties()["delta.constraints.positive"], "id > 0");
    // Rows without an order are appended too; the table still says what it was created with.
    write(
        &location,
        &[batch(vec![
            ("id", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
            ("name", Arc::new(StringArray::from(vec!["c"]))),
            ("tag", Arc::new(StringArray::from(vec!["x"]))),
            ("more", Arc::new(StringArray::from(vec!["x"]))),
        ])],
        additive(append()),
    )
    .await;
    assert!(open(&location).await.properties().contains_key("codeanatomy.sort_by"));
}

#[tokio::test]
async fn a_replaced_table_is_exactly_what_was_written() {
    let lake = Lake::new();
    let location = lake.at("t");
    let by_name = WriteOptions { partition_by: vec!["name".into()], ..overwrite() };
    write(&location, &[people(&[(1, "a"), (2, "b")])], by_name).await;
    let id = open(&location).await.table_id().to_owned();
    let other = batch(vec![
        ("kind", Arc::new(StringArray::from(vec!["k"])) as ArrayRef),
        ("id", Arc::new(Int32Array::from(vec![7]))),
    ]);
    write(&location, std::slice::from_ref(&other), replace()).await;
    let table = open(&location).await;
    assert_eq!(table.table_id(), id);
    assert!(table.partition_columns().is_empty(), "no partitioning was asked for");
    assert_eq!(table.schema().field(1).data_type(), &DataType::Int32);
    assert_eq!(number(&location, "select id from t").await, 7);
    let partitioned = WriteOptions { partition_by: vec!["kind".into()], ..replace() };
    write(&location, &[other], partitioned).await;
    assert_eq!(open(&location).await.partition_columns(), ["kind"]);
    assert_eq!(number(&location, "select id from t where kind = 'k'").await, 7);
}

#[tokio::test]
async fn a_constraint_on_a_column_that_a_replacement_drops_stops_it() {
    let lake = Lake::new();
    let location = lake.at("t");
    let properties = BTreeMap::from([("delta.constraints.positive".to_owned(), "id > 0".to_owned())]);
    write(&location, &[people(&[(1, "a")])], WriteOptions { properties, ..overwrite() }).await;
    let other = batch(vec![("name", Arc::new(StringArray::from(vec!["k"])) as ArrayRef)]);
    let error = try_write(&location, &[other], replace()).await.unwrap_err();
    assert!(matches!(error, DeltaError::UnusableConstraint { .. }), "{error}");
}

#[tokio::test]
async fn every_reason_to_refuse_is_found_at_once() {
    let lake = Lake::new();
    let properties = BTreeMap::from([("delta.appendOnly".to_owned(), "true".to_owned())]);
    let created = WriteOptions { properties, ..overwrite() };
    write(&lake.at("t"), &[people(&[(1, "a")])], created).await;
    let base = TableBase::open(&lake.at("t")).await.unwrap();
    let given = batch(vec![
        ("id", Arc::new(StringArray::from(vec!["k"])) as ArrayRef),
        ("b", Arc::new(Int8Array::from(vec![1]))),
    ]);
    let options = WriteOptions { partition_by: vec!["b".into()], ..overwrite() };
    let refused = TableTarget::on(&base, &given.schema(), options).unwrap_err();
    assert!(
        matches!(
            refused.as_slice(),
            [
                DeltaError::UnsupportedProperty { .. },
                DeltaError::Repartitioned { .. },
                DeltaError::SchemaMismatch { .. },
                DeltaError::InvalidPartitioning { .. },
            ]
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_write_is_based_on_the_table_as_it_was_opened() {
    let lake = Lake::new();
    let location = lake.at("t");
    let created = TableBase::open(&location).await.unwrap();
    assert!(created.table().is_none());
    write(&location, &[people(&[(1, "a")])], overwrite()).await;
    let base = TableBase::open(&location).await.unwrap();
    write(&location, &[people(&[(2, "b")])], append()).await;
    let on = |base: &TableBase, options| TableTarget::on(base, &people_schema(), options).unwrap();
    for (base, options) in [(&created, overwrite()), (&created, append()), (&base, overwrite())] {
        let error = on(base, options).commit(Vec::new(), &Default::default()).await.unwrap_err();
        assert!(matches!(error, DeltaError::ConcurrentChange { .. }), "{error}");
    }
    // An append goes after other appends.
    let version = on(&base, append()).commit(Vec::new(), &Default::default()).await.unwrap().version;
    assert_eq!(version, 2);
    assert_eq!(number(&location, "select count(*) from t").await, 2);
}

#[tokio::test]
async fn no_table_is_made_where_something_else_is() {
    let lake = Lake::new();
    write(&lake.at("lake/t"), &[people(&[(1, "a")])], overwrite()).await;
    std::fs::write(lake.path("file"), "text").unwrap();
    std::fs::create_dir(lake.path("empty")).unwrap();
    let cases = [
        ("file", "a file is where"),
        ("file/t", "a file is where"),
        ("lake/t/inside", "inside the table"),
        ("lake/t/_delta_log", "name of a table's log"),
        ("lake", "is inside it"),
    ];
    for (place, reason) in cases {
        let error = TableBase::open(&lake.at(place)).await.unwrap_err();
        assert!(matches!(&error, DeltaError::InvalidLocation { .. }), "{place}: {error}");
        assert!(error.to_string().contains(reason), "{place}: {error}");
    }
    for place in ["empty", "lake/u", "not/there"] {
        TableBase::open(&lake.at(place)).await.unwrap();
    }
    assert!(!lake.path("not").exists());
}
