//! Calls with their arguments, and decorators.

use super::rules::{Analysis, Context, Role};
use super::text::is_extra;
use super::values::path;
use crate::lexical::{Argument, CallShape, Callee, Decorator, Unpacking};
use crate::tree::{NodeIndex, Span, SyntaxTree};

impl Analysis<'_, '_, '_> {
    pub(super) fn call(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(written) = tree.child_by_field(index, "function") else { return };
        let function = called(tree, written);
        self.set_context(written, context);
        self.set_context(function, context.with(Role::Callee));
        let (shape, name, receiver) = match tree.kind(function) {
            "identifier" => (CallShape::Name, Some(function), None),
            "attribute" => (
                CallShape::Attribute,
                tree.child_by_field(function, "attribute"),
                tree.child_by_field(function, "object"),
            ),
            "subscript" => (CallShape::Subscript, None, None),
            _ => (CallShape::Other, None, None),
        };
        let object = receiver.filter(|&object| tree.text(object) == "__all__");
        if object.is_some() && context.scope == 0 {
            self.exporting(index, function);
        }
        let list = tree.child_by_field(index, "arguments");
        let arguments = list.into_iter().flat_map(|list| arguments(tree, list));
        let path = if name.is_none() { path(tree, function) } else { None };
        self.add_call(index, &Callee { node: function, shape, name, receiver, path }, arguments, context);
    }

    pub(super) fn decorators(&mut self, index: NodeIndex) {
        let tree = self.tree;
        let Some(owner) = tree.child_by_field(index, "definition") else { return };
        let decorators = tree.named_children(index).filter(|&child| tree.kind(child) == "decorator");
        for (position, node) in decorators.enumerate() {
            let Some(expression) = tree.named_children(node).find(|&child| !is_extra(tree.kind(child)))
            else {
                continue;
            };
            let callee = match tree.kind(expression) {
                "call" => tree.child_by_field(expression, "function").unwrap_or(expression),
                _ => expression,
            };
            let dotted = matches!(tree.kind(callee), "identifier" | "attribute");
            self.facts.decorators.push(Decorator {
                node,
                owner,
                name: dotted.then(|| tree.text(callee)),
                text: tree
                    .slice(Span { start: tree.span(expression).start, end: tree.span(node).end })
                    .trim_end(),
                index: position as i32,
            });
        }
    }
}

/// The callee of a call: the grammar reads `[*f()]` as a call of `*f`.
pub(super) fn called(tree: &SyntaxTree<'_>, function: NodeIndex) -> NodeIndex {
    match tree.kind(function) {
        "list_splat" => tree.named_children(function).next().unwrap_or(function),
        _ => function,
    }
}

/// What stands between the parentheses of a call; a generator expression may stand there without its own.
fn arguments<'a, 's>(tree: &'a SyntaxTree<'s>, list: NodeIndex) -> impl Iterator<Item = Argument<'s>> + 'a {
    let alone = tree.kind(list) == "generator_expression";
    let listed = tree.named_children(list).filter(move |&node| !alone && !is_extra(tree.kind(node)));
    alone.then_some(list).into_iter().chain(listed).map(|node| argument(tree, node))
}

fn argument<'s>(tree: &SyntaxTree<'s>, node: NodeIndex) -> Argument<'s> {
    let (keyword, star) = match tree.kind(node) {
        "keyword_argument" => (tree.child_by_field(node, "name").map(|name| tree.text(name)), None),
        "list_splat" => (None, Some(Unpacking::Positional)),
        "dictionary_splat" => (None, Some(Unpacking::Keyword)),
        _ => (None, None),
    };
    Argument { node, keyword, star }
}
