//! Blocks, loops, handlers and declarations of variables.

use super::functions::{is_function, is_function_value};
use super::{Analysis, Context, Role};
use crate::lexical::{BindingKind, Namespace, Scope, ScopeKind};
use crate::tree::NodeIndex;

impl Analysis<'_, '_, '_> {
    /// Nodes that open a scope or declare variables. Returns the context of the children that get none of their own; none
    /// for other nodes.
    pub(super) fn scope_form(&mut self, index: NodeIndex, kind: &str, context: Context) -> Option<Context> {
        match kind {
            "statement_block" => return Some(self.block(index, context)),
            "switch_body" => return Some(self.opened(index, ScopeKind::Block, context)),
            "for_statement" => return Some(self.opened(index, ScopeKind::For, context)),
            "for_in_statement" => return Some(self.for_in(index, context)),
            "catch_clause" => {
                let inner = self.opened(index, ScopeKind::Catch, context);
                self.set_field(
                    index,
                    "parameter",
                    inner.with(Role::Pattern(inner.scope, BindingKind::Variable)),
                );
                return Some(inner);
            }
            "lexical_declaration" => {
                return Some(context.with(Role::Pattern(context.scope, BindingKind::Variable)));
            }
            "variable_declaration" => {
                return Some(context.with(Role::Pattern(context.items, BindingKind::Variable)));
            }
            "variable_declarator" => self.declarator(index, context),
            _ => return None,
        }
        Some(context.with(Role::Read))
    }

    fn opened(&mut self, index: NodeIndex, kind: ScopeKind, context: Context) -> Context {
        let span = self.tree.span(index);
        let scope = self.open_scope(Scope::inside(context.scope, kind, index, span));
        Context { scope, ..context.with(Role::Read) }
    }

    /// The bodies of functions and namespaces share the scope that is there for them.
    fn block(&mut self, index: NodeIndex, context: Context) -> Context {
        let tree = self.tree;
        let parent = tree.parent(index).map_or("", |parent| tree.kind(parent));
        if is_function(parent) || matches!(parent, "internal_module" | "module" | "class_static_block") {
            return context.with(Role::Read);
        }
        self.opened(index, ScopeKind::Block, context)
    }

    fn for_in(&mut self, index: NodeIndex, context: Context) -> Context {
        let tree = self.tree;
        let inner = self.opened(index, ScopeKind::For, context);
        let role = match tree.child_by_field(index, "kind").map(|kind| tree.kind(kind)) {
            Some("var") => Role::Pattern(context.items, BindingKind::Variable),
            Some(_) => Role::Pattern(inner.scope, BindingKind::Variable),
            None => Role::Target,
        };
        self.set_field(index, "left", inner.with(role));
        inner
    }

    /// `name = value`: a name with a function as its value is a function.
    fn declarator(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(index, "name") else { return };
        let value = tree.child_by_field(index, "value").filter(|&value| is_function_value(tree.kind(value)));
        let (Some(value), "identifier", Role::Pattern(scope, _)) = (value, tree.kind(name), context.role)
        else {
            self.set_context(name, context);
            return;
        };
        let is_async = tree.child_by_kind(value, "async").is_some();
        let kind = if is_async { BindingKind::AsyncFunction } else { BindingKind::Function };
        self.skip(name, context);
        let binding = self.bind(index, name, scope, (kind, Namespace::Value), context.enclosing);
        self.set_context(value, Context { enclosing: Some(binding), ..context.with(Role::Read) });
    }
}
