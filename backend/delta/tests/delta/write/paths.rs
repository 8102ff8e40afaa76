//! An overwrite removes files under the names the log has for them, however their writer spelled them.

use delta::{DeltaError, WriteOptions};
use serde_json::{Value, json};

use crate::fixtures::{
    Lake, commit_file, crowd, data_files, edit_commit, number, open, overwrite, people, scan, session,
    try_write, write,
};

/// What writers make of a partition folder's name, encoded as little or as much as the protocol allows, and the folder.
const SPELLINGS: [(&str, &str, &str); 6] = [
    ("é", "name=é", "name=é"),
    ("é", "name=%c3%a9", "name=é"),
    ("b c", "name=b%20c", "name=b c"),
    ("b+c", "name=b+c", "name=b+c"),
    ("b+c", "name=b%2Bc", "name=b+c"),
    ("plain", "%6Eame=plai%6e", "name=plain"),
];

fn paths(lake: &Lake, version: u64, action: &str) -> Vec<String> {
    let text = std::fs::read_to_string(commit_file(lake, "t", version)).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter_map(|line| Some(line.get(action)?["path"].as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn an_overwrite_removes_what_the_log_spells_otherwise() {
    for (value, spelling, place) in SPELLINGS {
        let lake = Lake::new();
        let location = lake.at("t");
        let options = WriteOptions { partition_by: vec!["name".into()], ..overwrite() };
        write(&location, &[people(&[(1, value), (2, "other")])], options).await;
        let folder = paths(&lake, 0, "add").into_iter().find(|path| !path.starts_with("name=other")).unwrap();
        let written = folder.split('/').next().unwrap().to_owned();
        edit_commit(&commit_file(&lake, "t", 0), |line| {
            line.replace(&format!("\"{written}/"), &format!("\"{spelling}/"))
        });
        let file = data_files(&lake.path("t"))
            .into_iter()
            .find(|file| !file.to_string_lossy().contains("name=other"));
        std::fs::rename(file.unwrap().parent().unwrap(), lake.path("t").join(place)).unwrap();
        assert_eq!(number(&location, "select count(*) from t").await, 2, "{spelling}");

        let replaced = write(&location, &[people(&[(3, "new")])], overwrite()).await;
        assert_eq!((replaced.files_added, replaced.files_removed), (1, 2));
        let (mut added, mut removed) = (paths(&lake, 0, "add"), paths(&lake, 1, "remove"));
        added.sort();
        removed.sort();
        assert_eq!(added, removed, "{spelling}");
        assert_eq!(number(&location, "select sum(id) from t").await, 3, "{spelling}");
        assert_eq!(open(&location).await.files(), 1);
    }
}

/// A file is the path and the deletion vector that its addition has; a removal with another one of either removes nothing.
#[tokio::test]
async fn an_overwrite_removes_files_with_deletion_vectors_that_the_log_spells_otherwise() {
    // The inline vector of the protocol's tests: rows 3, 4, 7, 11, 18 and 29.
    let vector = json!({
        "storageType": "i", "pathOrInlineDv": "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
        "sizeInBytes": 44, "cardinality": 6,
    });
    let gone: i64 = [3, 4, 7, 11, 18, 29].iter().sum();
    for (value, spelling, place) in SPELLINGS {
        let lake = Lake::new();
        let location = lake.at("t");
        let options = WriteOptions { partition_by: vec!["name".into()], ..overwrite() };
        let rows: Vec<(i64, &str)> = (0..40).map(|id| (id, value)).collect();
        write(&location, &[people(&rows)], options).await;
        let written = paths(&lake, 0, "add").remove(0);
        let (folder, _) = written.split_once('/').unwrap();
        edit_commit(&commit_file(&lake, "t", 0), |line| {
            let line = line.replace(&format!("\"{folder}/"), &format!("\"{spelling}/"));
            let mut action: Value = serde_json::from_str(&line).unwrap();
            if let Some(add) = action.get_mut("add") {
                add["deletionVector"] = vector.clone();
            }
            if let Some(protocol) = action.get_mut("protocol") {
                *protocol = json!({
                    "minReaderVersion": 3, "minWriterVersion": 7,
                    "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"],
                });
            }
            action.to_string()
        });
        let file = data_files(&lake.path("t")).remove(0);
        std::fs::rename(file.parent().unwrap(), lake.path("t").join(place)).unwrap();
        assert_eq!(number(&location, "select sum(id) from t").await, 780 - gone, "{spelling}");

        let replaced = write(&location, &[people(&[(1, "new")])], overwrite()).await;
        assert_eq!((replaced.files_added, replaced.files_removed), (1, 1), "{spelling}");
        assert_eq!(paths(&lake, 0, "add"), paths(&lake, 1, "remove"), "{spelling}");
        let text = std::fs::read_to_string(commit_file(&lake, "t", 1)).unwrap();
        let removed = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let removed: Vec<Value> = removed.filter_map(|line| line.get("remove").cloned()).collect();
        for field in ["storageType", "pathOrInlineDv", "sizeInBytes", "cardinality"] {
            assert_eq!(removed[0]["deletionVector"][field], vector[field], "{spelling}");
        }
        assert_eq!(number(&location, "select sum(id) from t").await, 1, "{spelling}");
        assert_eq!(open(&location).await.files(), 1, "{spelling}");
    }
}

/// A commit that lost its end is found when it is not the last one, too.
#[tokio::test]
async fn a_cut_commit_below_others_is_refused() {
    let damages: [fn(&str) -> String; 4] = [
        |_| String::new(),
        |text| text[..text.len() - 20].to_owned(),
        |text| text.lines().next().unwrap().to_owned() + "\n",
        |text| "\0".repeat(text.len()),
    ];
    for (index, damage) in damages.into_iter().enumerate() {
        let lake = Lake::new();
        let location = lake.at("t");
        write(&location, &[crowd(0, 10)], overwrite()).await;
        for id in 1..4 {
            write(&location, &[crowd(id * 10, 10)], crate::fixtures::append()).await;
        }
        let middle = commit_file(&lake, "t", 2);
        let text = std::fs::read_to_string(&middle).unwrap();
        std::fs::write(&middle, damage(&text)).unwrap();
        let error = delta::resolve(&location, None).await.unwrap_err();
        assert!(matches!(error, DeltaError::CorruptLog { version: Some(2), .. }), "{index}: {error}");
        let error = try_write(&location, &[crowd(90, 1)], crate::fixtures::append()).await.unwrap_err();
        assert!(matches!(error, DeltaError::CorruptLog { version: Some(2), .. }), "{index}: {error}");
        assert_eq!(delta::resolve(&location, Some(1)).await.unwrap().version(), 1);
    }
}

/// Checkpoints only save time: one that cannot be read hides nothing that the commits tell.
#[tokio::test]
async fn a_broken_checkpoint_hides_no_commits() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 10)], overwrite()).await;
    for id in 1..5 {
        write(&location, &[crowd(id * 10, 10)], crate::fixtures::append()).await;
    }
    let log = lake.path("t/_delta_log");
    let names = [
        "00000000000000000002.checkpoint.parquet",
        "00000000000000000003.checkpoint.0000000001.0000000002.parquet",
        "00000000000000000004.checkpoint.parquet",
    ];
    for name in names {
        std::fs::write(log.join(name), b"PAR1 and no more").unwrap();
    }
    std::fs::write(log.join("_last_checkpoint"), "{\"version\":4,\"size\":5}").unwrap();
    let table = open(&location).await;
    assert_eq!((table.version(), table.files()), (4, 5));
    assert_eq!(number(&location, "select count(*) from t").await, 50);
    assert_eq!(write(&location, &[crowd(90, 1)], overwrite()).await.files_removed, 5);
    // Without the commits that it stands for, it is missed, and named.
    std::fs::remove_file(commit_file(&lake, "t", 1)).unwrap();
    let error = delta::resolve(&location, None).await.unwrap_err();
    assert!(matches!(error, DeltaError::CorruptLog { .. }), "{error}");
    assert!(error.to_string().contains("checkpoint"), "{error}");
}

