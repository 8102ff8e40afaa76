//! Change feeds.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _};
use delta::{ChangeRange, DeltaError, Location, WriteOptions};

use crate::fixtures::{
    Lake, append, commit_file, crowd, edit_commit, open, overwrite, people, query, session, write,
};

fn feed_on() -> WriteOptions {
    WriteOptions {
        properties: [("delta.enableChangeDataFeed".to_owned(), "true".to_owned())].into(),
        ..overwrite()
    }
}

/// Version 0: 1, 2. Version 1: + 3. Version 2: overwritten by 4.
async fn table(location: &Location) {
    write(location, &[people(&[(1, "a"), (2, "b")])], feed_on()).await;
    write(location, &[people(&[(3, "c")])], append()).await;
    write(location, &[people(&[(4, "d")])], overwrite()).await;
}

async fn changes(location: &Location, range: ChangeRange) -> String {
    let table = open(location).await;
    let feed = delta::change_feed(&table, &range).await.unwrap();
    assert_eq!(feed.schema(), delta::change_feed_schema(&table));
    let sql =
        "select id, name, _change_type, _commit_version from t order by _commit_version, _change_type, id";
    query(feed, sql).await
}

async fn refusal(location: &Location, range: ChangeRange) -> DeltaError {
    delta::change_feed(&open(location).await, &range).await.unwrap_err()
}

fn from(version: u64) -> ChangeRange {
    ChangeRange { starting_version: Some(version), ..ChangeRange::default() }
}

#[tokio::test]
async fn inserts_and_deletes_by_version() {
    let lake = Lake::new();
    let location = lake.at("t");
    table(&location).await;
    let expected = "\
+----+------+--------------+-----------------+
| id | name | _change_type | _commit_version |
+----+------+--------------+-----------------+
| 1  | a    | insert       | 0               |
| 2  | b    | insert       | 0               |
| 3  | c    | insert       | 1               |
| 1  | a    | delete       | 2               |
| 2  | b    | delete       | 2               |
| 3  | c    | delete       | 2               |
| 4  | d    | insert       | 2               |
+----+------+--------------+-----------------+";
    assert_eq!(changes(&location, from(0)).await, expected);
    let range = ChangeRange { ending_version: Some(1), ..from(1) };
    let one = changes(&location, range).await;
    assert!(one.contains("| 3  | c    | insert       | 1 ") && one.lines().count() == 5, "{one}");
}

/// A limit, or an aggregation, of no rows needs one partition.
#[tokio::test]
async fn all_scans_of_the_feed_of_a_table_without_files_have_a_partition() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[people(&[])], feed_on()).await;
    let feed = delta::change_feed(&open(&location).await, &from(0)).await.unwrap();
    let plan = feed.scan(&session().state(), None, &[], None).await.unwrap();
    let has_a_partition = |node: &Arc<dyn ExecutionPlan>| {
        assert!(node.output_partitioning().partition_count() > 0);
        Ok(TreeNodeRecursion::Continue)
    };
    plan.apply(has_a_partition).unwrap();
    assert!(query(feed, "select max(id) from t").await.contains("|    "));
}

/// Marks the first row of every file of a version as deleted.
fn mark_first_rows(lake: &Lake, version: u64) {
    let vector = serde_json::json!({"storageType": "i", "pathOrInlineDv": "^Bg9^0rr910000000000iXQKl0rr91000005c8Xg00000",
        "sizeInBytes": 34, "cardinality": 1});
    edit_commit(&commit_file(lake, "t", version), |line| {
        let mut action: serde_json::Value = serde_json::from_str(&line).unwrap();
        if let Some(add) = action.get_mut("add") {
            add["deletionVector"] = vector.clone();
        }
        if let Some(protocol) = action.get_mut("protocol") {
            *protocol = serde_json::json!({"minReaderVersion": 3, "minWriterVersion": 7,
                "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors", "changeDataFeed"]});
        }
        action.to_string()
    });
}

/// The library reads the rows that are marked, of files that came or went too.
#[tokio::test]
async fn rows_that_a_deletion_vector_hides_neither_come_nor_go() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[people(&[(1, "a"), (2, "b"), (3, "c")])], feed_on()).await;
    mark_first_rows(&lake, 0);
    write(&location, &[people(&[(4, "d")])], overwrite()).await;
    let expected = "\
+----+------+--------------+-----------------+
| id | name | _change_type | _commit_version |
+----+------+--------------+-----------------+
| 2  | b    | insert       | 0               |
| 3  | c    | insert       | 0               |
| 2  | b    | delete       | 1               |
| 3  | c    | delete       | 1               |
| 4  | d    | insert       | 1               |
+----+------+--------------+-----------------+";
    assert_eq!(changes(&location, from(0)).await, expected);
}

