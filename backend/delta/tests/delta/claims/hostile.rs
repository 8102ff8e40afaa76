//! A table that somebody prepared: names that lead out of it, links, files that claim to be what they are not.

use std::path::Path;
use std::sync::Arc;

use delta::{ChangeRange, DeltaError, Location, WriteOptions};
use serde_json::{Value, json};

use crate::fixtures::{
    Lake, append, commit_file, crowd, data_files, edit_commit, number, open, overwrite, scan, session, write,
};

/// Spellings of a file outside the table; `{abs}` is its absolute path, `{name}` its name in the folder `secret`
/// beside the table.
const FORMS: [&str; 60] = [
    "{abs}",
    "/{abs}",
    "\\{abs}",
    "//localhost{abs}",
    " {abs}",
    "\t{abs}",
    "\n{abs}",
    "\r\n{abs}",
    "\u{0}{abs}",
    "\u{1f}{abs}",
    "\u{7f}{abs}",
    "\u{85}{abs}",
    "\u{a0}{abs}",
    "\u{2028}{abs}",
    "\u{3000}{abs}",
    "{abs} ",
    "{abs}\n",
    "file://{abs}",
    "file:{abs}",
    "FILE://{abs}",
    "File:{abs}",
    "file:///{abs}",
    "file://localhost{abs}",
    "file://host{abs}",
    "file://user:secret@{abs}",
    " file://{abs}",
    "fi\nle://{abs}",
    "file:\\\\{abs}",
    "../secret/{name}",
    "./../secret/{name}",
    "x/../../secret/{name}",
    "x/./../../secret/{name}",
    "../secret/./{name}",
    "..\\secret\\{name}",
    "x\\..\\..\\secret\\{name}",
    "..//secret/{name}",
    ".\t./secret/{name}",
    ".\n./secret/{name}",
    ".\r./secret/{name}",
    "\t../secret/{name}",
    " ../secret/{name}",
    "%2E%2E/secret/{name}",
    "%2e%2e/secret/{name}",
    ".%2E/secret/{name}",
    "%2E./secret/{name}",
    "%252E%252E/secret/{name}",
    "%25252E%25252E/secret/{name}",
    "..%2Fsecret/{name}",
    "..%5Csecret/{name}",
    "%2E%2E%2Fsecret/{name}",
    "x/%2E%2E/%2E%2E/secret/{name}",
    "%09../secret/{name}",
    "%0a{abs}",
    "file:../secret/{name}",
    "file://{abs}?x",
    "file://{abs}#x",
    "s3://bucket/{name}",
    "http://localhost/{name}",
    "memory:///{name}",
    "data:text/plain,{name}",
];

fn spelled(form: &str, outside: &Path) -> String {
    let name = outside.file_name().unwrap().to_str().unwrap();
    form.replace("{abs}", outside.to_str().unwrap()).replace("{name}", name)
}

/// A table `t`, and a file beside it that must not be read.
async fn with_secret(lake: &Lake, options: WriteOptions) -> (Location, std::path::PathBuf) {
    write(&lake.at("secret"), &[crowd(0, 10)], overwrite()).await;
    let outside = data_files(&lake.path("secret")).remove(0);
    let location = lake.at("t");
    write(&location, &[crowd(0, 1)], options).await;
    (location, outside)
}

fn each_action(lake: &Lake, version: u64, change: impl Fn(&mut Value)) {
    edit_commit(&commit_file(lake, "t", version), |line| {
        let mut action: Value = serde_json::from_str(&line).unwrap();
        change(&mut action);
        action.to_string()
    });
}

fn add_line(path: &Path, action: &Value) {
    let mut text = std::fs::read_to_string(path).unwrap();
    text.push_str(&format!("\n{action}"));
    // Ours say how many actions they have.
    let text = text.replace("codeanatomy.action_count", "not_counted");
    std::fs::write(path, text).unwrap();
}

fn is_escape<T>(result: Result<T, DeltaError>, form: &str) {
    let error = result.err().unwrap_or_else(|| panic!("{form:?} was followed"));
    assert!(matches!(error, DeltaError::PathEscape { .. }), "{form:?}: {error}");
}

