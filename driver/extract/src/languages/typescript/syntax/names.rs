//! Identifiers, patterns, members, types and elements.

use super::{Analysis, Context, Role, is_pattern};
use crate::lexical::{BindingKind, Namespace, UseContext};
use crate::tree::NodeIndex;

/// A name without the quotes around it.
pub(in super::super) fn unquoted(text: &str) -> &str {
    for quote in ['"', '\'', '`'] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    text
}

impl Analysis<'_, '_, '_> {
    /// Names, and what holds names that play a part of their own. Returns the context of the children that get none of
    /// their own; none when the rest of the rules decides that.
    pub(super) fn name_form(&mut self, index: NodeIndex, kind: &str, context: Context) -> Option<Context> {
        match kind {
            "identifier" | "shorthand_property_identifier_pattern" => self.identifier(index, context),
            "shorthand_property_identifier" => {
                let kind = (BindingKind::Field, Namespace::Member);
                self.bind(index, index, context.scope, kind, context.enclosing);
                self.refer(index, UseContext::Read, Namespace::Value, context, None);
            }
            "type_identifier" if context.role != Role::Skip => {
                self.refer(index, UseContext::Type, Namespace::Type, context, None);
            }
            "member_expression" => self.property(index, "object", "property", Namespace::Value, context),
            "nested_identifier" if context.role != Role::Skip => {
                self.set_field(index, "object", context.with(Role::Either));
                self.property(index, "object", "property", Namespace::Any, context);
            }
            "nested_type_identifier" => {
                self.set_field(index, "module", context.with(Role::Either));
                self.property(index, "module", "name", Namespace::Type, context);
            }
            "assignment_expression" | "augmented_assignment_expression" => {
                self.set_field(index, "left", context.with(Role::Target));
            }
            "update_expression" => self.set_field(index, "argument", context.with(Role::Target)),
            "jsx_opening_element" | "jsx_self_closing_element" | "jsx_closing_element" => {
                self.element(index, context);
            }
            "tuple_type" => self.tuple(index, context),
            "index_signature" => {
                self.set_field(index, "name", context.with(Role::Skip));
            }
            _ if is_pattern(kind) => return Some(self.pattern(index, kind, context)),
            _ => return None,
        }
        Some(context.with(Role::Read))
    }

    fn identifier(&mut self, index: NodeIndex, context: Context) {
        let (used, namespace) = match context.role {
            Role::Read => (UseContext::Read, Namespace::Value),
            Role::Callee => (UseContext::Call, Namespace::Value),
            Role::Target => (UseContext::Write, Namespace::Value),
            Role::Either => (UseContext::Read, Namespace::Any),
            Role::Pattern(scope, kind) => {
                self.bind(index, index, scope, (kind, Namespace::Value), context.enclosing);
                return;
            }
            Role::Skip => return,
        };
        self.refer(index, used, namespace, context, None);
    }

    /// `object.property`: the name is looked up in the object.
    fn property(
        &mut self,
        index: NodeIndex,
        object: &str,
        property: &str,
        space: Namespace,
        context: Context,
    ) {
        let tree = self.tree;
        if let Some(name) = tree.child_by_field(index, property) {
            self.refer_in(tree.child_by_field(index, object), name, space, context);
        }
    }

    /// The parts of a pattern that are evaluated are no part of it.
    fn pattern(&mut self, index: NodeIndex, kind: &str, context: Context) -> Context {
        let tree = self.tree;
        let evaluated: &[&str] = match kind {
            "required_parameter" | "optional_parameter" => &["value", "type", "decorator"],
            "pair_pattern" => &["key"],
            _ => &["right"],
        };
        for child in tree.children(index) {
            if tree.node(child).field.is_some_and(|field| evaluated.contains(&field)) {
                self.set_context(child, context.with(Role::Read));
            }
        }
        context.with(context.role.below(kind))
    }

    /// Elements with a small first letter are the host's; all others are names (JSX specification).
    fn element(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(index, "name") else { return };
        let is_host = tree.text(name).starts_with(|first: char| first.is_lowercase());
        if tree.kind(name) == "jsx_namespace_name" || (tree.kind(name) == "identifier" && is_host) {
            self.skip(name, context);
        }
    }

    /// The elements of a tuple may have names, which are comments.
    fn tuple(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        for child in tree.named_children(index) {
            if matches!(tree.kind(child), "required_parameter" | "optional_parameter") {
                self.set_context(child, context.with(Role::Skip));
                for part in ["name", "pattern"] {
                    self.set_field(child, part, context.with(Role::Skip));
                }
            }
        }
    }
}
