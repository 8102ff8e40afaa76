//! Entries that have a short text form beside their full form.
//!
//! Each type here reads both forms into one value and writes one of them, so that two spellings of the same
//! thing have the same [`spec_hash`](super::spec_hash). The schemas are written by hand beside the code that
//! reads.

use std::borrow::Cow;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A column of a result: an existing column by name, or `{name, expr}` with a SQL expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedExpr {
    /// The name of the resulting column; without [`expr`](Self::expr) also the column that is taken.
    pub name: String,
    /// A SQL scalar expression. A bare name has none: it is the exact name of a column and never parsed as
    /// SQL.
    pub expr: Option<String>,
}

impl NamedExpr {
    /// The existing column `name`.
    #[must_use]
    pub fn column(name: impl Into<String>) -> Self {
        Self { name: name.into(), expr: None }
    }
}

/// The full form of [`NamedExpr`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NameAndExpr {
    name: String,
    expr: String,
}

impl Serialize for NamedExpr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.expr {
            None => serializer.serialize_str(&self.name),
            Some(expr) => NameAndExpr { name: self.name.clone(), expr: expr.clone() }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for NamedExpr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_map(
            deserializer,
            "a column name or {name, expr}",
            |text| Ok(Self::column(text)),
            |NameAndExpr { name, expr }| Self { name, expr: Some(expr) },
        )
    }
}

impl JsonSchema for NamedExpr {
    fn schema_name() -> Cow<'static, str> {
        "NamedExpr".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A column by name, or a name and a SQL expression.",
            "oneOf": [
                { "type": "string", "description": "The exact name of an existing column." },
                {
                    "type": "object",
                    "properties": {
                        "name": { "type": "string", "description": "The name of the resulting column." },
                        "expr": { "type": "string", "description": "A SQL scalar expression." }
                    },
                    "required": ["name", "expr"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

/// Two columns that must be equal: `{left, right}`, or one name that both sides have.
///
/// A pair with the same name on both sides appears once in the result of a `Relate` without `select`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JoinKey {
    /// Column of the left source.
    pub left: String,
    /// Column of the right source.
    pub right: String,
}

/// The full form of [`JoinKey`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeftAndRight {
    left: String,
    right: String,
}

impl<'de> Deserialize<'de> for JoinKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_map(
            deserializer,
            "a column name or {left, right}",
            |text| Ok(Self { left: text.to_owned(), right: text.to_owned() }),
            |LeftAndRight { left, right }| Self { left, right },
        )
    }
}

impl JsonSchema for JoinKey {
    fn schema_name() -> Cow<'static, str> {
        "JoinKey".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Two columns that must be equal, or one name that both sides have.",
            "oneOf": [
                { "type": "string", "description": "A column that both sides have under this name." },
                {
                    "type": "object",
                    "properties": {
                        "left": { "type": "string", "description": "Column of the left source." },
                        "right": { "type": "string", "description": "Column of the right source." }
                    },
                    "required": ["left", "right"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

/// A side of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The left source.
    Left,
    /// The right source.
    Right,
}

/// One entry of `Relate.select`.
///
/// Text: `left.path` (the column under its own name), `right.path as other_path` (renamed), `left.*` (all
/// columns of that side, in order). Full form: `{from: right, column: path, name: other_path}`, for names
/// with spaces or dots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectEntry {
    /// All columns of one side, in order.
    All(Side),
    /// One column of one side.
    Column {
        /// The side it comes from.
        from: Side,
        /// Its name there.
        column: String,
        /// Its name in the result, if that differs from `column`.
        name: Option<String>,
    },
}

/// The full form of [`SelectEntry::Column`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FromColumnName {
    from: Side,
    column: String,
    #[serde(default)]
    name: Option<String>,
}

impl FromStr for SelectEntry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || {
            format!(
                "`{text}` is not of the form `left.column`, `right.column`, `left.column as name` or `left.*`"
            )
        };
        let (side, rest) = text.trim().split_once('.').ok_or_else(malformed)?;
        let from = match side {
            "left" => Side::Left,
            "right" => Side::Right,
            _ => return Err(malformed()),
        };
        let (column, name) = match rest.split_once(" as ") {
            Some((column, name)) => (column.trim(), Some(name.trim())),
            None => (rest, None),
        };
        match (column, name) {
            ("", _) | (_, Some("")) | ("*", Some(_)) => Err(malformed()),
            (column, _) if column.contains(char::is_whitespace) => Err(malformed()),
            ("*", None) => Ok(Self::All(from)),
            (column, name) => Ok(Self::column(from, column, name)),
        }
    }
}

