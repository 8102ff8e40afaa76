//! The pages of the repository tell the truth: every command of the README and of the examples is run as it stands there, in
//! the order of the page, in a copy of the folder where the reader stands.
//!
//! A block of a page that begins with ```` ```console ```` is a session: a line that begins with `$ ` is a command for a shell,
//! lines that follow it are what it prints. Of these, a part `...` stands for anything, numbers stand for any numbers, and a
//! session may say less than is printed; but each line that is there must come, in its order. A line `$ cd FOLDER` holds for all
//! that follows on the page. What a test cannot run is in one list, with the reason.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{copy, driver_in, exits, listing, out};

/// Commands that are not run here, by how they begin.
const NOT_RUN: &[(&str, &str)] = &[
    ("export PATH=", "the program that is tested is in the path already"),
    ("cargo test", "it is what runs this"),
    ("cargo insta", "it is for changes of goldens"),
    ("cargo install", "it builds an optimised program, for half an hour"),
    ("INSTA_UPDATE=always cargo test", "it is for changes of goldens"),
    ("driver watch", "it ends with its user; `development/watch.rs` is its test"),
    ("tests/bench/peers/install", "it downloads; the benchmark's README says how it is judged"),
    ("cargo run --release -p codeanatomy-bench", "it measures for hours"),
];

#[derive(Debug)]
struct Step {
    line: usize,
    command: String,
    printed: Vec<String>,
}

/// The commands of a page, in order, with what is said to be printed.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (number, line) in (1..).zip(page.lines()) {
        let text = line.trim_start();
        if text.starts_with("```") {
            inside = !inside && text == "```console";
        } else if inside && let Some(command) = text.strip_prefix("$ ") {
            let command = command.split("  #").next().unwrap_or(command).trim().to_owned();
            steps.push(Step { line: number, command, printed: Vec::new() });
        } else if inside && let Some(step) = steps.last_mut() {
            // A text that is not closed goes on.
            let quotes = step.command.replace("\\\"", "").matches('"').count();
            if quotes % 2 == 1 {
                step.command = format!("{} {}", step.command, text.trim_end());
            } else {
                step.printed.push(text.trim_end().to_owned());
            }
        }
    }
    steps
}

/// Whether a printed line is the one of the page, whatever stands for `...`.
fn is_line(wanted: &str, printed: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (wanted, printed) = (plain(wanted), plain(printed));
    let mut rest = printed.as_str();
    let mut parts = wanted.split("...").map(str::trim).peekable();
    let mut is_first = true;
    while let Some(part) = parts.next() {
        let found = if is_first { rest.starts_with(part).then_some(0) } else { rest.find(part) };
        let Some(at) = found else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
        if parts.peek().is_none() && !part.is_empty() && !rest.trim().is_empty() {
            return false;
        }
        is_first = false;
    }
    true
}

/// Runs a page in a copy of its folder.
fn run(page: &Path, folder: &Path) {
    let text = fs::read_to_string(page).unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_driver")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut here = folder.to_owned();
    let mut ran = 0;
    for Step { line, command, printed } in steps(&text) {
        let place = format!("{}:{line}: $ {command}", page.display());
        if let Some(next) = command.strip_prefix("cd ") {
            here = here.join(next);
            assert!(here.is_dir(), "{place}: there is no such folder");
            continue;
        }
        if NOT_RUN.iter().any(|(beginning, _)| command.starts_with(beginning)) {
            continue;
        }
        let shell = command.replace("cargo run --bin driver --", "driver");
        assert!(
            shell.contains("driver "),
            "{place}: neither a command of the program nor in the list of those that are not run"
        );
        let output = Command::new("sh")
            .args(["-c", &shell])
            .current_dir(&here)
            .env("PATH", &path)
            .env_remove("HOME")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("CODEANATOMY_CONFIG")
            .output()
            .expect("a shell starts");
        let all = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
        let fails = printed.iter().any(|line| line.starts_with("error"));
        assert_eq!(output.status.success(), !fails, "{place}\n{all}");
        let mut lines = all.lines();
        for wanted in printed.iter().filter(|line| !line.is_empty()) {
            assert!(
                lines.any(|line| is_line(wanted, line)),
                "{place}\nno line `{wanted}` in its place in\n{all}"
            );
        }
        ran += 1;
    }
    assert!(ran > 0, "{} has no command", page.display());
}

fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

/// A copy of what of the repository the pages use.
fn copied() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for part in ["driver/examples", "driver/src", "driver/specs"] {
        copy(&root().join(part), &folder.path().join(part));
    }
    fs::copy(root().join("README.md"), folder.path().join("README.md")).unwrap();
    folder
}

#[test]
fn every_command_of_the_readme_works_as_it_stands() {
    let folder = copied();
    run(&folder.path().join("README.md"), folder.path());
}

