//! The rows of syntax nodes.

use super::Source;
use crate::lexical::Facts;
use crate::options::Syntax;
use crate::tables::{FileKey, RowIds, SyntaxNodeRow, TableBuilders};
use crate::tree::{NodeIndex, SyntaxTree};

/// The identifiers of the named nodes, by index; 0 for anonymous ones.
pub(super) fn node_ids(tree: &SyntaxTree<'_>, ids: &mut RowIds) -> Vec<i64> {
    let of_node = |node: &crate::tree::SyntaxNode| match node.named {
        true => ids.next(node.kind, node.span.start, node.span.end),
        false => 0,
    };
    tree.nodes.iter().map(of_node).collect()
}

/// The nodes of a file.
pub(super) struct Nodes<'n> {
    pub(super) tree: &'n SyntaxTree<'n>,
    pub(super) node_ids: &'n [i64],
    pub(super) file_node_id: i64,
    pub(super) source: &'n Source<'n>,
}

impl Nodes<'_> {
    /// Writes the rows that are wanted. The parent of a node is the nearest one around it that has a row.
    pub(super) fn write(
        &self,
        facts: &Facts<'_>,
        wanted: Syntax,
        file: &FileKey<'_>,
        out: &mut TableBuilders,
    ) {
        let named = match wanted {
            Syntax::Whole => None,
            Syntax::Named => Some(self.named(facts)),
            Syntax::None => return,
        };
        let has_row = |index: NodeIndex| {
            self.tree.node(index).named
                && named.as_ref().is_none_or(|named| named.get(index).copied().unwrap_or_default())
        };
        // For each node the identifier of the nearest one around it, or itself, that has a row.
        let mut nearest: Vec<i64> = Vec::with_capacity(self.tree.nodes.len());
        for (index, (node, &node_id)) in self.tree.nodes.iter().zip(self.node_ids).enumerate() {
            let around = self.tree.parent(index).and_then(|parent| nearest.get(parent).copied());
            let parent_id = around.unwrap_or(self.file_node_id);
            if !has_row(index) {
                nearest.push(parent_id);
                continue;
            }
            nearest.push(node_id);
            let name: Option<NodeIndex> = (self.source.language.definition_name)(self.tree, index);
            let place = self.source.positions.at(node.span.start);
            out.syntax_nodes(SyntaxNodeRow {
                node_id,
                parent_id,
                kind: node.kind,
                field: node.field,
                bstart: i64::from(node.span.start),
                bend: i64::from(node.span.end),
                line: place.line,
                column_utf8: place.column_utf8,
                column_utf16: place.column_utf16,
                end_line: self.source.positions.last_line(node.span.start, node.span.end),
                name: name.map(|name| self.tree.shown_name(name)),
                depth: i32::try_from(node.depth).unwrap_or(i32::MAX),
                file,
            });
        }
    }

    /// The nodes that other rows name: names, and what is defined, called, passed, imported or documented.
    fn named(&self, facts: &Facts<'_>) -> Vec<bool> {
        let is_name =
            |index: NodeIndex| (self.source.language.definition_name)(self.tree, index) == Some(index);
        let mut named: Vec<bool> = (0..self.tree.nodes.len()).map(is_name).collect();
        let scopes = facts.scopes.iter().map(|scope| scope.node);
        let bindings = facts.bindings.iter().map(|binding| binding.node);
        let references = facts.references.iter().map(|reference| reference.node);
        let calls = facts.calls.iter().map(|call| call.node);
        let arguments = facts.call_args.iter().map(|argument| argument.node);
        let imports = facts.imports.iter().map(|import| import.node);
        let decorators = facts.decorators.iter().flat_map(|decorator| [decorator.node, decorator.owner]);
        let docstrings = facts.docstrings.iter().flat_map(|text| [Some(text.node), text.owner]).flatten();
        let of_rows = scopes.chain(bindings).chain(references).chain(calls).chain(arguments);
        for index in of_rows.chain(imports).chain(decorators).chain(docstrings) {
            if let Some(node) = named.get_mut(index) {
                *node = true;
            }
        }
        named
    }
}
