//! Items: functions, types, traits, implementations, modules, constants, macros and their generics.

use super::names::type_name;
use super::{Analysis, Context, Role};
use crate::lexical::{
    Barrier, BindingIndex, BindingKind, BoundValue, Import, ImportKind, Namespace, Scope, ScopeIndex,
    ScopeKind, ValueKind, ValuePath,
};
use crate::tree::{NodeIndex, Span};

impl<'s> Analysis<'_, 's, '_> {
    /// Items. Returns the context of the children that get none of their own; none for other nodes.
    pub(super) fn item(&mut self, index: NodeIndex, kind: &str, context: Context) -> Option<Context> {
        let rest = match kind {
            "function_item" | "function_signature_item" => self.function(index, context),
            "struct_item" | "union_item" | "enum_item" => self.data_type(index, kind, context),
            "trait_item" => self.trait_item(index, context),
            "impl_item" => self.impl_item(index, context),
            "mod_item" => self.module(index, context),
            "const_item" => self.plain_item(index, (BindingKind::Const, Namespace::Value), context),
            "static_item" => self.plain_item(index, (BindingKind::Static, Namespace::Value), context),
            "type_item" | "associated_type" => {
                self.plain_item(index, (BindingKind::TypeAlias, Namespace::Type), context)
            }
            "macro_definition" => {
                let inner = self.plain_item(index, (BindingKind::Macro, Namespace::Macro), context);
                return Some(inner.with(Role::Skip));
            }
            "enum_variant" => self.plain_item(index, (BindingKind::Variant, Namespace::Member), context),
            "field_declaration" => self.plain_item(index, (BindingKind::Field, Namespace::Member), context),
            "type_parameter" => {
                self.plain_item(index, (BindingKind::TypeParameter, Namespace::Type), context)
            }
            "const_parameter" => self.plain_item(index, (BindingKind::Parameter, Namespace::Value), context),
            "visibility_modifier" | "label" | "lifetime" | "lifetime_parameter" => {
                return Some(context.with(Role::Skip));
            }
            _ => return None,
        };
        Some(rest.with(Role::Read))
    }

    /// The kind and namespace of an item declared in `scope`: associated items are reached through their type.
    fn as_member(&self, scope: ScopeIndex, kind: (BindingKind, Namespace)) -> (BindingKind, Namespace) {
        let member = matches!(self.scope_kind(scope), ScopeKind::Impl | ScopeKind::Trait);
        match kind {
            (BindingKind::Function, _) if member => (BindingKind::Method, Namespace::Member),
            (kind, _) if member => (kind, Namespace::Member),
            declared => declared,
        }
    }

    /// Declares an item without a body of statements; type parameters get a scope up to the item's end.
    fn plain_item(&mut self, index: NodeIndex, kind: (BindingKind, Namespace), context: Context) -> Context {
        let kind = self.as_member(context.items, kind);
        self.declare(index, kind, context);
        self.generics(index, context)
    }

    fn declare(
        &mut self,
        index: NodeIndex,
        kind: (BindingKind, Namespace),
        context: Context,
    ) -> Option<BindingIndex> {
        let name = self.tree.child_by_field(index, "name")?;
        self.skip(name, context);
        Some(self.bind(index, name, context.items, kind, context.enclosing))
    }

    /// Opens the scope of the item's type parameters, when it has some.
    fn generics(&mut self, index: NodeIndex, context: Context) -> Context {
        let tree = self.tree;
        let Some(list) = tree.child_by_field(index, "type_parameters") else { return context };
        let span = Span { start: tree.span(list).start, end: tree.span(index).end };
        let name = tree.child_by_field(index, "name").map(|name| self.name(name));
        self.open_item_scope(
            Scope { name, ..Scope::inside(context.scope, ScopeKind::TypeParameters, list, span) },
            context,
        )
    }

    /// Opens a scope in which names and items are declared.
    fn open_item_scope(&mut self, scope: Scope<'s>, context: Context) -> Context {
        context.inside(self.open_scope(scope))
    }

    fn function(&mut self, index: NodeIndex, context: Context) -> Context {
        let tree = self.tree;
        let kind = self.as_member(context.items, (BindingKind::Function, Namespace::Value));
        let binding = self.declare(index, kind, context);
        let inner = self.generics(index, context);
        let span = match tree.child_by_field(index, "body") {
            Some(body) => tree.span(body),
            // A signature without a body: its parameters are declared in an empty place at its end.
            None => Span { start: tree.span(index).end, end: tree.span(index).end },
        };
        let name = tree.child_by_field(index, "name").map(|name| self.name(name));
        let function = Scope::inside(inner.scope, ScopeKind::Function, index, span);
        let body = self.open_item_scope(Scope { name, barrier: Barrier::Locals, ..function }, inner);
        let parameter = inner.with(Role::Pattern(body.scope, BindingKind::Parameter));
        self.set_field(index, "parameters", Context { enclosing: binding, ..parameter });
        self.set_field(index, "body", Context { enclosing: binding, ..body.with(Role::Read) });
        inner
    }

