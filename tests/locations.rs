//! Spellings of a place: each names the same place as an input and as an output, or another one, or is refused with a code.
//!
//! What each spelling means stands here once; `delta` tests the parsing alone, with the reasons.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::Path;

use ir::diag::Diagnostic;
use libtest_mimic::Trial;

use crate::harness::{compile_text, files_below, root, session, trial, write_fixtures};

/// The folder of the table `lake/nodes` by other names; `{home}` is the absolute path of the folder of the spec.
const SAME: [&str; 24] = [
    "./lake/nodes",
    "lake/nodes/",
    "lake//nodes",
    "lake/./nodes/.",
    "lake/nodes///",
    "lake/../lake/nodes",
    "missing/../lake/nodes",
    "./././lake/nodes",
    "{home}/lake/nodes",
    "/{home}/lake/nodes",
    "//{home}//lake//nodes//",
    "file://{home}/lake/nodes",
    "FILE://{home}/lake/nodes/",
    "File:{home}/lake/nodes",
    "file://localhost{home}/lake/nodes",
    "file://{home}/lake/x/../nodes",
    "file://{home}/lake/x/%2e%2E/nodes",
    "file://{home}/./lake/%6eodes",
    "file:///{home}/%6C%61ke/nodes/",
    "link",
    "./twice/",
    "lakes/nodes",
    "link/../nodes",
    "file://{home}/twice",
];

/// Other folders, in which there is nothing.
const OTHER: [&str; 7] = [
    "lake/Nodes",
    "LAKE/nodes",
    "lake/node",
    "lake/nodes#1",
    "lake/nodes?version=1",
    "lake/nodes%",
    "dangling",
];

/// What is no location.
const REFUSED: [&str; 41] = [
    "lake/no%20des",
    "",
    " ",
    " lake/nodes",
    "lake/nodes ",
    "\\tlake/nodes",
    "lake\\t/nodes",
    "lake/nodes\\n",
    "lake/\\rnodes",
    "lake/nodes\\0",
    "lake/nodes\\e[0m",
    "lake/nodes\\u200b",
    "lake/\\u202enodes",
    "\\ufefflake/nodes",
    "\\u00a0lake/nodes",
    "lake\\\\nodes",
    "\\\\\\\\server\\\\lake\\\\nodes",
    "C:/lake/nodes",
    "~/lake/nodes",
    "~other/lake/nodes",
    "$HOME/lake/nodes",
    "${HOME}/lake/nodes",
    "s3://lake/nodes",
    "s3a:/lake/nodes",
    "https://host/lake/nodes",
    "file:lake/nodes",
    "file://lake/nodes",
    "file://127.0.0.1{home}/lake/nodes",
    "file://user:secret@localhost{home}/lake/nodes",
    "file://{home}/lake/nodes?version=1",
    "file://{home}/lake/nodes#1",
    "file://{home}/lake%2Fnodes",
    "file://{home}/lake%5Cnodes",
    "file://{home}/lake/nodes%00",
    "file://{home}/lake/%252e%252e/lake/nodes",
    "%2e%2e/lake/nodes",
    "lake%2fnodes",
    "lake/..;/lake/nodes",
    "lake/.../nodes",
    "round/nodes",
    "../../../../../../../../../../../../../../lake/nodes",
];

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("locations::spellings", spellings)]
}

fn spellings() {
    let home = tempfile::tempdir().expect("a folder is made");
    let home = home.path().canonicalize().expect("the folder exists");
    write_fixtures(&root().join("tests/errors/tables"), &home.join("lake"));
    for (target, link) in [
        ("lake/nodes", "link"),
        ("link", "twice"),
        ("lake", "lakes"),
        ("round", "round"),
        ("gone/t", "dangling"),
    ] {
        symlink(target, home.join(link)).expect("a link is made");
    }
    let before = files_below(&home);
    for (spellings, as_input, as_output) in [
        (SAME.as_slice(), &[] as &[&str], &["E0505"] as &[&str]),
        (&OTHER, &["E0112"], &[]),
        (&REFUSED, &["E0115"], &["E0507"]),
    ] {
        for spelling in spellings {
            assert_eq!(found(&home, spelling, "out"), as_input.iter().copied().collect(), "input {spelling}");
            assert_eq!(
                found(&home, "lake/nodes", spelling),
                as_output.iter().copied().collect(),
                "output {spelling}"
            );
        }
    }
    let long = "n".repeat(300);
    assert_eq!(found(&home, "lake/nodes", &long), BTreeSet::from(["E0507"]));
    assert_eq!(found(&home, &long, "out"), BTreeSet::from(["E0115"]));
    assert_eq!(files_below(&home), before, "checking left something behind");
}

/// The codes of the mistakes in a spec that reads one location and `lake/nodes`, and writes another one.
fn found(home: &Path, input: &str, output: &str) -> BTreeSet<&'static str> {
    let quoted = |text: &str| format!("\"{}\"", text.replace("{home}", &home.display().to_string()));
    let text = format!(
        "version: 4\n\
         input_relations:\n  - {{logical_name: a, delta_location: {}}}\n  - {{logical_name: b, delta_location: lake/nodes}}\n\
         view_definitions:\n  - {{name: v, transform: {{kind: Union, sources: [a, b]}}}}\n\
         output_targets:\n  - {{table_name: t, source_view: v, delta_location: {}}}\n",
        quoted(input),
        quoted(output)
    );
    let compiled = compile_text(&text, "spec.yaml", "spec", home, &session(1, 8192));
    let errors = compiled.diagnostics.iter().filter(|found| found.is_error());
    for found in compiled.diagnostics.iter() {
        assert!(!found.message.contains("secret"), "{}", found.message);
    }
    errors.map(|found: &Diagnostic| found.code.id()).collect()
}
