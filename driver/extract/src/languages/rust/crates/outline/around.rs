//! What is around the nodes of a file.

use std::collections::HashMap;

use crate::lexical::ScopeIndex;
use crate::tree::{NodeIndex, SyntaxTree};

/// What is around a node, the innermost of each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around {
    /// The scope of a module or body.
    pub(super) scope: u32,
    /// The node of an implementation or trait.
    pub(super) owner: Option<u32>,
}

/// What is around each node. Nodes lie in one another as deep as a file is long: nobody climbs.
pub(super) fn around(tree: &SyntaxTree<'_>, opened: &HashMap<NodeIndex, ScopeIndex>) -> Vec<Around> {
    let mut scopes: Vec<Option<u32>> = vec![None; tree.nodes.len()];
    for (&node, &scope) in opened {
        if let Some(slot) = scopes.get_mut(node) {
            *slot = Some(scope as u32);
        }
    }
    let mut around: Vec<Around> = Vec::with_capacity(tree.nodes.len());
    for (index, node) in tree.nodes.iter().enumerate() {
        let mut own = Around::default();
        if index > 0 {
            own = around.get(node.parent).copied().unwrap_or_default();
            own.scope = scopes.get(node.parent).copied().flatten().unwrap_or(own.scope);
            if matches!(tree.kind(node.parent), "impl_item" | "trait_item") {
                own.owner = Some(node.parent as u32);
            }
        }
        around.push(own);
    }
    around
}
