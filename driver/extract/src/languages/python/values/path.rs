//! The way from a name to the value of an expression.

use super::super::calls::called;
use super::super::statements::inner;
use super::super::text::is_extra;
use crate::lexical::ValuePath;
use crate::tree::{NodeIndex, SyntaxTree};

/// Most steps from a name to a value; a chain of more has none, so that long chains do not take quadratic time.
const MAX_STEPS: usize = 24;
/// Most parts of an expression that are looked at for its alternatives: each of `a = b = c = ...` has those behind it.
const MAX_PARTS: usize = 64;
/// Most alternatives of one expression.
const MAX_ALTERNATIVES: usize = 8;

/// The way to the value of an expression; none when it does not start from a name.
pub(in crate::languages::python) fn path(tree: &SyntaxTree<'_>, expression: NodeIndex) -> Option<ValuePath> {
    let mut steps: Vec<(&str, &str)> = Vec::new();
    let mut current = expression;
    while steps.len() <= MAX_STEPS {
        let (step, next) = match tree.kind(current) {
            "identifier" => {
                let mut text = String::new();
                for (mark, step) in steps.iter().rev() {
                    text.extend([mark, step, "/"]);
                }
                return Some(ValuePath { head: current, steps: text });
            }
            "attribute" => {
                let name = tree.child_by_field(current, "attribute")?;
                ((".", tree.name(name)), tree.child_by_field(current, "object")?)
            }
            "member_type" => {
                let mut parts = tree.named_children(current);
                let object = parts.next()?;
                ((".", tree.name(parts.next()?)), object)
            }
            "call" => {
                let function = called(tree, tree.child_by_field(current, "function")?);
                match handed_on(tree, current, function) {
                    Some((value, Some(step))) => (step, value),
                    Some((value, None)) => {
                        current = value;
                        continue;
                    }
                    None => (("", "()"), function),
                }
            }
            "named_expression" => {
                current = tree.child_by_field(current, "value")?;
                continue;
            }
            "subscript" => (("", "[]"), tree.child_by_field(current, "value")?),
            "generic_type" => (("", "[]"), tree.named_children(current).next()?),
            "await" => (("", "await"), tree.named_children(current).next()?),
            "parenthesized_expression" | "type" => {
                let content = inner(tree, current);
                if content == current {
                    return None;
                }
                current = content;
                continue;
            }
            _ => return None,
        };
        steps.push(step);
        current = next;
    }
    None
}

/// What a call gives that is told by one of its arguments, and the step from that to it: descriptors, the bound of a type
/// variable, which stands for the variable, and what hands on, looks into or names the type of a value.
fn handed_on<'s>(
    tree: &SyntaxTree<'s>,
    call: NodeIndex,
    function: NodeIndex,
) -> Option<(NodeIndex, Option<(&'s str, &'s str)>)> {
    let name = match tree.kind(function) {
        "identifier" => function,
        "attribute" => tree.child_by_field(function, "attribute")?,
        _ => return None,
    };
    let list = tree.child_by_field(call, "arguments").filter(|&list| tree.kind(list) == "argument_list")?;
    let mut arguments = tree.named_children(list).filter(|&child| !is_extra(tree.kind(child)));
    let alone = name == function;
    match tree.text(name) {
        "staticmethod" | "classmethod" if alone => Some((arguments.next()?, None)),
        "partial" => Some((arguments.next()?, None)),
        "next" if alone => Some((arguments.next()?, Some(("", "*")))),
        "property" if alone => Some((arguments.next()?, Some(("", "()")))),
        "type" if alone => {
            let value = arguments.next()?;
            arguments.next().is_none().then_some((value, Some((".", "__class__"))))
        }
        "cast" => {
            let class = arguments.next().filter(|&class| tree.kind(class) != "string")?;
            Some((class, Some(("", ":"))))
        }
        "getattr" if alone => {
            let value = arguments.next()?;
            let name = arguments.next().filter(|&name| tree.kind(name) == "string")?;
            let name = tree.text(tree.child_by_kind(name, "string_content")?);
            let is_name = !name.is_empty() && name.chars().all(|it| it == '_' || it.is_alphanumeric());
            is_name.then_some((value, Some((".", name))))
        }
        "TypeVar" => {
            let bound = arguments.find(|&argument| {
                tree.kind(argument) == "keyword_argument"
                    && tree.child_by_field(argument, "name").is_some_and(|name| tree.text(name) == "bound")
            });
            Some((tree.child_by_field(bound?, "value")?, None))
        }
        _ => None,
    }
}

/// The expressions whose value an expression may have.
pub(super) fn alternatives(tree: &SyntaxTree<'_>, expression: NodeIndex) -> Vec<NodeIndex> {
    let mut pending = vec![expression];
    let mut found = Vec::new();
    let mut looked_at = 0;
    while let Some(current) = pending.pop() {
        looked_at += 1;
        let parts = |index| tree.named_children(index).filter(|&child| !is_extra(tree.kind(child)));
        match tree.kind(current) {
            "parenthesized_expression" => pending.extend(parts(current).next()),
            "conditional_expression" => {
                pending.extend(parts(current).nth(2));
                pending.extend(parts(current).next());
            }
            "boolean_operator" => {
                pending.extend(tree.child_by_field(current, "right"));
                if tree.child_by_kind(current, "or").is_some() {
                    pending.extend(tree.child_by_field(current, "left"));
                }
            }
            "named_expression" => pending.extend(tree.child_by_field(current, "value")),
            "assignment" => pending.extend(tree.child_by_field(current, "right")),
            _ => found.push(current),
        }
        if found.len() + pending.len() > MAX_ALTERNATIVES || looked_at > MAX_PARTS {
            return Vec::new();
        }
    }
    found
}
