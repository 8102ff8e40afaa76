//! How complex functions are: the ways through them (McCabe, A Complexity Measure, 1976) and how deep they are nested.

use std::collections::HashMap;

use crate::lexical::{BindingKind, Facts};
use crate::tree::{NodeIndex, SyntaxTree};

/// What a node adds to the complexity of the function around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Branching {
    /// Nothing.
    None,
    /// One more way.
    Branches,
    /// Depth.
    Nests,
    /// Both.
    BranchesAndNests,
}

/// The complexity of a function, without that of functions inside it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Complexity {
    /// Ways through the function beyond the first.
    pub(super) branches: i32,
    /// Most statements of control that are around one another.
    pub(super) nesting: i32,
}

/// A function whose body the walk is in.
struct Open {
    node: NodeIndex,
    end: NodeIndex,
    complexity: Complexity,
    /// Ends of the statements of control around the place, outermost first.
    around: Vec<NodeIndex>,
}

/// The complexities of all functions of a file, by their nodes: one walk over the tree.
pub(super) fn of_functions(
    tree: &SyntaxTree<'_>,
    facts: &Facts<'_>,
    branching: fn(&SyntaxTree<'_>, NodeIndex) -> Branching,
) -> HashMap<NodeIndex, Complexity> {
    let is_function =
        |kind| matches!(kind, BindingKind::Function | BindingKind::AsyncFunction | BindingKind::Method);
    let functions = facts.bindings.iter().filter(|binding| is_function(binding.kind));
    let mut found: HashMap<NodeIndex, Complexity> =
        functions.map(|binding| (binding.node, Complexity::default())).collect();
    let mut open: Vec<Open> = Vec::new();
    for (index, node) in tree.nodes.iter().enumerate().filter(|(_, node)| node.named) {
        while let Some(function) = open.pop_if(|function| function.end <= index) {
            found.insert(function.node, function.complexity);
        }
        if found.contains_key(&index) {
            let complexity = Complexity::default();
            open.push(Open { node: index, end: node.subtree_end, complexity, around: Vec::new() });
            continue;
        }
        let Some(function) = open.last_mut() else { continue };
        let adds = branching(tree, index);
        if matches!(adds, Branching::Branches | Branching::BranchesAndNests) {
            function.complexity.branches = function.complexity.branches.saturating_add(1);
        }
        if matches!(adds, Branching::Nests | Branching::BranchesAndNests) {
            while function.around.last().is_some_and(|&end| end <= index) {
                function.around.pop();
            }
            function.around.push(node.subtree_end);
            let depth = i32::try_from(function.around.len()).unwrap_or(i32::MAX);
            function.complexity.nesting = function.complexity.nesting.max(depth);
        }
    }
    found.extend(open.into_iter().map(|function| (function.node, function.complexity)));
    found
}
