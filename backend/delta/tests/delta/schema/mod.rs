//! What a table accepts, and how it says no.

mod mode;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use delta::{DeltaError, SchemaMode, TableTarget, WriteOptions};

use crate::fixtures::{Lake, append, crowd, open, overwrite, people, read, try_write, write};

fn schema(fields: Vec<(&str, DataType, bool)>) -> SchemaRef {
    let fields = fields.into_iter().map(|(name, data_type, nullable)| Field::new(name, data_type, nullable));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

async fn refusal(lake: &Lake, schema: SchemaRef, options: WriteOptions) -> String {
    TableTarget::prepare(&lake.at("t"), schema, options).await.unwrap_err().to_string()
}

#[tokio::test]
async fn every_difference_is_listed_with_what_to_do() {
    let lake = Lake::new();
    let all = schema(vec![
        ("id", DataType::Int64, false),
        ("name", DataType::Utf8, true),
        ("size", DataType::Int32, true),
        ("gone", DataType::Float64, false),
        ("tags", DataType::new_list(DataType::Utf8, true), true),
    ]);
    write(&lake.at("t"), &[RecordBatch::new_empty(all)], overwrite()).await;
    let given = schema(vec![
        ("id", DataType::Utf8View, true),
        ("Name", DataType::Utf8, true),
        ("size", DataType::Int32, true),
        ("tags", DataType::new_list(DataType::Int64, true), true),
        ("new", DataType::Boolean, true),
    ]);
    let expected = "\
the data does not fit table `t`:
  - column `id` is long in the table and string in the data: cast it with `CAST(id AS BIGINT)`
  - column `name` (string) is missing: add it to the output, if need be as `CAST(NULL AS VARCHAR)`
  - column `gone` (double NOT NULL) is missing: add it to the output
  - column `tags` is array<string> in the table and array<long> in the data: cast it
  - column `Name` (string) is not in the table, which has `name`: rename it
  - column `new` (boolean) is not in the table: drop it, or let the write add it (schema mode `additive`)";
    assert_eq!(refusal(&lake, Arc::clone(&given), append()).await, expected);
    assert_eq!(refusal(&lake, given, overwrite()).await, expected);
}

#[tokio::test]
async fn nullability_is_refused_only_when_strict() {
    let lake = Lake::new();
    write(&lake.at("t"), &[people(&[(1, "a")])], overwrite()).await;
    let nullable = schema(vec![("id", DataType::Int64, true), ("name", DataType::Utf8, false)]);
    let strict = WriteOptions { strict_nullability: true, ..append() };
    let message = refusal(&lake, Arc::clone(&nullable), strict).await;
    assert!(
        message.contains("column `id` is NOT NULL in the table and may be NULL in the data"),
        "{message}"
    );
    assert!(TableTarget::prepare(&lake.at("t"), nullable, append()).await.is_ok());
}

#[tokio::test]
async fn encodings_orders_and_nested_nullability_are_not_differences() {
    let lake = Lake::new();
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1)])]);
    let fields =
        vec![Field::new("l", lists.data_type().clone(), true), Field::new("s", DataType::Utf8, true)];
    let columns: Vec<Arc<dyn Array>> = vec![Arc::new(lists), Arc::new(StringArray::from(vec!["x"]))];
    let data = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    write(&lake.at("t"), &[data], overwrite()).await;
    let given = schema(vec![
        ("s", DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::LargeUtf8)), true),
        ("l", DataType::LargeList(Arc::new(Field::new("x", DataType::UInt32, false))), true),
    ]);
    TableTarget::prepare(&lake.at("t"), given, append()).await.unwrap();
}

