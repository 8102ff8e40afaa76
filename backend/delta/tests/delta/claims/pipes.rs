//! Tables with pipes where files should be: whoever opens one to read waits for a writer who never comes.
#![cfg(unix)]

use std::process::Command;
use std::time::Duration;

use crate::fixtures::{Lake, crowd, data_files, open, overwrite, scan, session, write};

#[tokio::test]
async fn pipes_in_the_log_are_not_waited_for() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(1, 1)], overwrite()).await;
    let hint = lake.path("t/_delta_log/_last_checkpoint");
    assert!(Command::new("mkfifo").arg(&hint).status().unwrap().success());
    let error = delta::resolve(&location, None).await.unwrap_err();
    assert!(error.to_string().contains("`_last_checkpoint` is no file"), "{error}");
}

#[tokio::test]
async fn pipes_in_the_place_of_data_files_are_not_waited_for() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(1, 1)], overwrite()).await;
    let table = open(&location).await;
    let file = data_files(&lake.path("t")).pop().unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    let session = session();
    session.register_table("t", scan(&table)).unwrap();
    let rows = async { session.sql("SELECT * FROM t").await?.collect().await };
    let error = tokio::time::timeout(Duration::from_secs(20), rows).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("is no file"), "{error}");
}
