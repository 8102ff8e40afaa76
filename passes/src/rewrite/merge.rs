//! merge: nodes with equal content become one.
//!
//! ```text
//! a = filter orders predicate=(amount > 0)
//! b = filter orders predicate=(amount > 0)
//! c = union a, b
//! ```
//! becomes
//! ```text
//! a = filter orders predicate=(amount > 0)
//! c = union a, a
//! ```
//!
//! Content hashes ([`crate::analysis::content`]) are equal only for equal operations over equal inputs, so one pass in
//! topological order finds all classes, also those that are equal because their inputs were merged. Of each class
//! the node whose name comes first stays, and what the spec says about sharing the others holds for it. Sinks are never
//! merged: each is a table of its own. What may not be merged because it gives other rows each time
//! ([`crate::analysis::determinism`]) has a content of its own, and so has everything above it.

use std::collections::BTreeMap;

use ir::graph::{Graph, NodeId};
use ir::hash::ContentHash;

use crate::analysis::content;
use crate::context::Context;

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    let hashes = content::hashes(graph, cx.oracle);
    // In the order of their first nodes.
    let mut classes: Vec<Vec<NodeId>> = Vec::new();
    let mut class_of: BTreeMap<ContentHash, usize> = BTreeMap::new();
    for id in graph.topological() {
        if graph[id].is_root() {
            continue;
        }
        let class = *class_of.entry(hashes[&id]).or_insert(classes.len());
        match classes.get_mut(class) {
            Some(class) => class.push(id),
            None => classes.push(vec![id]),
        }
    }
    for mut class in classes {
        // Prefer the name of a view to that of a step inside one.
        class.sort_by_key(|id| (graph[*id].role, graph.name_of(*id).to_owned()));
        // No class is empty, and most are of one node.
        let [kept, rest @ ..] = class.as_slice() else { continue };
        for id in rest {
            cx.remark(format!("{} is the same as {}", graph.name_of(*id), graph.name_of(*kept)));
            cx.carry_cache_override(graph, *id, *kept);
            graph.replace_uses(*id, *kept);
            graph.remove(*id);
        }
    }
}