/// What is staged can be read, by who staged it.
#[tokio::test]
async fn a_staged_version_can_be_read_before_anybody_sees_it() {
    use delta::{CommitOptions, TableTarget, publish};
    let lake = Lake::new();
    let location = lake.at("t");
    for (version, ids) in [(0, 0..10), (1, 20..25)] {
        let batch = crowd(ids.start, ids.end - ids.start);
        let target = TableTarget::prepare(&location, batch.schema(), overwrite()).await.unwrap();
        let written = crate::fixtures::files(&target, &[batch]).await.unwrap();
        let staged = target.stage(vec![written], &CommitOptions::default()).await.unwrap();
        let preview = staged.preview().await.unwrap();
        assert_eq!((preview.version(), preview.files()), (version, 1));
        let provider = scan(&preview);
        let rows = crate::fixtures::query(provider, "select min(id), count(*) from t").await;
        let expected = format!("| {}", ids.start);
        assert!(rows.contains(&expected), "{rows}");
        let latest = delta::resolve(&location, None).await.ok().map(|table| table.version());
        assert_eq!(latest, version.checked_sub(1), "nobody else sees it");
        let committed = publish(vec![staged], || false).await.unwrap();
        assert_eq!(committed[0].version, version);
    }
    assert_eq!(number(&location, "select sum(id) from t").await, 110);
}

/// Whoever may write beside a table can put a link in its place while something is computed.
#[tokio::test]
async fn a_link_that_is_put_in_the_place_of_a_table_is_not_followed() {
    let lake = Lake::new();
    std::fs::create_dir(lake.path("victim")).unwrap();
    let (new, old) = (lake.at("new"), lake.at("old"));
    std::os::unix::fs::symlink(lake.path("victim"), lake.path("new")).unwrap();
    let error = try_write(&new, &[people(&[(2, "b")])], overwrite()).await.unwrap_err().to_string();
    assert!(error.contains("a symbolic link leads"), "{error}");
    assert_eq!(std::fs::read_dir(lake.path("victim")).unwrap().count(), 0);

    write(&old, &[people(&[(3, "c")])], overwrite()).await;
    let table = open(&old).await;
    std::fs::rename(lake.path("old"), lake.path("away")).unwrap();
    std::os::unix::fs::symlink(lake.path("away"), lake.path("old")).unwrap();
    let opened = delta::resolve(&old, None).await;
    assert!(matches!(opened, Err(DeltaError::PathEscape { .. })), "{opened:?}");
    let rows = session().read_table(scan(&table)).unwrap().collect().await.unwrap_err().to_string();
    assert!(rows.contains("outside its own directory"), "{rows}");
    let before = data_files(&lake.path("away")).len();
    assert!(try_write(&old, &[people(&[(4, "d")])], overwrite()).await.is_err());
    assert_eq!(data_files(&lake.path("away")).len(), before);
}
