//! Constructs inside bodies that open scopes: blocks with their `let`s, closures, loops, arms, conditions.

use super::{Analysis, Context, Role};
use crate::lexical::{BindingKind, Scope, ScopeIndex, ScopeKind};
use crate::tree::{NodeIndex, Span};

impl Analysis<'_, '_, '_> {
    /// Nodes that open a scope. Returns the context of the children that get none of their own; none for other nodes.
    pub(super) fn scope_form(&mut self, index: NodeIndex, kind: &str, context: Context) -> Option<Context> {
        match kind {
            "block" => self.block(index, context),
            "closure_expression" => self.closure(index, context),
            "for_expression" => self.for_loop(index, context),
            "match_arm" => self.match_arm(index, context),
            "if_expression" => self.condition(index, "consequence", context),
            "while_expression" => self.condition(index, "body", context),
            "match_pattern" => self.guard(index, context),
            _ => return None,
        }
        Some(context.with(Role::Read))
    }

    pub(super) fn local_scope(
        &mut self,
        node: NodeIndex,
        parent: ScopeIndex,
        kind: ScopeKind,
        span: Span,
    ) -> ScopeIndex {
        self.open_scope(Scope::inside(parent, kind, node, span))
    }

    /// A block declares its items everywhere in it; each `let` adds a scope for what follows. The body of a
    /// function or closure shares the scope that already covers it.
    pub(super) fn block(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let span = tree.span(index);
        let covered = self.facts.scopes.get(context.scope).is_some_and(|scope| scope.span == span);
        let scope = if covered {
            context.scope
        } else {
            self.local_scope(index, context.scope, ScopeKind::Block, span)
        };
        let items = scope;
        let mut current = scope;
        for child in tree.children(index) {
            let inner = Context { scope: current, items, role: Role::Read, ..context };
            self.set_context(child, inner);
            if tree.kind(child) != "let_declaration" {
                continue;
            }
            let rest = Span { start: tree.span(child).end, end: span.end };
            let following = self.local_scope(child, current, ScopeKind::Let, rest);
            self.set_field(child, "pattern", inner.with(Role::Pattern(following, BindingKind::Variable)));
            current = following;
        }
    }

    fn closure(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(body) = tree.child_by_field(index, "body") else { return };
        let scope = self.local_scope(index, context.scope, ScopeKind::Closure, tree.span(body));
        let pattern = context.with(Role::Pattern(scope, BindingKind::Parameter));
        self.set_field(index, "parameters", pattern);
        self.set_context(body, Context { scope, role: Role::Read, ..context });
    }

    fn for_loop(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(body) = tree.child_by_field(index, "body") else { return };
        let scope = self.local_scope(index, context.scope, ScopeKind::For, tree.span(body));
        self.set_field(index, "pattern", context.with(Role::Pattern(scope, BindingKind::Variable)));
        self.set_context(body, Context { scope, role: Role::Read, ..context });
    }

    /// An arm's scope covers its pattern as well, whose guard sees the bindings.
    fn match_arm(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let scope = self.local_scope(index, context.scope, ScopeKind::MatchArm, tree.span(index));
        let inner = Context { scope, role: Role::Read, ..context };
        self.set_field(index, "value", inner);
        self.set_field(index, "pattern", inner.with(Role::Pattern(scope, BindingKind::Variable)));
    }

    /// The pattern of an arm: `if let` guards bind up to the arm's end.
    fn guard(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let condition = tree.child_by_field(index, "condition");
        for child in tree.children(index) {
            if Some(child) != condition {
                self.set_context(child, context);
            }
        }
        let (Some(condition), Some(arm)) = (condition, tree.parent(index)) else { return };
        let inner = context.with(Role::Read);
        self.set_context(condition, inner);
        let end = tree.span(arm).end;
        let last = self.let_conditions(condition, inner, end);
        self.set_field(arm, "value", last);
    }

    /// `if` and `while`: the bindings of `let` conditions reach from the condition's end to the body's.
    fn condition(&mut self, index: NodeIndex, body: &str, context: Context) {
        let tree = self.tree;
        let inner = context.with(Role::Read);
        let (Some(condition), Some(body)) =
            (tree.child_by_field(index, "condition"), tree.child_by_field(index, body))
        else {
            return;
        };
        self.set_context(condition, inner);
        let last = self.let_conditions(condition, inner, tree.span(body).end);
        self.set_context(body, last);
    }

    /// Opens a scope for every `let` of a condition, one inside the other; returns the innermost context.
    fn let_conditions(&mut self, condition: NodeIndex, context: Context, end: u32) -> Context {
        let tree = self.tree;
        let parts: Vec<NodeIndex> = match tree.kind(condition) {
            "let_chain" => tree.children(condition).collect(),
            _ => vec![condition],
        };
        let mut current = context;
        for part in parts {
            if part != condition {
                self.set_context(part, current);
            }
            if tree.kind(part) != "let_condition" {
                continue;
            }
            let span = Span { start: tree.span(part).end, end };
            let scope = self.local_scope(part, current.scope, ScopeKind::IfLet, span);
            self.set_field(part, "value", current);
            self.set_field(part, "pattern", current.with(Role::Pattern(scope, BindingKind::Variable)));
            current = Context { scope, ..current };
        }
        current
    }
}
