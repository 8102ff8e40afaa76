//! Words and values: the JSON a node's fields serialise to, in a form made for reading.

use serde_json::Value;

use super::layout::{break_lines, lay_out};
use super::parenthesised::parenthesised;
use crate::lexer::{is_word, word};
use crate::schema::Schema;

/// The widest line before a statement is broken over several.
const WIDTH: usize = 110;

/// The length of an estimate (`~12`, `?12`) at the front of a text.
pub(super) fn estimate(text: &str) -> Option<usize> {
    let digits = text.strip_prefix(['~', '?'])?;
    let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    (length > 0).then_some(length + 1)
}

fn print_string(text: &str) -> String {
    if is_word(text) || estimate(text) == Some(text.len()) {
        return text.to_owned();
    }
    let wrapped = format!("({text})");
    let sql_like = text.contains([' ', '(']) && !text.contains('\n') && text.trim() == text;
    if sql_like && parenthesised(&wrapped) == Some(wrapped.len()) {
        wrapped
    } else {
        Value::from(text).to_string()
    }
}

/// A value on one line.
pub(super) fn print_value(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => print_string(text),
        Value::Array(items) => format!("[{}]", items.iter().map(print_value).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", word(key), print_value(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// What becomes of SQL that is too long for a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sql {
    /// It is broken over several.
    Broken,
    /// It stays on one.
    OneLine,
}

/// A value after `used` columns: on one line where it fits, else one entry a line, indented; SQL broken at its clauses.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other values take one line")]
fn print_wrapped(value: &Value, used: usize, indent: usize, sql: Sql) -> String {
    let flat = print_value(value);
    if used + flat.chars().count() <= WIDTH {
        return flat;
    }
    let inner = indent + 4;
    match value {
        Value::Array(items) if !items.is_empty() => {
            let entries = items.iter().map(|item| print_wrapped(item, inner, inner, sql));
            block('[', entries, ']', indent)
        }
        Value::Object(map) if !map.is_empty() => {
            let entries = map.iter().map(|(key, item)| {
                let key = word(key);
                format!("{key}: {}", print_wrapped(item, inner + 2 + key.len(), inner, sql))
            });
            block('{', entries, '}', indent)
        }
        Value::String(text) if sql == Sql::Broken && flat.starts_with('(') => {
            lay_out(text, indent, WIDTH).unwrap_or(flat)
        }
        _ => flat,
    }
}

/// One entry a line between an opening and a closing bracket.
fn block(open: char, entries: impl Iterator<Item = String>, close: char, indent: usize) -> String {
    let pad = " ".repeat(indent + 4);
    let lines: Vec<String> = entries.map(|entry| format!("{pad}{entry}")).collect();
    format!("{open}\n{}\n{}{close}", lines.join(",\n"), " ".repeat(indent))
}

/// A part of a statement: how it looks on one line, and how on its own lines.
pub(super) struct Part {
    flat: String,
    broken: String,
}

/// How far the parts of a broken statement are indented.
const INDENT: usize = 4;

impl Part {
    /// `key=value`.
    pub(super) fn field(key: &str, value: &Value, sql: Sql) -> Self {
        let key = word(key);
        let flat = format!("{key}={}", print_value(value));
        let broken = format!("{key}={}", print_wrapped(value, INDENT + key.len() + 1, INDENT, sql));
        Self { flat, broken }
    }

    /// A mark and a schema.
    pub(super) fn schema(mark: &str, schema: &Schema) -> Self {
        let flat = format!("{mark} {schema}");
        let broken = if INDENT + flat.chars().count() <= WIDTH {
            flat.clone()
        } else {
            format!("{mark} {}", block('{', schema.columns().map(print_column), '}', INDENT))
        };
        Self { flat, broken }
    }

    /// A clause that is never broken.
    pub(super) fn clause(text: String) -> Self {
        Self { broken: text.clone(), flat: text }
    }

    /// `place choice "reason"`.
    pub(super) fn placement(choice: &str, reason: &str) -> Self {
        Self::clause(format!("place {choice} {}", Value::from(reason)))
    }
}

/// A column of a schema on lines of its own. Names with escapes are not told apart from what is around them.
fn print_column(column: String) -> String {
    let indent = 2 * INDENT;
    if indent + column.chars().count() <= WIDTH || column.contains('\\') {
        return column;
    }
    break_lines(&column, indent, WIDTH).unwrap_or(column)
}

/// A statement: on one line where it fits, else one part a line after the first.
pub(super) fn print_statement(head: &str, parts: &[Part]) -> String {
    let mut line = head.to_owned();
    for part in parts {
        line.push(' ');
        line.push_str(&part.flat);
    }
    if line.chars().count() <= WIDTH {
        return line;
    }
    let mut text = head.to_owned();
    for part in parts {
        text.push_str("\n    ");
        text.push_str(&part.broken);
    }
    text
}
