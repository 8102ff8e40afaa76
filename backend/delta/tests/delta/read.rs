//! Resolving tables, scanning them, and describing them.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use delta::{DeltaError, ScanOptions, WriteOptions};

use crate::fixtures::{
    Lake, append, commit_file, crowd, edit_commit, open, overwrite, people, query, read, scan, session, write,
};

#[tokio::test]
async fn pins_read_the_version_they_name() {
    let lake = Lake::new();
    let location = lake.at("t");
    for version in 0..3 {
        write(&location, &[crowd(version * 10, version + 1)], overwrite()).await;
    }
    for (pin, rows) in [(Some(0), 1), (Some(1), 2), (Some(2), 3), (None, 3)] {
        let table = delta::resolve(&location, pin).await.unwrap();
        assert_eq!(table.version(), pin.unwrap_or(2));
        assert_eq!(table.rows(), Some(rows));
        let count = query(scan(&table), "select count(*) c, min(id) m from t").await;
        assert!(count.contains(&format!("| {rows} | {} ", (rows - 1) * 10)), "{count}");
    }
    let error = delta::resolve(&location, Some(7)).await.unwrap_err();
    assert_eq!(error.to_string(), "table `t` has no version 7: versions 0 to 2 can be read");
}

#[tokio::test]
async fn a_resolved_table_does_not_move() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 2)], overwrite()).await;
    let table = open(&location).await;
    let provider = scan(&table);
    write(&location, &[crowd(0, 9)], overwrite()).await;
    let rows = query(provider, "select count(*) from t").await;
    assert!(rows.contains("| 2 "), "{rows}");
}

#[tokio::test]
async fn scans_share_the_replayed_log() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 7)], overwrite()).await;
    let table = open(&location).await;
    // Whoever would look at the log again fails from here on.
    std::fs::remove_dir_all(lake.path("t/_delta_log")).unwrap();
    for _ in 0..2 {
        let rows = query(scan(&table.clone()), "select sum(id) s from t a").await;
        assert!(rows.contains("| 21 |"), "{rows}");
    }
    assert_eq!(delta::file_manifest(&table).unwrap().num_rows(), 1);
}

#[tokio::test]
async fn what_is_not_there_is_said_plainly() {
    let lake = Lake::new();
    let error = |name: &'static str| {
        let location = lake.at(name);
        async move { delta::resolve(&location, None).await.unwrap_err() }
    };
    assert!(matches!(error("nowhere").await, DeltaError::NotFound { .. }));
    assert!(!lake.path("nowhere").exists(), "looking creates nothing");
    std::fs::create_dir(lake.path("empty")).unwrap();
    assert!(matches!(error("empty").await, DeltaError::NotATable { .. }));
    std::fs::create_dir_all(lake.path("half/_delta_log")).unwrap();
    assert!(matches!(error("half").await, DeltaError::NotATable { .. }));
    std::fs::write(lake.path("file"), "x").unwrap();
    assert!(matches!(error("file").await, DeltaError::NotATable { .. }));
}

#[tokio::test]
async fn features_we_do_not_know_are_refused_by_name() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 2)], overwrite()).await;
    let commit = commit_file(&lake, "t", 0);
    edit_commit(&commit, |line| {
        if !line.contains("\"protocol\"") {
            return line;
        }
        r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["domainMetadata","rowTracking"]}}"#.into()
    });
    // Writer features do not stop a reader.
    assert_eq!(open(&location).await.rows(), Some(2));
    let error = crate::fixtures::try_write(&location, &[crowd(0, 1)], append()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("cannot be written: it needs the table features domainMetadata, rowTracking"),
        "{error}"
    );

    edit_commit(&commit, |line| {
        if !line.contains("\"protocol\"") {
            return line;
        }
        r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["fromTheFuture"],"writerFeatures":["fromTheFuture"]}}"#.into()
    });
    let error = delta::resolve(&location, None).await.unwrap_err();
    assert!(
        matches!(&error, DeltaError::UnsupportedFeatures { features, .. } if features == &["fromTheFuture"]),
        "{error:?}"
    );
}

