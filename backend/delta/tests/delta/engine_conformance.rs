//! Behaviour of the Delta library and of Delta itself that this crate relies on, or guards against.
//!
//! Tests named `upstream_*` pin what the library does on its own. When one fails after an upgrade, the
//! library changed: if a bug is gone, the guard it justifies can go too. Tests named `guard_*` show the
//! guard at work.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use delta::{CommitOptions, DeltaError, Location, TableTarget, WriteOptions};
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use deltalake::kernel::transaction::CommitProperties;
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, DeltaTableBuilder};

use crate::fixtures::{
    Lake, append, commit_file, crowd, edit_commit, files, number, open, overwrite, people, people_schema,
    session, write,
};

async fn library_table(location: &Location) -> DeltaTable {
    DeltaTableBuilder::from_url(location.url().clone()).unwrap().load().await.unwrap()
}

async fn library_rows(location: &Location) -> i64 {
    let table = library_table(location).await;
    let context = session();
    let provider = table.table_provider().await.unwrap();
    let batches = context.read_table(provider).unwrap().collect().await.unwrap();
    batches.iter().map(|batch| i64::try_from(batch.num_rows()).unwrap()).sum()
}

/// A table of four files of ten rows.
async fn small_files(location: &Location) {
    write(location, &[crowd(0, 10)], overwrite()).await;
    for id in 1..4 {
        write(location, &[crowd(id * 10, 10)], append()).await;
    }
}

// A commit file of zero bytes reads as "no change", and the next append makes the loss permanent.
#[tokio::test]
async fn upstream_an_empty_commit_is_read_as_no_change() {
    let lake = Lake::new();
    let location = lake.at("t");
    small_files(&location).await;
    std::fs::write(commit_file(&lake, "t", 3), "").unwrap();
    assert_eq!(library_rows(&location).await, 30);
}

#[tokio::test]
async fn guard_an_empty_commit_is_refused_for_reading_and_writing() {
    let lake = Lake::new();
    let location = lake.at("t");
    small_files(&location).await;
    std::fs::write(commit_file(&lake, "t", 3), "").unwrap();
    let error = delta::resolve(&location, None).await.unwrap_err();
    assert!(error.to_string().contains("damaged at version 3: its commit file is empty"), "{error}");
    let error = TableTarget::prepare(&location, people_schema(), append()).await.unwrap_err();
    assert!(matches!(error, DeltaError::CorruptLog { version: Some(3), .. }), "{error}");
    // What lies before the damage can still be read.
    assert_eq!(delta::resolve(&location, Some(2)).await.unwrap().rows(), Some(30));
}

#[tokio::test]
async fn upstream_a_commit_cut_between_lines_is_read_without_the_rest() {
    let lake = Lake::new();
    let location = lake.at("t");
    small_files(&location).await;
    cut(&lake, 3, 1);
    assert_eq!(library_rows(&location).await, 30);
}

#[tokio::test]
async fn guard_a_cut_commit_is_refused() {
    let lake = Lake::new();
    let location = lake.at("t");
    small_files(&location).await;
    cut(&lake, 3, 1);
    let error = delta::resolve(&location, None).await.unwrap_err();
    assert!(error.to_string().contains("its commit file has 1 of 2 actions"), "{error}");
    let text = std::fs::read_to_string(commit_file(&lake, "t", 2)).unwrap();
    std::fs::write(commit_file(&lake, "t", 2), &text[..text.len() - 5]).unwrap();
    let error = delta::resolve(&location, Some(2)).await.unwrap_err();
    assert!(error.to_string().contains("ends in the middle of a line"), "{error}");
}

fn cut(lake: &Lake, version: u64, lines: usize) {
    let path = commit_file(lake, "t", version);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.lines().take(lines).collect::<Vec<_>>().join("\n")).unwrap();
}

#[tokio::test]
async fn guard_a_hole_in_the_log_is_refused() {
    let lake = Lake::new();
    let location = lake.at("t");
    small_files(&location).await;
    std::fs::remove_file(commit_file(&lake, "t", 2)).unwrap();
    let error = delta::resolve(&location, None).await.unwrap_err();
    assert!(matches!(error, DeltaError::CorruptLog { version: Some(2), .. }), "{error}");
}

