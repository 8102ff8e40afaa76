//! Places in texts as the protocol has them: lines, and in a line units of UTF-16.

use std::ops::Range;

use lsp_types::Position;

/// The byte of a position. One beyond the end of its line is its end, one beyond the text is the text's.
pub(super) fn byte_at(text: &str, position: Position) -> usize {
    let mut start = 0;
    for _ in 0..position.line {
        match text.get(start..).and_then(|rest| rest.find('\n')) {
            Some(at) => start += at + 1,
            None => return text.len(),
        }
    }
    let line = text.get(start..).unwrap_or_default();
    let line = line.split(['\n', '\r']).next().unwrap_or_default();
    let mut units = 0;
    for (at, letter) in line.char_indices() {
        if units >= position.character as usize {
            return start + at;
        }
        units += letter.len_utf16();
    }
    start + line.len()
}

/// The position of a byte.
pub(super) fn position(text: &str, byte: usize) -> Position {
    let before = text.get(..byte).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count();
    let units: usize = before.get(start..).unwrap_or_default().chars().map(char::len_utf16).sum();
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Position::new(number(line), number(units))
}

/// The positions of some bytes.
pub(super) fn range(text: &str, bytes: &Range<usize>) -> lsp_types::Range {
    lsp_types::Range::new(position(text, bytes.start), position(text, bytes.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_utf_16() {
        let text = "aé😀b\r\nü\n";
        for (byte, line, character) in
            [(0, 0, 0), (1, 0, 1), (3, 0, 2), (7, 0, 4), (8, 0, 5), (10, 1, 0), (12, 1, 1), (13, 2, 0)]
        {
            assert_eq!(position(text, byte), Position::new(line, character), "{byte}");
            assert_eq!(byte_at(text, Position::new(line, character)), byte);
        }
        assert_eq!(byte_at(text, Position::new(0, 99)), 8, "the end of the line");
        assert_eq!(byte_at(text, Position::new(99, 0)), text.len());
        assert_eq!(byte_at(text, Position::new(0, 3)), 7, "within a letter: behind it");
    }
}
