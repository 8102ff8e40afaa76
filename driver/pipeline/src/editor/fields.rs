//! What the fields of a spec mean to who writes them: by the JSON Schema, and by what their texts name.

use ir::diag::{Segment, SpecPath};
use serde_json::Value;

use super::cursor::Cursor;

/// What a text names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A view or an input.
    Relation,
    /// A column of what is read.
    Column,
    /// SQL over the columns of what is read.
    Expression,
    /// SQL over views and inputs.
    Query,
    /// A function.
    Function,
    /// Something else.
    Other,
}

impl Meaning {
    /// Of the text at a path.
    pub(super) fn of(path: &SpecPath) -> Self {
        let fields: Vec<&str> = path
            .segments()
            .iter()
            .filter_map(|segment| match segment {
                Segment::Field(name) => Some(name.as_str()),
                Segment::Index(_) => None,
            })
            .collect();
        match fields.as_slice() {
            [.., "transform", "source" | "sources" | "left" | "right"]
            | [.., "source_view" | "view_dependencies" | "base_table" | "view_name"]
            | [.., "left_relation" | "right_relation" | "relations"]
            | [.., "relation", "to"]
            | ["tests", "view"] => Self::Relation,
            [.., "query"] => Self::Query,
            [.., "predicate" | "expr" | "expression" | "filter" | "arguments" | "order_by"] => {
                Self::Expression
            }
            [.., "function"] => Self::Function,
            [
                ..,
                "columns" | "column" | "group_by" | "id_columns" | "span_columns" | "text_columns"
                | "partition_by" | "sort_by" | "filter_column" | "on" | "left_key" | "right_key" | "left"
                | "right" | "left_keys" | "right_keys" | "to_columns" | "select" | "unique" | "not_null",
            ] => Self::Column,
            _ => Self::Other,
        }
    }
}

/// Fields whose texts name what a definition reads.
pub(super) const NAMES_OF_RELATIONS: [&str; 7] =
    ["source", "left", "right", "source_view", "base_table", "left_relation", "right_relation"];

/// A word that may stand somewhere: a field or a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) about: Option<String>,
}

/// The fields that a map at the cursor may have, and the values that a text there may have.
pub(super) fn words(schema: &Value, cursor: &Cursor) -> (Vec<Word>, Vec<Word>) {
    let mut schemas = vec![schema];
    for segment in cursor.path.segments() {
        let forms = schemas.into_iter().flat_map(|it| forms(schema, it, cursor));
        let inside = forms.filter_map(|form| match segment {
            Segment::Field(name) => form
                .get("properties")
                .and_then(|properties| properties.get(name))
                .or_else(|| form.get("additionalProperties").filter(|it| it.is_object())),
            Segment::Index(_) => form.get("items"),
        });
        schemas = inside.collect();
    }
    let forms: Vec<&Value> = schemas.into_iter().flat_map(|it| forms(schema, it, cursor)).collect();
    let (mut fields, mut values) = (Vec::new(), Vec::new());
    for form in forms {
        for (name, field) in form.get("properties").and_then(Value::as_object).into_iter().flatten() {
            // Fields that are refused whatever they say.
            if field.get("x-status").is_none() {
                push(&mut fields, name, about(field));
            }
        }
        let listed = form.get("enum").and_then(Value::as_array).into_iter().flatten();
        for value in listed.chain(form.get("const")).filter_map(Value::as_str) {
            push(&mut values, value, about(form));
        }
        if form.get("type").and_then(Value::as_str) == Some("boolean") {
            ["true", "false"].into_iter().for_each(|value| push(&mut values, value, None));
        }
    }
    (fields, values)
}

fn push(words: &mut Vec<Word>, text: &str, about: Option<String>) {
    if !words.iter().any(|word| word.text == text) {
        words.push(Word { text: text.to_owned(), about });
    }
}

fn about(schema: &Value) -> Option<String> {
    schema.get("description").and_then(Value::as_str).map(str::to_owned)
}

/// The forms that a value may have, without references and choices. Of forms that a `kind` tells apart only the one that is
/// written.
fn forms<'s>(root: &'s Value, schema: &'s Value, cursor: &Cursor) -> Vec<&'s Value> {
    let mut found = Vec::new();
    let mut open = vec![schema];
    while let Some(schema) = open.pop() {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let name = name.trim_start_matches("#/$defs/");
            open.extend(root.get("$defs").and_then(|defs| defs.get(name)));
        }
        let choices =
            ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
        let choices: Vec<&Value> = choices.collect();
        let is_written =
            |choice: &&&Value| kind_of(choice).is_some_and(|kind| cursor.text("kind") == Some(kind));
        match choices.iter().find(is_written) {
            Some(written) => open.push(written),
            None => open.extend(choices.into_iter().rev()),
        }
        found.push(schema);
    }
    found
}

fn kind_of(schema: &Value) -> Option<&str> {
    schema.get("properties")?.get("kind")?.get("const")?.as_str()
}