    fn data_type(&mut self, index: NodeIndex, kind: &str, context: Context) -> Context {
        let tree = self.tree;
        let body = tree.child_by_field(index, "body");
        let with_fields = body.is_some_and(|body| tree.kind(body) == "field_declaration_list");
        let declared = match kind {
            "enum_item" => (BindingKind::Enum, Namespace::Type),
            "union_item" => (BindingKind::Union, Namespace::Type),
            _ if with_fields => (BindingKind::Struct, Namespace::Type),
            // Tuple and unit structs are types and values.
            _ => (BindingKind::Struct, Namespace::Any),
        };
        let binding = self.declare(index, declared, context);
        let inner = Context { enclosing: binding, ..self.generics(index, context) };
        if let Some(body) = body {
            let kind = if kind == "enum_item" { ScopeKind::Enum } else { ScopeKind::Struct };
            self.member_scope(index, body, kind, inner);
        }
        inner
    }

    /// Opens the scope that holds the members of a type; it answers no lookup, members are reached through
    /// their type.
    fn member_scope(&mut self, owner: NodeIndex, body: NodeIndex, kind: ScopeKind, context: Context) {
        let tree = self.tree;
        let name = tree
            .child_by_field(owner, "name")
            .or_else(|| type_name(tree, tree.child_by_field(owner, "type")?))
            .map(|name| self.name(name));
        let members = Scope::inside(context.scope, kind, body, tree.span(body));
        let inner = self.open_item_scope(Scope { name, visible_to_nested: false, ..members }, context);
        self.set_context(body, inner.with(Role::Read));
    }

    fn trait_item(&mut self, index: NodeIndex, context: Context) -> Context {
        let tree = self.tree;
        let kind = self.as_member(context.items, (BindingKind::Trait, Namespace::Type));
        let binding = self.declare(index, kind, context);
        let inner = self.self_scope(index, tree.child_by_field(index, "name"), context);
        let inner = Context { enclosing: binding, ..inner };
        if let (Some(name), Some(bounds)) =
            (tree.child_by_field(index, "name"), tree.child_by_field(index, "bounds"))
        {
            let above = tree.named_children(bounds).filter_map(|bound| type_name(tree, bound));
            self.bases(name, above);
        }
        if let Some(body) = tree.child_by_field(index, "body") {
            self.member_scope(index, body, ScopeKind::Trait, inner);
        }
        inner
    }

    fn impl_item(&mut self, index: NodeIndex, context: Context) -> Context {
        let tree = self.tree;
        let subject = tree.child_by_field(index, "type").and_then(|node| type_name(tree, node));
        let inner = self.self_scope(index, subject, context);
        if let Some(subject) = subject {
            let implemented = tree.child_by_field(index, "trait").and_then(|node| type_name(tree, node));
            self.bases(subject, implemented.into_iter());
        }
        if let Some(body) = tree.child_by_field(index, "body") {
            self.member_scope(index, body, ScopeKind::Impl, inner);
        }
        inner
    }

    /// Says which traits the type or trait named at a node has, by their names.
    fn bases(&mut self, name_node: NodeIndex, traits: impl Iterator<Item = NodeIndex>) {
        self.facts.values.extend(traits.zip(0..).map(|(head, position)| BoundValue {
            name_node,
            kind: ValueKind::Base,
            path: Some(ValuePath { head, steps: String::new() }),
            class: None,
            position,
        }));
    }

    /// The scope of a trait or implementation: its type parameters and `Self`.
    fn self_scope(&mut self, index: NodeIndex, subject: Option<NodeIndex>, context: Context) -> Context {
        let tree = self.tree;
        let name = subject.map(|subject| self.name(subject));
        let around = Scope::inside(context.scope, ScopeKind::TypeParameters, index, tree.span(index));
        let inner = self.open_item_scope(Scope { name, ..around }, context);
        if let Some(subject) = subject {
            let kind = (BindingKind::SelfType, Namespace::Any);
            self.bind_as(subject, (subject, "Self"), inner.scope, kind, context.enclosing);
        }
        inner
    }

    fn module(&mut self, index: NodeIndex, context: Context) -> Context {
        let tree = self.tree;
        let binding = self.declare(index, (BindingKind::Module, Namespace::Type), context);
        let name = tree.child_by_field(index, "name").map(|name| self.name(name));
        match tree.child_by_field(index, "body") {
            Some(body) => {
                let module = Scope::inside(context.scope, ScopeKind::Module, body, tree.span(body));
                let module = Scope { name, barrier: Barrier::Everything, ..module };
                let inner = self.open_item_scope(module, context).with(Role::Read);
                self.set_context(body, Context { enclosing: binding, ..inner });
            }
            None => {
                let module = name.and_then(|name| self.module_below(index, name));
                self.facts.imports.push(Import {
                    node: index,
                    binding,
                    kind: ImportKind::Mod,
                    module,
                    raw_module: name.map(str::to_owned),
                    level: 0,
                    name: None,
                    alias: None,
                    is_star: false,
                    target: None,
                    bound: None,
                });
            }
        }
        context
    }
}
