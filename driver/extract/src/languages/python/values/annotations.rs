//! What annotations say: the classes that a name's value is an instance of.

use std::collections::HashSet;

use super::super::rules::{Analysis, Context};
use super::super::text::is_extra;
use super::path::path;
use crate::lexical::{Namespace, UseContext, ValueKind, ValuePath};
use crate::tree::{NodeIndex, Span, SyntaxTree};

/// Most classes that one annotation names.
pub(super) const MAX_CLASSES: usize = 8;
/// Classes of containers whose elements are of the class that their first argument names.
const CONTAINERS: [&str; 24] = [
    "list",
    "List",
    "set",
    "Set",
    "frozenset",
    "FrozenSet",
    "tuple",
    "Tuple",
    "deque",
    "Deque",
    "Sequence",
    "MutableSequence",
    "Collection",
    "AbstractSet",
    "MutableSet",
    "Iterable",
    "Iterator",
    "Generator",
    "Reversible",
    "AsyncIterable",
    "AsyncIterator",
    "AsyncGenerator",
    "KeysView",
    "ValuesView",
];
/// Classes of mappings whose values are of the class that their second argument names.
const MAPPINGS: [&str; 9] = [
    "dict",
    "Dict",
    "Mapping",
    "MutableMapping",
    "defaultdict",
    "DefaultDict",
    "OrderedDict",
    "ChainMap",
    "Counter",
];
/// Forms that say about their argument no more than that it is the type, or one of several.
const TRANSPARENT: [&str; 8] =
    ["Optional", "Union", "Annotated", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly"];

/// The ways to the values that an annotation allows: an instance of a class, the class itself for `type[...]`, and what is
/// in a container.
pub(super) fn annotated(
    analysis: &mut Analysis<'_, '_, '_>,
    annotation: NodeIndex,
    context: Context,
) -> Vec<(ValueKind, ValuePath)> {
    let tree = analysis.tree;
    let mut pending = vec![(annotation, ":/", ValueKind::Annotated)];
    let mut found = Vec::new();
    while let Some((current, suffix, kind)) = pending.pop() {
        if found.len() + pending.len() > MAX_CLASSES {
            return Vec::new();
        }
        let parts = || tree.named_children(current).filter(|&child| !is_extra(tree.kind(child)));
        match tree.kind(current) {
            "type" | "parenthesized_expression" => {
                pending.extend(parts().next().map(|it| (it, suffix, kind)));
            }
            "binary_operator" | "union_type" => {
                pending.extend(parts().map(|part| (part, suffix, kind)));
            }
            "string" => {
                let class = in_string(analysis, current, context);
                found.extend(class.map(|it| (kind, with_suffix(it, suffix))));
            }
            "subscript" | "generic_type" => match form(tree, current) {
                name if TRANSPARENT.contains(&name) => {
                    let arguments = arguments(tree, current);
                    let only_first = name == "Annotated";
                    let kept = if only_first { 1 } else { arguments.len() };
                    pending.extend(arguments.into_iter().take(kept).map(|part| (part, suffix, kind)));
                }
                "type" | "Type" => {
                    pending.extend(arguments(tree, current).into_iter().map(|part| (part, "", kind)));
                }
                name => {
                    found.extend(path(tree, current).map(|it| (kind, with_suffix(it, suffix))));
                    let content = content(tree, current, name)
                        .filter(|_| suffix == ":/" && kind == ValueKind::Annotated);
                    pending.extend(content.map(|(inside, part)| (part, suffix, inside)));
                    let read_later = content.map_or(0..0, |(_, part)| part..tree.node(part).subtree_end);
                    let inside = current + 1..tree.node(current).subtree_end;
                    let is_text = |&it: &NodeIndex| tree.kind(it) == "string" && !read_later.contains(&it);
                    for string in inside.filter(|it| name != "Literal" && is_text(it)) {
                        in_string(analysis, string, context);
                    }
                }
            },
            "identifier" | "attribute" | "member_type" => {
                found.extend(path(tree, current).map(|it| (kind, with_suffix(it, suffix))));
            }
            _ => {}
        }
    }
    found
}

/// What a type says about the content of a container: the argument that names its class, and how that is reached.
fn content(tree: &SyntaxTree<'_>, index: NodeIndex, name: &str) -> Option<(ValueKind, NodeIndex)> {
    let arguments = arguments(tree, index);
    let is_row = |part: &NodeIndex| tree.text(*part) == "...";
    if CONTAINERS.contains(&name) {
        let several =
            name.eq_ignore_ascii_case("tuple") && arguments.len() > 1 && !arguments.iter().any(is_row);
        return arguments.first().filter(|_| !several).map(|&first| (ValueKind::Element, first));
    }
    let value = arguments.get(1).filter(|_| MAPPINGS.contains(&name))?;
    Some((ValueKind::Entry, *value))
}

fn with_suffix(mut path: ValuePath, suffix: &str) -> ValuePath {
    path.steps.push_str(suffix);
    path
}

/// The last name of a type that has arguments.
fn form<'s>(tree: &SyntaxTree<'s>, index: NodeIndex) -> &'s str {
    let name = tree.named_children(index).next().map_or("", |name| tree.text(name));
    name.rsplit('.').next().unwrap_or(name)
}

