//! Makes text from users safe to print.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

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

/// What stands for a secret.
const HIDDEN: &str = "***";

/// The text without what URLs in it give away: users and passwords before `@`, and what follows `?`, which some stores
/// take for a signature.
pub(super) fn without_secrets(text: &str) -> Cow<'_, str> {
    let secrets = secrets(text);
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut shown, mut done) = (String::with_capacity(text.len()), 0);
    for secret in secrets {
        shown.push_str(text.get(done..secret.start).unwrap_or_default());
        shown.push_str(HIDDEN);
        done = secret.end;
    }
    shown.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(shown)
}

/// The bytes of a text that URLs in it give away, in order.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    let mut from = 0;
    while let Some(scheme) = text.get(from..).and_then(|rest| rest.find("://")) {
        let start = from + scheme + 3;
        let rest = text.get(start..).unwrap_or_default();
        // A password may have a slash in it, and whatever else it should not.
        let end = rest.find(|next: char| next.is_whitespace() || "\"'`<>".contains(next));
        let url = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let user = url.rfind('@').unwrap_or(0);
        let query = url.get(user..).and_then(|rest| rest.find('?')).map(|at| user + at + 1);
        secrets.extend((user > 0).then(|| start..start + user));
        secrets
            .extend(query.filter(|query| *query < url.len()).map(|query| start + query..start + url.len()));
        from = start + url.len();
    }
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_give_nothing_away() {
        for (text, shown) in [
            ("a text", "a text"),
            ("`s3://bucket/t`", "`s3://bucket/t`"),
            ("`s3://key:secret@bucket/t` is no", "`s3://***@bucket/t` is no"),
            ("s3://key:se/cr@et@bucket/t", "s3://***@bucket/t"),
            ("'az://c/t?sig=abc' and \"s3://k@b\"", "'az://c/t?***' and \"s3://***@b\""),
            ("x://u:p@h/t?q", "x://***@h/t?***"),
            ("x://h/t?", "x://h/t?"),
            ("mail me@home: a://b", "mail me@home: a://b"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }
}
