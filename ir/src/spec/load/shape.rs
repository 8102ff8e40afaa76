//! Checks a document against the JSON Schema of [`Spec`](crate::spec::Spec), reporting everything at once.
//!
//! Serde stops at the first error; this does not. It is driven by the schema that the types derive, so it
//! cannot drift from them: it knows the keywords that `schemars` and our own schemas use (`$ref`, `type`,
//! `const`, `enum`, `oneOf`, `anyOf`, `properties`, `required`, `additionalProperties`, `items`, `minItems`,
//! `maxItems`, `minimum`, integer formats, and our format `relate-select`). The result is the document as
//! plain JSON without unknown fields and with the field that tells the members of a union apart in first
//! place.

use serde_json::{Map, Value as Json};

use crate::diag::{Diagnostic, Findings, Segment, SpecPath, codes};
use crate::spec::SelectEntry;
use crate::spec::unsupported::is_marked;

use super::tree::{Field, Node, Value};
use super::unread::Unread;

type Schema = Map<String, Json>;

/// The document as JSON, and whether it has the shape the schema asks for once unknown fields are removed and what is
/// unread is left out.
pub(super) struct Checked {
    pub(super) json: Json,
    pub(super) is_sound: bool,
    pub(super) unread: Unread,
}

/// Checks a document against a schema whose definitions are under `$defs`.
pub(super) fn check(document: &Node, schema: &Json, findings: &mut Findings) -> Checked {
    let (path, unread) = (SpecPath::root(), Unread::default());
    let mut checker = Checker { root: schema, path, is_sound: true, unread, findings };
    let json = checker.value(document, &[schema]);
    Checked { json, is_sound: checker.is_sound, unread: checker.unread }
}

struct Checker<'a> {
    root: &'a Json,
    path: SpecPath,
    is_sound: bool,
    unread: Unread,
    findings: &'a mut Findings,
}

impl<'a> Checker<'a> {
    /// Reports something that keeps the document from being decoded.
    fn refuse(&mut self, finding: Diagnostic) {
        self.is_sound = false;
        self.findings.push(finding);
    }

    /// Goes into a value, and back out.
    fn within<T>(&mut self, segment: Segment, check: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(segment);
        let result = check(self);
        self.path.pop();
        result
    }

