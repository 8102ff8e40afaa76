//! Constructs that open scopes: functions, lambdas, classes, comprehensions, type parameter lists.

use super::rules::{Analysis, Context, Role};
use crate::lexical::{BindingIndex, BindingKind, Namespace, Scope, ScopeIndex, ScopeKind};
use crate::tree::{NodeIndex, Span, SyntaxTree};

impl<'s> Analysis<'_, 's, '_> {
    /// Nodes that open a scope. Returns the context of the children that get none of their own; none for other nodes.
    pub(super) fn scope_form(&mut self, index: NodeIndex, kind: &str, context: Context) -> Option<Context> {
        match kind {
            "module" => self.docstring(index, None),
            "function_definition" => self.function(index, context),
            "class_definition" => self.class(index, context),
            "lambda" => self.lambda(index, context),
            "list_comprehension"
            | "set_comprehension"
            | "dictionary_comprehension"
            | "generator_expression" => {
                self.comprehension(index, context);
            }
            "for_in_clause" => self.comprehension_for(index, context),
            "type_alias_statement" => self.type_alias(index, context),
            _ => return None,
        }
        Some(context.with(Role::Read))
    }

    fn function(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(index, "name") else { return };
        self.skip(name, context);
        let kind = if self.scope_kind(context.scope) == ScopeKind::Class {
            BindingKind::Method
        } else if tree.child_by_kind(index, "async").is_some() {
            BindingKind::AsyncFunction
        } else {
            BindingKind::Function
        };
        let binding = self.bind(index, name, context.scope, (kind, Namespace::Value), context.enclosing);
        let text = tree.shown_name(name);
        self.decorated_function(index, binding);
        let Some(body) = tree.child_by_field(index, "body") else { return };
        let outer = self.type_parameters(index, context, text);
        self.result_annotation(index, context.inside(outer));
        let function = Scope::inside(outer, ScopeKind::Function, index, tree.span(body));
        let scope = self.open_scope(Scope { name: Some(text), ..function });
        if kind == BindingKind::Method {
            self.receiver(index, scope, context);
        }
        if let Some(parameters) = tree.child_by_field(index, "parameters") {
            self.positional(parameters);
            self.set_context(parameters, context.inside(outer).with(Role::Parameter(scope)));
            if outer != context.scope {
                self.defaults_outside(parameters, context, first_byte(tree.span(index)));
            }
        }
        self.set_field(index, "return_type", context.inside(outer).with(Role::Read));
        self.set_context(body, body_context(binding, scope, context));
        self.docstring(body, Some(index));
    }

    /// Default values do not see the function's type parameters: they are looked up at the `def` keyword.
    fn defaults_outside(&mut self, parameters: NodeIndex, context: Context, place: Span) {
        let tree = self.tree;
        for parameter in tree.named_children(parameters) {
            let place = Some(context.lookup.unwrap_or(place));
            self.set_field(parameter, "value", Context { lookup: place, ..context.with(Role::Read) });
        }
    }

    fn class(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(index, "name") else { return };
        self.skip(name, context);
        let kind = (BindingKind::Class, Namespace::Value);
        let binding = self.bind(index, name, context.scope, kind, context.enclosing);
        let text = tree.shown_name(name);
        self.bases(index, name);
        let Some(body) = tree.child_by_field(index, "body") else { return };
        let outer = self.type_parameters(index, context, text);
        self.set_field(index, "superclasses", context.inside(outer).with(Role::Read));
        let class = Scope::inside(outer, ScopeKind::Class, index, tree.span(body));
        let scope = self.open_scope(Scope { name: Some(text), visible_to_nested: false, ..class });
        self.set_context(body, body_context(binding, scope, context));
        self.docstring(body, Some(index));
    }

    /// Opens the annotation scope of a definition with a type parameter list; otherwise the outer scope.
    fn type_parameters(&mut self, index: NodeIndex, context: Context, name: &'s str) -> ScopeIndex {
        let tree = self.tree;
        let Some(list) = tree.child_by_field(index, "type_parameters") else { return context.scope };
        self.annotation_scope(index, list, name, context)
    }

