//! Broken graphs and the violations the verifier must find in them, no more and no fewer.
//!
//! A file `tests/verifier/NAME.ir` is a graph in text form; lines `# error: V03 at ``node``: …` say what is wrong.
//! The file `no_violations.ir` has none: the verifier must not cry wolf.

use std::collections::BTreeSet;
use std::path::Path;

use engine::Tables;
use ir::text::parse;
use ir::verify::{Rule, verify};
use libtest_mimic::Trial;

use crate::harness::{case_oracle, entries, root, session, stem, trial};

pub(crate) fn trials() -> Vec<Trial> {
    let files: Vec<_> =
        entries(&root().join("tests/verifier")).into_iter().filter(|path| is_graph(path)).collect();
    let mut trials = Vec::new();
    for path in files.clone() {
        trials.push(trial(format!("verifier::{}", stem(&path)), move || check(&path)));
    }
    trials.push(trial("verifier::every_invariant_has_a_graph", move || {
        let texts = files.iter().map(|path| std::fs::read_to_string(path).expect("a graph is read"));
        let texts: Vec<String> = texts.collect();
        for rule in Rule::ALL {
            let line = format!("# error: {rule} ");
            assert!(
                texts.iter().any(|text| text.contains(&line)),
                "no graph in tests/verifier breaks {rule}"
            );
        }
    }));
    trials
}

fn is_graph(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "ir")
}

fn check(path: &Path) {
    let text = std::fs::read_to_string(path).expect("a graph is read");
    let expected: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("# error: ")).collect();
    let parsed = parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let oracle = case_oracle(&session(1, 8192), Tables::default());
    let found = verify(&parsed.graph, &oracle).err().unwrap_or_default();
    let found: Vec<String> = found.iter().map(|violation| violation.to_string().replace('\n', " ")).collect();
    let found_set: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    let list = |lines: &BTreeSet<&str>| {
        lines.iter().map(|line| format!("# error: {line}")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        list(&found_set),
        list(&expected),
        "{}: found (left) is not what the file says",
        path.display()
    );
}