#[test]
fn every_command_of_the_examples_works_as_it_stands() {
    let folder = copied();
    let examples = folder.path().join("driver/examples");
    let pages: Vec<PathBuf> = listing(&examples)
        .into_iter()
        .filter(|path| path.ends_with("README.md") && path.components().count() == 2)
        .collect();
    assert_eq!(pages.len(), 5, "{pages:?}");
    for page in pages {
        let page = examples.join(page);
        run(&page, page.parent().unwrap());
    }
}

/// The page of the tables asks the graph of the example of two packages.
#[test]
fn every_command_of_the_page_of_the_tables_works_as_it_stands() {
    let folder = copied();
    run(&folder.path().join("driver/specs/README.md"), &folder.path().join("driver/examples/packages"));
}

/// What is in the graphs of the cases is on the page of the tables: every column of the tables that people ask for, every kind
/// of edge, method, reason and property.
#[test]
fn the_page_of_the_tables_is_whole() {
    let page = fs::read_to_string(root().join("driver/specs/README.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut missing = Vec::new();
    for case in ["cpg_layer", "cpg_python", "cpg_python_names", "cpg_rust", "cpg_typescript"] {
        let repository = root().join("tests/cases").join(case).join("repo");
        let repository = repository.to_str().unwrap();
        exits(&driver_in(folder.path(), ["build", repository, "--lake", case]), 0);
        let words = |query: &str| -> Vec<String> {
            let read = driver_in(folder.path(), ["sql", query, "--lake", case, "--format", "csv"]);
            exits(&read, 0);
            out(&read).lines().skip(1).map(str::to_owned).collect()
        };
        for query in [
            "SELECT DISTINCT edge_kind FROM cpg_edges",
            "SELECT DISTINCT resolution_method FROM cpg_edges WHERE edge_kind <> 'DECLARES'",
            "SELECT DISTINCT reason FROM cpg_edges WHERE reason IS NOT NULL",
            "SELECT DISTINCT reason FROM unresolved",
            "SELECT DISTINCT prop_key FROM cpg_props",
            "SELECT DISTINCT visibility FROM symbols",
        ] {
            let known = |word: &String| page.contains(&format!("`{word}`"));
            missing.extend(words(query).into_iter().filter(|word| !known(word)));
        }
        let columns = "SELECT table_name, column_name FROM information_schema.columns \
                       WHERE table_schema = 'main' AND NOT starts_with(table_name, 'cpg_')";
        for column in words(columns) {
            let (table, name) = column.split_once(',').unwrap();
            let row = page.lines().find(|line| line.starts_with(&format!("| `{table}` |")));
            let listed = row.and_then(|row| row.rsplit('|').nth(1)).unwrap_or_default();
            if !listed.split(',').any(|own| own.trim() == name) {
                missing.push(column);
            }
        }
    }
    missing.sort();
    missing.dedup();
    assert!(missing.is_empty(), "driver/specs/README.md does not tell of {missing:?}");
}

/// The tables of each example, as its page says it: a file of CSV in `expected`, for every output.
#[test]
fn the_examples_give_the_tables_that_they_expect() {
    let folder = copied();
    let examples = folder.path().join("driver/examples");
    let mut seen = 0;
    for example in
        fs::read_dir(&examples).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        if example.join("repository").is_dir() {
            let built = driver_in(&example, ["build", "repository", "--lake", "lake"]);
            exits(&built, 0);
        }
        exits(&driver_in(&example, ["run", "spec.yaml"]), 0);
        let spec = fs::read_to_string(example.join("spec.yaml")).unwrap();
        let tables = spec
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("- {table_name: ")?.split(',').next());
        for table in tables {
            let query = format!("SELECT * FROM {table}");
            let read = driver_in(&example, ["sql", &query, "--lake", ".", "--format", "csv"]);
            exits(&read, 0);
            let sorted = |text: &str| {
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                if let Some(rows) = lines.get_mut(1..) {
                    rows.sort();
                }
                lines
            };
            let file = example.join(format!("expected/{table}.csv"));
            let wanted =
                fs::read_to_string(&file).unwrap_or_else(|_| panic!("{} is missing", file.display()));
            assert_eq!(sorted(out(&read)), sorted(&wanted), "{}", file.display());
            seen += 1;
        }
    }
    assert!(seen >= 14, "{seen} tables");
}

#[test]
fn lines_of_pages_are_compared_but_for_what_stands_for_more() {
    assert!(!is_line("ok: 1 input, ... checked in 0.064 s", "ok: 2 inputs? no"));
    assert!(is_line(
        "ok: 1 input, 3 views, 2 outputs; checked in ...",
        "ok: 1 input, 3 views, 2 outputs; checked in 0.2 s"
    ));
    assert!(is_line(" best        3       1   770 B ", " best   3  1  770 B"));
    assert!(!is_line(" best        3       1   770 B ", " best   3  1  771 B"));
    assert!(!is_line("best 3", "worst 3"));
    assert!(!is_line("best", "best of all"));
    assert!(!is_line("2026-01-03 53.0", "2026-01-04 53.0"));
}
