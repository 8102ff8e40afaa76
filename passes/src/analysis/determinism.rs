//! What passes may do with nodes that do not always give the same rows.
//!
//! How far the rows of one operation are decided by those of its inputs is for the engine to say
//! ([`ir::oracle::Oracle::determinism`]). A node has the greatest level of its own operation and of everything below it,
//! down to tables and shared nodes: a shared node is computed once, and reading it again gives the same rows.
//!
//! | | merge | fuse | move | recompute | skip |
//! |---|---|---|---|---|---|
//! | deterministic | yes | yes | yes | yes | yes |
//! | non-associative | yes | yes | yes | said | yes |
//! | order-dependent | yes | no | no | no | yes |
//! | volatile | no | no | no | no | no |
//!
//! [`permission`] is this table; nothing else decides about it.

use std::collections::{BTreeMap, BTreeSet};

use ir::determinism::{Determinism, ResultClass};
use ir::graph::{Graph, NodeId};
use ir::oracle::Oracle;

/// What a pass wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// Take two equal nodes for one. The level is that of the operation: what differs below has other contents.
    Merge,
    /// Make one operation of two, which evaluates expressions at another place. The level is that of each operation.
    Fuse,
    /// Evaluate a predicate below where it stands, or once more. The level is that of the operation.
    Move,
    /// Compute a node once for every reader. The level is that of everything below it.
    Recompute,
    /// Take the result of an earlier run for that of this one. The level is that of everything below it, shared nodes
    /// included.
    Skip,
}

/// Whether a pass may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// It may.
    Yes,
    /// It may, and says so where the decision is explained.
    Said,
    /// It must not.
    No,
}

/// Whether a rewrite is right for what has this level.
#[must_use]
pub fn permission(level: Determinism, rewrite: Rewrite) -> Permission {
    use Permission::{No, Said, Yes};
    let (merge, fuse, move_, recompute, skip) = match level {
        Determinism::Deterministic => (Yes, Yes, Yes, Yes, Yes),
        Determinism::NonAssociative => (Yes, Yes, Yes, Said, Yes),
        Determinism::OrderDependent => (Yes, No, No, No, Yes),
        Determinism::Volatile => (No, No, No, No, No),
    };
    match rewrite {
        Rewrite::Merge => merge,
        Rewrite::Fuse => fuse,
        Rewrite::Move => move_,
        Rewrite::Recompute => recompute,
        Rewrite::Skip => skip,
    }
}

/// The level of a node's own operation.
#[must_use]
pub fn of_operation(graph: &Graph, oracle: &dyn Oracle, id: NodeId) -> Determinism {
    let inputs = graph.input_schemas(id);
    oracle.determinism(&graph[id], &inputs)
}

/// Whether a node's own operation permits a rewrite without a word.
#[must_use]
pub fn permits(graph: &Graph, oracle: &dyn Oracle, id: NodeId, rewrite: Rewrite) -> bool {
    permission(of_operation(graph, oracle, id), rewrite) == Permission::Yes
}

/// The level of a node with everything below it, from those of its inputs: what two computations of it have in common.
/// Shared nodes count as tables do.
#[must_use]
pub fn of_node(
    graph: &Graph,
    oracle: &dyn Oracle,
    id: NodeId,
    below: &BTreeMap<NodeId, Determinism>,
) -> Determinism {
    let inputs = graph.inputs(id).into_iter().filter(|input| !graph[*input].is_shared());
    let inputs = inputs.map(|input| below[&input]);
    inputs.fold(of_operation(graph, oracle, id), Ord::max)
}

/// The class of a node's rows, with the nodes that decide it: those at or below it whose own operation is not
/// deterministic, by name, each with the level of its operation.
#[must_use]
pub fn class_of(
    graph: &Graph,
    oracle: &dyn Oracle,
    id: NodeId,
) -> (ResultClass, BTreeMap<String, Determinism>) {
    let mut reasons = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let level = of_operation(graph, oracle, id);
        if level != Determinism::Deterministic {
            reasons.insert(graph.name_of(id).to_owned(), level);
        }
        open.extend(graph.inputs(id));
    }
    (ResultClass::of(reasons.values().copied()), reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_level_never_permits_more() {
        let rank = |permission| match permission {
            Permission::Yes => 0,
            Permission::Said => 1,
            Permission::No => 2,
        };
        for rewrite in [Rewrite::Merge, Rewrite::Fuse, Rewrite::Move, Rewrite::Recompute, Rewrite::Skip] {
            let ranks: Vec<u8> =
                Determinism::ALL.iter().map(|level| rank(permission(*level, rewrite))).collect();
            assert!(ranks.is_sorted(), "{rewrite:?}: {ranks:?}");
            assert_eq!(permission(Determinism::Volatile, rewrite), Permission::No);
        }
    }
}
