//! Rust: scopes, bindings, references and the other facts, by the rules of the Rust reference.
//!
//! Items are declared in the whole enclosing block or module; every `let` opens a scope from its end to the
//! end of the block, so that shadowing is nesting. Names live in namespaces (values, types, macros), which
//! references and definitions carry. A `mod` sees nothing of its parent, a nested `fn` no local variables
//! (see [`crate::lexical::Barrier`]).
//!
//! Limits of reading syntax only: macros are not expanded, their tokens become references of context
//! `macro`; an identifier alone in a pattern is a binding unless it starts with an upper-case letter, which by
//! convention makes it a constant, a unit struct or a variant; fields and methods are not resolved by type.

mod calls;
mod docs;
mod items;
mod names;
mod scopes;
mod uses;

use crate::language::{FileContext, FrontEnd};
use crate::lexical::{Barrier, Binding, BindingIndex, Facts, Namespace, Scope, ScopeIndex};
use crate::tree::{NodeIndex, Span, SyntaxTree};

/// The Rust front end.
pub(crate) struct Rust;

impl FrontEnd for Rust {
    fn facts<'s>(&self, tree: &SyntaxTree<'s>, file: &FileContext<'_>) -> Facts<'s> {
        let mut analysis = Analysis::new(tree, file);
        for index in 0..tree.nodes.len() {
            analysis.visit(index);
        }
        analysis.facts
    }