// `Add.path` may leave the table: absolute URLs, absolute paths, parent segments, also percent-encoded.
#[tokio::test]
async fn guard_files_outside_the_table_are_refused() {
    let lake = Lake::new();
    let secret = lake.at("secret");
    write(&secret, &[crowd(0, 10)], overwrite()).await;
    let outside = crate::fixtures::data_files(&lake.path("secret")).remove(0);
    let name = outside.file_name().unwrap().to_str().unwrap();
    let absolute = outside.to_str().unwrap();
    let forms = [
        format!("file://{absolute}"),
        absolute.to_owned(),
        format!("../secret/{name}"),
        format!("x/../../secret/{name}"),
        format!("%2E%2E/secret/{name}"),
        format!("%252E%252E/secret/{name}"),
        format!("%2e./secret/{name}"),
        format!("..%2Fsecret/{name}"),
        format!("..\\\\secret/{name}"),
        "s3://bucket/x.parquet".to_owned(),
    ];
    for (index, form) in forms.iter().enumerate() {
        let table = format!("t{index}");
        let location = lake.at(&table);
        write(&location, &[crowd(0, 1)], overwrite()).await;
        edit_commit(&commit_file(&lake, &table, 0), |line| {
            let Some(start) = line.find("\"path\":\"") else { return line };
            let end = line[start + 8..].find('"').unwrap() + start + 8;
            format!("{}{form}{}", &line[..start + 8], &line[end..])
        });
        let error = delta::resolve(&location, None).await.unwrap_err();
        assert!(matches!(error, DeltaError::PathEscape { .. }), "{form}: {error}");
    }
}

// The library would follow such a path.
#[tokio::test]
async fn upstream_files_outside_the_table_are_read() {
    let lake = Lake::new();
    write(&lake.at("secret"), &[crowd(0, 10)], overwrite()).await;
    let outside = crate::fixtures::data_files(&lake.path("secret")).remove(0);
    let location = lake.at("t");
    write(&location, &[crowd(0, 10)], overwrite()).await;
    let inside = crate::fixtures::data_files(&lake.path("t")).remove(0);
    let inside = inside.file_name().unwrap().to_str().unwrap();
    edit_commit(&commit_file(&lake, "t", 0), |line| {
        line.replace(inside, &format!("file://{}", outside.to_str().unwrap()))
    });
    std::fs::remove_file(lake.path("t").join(inside)).unwrap();
    assert_eq!(library_rows(&location).await, 10);
}

// Two writers that both find no table: the library commits the second one over the first without a check.
#[tokio::test]
async fn upstream_two_creations_through_the_builder_both_succeed() {
    let lake = Lake::new();
    let location = lake.at("t");
    std::fs::create_dir(lake.path("t")).unwrap();
    let unloaded = || DeltaTableBuilder::from_url(location.url().clone()).unwrap().build().unwrap();
    let (one, two) = (unloaded(), unloaded());
    one.write([crowd(0, 10)]).with_save_mode(SaveMode::Append).await.unwrap();
    let second = two.write([crowd(0, 10)]).with_save_mode(SaveMode::Append).await;
    assert!(second.is_ok());
    assert_eq!(library_rows(&location).await, 20);
}

// A compaction does not conflict with a stale full overwrite, so the compacted rows come back.
#[tokio::test]
async fn upstream_a_stale_overwrite_after_a_compaction_resurrects_rows() {
    let lake = Lake::new();
    let location = lake.at("t");
    small_files(&location).await;
    let stale = library_table(&location).await;
    library_table(&location).await.optimize().await.unwrap();
    stale.write([crowd(100, 1)]).with_save_mode(SaveMode::Overwrite).await.unwrap();
    assert_eq!(library_rows(&location).await, 41);
}

#[tokio::test]
async fn guard_a_stale_write_after_a_compaction_is_refused() {
    let lake = Lake::new();
    let location = lake.at("t");
    for options in [overwrite(), append()] {
        small_files(&location).await;
        let target = TableTarget::prepare(&location, people_schema(), options).await.unwrap();
        let written = files(&target, &[crowd(100, 1)]).await.unwrap();
        library_table(&location).await.optimize().await.unwrap();
        let error = target.commit(vec![written], &CommitOptions::default()).await.unwrap_err();
        assert!(
            matches!(&error, DeltaError::ConcurrentChange { change, .. } if change == "OPTIMIZE"),
            "{error}"
        );
        assert_eq!(number(&location, "select count(*) from t").await, 40);
    }
}

// Partition and file columns are dictionaries unless told otherwise; as join keys they panic in dynamic filters.
#[tokio::test]
async fn upstream_partition_columns_are_dictionaries_by_default() {
    let lake = Lake::new();
    let location = lake.at("t");
    let options = WriteOptions { partition_by: vec!["name".into()], ..overwrite() };
    write(&location, &[people(&[(1, "a")])], options).await;
    let table = library_table(&location).await;
    let snapshot = Arc::new(table.snapshot().unwrap().snapshot().clone());
    let config = DeltaScanConfig::new().with_file_column_name("f");
    let schema = DeltaScanNext::new(snapshot, config).unwrap().schema();
    assert!(matches!(schema.field(1).data_type(), DataType::Dictionary(_, _)));
    assert!(matches!(schema.field(2).data_type(), DataType::Dictionary(_, _)));
    assert_eq!(open(&location).await.schema().field(1).data_type(), &DataType::Utf8View);
}

