//! Goldens: what they say, where they are, how they are compared and read back.
//!
//! The golden of a pass is the text form of the graph after it and then its remarks. A pass that changed nothing
//! leaves one line, so a reader sees at once which passes did something:
//!
//! ```text
//! # same as before, in phase bound
//! ```

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use ir::graph::Graph;
use ir::text::{parse, print};
use passes::{PIPELINE, Pass};

use super::root;

const SAME: &str = "# same as before";
const REMARK: &str = "# remark: ";

/// The text of a golden: the graph after `pass`, short where only the phase differs from the graph before.
pub(crate) fn stage_text(before: Option<&Graph>, graph: &Graph, remarks: &[String]) -> String {
    let mut text = match before {
        Some(before) if same_but_for_phase(before, graph) => {
            let phase = if before.phase == graph.phase {
                String::new()
            } else {
                format!(", in phase {}", graph.phase)
            };
            format!("{SAME}{phase}\n")
        }
        _ => print(graph),
    };
    for remark in remarks {
        text.push_str(REMARK);
        text.push_str(remark);
        text.push('\n');
    }
    text
}

/// Whether two graphs differ at the most in their phase.
pub(crate) fn same_but_for_phase(before: &Graph, after: &Graph) -> bool {
    let mut moved = before.clone();
    moved.phase = after.phase;
    moved == *after
}

/// A golden read back.
pub(crate) struct Golden {
    /// Its text as it is stored.
    pub(crate) text: String,
    /// The graph; of an earlier golden where this one says it is the same.
    pub(crate) graph: Graph,
}

pub(crate) fn golden_path(group: &str, name: &str) -> PathBuf {
    root().join("snapshots").join(group).join(format!("{name}.snap"))
}

/// The content of a snapshot file without its header.
pub(crate) fn snapshot_text(path: &Path) -> String {
    let file = std::fs::read_to_string(path).unwrap_or_else(|error| {
        panic!("{}: {error}; run the golden tests first and accept what they write", path.display())
    });
    let content =
        file.splitn(3, "---\n").nth(2).unwrap_or_else(|| panic!("{} has no header", path.display()));
    content.to_owned()
}

/// Reads a case's golden of a pass.
pub(crate) fn read_golden(case: &str, pass: &Pass) -> Golden {
    let text = snapshot_text(&golden_path(case, &pass.stage()));
    let graph = if text.starts_with(SAME) {
        let earlier = PIPELINE.iter().take_while(|other| other.number < pass.number).last();
        let mut graph = read_golden(case, earlier.expect("the first pass has a graph")).graph;
        graph.phase = pass.ensures;
        graph
    } else {
        parse(&text).unwrap_or_else(|error| panic!("{case}/{}: {error}", pass.stage())).graph
    };
    Golden { text, graph }
}

/// Compares a text with its golden.
pub(crate) fn assert_snapshot(group: &str, name: &str, about: &str, text: &str, test: &str) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(root().join("snapshots").join(group));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(format!("{group}: {about}"));
    let compare = || settings.bind(|| insta::assert_snapshot!(name, text));
    if std::panic::catch_unwind(AssertUnwindSafe(compare)).is_err() {
        panic!(
            "{group}/{name} is not its golden; see the difference above. To accept it:\n    cargo insta review\nor, \
             without the tool:\n    INSTA_UPDATE=always cargo test --test suite -- --exact {test}"
        );
    }
}
