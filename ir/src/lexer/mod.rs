//! The words of the text form, and reading a text from left to right: what schemas, operations and graphs share whose
//! texts stand in each other.

mod cursor;

use std::borrow::Cow;

use serde_json::Value;

pub(crate) use cursor::{Cursor, Fault, Read};

/// Words that mean something where a name or a value could stand; a name that is one of them is quoted.
const KEYWORDS: [&str; 6] = ["true", "false", "null", "of", "expects", "place"];

/// Takes an unquoted word off the front of a text.
fn bare(text: &str) -> Option<(&str, &str)> {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '@')) {
        return None;
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@')));
    Some(text.split_at(end.unwrap_or(text.len())))
}

pub(crate) fn is_word(text: &str) -> bool {
    bare(text).is_some_and(|(_, rest)| rest.is_empty()) && !KEYWORDS.contains(&text)
}

/// A name as it stands in the text form: bare where possible, else a JSON string.
#[must_use]
pub fn word(name: &str) -> Cow<'_, str> {
    if is_word(name) { Cow::Borrowed(name) } else { Cow::Owned(Value::from(name).to_string()) }
}

/// Takes a word, quoted or not, off the front of a text; gives the name and the rest.
#[must_use]
pub fn take_word(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        let mut stream = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let name = stream.next()?.ok()?;
        return Some((name, &text[stream.byte_offset()..]));
    }
    bare(text).map(|(name, rest)| (name.to_owned(), rest))
}