#[tokio::test]
async fn types_delta_cannot_store_name_the_column_and_the_way_out() {
    let lake = Lake::new();
    let inner = Field::new("when", DataType::Time64(TimeUnit::Nanosecond), true);
    let cases = [
        (DataType::Null, "CAST(NULL AS ...)"),
        (DataType::Struct(vec![inner].into()), "column `c.when`"),
        (DataType::Duration(TimeUnit::Second), "microseconds"),
        (DataType::Decimal256(50, 2), "38 digits"),
        (DataType::Decimal128(5, -2), "negative scale"),
    ];
    for (data_type, advice) in cases {
        let message = refusal(&lake, schema(vec![("c", data_type.clone(), true)]), overwrite()).await;
        assert!(message.contains(advice), "{data_type}: {message}");
    }
    let twice = schema(vec![("a", DataType::Int64, true), ("A", DataType::Int64, true)]);
    assert!(refusal(&lake, twice, overwrite()).await.contains("ignores case"));
    assert!(refusal(&lake, Arc::new(Schema::empty()), overwrite()).await.contains("no columns"));
    assert!(!lake.path("t").exists(), "a refused table leaves nothing behind");
}

#[tokio::test]
async fn an_overwrite_may_change_the_schema_only_when_told() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[people(&[(1, "a")])], overwrite()).await;
    let before = open(&location).await;
    let other = schema(vec![("id", DataType::Utf8, true), ("part", DataType::Int32, true)]);
    let columns: Vec<Arc<dyn Array>> =
        vec![Arc::new(StringArray::from(vec!["x"])), Arc::new(arrow::array::Int32Array::from(vec![5]))];
    let data = RecordBatch::try_new(other, columns).unwrap();
    let allowed =
        WriteOptions { schema_mode: SchemaMode::Replace, partition_by: vec!["part".into()], ..overwrite() };
    let error = try_write(&location, std::slice::from_ref(&data), overwrite()).await.unwrap_err();
    assert!(matches!(error, DeltaError::SchemaMismatch { mismatches, .. } if mismatches.len() == 3));
    let append_too = WriteOptions { schema_mode: SchemaMode::Replace, ..append() };
    assert!(try_write(&location, std::slice::from_ref(&data), append_too).await.is_err());

    let committed = write(&location, &[data], allowed).await;
    assert_eq!((committed.version, committed.files_removed), (1, 1));
    let after = open(&location).await;
    assert_eq!(after.table_id(), before.table_id());
    assert_eq!(after.partition_columns(), ["part"]);
    let rows = read(&location, "select id, part from t").await;
    assert!(rows.contains("| x  | 5    |"), "{rows}");
    // The old version still reads with its own schema.
    assert_eq!(delta::resolve(&location, Some(0)).await.unwrap().schema().field(1).name(), "name");
}

#[tokio::test]
async fn an_unchanged_schema_writes_no_metadata() {
    let lake = Lake::new();
    let location = lake.at("t");
    let options = WriteOptions { schema_mode: SchemaMode::Replace, ..overwrite() };
    write(&location, &[people(&[(1, "a")])], options.clone()).await;
    write(&location, &[people(&[(2, "b")])], options).await;
    let commit = std::fs::read_to_string(crate::fixtures::commit_file(&lake, "t", 1)).unwrap();
    assert!(!commit.contains("metaData"), "{commit}");
}

#[tokio::test]
async fn constraints_and_invariants_hold_for_every_row() {
    let lake = Lake::new();
    let location = lake.at("t");
    let properties = BTreeMap::from([("delta.constraints.positive".to_owned(), "id > 0".to_owned())]);
    let options = WriteOptions { properties, ..overwrite() };
    write(&location, &[people(&[(1, "a")])], options).await;
    assert_eq!(open(&location).await.protocol().writer_features, ["checkConstraints"]);

    let error = try_write(&location, &[crowd(1, 3), crowd(-1, 3)], append()).await.unwrap_err();
    let message = "2 row(s) for table `t` violate `positive` (id > 0)";
    assert_eq!(error.to_string(), message);
    assert_eq!(open(&location).await.version(), 0);
    assert_eq!(crate::fixtures::data_files(&lake.path("t")).len(), 1);
    assert_eq!(write(&location, &[crowd(5, 3)], append()).await.version, 1);
}

