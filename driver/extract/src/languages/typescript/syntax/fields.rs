//! Members that are not declared where they belong: fields that methods assign, parameters that are fields, and exports
//! of CommonJS modules. And whose `this` it is.

use std::collections::{HashMap, HashSet};

use super::functions::{is_function, is_function_value};
use super::unquoted;
use crate::lexical::{
    Binding, BindingIndex, BindingKind, Facts, Namespace, Rebinding, ScopeIndex, ScopeKind,
};
use crate::tree::{NodeIndex, SyntaxTree};

/// What `this` is at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum This {
    /// Nothing that the text tells.
    Unknown,
    /// An object of the class, interface or literal at a node.
    Instance(NodeIndex),
    /// The class at a node.
    Static(NodeIndex),
}

/// What an assignment gives a member to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Assigned {
    /// `this.name = value`.
    This,
    /// `exports.name = value` and `module.exports.name = value`.
    Exports,
}

/// The owner and the name of the member that an assignment makes.
pub(in super::super) fn assigned_member(
    tree: &SyntaxTree<'_>,
    index: NodeIndex,
) -> Option<(Assigned, NodeIndex)> {
    let left = tree.child_by_field(index, "left").filter(|&left| tree.kind(left) == "member_expression")?;
    let object = tree.child_by_field(left, "object")?;
    let name = tree.child_by_field(left, "property")?;
    match tree.kind(object) {
        "this" => Some((Assigned::This, name)),
        "identifier" if tree.text(object) == "exports" => Some((Assigned::Exports, name)),
        "member_expression" if is_module_exports(tree, object) => Some((Assigned::Exports, name)),
        _ => None,
    }
}

/// Whether a node is `module.exports`.
fn is_module_exports(tree: &SyntaxTree<'_>, index: NodeIndex) -> bool {
    let is = |field, text| tree.child_by_field(index, field).is_some_and(|part| tree.text(part) == text);
    tree.kind(index) == "member_expression" && is("object", "module") && is("property", "exports")
}

/// Whether an assignment gives a CommonJS module its value.
pub(in super::super) fn assigned_exports(tree: &SyntaxTree<'_>, index: NodeIndex) -> bool {
    tree.child_by_field(index, "left").is_some_and(|left| is_module_exports(tree, left))
}

/// What `this` is at each node.
pub(in super::super) fn receivers(tree: &SyntaxTree<'_>) -> Vec<This> {
    let mut found: Vec<This> = Vec::with_capacity(tree.nodes.len());
    for (index, node) in tree.nodes.iter().enumerate() {
        let parent = tree.node(node.parent);
        let inherited = found.get(node.parent).copied().unwrap_or(This::Unknown);
        let this = match (parent.kind, node.kind) {
            ("class_body" | "interface_body", _) => {
                let class = parent.parent;
                let is_static =
                    node.kind == "class_static_block" || tree.child_by_kind(index, "static").is_some();
                if is_static { This::Static(class) } else { This::Instance(class) }
            }
            ("object_type", _) => This::Instance(node.parent),
            ("object", "method_definition") => This::Instance(node.parent),
            ("pair", kind) if is_function_value(kind) && kind != "arrow_function" => {
                This::Instance(parent.parent)
            }
            (_, "function_type") => inherited,
            (_, kind) if is_function(kind) && kind != "arrow_function" => This::Unknown,
            _ => inherited,
        };
        found.push(this);
    }
    found
}

/// Adds the members that assignments and parameters make.
pub(super) fn assigned<'s>(tree: &SyntaxTree<'s>, facts: &mut Facts<'s>) {
    let classes: HashMap<NodeIndex, ScopeIndex> = facts
        .scopes
        .iter()
        .enumerate()
        .filter(|(_, scope)| scope.kind == ScopeKind::Class)
        .map(|(index, scope)| (scope.node, index))
        .collect();
    let definitions: HashMap<NodeIndex, BindingIndex> =
        facts.bindings.iter().enumerate().map(|(index, binding)| (binding.node, index)).collect();
    let declared: HashSet<(ScopeIndex, &str)> = facts
        .bindings
        .iter()
        .filter(|binding| binding.namespace == Namespace::Member)
        .map(|binding| (binding.scope, binding.text))
        .collect();
    let mut added: Vec<(NodeIndex, NodeIndex, ScopeIndex, Option<NodeIndex>)> = Vec::new();
    let this = receivers(tree);
    for (index, node) in tree.nodes.iter().enumerate().filter(|(_, node)| node.named) {
        match node.kind {
            "assignment_expression" => match (assigned_member(tree, index), this.get(index)) {
                (Some((Assigned::This, name)), Some(&This::Instance(class))) => {
                    let Some(&scope) = classes.get(&class) else { continue };
                    if !declared.contains(&(scope, unquoted(tree.text(name)))) {
                        added.push((index, name, scope, Some(class)));
                    }
                }
                (Some((Assigned::Exports, name)), _) => added.push((index, name, 0, None)),
                _ => {}
            },
            "required_parameter" | "optional_parameter" => {
                if let Some((name, class)) = parameter_property(tree, index) {
                    added.extend(classes.get(&class).map(|&scope| (index, name, scope, Some(class))));
                }
            }
            _ => {}
        }
    }
    for (node, name_node, scope, class) in added {
        let text = unquoted(tree.text(name_node));
        let right = tree.child_by_field(node, "right");
        let is_method = right.is_some_and(|right| is_function_value(tree.kind(right)));
        let name = facts.names.intern(text);
        facts.bindings.push(Binding {
            node,
            scope,
            name,
            kind: if is_method { BindingKind::Method } else { BindingKind::Field },
            namespace: Namespace::Member,
            span: tree.span(node),
            name_node,
            name_span: tree.span(name_node),
            enclosing: class.and_then(|class| definitions.get(&class).copied()),
            text,
            reaches_end: true,
            rebinding: Rebinding::Replaces,
        });
    }
}

/// The name and the class of the field that a parameter of a constructor is.
fn parameter_property(tree: &SyntaxTree<'_>, parameter: NodeIndex) -> Option<(NodeIndex, NodeIndex)> {
    let is_field = tree
        .children(parameter)
        .any(|child| matches!(tree.kind(child), "accessibility_modifier" | "override_modifier" | "readonly"));
    let name = tree.child_by_field(parameter, "pattern").filter(|_| is_field)?;
    let body = tree.parent(tree.parent(tree.parent(parameter)?)?)?;
    let is_plain = tree.kind(name) == "identifier" && tree.kind(body) == "class_body";
    is_plain.then_some((name, tree.parent(body)?))
}
