//! Running the program, and what it is run on.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use pipeline::configuration::SETTINGS;
use serde_json::Value;

/// Runs the program in a folder.
pub(super) fn driver_in<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> Output {
    command(folder, arguments).output().expect("the program starts")
}

pub(super) fn command<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driver"));
    command.args(arguments).current_dir(folder).env_remove("NO_COLOR").stdin(Stdio::null());
    // Not the configuration of who runs the tests.
    let variables = SETTINGS.iter().map(|setting| setting.variable).chain([
        "CODEANATOMY_CONFIG",
        "XDG_CONFIG_HOME",
        "HOME",
    ]);
    variables.for_each(|variable| {
        command.env_remove(variable);
    });
    command
}

/// Runs the program with a text on stdin.
pub(super) fn driver_reading(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = command(folder, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("stdin is piped").write_all(input).expect("the program reads");
    child.wait_with_output().expect("the program ends")
}

pub(super) fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("stdout is UTF-8")
}

pub(super) fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("stderr is UTF-8")
}

#[track_caller]
pub(super) fn exits(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stdout:\n{}\nstderr:\n{}", out(output), err(output));
}

pub(super) fn json(output: &Output) -> Value {
    serde_json::from_str(out(output)).unwrap_or_else(|error| panic!("not JSON ({error}):\n{}", out(output)))
}

/// A small repository in two languages.
pub(super) const REPOSITORY: [(&str, &str); 6] = [
    ("Cargo.toml", "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
    ("pkg/__init__.py", ""),
    (
        "pkg/shapes.py",
        "\"\"\"Shapes.\"\"\"\nfrom .tools import double\n\n\nclass Square:\n    def area(self, side):\n        return double(side)\n\n\ndef total(sides):\n    square = Square()\n    return sum(square.area(side) for side in sides)\n",
    ),
    ("pkg/tools.py", "def double(value):\n    return value * 2\n"),
    (
        "src/lib.rs",
        "//! A crate.\nmod inner;\n/// Adds.\npub fn add(a: i64, b: i64) -> i64 {\n    inner::twice(a) + b\n}\n",
    ),
    ("src/inner.rs", "pub fn twice(x: i64) -> i64 {\n    x * 2\n}\n"),
];

pub(super) const SPEC: &str = "\
version: 4
input_relations:
  - {logical_name: defs, delta_location: tables/defs}
view_definitions:
  - name: functions
    transform: {kind: Filter, source: defs, predicate: \"kind = 'function'\"}
  - name: names
    transform: {kind: Project, source: functions, columns: [path, name]}
  - name: per_file
    transform: {kind: Aggregate, source: names, group_by: [path], aggregations: [{function: count, column: name, alias: functions}]}
output_targets:
  - {table_name: names, source_view: names}
  - {table_name: per_file, source_view: per_file}
cache_policy: {overrides: [{view_name: names, action: ForceCache}]}
";

pub(super) fn write_repository(folder: &Path) {
    for (path, text) in REPOSITORY {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// A folder with `spec.yaml` and the extracted tables of the repository in `tables/`.
pub(super) fn with_tables() -> tempfile::TempDir {
    static TABLES: OnceLock<tempfile::TempDir> = OnceLock::new();
    let tables = TABLES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        write_repository(&folder.path().join("repo"));
        exits(&driver_in(folder.path(), ["extract", "repo", "-o", "tables"]), 0);
        folder
    });
    let folder = tempfile::tempdir().unwrap();
    copy(&tables.path().join("tables/defs"), &folder.path().join("tables/defs"));
    fs::write(folder.path().join("spec.yaml"), SPEC).unwrap();
    folder
}

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Everything below a folder, by relative path.
pub(super) fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path.clone());
            }
            found.push(path.strip_prefix(folder).unwrap().to_owned());
        }
    }
    found.sort();
    found
}