    fn definition_name(&self, tree: &SyntaxTree<'_>, index: NodeIndex) -> Option<NodeIndex> {
        match tree.kind(index) {
            "identifier"
            | "type_identifier"
            | "field_identifier"
            | "shorthand_field_identifier"
            | "primitive_type"
            | "self"
            | "super"
            | "crate"
            | "metavariable" => Some(index),
            "function_item"
            | "function_signature_item"
            | "struct_item"
            | "enum_item"
            | "union_item"
            | "trait_item"
            | "mod_item"
            | "const_item"
            | "static_item"
            | "type_item"
            | "macro_definition"
            | "enum_variant"
            | "field_declaration"
            | "associated_type"
            | "type_parameter"
            | "const_parameter" => tree.child_by_field(index, "name"),
            "impl_item" => type_name(tree, tree.child_by_field(index, "type")?),
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
    /// The place an assignment writes.
    Target,
    /// A pattern that binds names in the given scope.
    Pattern(ScopeIndex, &'static str),
    /// Part of a path whose head is looked up among types and modules.
    PathHead,
    /// Not a use of a name.
    Skip,
}

/// What a node inherits from its surroundings.
#[derive(Clone, Copy, Debug)]
struct Context {
    /// Scope in which names are evaluated.
    scope: ScopeIndex,
    /// Scope in which items are declared: the nearest module, block or body.
    items: ScopeIndex,
    /// Definition whose body contains the node.
    enclosing: Option<BindingIndex>,
    /// The part the node plays.
    role: Role,
}

const ROOT: Context = Context { scope: 0, items: 0, enclosing: None, role: Role::Read };

/// The pass over one file.
struct Analysis<'t, 's, 'f> {
    tree: &'t SyntaxTree<'s>,
    file: &'f FileContext<'f>,
    contexts: Vec<Option<Context>>,
    facts: Facts<'s>,
}

impl<'t, 's, 'f> Analysis<'t, 's, 'f> {
    fn new(tree: &'t SyntaxTree<'s>, file: &'f FileContext<'f>) -> Self {
        let mut contexts = vec![None; tree.nodes.len()];
        if let Some(first) = contexts.first_mut() {
            *first = Some(ROOT);
        }
        let mut analysis = Self { tree, file, contexts, facts: Facts::default() };
        let whole = Span { start: 0, end: tree.text.len() as u32 };
        analysis.facts.scopes.push(Scope {
            node: 0,
            parent: None,
            kind: "module",
            name: None,
            span: whole,
            visible_to_nested: true,
            barrier: Barrier::Everything,
        });
        analysis
    }

    fn context(&self, index: NodeIndex) -> Context {
        self.contexts.get(index).copied().flatten().unwrap_or(ROOT)
    }

    fn set_context(&mut self, index: NodeIndex, context: Context) {
        if let Some(slot) = self.contexts.get_mut(index) {
            *slot = Some(context);
        }
    }

    fn set_field(&mut self, index: NodeIndex, field: &str, context: Context) {
        if let Some(child) = self.tree.child_by_field(index, field) {
            self.set_context(child, context);
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

    fn visit(&mut self, index: NodeIndex) {
        let node = *self.tree.node(index);
        let context = self.context(index);
        if !node.named {
            return;
        }
        if docs::may_hold(node.kind) {
            self.annotations(index);
        }
        let decided = self.visit_item(index, node.kind, context)
            || self.visit_scope_form(index, node.kind, context)
            || self.visit_name(index, node.kind, context);
        if decided {
            return;
        }
        match node.kind {
            "attribute_item" | "inner_attribute_item" => self.pass_down(index, context, Role::Skip),
            "call_expression" => self.call(index, context),
            "macro_invocation" => self.macro_call(index, context),
            "use_declaration" => self.use_declaration(index, context),
            "extern_crate_declaration" => self.extern_crate(index, context),
            "assignment_expression" | "compound_assignment_expr" => {
                self.set_field(index, "left", Context { role: Role::Target, ..context });
            }
            _ => {}
        }
        let role = inherited_role(node.kind, context.role);
        self.pass_down(index, context, role);
    }

    fn open_scope(&mut self, scope: Scope<'s>) -> ScopeIndex {
        self.facts.scopes.push(scope);
        self.facts.scopes.len() - 1
    }

    /// Adds a binding of the text of `name`.
    fn bind(
        &mut self,
        node: NodeIndex,
        name: NodeIndex,
        scope: ScopeIndex,
        (kind, namespace): (&'static str, Namespace),
        enclosing: Option<BindingIndex>,
    ) -> BindingIndex {
        self.bind_as(node, name, self.tree.text(name), scope, (kind, namespace), enclosing)
    }

    /// Adds a binding of a name that need not be the text of its node (`Self`).
    fn bind_as(
        &mut self,
        node: NodeIndex,
        name: NodeIndex,
        text: &'s str,
        scope: ScopeIndex,
        (kind, namespace): (&'static str, Namespace),
        enclosing: Option<BindingIndex>,
    ) -> BindingIndex {
        let id = self.facts.names.intern(text);
        self.facts.bindings.push(Binding {
            node,
            scope,
            name: id,
            kind,
            namespace,
            span: self.tree.span(node),
            name_node: name,
            name_span: self.tree.span(name),
            enclosing,
            text,
        });
        self.facts.bindings.len() - 1
    }
}

/// Roles that reach through the shells around names.
fn inherited_role(kind: &str, role: Role) -> Role {
    let through = match role {
        Role::Pattern(..) => matches!(
            kind,
            "tuple_pattern"
                | "tuple_struct_pattern"
                | "slice_pattern"
                | "struct_pattern"
                | "field_pattern"
                | "ref_pattern"
                | "reference_pattern"
                | "mut_pattern"
                | "or_pattern"
                | "captured_pattern"
                | "match_pattern"
                | "parameter"
                | "parameters"
                | "closure_parameters"
                | "self_parameter"
        ),
        Role::Callee => matches!(kind, "parenthesized_expression" | "generic_function"),
        Role::Target => matches!(kind, "tuple_expression" | "parenthesized_expression"),
        Role::Skip => true,
        Role::PathHead => kind == "bracketed_type",
        Role::Read => false,
    };
    if through { role } else { Role::Read }
}

/// The node of the type's own name, without path and arguments.
fn type_name(tree: &SyntaxTree<'_>, index: NodeIndex) -> Option<NodeIndex> {
    let mut current = index;
    loop {
        current = match tree.kind(current) {
            "type_identifier" | "identifier" | "primitive_type" => return Some(current),
            "generic_type" | "reference_type" | "pointer_type" => tree.child_by_field(current, "type")?,
            "scoped_type_identifier" => tree.child_by_field(current, "name")?,
            "dynamic_type" | "abstract_type" => tree.child_by_field(current, "trait")?,
            _ => return None,
        };
    }
}
