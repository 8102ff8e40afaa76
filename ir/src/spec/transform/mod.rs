//! What a view does: one of the kinds of transform.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

mod kinds;
mod shape;

pub use kinds::*;
pub use shape::TableShape;

/// Declares the transforms once: the enum, its names on the wire, and how one is read by its `kind`.
macro_rules! transforms {
    ($($(#[$doc:meta])* $kind:ident,)+) => {
        /// What a view does, told apart by `kind`.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(tag = "kind")]
        pub enum Transform {
            $($(#[$doc])* $kind($kind),)+
        }

        impl Transform {
            /// Every kind, as written in `kind`.
            pub const KINDS: &[&str] = &[$(stringify!($kind)),+];

            /// The kind, as written in `kind`.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => stringify!($kind),)+
                }
            }

            /// Reads the fields of one kind.
            fn read<'de, D: Deserializer<'de>>(kind: &str, fields: D) -> Result<Self, D::Error> {
                match kind {
                    $(stringify!($kind) => $kind::deserialize(fields).map(Self::$kind),)+
                    unknown => Err(D::Error::unknown_variant(unknown, Self::KINDS)),
                }
            }
        }

        impl JsonSchema for Transform {
            fn schema_name() -> Cow<'static, str> {
                "Transform".into()
            }
            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "description": "What a view does, told apart by `kind`.",
                    "oneOf": [$(with_kind(stringify!($kind), $kind::json_schema(generator))),+]
                })
            }
        }
    };
}

transforms! {
    /// Adds identifiers, spans and normalized text to a source.
    Normalize,
    /// Joins two sources by equal keys, by spans, or by both.
    Relate,
    /// Puts the rows of several sources together, matching columns by name.
    Union,
    /// Chooses and computes columns.
    Project,
    /// Keeps the rows for which a condition is true.
    Filter,
    /// Groups rows and computes one row for each group.
    Aggregate,
    /// Adds columns computed by window functions.
    Window,
    /// Turns each element of a list column into a row.
    Unnest,
    /// A single SQL query over views and inputs.
    Sql,
    /// The changes an input table's change feed recorded.
    IncrementalCdf,
    /// One row that describes an input table: version, protocol, schema, size.
    Metadata,
    /// One row for each data file of an input table.
    FileManifest,
    /// One of the tables of a code property graph, from views of the same shape.
    CpgEmit,
}

/// The schema of one kind: its fields and `kind`, in one object, so that further fields can be refused.
fn with_kind(kind: &str, mut schema: Schema) -> Schema {
    use serde_json::{Value, json};
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.shift_insert(0, "kind".to_owned(), json!({ "type": "string", "const": kind }));
    }
    match schema.get_mut("required") {
        Some(Value::Array(required)) => required.insert(0, json!("kind")),
        _ => {
            schema.insert("required".to_owned(), json!(["kind"]));
        }
    }
    schema
}

/// Reads `kind` first and then the other fields in place. Serde's own reading of tagged enums buffers the
/// whole map, which would lose the path of an error inside it; that way is taken only when `kind` does not
/// come first (the loader puts it first).
impl<'de> Deserialize<'de> for Transform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KindFirst;
        impl<'de> Visitor<'de> for KindFirst {
            type Value = Transform;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a transform with a `kind`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Transform, A::Error> {
                let mut fields = serde_json::Map::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "kind" && fields.is_empty() {
                        let kind: String = map.next_value()?;
                        return Transform::read(&kind, MapAccessDeserializer::new(map));
                    }
                    let value = map.next_value()?;
                    if fields.insert(key.clone(), value).is_some() {
                        return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
                    }
                }
                match fields.remove("kind") {
                    Some(serde_json::Value::String(kind)) => {
                        Transform::read(&kind, fields.into_deserializer()).map_err(A::Error::custom)
                    }
                    _ => Err(A::Error::missing_field("kind")),
                }
            }
        }
        deserializer.deserialize_map(KindFirst)
    }
}
