//! What TypeScript and JavaScript say about their symbols.

use crate::lexical::ScopeKind;
use crate::symbols::{Branching, Subject, SymbolRules, Visibility};
use crate::tree::{NodeIndex, SyntaxTree};

/// The rules of TypeScript and JavaScript. Their tests are calls, not functions that a runner finds by name.
pub(super) const RULES: SymbolRules = SymbolRules {
    separator: ".",
    locals: None,
    declaration,
    visibility,
    is_test: |_| false,
    is_type_only,
    branching,
};

/// Most nodes between a name and the statement that it is declared or imported by.
const MAX_STEPS: usize = 6;

fn declaration(tree: &SyntaxTree<'_>, index: NodeIndex) -> NodeIndex {
    let node = tree.node(index);
    match (tree.kind(node.parent), node.field) {
        ("required_parameter" | "optional_parameter", Some("pattern")) => node.parent,
        ("variable_declarator", Some("name")) if tree.child_by_field(node.parent, "type").is_some() => {
            node.parent
        }
        _ => index,
    }
}

/// The modifiers of members; what a module does not export where it is declared is taken to be its own.
fn visibility(subject: &Subject<'_, '_>) -> Visibility {
    let Subject { tree, binding, .. } = subject;
    if binding.text.starts_with('#') {
        return Visibility::Private;
    }
    let scope = subject.facts.scopes.get(binding.scope).map(|scope| scope.kind);
    if scope != Some(ScopeKind::Module) {
        let modifier = tree.child_by_kind(binding.node, "accessibility_modifier");
        return match modifier.map(|modifier| tree.text(modifier)) {
            Some("private") => Visibility::Private,
            Some("protected") => Visibility::Protected,
            _ => Visibility::Public,
        };
    }
    let mut around = std::iter::successors(Some(binding.node), |&index| tree.parent(index)).take(MAX_STEPS);
    let is_exported = around.any(|index| tree.kind(index) == "export_statement");
    if is_exported { Visibility::Public } else { Visibility::Package }
}

/// `import type { A }` and `import { type A }`.
fn is_type_only(tree: &SyntaxTree<'_>, import: NodeIndex) -> bool {
    let around = std::iter::successors(Some(import), |&index| tree.parent(index)).take(MAX_STEPS);
    let mut statements = around.filter(|&index| {
        matches!(tree.kind(index), "import_specifier" | "import_statement" | "export_statement")
    });
    statements.any(|index| tree.children(index).take(2).any(|child| tree.kind(child) == "type"))
}

fn branching(tree: &SyntaxTree<'_>, index: NodeIndex) -> Branching {
    let node = tree.node(index);
    match node.kind {
        // A chain of `else if` is as deep as its first.
        "if_statement" if tree.kind(node.parent) == "else_clause" => Branching::Branches,
        "if_statement" | "for_statement" | "for_in_statement" | "while_statement" | "do_statement" => {
            Branching::BranchesAndNests
        }
        "switch_case" | "catch_clause" | "ternary_expression" => Branching::Branches,
        "switch_statement" | "try_statement" | "with_statement" => Branching::Nests,
        "binary_expression" => {
            let operator = tree.child_by_field(index, "operator").map(|operator| tree.kind(operator));
            if matches!(operator, Some("&&" | "||" | "??")) { Branching::Branches } else { Branching::None }
        }
        _ => Branching::None,
    }
}
