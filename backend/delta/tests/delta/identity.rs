//! What tells a table's rows from those of its copies.

use std::fs;
use std::path::Path;

use crate::fixtures::{Lake, append, open, people, write};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (entry, at) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if entry.is_dir() { copy(&entry, &at) } else { fs::copy(&entry, &at).map(|_| ()).unwrap() }
    }
}

fn commit(table: &Path, version: u64) -> std::path::PathBuf {
    table.join("_delta_log").join(format!("{version:020}.json"))
}

#[tokio::test]
async fn a_copy_is_the_same_until_one_is_written_to() {
    let lake = Lake::new();
    write(&lake.at("t"), &[people(&[(1, "a")])], append()).await;
    copy(&lake.path("t"), &lake.path("deep/er/u"));
    let (t, u) = (open(&lake.at("t")).await, open(&lake.at("deep/er/u")).await);
    assert!(t.commit_digest().is_some());
    assert_eq!(t.commit_digest(), u.commit_digest());
    assert_eq!(t.files_digest().unwrap(), u.files_digest().unwrap());
    write(&lake.at("t"), &[people(&[(2, "b")])], append()).await;
    write(&lake.at("deep/er/u"), &[people(&[(3, "c")])], append()).await;
    let (t, u) = (open(&lake.at("t")).await, open(&lake.at("deep/er/u")).await);
    assert_eq!((t.table_id(), t.version()), (u.table_id(), u.version()));
    assert_ne!(t.commit_digest(), u.commit_digest());
    assert_ne!(t.files_digest().unwrap(), u.files_digest().unwrap());
}

#[tokio::test]
async fn two_histories_that_end_alike_have_other_files() {
    let lake = Lake::new();
    write(&lake.at("t"), &[people(&[(1, "a")])], append()).await;
    copy(&lake.path("t"), &lake.path("u"));
    write(&lake.at("t"), &[people(&[(2, "b")])], append()).await;
    write(&lake.at("u"), &[people(&[(3, "c")])], append()).await;
    // The next commit is the same, byte for byte, and so is the file it adds.
    write(&lake.at("t"), &[people(&[(4, "d")])], append()).await;
    fs::copy(commit(&lake.path("t"), 2), commit(&lake.path("u"), 2)).unwrap();
    let (t, u) = (open(&lake.at("t")).await, open(&lake.at("u")).await);
    assert_eq!((t.version(), t.commit_digest()), (2, u.commit_digest()));
    assert_ne!(t.files_digest().unwrap(), u.files_digest().unwrap());
    let (t_changes, u_changes) =
        (t.history_digest(0, 2).await.unwrap(), u.history_digest(0, 2).await.unwrap());
    assert_ne!(t_changes, u_changes);
    assert_eq!(t.history_digest(2, 2).await.unwrap(), u.history_digest(2, 2).await.unwrap());
}

#[tokio::test]
async fn a_version_written_anew_is_another() {
    let lake = Lake::new();
    write(&lake.at("t"), &[people(&[(1, "a")])], append()).await;
    let before = open(&lake.at("t")).await;
    let text = fs::read_to_string(commit(&lake.path("t"), 0)).unwrap();
    fs::write(commit(&lake.path("t"), 0), text.replace("\"numRecords\\\":1", "\"numRecords\\\": 1")).unwrap();
    let after = open(&lake.at("t")).await;
    assert_eq!(before.table_id(), after.table_id());
    assert_ne!(before.commit_digest(), after.commit_digest());
    assert_eq!(before.files_digest().unwrap(), after.files_digest().unwrap(), "the files are the same");
}
