//! Repositories and folders that somebody else prepared: nothing outside of them is written to.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::program::{driver_in, err, exits, json, listing, out, with_tables, write_repository};

/// A repository, and a folder beside it that must stay empty.
struct Trap {
    folder: tempfile::TempDir,
}

impl Trap {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_repository(&folder.path().join("repo"));
        fs::create_dir(folder.path().join("victim")).unwrap();
        Self { folder }
    }

    fn repo(&self) -> std::path::PathBuf {
        self.folder.path().join("repo")
    }

    fn link(&self, at: &str) {
        let at = self.repo().join(at);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(self.folder.path().join("victim"), at).unwrap();
    }

    #[track_caller]
    fn refuses(&self, arguments: &[&str], expected: &str) {
        let output = driver_in(&self.repo(), arguments);
        exits(&output, 1);
        assert!(err(&output).contains("E0714") && err(&output).contains(expected), "{}", err(&output));
        let victim = self.folder.path().join("victim");
        assert_eq!(fs::read_dir(victim).unwrap().count(), 0, "something was written through the link");
    }
}

/// What an earlier command would have left, which a repository can bring too.
fn forge_mark(lake: &Path) {
    fs::create_dir_all(lake).unwrap();
    fs::write(lake.join(".codeanatomy-lake"), "").unwrap();
}

#[test]
fn a_lake_that_is_a_link_is_not_followed() {
    for at in [".codeanatomy", ".codeanatomy/lake"] {
        let trap = Trap::new();
        trap.link(at);
        trap.refuses(&["build", "."], "--lake");
        // A lake that the user names is used.
        let named = driver_in(&trap.repo(), ["build", ".", "--lake", "../elsewhere"]);
        exits(&named, 0);
    }
}

#[test]
fn tables_of_a_lake_that_are_links_are_not_followed() {
    let tables = ["cpg_nodes", "cpg_edges/_delta_log", "extract", "extract/files", "extract/refs/_delta_log"];
    for at in tables {
        let trap = Trap::new();
        forge_mark(&trap.repo().join(".codeanatomy/lake"));
        trap.link(&format!(".codeanatomy/lake/{at}"));
        trap.refuses(&["build", "."], "symbolic link");
        assert!(!trap.repo().join(".codeanatomy/lake/extract/scopes").exists(), "nothing is done by halves");
        trap.refuses(&["build", ".", "--lake", ".codeanatomy/lake"], "symbolic link");
    }
    let trap = Trap::new();
    trap.link("out/files");
    trap.refuses(&["extract", ".", "-o", "out"], "symbolic link");
}

#[test]
fn a_lake_that_the_repository_brings_is_not_taken_for_ours() {
    let other = Trap::new();
    exits(&driver_in(&other.repo(), ["build", "."]), 0);
    let brought = other.repo().join(".codeanatomy/lake");
    fs::remove_file(brought.join(".codeanatomy-lake")).unwrap();
    let before = listing(&brought);
    other.refuses(&["build", "."], "cpg_edges");
    assert_eq!(listing(&brought), before);
    // With the mark it is as if this program had made it: its tables are overwritten, and nothing else.
    forge_mark(&brought);
    exits(&driver_in(&other.repo(), ["build", "."]), 0);
    exits(&driver_in(&other.repo(), ["build", "."]), 0);
    // An empty folder, or one with only rules for version control, is nobody's.
    let trap = Trap::new();
    fs::create_dir_all(trap.repo().join(".codeanatomy/lake")).unwrap();
    fs::write(trap.repo().join(".codeanatomy/lake/.gitignore"), "mine\n").unwrap();
    exits(&driver_in(&trap.repo(), ["build", "."]), 0);
    let ignore = fs::read_to_string(trap.repo().join(".codeanatomy/lake/.gitignore")).unwrap();
    assert_eq!(ignore, "mine\n");
}

#[test]
fn a_lake_around_the_repository_is_refused() {
    let trap = Trap::new();
    let before = listing(&trap.repo());
    for lake in [".", "..", "./../repo/"] {
        trap.refuses(&["build", ".", "--lake", lake], "the repository is in it");
    }
    assert_eq!(listing(&trap.repo()), before);
}