/// The arguments of a type.
fn arguments(tree: &SyntaxTree<'_>, index: NodeIndex) -> Vec<NodeIndex> {
    let mut arguments = Vec::new();
    for part in tree.named_children(index).skip(1) {
        match tree.kind(part) {
            "type_parameter" | "tuple" => {
                arguments.extend(tree.named_children(part).filter(|&child| !is_extra(tree.kind(child))));
            }
            kind if is_extra(kind) => {}
            _ => arguments.push(part),
        }
    }
    arguments
}

/// Records the names in an annotation that is a string (PEP 484), and returns the way to the first class in it.
fn in_string(analysis: &mut Analysis<'_, '_, '_>, string: NodeIndex, context: Context) -> Option<ValuePath> {
    let tree = analysis.tree;
    let content = tree.child_by_kind(string, "string_content")?;
    let start = tree.span(content).start;
    let mut names = dotted_names(tree.text(content));
    let is_class = |name: &str| {
        let last = name.rsplit('.').next().unwrap_or(name);
        !TRANSPARENT.contains(&last) && last != "None"
    };
    // The way starts from the reference that stands for the node, which is the first one in it.
    let first = names.iter().position(|(_, name)| is_class(name));
    names.get_mut(..=first.unwrap_or_default())?.rotate_right(1);
    let mut seen: HashSet<&str> = HashSet::new();
    for &(at, dotted) in &names {
        let head = dotted.split('.').next().unwrap_or(dotted);
        if seen.insert(head) {
            let span = Span { start: start + at as u32, end: start + (at + head.len()) as u32 };
            analysis.refer_within(string, (head, span), UseContext::Type, Namespace::Value, context);
        }
    }
    let (_, class) = names.first().filter(|_| first.is_some())?;
    let steps = class.split('.').skip(1).map(|part| format!(".{part}/")).collect();
    Some(ValuePath { head: string, steps })
}

/// The dotted names in a type expression, with where they start. Texts inside it say nothing here.
fn dotted_names(text: &str) -> Vec<(usize, &str)> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '.';
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(from) = rest.find(is_part) {
        let tail = rest.get(from..).unwrap_or_default();
        let length = tail.find(|letter| !is_part(letter)).unwrap_or(tail.len());
        let name = tail.get(..length).unwrap_or_default();
        if name.starts_with(|letter: char| letter.is_alphabetic() || letter == '_') {
            names.push((text.len() - tail.len(), name));
        }
        rest = tail.get(length..).unwrap_or_default();
    }
    names
}
