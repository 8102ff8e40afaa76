//! Calls and `new` with their arguments.

use super::imports::specifier;
use super::{Analysis, Context, Role};
use crate::lexical::{Argument, CallShape, Callee, Import, ImportKind, Unpacking};
use crate::tree::{NodeIndex, SyntaxTree};

impl<'s> Analysis<'_, 's, '_> {
    pub(super) fn call(&mut self, index: NodeIndex, kind: &str, context: Context) {
        let tree = self.tree;
        let field = if kind == "new_expression" { "constructor" } else { "function" };
        let Some(function) = tree.child_by_field(index, field) else { return };
        let list = tree.child_by_field(index, "arguments");
        if kind == "call_expression" {
            self.module_expression(index, function, list);
            if tree.kind(function) == "import" {
                return;
            }
        }
        self.set_context(function, context.with(Role::Callee));
        let node = called(tree, function);
        let part = |name| tree.child_by_field(node, name);
        let (shape, name, receiver) = match tree.kind(node) {
            "identifier" => (CallShape::Name, Some(node), None),
            "member_expression" => (CallShape::Attribute, part("property"), part("object")),
            "subscript_expression" => (CallShape::Subscript, None, part("object")),
            _ => (CallShape::Other, None, None),
        };
        let listed = list.filter(|&list| tree.kind(list) == "arguments");
        let arguments = listed.into_iter().flat_map(|list| arguments(tree, list));
        self.add_call(index, &Callee { node, shape, name, receiver, path: None }, arguments, context);
    }

    /// `import("module")` and `require("module")`.
    fn module_expression(&mut self, index: NodeIndex, function: NodeIndex, list: Option<NodeIndex>) {
        let tree = self.tree;
        let is_import = tree.kind(function) == "import";
        let is_require = tree.kind(function) == "identifier" && tree.text(function) == "require";
        let first =
            list.and_then(|list| tree.named_children(list).find(|&node| tree.kind(node) != "comment"));
        let Some(module) = first.filter(|_| is_import || is_require).and_then(|first| specifier(tree, first))
        else {
            return;
        };
        self.facts.imports.push(Import {
            node: index,
            binding: None,
            kind: ImportKind::Require,
            module: Some(module.to_owned()),
            raw_module: Some(module.to_owned()),
            level: 0,
            name: None,
            alias: None,
            is_star: false,
            target: None,
            bound: None,
        });
    }
}

/// The callee without what stands around it.
pub(in super::super) fn called(tree: &SyntaxTree<'_>, function: NodeIndex) -> NodeIndex {
    let mut node = function;
    while matches!(
        tree.kind(node),
        "parenthesized_expression" | "non_null_expression" | "instantiation_expression"
    ) {
        match tree.named_children(node).find(|&child| tree.kind(child) != "comment") {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node
}

fn arguments<'a, 's>(tree: &'a SyntaxTree<'s>, list: NodeIndex) -> impl Iterator<Item = Argument<'s>> + 'a {
    let listed = tree.named_children(list).filter(|&node| tree.kind(node) != "comment");
    listed.map(|node| {
        let star = (tree.kind(node) == "spread_element").then_some(Unpacking::Positional);
        Argument { node, keyword: None, star }
    })
}