#[tokio::test]
async fn data_files_outside_the_table() {
    let lake = Lake::new();
    let (location, outside) = with_secret(&lake, overwrite()).await;
    for form in FORMS {
        let path = spelled(form, &outside);
        each_action(&lake, 0, |action| {
            if let Some(add) = action.get_mut("add") {
                add["path"] = path.clone().into();
            }
        });
        is_escape(delta::resolve(&location, None).await, form);
    }
}

#[tokio::test]
async fn deletion_vectors_outside_the_table() {
    let lake = Lake::new();
    let (location, outside) = with_secret(&lake, overwrite()).await;
    for form in FORMS {
        let path = spelled(form, &outside);
        for (storage, text) in [("p", path.clone()), ("u", format!("{path}vBn[lx{{q8@P<9BNH/isA"))] {
            each_action(&lake, 0, |action| {
                if let Some(add) = action.get_mut("add") {
                    let vector = json!({"storageType": storage, "pathOrInlineDv": text, "offset": 1, "sizeInBytes": 36, "cardinality": 1});
                    add.as_object_mut().unwrap().insert("deletionVector".into(), vector);
                }
            });
            let result = delta::resolve(&location, None).await;
            assert!(result.is_err(), "{storage} {form:?} was followed");
        }
    }
}

/// With the feature of the protocol and without it.
#[tokio::test]
async fn deletion_vectors_of_an_unknown_kind() {
    for has_feature in [false, true] {
        let lake = Lake::new();
        let location = lake.at("t");
        write(&location, &[crowd(0, 4)], overwrite()).await;
        each_action(&lake, 0, |action| {
            if let Some(protocol) = action.get_mut("protocol").filter(|_| has_feature) {
                *protocol = json!({"minReaderVersion": 3, "minWriterVersion": 7,
                    "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]});
            }
            if let Some(add) = action.get_mut("add").and_then(Value::as_object_mut) {
                let vector =
                    json!({"storageType": "q", "pathOrInlineDv": "x", "sizeInBytes": 4, "cardinality": 1});
                add.insert("deletionVector".into(), vector);
            }
        });
        let error = delta::resolve(&location, None).await.unwrap_err();
        assert!(matches!(error, DeltaError::CorruptLog { .. }), "{error}");
        assert!(error.to_string().contains("is kept in an unknown way"), "{error}");
    }
}

#[tokio::test]
async fn sidecars_of_a_checkpoint_outside_the_table() {
    let lake = Lake::new();
    let (location, outside) = with_secret(&lake, overwrite()).await;
    let checkpoint = lake
        .path("t")
        .join("_delta_log/00000000000000000000.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json");
    for form in FORMS {
        let path = spelled(form, &outside);
        let lines = [
            json!({"checkpointMetadata": {"version": 0}}),
            json!({"sidecar": {"path": path, "sizeInBytes": 100, "modificationTime": 0}}),
        ];
        std::fs::write(&checkpoint, lines.map(|line| line.to_string()).join("\n")).unwrap();
        is_escape(delta::resolve(&location, None).await, form);
    }
}

#[tokio::test]
async fn change_files_outside_the_table() {
    let lake = Lake::new();
    let properties = [("delta.enableChangeDataFeed".to_owned(), "true".to_owned())].into();
    let (location, outside) = with_secret(&lake, WriteOptions { properties, ..overwrite() }).await;
    write(&location, &[crowd(1, 1)], append()).await;
    let commit = commit_file(&lake, "t", 1);
    let before = std::fs::read_to_string(&commit).unwrap();
    let range = ChangeRange { starting_version: Some(0), ..ChangeRange::default() };
    for form in FORMS {
        let path = spelled(form, &outside);
        std::fs::write(&commit, &before).unwrap();
        add_line(
            &commit,
            &json!({"cdc": {"path": path, "partitionValues": {}, "size": 1, "dataChange": false}}),
        );
        is_escape(delta::change_feed(&open(&location).await, &range).await, form);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn links_that_leave_the_table() {
    let lake = Lake::new();
    let (location, outside) = with_secret(&lake, overwrite()).await;
    let inside = data_files(&lake.path("t")).remove(0);
    let read = || async {
        let context = session();
        context.register_table("t", scan(&open(&location).await)).unwrap();
        context.sql("select count(*), sum(id) from t").await.unwrap().collect().await
    };
    std::fs::copy(&inside, lake.path("t").join("moved.parquet")).unwrap();
    std::fs::remove_file(&inside).unwrap();
    std::os::unix::fs::symlink(lake.path("t").join("moved.parquet"), &inside).unwrap();
    read().await.unwrap();
    std::fs::remove_file(&inside).unwrap();
    std::os::unix::fs::symlink(&outside, &inside).unwrap();
    let error = read().await.unwrap_err().to_string();
    assert!(error.contains("outside its own directory"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn links_in_the_log_that_leave_the_table() {
    use std::os::unix::fs::symlink;

    let lake = Lake::new();
    let (location, _) = with_secret(&lake, overwrite()).await;
    let commit = commit_file(&lake, "t", 0);
    std::fs::remove_file(&commit).unwrap();
    symlink(commit_file(&lake, "secret", 0), &commit).unwrap();
    is_escape(delta::resolve(&location, None).await, "a commit");
    // One that stays in the table is a file like others.
    std::fs::remove_file(&commit).unwrap();
    std::fs::copy(commit_file(&lake, "secret", 0), lake.path("t").join("kept.json")).unwrap();
    symlink(lake.path("t").join("kept.json"), &commit).unwrap();
    delta::resolve(&location, None).await.unwrap();
    symlink(lake.path("secret/_delta_log"), lake.path("t/_delta_log/more")).unwrap();
    is_escape(delta::resolve(&location, None).await, "a folder in the log");
    std::fs::remove_dir_all(lake.path("t/_delta_log")).unwrap();
    symlink(lake.path("secret/_delta_log"), lake.path("t/_delta_log")).unwrap();
    is_escape(delta::resolve(&location, None).await, "the log");
}

/// Makes a footer claim more than there is, in several ways; with what is said of each.
fn forgeries(good: &[u8]) -> [(Vec<u8>, &'static str); 3] {
    // A footer with a list of two thousand million row groups, no other field.
    let mut forged = b"PAR1".to_vec();
    let footer = [0x49, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00];
    forged.resize(good.len() - footer.len() - 8, 0);
    forged.extend(footer);
    forged.extend(u32::try_from(footer.len()).unwrap().to_le_bytes());
    forged.extend(b"PAR1");
    let mut longer = good.to_vec();
    let end = longer.len() - 8;
    longer[end..end + 4].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    let mut other = good.to_vec();
    let end = other.len();
    other[end - 4..].copy_from_slice(b"PARX");
    [
        (forged, "claims more than it holds"),
        (longer, "its footer is said to have"),
        (other, "not a Parquet file"),
    ]
}

/// What reading the provider says, from planning to the last row.
async fn said(provider: Arc<dyn datafusion::catalog::TableProvider>, query: &str) -> String {
    let context = session();
    context.register_table("t", provider).unwrap();
    let frame = context.sql(query).await.unwrap();
    frame.collect().await.map_or_else(|error| error.to_string(), |rows| format!("{rows:?}"))
}

/// Forges the footer of the only data file of `t`, and reads it each time.
async fn forged(lake: &Lake, location: &Location, queries: &[&str]) {
    let file = data_files(&lake.path("t")).remove(0);
    let good = std::fs::read(&file).unwrap();
    for (bytes, wanted) in forgeries(&good) {
        std::fs::write(&file, bytes).unwrap();
        for query in queries {
            let text = said(scan(&open(location).await), query).await;
            assert!(text.contains(wanted) && text.contains("is refused"), "{query}: {text}");
        }
    }
    std::fs::write(&file, good).unwrap();
}

#[tokio::test]
async fn footers_that_claim_too_much() {
    let lake = Lake::new();
    let (location, _) = with_secret(&lake, overwrite()).await;
    forged(&lake, &location, &["select count(*) from t", "select sum(id) from t"]).await;
}

// Tables with deletion vectors are read by the Delta library.
#[tokio::test]
async fn footers_that_the_library_would_read() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &[crowd(0, 40)], overwrite()).await;
    // Rows 3, 4, 7, 11, 18 and 29 are deleted.
    let text = "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L";
    each_action(&lake, 0, |action| {
        let features = json!({"minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]});
        if let Some(protocol) = action.get_mut("protocol") {
            *protocol = features;
        }
        if let Some(add) = action.get_mut("add").and_then(Value::as_object_mut) {
            let vector =
                json!({"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": 44, "cardinality": 6});
            add.insert("deletionVector".into(), vector);
        }
    });
    assert_eq!(number(&location, "select count(*) from t").await, 34);
    forged(&lake, &location, &["select count(*) from t", "select sum(id) from t"]).await;
}

#[tokio::test]
async fn footers_of_a_change_feed() {
    let lake = Lake::new();
    let properties = [("delta.enableChangeDataFeed".to_owned(), "true".to_owned())].into();
    let (location, _) = with_secret(&lake, WriteOptions { properties, ..overwrite() }).await;
    let range = ChangeRange { starting_version: Some(0), ..ChangeRange::default() };
    let file = data_files(&lake.path("t")).remove(0);
    let good = std::fs::read(&file).unwrap();
    for (bytes, wanted) in forgeries(&good) {
        std::fs::write(&file, bytes).unwrap();
        for query in ["select count(*) from t", "select sum(id) from t"] {
            let feed = delta::change_feed(&open(&location).await, &range).await.unwrap();
            let text = said(feed, query).await;
            assert!(text.contains(wanted) && text.contains("is refused"), "{query}: {text}");
        }
    }
}

#[tokio::test]
async fn footers_of_checkpoints() {
    let lake = Lake::new();
    let (location, _) = with_secret(&lake, overwrite()).await;
    write(&location, &[crowd(1, 1)], append()).await;
    let checkpoint = lake.path("t/_delta_log/00000000000000000000.checkpoint.parquet");
    let commit = commit_file(&lake, "t", 0);
    let kept = std::fs::read(&commit).unwrap();
    let good = std::fs::read(data_files(&lake.path("t")).remove(0)).unwrap();
    for (bytes, wanted) in forgeries(&good) {
        std::fs::write(&checkpoint, bytes).unwrap();
        // The commits tell what the checkpoint should have.
        assert_eq!(number(&location, "select count(*) from t").await, 2);
        std::fs::remove_file(&commit).unwrap();
        let error = delta::resolve(&location, None).await.unwrap_err().to_string();
        assert!(error.contains(wanted) && error.contains("checkpoint.parquet"), "{error}");
        std::fs::write(&commit, &kept).unwrap();
    }
}

// A checkpoint may claim any version, up to the largest number there is.
#[tokio::test]
async fn versions_at_the_end_of_numbers() {
    let lake = Lake::new();
    let (location, _) = with_secret(&lake, overwrite()).await;
    let log = lake.path("t/_delta_log");
    let data = data_files(&lake.path("t")).remove(0);
    for name in
        ["18446744073709551615.checkpoint.parquet", "18446744073709551615.json", "09223372036854775808.json"]
    {
        std::fs::copy(&data, log.join(name)).unwrap();
        // No version of the protocol is so large: it is a file like any other.
        assert_eq!(open(&location).await.version(), 0, "{name}");
        std::fs::remove_file(log.join(name)).unwrap();
    }
    for name in ["09223372036854775807.checkpoint.parquet", "09223372036854775807.json"] {
        std::fs::copy(&data, log.join(name)).unwrap();
        let error = delta::resolve(&location, None).await.unwrap_err();
        assert!(matches!(error, DeltaError::CorruptLog { .. }), "{name}: {error}");
        std::fs::remove_file(log.join(name)).unwrap();
    }
}