#[tokio::test]
async fn tables_with_generated_identity_or_mapped_columns_are_read_only() {
    let lake = Lake::new();
    let cases = [
        (r#"\"metadata\":{\"delta.generationExpression\":\"id + 1\"}"#, "generatedColumns"),
        (r#"\"metadata\":{\"delta.identity.start\":1}"#, "identityColumns"),
    ];
    for (metadata, feature) in cases {
        let location = lake.at(feature);
        write(&location, &[crowd(0, 2)], overwrite()).await;
        edit_commit(&commit_file(&lake, feature, 0), |line| {
            if line.contains("\"protocol\"") {
                return r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":6}}"#.into();
            }
            line.replacen(r#"\"metadata\":{}"#, metadata, 1)
        });
        assert_eq!(open(&location).await.rows(), Some(2));
        let error = crate::fixtures::try_write(&location, &[crowd(0, 1)], append()).await.unwrap_err();
        assert!(
            matches!(&error, DeltaError::UnsupportedFeatures { features, .. } if features == &[feature]),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_file_column_is_a_plain_string() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 3)], overwrite()).await;
    write(&location, &[crowd(3, 3)], append()).await;
    let table = open(&location).await;
    let options = ScanOptions { file_column: Some("__file".into()) };
    let schema = delta::scan_schema(&table, &options).unwrap();
    let provider = delta::provider(&table, &options).unwrap();
    assert_eq!(provider.schema(), schema);
    assert_eq!(schema.field(2).data_type(), &DataType::Utf8View);
    assert!(!schema.field(2).is_nullable());

    let sql = "select count(*) c, count(distinct __file) f, bool_and(starts_with(__file, 'file:///') and ends_with(__file, '.parquet')) ok from t";
    let rows = query(Arc::clone(&provider), sql).await;
    assert!(rows.contains("| 6 | 2 | true |"), "{rows}");
    let projected = query(Arc::clone(&provider), "select __file, id from t where id = 4").await;
    assert!(projected.contains(".parquet | 4  |"), "{projected}");
    // As a join key and in a filter.
    let joined =
        query(provider, "select count(*) c from t a join t b on a.__file = b.__file where a.__file <> ''")
            .await;
    assert!(joined.contains("| 18 |"), "{joined}");

    let taken = ScanOptions { file_column: Some("NAME".into()) };
    let error = delta::scan_schema(&table, &taken).unwrap_err();
    assert!(matches!(error, DeltaError::FileColumnTaken { .. }));
}

#[tokio::test]
async fn filters_on_partitions_and_data_give_the_right_rows() {
    let lake = Lake::new();
    let location = lake.at("t");
    let options = WriteOptions { partition_by: vec!["name".into()], ..overwrite() };
    write(&location, &[people(&[(1, "a"), (2, "b"), (3, "a"), (4, "c")])], options).await;
    let rows = read(&location, "select id from t where name = 'a' and id > 1").await;
    assert!(rows.contains("| 3  |") && rows.lines().count() == 5, "{rows}");
    let joined = read(&location, "select count(*) c from t x join t y on x.name = y.name").await;
    assert!(joined.contains("| 6 |"), "{joined}");
}

#[tokio::test]
async fn table_metadata_is_one_row() {
    let lake = Lake::new();
    let location = lake.at("t");
    let options = WriteOptions {
        partition_by: vec!["name".into()],
        properties: [("delta.enableChangeDataFeed".to_owned(), "true".to_owned())].into(),
        ..overwrite()
    };
    write(&location, &[people(&[(1, "a")])], options).await;
    let table = open(&location).await;
    let row = delta::table_metadata(&table).unwrap();
    assert_eq!(row.schema(), delta::table_metadata_schema());
    assert_eq!(row.num_rows(), 1);
    let text = |name: &str| row.column_by_name(name).unwrap().as_string::<i32>().value(0).to_owned();
    assert_eq!(text("table_uri"), location.url().as_str());
    assert_eq!(text("table_id"), table.table_id());
    assert_eq!(text("partition_columns_json"), r#"["name"]"#);
    assert_eq!(text("table_properties_json"), r#"{"delta.enableChangeDataFeed":"true"}"#);
    assert_eq!(text("reader_features_json"), "[]");
    assert_eq!(text("writer_features_json"), r#"["changeDataFeed"]"#);
    assert!(text("schema_json").contains(r#""name":"id","type":"long","nullable":false"#));
    assert_eq!(row.column_by_name("version").unwrap().as_primitive::<Int64Type>().value(0), 0);
    assert!(row.column_by_name("snapshot_timestamp").unwrap().is_valid(0));
}

#[tokio::test]
async fn the_file_manifest_agrees_with_the_directory() {
    let lake = Lake::new();
    let location = lake.at("t");
    let options = WriteOptions { partition_by: vec!["name".into()], ..overwrite() };
    write(&location, &[people(&[(1, "a"), (2, "b c"), (3, "a")])], options).await;
    let table = open(&location).await;
    let files = delta::file_manifest(&table).unwrap();
    assert_eq!(files.schema(), delta::file_manifest_schema());
    assert_eq!(files.num_rows(), 2);
    let on_disk = crate::fixtures::data_files(&lake.path("t"));
    let sizes = files.column_by_name("size").unwrap().as_primitive::<Int64Type>();
    let total: u64 = on_disk.iter().map(|path| std::fs::metadata(path).unwrap().len()).sum();
    assert_eq!(sizes.values().iter().sum::<i64>(), i64::try_from(total).unwrap());
    let rows = files.column_by_name("rows").unwrap().as_primitive::<Int64Type>();
    assert_eq!(rows.values().as_ref(), [2, 1]);
    let partitions = files.column_by_name("partition_values_json").unwrap().as_string::<i32>();
    assert_eq!((partitions.value(0), partitions.value(1)), (r#"{"name":"a"}"#, r#"{"name":"b c"}"#));
    let stats = files.column_by_name("stats").unwrap().as_string::<i32>();
    assert!(stats.value(0).contains("\"numRecords\":2"), "{}", stats.value(0));
}

#[tokio::test]
async fn rows_are_known_only_when_every_file_tells() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 3)], overwrite()).await;
    write(&location, &[crowd(3, 3)], append()).await;
    edit_commit(&commit_file(&lake, "t", 1), |line| {
        let mut action: serde_json::Value = serde_json::from_str(&line).unwrap();
        if let Some(add) = action.get_mut("add").and_then(|add| add.as_object_mut()) {
            add.remove("stats");
        }
        action.to_string()
    });
    let table = open(&location).await;
    assert_eq!((table.rows(), table.files()), (None, 2));
    let manifest = delta::file_manifest(&table).unwrap();
    assert_eq!(manifest.column_by_name("rows").unwrap().null_count(), 1);
    assert_eq!(crate::fixtures::number(&location, "select count(*) from t").await, 6);
}

/// What a scan of all columns of `t` says about its column `id` without any filter: least, greatest.
async fn known_of_ids(location: &delta::Location) -> [String; 2] {
    let context = session();
    context.register_table("t", scan(&open(location).await)).unwrap();
    let plan = context.sql("select name, id from t").await.unwrap().create_physical_plan().await.unwrap();
    let known = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new()).unwrap();
    let ids = &known.column_statistics[1];
    [ids.min_value.to_string(), ids.max_value.to_string()]
}

#[tokio::test]
async fn scans_know_the_range_of_columns_without_a_filter() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(7, 3)], overwrite()).await;
    write(&location, &[crowd(2, 3)], append()).await;
    assert_eq!(known_of_ids(&location).await, ["Inexact(Int64(2))", "Inexact(Int64(9))"]);

    // What a single file does not tell is not known of the table.
    edit_commit(&commit_file(&lake, "t", 1), |line| line.replace(r#"\"id\":4"#, r#"\"else\":4"#));
    assert_eq!(known_of_ids(&location).await, ["Absent", "Absent"]);
    assert_eq!(crate::fixtures::number(&location, "select max(id) from t").await, 9);
}

#[tokio::test]
async fn debug_output_shows_no_storage_options() {
    let lake = Lake::new();
    write(&lake.at("t"), &[crowd(0, 1)], overwrite()).await;
    let table = open(&lake.at("t")).await;
    let shown = format!("{table:?} {:?}", scan(&table));
    assert!(shown.starts_with("ResolvedTable(Location(file:///") && !shown.contains("options"), "{shown}");
}

// Spark leaves columns of type void in a table's schema; no file has them.
#[tokio::test]
async fn columns_without_a_type_are_null() {
    let lake = Lake::new();
    let location = lake.at("t");
    let inner: arrow::array::ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![Some(1), None]));
    let outer = arrow::array::StructArray::from(vec![(
        Arc::new(arrow::datatypes::Field::new("a", DataType::Int64, true)),
        Arc::clone(&inner),
    )]);
    let columns = [("v", inner, true), ("s", Arc::new(outer) as arrow::array::ArrayRef, true)];
    let batch = arrow::array::RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    write(&location, &[batch], overwrite()).await;
    edit_commit(&commit_file(&lake, "t", 0), |line| {
        let Some(at) = line.find(r#"\"fields\":["#) else { return line };
        let void = |name: &str| {
            format!(r#"{{\"name\":\"{name}\",\"type\":\"void\",\"nullable\":true,\"metadata\":{{}}}},"#)
        };
        let (head, tail) = line.split_at(at + r#"\"fields\":["#.len());
        let inside = tail.find(r#"\"fields\":["#).unwrap() + r#"\"fields\":["#.len();
        let (before, after) = tail.split_at(inside);
        format!("{head}{}{before}{}{after}", void("n"), void("m"))
    });
    let table = open(&location).await;
    let kinds: Vec<_> = table.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    let inside =
        arrow::datatypes::Fields::from(vec![arrow::datatypes::Field::new("a", DataType::Int64, true)]);
    assert_eq!(kinds, [DataType::Null, DataType::Int64, DataType::Struct(inside)]);
    let rows = read(&location, "select count(*) c, count(n) n, sum(v) v from t where n is null").await;
    assert!(rows.contains("| 2 | 0 | 1 |"), "{rows}");
    let rows = read(&location, "select * from t order by v").await;
    assert!(rows.contains("|   | 1 | {a: 1} |"), "{rows}");
}
