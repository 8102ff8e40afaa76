//! Calls and macro invocations with their arguments.

use super::{Analysis, Context, Role};
use crate::lexical::{Call, CallArg, Namespace, UseContext};
use crate::tree::NodeIndex;

impl Analysis<'_, '_, '_> {
    pub(super) fn call(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(function) = tree.child_by_field(index, "function") else { return };
        self.set_context(function, Context { role: Role::Callee, ..context });
        let plain = match tree.kind(function) {
            "generic_function" => tree.child_by_field(function, "function").unwrap_or(function),
            _ => function,
        };
        let (shape, callee_name, before) = match tree.kind(plain) {
            "identifier" => ("name", Some(plain), None),
            "scoped_identifier" => {
                ("path", tree.child_by_field(plain, "name"), tree.child_by_field(plain, "path"))
            }
            "field_expression" => {
                ("attribute", tree.child_by_field(plain, "field"), tree.child_by_field(plain, "value"))
            }
            _ => ("other", None, None),
        };
        let arg_count = self.arguments(index);
        self.facts.calls.push(Call {
            node: index,
            callee_name,
            callee: plain,
            receiver: before.map(|before| tree.text(before)),
            shape,
            arg_count,
            enclosing: context.enclosing,
        });
    }

    fn arguments(&mut self, call: NodeIndex) -> i32 {
        let tree = self.tree;
        let Some(list) = tree.child_by_field(call, "arguments") else { return 0 };
        let mut count = 0;
        for node in tree.named_children(list) {
            if matches!(tree.kind(node), "line_comment" | "block_comment" | "attribute_item") {
                continue;
            }
            self.facts.call_args.push(CallArg { node, call, index: count, keyword: None, star: None });
            count += 1;
        }
        count
    }

    pub(super) fn macro_call(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(callee) = tree.child_by_field(index, "macro") else { return };
        let (callee_name, before) = match tree.kind(callee) {
            "scoped_identifier" => (tree.child_by_field(callee, "name"), tree.child_by_field(callee, "path")),
            _ => (Some(callee), None),
        };
        if before.is_none() {
            self.set_context(callee, Context { role: Role::Skip, ..context });
            self.refer(callee, UseContext::Macro, Namespace::Macro, context, None);
        }
        self.facts.calls.push(Call {
            node: index,
            callee_name,
            callee,
            receiver: before.map(|before| tree.text(before)),
            shape: "macro",
            arg_count: 0,
            enclosing: context.enclosing,
        });
    }
}
