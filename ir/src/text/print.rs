//! Printing.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::part;
use super::value::{Part, Sql, print_statement};
use crate::graph::{CachePolicy, Graph, NodeId, Placement, Schedule};
use crate::lexer::word;
use crate::op::Op;
use crate::phase::Phase;

/// The text form of a graph.
#[must_use]
pub fn print(graph: &Graph) -> String {
    let mut lines = vec![format!("graph {} phase={}", word(&graph.name), graph.phase)];
    if graph.cache != CachePolicy::default() {
        lines.push(header("cache", &graph.cache));
    }
    lines.extend(graph.parameters.iter().map(|parameter| header("parameter", parameter)));
    lines.extend(in_order(graph).into_iter().map(|id| statement(graph, id)));
    if let Some(Schedule { segments }) = &graph.schedule {
        lines.extend(segments.is_empty().then(|| "schedule".to_owned()));
        lines.extend(segments.iter().map(|segment| header("segment", segment)));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Topological order where edges give one; the nodes of a graph with a cycle, or without edges, by name after
/// that.
fn in_order(graph: &Graph) -> Vec<NodeId> {
    let mut order = graph.topological();
    let seen: std::collections::BTreeSet<NodeId> = order.iter().copied().collect();
    order.extend(graph.ids().filter(|id| !seen.contains(id)));
    order
}

fn header(keyword: &str, content: &impl Serialize) -> String {
    print_statement(keyword, &fields(content, Sql::Broken))
}

/// The text of one node, as it stands in [`print()`].
#[must_use]
pub fn statement(graph: &Graph, id: NodeId) -> String {
    let node = &graph[id];
    let inputs = if graph.phase == Phase::Lowered {
        node.sources.iter().map(|name| word(name)).collect()
    } else {
        edges(graph, id)
    };
    let mut head = format!("{} = {}", word(&node.name), node.op.keyword());
    if !inputs.is_empty() {
        head.push(' ');
        head.push_str(&inputs.join(", "));
    }
    let mut parts = fields(&node.op, Sql::Broken);
    parts.extend(part::clause(node).map(Part::clause));
    parts.extend(node.schema.iter().map(|schema| Part::schema(":", schema)));
    parts.extend(node.contract.iter().map(|contract| Part::schema("expects", contract)));
    if let Some(Placement { choice, reason }) = &node.placement {
        parts.push(Part::placement(choice.name(), reason));
    }
    print_statement(&head, &parts)
}

/// The inputs of a node in port order, with the port of one that is not the next.
fn edges(graph: &Graph, id: NodeId) -> Vec<Cow<'_, str>> {
    let mut next = 0;
    let mut inputs = Vec::new();
    for (port, input) in graph.ports(id) {
        let name = word(graph.name_of(input));
        inputs.push(if port == next { name } else { Cow::Owned(format!("{port}: {name}")) });
        next = port.saturating_add(1);
    }
    inputs
}

/// The text of an operation without its inputs. Operations are told apart by it, so SQL in it is never broken: how lines
/// are laid out is no part of what is computed.
#[must_use]
pub fn operation(op: &Op) -> String {
    print_statement(op.keyword(), &fields(op, Sql::OneLine))
}

/// The fields of a serialisable struct as parts of a statement; the tag of an operation is its keyword already.
fn fields(content: &impl Serialize, sql: Sql) -> Vec<Part> {
    let Ok(Value::Object(map)) = serde_json::to_value(content) else { return Vec::new() };
    map.iter().filter(|(key, _)| *key != "op").map(|(key, value)| Part::field(key, value, sql)).collect()
}
