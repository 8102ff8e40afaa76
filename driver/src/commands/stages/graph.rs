//! Graphs that commands read, and the differences between two of them.

use std::io::Read;
use std::path::Path;

use ir::archive;
use ir::graph::Graph;
use ir::text;
use similar::TextDiff;

use crate::failure::Failure;

/// The largest graph that is read, in bytes.
const MAX_GRAPH_BYTES: u64 = 256 << 20;
/// Lines shown around a difference.
const CONTEXT_LINES: usize = 3;

/// A graph that was read, and its text.
pub(super) struct ReadGraph {
    /// What it is called in messages.
    pub(super) name: String,
    /// Its text form.
    pub(super) text: String,
    /// The graph, not verified, and the lines of its nodes.
    pub(super) parsed: text::Parsed,
}

/// Reads a graph from a file, or from `stdin` for `-`, in text or archived form.
pub(super) fn read(path: &Path, stdin: &mut dyn Read) -> Result<ReadGraph, Failure> {
    let is_stdin = path.as_os_str() == "-";
    let name = if is_stdin { "<stdin>".to_owned() } else { path.display().to_string() };
    let unreadable = |error| Failure::file("read the graph", Path::new(&name), &error);
    let mut bytes = Vec::new();
    if is_stdin {
        stdin.take(MAX_GRAPH_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(MAX_GRAPH_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    let text = if archive::is_archive(&bytes) {
        let graph = archive::read(&bytes).map_err(|error| Failure::User(format!("`{name}`: {error}")))?;
        text::print(&graph)
    } else {
        String::from_utf8(bytes).map_err(|error| {
            Failure::User(format!("`{name}` is neither an archived graph nor text: {}", error.utf8_error()))
        })?
    };
    let parsed = text::parse(&text).map_err(|error| Failure::User(format!("{name}:{error}")))?;
    Ok(ReadGraph { name, text, parsed })
}

/// A stage: its name and the graph's text after it.
pub(super) struct StageText {
    pub(super) name: String,
    pub(super) text: String,
}

impl StageText {
    /// The text form of a graph after a stage, with what was decided as comments.
    pub(super) fn new(name: impl Into<String>, graph: &Graph, remarks: &[String]) -> Self {
        let mut text = text::print(graph);
        for remark in remarks {
            text.push_str(&format!("# {}\n", ir::diag::escape_text(remark)));
        }
        Self { name: name.into(), text }
    }

    /// The empty text before the first stage.
    pub(super) fn nothing() -> Self {
        Self { name: "nothing".to_owned(), text: String::new() }
    }
}

/// The unified difference between two stages; empty when there is none.
pub(super) fn difference(before: &StageText, after: &StageText) -> String {
    TextDiff::from_lines(before.text.as_str(), after.text.as_str())
        .unified_diff()
        .context_radius(CONTEXT_LINES)
        .header(&before.name, &after.name)
        .to_string()
}
