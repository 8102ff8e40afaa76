//! JSON values: of a schema, and of none.

use std::collections::BTreeMap;

use arbitrary::{Result, Unstructured};
use serde_json::{Map, Number, Value};

use crate::edit::NUMBERS;

/// How deep values of a schema nest.
const MAX_DEPTH: usize = 12;
/// Once in so many times a value is another one than is meant.
const RARELY: u32 = 24;

/// The texts and numbers that valid inputs have, by the name of their field.
#[derive(Debug, Default)]
pub struct Pool {
    values: BTreeMap<String, Vec<Value>>,
}

impl Pool {
    /// Adds what is in a value, the fields of texts that are JSON themselves included.
    pub fn add(&mut self, key: &str, value: &Value) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| self.add(key, value)),
            Value::Array(items) => items.iter().for_each(|item| self.add(key, item)),
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                let known = self.values.entry(key.to_owned()).or_default();
                if !known.contains(value) {
                    known.push(value.clone());
                }
            }
        }
    }

    /// A value that a field of this name has somewhere, or of any field.
    ///
    /// # Errors
    /// Those of `arbitrary`.
    pub fn value(&self, u: &mut Unstructured<'_>, key: &str) -> Result<Value> {
        match self.values.get(key) {
            Some(known) if !u.ratio(1, RARELY)? => u.choose(known).cloned(),
            _ if self.values.is_empty() => anything(u, 3),
            _ => {
                let all: Vec<&Vec<Value>> = self.values.values().collect();
                let known = *u.choose(&all)?;
                u.choose(known).cloned()
            }
        }
    }
}

/// Any value.
///
/// # Errors
/// Those of `arbitrary`.
pub fn anything(u: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    let leaf = depth == 0;
    Ok(match u.int_in_range(0..=if leaf { 6 } else { 9 })? {
        0 => Value::Null,
        1 => Value::Bool(u.arbitrary()?),
        2 => Value::from(u.arbitrary::<i64>()?),
        3 => Value::from(u.arbitrary::<u64>()?),
        4 => Number::from_f64(u.arbitrary()?).map_or(Value::Null, Value::Number),
        5 => extreme(u)?,
        6 => Value::from(u.arbitrary::<[char; 3]>()?.iter().collect::<String>()),
        7 | 8 => {
            let items = (0..u.int_in_range(0..=3)?).map(|_| anything(u, depth - 1));
            Value::Array(items.collect::<Result<_>>()?)
        }
        _ => {
            let fields = (0..u.int_in_range(0..=3)?).map(|_| {
                let key = u.arbitrary::<[char; 2]>()?.iter().collect();
                Ok((key, anything(u, depth - 1)?))
            });
            Value::Object(fields.collect::<Result<_>>()?)
        }
    })
}

/// A number at the end of a type, as a number or as a text.
fn extreme(u: &mut Unstructured<'_>) -> Result<Value> {
    let text = *u.choose(&NUMBERS)?;
    let number = serde_json::from_str(text).ok().filter(|_| u.ratio(3, 4).unwrap_or(true));
    Ok(number.unwrap_or_else(|| Value::from(text)))
}

/// A value of a JSON Schema, most of the time; texts and numbers come from the pool.
///
/// # Errors
/// Those of `arbitrary`.
pub fn of_schema(u: &mut Unstructured<'_>, root: &Value, pool: &Pool) -> Result<Value> {
    Grower { root, pool }.value(u, root, "", MAX_DEPTH)
}

struct Grower<'a> {
    root: &'a Value,
    pool: &'a Pool,
}

impl Grower<'_> {
    fn value(&self, u: &mut Unstructured<'_>, schema: &Value, key: &str, depth: usize) -> Result<Value> {
        if depth == 0 || u.ratio(1, RARELY * 8)? {
            return anything(u, 2);
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.root.pointer(target.trim_start_matches('#')).unwrap_or(&Value::Null);
            // A variant of a kind has its fields beside the reference to what it holds.
            let mut value = self.value(u, target, key, depth - 1)?;
            if let (Value::Object(fields), true) = (&mut value, schema.get("properties").is_some()) {
                fields.extend(self.fields(u, schema, depth)?);
            }
            return Ok(value);
        }
        if let Some(value) = schema.get("const") {
            return Ok(value.clone());
        }
        for list in ["enum", "oneOf", "anyOf"] {
            let Some(options) = schema.get(list).and_then(Value::as_array).filter(|list| !list.is_empty())
            else {
                continue;
            };
            let option = u.choose(options)?;
            return if list == "enum" { Ok(option.clone()) } else { self.value(u, option, key, depth) };
        }
        let kind = match schema.get("type") {
            Some(Value::Array(kinds)) if !kinds.is_empty() => u.choose(kinds)?,
            Some(kind) => kind,
            None => &Value::Null,
        };
        match kind.as_str() {
            Some("object") => self.object(u, schema, depth),
            Some("array") => {
                let none = Value::Null;
                let item = schema.get("items").unwrap_or(&none);
                let items = (0..u.int_in_range(0..=4)?).map(|_| self.value(u, item, key, depth - 1));
                Ok(Value::Array(items.collect::<Result<_>>()?))
            }
            Some("null") => Ok(Value::Null),
            Some("boolean") => Ok(Value::Bool(u.arbitrary()?)),
            Some("integer" | "number") if u.ratio(1, 4)? => extreme(u),
            Some("integer" | "number") => Ok(Value::from(u.int_in_range(0..=9)?)),
            _ => self.pool.value(u, key),
        }
    }

    fn object(&self, u: &mut Unstructured<'_>, schema: &Value, depth: usize) -> Result<Value> {
        let mut fields = self.fields(u, schema, depth)?;
        if let Some(other) = schema.get("additionalProperties").filter(|other| other.is_object()) {
            for _ in 0..u.int_in_range(0..=3)? {
                let key = self.pool.value(u, "name")?.as_str().unwrap_or("a").to_owned();
                fields.insert(key, self.value(u, other, "name", depth - 1)?);
            }
        }
        if u.ratio(1, RARELY * 4)? {
            fields.insert(u.arbitrary::<char>()?.to_string(), anything(u, 1)?);
        }
        Ok(Value::Object(fields))
    }

    /// The fields of a schema: those that are needed nearly always, the others seldom.
    fn fields(&self, u: &mut Unstructured<'_>, schema: &Value, depth: usize) -> Result<Map<String, Value>> {
        let mut fields = Map::new();
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let required: Vec<&str> = required.filter_map(Value::as_str).collect();
        for (key, inside) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let is_there = match required.contains(&key.as_str()) {
                true => !u.ratio(1, RARELY * 8)?,
                false => u.ratio(1, 6)?,
            };
            if is_there {
                fields.insert(key.clone(), self.value(u, inside, key, depth - 1)?);
            }
        }
        Ok(fields)
    }
}
