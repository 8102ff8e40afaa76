//! Two-phase writes: what is committed is exact, and what is not leaves no trace.

mod digests;
mod memory;
mod order;
mod paths;

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use delta::{CommitOptions, DeltaError, TableTarget, WriteOptions};

use crate::fixtures::{
    Lake, append, commit_file, crowd, data_files, files, number, open, overwrite, people, people_schema,
    read, try_write, write,
};

#[tokio::test]
async fn create_append_overwrite_report_their_own_commit() {
    let lake = Lake::new();
    let location = lake.at("deep/er/t");
    let created = write(&location, &[crowd(0, 10)], append()).await;
    assert_eq!((created.version, created.files_added, created.files_removed, created.rows), (0, 1, 0, 10));
    let size = std::fs::metadata(&data_files(&lake.path("deep/er/t"))[0]).unwrap().len();
    assert_eq!(created.bytes, size);

    let appended = write(&location, &[crowd(10, 5), crowd(15, 5)], append()).await;
    assert_eq!(
        (appended.version, appended.files_added, appended.files_removed, appended.rows),
        (1, 1, 0, 10)
    );
    assert_eq!(number(&location, "select count(*) from t").await, 20);

    let replaced = write(&location, &[crowd(100, 3)], overwrite()).await;
    assert_eq!((replaced.version, replaced.files_added, replaced.files_removed, replaced.rows), (2, 1, 2, 3));
    assert_eq!(number(&location, "select sum(id) from t").await, 303);
    let table = open(&location).await;
    assert_eq!((table.files(), table.rows(), table.bytes()), (1, Some(3), replaced.bytes));
}

#[tokio::test]
async fn creation_and_data_are_one_commit() {
    let lake = Lake::new();
    write(&lake.at("t"), &[crowd(0, 1)], overwrite()).await;
    let log: Vec<_> = std::fs::read_dir(lake.path("t/_delta_log")).unwrap().collect();
    assert_eq!(log.len(), 1);
    let commit = std::fs::read_to_string(commit_file(&lake, "t", 0)).unwrap();
    for action in ["\"protocol\"", "\"metaData\"", "\"add\"", "\"commitInfo\""] {
        assert!(commit.contains(action), "{action} not in {commit}");
    }
}

#[tokio::test]
async fn writing_nothing_is_a_commit_too() {
    let lake = Lake::new();
    let location = lake.at("t");
    let none = write(&location, &[people(&[])], overwrite()).await;
    assert_eq!((none.version, none.files_added, none.rows, none.bytes), (0, 0, 0, 0));
    assert_eq!(number(&location, "select count(*) from t").await, 0);
    write(&location, &[crowd(0, 2)], append()).await;
    let emptied = write(&location, &[people(&[])], overwrite()).await;
    assert_eq!((emptied.version, emptied.files_removed), (2, 1));
    assert_eq!(number(&location, "select count(*) from t").await, 0);
}

#[tokio::test]
async fn metadata_is_recorded_and_reserved_keys_are_refused() {
    let lake = Lake::new();
    let location = lake.at("t");
    let target = TableTarget::prepare(&location, people_schema(), overwrite()).await.unwrap();
    let written = files(&target, &[crowd(0, 4)]).await.unwrap();
    let metadata = BTreeMap::from([("codeanatomy.spec_hash".to_owned(), "abc".to_owned())]);
    target.commit(vec![written], &CommitOptions { metadata, ..CommitOptions::default() }).await.unwrap();
    let commit = std::fs::read_to_string(commit_file(&lake, "t", 0)).unwrap();
    for expected in
        ["\"codeanatomy.spec_hash\":\"abc\"", "\"numOutputRows\":\"4\"", "\"codeanatomy.action_count\":4"]
    {
        assert!(commit.contains(expected), "{expected} not in {commit}");
    }

    let target = TableTarget::prepare(&location, people_schema(), append()).await.unwrap();
    let metadata = BTreeMap::from([("operation".to_owned(), "x".to_owned())]);
    let options = CommitOptions { metadata, ..CommitOptions::default() };
    let error = target.commit(Vec::new(), &options).await.unwrap_err();
    assert!(matches!(error, DeltaError::UnsupportedProperty { .. }), "{error}");
}

