//! Parts of a text value, in the source the value was read from.
//!
//! YAML folds lines, takes indentation away and replaces escapes, so a byte of the value is another byte of the
//! source. What stays is the sequence of characters that are not white space. A part of a text is therefore counted
//! in these, and found in the source by counting again.

use std::ops::Range;

/// A part of a text value, counted in characters that are not white space, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPart {
    marks: Range<usize>,
}

impl TextPart {
    /// The part of `text` at these bytes. Bytes outside the text are moved into it.
    #[must_use]
    pub fn new(text: &str, bytes: Range<usize>) -> Self {
        let before = |at: usize| text.char_indices().filter(|(byte, c)| *byte < at && is_mark(*c)).count();
        let start = before(bytes.start);
        Self { marks: start..before(bytes.end).max(start) }
    }

    /// The bytes of the part in the source of the value, counted from the start of that source: the lines of a block
    /// of YAML, or else a plain or quoted text of YAML or a text of JSON.
    #[must_use]
    pub fn in_source(&self, source: &str, is_block: bool) -> Range<usize> {
        let mut marks = Marks::of(source, is_block);
        let start = marks.start();
        let before = marks.by_ref().take(self.marks.start).last();
        let end = before.map_or(start, |mark| mark.end);
        if self.marks.is_empty() {
            return end..end;
        }
        let Some(first) = marks.next() else { return end..end };
        let last = marks.take(self.marks.len() - 1).last();
        first.start..last.map_or(first.end, |mark| mark.end)
    }
}

fn is_mark(character: char) -> bool {
    !character.is_whitespace()
}

/// How a text is written.
enum Style {
    Plain,
    Single,
    Double,
}

/// The characters of a text that are not white space, each with its bytes in the source.
struct Marks<'s> {
    source: &'s str,
    style: Style,
    at: usize,
}

impl<'s> Marks<'s> {
    fn of(source: &'s str, is_block: bool) -> Self {
        let (style, at) = match source.chars().next() {
            Some('\'') if !is_block => (Style::Single, 1),
            Some('"') if !is_block => (Style::Double, 1),
            _ => (Style::Plain, 0),
        };
        Self { source, style, at }
    }

    fn start(&self) -> usize {
        self.at
    }

    /// The bytes of the next character, and the character, white space or not. Nothing at the end of the text.
    fn character(&mut self) -> Option<(Range<usize>, char)> {
        let start = self.at;
        let rest = self.source.get(start..)?;
        let first = rest.chars().next()?;
        let (length, character) = match (&self.style, first) {
            (Style::Single, '\'') => (rest.starts_with("''").then_some(2)?, '\''),
            (Style::Double, '"') => return None,
            (Style::Double, '\\') => escape(rest),
            (_, other) => (other.len_utf8(), other),
        };
        self.at = start + length;
        Some((start..self.at, character))
    }
}

impl Iterator for Marks<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            let (bytes, character) = self.character()?;
            if is_mark(character) {
                return Some(bytes);
            }
        }
    }
}

/// The length of an escape at the start of a text, and what it stands for. A line break that is escaped away counts
/// as white space.
fn escape(text: &str) -> (usize, char) {
    let Some(kind) = text.chars().nth(1) else { return (1, '\\') };
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        'n' | 'r' | 't' | '\t' | ' ' | 'N' | '_' | 'L' | 'P' | 'v' | 'f' | '\n' | '\r' => {
            return (1 + kind.len_utf8(), ' ');
        }
        other => return (1 + other.len_utf8(), other),
    };
    let number = |at: usize| text.get(at..at + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let Some(code) = number(2) else { return (2, kind) };
    let is_pair = (0xD800..0xDC00).contains(&code)
        && text.get(2 + digits..).is_some_and(|rest| rest.starts_with("\\u"));
    if is_pair {
        // Two escapes of one character beyond the 16 bits.
        return (2 * (2 + digits), '\u{fffd}');
    }
    (2 + digits, char::from_u32(code).unwrap_or('\u{fffd}'))
}

#[cfg(test)]
mod tests {
    use super::TextPart;

    /// The part `word` of the value, as it stands in the source.
    fn found<'s>(value: &str, word: &str, source: &'s str) -> &'s str {
        found_in(value, word, source, false)
    }

    fn found_in<'s>(value: &str, word: &str, source: &'s str, is_block: bool) -> &'s str {
        let at = value.find(word).unwrap();
        let part = TextPart::new(value, at..at + word.len());
        source.get(part.in_source(source, is_block)).unwrap()
    }

    #[test]
    fn blocks_keep_their_words() {
        let source = "SELECT aé\n\n        FROM  orders\n";
        assert_eq!(found_in("SELECT aé\n\n  FROM  orders\n", "aé", source, true), "aé");
        assert_eq!(found_in("SELECT aé\n\n  FROM  orders\n", "orders", source, true), "orders");
        let folded = "   \"A\" = ''\n   FROM orders\n   WHERE b";
        assert_eq!(
            found_in("\"A\" = '' FROM orders WHERE b", "orders WHERE", folded, true),
            "orders\n   WHERE"
        );
    }

    #[test]
    fn quotes_and_escapes_are_counted_as_what_they_stand_for() {
        assert_eq!(found("a = 'x' AND b", "'x'", "'a = ''x'' AND b'"), "''x''");
        assert_eq!(found("a = 'x' AND b", "b", "'a = ''x'' AND b'"), "b");
        let source = r#""SELECT \"A\"\n FROM\tt\u00e9 \
           WHERE \ud83d\ude00 x""#;
        let value = "SELECT \"A\"\n FROM\ttaé WHERE \u{1f600} x".replace("taé", "té");
        assert_eq!(found(&value, "\"A\"", source), r#"\"A\""#);
        assert_eq!(found(&value, "té", source), r"t\u00e9");
        assert_eq!(found(&value, "x", source), "x");
    }

    #[test]
    fn plain_texts_go_over_lines() {
        assert_eq!(found("a > 1 AND b", "b", "a > 1\n     AND b"), "b");
    }

    #[test]
    fn the_end_of_a_text_is_a_place() {
        let part = TextPart::new("SELECT a", 8..8);
        assert_eq!(part.in_source("'SELECT a'", false), 9..9);
        assert_eq!(TextPart::new("", 0..0).in_source("''", false), 1..1);
    }
}
