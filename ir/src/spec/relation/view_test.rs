//! Tests of views: rows that relations have, and the rows that a view gives then.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ColumnPromises;

/// A row: column name to value. Dates, timestamps and decimals are written as text, lists as lists, structs as maps. A column
/// that is left out is NULL.
pub type TestRow = BTreeMap<String, Value>;

/// A test of one view: with these rows in the relations that it reads, it gives those rows. `driver test` runs it over
/// temporary tables; no other run does, and it decides no row of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewTest {
    /// A name for messages. Unique among tests.
    pub name: String,
    /// The view that is tested. It and what it needs is computed.
    pub view: String,
    /// The rows of inputs, and of views that are not to be computed. Every input that is needed must be among them.
    #[serde(default)]
    pub given: BTreeMap<String, GivenRows>,
    /// The rows that the view gives, in any order. Only the columns that they name are compared.
    pub expect: Vec<TestRow>,
    /// How far a number may be from what is expected. Without it, numbers must be equal.
    #[serde(default)]
    pub tolerance: Option<f64>,
}

/// The rows of a relation. Its columns are those of the input or view of this name unless it says what they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum GivenRows {
    /// Rows of the columns that the relation has. An input must be there to be asked.
    Rows(Vec<TestRow>),
    /// Rows of these columns.
    Typed(TypedRows),
}

/// Rows with their columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TypedRows {
    /// Column name to Arrow type name: `Int64`, `Utf8`, `Boolean`, `Float64`, `Date32`, ...
    pub schema: ColumnPromises,
    /// The rows.
    pub rows: Vec<TestRow>,
}

impl GivenRows {
    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[TestRow] {
        match self {
            Self::Rows(rows) | Self::Typed(TypedRows { rows, .. }) => rows,
        }
    }

    /// The columns, if it says what they are.
    #[must_use]
    pub fn schema(&self) -> Option<&ColumnPromises> {
        match self {
            Self::Rows(_) => None,
            Self::Typed(typed) => Some(&typed.schema),
        }
    }
}
