//! From a parser's tree to the flat one, with what a language finds in text that its grammar leaves as tokens.

use tree_sitter::{Node, Parser, Tree, TreeCursor};

use crate::file::Deadline;

use super::{GrammarNames, NodeIndex, Span, SyntaxNode, SyntaxTree};

/// How deep embedded syntax may lie in embedded syntax; every level reads the text once more.
const MAX_LEVEL: usize = 16;

/// What a language finds in the last of these nodes of the text, whose tokens follow; none when they are but tokens.
pub(crate) type Embedding = fn(&mut EmbeddedParser<'_>, &str, &[SyntaxNode]) -> Option<Embedded>;

/// How often the bytes of a file may be read again as parts of other texts, all in all.
const MAX_READINGS: usize = 64;

/// Reads parts of a file once more. What lies in one another is read again on every level, so it does not do so without end.
pub(crate) struct EmbeddedParser<'x> {
    parser: &'x mut Parser,
    /// How many bytes may still be read.
    left: usize,
    deadline: Deadline<'x>,
}

impl EmbeddedParser<'_> {
    /// The syntax of a text; none when enough has been read.
    pub(crate) fn parse(&mut self, text: &str) -> Option<Tree> {
        self.left = self.left.checked_sub(text.len())?;
        self.deadline.parse(self.parser, text)
    }
}

/// Syntax of text that the grammar reads as tokens, parsed once more as part of another text.
pub(crate) struct Embedded {
    /// The tree of the other text.
    pub(crate) tree: Tree,
    /// The nodes of it that stand for the tokens, in order.
    pub(crate) roots: for<'t> fn(&'t Tree) -> Vec<Node<'t>>,
    /// What is added to a byte's number in the other text for its number in the file.
    pub(crate) shift: i64,
    /// The kind of the node that holds them, in place of the grammar's.
    pub(crate) kind: &'static str,
    /// Names within tokens (in a text with places for values), in order, by their bytes in the file.
    pub(crate) names: Vec<Span>,
}

/// A tree that is being flattened.
pub(super) struct Flattener<'x, 's> {
    pub(super) text: &'s str,
    pub(super) names: &'x GrammarNames,
    embedding: Option<(EmbeddedParser<'x>, Embedding)>,
    deadline: Deadline<'s>,
    nodes: Vec<SyntaxNode>,
    open: Vec<Open>,
    level: usize,
}

/// A node whose children are being added.
#[derive(Clone, Copy)]
struct Open {
    index: NodeIndex,
    /// Where the last child ends that is no comment.
    content_end: Option<u32>,
    /// Where the parser says that the last child ends.
    parsed_end: u32,
}

impl<'x, 's> Flattener<'x, 's> {
    pub(super) fn new(
        text: &'s str,
        names: &'x GrammarNames,
        embedding: Option<(&'x mut Parser, Embedding)>,
        deadline: Deadline<'s>,
    ) -> Self
    where
        's: 'x,
    {
        let left = (text.len() + MAX_READINGS).saturating_mul(MAX_READINGS);
        let embedding =
            embedding.map(|(parser, embedding)| (EmbeddedParser { parser, left, deadline }, embedding));
        Self { text, names, embedding, deadline, nodes: Vec::new(), open: Vec::new(), level: 0 }
    }

    pub(super) fn flatten(mut self, tree: &Tree) -> SyntaxTree<'s> {
        self.nodes.reserve(tree.root_node().descendant_count());
        self.subtree(tree.walk(), 0, &[]);
        SyntaxTree { text: self.text, nodes: self.nodes, deadline: self.deadline, respelled: None }
    }

    /// Adds the node at which the cursor begins and all below it. Only embedded syntax recurses.
    fn subtree(&mut self, mut cursor: TreeCursor<'_>, shift: i64, names: &[Span]) {
        let floor = self.open.len();
        loop {
            let index = self.push(&cursor, shift);
            match self.embedded(index) {
                Some(embedded) => self.embed(index, &embedded),
                None if cursor.goto_first_child() => {
                    self.open(index);
                    continue;
                }
                None => self.add_names(index, names),
            }
            while !cursor.goto_next_sibling() {
                if self.open.len() == floor {
                    return;
                }
                cursor.goto_parent();
                self.close(is_comment(&cursor.node()));
            }
        }
    }

