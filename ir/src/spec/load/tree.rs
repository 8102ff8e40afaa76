//! A document as it was written: values with their bytes, before they mean anything.

use std::collections::HashSet;
use std::ops::Range;

use crate::diag::{Diagnostic, Findings, Inside, Place, codes};

/// A value and where it is.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) bytes: Range<usize>,
    pub(super) value: Value,
    /// Whether it is a text written as a block, of which the bytes are the lines below `|` or `>`.
    pub(super) is_block: bool,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Field>),
    /// Something already reported: nothing more is said about it.
    Invalid,
}

impl Value {
    /// What a value is, as said in a message.
    pub(super) fn said(&self) -> String {
        match self {
            Self::Null | Self::Invalid => "nothing".to_owned(),
            Self::Boolean(value) => format!("the truth value {value}"),
            Self::Integer(number) => format!("the number {number}"),
            Self::Float(number) => format!("the number {number}"),
            Self::Text(_) => "a text".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a map".to_owned(),
        }
    }
}

/// A field of a map.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: String,
    pub(super) key_bytes: Range<usize>,
    pub(super) value: Node,
}

impl Node {
    /// The fields, if it is a map.
    pub(super) fn fields(&self) -> Option<&[Field]> {
        let Value::Map(fields) = &self.value else {
            return None;
        };
        Some(fields)
    }

    /// The value of a field, if it is a map that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.fields()?.iter().find(|field| field.key == key).map(|field| &field.value)
    }

    /// The places of this value and all inside it.
    pub(super) fn place(&self) -> Place {
        let inside = match &self.value {
            Value::List(items) => Inside::Items(items.iter().map(Self::place).collect()),
            Value::Map(fields) => {
                let place = |f: &Field| (f.key.clone(), f.key_bytes.clone(), f.value.place());
                Inside::Fields(fields.iter().map(place).collect())
            }
            Value::Text(_) if self.is_block => Inside::Block,
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Invalid => Inside::Nothing,
        };
        Place { bytes: self.bytes.clone(), inside }
    }
}

/// Removes all but the first of equal keys, reporting each.
pub(super) fn without_duplicates(fields: Vec<Field>, findings: &mut Findings) -> Vec<Field> {
    let mut seen = HashSet::with_capacity(fields.len());
    let mut kept = Vec::with_capacity(fields.len());
    for field in fields {
        if seen.insert(field.key.clone()) {
            kept.push(field);
        } else {
            findings.push(
                Diagnostic::new(
                    codes::DUPLICATE_KEY,
                    format!("the key `{}` appears twice in this map", field.key),
                )
                .at_bytes(field.key_bytes)
                .found(field.key)
                .help("remove one of the two"),
            );
        }
    }
    kept
}

/// Reads a whole number written in digits of a base; reports one that does not fit.
pub(super) fn integer(digits: &str, base: u32, bytes: &Range<usize>, findings: &mut Findings) -> Value {
    match i64::from_str_radix(digits, base) {
        Ok(number) => Value::Integer(number),
        Err(_) => {
            findings.push(
                Diagnostic::new(codes::BAD_NUMBER, "this integer does not fit 64 bits")
                    .at_bytes(bytes.clone())
                    .help("integers go from -9223372036854775808 to 9223372036854775807; quote it if a text is meant"),
            );
            Value::Invalid
        }
    }
}

/// Reads a number with a fraction or an exponent; reports one that is not finite.
pub(super) fn float(text: &str, bytes: &Range<usize>, findings: &mut Findings) -> Value {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Value::Float(number),
        _ => {
            findings.push(
                Diagnostic::new(codes::BAD_NUMBER, "this number is not finite")
                    .at_bytes(bytes.clone())
                    .help("use a finite number, or quote it if a text is meant"),
            );
            Value::Invalid
        }
    }
}

/// The message for a value nested deeper than allowed.
pub(super) fn too_deep(bytes: Range<usize>) -> Diagnostic {
    Diagnostic::new(codes::TOO_DEEP, format!("maps and lists are nested deeper than {MAX_DEPTH}"))
        .at_bytes(bytes)
        .help("check for brackets that are never closed")
}

/// How deep maps and lists may be nested.
pub(super) const MAX_DEPTH: usize = 64;
