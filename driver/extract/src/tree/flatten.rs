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
    open: Vec<NodeIndex>,
    level: usize,
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
                    self.open.push(index);
                    continue;
                }
                None => self.add_names(index, names),
            }
            while !cursor.goto_next_sibling() {
                if self.open.len() == floor {
                    return;
                }
                self.close();
                cursor.goto_parent();
            }
        }
    }

    fn push(&mut self, cursor: &TreeCursor<'_>, shift: i64) -> NodeIndex {
        let node = cursor.node();
        let place = |byte: usize| (byte as i64 + shift) as u32;
        self.add(SyntaxNode {
            kind: self.names.kind(node.kind_id()),
            field: cursor.field_id().and_then(|id| self.names.field(id.get())),
            span: Span { start: place(node.start_byte()), end: place(node.end_byte()) },
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
            parent: self.open.last().copied().unwrap_or(index),
            subtree_end: index + 1,
            depth: self.open.len() as u32,
            ..node
        });
        index
    }

    /// Ends the innermost open node.
    fn close(&mut self) {
        let end = self.nodes.len();
        if let Some(node) = self.open.pop().and_then(|closed| self.nodes.get_mut(closed)) {
            node.subtree_end = end;
        }
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
        self.open.push(index);
        self.level += 1;
        self.add(first);
        for root in (embedded.roots)(&embedded.tree) {
            self.subtree(root.walk(), embedded.shift, &embedded.names);
        }
        self.add(last);
        self.level -= 1;
        self.close();
    }

    /// Adds the names that lie within a token.
    fn add_names(&mut self, index: NodeIndex, names: &[Span]) {
        let Some(token) = self.nodes.get(index).map(|node| node.span) else { return };
        let from = names.partition_point(|name| name.start < token.start);
        let within = names.iter().skip(from).take_while(|name| token.contains(**name));
        self.open.push(index);
        for &span in within {
            self.add(SyntaxNode { kind: "identifier", span, named: true, ..super::EMPTY });
        }
        self.close();
    }
}
