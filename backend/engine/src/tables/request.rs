//! What is to be opened for a graph.

use ir::graph::{Graph, NodeId};
use ir::op::{FileSource, Input, Op, Read, Scan};
use ir::phase::Phase;

/// A table to open, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableRequest {
    /// Files are read as a table.
    Files {
        /// The location as the spec gives it.
        location: String,
        /// How they are read.
        source: FileSource,
    },
    /// An input is read.
    Read {
        /// The location as the spec gives it.
        location: String,
        /// The version; the latest if absent.
        version: Option<u64>,
        /// What is read of it.
        read: Read,
    },
    /// An output is written.
    Write {
        /// The location as the spec gives it.
        location: String,
    },
}

impl TableRequest {
    /// Everything a graph reads and writes: its inputs with what their readers take of them, in phase Lowered; its
    /// scans after that; and always its outputs.
    #[must_use]
    pub fn of_graph(graph: &Graph) -> Vec<Self> {
        let mut requests = Vec::new();
        for id in graph.ids() {
            match &graph[id].op {
                Op::Input(input) => requests.push(Self::of_input(input, Read::Rows)),
                Op::Scan(Scan { location, version, read, files, .. }) => requests.push(match files {
                    Some(source) => Self::Files { location: location.clone(), source: source.clone() },
                    None => {
                        Self::Read { location: location.clone(), version: Some(*version), read: read.clone() }
                    }
                }),
                Op::ChangeFeed(feed) => requests.extend(
                    input_of(graph, id).map(|input| Self::of_input(input, Read::Changes(feed.range.clone()))),
                ),
                Op::Sink(sink) if sink.has_table() => {
                    requests.push(Self::Write { location: sink.location.clone() });
                }
                // Metadata and file lists come from the opened table itself; `Rows` opens it.
                Op::TableMetadata(_) | Op::FileManifest(_) | Op::Sink(_) => {}
                Op::Normalize(_)
                | Op::Relate(_)
                | Op::UnionByName(_)
                | Op::Conform(_)
                | Op::Filter(_)
                | Op::Project(_)
                | Op::Aggregate(_)
                | Op::Window(_)
                | Op::Unnest(_)
                | Op::Query(_)
                | Op::Join(_)
                | Op::SpanJoin(_)
                | Op::Union(_)
                | Op::Distinct(_)
                | Op::Check(_)
                | Op::Written(_) => {}
            }
        }
        requests
    }

    fn of_input(input: &Input, read: Read) -> Self {
        let location = input.location.clone();
        match &input.files {
            Some(source) => Self::Files { location, source: source.clone() },
            None => Self::Read { location, version: input.version, read },
        }
    }
}

/// The input a node of phase Lowered names, or reads in later phases.
fn input_of(graph: &Graph, id: NodeId) -> Option<&Input> {
    let source = if graph.phase == Phase::Lowered {
        graph.find(graph[id].sources.first()?)?
    } else {
        *graph.inputs(id).first()?
    };
    let Op::Input(input) = &graph[source].op else { return None };
    Some(input)
}
