//! Pictures: the graph in the DOT language.

use crate::graph::Graph;
use crate::lexer::word;
use crate::op::Op;

/// The graph in DOT, left to right: tables as cylinders, shared views with a double border, sinks and checks as boxes. Nodes on a
/// cycle are left out.
#[must_use]
pub fn dot(graph: &Graph) -> String {
    let mut lines = vec![
        format!("digraph {} {{", quoted(&graph.name)),
        "  rankdir=LR;".to_owned(),
        "  node [shape=ellipse, fontname=\"monospace\"];".to_owned(),
    ];
    for id in graph.topological() {
        let node = &graph[id];
        let shape = match &node.op {
            Op::Scan(_) | Op::Input(_) => ", shape=cylinder",
            Op::Sink(_) | Op::Check(_) => ", shape=box",
            Op::ChangeFeed(_)
            | Op::TableMetadata(_)
            | Op::FileManifest(_)
            | Op::Normalize(_)
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
            | Op::Written(_) => {
                if node.is_shared() {
                    ", peripheries=2"
                } else {
                    ""
                }
            }
        };
        let label = format!("{}\n{}", word(&node.name), node.op.keyword());
        lines.push(format!("  {} [label={}{shape}];", quoted(&node.name), quoted(&label)));
        for (port, input) in graph.ports(id) {
            let label =
                if node.op.arity().allows(1) { String::new() } else { format!(" [label=\"{port}\"]") };
            lines.push(format!("  {} -> {}{label};", quoted(graph.name_of(input)), quoted(&node.name)));
        }
    }
    lines.push("}".to_owned());
    lines.push(String::new());
    lines.join("\n")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
