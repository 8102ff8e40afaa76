//! Constructs that open scopes: functions, lambdas, classes, comprehensions, type parameter lists.

use super::{Analysis, Context, Role};
use crate::lexical::ScopeIndex;
use crate::tree::{NodeIndex, Span, SyntaxTree};

impl<'s> Analysis<'_, 's, '_> {
    /// Handles nodes that open a scope. Returns whether the children's contexts are all decided.
    pub(super) fn visit_scope_form(&mut self, index: NodeIndex, kind: &str, context: Context) -> bool {
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
            _ => return false,
        }
        self.pass_down(index, context, Role::Read);
        true
    }

    fn function(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(index, "name") else { return };
        self.set_context(name, Context { role: Role::Skip, ..context });
        let kind = match (self.scope_kind(context.scope), tree.child_by_kind(index, "async")) {
            ("class", _) => "method",
            (_, Some(_)) => "async_function",
            (_, None) => "function",
        };
        let binding = self.bind(index, name, context.scope, kind, context.enclosing);
        let text = tree.text(name);
        let Some(body) = tree.child_by_field(index, "body") else { return };
        let outer = self.type_parameters(index, context, text);
        let scope = self.open_scope(index, outer, "function", Some(text), tree.span(body));
        if let Some(parameters) = tree.child_by_field(index, "parameters") {
            let inner = Context { scope: outer, role: Role::Parameter(scope), ..context };
            self.set_context(parameters, inner);
            if outer != context.scope {
                self.defaults_outside(parameters, context, first_byte(tree.span(index)));
            }
        }
        self.set_field(index, "return_type", Context { scope: outer, role: Role::Read, ..context });
        let inside =
            Context { scope, lookup: None, enclosing: Some(binding), role: Role::Read, in_type: false };
        self.set_context(body, inside);
        self.docstring(body, Some(index));
    }

    /// Default values do not see the function's type parameters: they are looked up at the `def` keyword.
    fn defaults_outside(&mut self, parameters: NodeIndex, context: Context, place: Span) {
        let tree = self.tree;
        for parameter in tree.named_children(parameters) {
            let outside =
                Context { lookup: Some(context.lookup.unwrap_or(place)), role: Role::Read, ..context };
            self.set_field(parameter, "value", outside);
        }
    }

    fn class(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(index, "name") else { return };
        self.set_context(name, Context { role: Role::Skip, ..context });
        let binding = self.bind(index, name, context.scope, "class", context.enclosing);
        let text = tree.text(name);
        let Some(body) = tree.child_by_field(index, "body") else { return };
        let outer = self.type_parameters(index, context, text);
        self.set_field(index, "superclasses", Context { scope: outer, role: Role::Read, ..context });
        let scope = self.open_scope(index, outer, "class", Some(text), tree.span(body));
        let inside =
            Context { scope, lookup: None, enclosing: Some(binding), role: Role::Read, in_type: false };
        self.set_context(body, inside);
        self.docstring(body, Some(index));
    }

    /// Opens the annotation scope of a definition with a type parameter list; otherwise the outer scope.
    fn type_parameters(&mut self, index: NodeIndex, context: Context, name: &'s str) -> ScopeIndex {
        let tree = self.tree;
        let Some(list) = tree.child_by_field(index, "type_parameters") else { return context.scope };
        let span = Span { start: tree.span(list).start, end: tree.span(index).end };
        let scope = self.open_scope(list, context.scope, "type_parameters", Some(name), span);
        self.set_context(list, Context { scope, role: Role::TypeParameter(scope), ..context });
        scope
    }

    fn lambda(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(body) = tree.child_by_field(index, "body") else { return };
        let scope = self.open_scope(index, context.scope, "lambda", None, tree.span(body));
        self.set_field(index, "parameters", Context { role: Role::Parameter(scope), ..context });
        self.set_context(body, Context { scope, lookup: None, role: Role::Read, ..context });
    }

    fn comprehension(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Span { start, end } = tree.span(index);
        let span = Span { start: start + 1, end: end.saturating_sub(1).max(start + 1) };
        let scope = self.open_scope(index, context.scope, "comprehension", None, span);
        for child in tree.children(index) {
            self.set_context(child, Context { scope, lookup: None, role: Role::Read, ..context });
        }
    }

    /// The first iterable of a comprehension is evaluated where the comprehension stands: it is looked up
    /// at the opening bracket, which lies outside the comprehension's scope.
    fn comprehension_for(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(comprehension) = tree.parent(index) else { return };
        self.set_field(index, "left", Context { role: Role::Target(context.scope), ..context });
        let first = tree.child_by_kind(comprehension, "for_in_clause") == Some(index);
        if !first {
            return;
        }
        let outer = self.context(comprehension);
        let place = outer.lookup.unwrap_or(first_byte(tree.span(comprehension)));
        for child in tree.children(index) {
            if tree.node(child).field == Some("right") {
                self.set_context(child, Context { lookup: Some(place), role: Role::Read, ..outer });
            }
        }
    }

    /// `type Name[T] = value`: the name is bound here; the value is evaluated in the annotation scope.
    fn type_alias(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = alias_name(tree, index) else { return };
        let skip = Context { role: Role::Skip, ..context };
        self.set_context(name, skip);
        self.bind(index, name, context.scope, "type_alias", context.enclosing);
        let mut scope = context.scope;
        if let Some(list) = tree.parent(name).and_then(|parent| tree.child_by_kind(parent, "type_parameter"))
        {
            let span = Span { start: tree.span(list).start, end: tree.span(index).end };
            scope = self.open_scope(list, context.scope, "type_parameters", Some(tree.text(name)), span);
            self.set_context(list, Context { scope, role: Role::TypeParameter(scope), ..context });
        }
        self.set_field(index, "right", Context { scope, role: Role::Read, ..context });
    }

    pub(super) fn scope_kind(&self, scope: ScopeIndex) -> &'static str {
        self.facts.scopes.get(scope).map_or("module", |scope| scope.kind)
    }
}

/// The first byte of `span`, as a place of lookup.
fn first_byte(span: Span) -> Span {
    Span { start: span.start, end: span.start + 1 }
}

/// The name a `type` statement binds. The grammar also reads `type(x).name = value` as such a statement; it
/// binds nothing, and its parts are plain expressions.
pub(super) fn alias_name(tree: &SyntaxTree<'_>, index: NodeIndex) -> Option<NodeIndex> {
    let content = tree.named_children(tree.child_by_field(index, "left")?).next()?;
    let name = match tree.kind(content) {
        "generic_type" => tree.named_children(content).next()?,
        _ => content,
    };
    (tree.kind(name) == "identifier").then_some(name)
}
