//! Python: scopes, bindings, references and the other facts, as CPython's compiler sees them.
//!
//! One pass in pre-order. When a node is visited, it decides the [`Context`] of its children; a child thus
//! knows in which scope it is evaluated and whether it stands in a binding position. The rules follow the
//! Python language reference, section 4.2 (Naming and binding), for Python 3.8 to 3.13.

mod calls;
mod imports;
mod literals;
mod names;
mod scopes;

use crate::language::{FileContext, FrontEnd};
use crate::lexical::{Barrier, Binding, BindingIndex, Facts, Namespace, Scope, ScopeIndex};
use crate::tree::{NodeIndex, Span, SyntaxTree};

/// The Python front end.
pub(crate) struct Python;

impl FrontEnd for Python {
    fn facts<'s>(&self, tree: &SyntaxTree<'s>, file: &FileContext<'_>) -> Facts<'s> {
        let mut analysis = Analysis::new(tree, file);
        for index in 0..tree.nodes.len() {
            analysis.visit(index);
        }
        analysis.facts
    }

    fn definition_name(&self, tree: &SyntaxTree<'_>, index: NodeIndex) -> Option<NodeIndex> {
        match tree.kind(index) {
            "identifier" => Some(index),
            "function_definition" | "class_definition" => tree.child_by_field(index, "name"),
            "type_alias_statement" => scopes::alias_name(tree, index),
            _ => None,
        }
    }
}

/// The part a node plays in its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// An expression whose value is used.
    Read,
    /// The function of a call.
    Callee,
    /// A target of assignment that binds names in the given scope.
    Target(ScopeIndex),
    /// A target of `del`.
    Delete,
    /// A parameter of the function with the given scope.
    Parameter(ScopeIndex),
    /// A type parameter declared in the given scope.
    TypeParameter(ScopeIndex),
    /// A pattern of `case`.
    Pattern,
    /// Not a use of a name: keyword of an argument, name of a definition, part of an import.
    Skip,
}

/// What a node inherits from its surroundings.
#[derive(Clone, Copy, Debug)]
struct Context {
    /// Scope in which names are evaluated.
    scope: ScopeIndex,
    /// Place of lookups, when it is not the name's own place.
    lookup: Option<Span>,
    /// Definition whose body contains the node.
    enclosing: Option<BindingIndex>,
    /// The part the node plays.
    role: Role,
    /// Inside an annotation or another type expression.
    in_type: bool,
}

/// The pass over one file.
struct Analysis<'t, 's, 'f> {
    tree: &'t SyntaxTree<'s>,
    file: &'f FileContext<'f>,
    contexts: Vec<Option<Context>>,
    facts: Facts<'s>,
}

impl<'t, 's, 'f> Analysis<'t, 's, 'f> {
    fn new(tree: &'t SyntaxTree<'s>, file: &'f FileContext<'f>) -> Self {
        let mut facts = Facts::default();
        facts.scopes.push(Scope {
            node: 0,
            parent: None,
            kind: "module",
            name: None,
            span: Span { start: 0, end: tree.text.len() as u32 },
            visible_to_nested: true,
            barrier: Barrier::None,
        });
        let root = Context { scope: 0, lookup: None, enclosing: None, role: Role::Read, in_type: false };
        let mut contexts = vec![None; tree.nodes.len()];
        if let Some(first) = contexts.first_mut() {
            *first = Some(root);
        }
        Self { tree, file, contexts, facts }
    }

    fn context(&self, index: NodeIndex) -> Context {
        self.contexts.get(index).copied().flatten().unwrap_or(Context {
            scope: 0,
            lookup: None,
            enclosing: None,
            role: Role::Read,
            in_type: false,
        })
    }

    fn set_context(&mut self, index: NodeIndex, context: Context) {
        if let Some(slot) = self.contexts.get_mut(index) {
            *slot = Some(context);
        }
    }

    /// Gives every child that has no context yet the parent's, with `role`.
    fn pass_down(&mut self, index: NodeIndex, context: Context, role: Role) {
        let tree = self.tree;
        for child in tree.children(index) {
            if let Some(slot @ None) = self.contexts.get_mut(child) {
                *slot = Some(Context { role, ..context });
            }
        }
    }

