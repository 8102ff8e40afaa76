//! Lines and columns of a text, as editors and other tools count them.

use std::cell::Cell;

/// Bytes between two places at which UTF-16 code units are counted from.
const STRIDE: usize = 256;

/// A place in a file, as people and editors name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Line, from 1. A line ends after a line feed.
    pub(crate) line: i32,
    /// Column in bytes of UTF-8, from 1.
    pub(crate) column_utf8: i32,
    /// Column in code units of UTF-16, from 1.
    pub(crate) column_utf16: i32,
}

/// The lines of one text. Answers cost a search among the lines at most; places asked for one after the other in the order of
/// the text cost less. There are none in no text.
#[derive(Default)]
pub(crate) struct Positions<'t> {
    text: &'t [u8],
    /// Byte offsets of the starts of lines.
    line_starts: Vec<i64>,
    /// Code units of UTF-16 in front of every [`STRIDE`]th byte; none for texts of ASCII, whose bytes are code units.
    code_units: Option<Vec<u32>>,
    /// Index of the line asked for last.
    last: Cell<usize>,
}

impl<'t> Positions<'t> {
    /// The lines of `text`.
    pub(crate) fn of(text: &'t str) -> Self {
        let end = text.len() as i64;
        let after = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at as i64 + 1);
        let line_starts =
            std::iter::once(0).chain(after).filter(|&start| start == 0 || start < end).collect();
        let text = text.as_bytes();
        let code_units = (!text.is_ascii()).then(|| {
            let before = text.chunks(STRIDE).scan(0, |units, chunk| {
                let before = *units;
                *units += count(chunk);
                Some(before)
            });
            before.collect()
        });
        Self { text, line_starts, code_units, last: Cell::new(0) }
    }

    /// Byte offsets of the starts of lines.
    pub(crate) fn line_starts(&self) -> &[i64] {
        &self.line_starts
    }

    /// Where the byte at `offset` is.
    pub(crate) fn at(&self, offset: u32) -> Position {
        let (line, start) = self.line_of(i64::from(offset));
        let offset = offset as usize;
        let column = offset.saturating_sub(start);
        let column_utf16 = match &self.code_units {
            None => column,
            Some(counts) => self.units(counts, offset).saturating_sub(self.units(counts, start)) as usize,
        };
        Position { line: number(line), column_utf8: number(column), column_utf16: number(column_utf16) }
    }

    /// The line, from 1, of the last byte of a text that ends in front of `end`.
    pub(crate) fn last_line(&self, start: u32, end: u32) -> i32 {
        number(self.line_of(i64::from(end.max(start + 1) - 1)).0)
    }

    /// Index and start of the line that holds a byte.
    fn line_of(&self, offset: i64) -> (usize, usize) {
        let holds = |line: usize| {
            let start = self.line_starts.get(line)?;
            let ends_behind = self.line_starts.get(line + 1).is_none_or(|&next| offset < next);
            (*start <= offset && ends_behind).then_some((line, *start as usize))
        };
        let last = self.last.get();
        let found = holds(last)
            .or_else(|| holds(last + 1))
            .or_else(|| holds(self.line_starts.partition_point(|&start| start <= offset).saturating_sub(1)));
        let found = found.unwrap_or_default();
        self.last.set(found.0);
        found
    }

    /// Code units in front of a byte.
    fn units(&self, counts: &[u32], offset: usize) -> u32 {
        let stride = offset / STRIDE;
        let rest = self.text.get(stride * STRIDE..offset.min(self.text.len())).unwrap_or_default();
        counts.get(stride).or(counts.last()).copied().unwrap_or_default() + count(rest)
    }
}

/// Code units of UTF-16 of characters that start in `bytes`: two for those outside the basic plane, whose first byte is 0xF0
/// or more.
fn count(bytes: &[u8]) -> u32 {
    bytes.iter().map(|&byte| u32::from(byte & 0xC0 != 0x80) + u32::from(byte >= 0xF0)).sum()
}

/// The number, from 1, of what has this index.
fn number(index: usize) -> i32 {
    i32::try_from(index + 1).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::Positions;

    /// Asks for every character of a text, forwards and backwards; the judge walks over the characters.
    fn check(text: &str) {
        let positions = Positions::of(text);
        let mut expected = Vec::new();
        let (mut line, mut column, mut column_utf16) = (1, 1, 1);
        for (offset, character) in text.char_indices() {
            expected.push((offset as u32, (line, column, column_utf16)));
            column += character.len_utf8() as i32;
            column_utf16 += character.len_utf16() as i32;
            if character == '\n' {
                (line, column, column_utf16) = (line + 1, 1, 1);
            }
        }
        for (offset, place) in expected.iter().chain(expected.iter().rev()) {
            let found = positions.at(*offset);
            assert_eq!(
                (found.line, found.column_utf8, found.column_utf16),
                *place,
                "byte {offset} of {text:?}"
            );
        }
    }

    #[test]
    fn places_are_those_that_characters_take() {
        check("");
        check("\n\n");
        check("one\r\ntwo\n\nthree");
        check("x = 'ä€😀' + y\nß😀\n");
        let long: String = (0..700).map(|at| ["a", "é", "😀", "\n", "漢"][at * at % 5]).collect();
        check(&long);
    }

    #[test]
    fn an_end_belongs_to_the_last_line() {
        let positions = Positions::of("def f():\n    pass\n");
        assert_eq!(positions.last_line(0, 17), 2);
        assert_eq!(positions.last_line(0, 18), 2);
        assert_eq!(positions.last_line(3, 3), 1);
        // The place behind the last line feed is no line of its own.
        assert_eq!(positions.at(18).line, 2);
    }
}
