//! The order in which a Python file is evaluated: branches, loops, handlers, and when a binding is in force.

use super::text::is_extra;
use crate::lexical::{Arm, Control, Effect, FlowRules};
use crate::tree::{NodeIndex, SyntaxTree};

/// How deep a name may lie in its statement for the statement to be found: brackets of targets are that deep in no program.
const MOST_AROUND: usize = 128;

/// The rules of Python.
pub(super) const RULES: FlowRules = FlowRules { control, effect };

fn control(tree: &SyntaxTree<'_>, index: NodeIndex) -> Option<Control> {
    let node = tree.node(index);
    let parent = tree.kind(node.parent);
    Some(match node.kind {
        "if_statement" => Control::Branch { exhaustive: tree.child_by_kind(index, "else_clause").is_some() },
        "match_statement" => Control::Branch { exhaustive: matches_everything(tree, index) },
        "while_statement" => {
            Control::Branch { exhaustive: is_true(tree, index) || may_skip_else(tree, index) }
        }
        "for_statement" => Control::Branch { exhaustive: may_skip_else(tree, index) },
        "try_statement" => Control::Branch { exhaustive: true },
        "block" => match (parent, node.field) {
            ("if_statement", _) => Control::Arm(consequence(tree, node.parent)),
            ("while_statement" | "for_statement", Some("body")) => Control::Arm(Arm::Repeated),
            ("try_statement", Some("body")) => Control::Arm(Arm::Guarded),
            ("function_definition", _) => Control::Body,
            _ => return None,
        },
        "elif_clause" | "case_clause" => Control::Arm(Arm::Alternative),
        "else_clause" => match parent {
            "if_statement" => Control::Arm(alternative(tree, node.parent)),
            "try_statement" => Control::Arm(Arm::Continued),
            _ if may_skip_else(tree, node.parent) => Control::Arm(Arm::Alternative),
            _ => Control::Join,
        },
        "except_clause" | "except_group_clause" => Control::Arm(Arm::Handler),
        "finally_clause" => Control::Join,
        "return_statement" | "raise_statement" => Control::Exit,
        "break_statement" | "continue_statement" => Control::Jump,
        _ if parent == "lambda" && node.field == Some("body") => Control::Body,
        _ => return None,
    })
}

/// Whether a loop has an `else` that a `break` of its body skips. Loops inside are those of their own breaks.
fn may_skip_else(tree: &SyntaxTree<'_>, index: NodeIndex) -> bool {
    let Some(body) =
        tree.child_by_field(index, "body").filter(|_| tree.child_by_kind(index, "else_clause").is_some())
    else {
        return false;
    };
    let end = tree.node(body).subtree_end;
    let mut current = body;
    while current < end {
        current = match tree.kind(current) {
            "break_statement" => return true,
            "for_statement" | "while_statement" | "function_definition" | "class_definition" => {
                tree.node(current).subtree_end
            }
            _ => current + 1,
        };
    }
    false
}

/// Whether a `while` begins at least once for certain.
fn is_true(tree: &SyntaxTree<'_>, index: NodeIndex) -> bool {
    tree.child_by_field(index, "condition")
        .is_some_and(|condition| matches!(tree.text(condition), "True" | "1"))
}

/// Whether the last case of a `match` takes whatever the others left.
fn matches_everything(tree: &SyntaxTree<'_>, index: NodeIndex) -> bool {
    let Some(body) = tree.child_by_field(index, "body") else { return false };
    let last = tree.named_children(body).filter(|&case| tree.kind(case) == "case_clause").last();
    last.is_some_and(|case| {
        let guarded = tree.child_by_kind(case, "if_clause").is_some();
        let pattern = tree.child_by_kind(case, "case_pattern");
        !guarded
            && pattern
                .is_some_and(|pattern| tree.text(pattern).chars().all(|it| it == '_' || it.is_alphanumeric()))
    })
}

/// `if TYPE_CHECKING:` is never taken by a program that runs (PEP 484).
fn consequence(tree: &SyntaxTree<'_>, index: NodeIndex) -> Arm {
    match tree.child_by_field(index, "condition") {
        Some(condition) if is_type_checking(tree, condition) => Arm::TypesOnly,
        _ => Arm::Alternative,
    }
}

fn alternative(tree: &SyntaxTree<'_>, index: NodeIndex) -> Arm {
    let condition = tree.child_by_field(index, "condition").filter(|&it| tree.kind(it) == "not_operator");
    let negated = condition.and_then(|it| tree.child_by_field(it, "argument"));
    match negated {
        Some(negated) if is_type_checking(tree, negated) => Arm::TypesOnly,
        _ => Arm::Alternative,
    }
}

/// Most blocks around an import in which a condition is looked for.
const MAX_BLOCKS: usize = 32;

/// Whether an import stands in `if TYPE_CHECKING:`, or behind it in the `else` of `if not TYPE_CHECKING:`.
pub(super) fn is_type_only(tree: &SyntaxTree<'_>, import: NodeIndex) -> bool {
    let around = std::iter::successors(tree.parent(import), |&index| tree.parent(index));
    around.take(MAX_BLOCKS).filter(|&index| tree.kind(tree.node(index).parent) == "if_statement").any(
        |index| {
            let statement = tree.node(index).parent;
            let arm = match tree.kind(index) {
                "block" => consequence(tree, statement),
                "else_clause" => alternative(tree, statement),
                _ => return false,
            };
            arm == Arm::TypesOnly
        },
    )
}

fn is_type_checking(tree: &SyntaxTree<'_>, condition: NodeIndex) -> bool {
    let text = tree.text(condition);
    text == "TYPE_CHECKING" || text.ends_with(".TYPE_CHECKING")
}

/// Values are evaluated before they are bound: most bindings are in force from the end of their statement.
fn effect(tree: &SyntaxTree<'_>, name: NodeIndex) -> Effect {
    let mut current = name;
    for _ in 0..MOST_AROUND {
        let Some(parent) = tree.parent(current) else { break };
        match tree.kind(parent) {
            "function_definition" | "class_definition" if tree.node(current).field == Some("name") => {
                let decorated = tree.parent(parent).filter(|&it| tree.kind(it) == "decorated_definition");
                return Effect::Leave(decorated.unwrap_or(parent));
            }
            "function_definition" | "lambda" | "for_statement" => {
                return tree.child_by_field(parent, "body").map_or(Effect::Leave(name), Effect::Enter);
            }
            "except_clause" | "except_group_clause" => {
                return tree.child_by_kind(parent, "block").map_or(Effect::Leave(name), Effect::Enter);
            }
            "assignment"
            | "augmented_assignment"
            | "named_expression"
            | "import_statement"
            | "import_from_statement"
            | "future_import_statement"
            | "delete_statement"
            | "type_alias_statement"
            | "for_in_clause"
            | "with_item" => return Effect::Leave(parent),
            "case_clause" => return Effect::Leave(current),
            "block" | "module" => return Effect::Leave(name),
            _ => current = parent,
        }
    }
    Effect::Leave(name)
}

/// The expression in brackets, or the expression itself.
pub(super) fn inner(tree: &SyntaxTree<'_>, index: NodeIndex) -> NodeIndex {
    let mut current = index;
    while matches!(tree.kind(current), "parenthesized_expression" | "type") {
        match tree.named_children(current).find(|&child| !is_extra(tree.kind(child))) {
            Some(content) => current = content,
            None => return current,
        }
    }
    current
}
