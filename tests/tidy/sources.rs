//! Sources: short files, functions and folders, a word about what each module is for, nothing left undone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use super::{files, has_extension, read, rule, shown};
use crate::harness::root;

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 60;
const FOLDER_FILES: usize = 9;

/// What may be longer, and why. Entries nothing needs any more are reported.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "backend/delta/src/write/schema/mod.rs: stored_type",
        "a table of types, one arm each; parts of it would say less",
    ),
    (
        "ir/src/expr/meaning/expr.rs: refused_expr",
        "every node of the tree, so that a new one does not compile",
    ),
    (
        "ir/src/expr/meaning/operators.rs: refused_operator",
        "every operator, so that a new one does not compile",
    ),
    ("driver/extract/src/tables/rows.rs", "one declaration of all tables, of which a macro makes everything"),
    ("ir/src/expr/meaning/types.rs: refused_type", "every type, so that a new one does not compile"),
];

/// What no source and no document may hold; joined here, so that this file does not hold it either.
const UNFINISHED: [&str; 5] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
    concat!("FIX", "ME"),
    concat!("XX", "X "),
];

/// Beginnings of paths on somebody's machine.
const MACHINE_PATHS: [&str; 4] =
    [concat!("/ho", "me/"), concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];

pub(super) fn trials() -> Vec<Trial> {
    vec![
        rule("files_are_short", "files over 400 lines; split them by what they are about", || {
            let long = |path: &PathBuf| read(path).lines().count() > FILE_LINES;
            not_excepted(sources().into_iter().filter(long).map(|path| shown(&path)))
        }),
        rule("functions_are_short", "functions over 60 lines; name the parts", || {
            not_excepted(sources().iter().filter(|path| !is_test(path)).flat_map(|path| long_functions(path)))
        }),
        rule("folders_are_small", "more than nine source files in a folder; group them", crowded_folders),
        rule("modules_say_what_they_are_for", "source files that do not open with `//!`", || {
            sources()
                .into_iter()
                .filter(|path| !read(path).starts_with("//!"))
                .map(|path| shown(&path))
                .collect()
        }),
        rule("nothing_is_unfinished", "left undone", || lines_with(&UNFINISHED)),
        rule("no_machine_paths", "paths that exist on one machine only", || lines_with(&MACHINE_PATHS)),
        rule("exceptions_are_needed", "exceptions of the tidy test that nothing needs", unneeded_exceptions),
    ]
}

/// The Rust sources.
fn sources() -> Vec<PathBuf> {
    let rust = |path: &PathBuf| has_extension(path, "rs") && !shown(path).starts_with("tests/cases/");
    files(root()).into_iter().filter(rust).collect()
}

/// Tests may be long: what they show is in one place then.
fn is_test(path: &Path) -> bool {
    let path = shown(path);
    path.split('/').any(|part| part == "tests") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

/// Functions of a file over the limit, as `path: name`. Sources are formatted, so a function ends at the first
/// closing brace in its own column.
fn long_functions(path: &Path) -> Vec<String> {
    let text = read(path);
    let lines: Vec<&str> = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let end = format!("{}}}", " ".repeat(indent));
        let length = lines[start..].iter().position(|line| *line == end).map_or(1, |length| length + 1);
        if length > FUNCTION_LINES {
            found.push(format!("{}: {name}", shown(path)));
        }
    }
    found
}

/// The name of the function whose signature begins on a line and whose body is not on that line alone.
fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    for word in ["pub(crate) ", "pub(super) ", "pub(in crate) ", "pub ", "const ", "async ", "unsafe "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let rest = rest.strip_prefix("fn ")?;
    (!line.trim_end().ends_with(['}', ';'])).then(|| rest.split(['(', '<']).next().unwrap_or(rest))
}

fn crowded_folders() -> Vec<String> {
    let mut folders: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for path in sources() {
        *folders.entry(path.parent().unwrap_or(root()).to_path_buf()).or_default() += 1;
    }
    let crowded = folders.into_iter().filter(|(_, count)| *count > FOLDER_FILES);
    not_excepted(crowded.map(|(folder, _)| format!("{}/", shown(&folder))))
}

fn not_excepted(found: impl Iterator<Item = String>) -> Vec<String> {
    found.filter(|what| !EXCEPTIONS.iter().any(|(name, _)| name == what)).collect()
}

fn unneeded_exceptions() -> Vec<String> {
    let too_long = |what: &str| {
        let path = root().join(what.split(": ").next().unwrap_or(what));
        if what.ends_with('/') {
            let rust = |path: &PathBuf| has_extension(path, "rs");
            return crate::harness::entries(&path).into_iter().filter(rust).count() > FOLDER_FILES;
        }
        path.is_file()
            && (read(&path).lines().count() > FILE_LINES
                || long_functions(&path).iter().any(|found| found == what))
    };
    EXCEPTIONS.iter().filter(|(what, _)| !too_long(what)).map(|(what, _)| (*what).to_owned()).collect()
}

/// Lines of sources, specs, scripts and documents that hold one of these texts.
fn lines_with(texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let written = ["rs", "md", "toml", "yaml", "sql", "py", "snap", "ir", "txt"];
    let by_hand = |path: &PathBuf| {
        written.iter().any(|extension| has_extension(path, extension)) || shown(path).starts_with(".ci/")
    };
    for path in files(root()).into_iter().filter(by_hand) {
        for (number, line) in read(&path).lines().enumerate() {
            if texts.iter().any(|text| line.contains(text)) {
                found.push(format!("{}:{}: {}", shown(&path), number + 1, line.trim()));
            }
        }
    }
    found
}