#[test]
fn records_and_proofs_are_not_written_through_links() {
    let folder = with_tables();
    let victim = tempfile::tempdir().unwrap();
    for at in [".codeanatomy", ".codeanatomy/runs"] {
        let at = folder.path().join(at);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(victim.path(), &at).unwrap();
        let output = driver_in(folder.path(), ["run", "spec.yaml"]);
        exits(&output, 1);
        assert!(err(&output).contains("E0714") && err(&output).contains("symbolic link"), "{}", err(&output));
        assert_eq!(fs::read_dir(victim.path()).unwrap().count(), 0);
        fs::remove_file(&at).unwrap();
    }
    // What is proven is kept for speed only: without a place for it, it is not kept.
    symlink(victim.path(), folder.path().join(".codeanatomy/compiled")).unwrap();
    exits(&driver_in(folder.path(), ["run", "spec.yaml"]), 0);
    assert_eq!(fs::read_dir(victim.path()).unwrap().count(), 0);
}

#[test]
fn a_repository_may_have_any_name_and_any_names_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path().join(" a b c %#?\u{e9}\u{202e}x[1]* ");
    write_repository(&repo);
    let odd = " odd\tname\n%41\\#?.py ";
    fs::write(repo.join(odd), "def f():\n    pass\n").unwrap();
    fs::write(repo.join("x\u{1b}[31m.py"), "def g():\n    return f()\n").unwrap();
    let built = driver_in(&repo, ["build", "."]);
    exits(&built, 0);
    assert!(!out(&built).contains('\u{1b}') && !err(&built).contains('\u{1b}'), "{}", err(&built));
    exits(&driver_in(&repo, ["build", "."]), 0);
    let files = "SELECT path FROM files ORDER BY path";
    let answer = driver_in(&repo, ["sql", files, "--lake", ".codeanatomy/lake/extract", "--format", "json"]);
    exits(&answer, 0);
    let rows = json(&answer);
    let paths: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["path"].as_str().unwrap()).collect();
    assert!(paths.contains(&odd) && paths.contains(&"x\u{1b}[31m.py"), "{paths:?}");
    assert!(!paths.iter().any(|path| path.contains("parquet")), "{paths:?}");
    // No table can be in a folder whose name the storage takes for another; the source code in it can be read.
    for (name, said) in [("a\tb\nc", "U+0009"), ("a%2eb", "%2E"), ("a\\b", "a backslash")] {
        let unnamed = folder.path().join(name);
        write_repository(&unnamed);
        let refused = driver_in(&unnamed, ["build", "."]);
        exits(&refused, 1);
        assert!(err(&refused).contains(said), "{}", err(&refused));
        exits(&driver_in(&unnamed, ["extract", ".", "-o", "../tables"]), 0);
    }
}

#[test]
fn a_lake_is_one_place_by_any_name() {
    let trap = Trap::new();
    let home = trap.folder.path().canonicalize().unwrap();
    symlink("lake", home.join("link")).unwrap();
    fs::create_dir(home.join("lake")).unwrap();
    let url = format!("file://{}/lake", home.display());
    let encoded = format!("FILE://{}/l%61ke/", home.display());
    for (version, spelling) in ["../lake", "./.././/lake//", "../link", &url, &encoded].iter().enumerate() {
        let built = driver_in(&trap.repo(), ["extract", ".", "-o", spelling, "--format", "json"]);
        exits(&built, 0);
        assert_eq!(json(&built)["tables"][0]["version"], version, "{spelling}");
    }
    let refused = [
        " ",
        " ../lake",
        "../lake ",
        "..\\lake",
        "../lake\n",
        "../la\tke",
        "s3://bucket/lake",
        "~/lake",
        "$HOME/lake",
        "%2e%2e/lake",
        "../lake%00",
        "..;/lake",
        "file://host/lake",
        "file:lake",
        "C:/lake",
        "../l\u{200b}ake",
    ];
    let before = listing(&home);
    for spelling in refused {
        for arguments in [["extract", ".", "-o", spelling], ["build", ".", "--lake", spelling]] {
            let output = driver_in(&trap.repo(), arguments);
            exits(&output, 1);
            assert!(err(&output).contains("E0507"), "{spelling:?}: {}", err(&output));
        }
    }
    assert_eq!(listing(&home), before);
}
