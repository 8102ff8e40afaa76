//! Functions of all forms: declarations, expressions, methods, signatures and the types of functions.

use super::{Analysis, Context, Role};
use crate::lexical::{BindingIndex, BindingKind, Namespace, Scope, ScopeKind};
use crate::tree::{NodeIndex, Span, SyntaxTree};

/// Whether a node is a function, or the type or signature of one.
pub(in super::super) fn is_function(kind: &str) -> bool {
    is_function_value(kind)
        || matches!(
            kind,
            "function_declaration"
                | "generator_function_declaration"
                | "function_signature"
                | "method_definition"
                | "method_signature"
                | "abstract_method_signature"
                | "call_signature"
                | "construct_signature"
                | "function_type"
                | "constructor_type"
        )
}

/// Whether a node is an expression whose value is a function that is written there.
pub(in super::super) fn is_function_value(kind: &str) -> bool {
    matches!(kind, "function_expression" | "generator_function" | "arrow_function")
}

impl Analysis<'_, '_, '_> {
    /// Functions. Returns the context of the children that get none of their own; none for other nodes.
    pub(super) fn function_form(
        &mut self,
        index: NodeIndex,
        kind: &str,
        context: Context,
    ) -> Option<Context> {
        if !is_function(kind) {
            return None;
        }
        let tree = self.tree;
        let name = tree.child_by_field(index, "name");
        let is_async = tree.child_by_kind(index, "async").is_some();
        let plain = if is_async { BindingKind::AsyncFunction } else { BindingKind::Function };
        let mut outer = context;
        let mut binding = context.enclosing;
        match (kind, name) {
            (
                "function_declaration" | "generator_function_declaration" | "function_signature",
                Some(name),
            ) => {
                self.skip(name, context);
                let kind = (plain, Namespace::Value);
                binding = Some(self.bind(index, name, context.scope, kind, context.enclosing));
            }
            ("function_expression" | "generator_function", Some(name)) => {
                // The name of an expression is seen inside of it only, and hidden by its parameters.
                let scope = Scope::inside(context.scope, ScopeKind::Block, index, tree.span(index));
                let scope = self.open_scope(scope);
                self.skip(name, context);
                binding = Some(self.bind(index, name, scope, (plain, Namespace::Value), context.enclosing));
                outer = Context { scope, ..context };
            }
            ("method_definition" | "method_signature" | "abstract_method_signature", Some(name)) => {
                if let Some(own) = self.member(index, name, BindingKind::Method, context) {
                    binding = Some(own);
                }
            }
            _ => {}
        }
        self.function(index, outer, binding);
        Some(context.with(Role::Read))
    }

    /// Binds a member by the name it is written with; none when only running the program tells it.
    pub(super) fn member(
        &mut self,
        node: NodeIndex,
        name: NodeIndex,
        kind: BindingKind,
        context: Context,
    ) -> Option<BindingIndex> {
        if self.tree.kind(name) == "computed_property_name" {
            return None;
        }
        self.skip(name, context);
        Some(self.bind(node, name, context.scope, (kind, Namespace::Member), context.enclosing))
    }

    /// Opens the scope of a function: parameters, their types and defaults, and the body.
    fn function(&mut self, index: NodeIndex, context: Context, binding: Option<BindingIndex>) {
        let tree = self.tree;
        let field = |name| tree.child_by_field(index, name);
        let start =
            ["type_parameters", "parameters", "parameter", "return_type", "body"].into_iter().find_map(field);
        let Some(start) = start else { return };
        let span = Span { start: tree.span(start).start, end: tree.span(index).end };
        let name = field("name").map(|name| self.name(name));
        let scope = Scope::inside(context.scope, ScopeKind::Function, index, span);
        let scope = self.open_scope(Scope { name, ..scope });
        // What a type contains declares no variables: its own hoisting place stays, for `infer`.
        let is_type = field("body").is_none();
        let items = if is_type { context.items } else { scope };
        let inner = Context { scope, items, enclosing: binding, role: Role::Read, ..context };
        for part in ["type_parameters", "return_type", "type", "body"] {
            self.set_field(index, part, inner);
        }
        let pattern = inner.with(Role::Pattern(scope, BindingKind::Parameter));
        self.set_field(index, "parameters", pattern);
        self.set_field(index, "parameter", pattern);
        let (Some(body), Some(parameters)) = (field("body"), field("parameters")) else { return };
        if tree.kind(body) == "statement_block" && evaluates(tree, parameters) {
            // Defaults do not see what the body declares (ECMAScript, FunctionDeclarationInstantiation, step 28).
            let own = Scope::inside(scope, ScopeKind::Block, body, tree.span(body));
            let own = self.open_scope(own);
            self.set_context(body, inner.inside(own));
        }
    }
}

/// Whether a list of parameters has expressions.
fn evaluates(tree: &SyntaxTree<'_>, parameters: NodeIndex) -> bool {
    tree.named_children(parameters).any(|parameter| {
        tree.child_by_field(parameter, "value").is_some()
            || tree
                .child_by_field(parameter, "pattern")
                .is_some_and(|pattern| matches!(tree.kind(pattern), "object_pattern" | "array_pattern"))
    })
}
