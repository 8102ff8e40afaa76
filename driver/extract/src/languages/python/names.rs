//! Identifiers: the statements and patterns that bind them, and the expressions that use them.

use super::rules::{Analysis, Context, Role};
use crate::lexical::{BindingKind, Namespace, ScopeIndex, ScopeKind, UseContext};
use crate::tree::{NodeIndex, Span};

impl Analysis<'_, '_, '_> {
    /// Statements and patterns that bind names. Returns the context of the children that get none of their own; none
    /// when the rest of the rules decides that.
    pub(super) fn binding_form(&mut self, index: NodeIndex, kind: &str, context: Context) -> Option<Context> {
        let target = context.with(Role::Target(context.scope));
        match kind {
            "assignment" => {
                self.assignment(index, context);
                self.set_field(index, "left", target);
            }
            "augmented_assignment" => {
                self.extended(index, context);
                self.set_field(index, "left", target);
            }
            "for_statement" => {
                self.iterated(index);
                self.set_field(index, "left", target);
            }
            "named_expression" => self.walrus(index, context),
            "except_clause" => self.set_field(index, "alias", target),
            "as_pattern" => {
                self.as_pattern(index, context);
                return None;
            }
            "delete_statement" => return Some(context.with(Role::Delete)),
            "case_clause" => {
                let tree = self.tree;
                for child in tree.named_children(index) {
                    if tree.kind(child) == "case_pattern" {
                        self.set_context(child, context.with(Role::Pattern));
                    }
                }
            }
            "default_parameter" | "typed_default_parameter" => {
                self.parameter_value(index, context);
                self.set_field(index, "name", context);
            }
            "type_parameter" if matches!(context.role, Role::TypeParameter(_)) => {
                self.type_parameter_defaults(index, context);
                return None;
            }
            "typed_parameter" => {
                self.parameter_value(index, context);
                self.set_field(index, "type", context.with(Role::Read));
                return None;
            }
            "constrained_type" => return self.constrained_type(index, context),
            "keyword_pattern" if context.role == Role::Pattern => {
                if let Some(keyword) = self.tree.named_children(index).next() {
                    self.skip(keyword, context);
                }
                return None;
            }
            "dotted_name" => return self.dotted_name(index, context),
            _ => return None,
        }
        Some(context.with(Role::Read))
    }

    /// `name := value`, unless it is a format.
    fn walrus(&mut self, index: NodeIndex, context: Context) {
        if self.is_format(index) {
            // `f'{name:=10}'`, which the grammar reads as an assignment.
            self.set_field(index, "value", context.with(Role::Skip));
            return;
        }
        self.assigned(index, "name", "value");
        let scope = self.walrus_scope(context.scope);
        self.set_field(index, "name", context.with(Role::Target(scope)));
    }

    /// `value as target` in `with` and `except`, and `pattern as name` in `case`.
    fn as_pattern(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let target = context.with(Role::Target(context.scope));
        self.entered(index);
        match tree.child_by_field(index, "alias") {
            Some(alias) => self.set_context(alias, target),
            None => {
                let mut children = tree.named_children(index);
                let pattern = children.next();
                if let Some(name) = children.next().filter(|&name| tree.kind(name) == "identifier") {
                    self.set_context(name, target);
                    self.matched(pattern, name);
                }
            }
        }
    }

    /// `T: bound` in a type parameter list: the first part is the parameter, the rest is evaluated.
    fn constrained_type(&mut self, index: NodeIndex, context: Context) -> Option<Context> {
        if !matches!(context.role, Role::TypeParameter(_)) {
            return None;
        }
        let mut parts = self.tree.named_children(index);
        if let Some(first) = parts.next() {
            self.set_context(first, context);
            self.bounded(first, parts.next());
        }
        Some(context.with(Role::Read))
    }

    /// A dotted name outside imports stands in a pattern: one name captures, several are a value, and the
    /// name of a class pattern is always a value.
    fn dotted_name(&mut self, index: NodeIndex, context: Context) -> Option<Context> {
        let tree = self.tree;
        if context.role == Role::Skip {
            return None;
        }
        let parts: Vec<NodeIndex> =
            tree.named_children(index).filter(|&part| tree.kind(part) == "identifier").collect();
        let class_name = tree.parent(index).is_some_and(|parent| tree.kind(parent) == "class_pattern");
        if let (Role::Pattern, [only], false) = (context.role, parts.as_slice(), class_name) {
            let captures = tree.text(*only) != "_";
            let role = if captures { Role::Target(context.scope) } else { Role::Skip };
            self.set_context(*only, context.with(role));
            return Some(context.with(Role::Read));
        }
        let mut before: Option<NodeIndex> = None;
        for part in parts {
            match before {
                None => self.set_context(part, context.with(Role::Read)),
                Some(before) => {
                    self.skip(part, context);
                    let path = Span { start: tree.span(index).start, end: tree.span(before).end };
                    let receiver = tree.slice(path);
                    self.refer(part, UseContext::Attribute, Namespace::Value, context, Some(receiver));
                }
            }
            before = Some(part);
        }
        Some(context.with(Role::Read))
    }

    /// The scope in which `:=` binds: the nearest that is not a comprehension (PEP 572).
    fn walrus_scope(&self, scope: ScopeIndex) -> ScopeIndex {
        let mut current = scope;
        while let Some(found) =
            self.facts.scopes.get(current).filter(|found| found.kind == ScopeKind::Comprehension)
        {
            let Some(parent) = found.parent else { break };
            current = parent;
        }
        current
    }

    pub(super) fn identifier(&mut self, index: NodeIndex, context: Context) {
        let (scope, kind) = match context.role {
            Role::Read if context.in_type => return self.refer_value(index, UseContext::Type, context),
            Role::Read => return self.refer_value(index, UseContext::Read, context),
            Role::Callee => return self.refer_value(index, UseContext::Call, context),
            Role::Skip => return,
            Role::Pattern if self.tree.text(index) == "_" => return,
            Role::Pattern | Role::Delete => (context.scope, BindingKind::Variable),
            Role::Target(scope) => (scope, BindingKind::Variable),
            Role::Parameter(scope) => (scope, BindingKind::Parameter),
            Role::TypeParameter(scope) => (scope, BindingKind::TypeParameter),
        };
        self.bind(index, index, scope, (kind, Namespace::Value), context.enclosing);
        if kind == BindingKind::Parameter {
            let name = self.facts.names.intern(self.tree.name(index));
            self.facts.parameters.insert((scope, name));
        }
        match context.role {
            Role::Delete => self.refer_value(index, UseContext::Delete, context),
            Role::Target(_) | Role::Pattern => self.refer_value(index, UseContext::Write, context),
            Role::Read | Role::Callee | Role::Skip | Role::Parameter(_) | Role::TypeParameter(_) => {}
        }
    }

    fn refer_value(&mut self, index: NodeIndex, used: UseContext, context: Context) {
        self.refer(index, used, Namespace::Value, context, None);
        match self.tree.text(index) {
            "super" => self.super_class(index, context.scope),
            "__class__" => self.own_class(context.scope),
            _ => {}
        }
    }

    /// `object.name`: the name is looked up in the object, not in a scope.
    pub(super) fn attribute(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(index, "attribute") else { return };
        if matches!(context.role, Role::Target(_)) {
            self.field(index, name, context);
        }
        self.refer_in(tree.child_by_field(index, "object"), name, Namespace::Value, context);
        if matches!(context.role, Role::Target(_) | Role::Delete) {
            self.is_target();
        }
        self.reached_by(index);
    }

    /// `module.Type` in a type expression.
    pub(super) fn member_type(&mut self, index: NodeIndex, context: Context) {
        let mut parts = self.tree.named_children(index);
        let (Some(object), Some(name)) = (parts.next(), parts.next()) else { return };
        self.refer_in(Some(object), name, Namespace::Value, context);
        self.reached_by(index);
    }

    /// Whether `:=` stands directly in the braces of an f-string, where it is no operator (Python reference, 2.4.3).
    fn is_format(&self, index: NodeIndex) -> bool {
        self.tree.parent(index).is_some_and(|parent| self.tree.kind(parent) == "interpolation")
    }

    /// Type parameters with defaults (PEP 696), which the grammar does not know: what is before the `=` is the parameter,
    /// what follows it up to the next comma is evaluated.
    fn type_parameter_defaults(&mut self, list: NodeIndex, context: Context) {
        let tree = self.tree;
        let mut in_default = false;
        let evaluated = context.with(Role::Read);
        for child in tree.children(list) {
            match tree.kind(child) {
                "," => in_default = false,
                "ERROR" => {
                    for part in tree.children(child) {
                        in_default |= tree.kind(part) == "=";
                        self.set_context(part, if in_default { evaluated } else { context });
                    }
                    // An `=` of its own is no node.
                    in_default |= tree.text(child).contains('=');
                }
                _ if in_default => self.set_context(child, evaluated),
                _ => {}
            }
        }
    }

    /// `global a, b` and `nonlocal a, b`.
    pub(super) fn scope_declaration(&mut self, index: NodeIndex, kind: &str, context: Context) {
        let tree = self.tree;
        for name in tree.named_children(index).filter(|&name| tree.kind(name) == "identifier") {
            self.declare_elsewhere(name, kind == "global_statement", context);
        }
    }
}
