//! Macros: what their calls hold, and what their definitions use.

mod embedded;
mod formats;

use std::collections::HashSet;

use super::{Analysis, Context, Role};
use crate::lexical::{BindingKind, Namespace, ScopeKind, UseContext};
use crate::tree::{NodeIndex, SyntaxTree};
pub(crate) use embedded::embedding;
use embedded::{ARGUMENTS, MATCH};
pub(crate) use embedded::{ITEMS, STATEMENTS};

impl<'s> Analysis<'_, 's, '_> {
    /// Parts of macros. Returns the context of the children that get none of their own; none for other nodes.
    pub(super) fn macro_form(&mut self, index: NodeIndex, kind: &str, context: Context) -> Option<Context> {
        match kind {
            ARGUMENTS => self.macro_arguments(index, context),
            ITEMS => {}
            STATEMENTS => self.block(index, context),
            MATCH => self.macro_match(index, context),
            "macro_rule" => return Some(self.macro_rule(index, context)),
            "token_tree" | "token_repetition" => self.token_tree(index, context),
            "string_content" => return Some(context),
            _ => return None,
        }
        Some(context.with(Role::Read))
    }

    /// Arguments are read. What is but a name may be something else to the macro, and `name = value` names an argument.
    fn macro_arguments(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let named: HashSet<&str> = tree
            .children(index)
            .filter(|&child| tree.kind(child) == "assignment_expression")
            .filter_map(|child| tree.child_by_field(child, "left"))
            .map(|left| tree.text(left))
            .collect();
        for child in tree.named_children(index) {
            match tree.kind(child) {
                "identifier" => self.set_context(child, context.with(Role::Token)),
                "assignment_expression" => self.set_context(child, context.with(Role::NamedArgument)),
                "string_literal" | "raw_string_literal" => self.format_names(child, &named, context),
                _ => {}
            }
        }
    }

    /// The names in a format string, but for those of other arguments.
    fn format_names(&mut self, literal: NodeIndex, named: &HashSet<&str>, context: Context) {
        let tree = self.tree;
        for part in tree.named_children(literal) {
            for name in tree.named_children(part) {
                let role = if named.contains(tree.text(name)) { Role::Skip } else { Role::Read };
                self.set_context(name, context.with(role));
            }
        }
    }

    /// A value, and the pattern it is matched with, as an arm of `match`.
    fn macro_match(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(pattern) = tree.children(index).find(|&child| tree.kind(child) == "match_pattern") else {
            return;
        };
        let span = tree.span(pattern);
        let scope = self.local_scope(index, context.scope, ScopeKind::MatchArm, span);
        let inner = Context { scope, ..context };
        self.set_context(pattern, inner.with(Role::Pattern(scope, BindingKind::Variable)));
    }

    /// The body of a macro is read where it is called: local names of the place of the definition are not seen.
    fn macro_rule(&mut self, index: NodeIndex, context: Context) -> Context {
        if let Some(body) = self.tree.child_by_field(index, "right") {
            self.set_context(body, context.with(Role::Template));
        }
        context.with(Role::Skip)
    }

    /// Tokens: identifiers that are not members of something are uses whose namespace only the macro's expansion tells.
    fn token_tree(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let skip = context.with(Role::Skip);
        let mut before = "";
        for child in tree.children(index) {
            match tree.kind(child) {
                "token_tree" | "token_repetition" => self.set_context(child, context),
                ITEMS | STATEMENTS => self.set_context(child, context.with(Role::Read)),
                "identifier" | "self" if context.role != Role::Skip && tree.text(child) != "_" => {
                    self.token(child, before, context);
                }
                _ => self.set_context(child, skip),
            }
            before = token_before(tree, child);
        }
    }

    fn token(&mut self, index: NodeIndex, before: &str, context: Context) {
        self.skip(index, context);
        let used = match (before, context.role) {
            ("." | "::", _) => UseContext::Attribute,
            (_, Role::Template) => UseContext::MacroBody,
            _ => UseContext::Macro,
        };
        self.refer(index, used, Namespace::Any, context, None);
    }
}

/// The token that decides about the next identifier.
fn token_before(tree: &SyntaxTree<'_>, child: NodeIndex) -> &'static str {
    match tree.text(child) {
        text if text.ends_with("::") => "::",
        "." => ".",
        _ => "",
    }
}