#[tokio::test]
async fn partitions_are_split_and_read_back() {
    let lake = Lake::new();
    let location = lake.at("t");
    let odd = ["a", "b c", "x/y", "50%", "é", "x=..", "/../"];
    let rows: Vec<_> = (0..70).map(|id| (id, odd[id as usize % odd.len()])).collect();
    let options = WriteOptions { partition_by: vec!["name".into()], ..overwrite() };
    let committed = write(&location, &[people(&rows), people(&[])], options).await;
    assert_eq!((committed.files_added, committed.rows), (odd.len(), 70));
    for name in &odd {
        let sql = format!("select count(*) from t where name = '{name}'");
        assert_eq!(number(&location, &sql).await, 10, "{name}");
    }
    let types = read(&location, "select arrow_typeof(name) from t limit 1").await;
    assert!(types.contains("Utf8View"), "{types}");
    let appended = write(&location, &[people(&[(1000, "a")])], append()).await;
    assert_eq!(appended.files_added, 1);
    assert_eq!(number(&location, "select count(*) from t where name = 'a'").await, 11);
    let replaced = write(&location, &[people(&[(1, "b c")])], overwrite()).await;
    assert_eq!(replaced.files_removed, odd.len() + 1);
    assert_eq!(number(&location, "select count(*) from t").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_run_side_by_side_and_roll_files() {
    let lake = Lake::new();
    let location = lake.at("t");
    let options = WriteOptions { target_file_size: NonZeroU64::new(100_000), ..overwrite() };
    let target = TableTarget::prepare(&location, people_schema(), options).await.unwrap();
    let writers = (0..4).map(|writer| {
        let target = target.clone();
        tokio::spawn(async move {
            let batches: Vec<_> = (0..4).map(|batch| crowd((writer * 4 + batch) * 20_000, 20_000)).collect();
            files(&target, &batches).await.unwrap()
        })
    });
    let mut written = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        written.push(writer.await.unwrap());
    }
    assert!(written.iter().all(|files| files.files() > 1 && files.rows() == 80_000));
    let count: usize = written.iter().map(delta::WrittenFiles::files).sum();
    assert!(!lake.path("t/_delta_log").exists(), "nothing is visible before the commit");
    let committed = target.commit(written, &CommitOptions::default()).await.unwrap();
    assert_eq!((committed.files_added, committed.rows), (count, 320_000));
    assert_eq!(number(&location, "select count(distinct id) from t").await, 320_000);
}

#[tokio::test]
async fn the_table_says_how_large_its_files_are_unless_the_write_does() {
    let lake = Lake::new();
    let sized = |size: &str| WriteOptions {
        properties: BTreeMap::from([("delta.targetFileSize".to_owned(), size.to_owned())]),
        ..overwrite()
    };
    write(&lake.at("small"), &[crowd(0, 1)], sized("50kb")).await;
    assert!(write(&lake.at("small"), &[crowd(0, 60_000)], overwrite()).await.files_added > 1);
    let whole = WriteOptions { target_file_size: NonZeroU64::new(1 << 30), ..overwrite() };
    assert_eq!(write(&lake.at("small"), &[crowd(0, 60_000)], whole).await.files_added, 1);
    for size in ["0", "many", "5 parsecs", ""] {
        let error = try_write(&lake.at("bad"), &[crowd(0, 1)], sized(size)).await.unwrap_err();
        assert!(matches!(error, DeltaError::UnsupportedProperty { .. }), "{size}: {error}");
    }
}

#[tokio::test]
async fn a_crash_before_the_commit_leaves_nothing_visible() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 5)], overwrite()).await;
    let target = TableTarget::prepare(&location, people_schema(), overwrite()).await.unwrap();
    let written = files(&target, &[crowd(5, 5)]).await.unwrap();
    // The process dies here: no destructor runs.
    std::mem::forget(written);
    assert_eq!(data_files(&lake.path("t")).len(), 2);
    let table = open(&location).await;
    assert_eq!((table.version(), table.files()), (0, 1));
    assert_eq!(number(&location, "select max(id) from t").await, 4);
    // The next run overwrites as if nothing had happened.
    assert_eq!(write(&location, &[crowd(9, 1)], overwrite()).await.version, 1);
    assert_eq!(number(&location, "select sum(id) from t").await, 9);
}

