//! Tables with more to them than files: deletion vectors, mapped names, partitions, changes, limits.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use delta::{ChangeRange, WriteOptions};
use serde_json::{Value, json};

use super::measured::numbers;
use super::{measures, parquet, replace, same_rows, small, written};
use crate::claims::Judged;
use crate::fixtures::{Lake, append, commit_file, edit_commit, number, open, overwrite, query, read, write};

fn each_action(lake: &Lake, change: impl Fn(&mut Value)) {
    edit_commit(&commit_file(lake, "t", 0), |line| {
        let mut action: Value = serde_json::from_str(&line).unwrap();
        change(&mut action);
        action.to_string()
    });
}

// The bits of a deletion vector stand for the rows of a file in their order: none may be skipped before they are counted.
#[tokio::test]
async fn deletion_vectors_count_all_rows() {
    let lake = Lake::new();
    let location = written(&lake, &numbers(40), small(8, 2).build()).await;
    // Rows 3, 4, 7, 11, 18 and 29 are deleted.
    let deleted = [3, 4, 7, 11, 18, 29];
    let text = "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L";
    each_action(&lake, |action| {
        if let Some(protocol) = action.get_mut("protocol") {
            *protocol = json!({"minReaderVersion": 3, "minWriterVersion": 7,
                "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]});
        }
        if let Some(add) = action.get_mut("add").and_then(Value::as_object_mut) {
            // The texts are shortened, to the same one.
            let statistics = json!({"numRecords": 40, "minValues": {"id": 0, "s": "0000"},
                "maxValues": {"id": 39, "s": "0000"}, "nullCount": {"id": 0, "s": 0}});
            add.insert("stats".into(), statistics.to_string().into());
            let vector =
                json!({"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": 44, "cardinality": 6});
            add.insert("deletionVector".into(), vector);
        }
    });
    for id in 0..40 {
        let found = number(&location, &format!("SELECT count(*) FROM t WHERE id = {id}")).await;
        assert_eq!(found, i64::from(!deleted.contains(&id)), "{id}");
    }
    let conditions = ["id > 17", "id BETWEEN 10 AND 30", "late", "s LIKE '00001%'"].map(str::to_owned);
    same_rows(&location, "id, s", &conditions).await;
    let found = measures(&location, "SELECT id FROM t WHERE id = 20").await;
    assert_eq!((found.skipped_by_bounds, found.skipped_pages), (0, 0));
    assert_eq!(number(&location, "SELECT count(*) FROM (SELECT id FROM t WHERE id > 17 LIMIT 3)").await, 3);
}

#[tokio::test]
async fn names_of_columns_are_those_in_the_files() {
    let lake = Lake::new();
    let rows = numbers(1000);
    // The name of each column in the files is that of another one in the table.
    let in_files = ["s", "id", "late", "d", "price"];
    let location = written(&lake, &rows, small(100, 10).build()).await;
    let columns = in_files.iter().zip(rows.columns()).map(|(name, values)| (*name, Arc::clone(values), true));
    let stored = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    replace(&lake, parquet(&stored, small(100, 10).build()));
    each_action(&lake, |action| {
        if let Some(protocol) = action.get_mut("protocol") {
            *protocol = json!({"minReaderVersion": 2, "minWriterVersion": 5});
        }
        if let Some(add) = action.get_mut("add").and_then(Value::as_object_mut) {
            // Texts are shortened, counts are wrong.
            let bounds = |number: i64, day: &str| json!({"id": "0000", "s": number, "late": day});
            let counts = json!({"id": 0, "s": 0, "late": 0});
            let statistics = json!({"numRecords": 3, "minValues": bounds(0, "1970-01-01"),
                "maxValues": bounds(999, "1972-09-26"), "nullCount": counts});
            add.insert("stats".into(), statistics.to_string().into());
        }
        let Some(metadata) = action.get_mut("metaData") else { return };
        let mut schema: Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
        for (number, (field, name)) in
            schema["fields"].as_array_mut().unwrap().iter_mut().zip(in_files).enumerate()
        {
            field["metadata"] =
                json!({"delta.columnMapping.id": number + 1, "delta.columnMapping.physicalName": name});
        }
        metadata["schemaString"] = schema.to_string().into();
        metadata["configuration"]["delta.columnMapping.mode"] = "name".into();
        metadata["configuration"]["delta.columnMapping.maxColumnId"] = "5".into();
    });
    let conditions =
        ["id = 555", "s = '000555'", "late AND id < 510", "d > DATE '1972-09-20'", "price < 3.00"];
    same_rows(&location, "id, s, d", &conditions.map(str::to_owned)).await;
    for condition in conditions {
        let found = measures(&location, &format!("SELECT id FROM t WHERE {condition}")).await;
        assert!(found.skipped_by_bounds >= 5, "{condition}: {found:?}");
    }
    let found = measures(&location, "SELECT * FROM t WHERE s = '000555'").await;
    assert_eq!((found.skipped_by_bounds, found.skipped_pages), (9, 9));
}

#[tokio::test]
async fn widened_columns_are_read_whole() {
    let lake = Lake::new();
    let location = written(&lake, &numbers(100), small(10, 5).build()).await;
    each_action(&lake, |action| {
        let Some(metadata) = action.get_mut("metaData") else { return };
        let mut schema: Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
        let changes = json!([{"toType": "long", "fromType": "integer"}]);
        schema["fields"][0]["metadata"] = json!({"delta.typeChanges": changes});
        metadata["schemaString"] = schema.to_string().into();
    });
    same_rows(&location, "id", &["id = 55".to_owned(), "id > 90".to_owned()]).await;
    let found = measures(&location, "SELECT id FROM t WHERE id = 55").await;
    assert_eq!((found.skipped_by_bounds, found.skipped_pages), (0, 0));
}

#[tokio::test]
async fn partitions_beside_bounds() {
    let lake = Lake::new();
    let location = lake.at("t");
    let parts: ArrayRef = Arc::new((0..1000).map(|row| row % 3).collect::<Int64Array>());
    let ids: ArrayRef = Arc::new((0..1000).collect::<Int64Array>());
    let rows = RecordBatch::try_from_iter_with_nullable([("p", parts, true), ("id", ids, true)]).unwrap();
    write(&location, &[rows], WriteOptions { partition_by: vec!["p".into()], ..overwrite() }).await;
    let conditions = [
        "p = 1 AND id = 4",
        "p = 1 AND id = 5",
        "p = 1 OR id = 5",
        "p = id",
        "p IN (0, 2) AND id BETWEEN 500 AND 510",
        "p = 7",
        "p IS NULL OR id > 990",
    ];
    same_rows(&location, "id, p", &conditions.map(str::to_owned)).await;
}

#[tokio::test]
async fn limits_count_rows_that_pass() {
    let lake = Lake::new();
    let location = written(&lake, &numbers(1000), small(100, 10).build()).await;
    let judged = Judged::open(&location).await;
    for condition in ["id >= 300", "id >= 305 AND id % 2 = 0", "id > 995", "late", "TRUE"] {
        for limit in ["LIMIT 3", "LIMIT 250", "LIMIT 7 OFFSET 600", "LIMIT 2000", "OFFSET 3"] {
            let query = format!("SELECT count(*) FROM (SELECT id FROM t WHERE {condition} {limit})");
            assert_eq!(judged.wrong(&query).await, None);
        }
        let query = format!("SELECT id FROM t WHERE {condition} ORDER BY id LIMIT 5");
        assert_eq!(judged.wrong(&query).await, None);
        let query = format!("SELECT count(*) FROM t WHERE {condition}");
        assert_eq!(judged.wrong(&query).await, None);
    }
}

#[tokio::test]
async fn changes_are_read_whole() {
    let lake = Lake::new();
    let location = lake.at("t");
    let properties = [("delta.enableChangeDataFeed".to_owned(), "true".to_owned())].into();
    write(&location, &[numbers(100)], WriteOptions { properties, ..overwrite() }).await;
    write(&location, &[numbers(50)], append()).await;
    let range = ChangeRange { starting_version: Some(0), ..ChangeRange::default() };
    for (condition, wanted) in [("id = 20", 2), ("id = 70", 1), ("id < 10 AND _commit_version = 1", 10)] {
        let feed = delta::change_feed(&open(&location).await, &range).await.unwrap();
        let found = query(feed, &format!("SELECT count(*) AS n FROM t WHERE {condition}")).await;
        assert!(found.contains(&format!("| {wanted} ")), "{condition}: {found}");
    }
    assert!(read(&location, "SELECT count(*) AS n FROM t WHERE id = 20").await.contains("| 2 |"));
}
