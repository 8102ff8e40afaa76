//! Spellings of one place, and spellings that are refused.

use std::fs::create_dir_all;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;

fn url(text: &str) -> String {
    Location::parse(text, Path::new("/base/dir")).unwrap().url().to_string()
}

fn refusal_at(text: &str, base: &Path) -> String {
    match Location::parse(text, base) {
        Ok(place) => panic!("`{text}` is {place:?}"),
        Err(DeltaError::InvalidLocation { reason, .. }) => reason,
        Err(other) => panic!("{other}"),
    }
}

/// A folder `lake/t`, and links to it, to the folder above and to nowhere.
fn lake() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let base = root.path().canonicalize().unwrap();
    create_dir_all(base.join("lake/t")).unwrap();
    create_dir_all(base.join("elsewhere/deep")).unwrap();
    create_dir_all(base.join("with space")).unwrap();
    create_dir_all(base.join("caf\u{e9}")).unwrap();
    symlink("lake/t", base.join("link")).unwrap();
    symlink(base.join("lake"), base.join("lakes")).unwrap();
    symlink("../lake/./t/", base.join("elsewhere/up")).unwrap();
    symlink("link", base.join("twice")).unwrap();
    symlink("missing/t", base.join("dangling")).unwrap();
    symlink(base.join("elsewhere/deep"), base.join("deep")).unwrap();
    symlink("round", base.join("round")).unwrap();
    (root, base)
}

#[test]
fn spellings_of_one_place_are_one_location() {
    let (_root, base) = lake();
    let at = base.to_str().unwrap();
    let t = Location::parse("lake/t", &base).unwrap();
    let same = [
        "./lake/t".to_owned(),
        "lake/t/".to_owned(),
        "lake//t".to_owned(),
        "lake/./t/.".to_owned(),
        "lake/t///".to_owned(),
        "lake/../lake/t".to_owned(),
        "missing/../lake/t".to_owned(),
        format!("../{}/lake/t", base.file_name().unwrap().to_str().unwrap()),
        format!("{at}/lake/t"),
        format!("/{at}/lake/t"),
        format!("//{at}//lake//t"),
        format!("file://{at}/lake/t"),
        format!("FILE://{at}/lake/t"),
        format!("file:{at}/lake/t"),
        format!("file://localhost{at}/lake/t/"),
        format!("file://LOCALHOST{at}/lake/t/"),
        format!("file://{at}/lake/x/../t"),
        format!("file://{at}/lake/x/%2e%2E/t"),
        format!("file://{at}/./lake/%74"),
        format!("file://{at}/%6C%61ke/t/"),
        format!("file:///{at}/lake/t"),
        "link".to_owned(),
        "link/".to_owned(),
        "./twice".to_owned(),
        "lakes/t".to_owned(),
        "lakes/../lake/t".to_owned(),
        "elsewhere/up".to_owned(),
        "link/../t".to_owned(),
        "deep/../../lake/t".to_owned(),
        format!("file://{at}/twice"),
    ];
    for spelling in &same {
        assert_eq!(Location::parse(spelling, &base).unwrap(), t, "{spelling}");
    }
    // A link that leads nowhere yet is the place it names, so a table made there is found by both.
    assert_eq!(Location::parse("dangling", &base).unwrap(), Location::parse("missing/t", &base).unwrap());
    let spaced = Location::parse("with space", &base).unwrap();
    assert_eq!(Location::parse(&format!("file://{at}/with%20space"), &base).unwrap(), spaced);
    let accented = Location::parse("caf\u{e9}", &base).unwrap();
    assert_eq!(Location::parse(&format!("file://{at}/caf%C3%A9"), &base).unwrap(), accented);
}

#[test]
fn other_places_are_other_locations() {
    let (_root, base) = lake();
    let t = Location::parse("lake/t", &base).unwrap();
    // The system tells these apart, so they are other folders.
    for other in ["lake", "lake/T", "Lake/t", "lake/t/t", "lake/t x", "lake/t#1", "lake/t?v=1", "lake/t%"] {
        assert_ne!(Location::parse(other, &base).unwrap(), t, "{other}");
    }
    assert_eq!(Location::parse("lake/t#1", &base).unwrap().as_path().unwrap(), base.join("lake/t#1"));
}

