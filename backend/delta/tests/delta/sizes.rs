//! What scans hold in memory besides rows, and what is known of the size of rows before they are read.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, Int64Builder, ListBuilder, RecordBatch, StringArray};
use datafusion::physical_plan::{ExecutionPlan, collect};
use delta::{ScanOptions, WriteOptions};
use serde_json::{Value, json};

use crate::fixtures::{
    Lake, append, commit_file, data_files, edit_commit, open, overwrite, query, scan, session, write,
};

/// More than twice as many files as one reader opens.
const FILES: i64 = 1_100;

/// A table with a file of two rows for each of its partitions.
async fn many_files(lake: &Lake) {
    let column =
        |value: fn(i64) -> i64| -> ArrayRef { Arc::new((0..2 * FILES).map(value).collect::<Int64Array>()) };
    let columns = [("p", column(|row| row / 2)), ("n", column(|row| row))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let options = WriteOptions { partition_by: vec!["p".into()], ..WriteOptions::default() };
    write(&lake.at("t"), &[batch], options).await;
}

/// How many metrics the operators of a plan have kept.
fn metrics(plan: &dyn ExecutionPlan) -> usize {
    let own = plan.metrics().map_or(0, |metrics| metrics.iter().count());
    own + plan.children().into_iter().map(|child| metrics(child.as_ref())).sum::<usize>()
}

#[tokio::test]
async fn a_scan_of_many_files_gives_every_row_once_and_keeps_no_metrics_of_files() {
    let lake = Lake::new();
    many_files(&lake).await;
    let table = open(&lake.at("t")).await;
    let last = 2 * FILES - 1;
    let rows = query(scan(&table), "select count(*) c, count(distinct n) d, sum(n) s, sum(p) p from t").await;
    let halves: i64 = (0..=last).map(|row| row / 2).sum();
    assert!(
        rows.contains(&format!("| {} | {0} | {} | {halves} |", last + 1, last * (last + 1) / 2)),
        "{rows}"
    );
    let limited = query(scan(&table), "select count(*) c from (select n from t limit 1500) l").await;
    assert!(limited.contains("| 1500 |"), "{limited}");
    let filtered = query(scan(&table), "select n from t where n > 2197 and p < 1099").await;
    assert!(!filtered.contains("219"), "{filtered}");

    let named = ScanOptions { file_column: Some("file".into()) };
    let files = query(delta::provider(&table, &named).unwrap(), "select count(distinct file) c from t").await;
    assert!(files.contains(&format!("| {FILES} ")), "{files}");

    let context = session();
    context.register_table("t", scan(&table)).unwrap();
    let plan = context.sql("select n, p from t").await.unwrap().create_physical_plan().await.unwrap();
    let read = collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();
    assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), usize::try_from(last + 1).unwrap());
    assert!(metrics(plan.as_ref()) < 200, "{}", metrics(plan.as_ref()));
}

#[tokio::test]
async fn a_scan_of_many_files_with_mapped_columns_gives_every_row_once() {
    let lake = Lake::new();
    many_files(&lake).await;
    edit_commit(&commit_file(&lake, "t", 0), |line| {
        if line.contains("\"protocol\"") {
            return r#"{"protocol":{"minReaderVersion":2,"minWriterVersion":5}}"#.into();
        }
        let mapped = |line: String, (number, name): (usize, &str)| {
            let (plain, of_column) = (r#"\"metadata\":{}"#, format!(r#"\"name\":\"{name}\""#));
            let (before, column) = line.split_once(&of_column).unwrap();
            let physical = format!(
                r#"\"metadata\":{{\"delta.columnMapping.id\":{number},\"delta.columnMapping.physicalName\":\"{name}\"}}"#
            );
            format!("{before}{of_column}{}", column.replacen(plain, &physical, 1))
        };
        if !line.contains("\"metaData\"") {
            return line;
        }
        let line = [(1, "p"), (2, "n")].into_iter().fold(line, mapped);
        line.replacen(
            r#""configuration":{"#,
            r#""configuration":{"delta.columnMapping.mode":"name","delta.columnMapping.maxColumnId":"2""#,
            1,
        )
    });
    let table = open(&lake.at("t")).await;
    let rows =
        query(scan(&table), "select count(*) c, count(distinct n) d, sum(p) p from t where n >= 2").await;
    let (last, halves) = (2 * FILES - 1, (2..2 * FILES).map(|row| row / 2).sum::<i64>());
    assert!(rows.contains(&format!("| {} | {0} | {halves} |", last - 1)), "{rows}");
}

/// The library's scan of such a table knows which operators are below it.
#[tokio::test]
async fn a_scan_of_many_files_with_a_deletion_vector_gives_every_row_once() {
    let lake = Lake::new();
    many_files(&lake).await;
    let column = |value: fn(i64) -> i64| -> ArrayRef { Arc::new((0..40).map(value).collect::<Int64Array>()) };
    let more =
        RecordBatch::try_from_iter([("p", column(|_| 5000)), ("n", column(|row| 10_000 + row))]).unwrap();
    write(&lake.at("t"), &[more], append()).await;
    // Rows 3, 4, 7, 11, 18 and 29 are deleted.
    let vector = json!({
        "storageType": "i", "pathOrInlineDv": "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
        "sizeInBytes": 44, "cardinality": 6,
    });
    for (version, key) in [(0, "protocol"), (1, "add")] {
        edit_commit(&commit_file(&lake, "t", version), |line| {
            let mut action: Value = serde_json::from_str(&line).unwrap();
            match (action.get_mut(key), key) {
                (Some(add), "add") => add["deletionVector"] = vector.clone(),
                (Some(protocol), _) => {
                    *protocol = json!({
                        "minReaderVersion": 3, "minWriterVersion": 7,
                        "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"],
                    });
                }
                _ => {}
            }
            action.to_string()
        });
    }
    let table = open(&lake.at("t")).await;
    let rows = query(scan(&table), "select count(*) c, count(distinct n) d from t where n >= 10000").await;
    assert!(rows.contains("| 34 | 34 |"), "{rows}");
    let rows = query(scan(&table), "select count(*) c, count(distinct n) d from t").await;
    assert!(rows.contains(&format!("| {0} | {0} |", 2 * FILES + 34)), "{rows}");
}

