//! Calls and macro invocations with their arguments.

use super::{Analysis, Context, Role};
use crate::lexical::{Argument, CallShape, Callee, Namespace, UseContext};
use crate::tree::{NodeIndex, SyntaxTree};

impl Analysis<'_, '_, '_> {
    pub(super) fn call(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(function) = tree.child_by_field(index, "function") else { return };
        self.set_context(function, context.with(Role::Callee));
        let node = match tree.kind(function) {
            "generic_function" => tree.child_by_field(function, "function").unwrap_or(function),
            _ => function,
        };
        let field = |name| tree.child_by_field(node, name);
        let (shape, name, receiver) = match tree.kind(node) {
            "identifier" => (CallShape::Name, Some(node), None),
            "scoped_identifier" => (CallShape::Path, field("name"), field("path")),
            "field_expression" => (CallShape::Attribute, field("field"), field("value")),
            _ => (CallShape::Other, None, None),
        };
        let list = tree.child_by_field(index, "arguments");
        let arguments = list.into_iter().flat_map(|list| arguments(tree, list));
        self.add_call(index, &Callee { node, shape, name, receiver, path: None }, arguments, context);
    }

    /// A macro's tokens are no arguments.
    pub(super) fn macro_call(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(node) = tree.child_by_field(index, "macro") else { return };
        let (name, receiver) = match tree.kind(node) {
            "scoped_identifier" => (tree.child_by_field(node, "name"), tree.child_by_field(node, "path")),
            _ => (Some(node), None),
        };
        if receiver.is_none() {
            self.skip(node, context);
            self.refer(node, UseContext::Macro, Namespace::Macro, context, None);
        }
        let callee = Callee { node, shape: CallShape::Macro, name, receiver, path: None };
        self.add_call(index, &callee, std::iter::empty(), context);
    }
}

fn arguments<'a, 's>(tree: &'a SyntaxTree<'s>, list: NodeIndex) -> impl Iterator<Item = Argument<'s>> + 'a {
    let besides = |node| matches!(tree.kind(node), "line_comment" | "block_comment" | "attribute_item");
    let listed = tree.named_children(list).filter(move |&node| !besides(node));
    listed.map(|node| Argument { node, keyword: None, star: None })
}
