//! Items: functions, types, traits, implementations, modules, constants, macros and their generics.

use super::{Analysis, Context, Role, type_name};
use crate::lexical::{Barrier, BindingIndex, Import, Namespace, Scope, ScopeIndex};
use crate::tree::{NodeIndex, Span};

impl<'s> Analysis<'_, 's, '_> {
    /// Handles items. Returns whether the children's contexts are decided.
    pub(super) fn visit_item(&mut self, index: NodeIndex, kind: &str, context: Context) -> bool {
        let decided = match kind {
            "function_item" | "function_signature_item" => self.function(index, context),
            "struct_item" | "union_item" | "enum_item" => self.data_type(index, kind, context),
            "trait_item" => self.trait_item(index, context),
            "impl_item" => self.impl_item(index, context),
            "mod_item" => self.module(index, context),
            "const_item" => self.plain_item(index, ("const", Namespace::Value), context),
            "static_item" => self.plain_item(index, ("static", Namespace::Value), context),
            "type_item" | "associated_type" => {
                self.plain_item(index, ("type_alias", Namespace::Type), context)
            }
            "macro_definition" => {
                self.plain_item(index, ("macro", Namespace::Macro), context);
                self.pass_down(index, context, Role::Skip);
                return true;
            }
            "enum_variant" => self.plain_item(index, ("variant", Namespace::Member), context),
            "field_declaration" => self.plain_item(index, ("field", Namespace::Member), context),
            "type_parameter" => self.plain_item(index, ("type_parameter", Namespace::Type), context),
            "const_parameter" => self.plain_item(index, ("parameter", Namespace::Value), context),
            "visibility_modifier" | "label" | "lifetime" | "lifetime_parameter" => {
                self.pass_down(index, context, Role::Skip);
                return true;
            }
            _ => return false,
        };
        self.pass_down(index, decided, Role::Read);
        true
    }