    fn push(&mut self, cursor: &TreeCursor<'_>, shift: i64) -> NodeIndex {
        let node = cursor.node();
        let place = |byte: usize| (byte as i64 + shift) as u32;
        let span = Span { start: place(node.start_byte()), end: place(node.end_byte()) };
        self.note_child(span.end, span.end, is_comment(&node));
        self.add(SyntaxNode {
            kind: self.names.kind(node.kind_id()),
            field: cursor.field_id().and_then(|id| self.names.field(id.get())),
            span,
            named: node.is_named(),
            error: node.is_error(),
            missing: node.is_missing(),
            ..super::EMPTY
        })
    }

    /// Adds a node below the innermost open one.
    fn add(&mut self, node: SyntaxNode) -> NodeIndex {
        let index = self.nodes.len();
        self.nodes.push(SyntaxNode {
            parent: self.open.last().map_or(index, |open| open.index),
            subtree_end: index + 1,
            depth: self.open.len() as u32,
            ..node
        });
        index
    }

    fn open(&mut self, index: NodeIndex) {
        self.open.push(Open { index, content_end: None, parsed_end: 0 });
    }

    /// Notes where a child of the innermost open node ends, and where the parser says so.
    fn note_child(&mut self, end: u32, parsed_end: u32, is_extra: bool) {
        let Some(open) = self.open.last_mut() else { return };
        open.parsed_end = parsed_end;
        if !is_extra {
            open.content_end = Some(end);
        }
    }

    /// Ends the innermost open node. Comments at its end are no part of its text: nobody knows whether they are about it or
    /// about what follows. Only those of the whole file are.
    fn close(&mut self, is_extra: bool) {
        let subtree_end = self.nodes.len();
        let Some(open) = self.open.pop() else { return };
        let Some(node) = self.nodes.get_mut(open.index) else { return };
        node.subtree_end = subtree_end;
        let parsed_end = node.span.end;
        if let Some(end) = open.content_end.filter(|_| open.parsed_end == parsed_end && !self.open.is_empty())
        {
            node.span.end = end;
        }
        let end = node.span.end;
        self.note_child(end, parsed_end, is_extra);
    }

    fn embedded(&mut self, index: NodeIndex) -> Option<Embedded> {
        let (parser, embedding) = self.embedding.as_mut()?;
        let nodes = self.nodes.get(..=index)?;
        if self.level == MAX_LEVEL { None } else { embedding(parser, self.text, nodes) }
    }

    /// Adds embedded syntax in place of the tokens between the delimiters of the node at `index`.
    fn embed(&mut self, index: NodeIndex, embedded: &Embedded) {
        let Some(holder) = self.nodes.get_mut(index) else { return };
        holder.kind = embedded.kind;
        let Span { start, end } = holder.span;
        let delimiter = |start: u32| SyntaxNode {
            kind: match self.text.as_bytes().get(start as usize) {
                Some(b'(') => "(",
                Some(b')') => ")",
                Some(b'[') => "[",
                Some(b']') => "]",
                Some(b'{') => "{",
                _ => "}",
            },
            span: Span { start, end: start + 1 },
            ..super::EMPTY
        };
        let (first, last) = (delimiter(start), delimiter(end.saturating_sub(1)));
        self.open(index);
        self.level += 1;
        self.add(first);
        for root in (embedded.roots)(&embedded.tree) {
            self.subtree(root.walk(), embedded.shift, &embedded.names);
        }
        self.add(last);
        self.level -= 1;
        self.note_child(end, end, false);
        self.close(false);
    }

    /// Adds the names that lie within a token.
    fn add_names(&mut self, index: NodeIndex, names: &[Span]) {
        let Some(token) = self.nodes.get(index).map(|node| node.span) else { return };
        let from = names.partition_point(|name| name.start < token.start);
        let within = names.iter().skip(from).take_while(|name| token.contains(**name));
        if within.clone().next().is_none() {
            return;
        }
        self.open(index);
        for &span in within {
            self.add(SyntaxNode { kind: "identifier", span, named: true, ..super::EMPTY });
        }
        self.close(false);
    }
}

/// Whether a node may stand anywhere; the parser says so of what it has skipped as well.
fn is_comment(node: &Node<'_>) -> bool {
    node.is_extra() && !node.is_error()
}
