//! What is in lists, tuples, sets and mappings, and which part of one goes to which target.

use super::super::calls::called;
use super::super::statements::inner;
use super::super::text::is_extra;
use super::path::path;
use crate::lexical::{ValueKind, ValuePath};
use crate::tree::{NodeIndex, SyntaxTree};

/// Most parts of a container that are told. One with more is a table of its own kind, whose entries are no alternatives.
const MAX_CONTENTS: usize = 16;

/// The parts of a list or a pattern.
pub(super) fn parts<'a>(
    tree: &'a SyntaxTree<'_>,
    index: NodeIndex,
) -> impl Iterator<Item = NodeIndex> + use<'a> {
    tree.named_children(index).filter(|&child| !is_extra(tree.kind(child)))
}

/// The ways to what is in a container that is written out: elements, and values of keys.
pub(super) fn contents(tree: &SyntaxTree<'_>, container: NodeIndex) -> Vec<(ValueKind, ValuePath)> {
    let container = inner(tree, container);
    if parts(tree, container).nth(MAX_CONTENTS).is_some() {
        return Vec::new();
    }
    match tree.kind(container) {
        "list" | "tuple" | "set" | "expression_list" => {
            parts(tree, container).filter_map(|part| Some((ValueKind::Element, path(tree, part)?))).collect()
        }
        "dictionary" => parts(tree, container)
            .filter_map(|pair| tree.child_by_field(pair, "value"))
            .filter_map(|value| Some((ValueKind::Entry, path(tree, value)?)))
            .collect(),
        "list_comprehension" | "set_comprehension" | "generator_expression" => {
            let body = tree.child_by_field(container, "body").and_then(|body| path(tree, body));
            body.map(|path| (ValueKind::Element, path)).into_iter().collect()
        }
        "dictionary_comprehension" => {
            let pair = tree.child_by_field(container, "body");
            let value = pair.and_then(|pair| tree.child_by_field(pair, "value"));
            let path = value.and_then(|value| path(tree, value));
            path.map(|path| (ValueKind::Entry, path)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The way to an element of what an expression gives when it is iterated over.
pub(super) fn element(tree: &SyntaxTree<'_>, expression: NodeIndex) -> Option<ValuePath> {
    let mut current = inner(tree, expression);
    // What a call makes of its argument has the same elements.
    for _ in 0..MAX_CONTENTS {
        let Some(argument) =
            argument_of(tree, current, &["iter", "list", "reversed", "set", "sorted", "tuple"])
        else {
            break;
        };
        current = argument;
    }
    with_step(path(tree, current)?, "*/")
}

/// The way to the second part of each element: `enumerate(values)` and `mapping.items()`.
pub(super) fn second_element(tree: &SyntaxTree<'_>, expression: NodeIndex) -> Option<ValuePath> {
    if let Some(argument) = argument_of(tree, expression, &["enumerate"]) {
        return element(tree, argument);
    }
    let function = tree.child_by_field(expression, "function").filter(|_| tree.kind(expression) == "call")?;
    let name = tree.child_by_field(function, "attribute").filter(|&name| tree.text(name) == "items")?;
    let object = tree.child_by_field(tree.parent(name)?, "object")?;
    with_step(path(tree, object)?, "[]/")
}

fn with_step(mut path: ValuePath, step: &str) -> Option<ValuePath> {
    path.steps.push_str(step);
    Some(path)
}

/// The first argument of a call of one of these functions.
fn argument_of(tree: &SyntaxTree<'_>, call: NodeIndex, functions: &[&str]) -> Option<NodeIndex> {
    if tree.kind(call) != "call" {
        return None;
    }
    let function = called(tree, tree.child_by_field(call, "function")?);
    let is_one = tree.kind(function) == "identifier" && functions.contains(&tree.text(function));
    let list = tree.child_by_field(call, "arguments").filter(|_| is_one)?;
    if tree.kind(list) != "argument_list" {
        return None;
    }
    parts(tree, list).next()
}

/// Which part of the right side goes to which target of the left: of `a, *b, c = x, y, z` those before and behind the star.
pub(super) fn pairs(tree: &SyntaxTree<'_>, left: NodeIndex, right: NodeIndex) -> Vec<(NodeIndex, NodeIndex)> {
    let is_list = |index| matches!(tree.kind(index), "pattern_list" | "tuple_pattern" | "list_pattern");
    let is_row = |index| matches!(tree.kind(index), "expression_list" | "tuple" | "list");
    if !is_list(left) || !is_row(right) {
        return Vec::new();
    }
    let (names, values): (Vec<_>, Vec<_>) = (parts(tree, left).collect(), parts(tree, right).collect());
    let is_starred = |&index: &NodeIndex| matches!(tree.kind(index), "list_splat" | "list_splat_pattern");
    if values.iter().any(is_starred) {
        return Vec::new();
    }
    let Some(star) = names.iter().position(is_starred) else {
        let fits = names.len() == values.len();
        return if fits { names.into_iter().zip(values).collect() } else { Vec::new() };
    };
    let behind = names.len() - star - 1;
    let Some(rest) = values.len().checked_sub(behind).filter(|&rest| rest >= star) else {
        return Vec::new();
    };
    let before = names.iter().zip(&values).take(star);
    let behind = names.iter().skip(star + 1).zip(values.iter().skip(rest));
    before.chain(behind).map(|(&name, &value)| (name, value)).collect()
}
