//! Identifiers, paths, types and patterns.

use super::{Analysis, Context, Role};
use crate::lexical::{Namespace, Reference, UseContext};
use crate::tree::{NodeIndex, SyntaxTree};

impl<'s> Analysis<'_, 's, '_> {
    /// Handles nodes that are names. Returns whether the children's contexts are decided.
    pub(super) fn visit_name(&mut self, index: NodeIndex, kind: &str, context: Context) -> bool {
        if context.role == Role::Skip && !matches!(kind, "block" | "token_tree") {
            return false;
        }
        match kind {
            "identifier" if self.tree.text(index) == "_" => {}
            "identifier" => self.identifier(index, context),
            "self" => self.self_name(index, context),
            "type_identifier" => self.refer(index, UseContext::Type, Namespace::Type, context, None),
            "shorthand_field_identifier" => self.identifier(index, context),
            "scoped_identifier" | "scoped_type_identifier" => self.path(index, context),
            "field_expression" => self.field(index, context),
            "parameter" => self.parameter(index, context),
            "tuple_struct_pattern" | "struct_pattern" => {
                self.set_field(index, "type", Context { role: Role::Read, ..context });
                return false;
            }
            "field_pattern" => {
                let pattern = self.tree.child_by_field(index, "pattern");
                if pattern.is_some() {
                    self.set_field(index, "name", Context { role: Role::Skip, ..context });
                }
                return false;
            }
            "field_initializer" => {
                self.set_field(index, "field", Context { role: Role::Skip, ..context });
                return false;
            }
            "type_binding" => {
                self.set_field(index, "name", Context { role: Role::Skip, ..context });
                return false;
            }
            "generic_type" | "generic_type_with_turbofish" => {
                self.generic_type(index, context);
                return false;
            }
            "token_tree" => self.token_tree(index, context),
            _ => return false,
        }
        true
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
            Role::Skip => {}
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
            Role::PathHead | Role::Skip => {}
        }
    }

    pub(super) fn refer(
        &mut self,
        index: NodeIndex,
        used: UseContext,
        namespace: Namespace,
        context: Context,
        receiver: Option<&'s str>,
    ) {
        let text = self.tree.text(index);
        let span = self.tree.span(index);
        let name = self.facts.names.intern(text);
        self.facts.references.push(Reference {
            node: index,
            name,
            text,
            context: used,
            namespace,
            span,
            lookup: span,
            scope: context.scope,
            receiver,
            enclosing: context.enclosing,
        });
    }

    /// `head::…::name`: the head is looked up among types and modules, the rest in what stands before it.
    fn path(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let head = tree.child_by_field(index, "path");
        if let Some(head) = head {
            self.set_context(head, Context { role: Role::PathHead, ..context });
        }
        if let Some(name) = tree.child_by_field(index, "name") {
            self.set_context(name, Context { role: Role::Skip, ..context });
            let receiver = head.map(|head| tree.text(head));
            self.refer(name, UseContext::Attribute, Namespace::Any, context, receiver);
        }
        self.pass_down(index, context, Role::Read);
    }

    fn field(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        if let Some(name) = tree.child_by_field(index, "field") {
            self.set_context(name, Context { role: Role::Skip, ..context });
            let receiver = tree.child_by_field(index, "value").map(|value| tree.text(value));
            self.refer(name, UseContext::Attribute, Namespace::Any, context, receiver);
        }
        self.pass_down(index, context, Role::Read);
    }

    /// The head of a generic type may be an identifier, and is a type nevertheless.
    fn generic_type(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(head) = tree.child_by_field(index, "type") else { return };
        if tree.kind(head) == "identifier" {
            self.set_context(head, Context { role: Role::PathHead, ..context });
        }
    }

    fn parameter(&mut self, index: NodeIndex, context: Context) {
        self.set_field(index, "pattern", context);
        self.pass_down(index, context, Role::Read);
    }

    /// Tokens of a macro: identifiers that are not members of something are references whose namespace only
    /// the macro's expansion tells.
    fn token_tree(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let skip = Context { role: Role::Skip, ..context };
        let mut before = "";
        for child in tree.children(index) {
            let kind = tree.kind(child);
            match kind {
                "token_tree" | "token_repetition" => self.set_context(child, context),
                "identifier" | "self" if context.role != Role::Skip && tree.text(child) != "_" => {
                    self.set_context(child, skip);
                    let (used, namespace) = match before {
                        "." | "::" => (UseContext::Attribute, Namespace::Any),
                        _ => (UseContext::Macro, Namespace::Any),
                    };
                    self.refer(child, used, namespace, context, None);
                }
                _ => self.set_context(child, skip),
            }
            before = token_before(tree, child);
        }
    }
}

/// The token that decides about the next identifier.
fn token_before(tree: &SyntaxTree<'_>, child: NodeIndex) -> &'static str {
    match tree.text(child) {
        text if text.ends_with("::") => "::",
        "." => ".",
        _ => "",
    }
}
