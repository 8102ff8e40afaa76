//! Identifiers and normal forms of texts, as the program documents them.

use blake2::digest::consts::U16;
use blake2::{Blake2b, Digest as _};
use unicode_normalization::UnicodeNormalization as _;

use super::Relation;
use crate::plan::Normalize;
use crate::value::{Value, date, moment};

/// The rows with what a `Normalize` view adds.
pub(super) fn normalized(view: &str, normalize: &Normalize, source: &Relation) -> Vec<Vec<Value>> {
    let kind = normalize.kind(view);
    let add = |row: &Vec<Value>| {
        let value = |name: &String| &row[source.position(name)];
        let mut row = row.clone();
        if !normalize.id_columns.is_empty() {
            row.push(identifier(&kind, normalize.id_columns.iter().map(value)));
        }
        row.extend(normalize.text_columns.iter().map(value).map(normal_form).collect::<Vec<_>>());
        if let Some(([start, end], _)) = &normalize.span {
            row.push(match (value(start), value(end)) {
                (Value::Int(start), Value::Int(end)) => Value::Int(end - start),
                _ => Value::Null,
            });
        }
        row
    };
    source.rows.iter().map(add).collect()
}

/// BLAKE2b over the kind and all parts, each behind its length.
fn identifier<'v>(kind: &str, parts: impl Iterator<Item = &'v Value>) -> Value {
    let mut bytes = format!("{}:{kind}", kind.len());
    for part in parts {
        let text = match part {
            Value::Int(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Text(text) => text.clone(),
            Value::Date(days) => date(i64::from(*days)),
            Value::Timestamp(micros) => format!("{}Z", shortest(*micros)),
            _ => return Value::Null,
        };
        bytes.push_str(&format!("{}:{text}", text.len()));
    }
    let digest = Blake2b::<U16>::digest(bytes.as_bytes());
    let hexadecimal: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Value::Text(format!("{kind}:{hexadecimal}"))
}

/// A moment without the thousands of a second that are zero.
fn shortest(micros: i64) -> String {
    let text = moment(micros, 'T', 6);
    let short = text.strip_suffix("000").unwrap_or(&text);
    short.strip_suffix(".000").unwrap_or(short).to_owned()
}

/// NFKC, lower case and single blanks; the texts of tables have no letters whose folding is another than their lower case.
fn normal_form(value: &Value) -> Value {
    let Value::Text(text) = value else { return Value::Null };
    let text: String = text.nfkc().collect::<String>().to_lowercase().replace('ß', "ss").nfkc().collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() { Value::Null } else { Value::Text(words.join(" ")) }
}
