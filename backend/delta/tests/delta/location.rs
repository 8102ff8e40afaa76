//! Where tables are.

use std::path::Path;

use delta::{DeltaError, Location};

fn url(text: &str) -> String {
    Location::parse(text, Path::new("/base/dir")).unwrap().url().to_string()
}

fn refusal(text: &str) -> String {
    match Location::parse(text, Path::new("/base/dir")).unwrap_err() {
        DeltaError::InvalidLocation { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[test]
fn paths_and_urls_become_directory_urls() {
    assert_eq!(url("t"), "file:///base/dir/t/");
    assert_eq!(url("./a/../t/"), "file:///base/dir/t/");
    assert_eq!(url("../t"), "file:///base/t/");
    assert_eq!(url("/abs/t"), "file:///abs/t/");
    assert_eq!(url("with space"), "file:///base/dir/with%20space/");
    assert_eq!(url("file:///abs/t"), "file:///abs/t/");
    assert_eq!(url("FILE:///abs/./t/"), "file:///abs/t/");
    assert_eq!(url("100%"), "file:///base/dir/100%25/");
}

#[test]
fn what_cannot_be_a_table_is_refused_with_a_reason() {
    assert!(refusal(" ").contains("empty"));
    assert!(refusal("../../../t").contains("above the root"));
    assert!(refusal("s3://bucket/t").contains("`s3`"));
    assert!(refusal("~/t").contains("not expanded"));
    assert!(refusal("a\0b").contains("NUL"));
    assert!(refusal("file://server/share").contains("host"));
    assert!(refusal("file:///t?x=1").contains("query"));
    assert!(refusal("file:///t#x").contains("fragment"));
    assert!(Location::parse("t", Path::new("relative")).is_err());
}

#[test]
fn credentials_do_not_reach_the_message() {
    let error = Location::parse("s3://key:secret@bucket/t", Path::new("/")).unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn parsing_creates_nothing() {
    let root = tempfile::tempdir().unwrap();
    Location::parse("some/where", root.path()).unwrap();
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}
