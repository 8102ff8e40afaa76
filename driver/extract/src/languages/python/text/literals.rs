//! Docstrings: finding them and decoding Python string literals.

use super::super::rules::Analysis;
use crate::lexical::Docstring;
use crate::tree::{NodeIndex, SyntaxTree};

impl Analysis<'_, '_, '_> {
    /// Records the docstring of `body`: a plain string, or several side by side, as its first statement.
    pub(in crate::languages::python) fn docstring(&mut self, body: NodeIndex, owner: Option<NodeIndex>) {
        let tree = self.tree;
        let Some(statement) = tree.named_children(body).find(|&child| !is_extra(tree.kind(child))) else {
            return;
        };
        if tree.kind(statement) != "expression_statement" {
            return;
        }
        let mut parts = tree.named_children(statement).filter(|&child| !is_extra(tree.kind(child)));
        let (Some(node), None) = (parts.next(), parts.next()) else { return };
        if let Some(text) = plain_text(tree, node) {
            self.facts.docstrings.push(Docstring { node, owner, text, span: tree.span(node) });
        }
    }
}

/// Whether a node of this kind may stand anywhere and says nothing.
pub(in crate::languages::python) fn is_extra(kind: &str) -> bool {
    matches!(kind, "comment" | "line_continuation")
}

/// The value of a string that stands by itself, or of several side by side; none for other expressions.
fn plain_text(tree: &SyntaxTree<'_>, node: NodeIndex) -> Option<String> {
    match tree.kind(node) {
        "string" => decode(tree.text(node)),
        "concatenated_string" => tree
            .named_children(node)
            .filter(|&part| tree.kind(part) == "string")
            .map(|part| decode(tree.text(part)))
            .collect(),
        _ => None,
    }
}

/// The value of a string literal (Python reference, 2.4.1); none for bytes and f-strings, which are no
/// docstrings, and for text that is not a complete literal. `\N{...}` stays as written.
fn decode(literal: &str) -> Option<String> {
    let quote_at = literal.find(['"', '\''])?;
    let (prefix, rest) = literal.split_at(quote_at);
    if prefix.chars().any(|letter| matches!(letter.to_ascii_lowercase(), 'b' | 'f' | 't')) {
        return None;
    }
    let raw = prefix.chars().any(|letter| letter.eq_ignore_ascii_case(&'r'));
    let content = ["\"\"\"", "'''", "\"", "'"]
        .into_iter()
        .find_map(|quote| rest.strip_prefix(quote)?.strip_suffix(quote))?;
    let content = content.replace("\r\n", "\n");
    Some(if raw { content } else { unescape(&content) })
}

fn unescape(content: &str) -> String {
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let (value, used) = escape(after);
        match value {
            Some(value) => out.push(value),
            None => {
                // An escape without a character: either a continued line, or one Python keeps as written.
                if !after.starts_with('\n') {
                    out.push('\\');
                    out.push_str(after.get(..used).unwrap_or(""));
                }
            }
        }
        rest = after.get(used..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// The character an escape stands for, and how many bytes after the backslash it takes.
fn escape(after: &str) -> (Option<char>, usize) {
    let Some(first) = after.chars().next() else { return (None, 0) };
    let simple = match first {
        '\\' | '\'' | '"' => Some(first),
        'a' => Some('\u{7}'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        _ => None,
    };
    if simple.is_some() {
        return (simple, 1);
    }
    let numeric = |from: usize, length: usize, radix: u32| {
        let digits = after.get(from..from + length)?;
        char::from_u32(u32::from_str_radix(digits, radix).ok()?)
    };
    match first {
        '0'..='7' => {
            let length = after.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
            (numeric(0, length, 8), length)
        }
        'x' => (numeric(1, 2, 16), if numeric(1, 2, 16).is_some() { 3 } else { 1 }),
        'u' => (numeric(1, 4, 16), if numeric(1, 4, 16).is_some() { 5 } else { 1 }),
        'U' => (numeric(1, 8, 16), if numeric(1, 8, 16).is_some() { 9 } else { 1 }),
        other => (None, other.len_utf8()),
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn literals_decode_as_python_evaluates_them() {
        // Expected values were written down from CPython's `ast.literal_eval`.
        assert_eq!(decode(r#""a\n\x41\101\u00e9""#).as_deref(), Some("a\nAAé"));
        assert_eq!(decode(r#"r"a\n""#).as_deref(), Some("a\\n"));
        assert_eq!(decode("'''a\\\nb'''").as_deref(), Some("ab"));
        assert_eq!(decode(r#""\d \N{DASH}""#).as_deref(), Some("\\d \\N{DASH}"));
        assert_eq!(decode(r#"b"x""#), None);
        assert_eq!(decode(r#"f"{x}""#), None);
    }
}
