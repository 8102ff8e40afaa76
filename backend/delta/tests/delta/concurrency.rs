//! Several writers of one table.

use delta::{CommitOptions, DeltaError, TableTarget, WriteOptions};

use crate::fixtures::{
    Lake, append, commit_file, crowd, data_files, files, number, open, overwrite, people_schema, write,
};

async fn prepared(lake: &Lake, options: WriteOptions, from: i64) -> (TableTarget, delta::WrittenFiles) {
    let target = TableTarget::prepare(&lake.at("t"), people_schema(), options).await.unwrap();
    let written = files(&target, &[crowd(from, 10)]).await.unwrap();
    (target, written)
}

#[tokio::test]
async fn the_second_of_two_overwrites_fails_and_leaves_no_files() {
    let lake = Lake::new();
    write(&lake.at("t"), &[crowd(0, 1)], overwrite()).await;
    let (first, first_files) = prepared(&lake, overwrite(), 100).await;
    let (second, second_files) = prepared(&lake, overwrite(), 200).await;
    first.commit(vec![first_files], &CommitOptions::default()).await.unwrap();
    let error = second.commit(vec![second_files], &CommitOptions::default()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "table `t` changed while it was being written: version 1 (WRITE) came after version 0; nothing was \
         committed, run again"
    );
    assert_eq!(number(&lake.at("t"), "select min(id) from t").await, 100);
    assert_eq!(data_files(&lake.path("t")).len(), 2);
}

#[tokio::test]
async fn only_one_of_two_creations_succeeds() {
    for options in [overwrite(), append()] {
        let lake = Lake::new();
        let (first, first_files) = prepared(&lake, options.clone(), 100).await;
        let (second, second_files) = prepared(&lake, options, 200).await;
        first.commit(vec![first_files], &CommitOptions::default()).await.unwrap();
        let error = second.commit(vec![second_files], &CommitOptions::default()).await.unwrap_err();
        assert!(matches!(error, DeltaError::ConcurrentChange { base: None, found: 0, .. }), "{error}");
        assert_eq!(number(&lake.at("t"), "select count(*) from t").await, 10);
    }
}

#[tokio::test]
async fn an_append_rebases_over_appends_only() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 10)], overwrite()).await;
    let (target, written) = prepared(&lake, append(), 100).await;
    for id in 1..4 {
        write(&location, &[crowd(id * 10, 10)], append()).await;
    }
    let committed = target.commit(vec![written], &CommitOptions::default()).await.unwrap();
    assert_eq!((committed.version, committed.rows), (4, 10));
    assert_eq!(number(&location, "select count(distinct id) from t").await, 50);

    let (target, written) = prepared(&lake, append(), 200).await;
    write(&location, &[crowd(50, 10)], append()).await;
    write(&location, &[crowd(60, 10)], overwrite()).await;
    let error = target.commit(vec![written], &CommitOptions::default()).await.unwrap_err();
    assert!(matches!(error, DeltaError::ConcurrentChange { base: Some(4), found: 6, .. }), "{error}");
    assert_eq!(number(&location, "select count(*) from t").await, 10);
}

/// Who has looked at a version publishes that one or none.
#[tokio::test]
async fn a_version_that_is_fixed_does_not_rebase() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 10)], overwrite()).await;
    let (target, written) = prepared(&lake, append(), 100).await;
    let mut staged = target.stage(vec![written], &CommitOptions::default()).await.unwrap();
    staged.fix_version();
    assert_eq!(staged.preview().await.unwrap().version(), 1);
    write(&location, &[crowd(10, 10)], append()).await;
    let is_conflict =
        |error: &DeltaError| matches!(error, DeltaError::ConcurrentChange { base: Some(0), found: 1, .. });
    let error = staged.preview().await.unwrap_err();
    assert!(is_conflict(&error), "{error}");
    let error = delta::publish(vec![staged], || false).await.unwrap_err();
    let delta::PublishError::Failed { source, committed, .. } = error else { panic!("{error}") };
    assert!(is_conflict(&source) && committed.is_empty(), "{source}");
    assert_eq!(number(&location, "select count(*) from t").await, 20);
}

#[tokio::test]
async fn retries_are_bounded() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 10)], overwrite()).await;
    let (target, written) = prepared(&lake, append(), 100).await;
    write(&location, &[crowd(10, 10)], append()).await;
    let options = CommitOptions { max_retries: 0, ..CommitOptions::default() };
    let error = target.commit(vec![written], &options).await.unwrap_err();
    assert!(matches!(error, DeltaError::ConcurrentChange { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_appends_at_once_lose_and_repeat_nothing() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 10)], overwrite()).await;
    let mut writers = Vec::new();
    for writer in 1..=8 {
        writers.push(prepared(&lake, append(), writer * 10).await);
    }
    let tasks = writers.into_iter().map(|(target, written)| {
        tokio::spawn(async move { target.commit(vec![written], &CommitOptions::default()).await })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut versions = Vec::new();
    for task in tasks {
        versions.push(task.await.unwrap().unwrap().version);
    }
    versions.sort_unstable();
    assert_eq!(versions, (1..=8).collect::<Vec<_>>());
    assert_eq!(number(&location, "select count(*) from t").await, 90);
    assert_eq!(number(&location, "select count(distinct id) from t").await, 90);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_creations_one_wins() {
    let lake = Lake::new();
    let mut writers = Vec::new();
    for writer in 0..8 {
        writers.push(prepared(&lake, append(), writer * 10).await);
    }
    let tasks = writers.into_iter().map(|(target, written)| {
        tokio::spawn(async move { target.commit(vec![written], &CommitOptions::default()).await })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(error) => assert!(matches!(error, DeltaError::ConcurrentChange { .. }), "{error}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(number(&lake.at("t"), "select count(*) from t").await, 10);
}

#[tokio::test]
async fn a_log_that_cannot_be_written_fails_and_cleans_up() {
    let lake = Lake::new();
    write(&lake.at("t"), &[crowd(0, 1)], overwrite()).await;
    let (target, written) = prepared(&lake, overwrite(), 100).await;
    // A directory in the place of the commit file: it can be neither written nor read.
    std::fs::create_dir(commit_file(&lake, "t", 1)).unwrap();
    let error = target.commit(vec![written], &CommitOptions::default()).await.unwrap_err();
    assert!(
        matches!(error, DeltaError::CommitUnknown { version: 1, .. } | DeltaError::Delta { .. }),
        "{error:?}"
    );
    std::fs::remove_dir(commit_file(&lake, "t", 1)).unwrap();
    assert_eq!(open(&lake.at("t")).await.version(), 0);
}
