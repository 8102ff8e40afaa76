//! Schemas: the columns of a node, as Arrow types with nullability.

mod types;

use std::sync::Arc;

use arrow_schema::{DataType, Field, SchemaRef};

use crate::lexer::{Cursor, Read, word};
use types::{TypeText, plain_field, plain_type};

/// The columns of a relation, in order. Two schemas are equal when names, types and nullability are; metadata is
/// not part of a relation and is dropped, at every depth.
///
/// The text form is `{id Int64!, day Date32}`: Arrow's names for types, `!` for a column that is never NULL.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Schema(SchemaRef);

/// A schema text that does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a schema: {0}")]
pub struct SchemaError(String);

impl Schema {
    /// A schema of these columns: name, type, nullability.
    pub fn new(columns: impl IntoIterator<Item = (String, DataType, bool)>) -> Self {
        let fields: Vec<Field> = columns
            .into_iter()
            .map(|(name, data_type, nullable)| Field::new(name, plain_type(&data_type), nullable))
            .collect();
        Self(Arc::new(arrow_schema::Schema::new(fields)))
    }

    /// The columns of an Arrow schema.
    #[must_use]
    pub fn from_arrow(schema: &arrow_schema::Schema) -> Self {
        let fields: Vec<Field> = schema.fields().iter().map(|field| plain_field(field)).collect();
        Self(Arc::new(arrow_schema::Schema::new(fields)))
    }

    /// The Arrow schema.
    #[must_use]
    pub fn arrow(&self) -> &SchemaRef {
        &self.0
    }

    /// The columns, in order.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = &Field> + DoubleEndedIterator {
        self.0.fields().iter().map(AsRef::as_ref)
    }

    /// The names of the columns, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.fields().map(|field| field.name().as_str())
    }

    /// The column with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.0.column_with_name(name).map(|(_, field)| field)
    }

    /// Whether there is a column with this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// How many columns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.fields().len()
    }

    /// Whether there are no columns.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.fields().is_empty()
    }

    /// The columns of these names, in the order of the schema.
    #[must_use]
    pub fn project(&self, keep: impl Fn(&str) -> bool) -> Self {
        let fields: Vec<Field> = self.fields().filter(|field| keep(field.name())).cloned().collect();
        Self(Arc::new(arrow_schema::Schema::new(fields)))
    }

    /// The text form of every column: `name Type`, with `!` when it is never NULL.
    pub(crate) fn columns(&self) -> impl Iterator<Item = String> {
        self.fields().map(|field| {
            let not_null = if field.is_nullable() { "" } else { "!" };
            format!("{} {}{not_null}", word(field.name()), TypeText(field.data_type()))
        })
    }

    /// Parses the text form.
    ///
    /// # Errors
    /// When the text is not `{name Type, name Type!, …}` with Arrow's names of types.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        let mut cursor = Cursor::new(text);
        Self::read(&mut cursor)
            .and_then(|schema| cursor.end().map(|()| schema))
            .map_err(|fault| SchemaError(fault.message))
    }

    /// Reads the text form off the front of a longer text.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Read<Self> {
        let mut columns = Vec::new();
        cursor.expect("{")?;
        while !cursor.take("}") {
            let name = cursor.word()?;
            let data_type = types::read_type(cursor, 0)?;
            columns.push((name, data_type, !cursor.take("!")));
            if !cursor.take(",") {
                cursor.expect("}")?;
                break;
            }
        }
        Ok(Self::new(columns))
    }
}

/// Whether two types are the same but for how values are encoded in memory: views, offsets and dictionaries.
#[must_use]
pub fn same_logical_type(left: &DataType, right: &DataType) -> bool {
    let (left, right) = (plain(left), plain(right));
    match (&left, &right) {
        (DataType::List(a), DataType::List(b)) | (DataType::Map(a, _), DataType::Map(b, _)) => {
            same_logical_type(a.data_type(), b.data_type())
        }
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b.iter())
                    .all(|(a, b)| a.name() == b.name() && same_logical_type(a.data_type(), b.data_type()))
        }
        (a, b) => a == b,
    }
}

/// The type with the plain encoding of its outermost level.
#[expect(clippy::wildcard_enum_match_arm, reason = "other types of Arrow have one encoding")]
fn plain(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::LargeList(inner) | DataType::ListView(inner) | DataType::LargeListView(inner) => {
            DataType::List(Arc::clone(inner))
        }
        DataType::Dictionary(_, value) => plain(value),
        other => other.clone(),
    }
}

/// A type as people write it, who are not concerned with how its values lie in memory.
pub fn plain_type_text(data_type: &DataType) -> String {
    type_text(&plain(data_type))
}

/// Reads a type as schemas print it.
///
/// # Errors
/// When there is no type of this name.
pub fn parse_type(text: &str) -> Result<DataType, SchemaError> {
    let mut cursor = Cursor::new(text);
    let read = types::read_type(&mut cursor, 0).and_then(|data_type| cursor.end().map(|()| data_type));
    read.map_err(|fault| SchemaError(fault.message))
}

/// A type as schemas print it.
#[must_use]
pub fn type_text(data_type: &DataType) -> String {
    TypeText(data_type).to_string()
}

impl std::fmt::Display for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{{{}}}", self.columns().collect::<Vec<_>>().join(", "))
    }
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl serde::Serialize for Schema {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Schema {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

crate::as_text::archive_as_text!(Schema, Schema::parse);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_nested_types_and_odd_names() {
        let text = r#"{id Int64!, "a b" Utf8View, tags List(Struct("k": non-null Utf8, "v": Int64)), at Timestamp(µs, "UTC")!}"#;
        assert_eq!(Schema::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn encodings_are_the_same_logical_type_but_widths_are_not() {
        let dictionary = DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8));
        assert!(same_logical_type(&DataType::Utf8View, &dictionary));
        assert!(!same_logical_type(&DataType::Int32, &DataType::Int64));
    }
}
