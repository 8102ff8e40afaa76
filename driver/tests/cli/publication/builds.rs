//! Builds: extraction and graph become visible together, or neither does.

use std::fs;
use std::path::{Path, PathBuf};

use ir::hash::ContentHash;
use serde_json::Value;

use crate::program::{driver_in, err, exits, json, listing, write_repository};

/// Every commit and run record below a folder.
fn commits_and_records(folder: &Path) -> Vec<PathBuf> {
    let is_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    listing(folder).into_iter().filter(is_json).collect()
}

#[test]
fn a_build_whose_graph_is_refused_shows_no_extraction() {
    let folder = tempfile::tempdir().unwrap();
    write_repository(folder.path());
    fs::create_dir_all(folder.path().join("lake")).unwrap();
    // Where the graph's table should be.
    fs::write(folder.path().join("lake/cpg_props_map"), "a file").unwrap();
    let failed = driver_in(folder.path(), ["build", ".", "--lake", "lake"]);
    exits(&failed, 1);
    assert!(err(&failed).contains("cpg_props_map"), "{}", err(&failed));
    let left: Vec<_> = listing(&folder.path().join("lake"))
        .into_iter()
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "parquet" || extension == "json")
        })
        .collect();
    assert_eq!(left, Vec::<PathBuf>::new());

    // The same over the tables of an earlier build: they stay what they were.
    fs::remove_file(folder.path().join("lake/cpg_props_map")).unwrap();
    exits(&driver_in(folder.path(), ["build", ".", "--lake", "lake"]), 0);
    let before = commits_and_records(folder.path());
    fs::remove_dir_all(folder.path().join("lake/cpg_props_map")).unwrap();
    fs::write(folder.path().join("lake/cpg_props_map"), "a file").unwrap();
    fs::write(folder.path().join("pkg/more.py"), "def more():\n    return 1\n").unwrap();
    exits(&driver_in(folder.path(), ["build", ".", "--lake", "lake"]), 1);
    let expected: Vec<PathBuf> =
        before.into_iter().filter(|path| !path.starts_with("lake/cpg_props_map")).collect();
    assert_eq!(commits_and_records(folder.path()), expected);
}

/// The record pins the versions of the extraction that the same build published, by the digests of their commits.
#[test]
fn a_graph_is_computed_from_the_extraction_of_its_build() {
    let folder = tempfile::tempdir().unwrap();
    write_repository(folder.path());
    for version in 0..2_u64 {
        let built = driver_in(folder.path(), ["build", ".", "--lake", "lake", "--format", "json"]);
        exits(&built, 0);
        let report = json(&built);
        let extracted = report["extracted"].as_array().unwrap();
        assert!(
            !extracted.is_empty() && extracted.iter().all(|table| table["version"] == version),
            "{report}"
        );
        let record = fs::read(folder.path().join(report["record"].as_str().unwrap())).unwrap();
        let record: Value = serde_json::from_slice(&record).unwrap();
        let inputs = record["inputs"].as_array().unwrap();
        assert!(!inputs.is_empty());
        for input in inputs {
            assert_eq!(input["version"], version, "{input}");
            let commit =
                format!("lake/{}/_delta_log/{version:020}.json", input["location"].as_str().unwrap());
            let commit = ContentHash::of(&fs::read(folder.path().join(&commit)).unwrap());
            assert_eq!(input["commit_hash"], commit.to_string(), "{input}");
        }
        fs::write(folder.path().join("pkg/more.py"), "def more():\n    return 1\n").unwrap();
    }
}