#[tokio::test]
async fn columns_can_be_projected_filtered_and_written_back() {
    let lake = Lake::new();
    let location = lake.at("t");
    table(&location).await;
    let table = open(&location).await;
    let feed = delta::change_feed(&table, &from(0)).await.unwrap();
    let sql = "select _change_type, count(*) c, bool_and(_commit_timestamp > '2020-01-01T00:00:00Z') ok \
               from t where id <> 4 and _commit_version > 0 group by 1 order by 1";
    let rows = query(Arc::clone(&feed), sql).await;
    assert!(
        rows.contains("| delete       | 3 | true |") && rows.contains("| insert       | 1 | true |"),
        "{rows}"
    );
    let context = session();
    let batches = context.read_table(feed).unwrap().collect().await.unwrap();
    assert_eq!(write(&lake.at("log"), &batches, overwrite()).await.rows, 7);
}

#[tokio::test]
async fn partition_columns_are_plain() {
    let lake = Lake::new();
    let location = lake.at("t");
    let options = WriteOptions { partition_by: vec!["name".into()], ..feed_on() };
    write(&location, &[people(&[(1, "a"), (2, "b")])], options).await;
    let rows = changes(&location, from(0)).await;
    assert!(rows.contains("| 1  | a    | insert       | 0 "), "{rows}");
}

// Folders of such values have names that are encoded in the log, and must be decoded just once.
#[tokio::test]
async fn partition_values_with_characters_that_are_encoded() {
    let lake = Lake::new();
    let location = lake.at("t");
    let names = ["a b", "a/b", "a%2Fb", "é ü", "a=b", "a:b", "2024-01-01 00:00:00", "%", "null"];
    let rows: Vec<(i64, &str)> = (0..).zip(names).collect();
    write(&location, &[people(&rows)], WriteOptions { partition_by: vec!["name".into()], ..feed_on() }).await;
    write(&location, &[people(&rows[..4])], overwrite()).await;
    let feed = || async { delta::change_feed(&open(&location).await, &from(0)).await.unwrap() };
    for (id, name) in &rows {
        let sql = format!(
            "select count(*) n from t where id = {id} and name = '{name}' and _change_type = 'insert' and _commit_version = 0"
        );
        let found = query(feed().await, &sql).await;
        assert!(found.contains("| 1 |"), "{name}: {found}");
    }
    let all = query(feed().await, "select count(*) n from t").await;
    assert!(all.contains("| 22 |"), "{all}");
}

