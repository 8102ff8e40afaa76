//! Surface operations: what specs are written in. Phase Core has none of them.

use serde::{Deserialize, Serialize};

use super::core::GraphTable;
use super::join::{JoinColumn, JoinType, Side, SpanRelation};
use crate::schema::Schema;

/// Adds an identifier, a span and normalised texts to its input.
///
/// Columns added, in this order: `entity_id` when id columns are given (`stable_id128` of the kind and all of
/// them; NULL when one is NULL), `span` when span columns are given, and `<column>_normalized` for every text column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalize {
    /// The kind of what a row describes: the name the view has in the spec. Part of every identifier.
    pub kind: String,
    /// The columns that identify a row.
    pub id_columns: Vec<String>,
    /// The columns with the start and the end of the span.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_columns: Option<[String; 2]>,
    /// The columns to normalise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub text_columns: Vec<String>,
}

/// A join by equal keys, by spans, or both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relate {
    /// Which rows are kept.
    pub join_type: JoinType,
    /// Pairs of columns (left, right) that must be equal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<(String, String)>,
    /// The relation of the two spans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<RelateSpan>,
    /// The output columns; all of both sides if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Vec<SelectColumn>>,
    /// What is appended to the names of left and right columns that clash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<(String, String)>,
}

/// An entry of a relate's output columns. The text form is `left.*`, `left.column` or `right.column as name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub enum SelectColumn {
    /// All columns of one side.
    All(Side),
    /// One column.
    One(JoinColumn),
}

impl Serialize for SelectColumn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All(Side::Left) => serializer.serialize_str("left.*"),
            Self::All(Side::Right) => serializer.serialize_str("right.*"),
            Self::One(column) => column.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SelectColumn {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "left.*" => Ok(Self::All(Side::Left)),
            "right.*" => Ok(Self::All(Side::Right)),
            _ => JoinColumn::deserialize(serde::de::value::StringDeserializer::new(text)).map(Self::One),
        }
    }
}

/// How the spans of the two sides relate. Spans are half-open: the end is not part of the span.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelateSpan {
    /// What the left span is to the right one.
    pub relation: SpanRelation,
    /// The start and end columns of the left side.
    pub left: [String; 2],
    /// The start and end columns of the right side.
    pub right: [String; 2],
    /// Whether only the tightest container of each contained row is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub innermost: bool,
}

/// Stacks its inputs by column name: the first input's columns in their order, then new columns in order of
/// appearance. A column an input does not have is NULL there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnionByName {
    /// A column, put first, that holds the name of the source a row comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<String>,
    /// Whether equal rows become one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub distinct: bool,
    /// The names of the sources, in port order: the values of the discriminator.
    pub sources: Vec<String>,
}

/// Stacks its inputs with the columns of a table: these first, then whatever else the inputs have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conform {
    /// The columns of the table. One that is never NULL (`!`) must be in every input; of the others those that an input
    /// lacks are NULL there.
    pub columns: Schema,
    /// How the rows are grouped; a table of lists has only these columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lists: Option<Lists>,
    /// Which part of a graph the table is; it goes with it to the sink of an output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<GraphTable>,
}

/// Rows grouped into lists of structs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lists {
    /// The columns that rows are grouped by.
    pub by: Vec<String>,
    /// The name of the column with the lists.
    pub list: String,
    /// The columns in an element of the list.
    pub element: Vec<String>,
    /// The columns that a list is ordered by.
    pub order: Vec<String>,
}

impl Lists {
    /// The columns of the rows that are grouped, once for every time they are named.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.by.iter().chain(&self.element).chain(&self.order).map(String::as_str)
    }
}
