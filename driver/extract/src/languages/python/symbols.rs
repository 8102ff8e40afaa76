//! What Python says about its symbols.

use super::statements;
use crate::symbols::{Branching, Subject, SymbolRules, Visibility};
use crate::tree::{NodeIndex, SyntaxTree};

/// The rules of Python. Qualified names are those of PEP 3155 behind the name of the module.
pub(super) const RULES: SymbolRules = SymbolRules {
    separator: ".",
    locals: Some("<locals>"),
    declaration,
    visibility,
    is_test,
    is_type_only: statements::is_type_only,
    branching,
};

/// Most bases of a class that are looked at.
const MAX_BASES: usize = 16;

fn declaration(tree: &SyntaxTree<'_>, index: NodeIndex) -> NodeIndex {
    let node = tree.node(index);
    match tree.kind(node.parent) {
        "typed_parameter" | "typed_default_parameter" => node.parent,
        "assignment" if node.field == Some("left") && tree.child_by_field(node.parent, "type").is_some() => {
            node.parent
        }
        _ => index,
    }
}

/// By the conventions of PEP 8, and the names that the compiler mangles.
fn visibility(subject: &Subject<'_, '_>) -> Visibility {
    let name = subject.tree.shown_name(subject.binding.name_node);
    match name.strip_prefix("__") {
        Some(rest) if rest.ends_with("__") => Visibility::Public,
        Some(_) => Visibility::Private,
        None if name.starts_with('_') => Visibility::Protected,
        None => Visibility::Public,
    }
}

/// What pytest collects by its defaults, and the methods of test cases of `unittest`.
fn is_test(subject: &Subject<'_, '_>) -> bool {
    if !subject.binding.text.starts_with("test") {
        return false;
    }
    let file = subject.path.rsplit('/').next().unwrap_or(subject.path);
    let stem = file.strip_suffix(".py").unwrap_or(file);
    let in_test_file = stem.starts_with("test_") || stem.ends_with("_test");
    let Some(scope) = subject.facts.scopes.get(subject.binding.scope) else { return false };
    match subject.tree.kind(scope.node) {
        "module" => in_test_file,
        "class_definition" => {
            let bases = subject.tree.child_by_field(scope.node, "superclasses");
            let is_case = bases.is_some_and(|bases| {
                let mut bases = subject.tree.named_children(bases).take(MAX_BASES);
                bases.any(|base| subject.tree.text(base).ends_with("TestCase"))
            });
            is_case || in_test_file && scope.name.is_some_and(|name| name.starts_with("Test"))
        }
        _ => false,
    }
}

fn branching(tree: &SyntaxTree<'_>, index: NodeIndex) -> Branching {
    match tree.kind(index) {
        "if_statement" | "for_statement" | "while_statement" => Branching::BranchesAndNests,
        "elif_clause"
        | "except_clause"
        | "except_group_clause"
        | "case_clause"
        | "conditional_expression"
        | "boolean_operator"
        | "for_in_clause"
        | "if_clause" => Branching::Branches,
        "try_statement" | "with_statement" | "match_statement" => Branching::Nests,
        _ => Branching::None,
    }
}