// The library answers `count(*)` from the log, so a missing data file goes unnoticed; we count in the files.
#[tokio::test]
async fn upstream_counts_come_from_statistics() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 10)], overwrite()).await;
    std::fs::remove_file(crate::fixtures::data_files(&lake.path("t")).remove(0)).unwrap();
    let theirs = library_table(&location).await.table_provider().await.unwrap();
    assert!(crate::fixtures::query(theirs, "select count(*) from t").await.contains("| 10 "));
    let context = session();
    context.register_table("t", crate::fixtures::scan(&open(&location).await)).unwrap();
    assert!(context.sql("select count(*) from t").await.unwrap().collect().await.is_err());
}

// A library commit writes checkpoints as a side effect; ours reads tables that have them.
#[tokio::test]
async fn tables_with_checkpoints_and_a_cleaned_log_are_read_and_written() {
    let lake = Lake::new();
    let location = lake.at("t");
    small_files(&location).await;
    deltalake::checkpoints::create_checkpoint(&library_table(&location).await, None).await.unwrap();
    write(&location, &[crowd(40, 10)], append()).await;
    for version in 0..4 {
        std::fs::remove_file(commit_file(&lake, "t", version)).unwrap();
    }
    assert_eq!(number(&location, "select count(*) from t").await, 50);
    assert_eq!(open(&location).await.rows(), Some(50));
    let error = delta::resolve(&location, Some(1)).await.unwrap_err();
    assert_eq!(error.to_string(), "table `t` has no version 1: versions 3 to 4 can be read");
    let replaced = write(&location, &[crowd(0, 1)], overwrite()).await;
    assert_eq!((replaced.version, replaced.files_removed), (5, 5));
}

/// A log of which nothing is left but a checkpoint that keeps its list of files in sidecars.
#[tokio::test]
async fn tables_with_sidecars_and_a_cleaned_log_are_read() {
    let lake = Lake::new();
    let location = lake.at("t");
    small_files(&location).await;
    deltalake::checkpoints::create_checkpoint(&library_table(&location).await, None).await.unwrap();
    let log = lake.path("t/_delta_log");
    let first = std::fs::read_to_string(commit_file(&lake, "t", 0)).unwrap();
    let metadata = first.lines().find(|line| line.contains("\"metaData\"")).unwrap().to_owned();
    std::fs::create_dir(log.join("_sidecars")).unwrap();
    let sidecar = log.join("_sidecars/s.parquet");
    std::fs::rename(log.join("00000000000000000003.checkpoint.parquet"), &sidecar).unwrap();
    let size = std::fs::metadata(&sidecar).unwrap().len();
    let lines = [
        r#"{"checkpointMetadata":{"version":3}}"#.to_owned(),
        r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["v2Checkpoint"],"writerFeatures":["v2Checkpoint"]}}"#.to_owned(),
        metadata,
        format!(r#"{{"sidecar":{{"path":"s.parquet","sizeInBytes":{size},"modificationTime":0}}}}"#),
    ];
    let checkpoint = log.join("00000000000000000003.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json");
    std::fs::write(checkpoint, lines.join("\n")).unwrap();
    std::fs::remove_file(log.join("_last_checkpoint")).unwrap();
    for version in 0..4 {
        std::fs::remove_file(commit_file(&lake, "t", version)).unwrap();
    }
    assert_eq!(number(&location, "select count(*) from t").await, 40);
}

// A commit of ours is an ordinary one: the library reads it, appends after it and overwrites it.
#[tokio::test]
async fn the_library_continues_our_tables() {
    let lake = Lake::new();
    let location = lake.at("t");
    let properties = BTreeMap::from([("delta.constraints.c".to_owned(), "id >= 0".to_owned())]);
    write(&location, &[crowd(0, 10)], WriteOptions { properties, ..overwrite() }).await;
    let quiet = CommitProperties::default().with_create_checkpoint(false);
    let table = library_table(&location).await;
    table.write([crowd(10, 10)]).with_commit_properties(quiet).await.unwrap();
    assert_eq!(library_rows(&location).await, 20);
    let refused = library_table(&location).await.write([crowd(-5, 1)]).await;
    assert!(refused.is_err(), "the constraint we wrote binds the library too");
    assert_eq!(write(&location, &[crowd(20, 10)], append()).await.version, 2);
    assert_eq!(library_rows(&location).await, 30);
}

// Deletion vectors are read by the library; our overwrite removes such files with their vectors.
#[tokio::test]
async fn deleting_through_the_library_is_seen() {
    let lake = Lake::new();
    let location = lake.at("t");
    small_files(&location).await;
    library_table(&location).await.delete().with_predicate("id < 5").await.unwrap();
    assert_eq!(number(&location, "select count(*) from t").await, 35);
    assert_eq!(open(&location).await.rows(), Some(35));
}
