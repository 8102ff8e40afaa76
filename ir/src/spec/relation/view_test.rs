//! Tests of views: rows that relations have, and the rows that a view gives then.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ColumnPromises;

/// A row: column name to value. Dates and timestamps are written as text, binary values as text of hexadecimal digits, lists as
/// lists, structs and maps as maps; numbers as numbers, or as text. A value that its column's type does not hold exactly is
/// refused: nothing is rounded or cut off.
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
    /// The rows of inputs, and of views that are not to be computed: all that the view needs, and nothing else. A column that a
    /// row leaves out is NULL, which one that is never NULL may be only where no row names it.
    #[serde(default)]
    pub given: BTreeMap<String, GivenRows>,
    /// Values for parameters of the spec, by their labels, in place of those that the spec gives them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Value>,
    /// The rows that the view gives, in any order unless `ordered` says otherwise. Only the columns that they name are
    /// compared, and all of them name the same; without a row, the view must give none.
    pub expect: Vec<TestRow>,
    /// The rows come in the order of `expect`. Only for a view that is a query with ORDER BY at its end: no other has an
    /// order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ordered: bool,
    /// How far a number may be from what is expected. Without it, numbers must be equal; zero and minus zero are, and so are
    /// two that are no number (NaN).
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub tolerance: Option<f64>,
}

/// The rows of a relation. Its columns are those of the input or view of this name unless it says what they are: of an input
/// whose table or files are not there, those of its `schema`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum GivenRows {
    /// Rows of the columns that the relation has. In one that is never NULL, they must have a value.
    Rows(Vec<TestRow>),
    /// Rows of these columns.
    Typed(TypedRows),
}

/// Rows with their columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TypedRows {
    /// Column name to Arrow type name: `Int64`, `Utf8`, `Boolean`, `Float64`, `Date32`, ... All can be NULL.
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
