//! How declarations are shown in one line.

use crate::tree::{NodeIndex, Span, SyntaxTree};

/// Longest signature, in bytes.
const MAX_SIGNATURE: usize = 512;
/// Most bytes of a declaration that are looked at for its signature.
const MAX_READ: u32 = 4096;

/// The text of a declaration in front of its body or value, in one line; none where that is no more than a name.
pub(super) fn of(tree: &SyntaxTree<'_>, declaration: NodeIndex) -> Option<String> {
    let node = tree.node(declaration);
    if node.subtree_end == declaration + 1 {
        return None;
    }
    let ends_at = |child: &NodeIndex| matches!(tree.node(*child).field, Some("body" | "value" | "right"));
    let end = tree.children(declaration).find(ends_at).map_or(node.span.end, |child| tree.span(child).start);
    let mut end = end.min(node.span.start.saturating_add(MAX_READ));
    while !tree.text.is_char_boundary(end as usize) {
        end -= 1;
    }
    let text = tree.slice(Span { start: node.span.start, end });
    let mut line = String::with_capacity(text.len().min(MAX_SIGNATURE));
    for word in text.split_whitespace() {
        if line.len() + word.len() >= MAX_SIGNATURE {
            line.push('…');
            return Some(line);
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line.truncate(line.trim_end_matches([' ', ':', '{', '=', ';', ',']).len());
    Some(line)
}

/// How many parameters a function declares, its receiver among them.
pub(super) fn parameters(tree: &SyntaxTree<'_>, function: NodeIndex) -> i32 {
    let Some(list) = tree.child_by_field(function, "parameters") else { return 0 };
    let is_parameter = |child: &NodeIndex| {
        !matches!(
            tree.kind(*child),
            "comment"
                | "line_comment"
                | "block_comment"
                | "attribute_item"
                | "keyword_separator"
                | "positional_separator"
        )
    };
    i32::try_from(tree.named_children(list).filter(is_parameter).count()).unwrap_or(i32::MAX)
}
