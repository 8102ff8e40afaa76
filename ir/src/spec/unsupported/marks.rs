//! Marks in the JSON Schema: an editor shows which fields do not work, before the checker says so.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{NOT_YET, RESERVED, UNAVAILABLE};

/// The keyword of a mark, and what it says: of fields that are refused, and of knobs that turn nothing.
const STATUS: &str = "x-status";
const NOT_SUPPORTED: &str = "not supported";
const RESERVED_STATUS: &str = "reserved";

/// Marks every field of [`NOT_YET`] and [`UNAVAILABLE`], fields that hold nothing else, and the definitions that only they use: with
/// `x-status: not supported`, as deprecated, and in their descriptions. Every field of [`RESERVED`] likewise, with
/// `x-status: reserved`.
pub(crate) fn mark(schema: &mut Value) {
    for row in NOT_YET {
        let text = format!("Not supported yet: {}. Any value but the default is refused (E0601).", row.why);
        mark_row(schema, row.path, NOT_SUPPORTED, &text);
    }
    for row in UNAVAILABLE {
        let (name, reason) = (row.capability.name, row.capability.reason);
        let text = format!(
            "Needs the capability `{name}`, which is not available: {reason}. Any value but the default is refused (E0607)."
        );
        mark_row(schema, row.path, NOT_SUPPORTED, &text);
    }
    for row in RESERVED {
        let text = format!("Reserved: {}. Setting it is warned of (W0016).", row.why);
        mark_row(schema, row.path, RESERVED_STATUS, &text);
    }
    mark_containers(schema);
    let used = definitions_in_use(schema);
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        for (_, definition) in definitions.iter_mut().filter(|(name, _)| !used.contains(*name)) {
            put(definition, NOT_SUPPORTED, "Only fields that are not supported yet use it.");
        }
    }
}

/// Whether a part of the schema is marked.
pub(crate) fn is_marked(schema: &Value) -> bool {
    schema.get(STATUS).and_then(Value::as_str) == Some(NOT_SUPPORTED)
}

fn mark_row(schema: &mut Value, path: &str, status: &str, text: &str) {
    let mut at = String::new();
    for field in path.split('.') {
        at = format!("{}/properties/{field}", definition_of(schema, &at));
    }
    if let Some(property) = schema.pointer_mut(&at) {
        put(property, status, text);
    }
}

/// Fields of the root whose own fields are all marked.
fn mark_containers(schema: &mut Value) {
    let fields: Vec<String> = schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::keys)
        .cloned()
        .collect();
    for field in fields {
        let at = format!("/properties/{field}");
        let inner = schema.pointer(&format!("{}/properties", definition_of(schema, &at)));
        let inner = inner.and_then(Value::as_object);
        let all = inner.is_some_and(|inner| !inner.is_empty() && inner.values().all(is_marked));
        if all && let Some(property) = schema.pointer_mut(&at) {
            put(property, NOT_SUPPORTED, "None of its fields is supported yet.");
        }
    }
}

/// Where the definition of the schema at `at` is: there, or what it refers to, also as one of several forms.
fn definition_of(schema: &Value, at: &str) -> String {
    let Some(value) = schema.pointer(at) else { return at.to_owned() };
    let forms = ["anyOf", "oneOf"].iter().filter_map(|union| value.get(union)?.as_array()).flatten();
    let mut references = std::iter::once(value).chain(forms).filter_map(|form| form.get("$ref")?.as_str());
    match references.find_map(|reference| reference.strip_prefix('#')) {
        Some(pointer) => pointer.to_owned(),
        None => at.to_owned(),
    }
}

/// The names of the definitions that fields without a mark refer to, directly or not.
fn definitions_in_use(schema: &Value) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let mut open = vec![schema];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(map) => {
                let reference = map.get("$ref").and_then(Value::as_str);
                let name = reference.and_then(|reference| reference.strip_prefix("#/$defs/"));
                if let Some(name) = name.filter(|name| used.insert((*name).to_owned())) {
                    open.extend(schema.get("$defs").and_then(|definitions| definitions.get(name)));
                }
                let parts = map.iter().filter(|(key, part)| *key != "$defs" && !is_marked(part));
                open.extend(parts.map(|(_, part)| part));
            }
            Value::Array(items) => open.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    used
}

fn put(schema: &mut Value, status: &str, remark: &str) {
    // A schema without any restriction is the word `true`.
    if !schema.is_object() {
        *schema = json!({});
    }
    let Some(schema) = schema.as_object_mut() else { return };
    let said = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let said = format!("{said}\n\n{remark}").trim_start().to_owned();
    schema.insert("description".to_owned(), said.into());
    schema.insert("deprecated".to_owned(), true.into());
    schema.insert(STATUS.to_owned(), status.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::json_schema;

    /// The fields with a mark, as paths; what lies below one is left out.
    fn marked(schema: &Value, at: &str, path: &str) -> Vec<String> {
        let fields = schema.pointer(&format!("{at}/properties")).and_then(Value::as_object);
        let below = |(name, field): (&String, &Value)| {
            let path = format!("{path}{name}");
            if is_marked(field) {
                return vec![path];
            }
            match definition_of(schema, &format!("{at}/properties/{name}")) {
                inner if inner.starts_with("/$defs") => marked(schema, &inner, &format!("{path}.")),
                _ => Vec::new(),
            }
        };
        fields.into_iter().flatten().flat_map(below).collect()
    }

    #[test]
    fn the_schema_marks_exactly_the_fields_that_are_refused() {
        let schema = json_schema();
        let found: BTreeSet<String> = marked(&schema, "", "").into_iter().collect();
        let refused = NOT_YET.iter().map(|row| row.path).chain(UNAVAILABLE.iter().map(|row| row.path));
        let wanted: BTreeSet<String> = refused.map(str::to_owned).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_mark_says_why_and_covers_what_only_it_uses() {
        let schema = json_schema();
        let mode = &schema["$defs"]["RuntimeConfig"]["properties"]["tuner_mode"];
        assert_eq!(mode["deprecated"], true);
        let description = mode["description"].as_str().unwrap();
        assert!(description.contains("settings are not tuned by what earlier runs took"), "{description}");
        let substrait = &schema["$defs"]["RuntimeConfig"]["properties"]["capture_substrait"]["description"];
        let description = substrait.as_str().unwrap();
        assert!(description.contains("plans are not written as Substrait. Any value"), "{description}");
        assert!(is_marked(&schema["$defs"]["TracingConfig"]), "only the refused field `tracing` has it");
        assert!(is_marked(&schema["$defs"]["PushdownEnforcementMode"]));
        for used in ["OutputTarget", "RuntimeConfig", "CachePlacementPolicy", "JoinType", "SchemaMode"] {
            assert!(!is_marked(&schema["$defs"][used]), "{used}");
        }
    }
}
