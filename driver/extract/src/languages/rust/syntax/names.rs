//! Identifiers, paths, types and patterns.

use super::{Analysis, Context, Role};
use crate::lexical::{Namespace, UseContext};
use crate::tree::{NodeIndex, SyntaxTree};

impl Analysis<'_, '_, '_> {
    /// Names, and what holds names that play a part of their own. Returns the context of the children that get none of
    /// their own; none when the rest of the rules decides that.
    pub(super) fn name_form(&mut self, index: NodeIndex, kind: &str, context: Context) -> Option<Context> {
        if context.role == Role::Skip && kind != "block" {
            return None;
        }
        match kind {
            "identifier" if self.tree.text(index) == "_" => {}
            "identifier" => self.identifier(index, context),
            "self" => self.self_name(index, context),
            "type_identifier" => self.refer(index, UseContext::Type, Namespace::Type, context, None),
            "shorthand_field_identifier" => self.identifier(index, context),
            "scoped_identifier" | "scoped_type_identifier" => self.path(index, context),
            "field_expression" => self.field(index, context),
            "parameter" => self.set_field(index, "pattern", context),
            "tuple_struct_pattern" | "struct_pattern" => {
                self.set_field(index, "type", context.with(Role::Read));
                return None;
            }
            "field_pattern" => {
                if self.tree.child_by_field(index, "pattern").is_some() {
                    self.named_field(index, "name", context);
                }
                return None;
            }
            "field_initializer" => {
                self.named_field(index, "field", context);
                return None;
            }
            "type_binding" => {
                self.set_field(index, "name", context.with(Role::Skip));
                return None;
            }
            "generic_type" | "generic_type_with_turbofish" => {
                self.generic_type(index, context);
                return None;
            }
            _ => return None,
        }
        Some(context.with(Role::Read))
    }

    fn identifier(&mut self, index: NodeIndex, context: Context) {
        match context.role {
            Role::Read => self.refer(index, UseContext::Read, Namespace::Value, context, None),
            Role::Callee => self.refer(index, UseContext::Call, Namespace::Value, context, None),
            Role::Target => self.refer(index, UseContext::Write, Namespace::Value, context, None),
            Role::PathHead => self.refer(index, UseContext::Read, Namespace::Type, context, None),
            Role::Pattern(scope, kind) => {
                if self.tree.text(index).starts_with(char::is_uppercase) {
                    self.refer(index, UseContext::Read, Namespace::Value, context, None);
                } else {
                    self.bind(index, index, scope, (kind, Namespace::Value), context.enclosing);
                }
            }
            Role::Token => self.refer(index, UseContext::Macro, Namespace::Any, context, None),
            Role::NamedArgument | Role::Template | Role::Skip => {}
        }
    }

    /// `self` as a value; at the head of a path it is a module.
    fn self_name(&mut self, index: NodeIndex, context: Context) {
        match context.role {
            Role::Pattern(scope, kind) => {
                self.bind(index, index, scope, (kind, Namespace::Value), context.enclosing);
            }
            Role::Read | Role::Target | Role::Callee => {
                self.refer(index, UseContext::Read, Namespace::Value, context, None);
            }
            Role::Token => self.refer(index, UseContext::Macro, Namespace::Any, context, None),
            Role::PathHead | Role::NamedArgument | Role::Template | Role::Skip => {}
        }
    }

    /// `head::…::name`: the head is looked up among types and modules, the rest in what stands before it.
    fn path(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        self.set_field(index, "path", context.with(Role::PathHead));
        if let Some(name) = tree.child_by_field(index, "name") {
            self.refer_in(tree.child_by_field(index, "path"), name, Namespace::Any, context);
        }
    }

    /// `value.field`: the name is looked up in the value.
    fn field(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        if let Some(name) = tree.child_by_field(index, "field") {
            self.refer_in(tree.child_by_field(index, "value"), name, Namespace::Any, context);
            if context.role == Role::Target {
                self.is_target();
            }
        }
    }

    /// The field of a structure that a part of an expression or pattern names: it is looked up in the structure.
    fn named_field(&mut self, index: NodeIndex, field: &str, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(index, field) else { return };
        let around = std::iter::successors(tree.parent(index), |&around| tree.parent(around)).take(2);
        let owner = around.filter_map(|around| {
            tree.child_by_field(around, "name").or_else(|| tree.child_by_field(around, "type"))
        });
        let owner = owner.last();
        self.set_field(index, field, context.with(Role::Skip));
        self.refer_in(owner, name, Namespace::Any, context);
    }

    /// The head of a generic type may be an identifier, and is a type nevertheless.
    fn generic_type(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(head) = tree.child_by_field(index, "type") else { return };
        if tree.kind(head) == "identifier" {
            self.set_context(head, context.with(Role::PathHead));
        }
    }
}

/// The node of the type's own name, without path and arguments.
pub(crate) fn type_name(tree: &SyntaxTree<'_>, index: NodeIndex) -> Option<NodeIndex> {
    let mut current = index;
    loop {
        current = match tree.kind(current) {
            "type_identifier" | "identifier" | "primitive_type" => return Some(current),
            "generic_type" | "reference_type" | "pointer_type" => tree.child_by_field(current, "type")?,
            "scoped_type_identifier" => tree.child_by_field(current, "name")?,
            "dynamic_type" | "abstract_type" => tree.child_by_field(current, "trait")?,
            _ => return None,
        };
    }
}