#[tokio::test]
async fn a_condition_that_is_null_is_violated() {
    let lake = Lake::new();
    let location = lake.at("t");
    let properties = BTreeMap::from([("delta.constraints.named".to_owned(), "length(name) > 0".to_owned())]);
    let nullable = schema(vec![("name", DataType::Utf8, true)]);
    let columns: Vec<Arc<dyn Array>> = vec![Arc::new(StringArray::from(vec![Some("a"), None]))];
    let data = RecordBatch::try_new(nullable, columns).unwrap();
    let error = try_write(&location, &[data], WriteOptions { properties, ..overwrite() }).await.unwrap_err();
    assert!(matches!(error, DeltaError::ConstraintViolation { rows: 1, .. }), "{error}");
    assert!(!lake.path("t/_delta_log").exists());
}

#[tokio::test]
async fn constraints_that_cannot_be_evaluated_stop_the_write() {
    let lake = Lake::new();
    for sql in ["no_such_column > 0", "id +", "id + 1", "spark_only(id)"] {
        let properties = BTreeMap::from([("delta.constraints.c".to_owned(), sql.to_owned())]);
        let options = WriteOptions { properties, ..overwrite() };
        let error =
            TableTarget::prepare(&lake.at("t"), crate::fixtures::people_schema(), options).await.unwrap_err();
        assert!(matches!(error, DeltaError::UnusableConstraint { .. }), "{sql}: {error}");
    }
}

#[tokio::test]
async fn nulls_do_not_enter_not_null_columns() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[people(&[(1, "a")])], overwrite()).await;
    let nullable = schema(vec![("id", DataType::Int64, true), ("name", DataType::Utf8, true)]);
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(Int64Array::from(vec![Some(2), None, None])),
        Arc::new(StringArray::from(vec!["b", "c", "d"])),
    ];
    let data = RecordBatch::try_new(nullable, columns).unwrap();
    let error = try_write(&location, &[data], append()).await.unwrap_err();
    assert_eq!(error.to_string(), "2 row(s) for table `t` violate `id` (NOT NULL)");
}

#[tokio::test]
async fn partitioning_is_checked() {
    let lake = Lake::new();
    let by = |columns: &[&str]| WriteOptions {
        partition_by: columns.iter().map(|column| (*column).to_owned()).collect(),
        ..overwrite()
    };
    let people = crate::fixtures::people_schema;
    assert!(refusal(&lake, people(), by(&["nope"])).await.contains("no column `nope`"));
    assert!(refusal(&lake, people(), by(&["id", "id"])).await.contains("given twice"));
    assert!(refusal(&lake, people(), by(&["id", "name"])).await.contains("at least one"));
    let list =
        schema(vec![("l", DataType::new_list(DataType::Int64, true), true), ("x", DataType::Int64, true)]);
    assert!(refusal(&lake, list, by(&["l"])).await.contains("cannot name a partition"));
    write(&lake.at("t"), &[crate::fixtures::people(&[(1, "a")])], by(&["name"])).await;
    let message = refusal(&lake, people(), by(&["id"])).await;
    assert!(message.contains("partitioned by (name), not by (id)"), "{message}");
}

#[tokio::test]
async fn properties_whose_meaning_would_be_lost_are_refused() {
    let lake = Lake::new();
    let with = |key: &str| WriteOptions {
        properties: BTreeMap::from([(key.to_owned(), "true".to_owned())]),
        ..overwrite()
    };
    for key in ["delta.enableRowTracking", "delta.columnMapping.mode", "delta.enableDeletionVectors"] {
        let message = refusal(&lake, crate::fixtures::people_schema(), with(key)).await;
        assert!(message.contains(key), "{message}");
    }
    let location = lake.at("t");
    write(&location, &[people(&[(1, "a")])], with("my.own")).await;
    assert_eq!(open(&location).await.properties()["my.own"], "true");
}

#[tokio::test]
async fn an_append_only_table_cannot_be_overwritten() {
    let lake = Lake::new();
    let properties = BTreeMap::from([("delta.appendOnly".to_owned(), "true".to_owned())]);
    let location = lake.at("t");
    write(&location, &[people(&[(1, "a")])], WriteOptions { properties, ..append() }).await;
    write(&location, &[people(&[(2, "b")])], append()).await;
    let message = refusal(&lake, crate::fixtures::people_schema(), overwrite()).await;
    assert!(message.contains("append-only"), "{message}");
}
