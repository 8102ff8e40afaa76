//! What Rust says about its symbols.

use crate::lexical::{BindingKind, ScopeKind};
use crate::symbols::{Branching, Subject, SymbolRules, Visibility};
use crate::tree::{NodeIndex, SyntaxTree};

/// The rules of Rust.
pub(super) const RULES: SymbolRules = SymbolRules {
    separator: "::",
    locals: None,
    declaration,
    visibility,
    is_test,
    is_type_only: |_, _| false,
    branching,
};

fn declaration(tree: &SyntaxTree<'_>, index: NodeIndex) -> NodeIndex {
    let node = tree.node(index);
    let parent = tree.kind(node.parent);
    let has_type = matches!(parent, "parameter" | "let_declaration") && node.field == Some("pattern");
    if has_type { node.parent } else { index }
}

fn visibility(subject: &Subject<'_, '_>) -> Visibility {
    let Subject { tree, binding, .. } = subject;
    if let Some(modifier) = tree.child_by_kind(binding.node, "visibility_modifier") {
        return match tree.text(modifier) {
            "pub" => Visibility::Public,
            "crate" | "pub(crate)" => Visibility::Package,
            _ => Visibility::Restricted,
        };
    }
    let scope = subject.facts.scopes.get(binding.scope);
    let around = scope.map(|scope| tree.node(scope.node).parent).unwrap_or_default();
    let inherits = match scope.map(|scope| scope.kind) {
        // What belongs to a trait is as visible as that; the same holds for variants and what they hold.
        Some(ScopeKind::Trait | ScopeKind::Enum) => true,
        Some(ScopeKind::Impl) => tree.child_by_field(around, "trait").is_some(),
        _ => binding.kind == BindingKind::Macro && subject.decorators.contains(&"macro_export"),
    };
    if inherits { Visibility::Public } else { Visibility::Private }
}

/// What the built-in runner and the usual crates run: `#[test]`, `#[tokio::test]`, `#[rstest]` and their like.
fn is_test(subject: &Subject<'_, '_>) -> bool {
    subject.decorators.iter().any(|name| {
        let last = name.rsplit("::").next().unwrap_or(name);
        matches!(last, "test" | "rstest" | "test_case" | "proptest" | "quickcheck" | "wasm_bindgen_test")
    })
}

fn branching(tree: &SyntaxTree<'_>, index: NodeIndex) -> Branching {
    let node = tree.node(index);
    match node.kind {
        // A chain of `else if` is as deep as its first.
        "if_expression" if tree.kind(node.parent) == "else_clause" => Branching::Branches,
        "if_expression" | "while_expression" | "for_expression" => Branching::BranchesAndNests,
        "match_arm" | "try_expression" => Branching::Branches,
        "match_expression" | "loop_expression" => Branching::Nests,
        "binary_expression" => {
            let operator = tree.child_by_field(index, "operator").map(|operator| tree.kind(operator));
            if matches!(operator, Some("&&" | "||")) { Branching::Branches } else { Branching::None }
        }
        _ => Branching::None,
    }
}
