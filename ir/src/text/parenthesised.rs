//! SQL between parentheses: where it ends, and which of its white space counts.
//!
//! What stands in quotes is never touched and never broken. Outside of quotes a line break, with the white space around
//! it, stands for one blank; next to a bracket, inside of it, for nothing. [`super::layout`] breaks lines where this
//! gives the text back.

use std::borrow::Cow;

pub(super) fn opens(c: char) -> bool {
    matches!(c, '(' | '[' | '{')
}

pub(super) fn closes(c: char) -> bool {
    matches!(c, ')' | ']' | '}')
}

/// A part of a SQL text.
pub(super) enum Piece<'t> {
    /// A text or a name in its quotes; to the end of the text, where they do not close.
    Quoted(&'t str),
    /// A character outside of quotes.
    Plain(char),
}

/// A text piece by piece, each with the byte it begins at.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = (usize, Piece<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (before, rest) = text.split_at(at);
        let start = at;
        let piece = match quoted(before, rest) {
            Some(length) => {
                at += length;
                Piece::Quoted(&rest[..length])
            }
            None => {
                let c = rest.chars().next()?;
                at += c.len_utf8();
                Piece::Plain(c)
            }
        };
        Some((start, piece))
    })
}

/// The length of what stands in quotes at the front of `rest`. A quote that is doubled ends one piece and begins the next.
fn quoted(before: &str, rest: &str) -> Option<usize> {
    let end = match rest.chars().next()? {
        '\'' if has_escapes(before) => {
            let mut escaped = false;
            rest.char_indices().skip(1).find_map(|(at, c)| {
                let ends = c == '\'' && !escaped;
                escaped = c == '\\' && !escaped;
                ends.then_some(at + 1)
            })
        }
        quote @ ('\'' | '"' | '`') => rest[1..].find(quote).map(|at| at + 2),
        '$' if !before.ends_with(in_name) => {
            let tag = rest[1..].find('$').map(|at| &rest[..at + 2])?;
            let name = &tag[1..tag.len() - 1];
            if !name.chars().all(in_name) || name.starts_with(|c: char| c.is_ascii_digit()) {
                return None;
            }
            rest[tag.len()..].find(tag).map(|at| at + 2 * tag.len())
        }
        _ => return None,
    };
    Some(end.unwrap_or(rest.len()))
}

/// Whether a text in single quotes that stands behind `before` has escapes: `E'…'`.
fn has_escapes(before: &str) -> bool {
    before.strip_suffix(['E', 'e']).is_some_and(|before| !before.ends_with(in_name))
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '@' | '#')
}

/// The length of a parenthesised text at the front of `text`, parentheses included: quotes hide parentheses, and do not
/// hold line breaks.
pub(super) fn parenthesised(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    for (at, piece) in pieces(text) {
        match piece {
            Piece::Quoted(text) if text.contains('\n') => return None,
            Piece::Plain('(') => depth += 1,
            Piece::Plain(')') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            Piece::Quoted(_) | Piece::Plain(_) => {}
        }
    }
    None
}

/// What stood between parentheses, on one line. Nothing where a line ends in a comment: on one line it would hide what
/// follows.
pub(super) fn joined(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('\n') {
        return Some(Cow::Borrowed(text));
    }
    let mut line = String::with_capacity(text.len());
    let (mut at_break, mut comment) = (false, false);
    for (_, piece) in pieces(text) {
        match piece {
            Piece::Plain('\n') if comment => return None,
            Piece::Plain('\n') => {
                line.truncate(line.trim_end().len());
                at_break = true;
                continue;
            }
            Piece::Plain(c) if at_break && c.is_whitespace() => continue,
            Piece::Quoted(_) | Piece::Plain(_) => {}
        }
        let inside =
            line.is_empty() || line.ends_with(opens) || matches!(piece, Piece::Plain(c) if closes(c));
        if at_break && !inside {
            line.push(' ');
        }
        at_break = false;
        match piece {
            Piece::Quoted(quoted) => line.push_str(quoted),
            Piece::Plain(c) => {
                comment |= c == '-' && line.ends_with('-');
                line.push(c);
            }
        }
    }
    Some(Cow::Owned(line))
}

#[cfg(test)]
mod tests {
    use super::{joined, parenthesised};

    #[test]
    fn quotes_of_all_kinds_hide_parentheses() {
        for text in [
            "(a ')' b)",
            "(\")\" || `)`)",
            "('it''s )')",
            r"(E'\') ')",
            r"(name'\')",
            "($$ ) $$)",
            "($tag$ ) $$ $tag$)",
            "($1 + a$b$)",
        ] {
            assert_eq!(parenthesised(&format!("{text} )")), Some(text.len()), "{text}");
        }
        for text in ["(a", "(a ')", "('a\nb')", "($a$ $b$ )", ")"] {
            assert_eq!(parenthesised(text), None, "{text}");
        }
    }

    #[test]
    fn line_breaks_stand_for_a_blank_or_for_nothing() {
        for (text, wanted) in [
            ("a b", Some("a b")),
            ("\n    a\n    AND b\n", Some("a AND b")),
            ("f(\n    a,\n    '( '\n), [\r\n 1\n]", Some("f(a, '( '), [1]")),
            ("a \n\n\t + b", Some("a + b")),
            ("a -\n    -1", Some("a - -1")),
            ("a -- b", Some("a -- b")),
            ("'--'\n    a", Some("'--' a")),
            ("a -- b\n    c", None),
        ] {
            assert_eq!(joined(text).as_deref(), wanted, "{text}");
        }
    }
}
