//! Classes, interfaces, aliases, enumerations, namespaces and their members.

use super::functions::is_function_value;
use super::{Analysis, Context, Role};
use crate::lexical::{BindingIndex, BindingKind, Namespace, Scope, ScopeIndex, ScopeKind};
use crate::tree::{NodeIndex, Span};

impl Analysis<'_, '_, '_> {
    /// Types and members. Returns the context of the children that get none of their own; none for other nodes.
    pub(super) fn class_form(&mut self, index: NodeIndex, kind: &str, context: Context) -> Option<Context> {
        match kind {
            "class_declaration" | "abstract_class_declaration" | "class" => self.class(index, kind, context),
            "interface_declaration" => self.interface(index, context),
            "object_type" => {
                let span = self.tree.span(index);
                let scope = self.typed_scope(index, ScopeKind::Interface, span, context);
                return Some(Context { scope, ..context.with(Role::Read) });
            }
            "object" => {
                let span = self.tree.span(index);
                let scope = self.typed_scope(index, ScopeKind::Object, span, context);
                return Some(Context { scope, ..context.with(Role::Read) });
            }
            "type_alias_declaration" => self.alias(index, context),
            "enum_declaration" => self.enumeration(index, context),
            "enum_body" => self.variants(index, context),
            "internal_module" | "module" => self.namespace(index, context),
            "public_field_definition" | "property_signature" | "pair" => self.field(index, kind, context),
            "enum_assignment" => self.variant(index, context),
            "type_parameter" => self.type_parameter(index, context.scope, context),
            "mapped_type_clause" => self.type_parameter(index, context.scope, context),
            "conditional_type" => self.conditional(index, context),
            "infer_type" => self.infer(index, context),
            "class_static_block" => {
                let span = self.tree.span(index);
                let scope = self.typed_scope(index, ScopeKind::Function, span, context);
                return Some(context.inside(scope).with(Role::Read));
            }
            _ => return None,
        }
        Some(context.with(Role::Read))
    }

    fn typed_scope(&mut self, index: NodeIndex, kind: ScopeKind, span: Span, context: Context) -> ScopeIndex {
        self.open_scope(Scope::inside(context.scope, kind, index, span))
    }

    /// From the first of these parts of a node to its end.
    fn span_from(&self, index: NodeIndex, parts: &[&str]) -> Span {
        let tree = self.tree;
        let is_part = |&child: &NodeIndex| {
            let node = tree.node(child);
            parts.iter().any(|&part| node.kind == part || node.field == Some(part))
        };
        let start =
            tree.children(index).find(is_part).map_or(tree.span(index).end, |first| tree.span(first).start);
        Span { start, end: tree.span(index).end }
    }

    fn class(&mut self, index: NodeIndex, kind: &str, context: Context) {
        let tree = self.tree;
        let name = tree.child_by_field(index, "name");
        let span = self.span_from(index, &["type_parameters", "class_heritage", "class_body"]);
        let scope = Scope::inside(context.scope, ScopeKind::Class, index, span);
        let scope = self.open_scope(Scope { name: name.map(|name| self.name(name)), ..scope });
        let mut binding = context.enclosing;
        if let Some(name) = name {
            self.skip(name, context);
            // The name of an expression is seen inside of it only.
            let place = if kind == "class" { scope } else { context.scope };
            binding =
                Some(self.bind(index, name, place, (BindingKind::Class, Namespace::Any), context.enclosing));
        }
        let inner = Context { enclosing: binding, role: Role::Read, ..context.inside(scope) };
        for child in tree.children(index) {
            if matches!(tree.kind(child), "type_parameters" | "class_heritage" | "class_body") {
                self.set_context(child, inner);
            }
        }
    }

    fn interface(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(index, "name") else { return };
        self.skip(name, context);
        let kind = (BindingKind::Interface, Namespace::Type);
        let binding = self.bind(index, name, context.scope, kind, context.enclosing);
        let span = self.span_from(index, &["type_parameters", "extends_type_clause", "body"]);
        let scope = Scope::inside(context.scope, ScopeKind::Interface, index, span);
        let scope = self.open_scope(Scope { name: Some(self.name(name)), ..scope });
        self.give_all(index, name, Context { scope, enclosing: Some(binding), ..context.with(Role::Read) });
    }

    /// Gives a context to all children but the name.
    fn give_all(&mut self, index: NodeIndex, name: NodeIndex, context: Context) {
        let tree = self.tree;
        for child in tree.children(index).filter(|&child| child != name) {
            self.set_context(child, context);
        }
    }

    fn alias(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(index, "name") else { return };
        self.skip(name, context);
        let kind = (BindingKind::TypeAlias, Namespace::Type);
        let binding = self.bind(index, name, context.scope, kind, context.enclosing);
        let mut inner = Context { enclosing: Some(binding), ..context.with(Role::Read) };
        if tree.child_by_field(index, "type_parameters").is_some() {
            let span = self.span_from(index, &["type_parameters"]);
            inner.scope = self.typed_scope(index, ScopeKind::TypeParameters, span, context);
        }
        self.give_all(index, name, inner);
    }

    /// The parameter of a list, or the key of a mapped type.
    fn type_parameter(&mut self, index: NodeIndex, scope: ScopeIndex, context: Context) {
        let Some(name) = self.tree.child_by_field(index, "name") else { return };
        self.skip(name, context);
        self.bind(index, name, scope, (BindingKind::TypeParameter, Namespace::Type), context.enclosing);
    }

    /// `left extends right ? consequence : alternative`: what `right` infers is seen in `consequence`.
    fn conditional(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let start = tree
            .child_by_field(index, "right")
            .map_or(tree.span(index).start, |right| tree.span(right).start);
        let end = tree
            .child_by_field(index, "consequence")
            .map_or(tree.span(index).end, |part| tree.span(part).end);
        let scope = self.typed_scope(index, ScopeKind::TypeParameters, Span { start, end }, context);
        let inner = Context { scope, items: scope, ..context.with(Role::Read) };
        self.set_field(index, "right", inner);
        self.set_field(index, "consequence", Context { scope, ..context.with(Role::Read) });
    }

    fn infer(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_kind(index, "type_identifier") else { return };
        self.skip(name, context);
        let is_conditional = self.scope_kind(context.items) == ScopeKind::TypeParameters;
        let scope = if is_conditional { context.items } else { context.scope };
        self.bind(index, name, scope, (BindingKind::TypeParameter, Namespace::Type), context.enclosing);
    }

    fn enumeration(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let (Some(name), Some(body)) =
            (tree.child_by_field(index, "name"), tree.child_by_field(index, "body"))
        else {
            return;
        };
        self.skip(name, context);
        let kind = (BindingKind::Enum, Namespace::Any);
        let binding = self.bind(index, name, context.scope, kind, context.enclosing);
        let scope = Scope::inside(context.scope, ScopeKind::Enum, index, tree.span(body));
        let scope = self.open_scope(Scope { name: Some(self.name(name)), ..scope });
        self.set_context(
            body,
            Context { enclosing: Some(binding), ..context.inside(scope) }.with(Role::Read),
        );
    }

    /// The values of an enumeration without one of their own; values written later see them by their names.
    fn variants(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        for name in tree.named_children(index).filter(|&child| tree.node(child).field == Some("name")) {
            if tree.kind(name) != "computed_property_name" {
                self.skip(name, context);
                let kind = (BindingKind::Variant, Namespace::Value);
                self.bind(name, name, context.scope, kind, context.enclosing);
            }
        }
    }

    fn variant(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(index, "name") else { return };
        if tree.kind(name) != "computed_property_name" {
            self.skip(name, context);
            self.bind(
                index,
                name,
                context.scope,
                (BindingKind::Variant, Namespace::Value),
                context.enclosing,
            );
        }
    }

    /// `namespace A { }` and `declare module "name" { }`. Of `namespace A.B { }` the first name is bound.
    fn namespace(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(index, "name") else { return };
        self.skip(name, context);
        let mut first = name;
        while tree.kind(first) == "nested_identifier" {
            match tree.child_by_field(first, "object") {
                Some(object) => first = object,
                None => break,
            }
        }
        let mut binding = context.enclosing;
        if tree.kind(first) == "identifier" {
            let kind = (BindingKind::Module, Namespace::Any);
            binding = Some(self.bind(index, first, context.scope, kind, context.enclosing));
        }
        let Some(body) = tree.child_by_field(index, "body") else { return };
        let scope = Scope::inside(context.scope, ScopeKind::Module, index, tree.span(body));
        let scope = self.open_scope(Scope { name: Some(self.name(name)), ..scope });
        self.set_context(body, Context { enclosing: binding, ..context.inside(scope) }.with(Role::Read));
    }

    /// A field, or an entry of an object; one whose value is a function is a method.
    fn field(&mut self, index: NodeIndex, kind: &str, context: Context) {
        let tree = self.tree;
        let name = if kind == "pair" { "key" } else { "name" };
        let Some(name) = tree.child_by_field(index, name) else { return };
        let value = tree.child_by_field(index, "value");
        let is_method = value.is_some_and(|value| is_function_value(tree.kind(value)));
        let bound = if is_method { BindingKind::Method } else { BindingKind::Field };
        let binding: Option<BindingIndex> = self.member(index, name, bound, context);
        if let (Some(value), true) = (value, is_method) {
            let enclosing = binding.or(context.enclosing);
            self.set_context(value, Context { enclosing, ..context.with(Role::Read) });
        }
    }
}