/// Rows with a number and a text of so many bytes.
fn texts(rows: i64, bytes: usize) -> RecordBatch {
    let numbers: ArrayRef = Arc::new((0..rows).collect::<Int64Array>());
    let texts = (0..rows).map(|row| Some(format!("{row:010}").repeat(bytes / 10)));
    RecordBatch::try_from_iter([("n", numbers), ("t", Arc::new(texts.collect::<StringArray>()))]).unwrap()
}

#[tokio::test]
async fn the_width_of_rows_is_known_before_they_are_read() {
    let lake = Lake::new();
    write(&lake.at("t"), &[texts(300, 100_000)], overwrite()).await;
    let table = open(&lake.at("t")).await;
    assert!(table.bytes() < 3_000_000, "the texts are small when they are compressed: {}", table.bytes());
    let context = session();
    let width = async |columns: Option<&[usize]>| {
        delta::row_bytes(&context.state(), scan(&table).as_ref(), columns).await.unwrap().unwrap()
    };
    for columns in [None, Some(&[1][..]), Some(&[0, 1])] {
        let bytes = width(columns).await;
        assert!((100_000..110_000).contains(&bytes), "{columns:?}: {bytes}");
    }
    assert!(width(Some(&[0])).await < 100);
    // Of a table that the Delta library's own scan reads, too.
    let mut lists = ListBuilder::new(Int64Builder::new());
    lists.append_value((0..100_000).map(Some));
    let columns: [(&str, ArrayRef); 2] =
        [("n", Arc::new(Int64Array::from(vec![1]))), ("list", Arc::new(lists.finish()))];
    write(&lake.at("lists"), &[RecordBatch::try_from_iter(columns).unwrap()], overwrite()).await;
    let listed = open(&lake.at("lists")).await;
    let width = async |columns: &[usize]| {
        delta::row_bytes(&context.state(), scan(&listed).as_ref(), Some(columns)).await.unwrap().unwrap()
    };
    assert!(width(&[0]).await < 100 && width(&[1]).await > 100_000);
    // A dictionary has the text once.
    let same = (0..3000).map(|_| Some("x".repeat(1_000)));
    let same: ArrayRef = Arc::new(same.collect::<StringArray>());
    write(&lake.at("same"), &[RecordBatch::try_from_iter([("t", same)]).unwrap()], overwrite()).await;
    let table = open(&lake.at("same")).await;
    assert!(table.bytes() < 100_000);
    let repeated = delta::row_bytes(&context.state(), scan(&table).as_ref(), None).await.unwrap().unwrap();
    assert!((1_000..1_100).contains(&repeated), "{repeated}");
    // Whoever reads the file will say that it is gone; a filter may leave it out.
    std::fs::remove_file(&data_files(&lake.path("same"))[0]).unwrap();
    let table = open(&lake.at("same")).await;
    assert_eq!(delta::row_bytes(&session().state(), scan(&table).as_ref(), None).await.unwrap(), None);
    write(&lake.at("none"), &[texts(0, 10)], overwrite()).await;
    let empty = open(&lake.at("none")).await;
    let known = delta::row_bytes(&context.state(), scan(&empty).as_ref(), None).await.unwrap();
    assert_eq!(known, None);
}