    /// The kind and namespace of an item declared in `scope`: associated items are reached through their type.
    fn as_member(&self, scope: ScopeIndex, kind: (&'static str, Namespace)) -> (&'static str, Namespace) {
        match self.facts.scopes.get(scope).map(|scope| scope.kind) {
            Some("impl" | "trait") if kind.0 == "function" => ("method", Namespace::Member),
            Some("impl" | "trait") => (kind.0, Namespace::Member),
            _ => kind,
        }
    }

    /// Declares an item without a body of statements; type parameters get a scope up to the item's end.
    fn plain_item(&mut self, index: NodeIndex, kind: (&'static str, Namespace), context: Context) -> Context {
        let kind = self.as_member(context.items, kind);
        self.declare(index, kind, context);
        self.generics(index, context)
    }

    fn declare(
        &mut self,
        index: NodeIndex,
        kind: (&'static str, Namespace),
        context: Context,
    ) -> Option<BindingIndex> {
        let name = self.tree.child_by_field(index, "name")?;
        self.set_context(name, Context { role: Role::Skip, ..context });
        Some(self.bind(index, name, context.items, kind, context.enclosing))
    }

    /// Opens the scope of the item's type parameters, when it has some.
    fn generics(&mut self, index: NodeIndex, context: Context) -> Context {
        let tree = self.tree;
        let Some(list) = tree.child_by_field(index, "type_parameters") else { return context };
        let span = Span { start: tree.span(list).start, end: tree.span(index).end };
        let name = tree.child_by_field(index, "name").map(|name| tree.text(name));
        self.plain_scope(list, context, "type_parameters", name, span)
    }

    /// A scope in which names and items are declared.
    fn plain_scope(
        &mut self,
        node: NodeIndex,
        context: Context,
        kind: &'static str,
        name: Option<&'s str>,
        span: Span,
    ) -> Context {
        let scope = self.open_scope(Scope {
            node,
            parent: Some(context.scope),
            kind,
            name,
            span,
            visible_to_nested: true,
            barrier: Barrier::None,
        });
        Context { scope, items: scope, ..context }
    }

    fn function(&mut self, index: NodeIndex, context: Context) -> Context {
        let tree = self.tree;
        let kind = self.as_member(context.items, ("function", Namespace::Value));
        let binding = self.declare(index, kind, context);
        let inner = self.generics(index, context);
        let span = match tree.child_by_field(index, "body") {
            Some(body) => tree.span(body),
            // A signature without a body: its parameters are declared in an empty place at its end.
            None => Span { start: tree.span(index).end, end: tree.span(index).end },
        };
        let name = tree.child_by_field(index, "name").map(|name| tree.text(name));
        let body = self.plain_scope(index, inner, "function", name, span);
        if let Some(scope) = self.facts.scopes.get_mut(body.scope) {
            scope.barrier = Barrier::Locals;
        }
        let pattern = Role::Pattern(body.scope, "parameter");
        self.set_field(index, "parameters", Context { role: pattern, enclosing: binding, ..inner });
        self.set_field(index, "body", Context { role: Role::Read, enclosing: binding, ..body });
        Context { role: Role::Read, ..inner }
    }

    fn data_type(&mut self, index: NodeIndex, kind: &str, context: Context) -> Context {
        let tree = self.tree;
        let body = tree.child_by_field(index, "body");
        let with_fields = body.is_some_and(|body| tree.kind(body) == "field_declaration_list");
        let declared = match kind {
            "enum_item" => ("enum", Namespace::Type),
            "union_item" => ("union", Namespace::Type),
            _ if with_fields => ("struct", Namespace::Type),
            // Tuple and unit structs are types and values.
            _ => ("struct", Namespace::Any),
        };
        let binding = self.declare(index, declared, context);
        let inner = Context { enclosing: binding, ..self.generics(index, context) };
        if let Some(body) = body {
            let kind = if kind == "enum_item" { "enum" } else { "struct" };
            self.member_scope(index, body, kind, inner);
        }
        inner
    }

    /// Opens the scope that holds the members of a type; it answers no lookup, members are reached through
    /// their type.
    fn member_scope(&mut self, owner: NodeIndex, body: NodeIndex, kind: &'static str, context: Context) {
        let tree = self.tree;
        let name = tree
            .child_by_field(owner, "name")
            .or_else(|| type_name(tree, tree.child_by_field(owner, "type")?))
            .map(|name| tree.text(name));
        let inner = self.plain_scope(body, context, kind, name, tree.span(body));
        if let Some(scope) = self.facts.scopes.get_mut(inner.scope) {
            scope.visible_to_nested = false;
        }
        self.set_context(body, Context { role: Role::Read, ..inner });
    }

    fn trait_item(&mut self, index: NodeIndex, context: Context) -> Context {
        let tree = self.tree;
        let kind = self.as_member(context.items, ("trait", Namespace::Type));
        let binding = self.declare(index, kind, context);
        let inner = self.self_scope(index, tree.child_by_field(index, "name"), context);
        let inner = Context { enclosing: binding, ..inner };
        if let Some(body) = tree.child_by_field(index, "body") {
            self.member_scope(index, body, "trait", inner);
        }
        inner
    }

    fn impl_item(&mut self, index: NodeIndex, context: Context) -> Context {
        let tree = self.tree;
        let subject = tree.child_by_field(index, "type").and_then(|node| type_name(tree, node));
        let inner = self.self_scope(index, subject, context);
        if let Some(body) = tree.child_by_field(index, "body") {
            self.member_scope(index, body, "impl", inner);
        }
        inner
    }

    /// The scope of a trait or implementation: its type parameters and `Self`.
    fn self_scope(&mut self, index: NodeIndex, subject: Option<NodeIndex>, context: Context) -> Context {
        let tree = self.tree;
        let name = subject.map(|subject| tree.text(subject));
        let inner = self.plain_scope(index, context, "type_parameters", name, tree.span(index));
        if let Some(subject) = subject {
            self.bind_as(
                subject,
                subject,
                "Self",
                inner.scope,
                ("self_type", Namespace::Any),
                context.enclosing,
            );
        }
        Context { role: Role::Read, ..inner }
    }

    fn module(&mut self, index: NodeIndex, context: Context) -> Context {
        let tree = self.tree;
        let binding = self.declare(index, ("module", Namespace::Type), context);
        let name = tree.child_by_field(index, "name").map(|name| tree.text(name));
        match tree.child_by_field(index, "body") {
            Some(body) => {
                let inner = self.plain_scope(body, context, "module", name, tree.span(body));
                if let Some(scope) = self.facts.scopes.get_mut(inner.scope) {
                    scope.barrier = Barrier::Everything;
                }
                self.set_context(body, Context { enclosing: binding, role: Role::Read, ..inner });
            }
            None => {
                let module = name.and_then(|name| self.module_below(index, name));
                self.facts.imports.push(Import {
                    node: index,
                    binding,
                    kind: "mod",
                    module,
                    raw_module: name.map(str::to_owned),
                    level: 0,
                    name: None,
                    alias: None,
                    is_star: false,
                });
            }
        }
        Context { role: Role::Read, ..context }
    }
}