#[tokio::test]
async fn tables_with_widened_columns_and_checked_vacuums() {
    for feature in ["typeWidening", "typeWidening-preview", "vacuumProtocolCheck"] {
        let lake = Lake::new();
        let location = lake.at("t");
        let narrow = |from: i32| {
            let ids: arrow::array::Int32Array = (from..from + 2).map(Some).collect();
            arrow::array::RecordBatch::try_from_iter([("id", Arc::new(ids) as arrow::array::ArrayRef)])
                .unwrap()
        };
        write(&location, &[narrow(0)], feed_on()).await;
        write(&location, &[narrow(2)], append()).await;
        // As if it had been widened in the second commit.
        let commit = commit_file(&lake, "t", 1);
        let first = std::fs::read_to_string(commit_file(&lake, "t", 0)).unwrap();
        let metadata = first.lines().find(|line| line.contains("metaData")).unwrap();
        let metadata = metadata.replace(r#"\"type\":\"integer\""#, r#"\"type\":\"long\""#);
        assert!(metadata.contains("long"), "{metadata}");
        let protocol = serde_json::json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": [feature], "writerFeatures": [feature, "changeDataFeed"]}});
        let text =
            std::fs::read_to_string(&commit).unwrap().replace("codeanatomy.action_count", "not_counted");
        std::fs::write(&commit, format!("{}\n{protocol}\n{metadata}\n", text.trim_end())).unwrap();
        let feed = delta::change_feed(&open(&location).await, &from(0)).await.unwrap();
        let sql = "select id, arrow_typeof(id) kind, _change_type, _commit_version from t order by id";
        let expected = "\
+----+-------+--------------+-----------------+
| id | kind  | _change_type | _commit_version |
+----+-------+--------------+-----------------+
| 0  | Int64 | insert       | 0               |
| 1  | Int64 | insert       | 0               |
| 2  | Int64 | insert       | 1               |
| 3  | Int64 | insert       | 1               |
+----+-------+--------------+-----------------+";
        assert_eq!(query(feed, sql).await, expected, "{feature}");
    }
}

#[tokio::test]
async fn a_pinned_table_feeds_up_to_its_pin() {
    let lake = Lake::new();
    let location = lake.at("t");
    table(&location).await;
    let pinned = delta::resolve(&location, Some(1)).await.unwrap();
    let feed = delta::change_feed(&pinned, &from(0)).await.unwrap();
    let rows = query(feed, "select count(*) c, max(_commit_version) v from t").await;
    assert!(rows.contains("| 3 | 1 |"), "{rows}");
}

#[tokio::test]
async fn nothing_new_is_an_empty_feed() {
    let lake = Lake::new();
    let location = lake.at("t");
    table(&location).await;
    let rows = changes(&location, from(3)).await;
    assert!(!rows.contains("insert") && !rows.contains("delete"), "{rows}");
    // Another version arrives while the table is resolved: still nothing.
    let resolved = open(&location).await;
    let feed = delta::change_feed(&resolved, &from(3)).await.unwrap();
    write(&location, &[people(&[(9, "z")])], append()).await;
    let rows = query(feed, "select count(*) c from t").await;
    assert!(rows.contains("| 0 |"), "{rows}");
}

#[tokio::test]
async fn timestamps_select_versions() {
    let lake = Lake::new();
    let location = lake.at("t");
    table(&location).await;
    for version in 0..3 {
        edit_commit(&commit_file(&lake, "t", version), |line| {
            let mut action: serde_json::Value = serde_json::from_str(&line).unwrap();
            if let Some(info) = action.get_mut("commitInfo") {
                info["timestamp"] = (1_700_000_000_000 + version * 60_000).into();
            }
            action.to_string()
        });
    }
    let at = |text: &str| ChangeRange { starting_timestamp: Some(text.into()), ..ChangeRange::default() };
    // 1_700_000_000 is 2023-11-14T22:13:20Z.
    let rows = changes(&location, at("2023-11-14T22:14:00Z")).await;
    assert!(!rows.contains("| 0 ") && rows.contains("| 1 ") && rows.contains("| 2 "), "{rows}");
    let zoned = changes(&location, at("2023-11-15T00:14:00+02:00")).await;
    assert_eq!(rows, zoned);
    let until = ChangeRange { ending_timestamp: Some("2023-11-14T22:14:30Z".into()), ..from(0) };
    let rows = changes(&location, until).await;
    assert!(rows.contains("| 1 ") && !rows.contains("| 4 "), "{rows}");
    let rows = changes(&location, at("2030-01-01T00:00:00Z")).await;
    assert!(!rows.contains("insert"), "{rows}");
    let error = refusal(&location, at("yesterday")).await;
    assert!(error.to_string().contains("`yesterday` is not a timestamp"), "{error}");
}

#[tokio::test]
async fn ranges_that_make_no_sense_are_refused() {
    let lake = Lake::new();
    let location = lake.at("t");
    table(&location).await;
    for (range, reason) in [
        (ChangeRange::default(), "give a starting version"),
        (from(9), "starting version 9 is after the table's version 2"),
        (ChangeRange { ending_version: Some(9), ..from(0) }, "ending version 9 is after"),
        (ChangeRange { ending_version: Some(0), ..from(1) }, "starting version 1 is after ending version 0"),
    ] {
        let error = refusal(&location, range).await;
        assert!(error.to_string().contains(reason), "{error}");
    }
    let plain = lake.at("plain");
    write(&plain, &[crowd(0, 1)], overwrite()).await;
    assert!(matches!(refusal(&plain, from(0)).await, DeltaError::ChangeFeedDisabled { .. }));
}

#[tokio::test]
async fn removed_files_outside_the_table_are_refused() {
    let lake = Lake::new();
    let location = lake.at("t");
    table(&location).await;
    // A file the snapshot no longer has, so that only the feed would read it.
    let added = std::fs::read_to_string(commit_file(&lake, "t", 1)).unwrap();
    let name = added.split("\"path\":\"").nth(1).unwrap().split('"').next().unwrap();
    for version in [1, 2] {
        edit_commit(&commit_file(&lake, "t", version), |line| {
            line.replace(name, &format!("../elsewhere/{name}"))
        });
    }
    let error = refusal(&location, from(1)).await;
    assert!(matches!(error, DeltaError::PathEscape { .. }), "{error}");
}
