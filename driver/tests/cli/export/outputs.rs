//! What is written where: all of it or nothing, over nothing that nobody gave up.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{built, exported};
use crate::program::{command, copy, driver_in, err, exits, listing, out, write_repository};

const FORMS: [&str; 6] = ["dot", "graphml", "jsonl", "scip", "parquet", "coo"];

/// The bytes of a file, or of the files of a folder.
fn bytes(path: &Path) -> Vec<Vec<u8>> {
    let files = if path.is_dir() {
        listing(path).iter().map(|file| path.join(file)).collect()
    } else {
        vec![path.to_owned()]
    };
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

#[test]
fn the_same_lake_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for form in FORMS {
        let paths = ["1", "2"].map(|number| folder.path().join(format!("{form}{number}")));
        exported(&paths[0], form, &[]);
        exported(&paths[1], form, &["--threads", "1"]);
        assert!(!bytes(&paths[0]).is_empty() && bytes(&paths[0]) == bytes(&paths[1]), "{form}");
        for path in paths {
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
    }
    assert_eq!(listing(folder.path()), Vec::<std::path::PathBuf>::new(), "nothing else is left");
}

#[test]
fn what_is_there_is_replaced_when_somebody_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let lake = built().join("lake").display().to_string();
    let export = |form: &str, path: &str, overwrite: bool| {
        let mut arguments = vec!["export", "--format", form, "--symbols", "--lake", &lake, "-o", path];
        arguments.extend(overwrite.then_some("--overwrite"));
        driver_in(folder.path(), arguments)
    };
    let refused = |form: &str, path: &str, overwrite: bool, wanted: &str| {
        let output = export(form, path, overwrite);
        exits(&output, 1);
        assert!(err(&output).contains(wanted), "no `{wanted}` in {}", err(&output));
        assert_eq!(out(&output), "");
    };
    for form in ["dot", "coo"] {
        let path = folder.path().join(form);
        exits(&export(form, form, false), 0);
        let first = bytes(&path);
        let changed = if path.is_dir() { path.join("edges.parquet") } else { path.clone() };
        fs::write(&changed, "mine").unwrap();
        refused(form, form, false, "`--overwrite` replaces it");
        assert_eq!(fs::read(&changed).unwrap(), b"mine");
        exits(&export(form, form, true), 0);
        assert_eq!(bytes(&path), first);
    }
    refused("coo", "dot", true, "is no folder");
    refused("dot", "coo", true, "is a folder");
    fs::write(folder.path().join("coo/notes.txt"), "mine").unwrap();
    refused("parquet", "coo", true, "has `notes.txt`");
    refused("dot", "no/such/folder", false, "no/such/folder");
    let wanted = ["coo", "coo/edges.parquet", "coo/nodes.parquet", "coo/notes.txt", "dot"];
    assert_eq!(listing(folder.path()), wanted.map(std::path::PathBuf::from));
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let lake = built().join("lake").display().to_string();
    let cases: [(&[&str], i32, &str); 9] = [
        (&["--format", "dot", "--kinds", "CALL"], 2, "ARG_OF, CALLS, CONTAINS"),
        (
            &["--format", "dot", "--kinds", "CALLS') OR ('a' = 'a"],
            2,
            "there is no kind of edge `CALLS') OR ('a' = 'a`",
        ),
        (&["--format", "dot", "--symbols", "--kinds", "ARG_OF"], 2, "OVERRIDES, REFERS_TO, TESTS"),
        (&["--format", "scip", "--kinds", "CALLS"], 2, "--kinds"),
        (&["--format", "scip", "--symbols"], 2, "--symbols"),
        (&["--format", "dot", "--root", "."], 2, "--root"),
        (&["--format", "csv"], 2, "--format dot"),
        (&[], 2, "--format dot"),
        (&["--format", "dot", "--lake", "nowhere"], 1, "there is no lake"),
    ];
    for (options, code, wanted) in cases {
        let mut arguments = vec!["export", "--output", "graph"];
        if !options.contains(&"--lake") {
            arguments.extend(["--lake", &lake]);
        }
        let output = driver_in(folder.path(), [&arguments, options].concat());
        exits(&output, code);
        assert!(err(&output).contains(wanted), "{options:?}: no `{wanted}` in:\n{}", err(&output));
        assert_eq!(out(&output), "");
    }
    for command in [["passes", "--format", "dot"], ["passes", "--format", "coo"]] {
        let output = driver_in(folder.path(), command);
        exits(&output, 2);
        assert!(err(&output).contains("`export` only"), "{}", err(&output));
    }
    let output = driver_in(folder.path(), ["sql", "SELECT 1", "--format", "graphml", "--lake", &lake]);
    exits(&output, 2);
    assert_eq!(listing(folder.path()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_lake_of_symbols_exports_symbols() {
    let folder = tempfile::tempdir().unwrap();
    write_repository(&folder.path().join("repo"));
    exits(&driver_in(folder.path(), ["build", "repo", "--lake", "lake", "--detail", "symbols"]), 0);
    let export =
        |options: &[&str]| driver_in(folder.path(), [&["export", "--lake", "lake"], options].concat());
    let refused = export(&["--format", "dot", "-o", "graph.dot"]);
    exits(&refused, 1);
    for wanted in ["`--detail symbols`", "`--symbols`", "`--detail edges`"] {
        assert!(err(&refused).contains(wanted), "no {wanted} in {}", err(&refused));
    }
    exits(&export(&["--format", "dot", "--symbols", "-o", "graph.dot"]), 0);
    exits(&export(&["--format", "scip", "-o", "index.scip"]), 0);
    // Tables that are no graph.
    fs::remove_dir_all(folder.path().join("lake/symbols")).unwrap();
    let refused = export(&["--format", "dot", "-o", "other.dot"]);
    exits(&refused, 1);
    assert!(err(&refused).contains("there is no graph"), "{}", err(&refused));
    let refused = export(&["--format", "scip", "-o", "other.scip"]);
    exits(&refused, 1);
    assert!(err(&refused).contains("no table `symbols`"), "{}", err(&refused));
    assert!(!listing(folder.path()).iter().any(|path| path.display().to_string().contains("other")));
}

#[test]
fn a_failure_leaves_nothing_and_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    copy(&built().join("lake"), &folder.path().join("lake"));
    for entry in fs::read_dir(folder.path().join("lake/cpg_edges")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "parquet") {
            fs::remove_file(path).unwrap();
        }
    }
    fs::write(folder.path().join("graph"), "mine").unwrap();
    for (form, path) in
        [("dot", "graph"), ("jsonl", "graph"), ("graphml", "new"), ("parquet", "tables"), ("coo", "pairs")]
    {
        let output = driver_in(
            folder.path(),
            ["export", "--format", form, "--lake", "lake", "-o", path, "--overwrite"],
        );
        exits(&output, 1);
        assert_eq!(out(&output), "");
    }
    assert_eq!(fs::read(folder.path().join("graph")).unwrap(), b"mine");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

/// What is written before it is whole is a pipe here, which somebody reads slowly: the program waits in the middle of its work.
#[cfg(unix)]
#[test]
fn an_export_that_is_stopped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("repo")).unwrap();
    let functions = (0..3000).map(|number| format!("def f{number}(a):\n    return f{number}(a)\n"));
    fs::write(folder.path().join("repo/many.py"), functions.collect::<String>()).unwrap();
    exits(&driver_in(folder.path(), ["build", "repo", "--lake", "lake"]), 0);
    let pipe = folder.path().join("graph.jsonl.unfinished");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let child =
        command(folder.path(), ["export", "--format", "jsonl", "--lake", "lake", "-o", "graph.jsonl"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
    let mut reader = fs::File::open(&pipe).unwrap();
    let mut some = [0; 1024];
    reader.read_exact(&mut some).unwrap();
    assert!(some.starts_with(b"{\"type\":\"node\""));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    std::thread::sleep(std::time::Duration::from_millis(300));
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    exits(&output, 130);
    assert!(err(&output).contains("nothing is written"), "{}", err(&output));
    assert!(!String::from_utf8_lossy(&rest).contains("\"type\":\"edge\""), "it was stopped in time");
    let left = listing(folder.path());
    assert!(!left.iter().any(|path| path.display().to_string().contains("graph.jsonl")), "{left:?}");
}