impl SelectEntry {
    /// One column; a `name` equal to the column's is the same as none.
    fn column(from: Side, column: &str, name: Option<&str>) -> Self {
        Self::Column {
            from,
            column: column.to_owned(),
            name: name.filter(|n| *n != column).map(str::to_owned),
        }
    }
}

impl Serialize for SelectEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All(Side::Left) => serializer.serialize_str("left.*"),
            Self::All(Side::Right) => serializer.serialize_str("right.*"),
            Self::Column { from, column, name } => {
                FromColumnName { from: *from, column: column.clone(), name: name.clone() }
                    .serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for SelectEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_map(
            deserializer,
            "`left.column`, `right.column` or {from, column, name}",
            str::parse,
            |FromColumnName { from, column, name }| Self::column(from, &column, name.as_deref()),
        )
    }
}

impl JsonSchema for SelectEntry {
    fn schema_name() -> Cow<'static, str> {
        "SelectEntry".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let side = generator.subschema_for::<Side>();
        json_schema!({
            "description": "A column of the result of a join.",
            "oneOf": [
                {
                    "type": "string",
                    "format": "relate-select",
                    "description": "`left.column`, `right.column`, `left.column as name`, or `left.*` for all columns of a side."
                },
                {
                    "type": "object",
                    "properties": {
                        "from": side,
                        "column": { "type": "string", "description": "The column's name on that side." },
                        "name": { "type": ["string", "null"], "description": "Its name in the result." }
                    },
                    "required": ["from", "column"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

/// What is appended to column names that both sides of a join have.
///
/// Wire form: `[left, right]`, or one text for the right side alone. An empty text leaves that side's names
/// as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameSuffix {
    /// Appended to names from the left.
    pub left: String,
    /// Appended to names from the right.
    pub right: String,
}

impl Serialize for NameSuffix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.left, &self.right).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NameSuffix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SuffixVisitor;
        impl<'de> Visitor<'de> for SuffixVisitor {
            type Value = NameSuffix;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a suffix for the right side, or [left, right]")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<NameSuffix, E> {
                Ok(NameSuffix { left: String::new(), right: text.to_owned() })
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<NameSuffix, A::Error> {
                let (left, right) =
                    Deserialize::deserialize(serde::de::value::SeqAccessDeserializer::new(seq))?;
                Ok(NameSuffix { left, right })
            }
        }
        deserializer.deserialize_any(SuffixVisitor)
    }
}

impl JsonSchema for NameSuffix {
    fn schema_name() -> Cow<'static, str> {
        "NameSuffix".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Appended to names that both sides have: a suffix for the right side, or [left, right].",
            "oneOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2 }
            ]
        })
    }
}

/// Reads a value that is either a text or a map with the fields of `M`. The map is read in place, not
/// buffered, so that an error inside it keeps its exact path.
pub(super) fn text_or_map<'de, D, T, M>(
    deserializer: D,
    expecting: &'static str,
    from_text: fn(&str) -> Result<T, String>,
    from_map: fn(M) -> T,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    M: Deserialize<'de>,
{
    struct TextOrMap<T, M> {
        expecting: &'static str,
        from_text: fn(&str) -> Result<T, String>,
        from_map: fn(M) -> T,
    }
    impl<'de, T, M: Deserialize<'de>> Visitor<'de> for TextOrMap<T, M> {
        type Value = T;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.expecting)
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            (self.from_text)(text).map_err(E::custom)
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            M::deserialize(MapAccessDeserializer::new(map)).map(self.from_map)
        }
    }
    deserializer.deserialize_any(TextOrMap { expecting, from_text, from_map })
}
