//! Assertions: what must hold of the rows of a view or an output before anything is published.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that must hold of the rows of a view or an output: exactly one of `unique`, `not_null`, `accepted`,
/// `relation` and `expression`.
///
/// It is evaluated in every run before anything is published: of a view on the rows that the run computes, of an output on
/// its table as it would be, with the rows that an append keeps. All assertions are evaluated, whatever fails, and failing
/// rows are counted and shown: the columns that the assertion is about, with those of the `unique` assertions beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// A name for messages and records, unique among the assertions of a view or output. Without it, one is made of the
    /// kind and the columns: `unique_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What happens when rows fail.
    #[serde(default, skip_serializing_if = "AssertionSeverity::is_error")]
    pub severity: AssertionSeverity,
    /// No two rows have the same values in all of these columns. A row with NULL in one of them equals no other row, as in
    /// SQL; add `not_null` where that is not meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub unique: Option<Vec<String>>,
    /// No row has NULL in one of these columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub not_null: Option<Vec<String>>,
    /// A column has one of these values in every row, or NULL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
    /// Every row has a row in another relation, with equal keys. A row with NULL in one of its keys needs none, as with a
    /// foreign key of SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<RelationTo>,
    /// A SQL expression that is true or NULL for every row, as a CHECK of SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
}

/// What happens when an assertion does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssertionSeverity {
    /// The run publishes, and its report and record say how many rows fail.
    Warn,
    /// The run fails, and publishes nothing.
    #[default]
    Error,
}

impl AssertionSeverity {
    fn is_error(&self) -> bool {
        *self == Self::Error
    }
}

/// The values that a column may have, beside NULL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The exact name of the column.
    pub column: String,
    /// The values, each of the column's type: whole numbers for numbers, texts for texts. Dates, timestamps, fractions and other
    /// values without a form of their own are written as text.
    #[schemars(length(min = 1))]
    pub values: Vec<AcceptedValue>,
}

/// A value that a column may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AcceptedValue {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
}

/// Where the rows are that the rows of an assertion refer to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelationTo {
    /// The key columns of the rows that are checked.
    #[schemars(length(min = 1))]
    pub columns: Vec<String>,
    /// The view or input that has a row for each of them.
    pub to: String,
    /// The key columns of that view or input, one for each of `columns`.
    #[schemars(length(min = 1))]
    pub to_columns: Vec<String>,
}
