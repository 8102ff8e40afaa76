//! Whether two answers are the same.
//!
//! Engines type equal results differently (a count is `Int64` here and `HUGEINT` there, a sum `Decimal` here and
//! `Float64` there) and add floats in different orders. So numbers are compared as numbers: exactly when both are
//! integers, else up to a relative tolerance. Everything else must be equal.

use serde_json::Value;

/// The first difference between two answers, as `path: one, other`; none when they are the same.
pub(crate) fn difference(one: &Value, other: &Value, tolerance: f64) -> Option<String> {
    difference_at("", one, other, tolerance)
}

fn difference_at(path: &str, one: &Value, other: &Value, tolerance: f64) -> Option<String> {
    match (one, other) {
        (Value::Object(fields), Value::Object(others)) => {
            let only_here = fields.keys().find(|name| !others.contains_key(*name));
            let only_there = others.keys().find(|name| !fields.contains_key(*name));
            if let Some(name) = only_here.or(only_there) {
                return Some(format!("{path}/{name}: only one side has it"));
            }
            let mut pairs = fields.iter().filter_map(|(name, value)| Some((name, value, others.get(name)?)));
            pairs.find_map(|(name, value, other)| {
                difference_at(&format!("{path}/{name}"), value, other, tolerance)
            })
        }
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
            let mut pairs = items.iter().zip(others).enumerate();
            pairs.find_map(|(place, (item, other))| {
                difference_at(&format!("{path}/{place}"), item, other, tolerance)
            })
        }
        _ if same_scalar(one, other, tolerance) => None,
        _ => Some(format!("{path}: {one}, {other}")),
    }
}

fn same_scalar(one: &Value, other: &Value, tolerance: f64) -> bool {
    let (Some(one_text), Some(other_text)) = (scalar_text(one), scalar_text(other)) else {
        return one == other;
    };
    if one_text == other_text {
        return true;
    }
    if let (Ok(one), Ok(other)) = (one_text.parse::<i128>(), other_text.parse::<i128>()) {
        return one == other;
    }
    match (one_text.parse::<f64>(), other_text.parse::<f64>()) {
        (Ok(one), Ok(other)) => (one - other).abs() <= tolerance * one.abs().max(other.abs()),
        _ => false,
    }
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        for (one, other) in [
            (json!("12"), json!(12)),
            (json!("12"), json!("12.0")),
            (json!("1.234567891"), json!("1.234567892")),
            (json!("1e3"), json!("1000")),
            (json!(-0.0), json!(0)),
        ] {
            assert_eq!(difference(&one, &other, 1e-8), None, "{one} {other}");
        }
    }

    #[test]
    fn differences_are_named() {
        for (one, other, expected) in [
            (json!({"a": {"b": 1}}), json!({"a": {"b": 2}}), "/a/b: 1, 2"),
            (json!({"a": 1}), json!({}), "/a: only one side has it"),
            (json!({}), json!({"a": 1}), "/a: only one side has it"),
            (json!([1, 2]), json!([1, 3]), "/1: 2, 3"),
            (json!([1]), json!([1, 2]), ": [1], [1,2]"),
            (json!(null), json!("0"), ": null, \"0\""),
            (json!("1.23456"), json!("1.23457"), ": \"1.23456\", \"1.23457\""),
            (
                json!("9007199254740993"),
                json!("9007199254740992"),
                ": \"9007199254740993\", \"9007199254740992\"",
            ),
            (json!("ab"), json!("aB"), ": \"ab\", \"aB\""),
        ] {
            assert_eq!(difference(&one, &other, 1e-8).as_deref(), Some(expected));
        }
    }
}