#[test]
fn what_cannot_be_told_apart_or_read_is_refused_with_a_reason() {
    let (_root, base) = lake();
    let at = base.to_str().unwrap();
    let name = "n".repeat(256);
    let path = "d/".repeat(2000);
    let cases = [
        ("", "empty"),
        (" ", "empty"),
        ("\t", "empty"),
        (" lake/t", "white space"),
        ("lake/t ", "white space"),
        ("\u{a0}lake/t", "white space"),
        ("lake\t/t", "U+0009"),
        ("lake/t\n", "U+000A"),
        ("lake/\rt", "U+000D"),
        ("lake/t\u{1b}[0m", "U+001B"),
        ("lake/t\u{7f}", "U+007F"),
        ("lake/t\u{85}", "U+0085"),
        ("lake/t\u{200b}", "U+200B"),
        ("lake/\u{202e}t", "U+202E"),
        ("\u{feff}lake/t", "U+FEFF"),
        ("lake/t\0", "NUL"),
        ("lake\\t", "backslash"),
        ("\\\\server\\share", "backslash"),
        ("file:\\\\lake\\t", "backslash"),
        ("file:///lake\\t", "backslash"),
        ("C:/lake/t", "drive"),
        ("c:lake", "drive"),
        ("~", "not expanded"),
        ("~/t", "not expanded"),
        ("~somebody/t", "not expanded"),
        ("$HOME/t", "not expanded"),
        ("${LAKE}/t", "not expanded"),
        ("env:LAKE", "only codeanatomy.toml"),
        ("ENV:LAKE", "only codeanatomy.toml"),
        ("s3://bucket/t", "`s3`"),
        ("s3:/bucket/t", "`s3`"),
        ("HTTP://host/t", "`HTTP`"),
        ("file:t", "absolute"),
        ("file:", "absolute"),
        ("file://t", "host"),
        ("file://server/share", "host"),
        ("file://127.0.0.1/t", "host"),
        ("file://user:pw@/t", "URL"),
        ("file:///t?x=1", "query"),
        ("file:///t?", "query"),
        ("file:///t#x", "fragment"),
        ("file:///lake%2ft", "%2F"),
        ("file:///lake%2F..%2Ft", "%2F"),
        ("file:///lake%5Ct", "%5C"),
        ("file:///t%00", "%00"),
        ("file:///t%0a", "U+000A"),
        ("file:///lake/%252e%252e/t", "not decoded"),
        ("file:///t%FF", "UTF-8"),
        ("file:///", "root"),
        ("/", "root"),
        ("%2e%2e/lake/t", "not decoded"),
        ("lake/%2E/t", "not decoded"),
        ("lake%2ft", "not decoded"),
        // The storage would take it for `a b`.
        ("lake/a%20b", "not decoded"),
        ("lake%5ct", "not decoded"),
        ("lake/%252e%252e/t", "not decoded"),
        ("lake/t%00", "not decoded"),
        ("lake/..;/t", "looks like the parent"),
        ("lake/.../t", "looks like the parent"),
        ("../../../../../../../../../../../../t", "above the root"),
        ("round", "circle"),
        ("round/t", "circle"),
        ("cafe\u{301}", "reads the same"),
        (name.as_str(), "256 bytes"),
        (path.as_str(), "4000 bytes"),
    ];
    for (text, reason) in cases {
        let found = refusal_at(text, &base);
        assert!(found.contains(reason), "{text:?}: {found}");
    }
    assert!(refusal_at(&format!("file://user@localhost{at}/lake/t"), &base).contains("URL"));
    assert!(Location::parse("t", Path::new("relative")).is_err());
    assert!(refusal_at("t", Path::new("/a\tb")).contains("a folder above it has the character U+0009"));
}

#[test]
fn a_name_in_another_unicode_form_is_used_when_it_is_the_one_that_exists() {
    let (_root, base) = lake();
    create_dir_all(base.join("decomposed/e\u{301}")).unwrap();
    Location::parse("decomposed/e\u{301}", &base).unwrap();
    assert!(refusal_at("decomposed/\u{e9}", &base).contains("reads the same"));
}

#[test]
fn paths_and_urls_become_directory_urls() {
    assert_eq!(url("t"), "file:///base/dir/t/");
    assert_eq!(url("../t"), "file:///base/t/");
    assert_eq!(url("/abs/t"), "file:///abs/t/");
    assert_eq!(url("with space"), "file:///base/dir/with%20space/");
    assert_eq!(url("100%"), "file:///base/dir/100%25/");
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
