//! Calls with their arguments, and decorators.

use super::{Analysis, Context, Role};
use crate::lexical::{Call, CallArg, Decorator};
use crate::tree::{NodeIndex, Span};

impl Analysis<'_, '_, '_> {
    pub(super) fn call(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(function) = tree.child_by_field(index, "function") else { return };
        self.set_context(function, Context { role: Role::Callee, ..context });
        let (shape, callee_name, object) = match tree.kind(function) {
            "identifier" => ("name", Some(function), None),
            "attribute" => (
                "attribute",
                tree.child_by_field(function, "attribute"),
                tree.child_by_field(function, "object"),
            ),
            "subscript" => ("subscript", None, None),
            _ => ("other", None, None),
        };
        let arg_count = self.arguments(index);
        self.facts.calls.push(Call {
            node: index,
            callee_name,
            callee: function,
            receiver: object.map(|object| tree.text(object)),
            shape,
            arg_count,
            enclosing: context.enclosing,
        });
    }

    /// Records the arguments of the call at `call`; returns how many there are.
    fn arguments(&mut self, call: NodeIndex) -> i32 {
        let tree = self.tree;
        let Some(list) = tree.child_by_field(call, "arguments") else { return 0 };
        if tree.kind(list) == "generator_expression" {
            self.facts.call_args.push(CallArg { node: list, call, index: 0, keyword: None, star: None });
            return 1;
        }
        let mut count = 0;
        for node in tree.named_children(list).filter(|&node| tree.kind(node) != "comment") {
            let (keyword, star) = match tree.kind(node) {
                "keyword_argument" => (tree.child_by_field(node, "name").map(|name| tree.text(name)), None),
                "list_splat" => (None, Some("*")),
                "dictionary_splat" => (None, Some("**")),
                _ => (None, None),
            };
            self.facts.call_args.push(CallArg { node, call, index: count, keyword, star });
            count += 1;
        }
        count
    }

    pub(super) fn decorators(&mut self, index: NodeIndex) {
        let tree = self.tree;
        let Some(owner) = tree.child_by_field(index, "definition") else { return };
        let decorators = tree.named_children(index).filter(|&child| tree.kind(child) == "decorator");
        for (position, node) in decorators.enumerate() {
            let Some(expression) = tree.named_children(node).find(|&child| tree.kind(child) != "comment")
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
