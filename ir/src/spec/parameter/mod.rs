//! Typed parameters: values given from outside the views.

mod given;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use given::{GivenParameter, GivenValue};

/// A value and where it goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TypedParameter {
    /// A name for messages.
    #[serde(default)]
    pub label: Option<String>,
    /// Where the value goes.
    pub target: ParameterTarget,
    /// The value and its type.
    pub value: ParameterValue,
}

/// Where a parameter's value goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", deny_unknown_fields)]
pub enum ParameterTarget {
    /// The placeholder `$position` in SQL expressions and queries.
    PlaceholderPos {
        /// Counted from 1. All positions from 1 to the highest must be given, each once.
        position: u32,
    },
    /// Keeps the rows whose column equals the value.
    FilterEq {
        /// The input or view that is filtered. Without it, the rows of every input that has the column; change feeds,
        /// metadata and lists of files are filtered only by name.
        #[serde(default)]
        base_table: Option<String>,
        /// The column that is compared.
        filter_column: String,
    },
}

/// A value with its type: `{type: Int64, value: 7}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "value", deny_unknown_fields)]
pub enum ParameterValue {
    /// Text.
    Utf8(String),
    /// A 64-bit integer.
    Int64(i64),
    /// A finite 64-bit float.
    Float64(f64),
    /// A truth value.
    Boolean(bool),
    /// A day, `YYYY-MM-DD` (Arrow `Date32`).
    Date(String),
    /// A moment without zone, `YYYY-MM-DDTHH:MM:SS[.fraction]`, with `T` or a space (Arrow microseconds).
    Timestamp(String),
    /// NULL of a type.
    Null {
        /// One of `utf8`, `int64`, `int32`, `float64`, `float32`, `boolean`, `date32`, `timestamp`, or the
        /// synonyms `string`, `long`, `int`, `double`, `float`, `bool`, `date`.
        data_type: String,
    },
}