    /// Opens the scope that sees the type parameters in `list`, up to the end of the definition at `index`.
    fn annotation_scope(
        &mut self,
        index: NodeIndex,
        list: NodeIndex,
        name: &'s str,
        context: Context,
    ) -> ScopeIndex {
        let span = Span { start: self.tree.span(list).start, end: self.tree.span(index).end };
        let annotation = Scope::inside(context.scope, ScopeKind::TypeParameters, list, span);
        let scope = self.open_scope(Scope { name: Some(name), ..annotation });
        self.set_context(list, context.inside(scope).with(Role::TypeParameter(scope)));
        scope
    }

    fn lambda(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(body) = tree.child_by_field(index, "body") else { return };
        let scope = self.open_scope(Scope::inside(context.scope, ScopeKind::Lambda, index, tree.span(body)));
        self.set_field(index, "parameters", context.with(Role::Parameter(scope)));
        self.set_context(body, Context { lookup: None, ..context.inside(scope).with(Role::Read) });
    }

    fn comprehension(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Span { start, end } = tree.span(index);
        let span = Span { start: start + 1, end: end.saturating_sub(1).max(start + 1) };
        let scope = self.open_scope(Scope::inside(context.scope, ScopeKind::Comprehension, index, span));
        for child in tree.children(index) {
            self.set_context(child, Context { lookup: None, ..context.inside(scope).with(Role::Read) });
        }
    }

    /// The first iterable of a comprehension is evaluated where the comprehension stands: it is looked up
    /// at the opening bracket, which lies outside the comprehension's scope.
    fn comprehension_for(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(comprehension) = tree.parent(index) else { return };
        self.iterated(index);
        self.set_field(index, "left", context.with(Role::Target(context.scope)));
        let first = tree.child_by_kind(comprehension, "for_in_clause") == Some(index);
        if !first {
            return;
        }
        let outer = self.context(comprehension);
        let place = outer.lookup.unwrap_or(first_byte(tree.span(comprehension)));
        for child in tree.children(index) {
            if tree.node(child).field == Some("right") {
                self.set_context(child, Context { lookup: Some(place), ..outer.with(Role::Read) });
            }
        }
    }

    /// `type Name[T] = value`: the name is bound here; the value is evaluated in the annotation scope.
    fn type_alias(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = alias_name(tree, index) else { return };
        self.skip(name, context);
        let kind = (BindingKind::TypeAlias, Namespace::Value);
        self.bind(index, name, context.scope, kind, context.enclosing);
        self.assigned_alias(index, name);
        let list = tree.parent(name).and_then(|parent| tree.child_by_kind(parent, "type_parameter"));
        let scope = match list {
            Some(list) => self.annotation_scope(index, list, tree.shown_name(name), context),
            None => context.scope,
        };
        self.set_field(index, "right", context.inside(scope).with(Role::Read));
    }
}

/// The context of what a definition's body contains.
fn body_context(binding: BindingIndex, scope: ScopeIndex, context: Context) -> Context {
    let context = context.inside(scope).with(Role::Read);
    Context { lookup: None, enclosing: Some(binding), in_type: false, ..context }
}

/// The first byte of `span`, as a place of lookup.
fn first_byte(span: Span) -> Span {
    Span { start: span.start, end: span.start + 1 }
}

/// The name a `type` statement binds. What the grammar takes for such a
/// statement without a name binds nothing, and its parts are plain expressions.
pub(super) fn alias_name(tree: &SyntaxTree<'_>, index: NodeIndex) -> Option<NodeIndex> {
    let content = tree.named_children(tree.child_by_field(index, "left")?).next()?;
    let name = match tree.kind(content) {
        "generic_type" => tree.named_children(content).next()?,
        _ => content,
    };
    (tree.kind(name) == "identifier").then_some(name)
}
