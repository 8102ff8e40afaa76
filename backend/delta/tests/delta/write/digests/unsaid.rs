//! When a log does not say which rows a table has: digests that are missing, or that are of other rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use delta::{SchemaMode, WriteOptions};
use serde_json::{Map, Value, json};

use super::{agrees, digest, read_back};
use crate::fixtures::{
    Lake, append, commit_file, crowd, edit_commit, open, overwrite, people, scan, session, write,
};

/// A change of tags.
type Edit<'a> = &'a dyn Fn(&mut Map<String, Value>);

/// Changes the tags of the file that a commit adds.
fn edit_tags(lake: &Lake, version: u64, edit: impl Fn(&mut Map<String, Value>)) {
    edit_commit(&commit_file(lake, "t", version), |line| {
        let mut action: Value = serde_json::from_str(&line).unwrap();
        if let Some(tags) = action.pointer_mut("/add/tags").and_then(Value::as_object_mut) {
            edit(tags);
        }
        action.to_string()
    });
}

#[tokio::test]
async fn a_log_that_does_not_say_it_of_all_rows_says_nothing() {
    let tag = "codeanatomy.rows";
    let edits: [(&str, Edit); 6] = [
        ("no digest", &|tags| drop(tags.remove("codeanatomy.rows"))),
        ("no schema", &|tags| drop(tags.remove("codeanatomy.rows_schema"))),
        ("NULL", &|tags| drop(tags.insert(tag.into(), Value::Null))),
        ("another text", &|tags| drop(tags.insert(tag.into(), "0:10".into()))),
        ("another definition", &|tags| {
            let digest = tags[tag].as_str().unwrap().strip_prefix("2:").unwrap().to_owned();
            tags.insert(tag.into(), digest.into());
        }),
        ("another schema", &|tags| {
            tags.insert("codeanatomy.rows_schema".into(), "0123456789abcdef".into());
        }),
    ];
    for (what, edit) in edits {
        let lake = Lake::new();
        let location = lake.at("t");
        write(&location, &[crowd(0, 10)], overwrite()).await;
        write(&location, &[crowd(10, 10)], append()).await;
        agrees(&location, digest(&[crowd(0, 20)]), what).await;
        edit_tags(&lake, 1, edit);
        let table = open(&location).await;
        assert_eq!(table.rows_digest().unwrap(), None, "{what}");
        assert_eq!(read_back(&table).await, digest(&[crowd(0, 20)]), "{what}");
    }
    let lake = Lake::new();
    write(&lake.at("t"), &[crowd(0, 10)], overwrite()).await;
    write(&lake.at("t"), &[crowd(10, 10)], append()).await;
    let most = format!("2:{}:{}", "f".repeat(32), u64::MAX);
    edit_tags(&lake, 0, |tags| drop(tags.insert(tag.into(), most.clone().into())));
    assert!(open(&lake.at("t")).await.rows_digest().unwrap().is_some(), "a forged number stops nobody");
}

// The rows of older files have one more column today, and other bytes.
#[tokio::test]
async fn digests_of_other_columns_do_not_count() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 10)], overwrite()).await;
    let more = RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(Int64Array::from(vec![10])) as ArrayRef, false),
        ("name", Arc::new(StringArray::from(vec!["x"])), true),
        ("more", Arc::new(Int64Array::from(vec![1])), true),
    ])
    .unwrap();
    let additive = WriteOptions { schema_mode: SchemaMode::Additive, ..append() };
    let appended = write(&location, std::slice::from_ref(&more), additive).await;
    assert_eq!(appended.digest, digest(std::slice::from_ref(&more)));
    let table = open(&location).await;
    assert_eq!(table.rows_digest().unwrap(), None);
    assert_eq!(read_back(&table).await.count(), 11);
    let all = session().read_table(scan(&table)).unwrap().collect().await.unwrap();
    let replaced = write(&location, &all, overwrite()).await;
    assert_eq!(replaced.digest, read_back(&table).await);
    agrees(&location, replaced.digest, "overwritten").await;
}

/// Changes the actions of the first commit.
fn edit_actions(lake: &Lake, edit: impl Fn(&mut Value)) {
    edit_commit(&commit_file(lake, "t", 0), |line| {
        let mut action: Value = serde_json::from_str(&line).unwrap();
        edit(&mut action);
        action.to_string()
    });
}

/// Changes the columns in the metadata of the first commit.
fn edit_columns(lake: &Lake, edit: impl Fn(&mut Value)) {
    edit_actions(lake, |action| {
        let Some(metadata) = action.get_mut("metaData") else { return };
        let mut schema: Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
        schema["fields"].as_array_mut().unwrap().iter_mut().for_each(&edit);
        metadata["schemaString"] = schema.to_string().into();
    });
}

#[tokio::test]
async fn deleted_rows_are_not_vouched_for() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 40)], overwrite()).await;
    // Rows 3, 4, 7, 11, 18 and 29 are deleted.
    let vector = json!({
        "storageType": "i", "pathOrInlineDv": "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
        "sizeInBytes": 44, "cardinality": 6,
    });
    edit_actions(&lake, |action| {
        if let Some(add) = action.get_mut("add") {
            add["deletionVector"] = vector.clone();
        }
        if let Some(protocol) = action.get_mut("protocol") {
            *protocol = json!({"minReaderVersion": 3, "minWriterVersion": 7,
                "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]});
        }
    });
    let table = open(&location).await;
    assert_eq!(table.rows_digest().unwrap(), None);
    let rows = read_back(&table).await;
    assert_eq!(rows.count(), 34);
    let all = session().read_table(scan(&table)).unwrap().collect().await.unwrap();
    assert_eq!(write(&location, &all, overwrite()).await.digest, rows);
    agrees(&location, rows, "written again").await;
}

// The columns of the table have changed their places in the file: what the tag says is of other rows.
#[tokio::test]
async fn rows_of_mapped_columns_are_not_vouched_for() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[people(&[(1, "a")])], overwrite()).await;
    edit_columns(&lake, |field| {
        let number = if field["name"] == "id" { 1 } else { 2 };
        field["metadata"] =
            json!({"delta.columnMapping.id": number, "delta.columnMapping.physicalName": field["name"]});
    });
    edit_actions(&lake, |action| {
        if let Some(protocol) = action.get_mut("protocol") {
            *protocol = json!({"minReaderVersion": 2, "minWriterVersion": 5});
        }
        if let Some(metadata) = action.get_mut("metaData") {
            metadata["configuration"] =
                json!({"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "2"});
        }
    });
    let table = open(&location).await;
    assert_eq!((table.column_mapping(), table.rows_digest().unwrap()), (Some("name"), None));
    assert_eq!(read_back(&table).await, digest(&[people(&[(1, "a")])]));
}

// A file keeps its numbers of 32 bits when the table gets 64.
#[tokio::test]
async fn rows_of_widened_columns_are_not_vouched_for() {
    let lake = Lake::new();
    let location = lake.at("t");
    let numbers = |array: ArrayRef| RecordBatch::try_from_iter_with_nullable([("n", array, true)]).unwrap();
    let (narrow, wide) = (Int32Array::from(vec![1, 2]), Int64Array::from(vec![1, 2]));
    let narrow = numbers(Arc::new(narrow));
    write(&location, std::slice::from_ref(&narrow), overwrite()).await;
    agrees(&location, digest(&[narrow]), "narrow").await;
    edit_columns(&lake, |field| field["type"] = "long".into());
    let table = open(&location).await;
    assert_eq!(table.rows_digest().unwrap(), None);
    assert_eq!(read_back(&table).await, digest(&[numbers(Arc::new(wide))]));
}
