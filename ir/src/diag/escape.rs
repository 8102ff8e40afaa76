//! Makes text from users safe to print.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The longest text shown in one piece, in bytes. What is longer is cut, and says so.
pub const MAX_TEXT_BYTES: usize = 4096;

/// The text with control characters (ANSI escapes among them) and characters that reorder or hide text
/// written as `\u{..}`, and cut to [`MAX_TEXT_BYTES`]. Tabs and newlines are escaped too: the result is one
/// line.
#[must_use]
pub fn escape_text(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_TEXT_BYTES && !text.chars().any(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len().min(MAX_TEXT_BYTES) + 32);
    for (at, character) in text.char_indices() {
        if safe.len() >= MAX_TEXT_BYTES {
            // Writing to a String does not fail.
            let _ = write!(safe, "... ({} more bytes)", text.len() - at);
            break;
        }
        push_escaped(&mut safe, character);
    }
    Cow::Owned(safe)
}

/// Appends one character, escaped if it must be.
pub(super) fn push_escaped(out: &mut String, character: char) {
    match character {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        dangerous if is_dangerous(dangerous) => {
            // Writing to a String does not fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(dangerous));
        }
        harmless => out.push(harmless),
    }
}

/// Characters that change how text around them is shown, or that cannot be seen: controls, bidirectional
/// marks and overrides, zero-width characters, line and paragraph separators, the byte order mark, tag
/// characters.
pub(super) fn is_dangerous(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
