//! Texts of several statements: where each begins and ends, and whether the last one does.

use std::ops::Range;

use sqlparser::dialect::GenericDialect;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

/// A statement of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementText {
    /// From its first token to its last, without the semicolon.
    pub bytes: Range<usize>,
    /// Its tokens; white space and comments are none.
    pub tokens: Vec<Range<usize>>,
}

/// The statements of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statements {
    /// Those that are not empty.
    pub statements: Vec<StatementText>,
    /// Whether a semicolon, or nothing at all, ends the text.
    pub is_complete: bool,
}

/// Divides a text at its semicolons, but for those in quotes and comments. Where a quote or a comment does not end, the rest
/// of the text is one token.
#[must_use]
pub fn statements(text: &str) -> Statements {
    let mut found = Vec::new();
    let read = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location_into_buf(&mut found);
    let mut places = Places { text, line: 1, start: 0 };
    let mut divided = Statements { statements: Vec::new(), is_complete: true };
    let mut open: Option<StatementText> = None;
    let mut end = 0;
    for TokenWithSpan { token, span } in &found {
        let bytes = places.byte(span.start)..places.byte(span.end);
        end = bytes.end;
        match token {
            Token::SemiColon => divided.statements.extend(open.take()),
            Token::Whitespace(_) | Token::EOF => {}
            _ => add(&mut open, bytes),
        }
    }
    if read.is_err() {
        let rest = text.get(end..).unwrap_or_default();
        let start = end + rest.len() - rest.trim_start().len();
        add(&mut open, start..text.trim_end().len().max(start));
    }
    divided.is_complete = open.is_none();
    divided.statements.extend(open);
    divided
}

fn add(open: &mut Option<StatementText>, token: Range<usize>) {
    let statement = open.get_or_insert_with(|| StatementText { bytes: token.clone(), tokens: Vec::new() });
    statement.bytes.end = token.end;
    statement.tokens.push(token);
}

/// Places as bytes, for places that come in their order.
struct Places<'t> {
    text: &'t str,
    line: u64,
    /// Where the line begins.
    start: usize,
}

impl Places<'_> {
    fn byte(&mut self, place: Location) -> usize {
        while self.line < place.line {
            let rest = self.text.get(self.start..).unwrap_or_default();
            let Some(length) = rest.find('\n') else { return self.text.len() };
            self.start += length + 1;
            self.line += 1;
        }
        let rest = self.text.get(self.start..).unwrap_or_default();
        let before = usize::try_from(place.column.saturating_sub(1)).unwrap_or(usize::MAX);
        self.start + rest.char_indices().nth(before).map_or(rest.len(), |(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> (Vec<&str>, bool) {
        let found = statements(text);
        (found.statements.iter().map(|one| &text[one.bytes.clone()]).collect(), found.is_complete)
    }

    #[test]
    fn semicolons_divide_but_in_quotes_and_comments() {
        assert_eq!(texts(""), (vec![], true));
        assert_eq!(texts(" ; ;\n-- nothing\n"), (vec![], true));
        assert_eq!(texts("SELECT 1"), (vec!["SELECT 1"], false));
        assert_eq!(texts("SELECT ';' ;"), (vec!["SELECT ';'"], true));
        assert_eq!(
            texts("-- a; b\nSELECT \"a;\"\n /* ; */ FROM t;\n VALUES ('é;'\n);  x"),
            (vec!["SELECT \"a;\"\n /* ; */ FROM t", "VALUES ('é;'\n)", "x"], false)
        );
    }

    #[test]
    fn a_quote_that_does_not_end_is_no_complete_statement() {
        assert_eq!(texts("SELECT 1; SELECT 'a;b"), (vec!["SELECT 1", "SELECT 'a;b"], false));
        assert_eq!(texts("SELECT 1 /* ; "), (vec!["SELECT 1 /* ;"], false));
    }

    #[test]
    fn tokens_have_their_bytes() {
        let text = "EXPLAIN -- why\n  SELECT é";
        let tokens = statements(text).statements.remove(0).tokens;
        let words: Vec<&str> = tokens.into_iter().map(|bytes| &text[bytes]).collect();
        assert_eq!(words, ["EXPLAIN", "SELECT", "é"]);
    }
}
