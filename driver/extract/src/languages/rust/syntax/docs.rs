//! Documentation comments and attributes, which stand beside what they describe.

use super::{Analysis, macros};
use crate::lexical::{Decorator, Docstring};
use crate::tree::{NodeIndex, Span};

/// How a comment documents.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doc {
    /// `///` and `/** */`: what follows.
    Outer,
    /// `//!` and `/*! */`: what contains it.
    Inner,
}

/// Comments in a row that form one text.
struct Run {
    first: NodeIndex,
    kind: Doc,
    text: String,
    end: u32,
}

/// Whether nodes of this kind have documented or attributed children.
pub(super) fn may_hold(kind: &str) -> bool {
    matches!(
        kind,
        "source_file"
            | "declaration_list"
            | "block"
            | "field_declaration_list"
            | "enum_variant_list"
            | "ordered_field_declaration_list"
            | "match_block"
            | "parameters"
            | "arguments"
            | "field_initializer_list"
            | "type_parameters"
            | macros::ITEMS
            | macros::STATEMENTS
    )
}

impl Analysis<'_, '_, '_> {
    /// Records the documentation and the attributes among the children of `container`, in one pass: outer
    /// ones wait for the next item, inner ones belong to the container's definition.
    pub(super) fn annotations(&mut self, container: NodeIndex) {
        let tree = self.tree;
        let around = self.described_around(container);
        let mut run: Option<Run> = None;
        let mut waiting: Vec<Run> = Vec::new();
        let mut attributes: Vec<NodeIndex> = Vec::new();
        let mut inner_attributes = 0;
        for child in tree.named_children(container) {
            let doc = self.doc_kind(child);
            if let Some(finished) = run.take_if(|run| Some(run.kind) != doc) {
                match finished.kind {
                    Doc::Outer => waiting.push(finished),
                    Doc::Inner => self.document(finished, around),
                }
            }
            match (doc, tree.kind(child)) {
                (Some(kind), _) => self.extend_run(&mut run, child, kind),
                (None, "line_comment" | "block_comment") => {}
                (None, "attribute_item") => attributes.push(child),
                (None, "inner_attribute_item") => {
                    self.decorate(child, around.unwrap_or(0), inner_attributes);
                    inner_attributes += 1;
                }
                (None, _) => {
                    for finished in waiting.drain(..) {
                        self.document(finished, Some(child));
                    }
                    for (position, attribute) in attributes.drain(..).enumerate() {
                        self.decorate(attribute, child, position as i32);
                    }
                }
            }
        }
        if let Some(finished) = run.filter(|run| run.kind == Doc::Inner) {
            self.document(finished, around);
        }
    }

    fn extend_run(&self, run: &mut Option<Run>, comment: NodeIndex, kind: Doc) {
        let tree = self.tree;
        let current = run.get_or_insert_with(|| Run { first: comment, kind, text: String::new(), end: 0 });
        if comment != current.first {
            current.text.push('\n');
        }
        if let Some(content) = tree.child_by_field(comment, "doc") {
            let line = tree.text(content).trim_end_matches(['\r', '\n']);
            current.text.push_str(line.strip_prefix(' ').unwrap_or(line));
        }
        current.end = tree.span(comment).end;
    }

    fn document(&mut self, run: Run, owner: Option<NodeIndex>) {
        let span = Span { start: self.tree.span(run.first).start, end: run.end };
        self.facts.docstrings.push(Docstring { node: run.first, owner, text: run.text, span });
    }

    fn doc_kind(&self, index: NodeIndex) -> Option<Doc> {
        let tree = self.tree;
        if !matches!(tree.kind(index), "line_comment" | "block_comment") {
            return None;
        }
        if tree.child_by_field(index, "outer").is_some() {
            return Some(Doc::Outer);
        }
        tree.child_by_field(index, "inner").map(|_| Doc::Inner)
    }

    /// The definition whose body `container` is; none for the file.
    fn described_around(&self, container: NodeIndex) -> Option<NodeIndex> {
        self.tree.parent(container)
    }

    /// Records `#[…]` or `#![…]`.
    fn decorate(&mut self, node: NodeIndex, owner: NodeIndex, index: i32) {
        let tree = self.tree;
        let Some(content) = tree.child_by_kind(node, "attribute") else { return };
        self.facts.decorators.push(Decorator {
            node,
            owner,
            name: tree.named_children(content).next().map(|name| tree.text(name)),
            text: tree.text(content),
            index,
        });
    }
}
