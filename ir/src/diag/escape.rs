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
#[must_use]
pub fn without_secrets(text: &str) -> Cow<'_, str> {
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

/// What names of settings have in them whose values are secrets.
const SECRET_NAMES: [&str; 8] =
    ["secret", "password", "passwd", "token", "credential", "access_key", "account_key", "private_key"];

/// The bytes of a line of a document that must not be shown: what its URLs give away, and values of settings that are named
/// like secrets.
pub(super) fn secrets_of_line(line: &str) -> Vec<Range<usize>> {
    let mut secrets = secrets(line);
    let lower = line.to_ascii_lowercase();
    for name in SECRET_NAMES {
        secrets.extend(lower.match_indices(name).filter_map(|(at, _)| value_after(line, at + name.len())));
    }
    secrets
}

/// The value of a key that goes on at a byte of a line; nothing where no key is.
fn value_after(line: &str, at: usize) -> Option<Range<usize>> {
    let is_key = |next: char| next.is_ascii_alphanumeric() || "_-.\"'".contains(next);
    let after = line.get(at..)?.trim_start_matches(is_key).trim_start();
    let value = after.strip_prefix([':', '='])?.trim_start();
    let (value, end) = match value.chars().next()? {
        quote @ ('"' | '\'') => (value.get(1..)?, value.get(1..)?.rfind(quote)),
        _ => (value, value.find([',', '}', ']'])),
    };
    let (start, length) = (line.len() - value.len(), end.unwrap_or(value.len()));
    (length > 0).then(|| start..start + length)
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

    #[test]
    fn lines_do_not_show_what_is_named_like_a_secret() {
        for (line, hidden) in [
            ("options: {aws_secret_access_key: abc, delimiter: x}", vec!["abc"]),
            ("  \"Password\": \"a b\", x: 1", vec!["a b"]),
            ("token = 'abc'", vec!["abc"]),
            ("password:", vec![]),
            ("column: token, x: y", vec![]),
            ("s3://k:v@b, session_token: c", vec!["k:v", "c"]),
        ] {
            let found: Vec<Range<usize>> = secrets_of_line(line);
            let mut found: Vec<&str> = found.into_iter().filter_map(|secret| line.get(secret)).collect();
            found.dedup();
            assert_eq!(found, hidden, "{line}");
        }
    }
}
