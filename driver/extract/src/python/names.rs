//! Identifiers: the statements and patterns that bind them, and the expressions that use them.

use super::{Analysis, Context, Role};
use crate::lexical::{Namespace, Reference, ScopeDeclaration, ScopeIndex, UseContext};
use crate::tree::NodeIndex;

impl<'s> Analysis<'_, 's, '_> {
    /// Handles statements and patterns that bind names. Returns whether the children's contexts are decided.
    pub(super) fn visit_binding_form(&mut self, index: NodeIndex, kind: &str, context: Context) -> bool {
        let target = Context { role: Role::Target(context.scope), ..context };
        match kind {
            "assignment" | "augmented_assignment" | "for_statement" => self.set_field(index, "left", target),
            "named_expression" => {
                let scope = self.walrus_scope(context.scope);
                self.set_field(index, "name", Context { role: Role::Target(scope), ..context });
            }
            "except_clause" => self.set_field(index, "alias", target),
            "as_pattern" => return self.as_pattern(index, context),
            "delete_statement" => {
                self.pass_down(index, context, Role::Delete);
                return true;
            }
            "case_clause" => {
                let tree = self.tree;
                for child in tree.named_children(index) {
                    if tree.kind(child) == "case_pattern" {
                        self.set_context(child, Context { role: Role::Pattern, ..context });
                    }
                }
            }
            "default_parameter" | "typed_default_parameter" => {
                self.set_field(index, "name", context);
            }
            "typed_parameter" => {
                self.set_field(index, "type", Context { role: Role::Read, ..context });
                return false;
            }
            "constrained_type" => return self.constrained_type(index, context),
            "keyword_pattern" if context.role == Role::Pattern => {
                if let Some(keyword) = self.tree.named_children(index).next() {
                    self.set_context(keyword, Context { role: Role::Skip, ..context });
                }
                return false;
            }
            "dotted_name" => return self.dotted_name(index, context),
            _ => return false,
        }
        self.pass_down(index, context, Role::Read);
        true
    }

    /// `value as target` in `with` and `except`, and `pattern as name` in `case`.
    fn as_pattern(&mut self, index: NodeIndex, context: Context) -> bool {
        let tree = self.tree;
        let target = Context { role: Role::Target(context.scope), ..context };
        match tree.child_by_field(index, "alias") {
            Some(alias) => self.set_context(alias, target),
            None => {
                let mut children = tree.named_children(index);
                let _pattern = children.next();
                if let Some(name) = children.next().filter(|&name| tree.kind(name) == "identifier") {
                    self.set_context(name, target);
                }
            }
        }
        false
    }

    /// `T: bound` in a type parameter list: the first part is the parameter, the rest is evaluated.
    fn constrained_type(&mut self, index: NodeIndex, context: Context) -> bool {
        if !matches!(context.role, Role::TypeParameter(_)) {
            return false;
        }
        if let Some(first) = self.tree.named_children(index).next() {
            self.set_context(first, context);
        }
        self.pass_down(index, context, Role::Read);
        true
    }

    /// A dotted name outside imports stands in a pattern: one name captures, several are a value, and the
    /// name of a class pattern is always a value.
    fn dotted_name(&mut self, index: NodeIndex, context: Context) -> bool {
        let tree = self.tree;
        if context.role == Role::Skip {
            return false;
        }
        let parts: Vec<NodeIndex> =
            tree.named_children(index).filter(|&part| tree.kind(part) == "identifier").collect();
        let class_name = tree.parent(index).is_some_and(|parent| tree.kind(parent) == "class_pattern");
        if let (Role::Pattern, [only], false) = (context.role, parts.as_slice(), class_name) {
            let captures = tree.text(*only) != "_";
            let role = if captures { Role::Target(context.scope) } else { Role::Skip };
            self.set_context(*only, Context { role, ..context });
            return true;
        }
        for (position, &part) in parts.iter().enumerate() {
            if position == 0 {
                self.set_context(part, Context { role: Role::Read, ..context });
            } else {
                self.set_context(part, Context { role: Role::Skip, ..context });
                let before = tree.span(index).start;
                let end = parts.get(position - 1).map_or(before, |&previous| tree.span(previous).end);
                let receiver = tree.slice(crate::tree::Span { start: before, end });
                self.refer(part, UseContext::Attribute, context, Some(receiver));
            }
        }
        true
    }

    /// The scope in which `:=` binds: the nearest that is not a comprehension (PEP 572).
    fn walrus_scope(&self, scope: ScopeIndex) -> ScopeIndex {
        let mut current = scope;
        while let Some(found) = self.facts.scopes.get(current).filter(|found| found.kind == "comprehension") {
            let Some(parent) = found.parent else { break };
            current = parent;
        }
        current
    }

    pub(super) fn identifier(&mut self, index: NodeIndex, context: Context) {
        match context.role {
            Role::Read => {
                let used = if context.in_type { UseContext::Type } else { UseContext::Read };
                self.refer(index, used, context, None);
            }
            Role::Callee => self.refer(index, UseContext::Call, context, None),
            Role::Target(scope) => {
                self.bind(index, index, scope, "variable", context.enclosing);
                self.refer(index, UseContext::Write, context, None);
            }
            Role::Delete => {
                self.bind(index, index, context.scope, "variable", context.enclosing);
                self.refer(index, UseContext::Delete, context, None);
            }
            Role::Parameter(scope) => {
                self.bind(index, index, scope, "parameter", context.enclosing);
            }
            Role::TypeParameter(scope) => {
                self.bind(index, index, scope, "type_parameter", context.enclosing);
            }
            Role::Pattern => {
                if self.tree.text(index) != "_" {
                    self.bind(index, index, context.scope, "variable", context.enclosing);
                    self.refer(index, UseContext::Write, context, None);
                }
            }
            Role::Skip => {}
        }
    }

    pub(super) fn refer(
        &mut self,
        index: NodeIndex,
        used: UseContext,
        context: Context,
        receiver: Option<&'s str>,
    ) {
        let span = self.tree.span(index);
        let text = self.tree.text(index);
        let name = self.facts.names.intern(text);
        self.facts.references.push(Reference {
            node: index,
            name,
            text,
            context: used,
            namespace: Namespace::Value,
            span,
            lookup: context.lookup.unwrap_or(span),
            scope: context.scope,
            receiver,
            enclosing: context.enclosing,
        });
    }

    /// `object.name`: the name is looked up in the object, not in a scope.
    pub(super) fn attribute(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(index, "attribute") else { return };
        self.set_context(name, Context { role: Role::Skip, ..context });
        let receiver = tree.child_by_field(index, "object").map(|object| tree.text(object));
        self.refer(name, UseContext::Attribute, context, receiver);
    }

    /// `module.Type` in a type expression.
    pub(super) fn member_type(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let mut parts = tree.named_children(index);
        let receiver = parts.next().map(|object| tree.text(object));
        let Some(name) = parts.next() else { return };
        self.set_context(name, Context { role: Role::Skip, ..context });
        self.refer(name, UseContext::Attribute, context, receiver);
    }

    /// `global a, b` and `nonlocal a, b`.
    pub(super) fn scope_declaration(&mut self, index: NodeIndex, kind: &str, context: Context) {
        let tree = self.tree;
        for name in tree.named_children(index).filter(|&name| tree.kind(name) == "identifier") {
            self.set_context(name, Context { role: Role::Skip, ..context });
            let id = self.facts.names.intern(tree.text(name));
            self.facts.declarations.push(ScopeDeclaration {
                scope: context.scope,
                name: id,
                global: kind == "global_statement",
            });
        }
    }
}
