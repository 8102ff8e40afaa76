//! Documentation comments and decorators, which stand before what they describe.

use super::Analysis;
use super::functions::is_function_value;
use crate::lexical::{Decorator, Docstring};
use crate::tree::{NodeIndex, SyntaxTree};

/// Words in a comment that make it one about the file (TSDoc and JSDoc).
const ABOUT_FILE: [&str; 4] = ["@fileoverview", "@packageDocumentation", "@module", "@file"];

/// Whether nodes of this kind have documented or decorated children.
pub(super) fn may_hold(kind: &str) -> bool {
    matches!(
        kind,
        "program"
            | "statement_block"
            | "class_body"
            | "interface_body"
            | "object_type"
            | "object"
            | "enum_body"
            | "class_declaration"
            | "abstract_class_declaration"
            | "class"
            | "export_statement"
            | "public_field_definition"
            | "required_parameter"
            | "optional_parameter"
    )
}

impl Analysis<'_, '_, '_> {
    /// Records the documentation and the decorators among the children of `container`, in one pass: they wait for what
    /// follows, or belong to the container itself.
    pub(super) fn annotations(&mut self, container: NodeIndex) {
        let tree = self.tree;
        let own = match tree.kind(container) {
            "export_statement" => tree.child_by_field(container, "declaration").unwrap_or(container),
            _ => container,
        };
        let follows = matches!(tree.kind(container), "class_body");
        let documents = !matches!(
            tree.kind(container),
            "export_statement"
                | "class_declaration"
                | "abstract_class_declaration"
                | "class"
                | "public_field_definition"
                | "required_parameter"
                | "optional_parameter"
        );
        let mut doc: Option<NodeIndex> = None;
        let mut decorators: Vec<NodeIndex> = Vec::new();
        let mut count = 0;
        for child in tree.named_children(container) {
            match tree.kind(child) {
                "comment" if documents && is_doc(tree.text(child)) => {
                    if let Some(before) = doc.replace(child) {
                        self.document_file(container, before);
                    }
                }
                "comment" => {}
                "decorator" if follows => decorators.push(child),
                "decorator" => {
                    self.decorate(child, own, count);
                    count += 1;
                }
                _ => {
                    if let Some(comment) = doc.take() {
                        self.document(container, comment, documented(tree, child));
                    }
                    for (position, decorator) in decorators.drain(..).enumerate() {
                        self.decorate(decorator, child, position as i32);
                    }
                }
            }
        }
        if let Some(comment) = doc {
            self.document_file(container, comment);
        }
    }

    fn document(&mut self, container: NodeIndex, comment: NodeIndex, owner: NodeIndex) {
        if !self.document_file(container, comment) {
            self.push_doc(comment, Some(owner));
        }
    }

    /// Records a comment that says that it is about the file.
    fn document_file(&mut self, container: NodeIndex, comment: NodeIndex) -> bool {
        let text = self.tree.text(comment);
        let is_about_file = self.tree.kind(container) == "program"
            && text.split_whitespace().any(|word| ABOUT_FILE.contains(&word));
        if is_about_file {
            self.push_doc(comment, None);
        }
        is_about_file
    }

    fn push_doc(&mut self, comment: NodeIndex, owner: Option<NodeIndex>) {
        let (text, span) = (content(self.tree.text(comment)), self.tree.span(comment));
        self.facts.docstrings.push(Docstring { node: comment, owner, text, span });
    }

    fn decorate(&mut self, node: NodeIndex, owner: NodeIndex, index: i32) {
        let tree = self.tree;
        let Some(content) = tree.named_children(node).find(|&child| tree.kind(child) != "comment") else {
            return;
        };
        let name = match tree.kind(content) {
            "call_expression" => tree.child_by_field(content, "function"),
            _ => Some(content),
        };
        let name = name.filter(|&name| matches!(tree.kind(name), "identifier" | "member_expression"));
        let (name, text) = (name.map(|name| tree.text(name)), tree.text(content));
        self.facts.decorators.push(Decorator { node, owner, name, text, index });
    }
}

fn is_doc(text: &str) -> bool {
    text.starts_with("/**") && text.len() > "/**/".len()
}

/// The definition that a statement or an entry is about, whose node the comment before it belongs to.
fn documented(tree: &SyntaxTree<'_>, statement: NodeIndex) -> NodeIndex {
    let mut node = statement;
    loop {
        let inner = match tree.kind(node) {
            "export_statement" => {
                tree.child_by_field(node, "declaration").or_else(|| tree.child_by_field(node, "value"))
            }
            "ambient_declaration" | "expression_statement" => {
                tree.named_children(node).find(|&child| tree.kind(child) != "comment")
            }
            "lexical_declaration" | "variable_declaration" => tree.child_by_kind(node, "variable_declarator"),
            "variable_declarator" => {
                let value = tree.child_by_field(node, "value");
                let is_definition = value.is_some_and(|value| is_function_value(tree.kind(value)));
                if is_definition { None } else { tree.child_by_field(node, "name") }
            }
            _ => None,
        };
        match inner {
            Some(inner) => node = inner,
            None => return node,
        }
    }
}

/// The text of a comment without its markers and the stars before its lines.
fn content(comment: &str) -> String {
    let inner = comment.strip_prefix("/**").unwrap_or(comment);
    let inner = inner.strip_suffix("*/").unwrap_or(inner);
    let lines: Vec<&str> = inner
        .lines()
        .map(|line| {
            let line = line.trim();
            line.strip_prefix('*').map_or(line, |rest| rest.strip_prefix(' ').unwrap_or(rest))
        })
        .collect();
    lines.join("\n").trim().to_owned()
}
