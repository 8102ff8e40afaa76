//! Documents judged by a JSON Schema: the part of the language that the schema of events uses. A keyword that is not known here
//! is a failure, so that nothing of a schema goes unasked. `tests/judges/events_check.py` asks a validator that is not ours.

use std::path::Path;

use serde_json::Value;

use super::super::program::{driver_in, json};

/// A schema that documents are judged by.
pub(super) struct Judge(Value);

impl Judge {
    /// The schema that the program prints of its events.
    pub(super) fn of_events() -> Self {
        Self(json(&driver_in(Path::new("."), ["schema", "events"])))
    }

    pub(super) fn judge(&self, document: &Value) -> Result<(), String> {
        self.judged(&self.0, document, "")
    }

    #[track_caller]
    pub(super) fn accepts(&self, document: &Value) {
        self.judge(document).unwrap_or_else(|error| panic!("{error}\n{document:#}"));
    }

    fn judged(&self, schema: &Value, document: &Value, place: &str) -> Result<(), String> {
        let Some(keywords) = schema.as_object() else {
            return if schema == &Value::Bool(true) {
                Ok(())
            } else {
                Err(format!("{place}: nothing is allowed"))
            };
        };
        for (keyword, wanted) in keywords {
            self.keyword(keyword, wanted, document, place)?;
        }
        Ok(())
    }

    fn keyword(&self, keyword: &str, wanted: &Value, document: &Value, place: &str) -> Result<(), String> {
        let wrong = |why: &str| Err(format!("{place}: {why} {wanted}, found {document}"));
        let all = || wanted.as_array().unwrap_or_else(|| panic!("{keyword}: {wanted}"));
        let judged = |schema: &Value| self.judged(schema, document, place);
        match keyword {
            "$schema" | "$defs" | "title" | "description" => Ok(()),
            "$ref" => {
                let pointer =
                    wanted.as_str().and_then(|text| text.strip_prefix('#')).expect("a local reference");
                judged(self.0.pointer(pointer).expect("what a reference leads to"))
            }
            "const" if document != wanted => wrong("not"),
            "enum" if !all().contains(document) => wrong("none of"),
            "const" | "enum" => Ok(()),
            "type" => {
                let kinds = if wanted.is_array() { all().clone() } else { vec![wanted.clone()] };
                if kinds.iter().any(|kind| is_a(document, kind.as_str().unwrap())) {
                    Ok(())
                } else {
                    wrong("not a")
                }
            }
            "format" => {
                if has_format(document, wanted.as_str().unwrap()) {
                    Ok(())
                } else {
                    wrong("not written as")
                }
            }
            "minimum" if document.as_f64().is_some_and(|number| number < wanted.as_f64().unwrap()) => {
                wrong("less than")
            }
            "minimum" => Ok(()),
            "required" => match all().iter().find(|name| document.get(name.as_str().unwrap()).is_none()) {
                Some(missing) => Err(format!("{place}: no {missing} in {document}")),
                None => Ok(()),
            },
            "properties" => {
                let properties = wanted.as_object().unwrap().iter();
                let present =
                    properties.filter_map(|(name, schema)| Some((name, schema, document.get(name)?)));
                let mut present =
                    present.map(|(name, schema, value)| (format!("{place}/{name}"), schema, value));
                present.try_for_each(|(place, schema, value)| self.judged(schema, value, &place))
            }
            "items" => {
                let mut items = document.as_array().into_iter().flatten().enumerate();
                items.try_for_each(|(at, item)| self.judged(wanted, item, &format!("{place}/{at}")))
            }
            "oneOf" => match all().iter().filter(|schema| judged(schema).is_ok()).count() {
                1 => Ok(()),
                fit => Err(format!("{place}: {fit} alternatives fit {document}")),
            },
            "anyOf" => {
                if all().iter().any(|schema| judged(schema).is_ok()) {
                    Ok(())
                } else {
                    wrong("none of")
                }
            }
            "allOf" => all().iter().try_for_each(judged),
            other => panic!("the schema has `{other}`, which is not known here"),
        }
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the schema has the type `{other}`"),
    }
}

fn has_format(value: &Value, format: &str) -> bool {
    let Some(text) = value.as_str() else { return !matches!(format, "uuid" | "date-time") };
    let like = |pattern: &str| {
        let fits = |(letter, wanted): (char, char)| match wanted {
            'x' => letter.is_ascii_hexdigit(),
            '0' => letter.is_ascii_digit(),
            other => letter == other,
        };
        text.len() == pattern.len() && text.chars().zip(pattern.chars()).all(fits)
    };
    match format {
        "uuid" => like("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
        "date-time" => like("0000-00-00T00:00:00.000000Z"),
        "double" | "uint" | "uint32" | "uint64" => true,
        other => panic!("the schema has the format `{other}`"),
    }
}

#[test]
fn a_document_is_judged_by_all_keywords() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"], "allOf": [{"properties": {"b": {"minimum": 1}}}],
        "properties": {"a": {"oneOf": [{"const": 1}, {"type": "string", "enum": ["x"]}]}, "c": {"items": {"$ref": "#/$defs/n"}}},
        "$defs": {"n": {"type": ["null", "integer"]}},
    });
    let judge = Judge(schema);
    let accepted = [r#"{"a": 1}"#, r#"{"a": "x", "b": 1, "c": [null, 2]}"#];
    let refused = [r#"[]"#, r#"{}"#, r#"{"a": "y"}"#, r#"{"a": 1, "b": 0}"#, r#"{"a": 1, "c": ["t"]}"#];
    for text in accepted {
        judge.accepts(&serde_json::from_str(text).unwrap());
    }
    for text in refused {
        assert!(judge.judge(&serde_json::from_str(text).unwrap()).is_err(), "{text}");
    }
}