    /// Checks a value that must fit one of several schemas.
    fn value(&mut self, node: &Node, schemas: &[&'a Json]) -> Json {
        if self.findings.is_cut() {
            self.is_sound = false;
            return Json::Null;
        }
        let mut alternatives = Vec::new();
        for schema in schemas {
            if **schema == Json::Bool(true) {
                return self.anything(node);
            }
            self.flatten(schema, &mut alternatives);
        }
        if alternatives.iter().any(|schema| accepts_anything(schema)) {
            return self.anything(node);
        }
        let fitting: Vec<&Schema> =
            alternatives.iter().copied().filter(|schema| has_type(schema, node)).collect();
        match &node.value {
            Value::Invalid => {
                self.is_sound = false;
                Json::Null
            }
            _ if fitting.is_empty() => {
                self.wrong_type(node, &alternatives);
                Json::Null
            }
            Value::Text(text) => self.text(text, &fitting),
            Value::Integer(number) => self.integer(*number, &fitting),
            Value::List(items) => self.list(items, &fitting),
            Value::Map(fields) => self.map(node, fields, &fitting),
            Value::Null | Value::Boolean(_) | Value::Float(_) => self.anything(node),
        }
    }

    /// The schemas a value may fit, with references and unions resolved.
    fn flatten(&self, schema: &'a Json, out: &mut Vec<&'a Schema>) {
        let Some(object) = schema.as_object() else {
            return;
        };
        if let Some(name) = object.get("$ref").and_then(Json::as_str).and_then(|r| r.strip_prefix("#/$defs/"))
        {
            if let Some(definition) = self.root.get("$defs").and_then(|defs| defs.get(name)) {
                self.flatten(definition, out);
            }
            return;
        }
        let union = object.get("oneOf").or_else(|| object.get("anyOf")).and_then(Json::as_array);
        match union {
            Some(members) => members.iter().for_each(|member| self.flatten(member, out)),
            None => out.push(object),
        }
    }

    /// A value that may be anything.
    fn anything(&mut self, node: &Node) -> Json {
        match &node.value {
            Value::Invalid => {
                self.is_sound = false;
                Json::Null
            }
            Value::Null => Json::Null,
            Value::Boolean(value) => Json::Bool(*value),
            Value::Integer(number) => Json::from(*number),
            Value::Float(number) => Json::from(*number),
            Value::Text(text) => Json::from(text.as_str()),
            Value::List(items) => Json::Array(items.iter().map(|item| self.anything(item)).collect()),
            Value::Map(fields) => {
                Json::Object(fields.iter().map(|f| (f.key.clone(), self.anything(&f.value))).collect())
            }
        }
    }

    fn text(&mut self, text: &str, schemas: &[&Schema]) -> Json {
        let words: Vec<&str> = schemas.iter().flat_map(|schema| allowed_words(schema)).collect();
        if !words.is_empty() && !words.contains(&text) {
            self.refuse(unknown_word(text, &words).at(self.path.clone()));
        }
        let is_select =
            schemas.iter().any(|schema| schema.get("format") == Some(&Json::from("relate-select")));
        if is_select && let Err(problem) = text.parse::<SelectEntry>() {
            self.refuse(
                Diagnostic::new(codes::BAD_SELECT, problem).at(self.path.clone()).help(
                    "say which side the column is from, or write `{from: left, column: ..., name: ...}`",
                ),
            );
        }
        Json::from(text)
    }

    fn integer(&mut self, number: i64, schemas: &[&Schema]) -> Json {
        let fits = |schema: &&Schema| {
            let (low, high) = match schema.get("format").and_then(Json::as_str) {
                Some("uint32") => (0, i64::from(u32::MAX)),
                Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
                Some("uint64") => (0, i64::MAX),
                _ => (i64::MIN, i64::MAX),
            };
            (low.max(least(schema))..=high).contains(&number)
        };
        if !schemas.iter().any(fits) {
            let least = schemas.iter().map(|schema| least(schema)).min().unwrap_or(i64::MIN);
            let limit = match number {
                ..0 => "this number must not be negative".to_owned(),
                number if number < least => format!("this number must be at least {least}"),
                _ => "this number is too large".to_owned(),
            };
            self.refuse(
                Diagnostic::new(codes::BAD_NUMBER, limit).at(self.path.clone()).found(number.to_string()),
            );
        }
        Json::from(number)
    }

    fn list(&mut self, items: &[Node], schemas: &[&'a Schema]) -> Json {
        let count = |key| schemas.iter().find_map(|schema| schema.get(key)).and_then(Json::as_u64);
        let length = items.len() as u64;
        if let Some(wanted) =
            count("minItems").filter(|min| length < *min).or(count("maxItems").filter(|max| length > *max))
        {
            let message = format!("expected a list of {wanted} items, found {length}");
            self.refuse(Diagnostic::new(codes::WRONG_SHAPE, message).at(self.path.clone()));
        }
        let item_schemas: Vec<&'a Json> = schemas.iter().filter_map(|schema| schema.get("items")).collect();
        let check = |(index, item): (usize, &Node)| {
            self.within(Segment::Index(index), |checker| checker.item(item, &item_schemas))
        };
        Json::Array(items.iter().enumerate().map(check).collect())
    }

    /// An item of a list. A part of the spec that is not sound leaves the others sound.
    fn item(&mut self, item: &Node, schemas: &[&'a Json]) -> Json {
        let (json, is_sound) = self.apart(|checker| checker.value(item, schemas));
        let entry =
            if is_sound || self.findings.is_cut() { None } else { self.unread.entry(&self.path, &json) };
        self.is_sound &= is_sound || entry.is_some();
        entry.unwrap_or(json)
    }

    /// Checks something by itself, and says whether it is sound.
    fn apart<T>(&mut self, check: impl FnOnce(&mut Self) -> T) -> (T, bool) {
        let others_are_sound = std::mem::replace(&mut self.is_sound, true);
        let checked = check(self);
        (checked, std::mem::replace(&mut self.is_sound, others_are_sound))
    }

    fn map(&mut self, node: &Node, fields: &[Field], schemas: &[&'a Schema]) -> Json {
        let Some(schema) = self.member(node, schemas) else {
            return Json::Null;
        };
        let properties = schema.get("properties").and_then(Json::as_object);
        let property = |name: &str| properties.and_then(|properties| properties.get(name));
        let mut object = Map::with_capacity(fields.len());
        // What tells the members of a union apart comes first; decoding then needs no buffer.
        let is_tag =
            |field: &&Field| property(&field.key).is_some_and(|schema| schema.get("const").is_some());
        let mut meant = Vec::new();
        for field in fields.iter().filter(is_tag).chain(fields.iter().filter(|field| !is_tag(field))) {
            match property(&field.key).or_else(|| schema.get("additionalProperties")) {
                None | Some(Json::Bool(false)) => {
                    // What would be refused is not recommended.
                    let known = properties.into_iter().flatten().filter(|(_, schema)| !is_marked(schema));
                    let known = known.map(|(name, _)| name.as_str()).collect();
                    meant.extend(self.unknown_field(field, known));
                }
                Some(schema) => {
                    let segment = Segment::Field(field.key.clone());
                    let check = |checker: &mut Self| checker.value(&field.value, &[schema]);
                    let (value, is_sound) = self.apart(|checker| checker.within(segment, check));
                    if is_sound || self.findings.is_cut() || !self.unread.leaves_out(&self.path, &field.key) {
                        self.is_sound &= is_sound;
                        object.insert(field.key.clone(), value);
                    }
                }
            }
        }
        for name in
            schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
        {
            if node.get(name).is_some() {
                continue;
            }
            // A misspelt field is one mistake, not two.
            if meant.iter().any(|meant| meant == name) {
                self.is_sound = false;
            } else {
                self.missing_field(name, property(name));
            }
        }
        Json::Object(object)
    }

    /// The member of a union that a map is meant to be, by the field whose value tells them apart.
    fn member(&mut self, node: &Node, schemas: &[&'a Schema]) -> Option<&'a Schema> {
        let [first, rest @ ..] = schemas else {
            return None;
        };
        if rest.is_empty() {
            return Some(first);
        }
        let properties = first.get("properties").and_then(Json::as_object);
        let (tag, _) = properties?.iter().find(|(_, schema)| schema.get("const").is_some())?;
        let word =
            |schema: &Schema| schema.get("properties")?.get(tag)?.get("const")?.as_str().map(str::to_owned);
        let words: Vec<String> = schemas.iter().filter_map(|schema| word(schema)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let path = self.path.field(tag.as_str());
        match node.get(tag).map(|node| &node.value) {
            Some(Value::Text(text)) => {
                let found = schemas.iter().copied().find(|schema| word(schema).as_deref() == Some(text));
                if found.is_none() {
                    self.refuse(unknown_word(text, &words).at(path));
                }
                found
            }
            Some(Value::Invalid) => {
                self.is_sound = false;
                None
            }
            Some(_) => {
                let message = format!("`{tag}` must be a text");
                self.refuse(Diagnostic::new(codes::WRONG_SHAPE, message).at(path).allowed(words));
                None
            }
            None => {
                let message = format!("the field `{tag}` is missing");
                self.refuse(Diagnostic::new(codes::MISSING_FIELD, message).at(path).allowed(words));
                None
            }
        }
    }

    /// Reports a field that does not exist; returns the one that was probably meant.
    fn unknown_field(&mut self, field: &Field, known: Vec<&str>) -> Option<String> {
        if self.findings.is_cut() {
            return None;
        }
        let finding =
            Diagnostic::new(codes::UNKNOWN_FIELD, format!("there is no field `{}` here", field.key))
                .at(self.path.field(field.key.clone()))
                .at_bytes(field.key_bytes.clone())
                .found(field.key.clone())
                .allowed(known)
                .suggest_nearest();
        let meant = finding.suggestion.clone();
        self.findings.push(finding);
        meant
    }

    fn missing_field(&mut self, name: &str, schema: Option<&Json>) {
        let finding = Diagnostic::new(codes::MISSING_FIELD, format!("the field `{name}` is missing"))
            .at(self.path.field(name));
        let meaning = schema.and_then(|schema| schema.get("description")).and_then(Json::as_str);
        let finding = match meaning {
            Some(meaning) => finding.help(format!("`{name}`: {}", meaning.replace('\n', " "))),
            None => finding,
        };
        self.refuse(finding);
    }

    fn wrong_type(&mut self, node: &Node, alternatives: &[&Schema]) {
        let words: Vec<&str> = alternatives.iter().flat_map(|schema| allowed_words(schema)).collect();
        let mut wanted: Vec<&str> =
            alternatives.iter().flat_map(|schema| type_names(schema)).map(said).collect();
        wanted.retain(|name| *name != said("null"));
        wanted.dedup();
        let message = format!("expected {}, found {}", wanted.join(" or "), node.value.said());
        let finding = Diagnostic::new(codes::WRONG_SHAPE, message).at(self.path.clone()).allowed(words);
        let is_scalar = matches!(node.value, Value::Integer(_) | Value::Float(_) | Value::Boolean(_));
        let finding = if matches!(node.value, Value::Null) {
            finding.help("write a value, or leave the field out if it has a default")
        } else if is_scalar && wanted.contains(&said("string")) {
            finding.help("put it in quotes to make it a text")
        } else if wanted == [said("array")] {
            finding.help("write a list, also for a single item: `[item]`")
        } else {
            finding
        };
        self.refuse(finding);
    }
}

/// A word that is not one of the allowed ones.
fn unknown_word(text: &str, words: &[&str]) -> Diagnostic {
    Diagnostic::new(codes::UNKNOWN_VARIANT, format!("`{text}` is not one of the allowed words"))
        .found(text)
        .allowed(words.iter().copied())
        .suggest_nearest()
}

/// The words a text schema is limited to; none if it takes any text.
fn allowed_words(schema: &Schema) -> Vec<&str> {
    let list = schema.get("enum").and_then(Json::as_array).into_iter().flatten();
    list.chain(schema.get("const")).filter_map(Json::as_str).collect()
}

/// The types a schema names.
fn type_names(schema: &Schema) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(name)) => vec![name],
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn accepts_anything(schema: &Schema) -> bool {
    !["type", "const", "enum", "properties", "items"].iter().any(|keyword| schema.contains_key(*keyword))
}

fn has_type(schema: &Schema, node: &Node) -> bool {
    type_names(schema).into_iter().any(|name| match &node.value {
        Value::Null => name == "null",
        Value::Boolean(_) => name == "boolean",
        Value::Integer(_) => matches!(name, "integer" | "number"),
        Value::Float(_) => name == "number",
        Value::Text(_) => name == "string",
        Value::List(_) => name == "array",
        Value::Map(_) => name == "object",
        Value::Invalid => true,
    })
}

/// A type as said in a message.
fn said(type_name: &str) -> &'static str {
    match type_name {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a map",
        _ => "nothing",
    }
}

/// The least integer that a schema allows, as far as it says.
fn least(schema: &Schema) -> i64 {
    schema.get("minimum").and_then(Json::as_i64).unwrap_or(i64::MIN)
}
