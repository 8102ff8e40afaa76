//! A parsed file as one flat array of syntax nodes in pre-order.
//!
//! Everything after parsing is a single pass over this array: no recursion, hence no stack overflow on
//! adversarial nesting, and a node's parent, children and subtree are index arithmetic.

mod flatten;
mod positions;
#[cfg(test)]
pub(crate) mod work;

use std::collections::HashMap;

use tree_sitter::{Parser, Tree};

use crate::file::Deadline;
use flatten::Flattener;
pub(crate) use flatten::{Embedded, EmbeddedParser, Embedding};
pub(crate) use positions::Positions;

/// Index of a node in [`SyntaxTree::nodes`].
pub(crate) type NodeIndex = usize;

/// A half-open range of bytes in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Span {
    /// First byte.
    pub(crate) start: u32,
    /// One past the last byte.
    pub(crate) end: u32,
}

impl Span {
    /// Whether `inner` lies within this span.
    pub(crate) fn contains(self, inner: Span) -> bool {
        self.start <= inner.start && inner.end <= self.end
    }
}

/// One tree-sitter node, named or anonymous.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SyntaxNode {
    /// Grammar name of the node.
    pub(crate) kind: &'static str,
    /// The parent's field this node fills.
    pub(crate) field: Option<&'static str>,
    /// Bytes covered.
    pub(crate) span: Span,
    /// Parent; the root is its own parent.
    pub(crate) parent: NodeIndex,
    /// One past the last node of the subtree.
    pub(crate) subtree_end: NodeIndex,
    /// Distance from the root.
    pub(crate) depth: u32,
    /// Named nodes become rows; anonymous ones are keywords and punctuation.
    pub(crate) named: bool,
    /// The parser skipped this text.
    pub(crate) error: bool,
    /// The parser supplied this node.
    pub(crate) missing: bool,
}

/// A file's text and its syntax nodes.
pub(crate) struct SyntaxTree<'s> {
    /// The file's text.
    pub(crate) text: &'s str,
    /// All nodes in pre-order; never empty.
    pub(crate) nodes: Vec<SyntaxNode>,
    /// Until when it may be looked at.
    pub(crate) deadline: Deadline<'s>,
    /// Names that are not what is written, by their nodes.
    respelled: Option<&'s RespelledNames>,
}

/// The names of a file that the language compares by another text than the one written.
pub(crate) type RespelledNames = HashMap<NodeIndex, String>;

impl<'s> SyntaxTree<'s> {
    /// Flattens `tree`, with what `embedding` finds in its tokens. Kinds and fields are taken from the grammar's static
    /// tables.
    pub(crate) fn flatten(
        tree: &Tree,
        text: &'s str,
        names: &GrammarNames,
        embedding: Option<(&mut Parser, Embedding)>,
        deadline: Deadline<'s>,
    ) -> Self {
        Flattener::new(text, names, embedding, deadline).flatten(tree)
    }

    /// The node at `index`; an empty stand-in for an index out of range, which no caller produces.
    pub(crate) fn node(&self, index: NodeIndex) -> &SyntaxNode {
        self.nodes.get(index).unwrap_or(&EMPTY)
    }

    /// The grammar name of the node at `index`.
    pub(crate) fn kind(&self, index: NodeIndex) -> &'static str {
        self.node(index).kind
    }

    /// The bytes of the node at `index`.
    pub(crate) fn span(&self, index: NodeIndex) -> Span {
        self.node(index).span
    }

    /// The text of the node at `index`.
    pub(crate) fn text(&self, index: NodeIndex) -> &'s str {
        self.slice(self.span(index))
    }

    /// The same tree, whose names are read by `respelled` where that has them.
    pub(crate) fn with_names<'n>(self, respelled: &'n RespelledNames) -> SyntaxTree<'n>
    where
        's: 'n,
    {
        let respelled = (!respelled.is_empty()).then_some(respelled);
        SyntaxTree { text: self.text, nodes: self.nodes, deadline: self.deadline, respelled }
    }

    /// The name at `index`, as the language compares it.
    pub(crate) fn name(&self, index: NodeIndex) -> &'s str {
        match self.respelled.and_then(|names| names.get(&index)) {
            Some(name) => name,
            None => self.text(index),
        }
    }

    /// The name at `index` as programs show it: in its normal form, without the class that a private name belongs to.
    pub(crate) fn shown_name(&self, index: NodeIndex) -> &'s str {
        let written = self.text(index);
        if written.is_ascii() { written } else { self.name(index) }
    }

    /// The text of `span`; empty when the span does not lie on character boundaries.
    pub(crate) fn slice(&self, span: Span) -> &'s str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// All children, anonymous ones included.
    pub(crate) fn children(&self, index: NodeIndex) -> Children<'_> {
        Children { nodes: &self.nodes, next: index + 1, end: self.node(index).subtree_end }
    }

    /// The named children, comments included.
    pub(crate) fn named_children(&self, index: NodeIndex) -> impl Iterator<Item = NodeIndex> + '_ {
        self.children(index).filter(|&child| self.node(child).named)
    }

    /// The first child filling `field`.
    pub(crate) fn child_by_field(&self, index: NodeIndex, field: &str) -> Option<NodeIndex> {
        self.children(index).find(|&child| self.node(child).field == Some(field))
    }

    /// The first child of this kind, named or not.
    pub(crate) fn child_by_kind(&self, index: NodeIndex, kind: &str) -> Option<NodeIndex> {
        self.children(index).find(|&child| self.node(child).kind == kind)
    }

    /// The parent; none for the root.
    pub(crate) fn parent(&self, index: NodeIndex) -> Option<NodeIndex> {
        #[cfg(test)]
        work::step();
        (index != 0).then(|| self.node(index).parent)
    }
}

/// Stands for a node that does not exist.
const EMPTY: SyntaxNode = SyntaxNode {
    kind: "",
    field: None,
    span: Span { start: 0, end: 0 },
    parent: 0,
    subtree_end: 0,
    depth: 0,
    named: false,
    error: false,
    missing: false,
};

/// Iterator over the children of a node.
pub(crate) struct Children<'t> {
    nodes: &'t [SyntaxNode],
    next: NodeIndex,
    end: NodeIndex,
}

impl Iterator for Children<'_> {
    type Item = NodeIndex;

    fn next(&mut self) -> Option<NodeIndex> {
        if self.next >= self.end {
            return None;
        }
        #[cfg(test)]
        work::step();
        let current = self.next;
        self.next = self.nodes.get(current)?.subtree_end;
        Some(current)
    }
}

/// The kind and field names of a grammar, indexed by their numbers.
pub(crate) struct GrammarNames {
    kinds: Vec<&'static str>,
    fields: Vec<Option<&'static str>>,
}

impl GrammarNames {
    /// Reads the names from `language`, whose tables live as long as the program.
    pub(crate) fn new(language: &'static tree_sitter::Language) -> Self {
        let kinds = (0..language.node_kind_count())
            .map(|id| language.node_kind_for_id(id as u16).unwrap_or(""))
            .collect();
        let fields = (0..=language.field_count()).map(|id| language.field_name_for_id(id as u16)).collect();
        Self { kinds, fields }
    }

    fn kind(&self, id: u16) -> &'static str {
        // The parser numbers error nodes outside the table.
        self.kinds.get(usize::from(id)).copied().unwrap_or("ERROR")
    }

    fn field(&self, id: u16) -> Option<&'static str> {
        self.fields.get(usize::from(id)).copied().flatten()
    }
}