#[tokio::test]
async fn a_new_table_that_is_not_committed_does_not_exist() {
    let lake = Lake::new();
    let location = lake.at("t");
    let target = TableTarget::prepare(&location, people_schema(), overwrite()).await.unwrap();
    assert!(!lake.path("t").exists(), "preparing touches nothing");
    let written = files(&target, &[crowd(0, 5)]).await.unwrap();
    assert_eq!(written.discard().await, 0);
    assert!(!lake.path("t").exists(), "not even its folder");
    let error = delta::resolve(&location, None).await.unwrap_err();
    assert!(matches!(error, DeltaError::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn folders_that_were_there_stay_and_those_of_partitions_go() {
    let lake = Lake::new();
    std::fs::create_dir(lake.path("empty")).unwrap();
    let options = WriteOptions { partition_by: vec!["name".into()], ..overwrite() };
    write(&lake.at("table"), &[people(&[(1, "kept")])], options.clone()).await;
    for table in ["empty", "table"] {
        let target = TableTarget::prepare(&lake.at(table), people_schema(), options.clone()).await.unwrap();
        let written = files(&target, &[people(&[(2, "kept"), (3, "other")])]).await.unwrap();
        assert!(lake.path(table).join("name=other").exists());
        assert_eq!(written.discard().await, 0);
        assert!(lake.path(table).exists(), "{table}");
        assert!(!lake.path(table).join("name=other").exists(), "{table}");
    }
    assert!(lake.path("table/name=kept").exists(), "a folder with a file of the table");
    assert_eq!(number(&lake.at("table"), "select count(*) from t").await, 1);
}

#[tokio::test]
async fn abandoned_writers_and_files_clean_up() {
    let lake = Lake::new();
    let location = lake.at("t");
    let options = WriteOptions { target_file_size: NonZeroU64::new(50_000), ..overwrite() };
    let target = TableTarget::prepare(&location, people_schema(), options).await.unwrap();
    let gone = |what: &'static str| {
        let root = lake.path("t");
        async move {
            for _ in 0..200 {
                if data_files(&root).is_empty() {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            panic!("{what}: files stayed behind");
        }
    };
    let mut writer = target.writer();
    writer.write(crowd(0, 50_000)).await.unwrap();
    writer.abort().await;
    assert!(data_files(&lake.path("t")).is_empty(), "abort is done when it returns");

    let mut writer = target.writer();
    writer.write(crowd(0, 50_000)).await.unwrap();
    drop(writer);
    gone("dropped writer").await;

    let written = files(&target, &[crowd(0, 50_000)]).await.unwrap();
    assert!(data_files(&lake.path("t")).len() > 1);
    drop(written);
    gone("dropped files").await;
}

#[tokio::test]
async fn a_failing_batch_stops_the_writer_and_removes_its_files() {
    let lake = Lake::new();
    let properties = BTreeMap::from([("delta.constraints.c".to_owned(), "id >= 0".to_owned())]);
    let options = WriteOptions { target_file_size: NonZeroU64::new(50_000), properties, ..overwrite() };
    let target = TableTarget::prepare(&lake.at("t"), people_schema(), options).await.unwrap();
    let mut writer = target.writer();
    writer.write(crowd(0, 50_000)).await.unwrap();
    writer.write(crowd(-1, 1)).await.unwrap();
    let mut outcome = Ok(());
    for _ in 0..10 {
        outcome = writer.write(crowd(0, 1)).await;
        if outcome.is_err() {
            break;
        }
    }
    let error = outcome.unwrap_err();
    assert!(matches!(error, DeltaError::ConstraintViolation { rows: 1, .. }), "{error}");
    assert!(data_files(&lake.path("t")).is_empty());
}

// The process may be told to stop while it commits; whatever point it reached, a version that exists has its
// files.
#[tokio::test]
async fn a_commit_dropped_at_any_point_never_loses_the_files_of_a_version() {
    let mut landed = 0;
    let mut polls = 0;
    while landed < 3 {
        polls += 1;
        assert!(polls < 200, "the commit never finished");
        let lake = Lake::new();
        let location = lake.at("t");
        write(&location, &[crowd(0, 10)], overwrite()).await;
        let target = TableTarget::prepare(&location, people_schema(), append()).await.unwrap();
        let written = files(&target, &[crowd(10, 10)]).await.unwrap();
        let mut left = polls;
        let options = CommitOptions::default();
        let mut commit = Box::pin(target.commit(vec![written], &options));
        std::future::poll_fn(|context| {
            left -= 1;
            if left == 0 || commit.as_mut().poll(context).is_ready() {
                return std::task::Poll::Ready(());
            }
            std::task::Poll::Pending
        })
        .await;
        drop(commit);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let table = open(&location).await;
        landed += table.version();
        let rows = number(&location, "select count(distinct name) from t").await;
        assert_eq!(rows, if table.version() == 1 { 20 } else { 10 }, "after {polls} polls");
    }
}

#[tokio::test]
async fn files_of_another_table_are_refused() {
    let lake = Lake::new();
    let one = TableTarget::prepare(&lake.at("one"), people_schema(), overwrite()).await.unwrap();
    let two = TableTarget::prepare(&lake.at("two"), people_schema(), overwrite()).await.unwrap();
    let written = files(&one, &[crowd(0, 1)]).await.unwrap();
    let error = two.commit(vec![written], &CommitOptions::default()).await.unwrap_err();
    assert!(matches!(error, DeltaError::InvalidData { .. }), "{error}");
    assert!(data_files(lake.root.path()).is_empty(), "files of a failed commit go");
}

// The library writes an empty string where the protocol wants NULL ("Partition Value Serialization"), reads it
// back as an empty string, and other engines read NULL.
#[tokio::test]
async fn empty_strings_cannot_be_partition_values() {
    let lake = Lake::new();
    let options = WriteOptions { partition_by: vec!["name".into()], ..overwrite() };
    let error = try_write(&lake.at("t"), &[people(&[(1, "a"), (2, "")])], options).await.unwrap_err();
    assert!(error.to_string().contains("partition column `name` has an empty string"), "{error}");
}

#[tokio::test]
async fn batches_that_lack_a_column_are_refused() {
    let lake = Lake::new();
    let target = TableTarget::prepare(&lake.at("t"), people_schema(), overwrite()).await.unwrap();
    let error = files(&target, &[crowd(0, 1).project(&[0]).unwrap()]).await.unwrap_err();
    assert!(matches!(error, DeltaError::InvalidData { .. }), "{error}");
}

#[tokio::test]
async fn a_file_in_the_place_of_a_table_is_refused() {
    let lake = Lake::new();
    std::fs::write(lake.path("t"), "not a directory").unwrap();
    let error = try_write(&lake.at("t"), &[crowd(0, 1)], overwrite()).await.unwrap_err();
    assert!(matches!(error, DeltaError::InvalidLocation { .. }), "{error}");
}

#[tokio::test]
async fn no_checkpoint_and_no_log_clean_up_on_commit() {
    let lake = Lake::new();
    let properties = BTreeMap::from([
        ("delta.checkpointInterval".to_owned(), "2".to_owned()),
        ("delta.logRetentionDuration".to_owned(), "interval 0 days".to_owned()),
    ]);
    let location = lake.at("t");
    write(&location, &[crowd(0, 1)], WriteOptions { properties, ..overwrite() }).await;
    for id in 1..6 {
        write(&location, &[crowd(id, 1)], append()).await;
    }
    let names: Vec<_> = std::fs::read_dir(lake.path("t/_delta_log"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.len() == 6 && names.iter().all(|name| name.ends_with(".json")), "{names:?}");
}