    /// Sets the context of the first child in `field`.
    fn set_field(&mut self, index: NodeIndex, field: &str, context: Context) {
        if let Some(child) = self.tree.child_by_field(index, field) {
            self.set_context(child, context);
        }
    }

    fn visit(&mut self, index: NodeIndex) {
        let node = *self.tree.node(index);
        let context = self.context(index);
        if !node.named {
            return;
        }
        if self.visit_binding_form(index, node.kind, context)
            || self.visit_scope_form(index, node.kind, context)
        {
            return;
        }
        match node.kind {
            "identifier" => self.identifier(index, context),
            "call" => self.call(index, context),
            "attribute" => self.attribute(index, context),
            "keyword_argument" => {
                self.set_field(index, "name", Context { role: Role::Skip, ..context });
            }
            "decorated_definition" => self.decorators(index),
            "import_statement" => self.import(index, context),
            "import_from_statement" => self.import_from(index, context),
            "future_import_statement" => self.import_future(index, context),
            "global_statement" | "nonlocal_statement" => self.scope_declaration(index, node.kind, context),
            "type" => {
                self.pass_down(index, Context { in_type: true, ..context }, type_role(context.role));
            }
            "member_type" => self.member_type(index, context),
            _ => {}
        }
        let role = inherited_role(node.kind, context.role);
        self.pass_down(index, context, role);
    }

    /// Adds a scope inside another.
    fn open_scope(
        &mut self,
        node: NodeIndex,
        parent: ScopeIndex,
        kind: &'static str,
        name: Option<&'s str>,
        span: Span,
    ) -> ScopeIndex {
        self.facts.scopes.push(Scope {
            node,
            parent: Some(parent),
            kind,
            name,
            span,
            visible_to_nested: kind != "class",
            barrier: Barrier::None,
        });
        self.facts.scopes.len() - 1
    }

    /// Adds a binding of the text of `name`.
    fn bind(
        &mut self,
        node: NodeIndex,
        name: NodeIndex,
        scope: ScopeIndex,
        kind: &'static str,
        enclosing: Option<BindingIndex>,
    ) -> BindingIndex {
        let text = self.tree.text(name);
        let id = self.facts.names.intern(text);
        self.facts.bindings.push(Binding {
            node,
            scope,
            name: id,
            kind,
            namespace: Namespace::Value,
            span: self.tree.span(node),
            name_node: name,
            name_span: self.tree.span(name),
            enclosing,
            text,
        });
        self.facts.bindings.len() - 1
    }
}

/// Roles that reach through brackets and lists of targets; everything else starts afresh.
fn inherited_role(kind: &str, role: Role) -> Role {
    let through = match role {
        Role::Target(_) | Role::Delete => matches!(
            kind,
            "pattern_list"
                | "tuple_pattern"
                | "list_pattern"
                | "list_splat_pattern"
                | "tuple"
                | "list"
                | "parenthesized_expression"
                | "expression_list"
                | "list_splat"
                | "as_pattern_target"
                | "parenthesized_list_splat"
        ),
        Role::Parameter(_) => matches!(
            kind,
            "parameters"
                | "lambda_parameters"
                | "typed_parameter"
                | "list_splat_pattern"
                | "dictionary_splat_pattern"
                | "tuple_pattern"
        ),
        Role::TypeParameter(_) => matches!(kind, "type_parameter" | "splat_type"),
        Role::Pattern => matches!(
            kind,
            "case_pattern"
                | "class_pattern"
                | "keyword_pattern"
                | "splat_pattern"
                | "dict_pattern"
                | "tuple_pattern"
                | "list_pattern"
                | "union_pattern"
                | "as_pattern"
        ),
        Role::Callee => kind == "parenthesized_expression",
        Role::Skip => matches!(kind, "dotted_name" | "relative_import" | "aliased_import"),
        Role::Read => false,
    };
    if through { role } else { Role::Read }
}

/// A `type` node hands a type parameter's role to its content.
fn type_role(role: Role) -> Role {
    match role {
        Role::TypeParameter(_) => role,
        Role::Read
        | Role::Callee
        | Role::Target(_)
        | Role::Delete
        | Role::Parameter(_)
        | Role::Pattern
        | Role::Skip => Role::Read,
    }
}
