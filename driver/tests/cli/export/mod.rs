//! `driver export`: every form is read back by a reader that is not ours, and has what the tables have.

mod forms;
mod index;
mod outputs;

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use crate::program::{driver_in, exits, out, write_repository};

/// The path of a file with characters that mean something in one of the forms.
const ODD_PATH: &str = "pkg/o\"d<d>&`.py";
/// Its text: a signature with a control character, and names that are there twice or not in ASCII.
const ODD_TEXT: &str = "def odd(a=\"\u{1}<&>\\\"]]>\"):\n    return odd(a)\n\n\nif odd:\n    def two(ñ):\n        return ñ\nelse:\n    \
                        def two(ñ):\n        return two(ñ)\n\n\nclass Base:\n    def area(self):\n        return 1\n\n\n\
                        class Derived(Base):\n    def area(self):\n        return two(2)\n";

/// A folder with a repository (`repo`) and its graph (`lake`), which tests read and do not change.
fn built() -> &'static Path {
    static BUILT: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        write_repository(&folder.path().join("repo"));
        fs::write(folder.path().join("repo").join(ODD_PATH), ODD_TEXT).unwrap();
        exits(&driver_in(folder.path(), ["build", "repo", "--lake", "lake"]), 0);
        folder
    });
    folder.path()
}

/// Exports the graph to a path, and gives what was said.
#[track_caller]
fn exported(to: &Path, form: &str, options: &[&str]) -> String {
    let lake = built().join("lake").display().to_string();
    let fixed = ["export", "--format", form, "--lake", &lake, "--output"];
    let mut arguments: Vec<String> = fixed.iter().map(|part| (*part).to_owned()).collect();
    arguments.push(to.display().to_string());
    arguments.extend(options.iter().map(|part| (*part).to_owned()));
    let output = driver_in(built(), arguments);
    exits(&output, 0);
    out(&output).to_owned()
}

/// The rows of a query over the graph.
#[track_caller]
fn rows(query: &str) -> Vec<Value> {
    let output = driver_in(built(), ["sql", query, "--lake", "lake", "--format", "ndjson"]);
    exits(&output, 0);
    out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The number that a query gives.
#[track_caller]
fn number(query: &str) -> usize {
    let row = rows(query).remove(0);
    let value = row.as_object().unwrap().values().next().unwrap().as_u64().unwrap();
    usize::try_from(value).unwrap()
}
