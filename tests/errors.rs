//! Bad specs: what is reported, all of it, and that nothing is written.
//!
//! The first line of `tests/errors/NAME.yaml` is a comment with the codes that must be found. The rendered
//! diagnostics are the golden `snapshots/errors/NAME.snap`. Tables the specs may read are fixtures in
//! `tests/errors/tables`, written to `lake/NAME`.
//!
//! What `tests/errors/known_bad` holds is reported, but not as it should be: the second line says the wish, so that
//! nobody takes the golden for one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ir::diag::{Code, Diagnostic, RenderOptions, codes, render, summary};
use libtest_mimic::Trial;

use crate::harness::{
    assert_snapshot, compile_text, entries, files_below, root, session, stem, trial, write_fixtures,
};

/// Codes that no bad spec in the folder, graph or case can show, and why.
const NOT_SHOWN: &[(Code, &str)] = &[
    (codes::SPEC_TOO_LARGE, "needs a file of 4 MiB; tested where specs are loaded"),
    (codes::SPEC_NOT_UTF8, "is about bytes, and the files here are texts; tested where specs are loaded"),
    (codes::UNREADABLE_PROOFS, "is about a file beside the spec; tested with the command line"),
    (codes::COMMENT_TO_THE_END, "stands in specs without a mistake; tested where specs are loaded"),
    (codes::RECORDS_NOT_EXPIRED, "is about files of earlier runs; tested where records are kept"),
    (codes::HISTORY_UNREAD, "is about records of earlier runs; tested with the command line"),
    (codes::CAPTURE_NOT_WRITTEN, "is about a file beside the record; tested where records are kept"),
    (codes::CONFIGURATION_NOT_READ, "is about a file beside the spec; tested with the command line"),
    (
        codes::TRACES_NOT_ALLOWED,
        "is about builds with the feature `otel`; tested with the command line of one",
    ),
    (codes::EVENTS_NOT_WRITTEN, "is about a file beside the spec; tested with the command line"),
    (codes::ASSERTION_WARNED, "is about rows that a run computes; tested with the command line"),
    (codes::COST_MODEL_STATS_FALLBACK, "is a warning of the response; tested where that is made"),
];

pub(crate) fn trials() -> Vec<Trial> {
    let (specs, mut trials) = ([specs(), known_bad()].concat(), Vec::new());
    for path in specs.clone() {
        let group = group(&path);
        let test = format!("{group}::{}", stem(&path));
        trials.push(trial(test.clone(), move || check(&path, group, &test)));
    }
    trials.push(trial("errors::every_code_has_a_spec", move || every_code_has_a_spec(&specs)));
    trials
}

pub(crate) fn specs() -> Vec<PathBuf> {
    specs_in("tests/errors")
}

/// Specs with mistakes that are reported poorly.
pub(crate) fn known_bad() -> Vec<PathBuf> {
    specs_in("tests/errors/known_bad")
}

fn specs_in(folder: &str) -> Vec<PathBuf> {
    let files = entries(&root().join(folder));
    files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).collect()
}

/// The folder of a spec's golden.
pub(crate) fn group(spec: &Path) -> &'static str {
    let is_bad = spec.parent().is_some_and(|folder| folder.ends_with("known_bad"));
    if is_bad { "known_bad" } else { "errors" }
}

/// The codes in the first line: `# E0101 W0201: what is wrong`.
fn promised(text: &str) -> BTreeSet<String> {
    let line = text.lines().next().unwrap_or_default().trim_start_matches('#');
    let codes = line.split(':').next().unwrap_or_default();
    codes.split_whitespace().map(str::to_owned).collect()
}

fn check(path: &Path, group: &str, test: &str) {
    let text = std::fs::read_to_string(path).expect("a spec is read");
    let wish = text.lines().nth(1).is_some_and(|line| line.starts_with("# wish: "));
    assert_eq!(wish, group == "known_bad", "a poor message has a wish in its second line, and no other");
    let name = stem(path);
    let home = tempfile::tempdir().expect("a folder is made");
    write_fixtures(&root().join("tests/errors/tables"), &home.path().join("lake"));
    let before = files_below(home.path());
    let compiled = compile_text(&text, &format!("{name}.yaml"), &name, home.path(), &session(1, 8192));
    assert_eq!(files_below(home.path()), before, "a bad spec left something behind");
    assert!(compiled.diagnostics.iter().any(Diagnostic::is_error), "nothing is wrong with this spec");
    let shown = render(&compiled.diagnostics, &compiled.source, RenderOptions { color: false });
    let found: BTreeSet<String> = compiled
        .diagnostics
        .iter()
        .filter(|found| found.is_error())
        .map(|found| found.code.id().to_owned())
        .collect();
    assert_eq!(found, promised(&text), "the codes found (left) are not those in the first line:\n{shown}");
    let shown = format!("{shown}{}\n", summary(&compiled.diagnostics));
    assert_snapshot(group, &name, "what is reported of this spec", &shown, test);
}

/// Errors are shown by bad specs here, warnings by these, by graphs in `tests/passes` or by cases.
fn every_code_has_a_spec(specs: &[PathBuf]) {
    let texts = specs.iter().map(|path| std::fs::read_to_string(path).expect("a spec is read"));
    let mut shown: BTreeSet<String> = texts.flat_map(|text| promised(&text)).collect();
    let reports = |folder: &str| {
        let files = files_below(&root().join(folder)).into_iter();
        let is_report = |file: &str| {
            file.ends_with(".ir") || file.ends_with("05-warnings.snap") || file.starts_with("errors/")
        };
        let reports = files.filter(|file| is_report(file));
        reports.map(|file| root().join(folder).join(file)).collect::<Vec<PathBuf>>()
    };
    for path in [reports("tests/passes"), reports("snapshots")].concat() {
        let text = std::fs::read_to_string(path).expect("a golden is read");
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        shown.extend(words.filter(|word| word.starts_with("W0") && word.len() == 5).map(str::to_owned));
    }
    // What happens only while something runs (E07) is tested where it happens.
    let compile_codes = Code::all().filter(|code| ("E00".."E07").contains(&code.id()) || code.id() >= "W");
    let missing: Vec<String> = compile_codes
        .filter(|code| !shown.contains(code.id()) && !NOT_SHOWN.iter().any(|(other, _)| other == code))
        .map(|code| format!("{code} {}", code.title()))
        .collect();
    assert!(
        missing.is_empty(),
        "no spec in tests/errors, or graph in tests/passes, or case shows:\n{}",
        missing.join("\n")
    );
    let stale: Vec<&str> =
        NOT_SHOWN.iter().map(|(code, _)| code.id()).filter(|code| shown.contains(*code)).collect();
    assert!(stale.is_empty(), "listed as not shown, but shown: {}", stale.join(", "));
}
