//! Inputs, views, outputs, what must hold of them, and the join graph.

mod assertion;
mod input;
mod join_graph;
mod view_test;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroU64;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::shorthand::text_or_map;
use super::{NamedExpr, Transform};

pub use assertion::{Accepted, AcceptedValue, Assertion, AssertionSeverity, RelationTo};
pub use input::{FileColumns, InputRelation};
pub use join_graph::{ConstraintType, JoinConstraint, JoinEdge, JoinGraph};
pub use view_test::{GivenRows, TestRow, TypedRows, ViewTest};

/// A view: a named table computed from inputs and other views.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewDefinition {
    /// The name other views and outputs use. Unique among inputs and views.
    pub name: String,
    /// A label for people, such as `normalize` or `diagnostic`. It changes nothing in what is computed.
    #[serde(default)]
    pub view_kind: Option<String>,
    /// The views this one reads (inputs are not listed). Derived from the transform when left out; when
    /// given, it must be exactly the set that the transform reads.
    #[serde(default)]
    pub view_dependencies: Option<Vec<String>>,
    /// What the view does.
    pub transform: Transform,
    /// Columns the view promises to have.
    #[serde(default)]
    pub output_schema: SchemaContract,
    /// What must hold of its rows before anything is published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertions: Vec<Assertion>,
}

/// Promised columns and their types, ordered by name.
pub type ColumnPromises = BTreeMap<String, String>;

/// Columns a view promises to have. Further columns are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SchemaContract {
    /// Column name to Arrow type name: `Int64`, `Utf8`, `Boolean`, `Float64`, `Date32`, ...
    #[serde(default)]
    pub columns: ColumnPromises,
}

/// A Delta table that a run writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputTarget {
    /// The name of the table. Unique among outputs.
    pub table_name: String,
    /// Where the Delta table is: a path, or a `file://` URL. Relative paths count from the spec's folder. Without it, a
    /// folder there that is named after the table.
    #[serde(default)]
    pub delta_location: Option<String>,
    /// The view (or input) whose rows are written.
    pub source_view: String,
    /// The columns written, in order. Empty: all columns of the source, in its order.
    #[serde(default)]
    pub columns: Vec<NamedExpr>,
    /// Whether the table's rows are replaced or added to.
    #[serde(default)]
    pub materialization_mode: MaterializationMode,
    /// What may happen to the columns of a table that exists. Without it, nothing.
    #[serde(default, skip_serializing_if = "SchemaMode::is_strict")]
    pub schema_mode: SchemaMode,
    /// Columns the table is partitioned by. Empty: those it has already, and none if it is created or replaced.
    #[serde(default)]
    pub partition_by: Vec<String>,
    /// What the rows of every data file are sorted by. The table records it, and readers that need this order then
    /// do not sort.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sort_by: Vec<SortColumn>,
    /// Text pairs stored in the commit's metadata.
    #[serde(default)]
    pub write_metadata: BTreeMap<String, String>,
    /// How often an append that lost the race for a version to another append is tried again. Without it, 15 times. For
    /// appends only: what an overwrite was computed from has changed when another commit comes first. So has what assertions
    /// of the output, and checks of a code property graph, were about: an append with these is not tried again, and fails.
    #[serde(default)]
    pub max_commit_retries: Option<u32>,
    /// Size aimed at for each data file, in bytes. Without it, the table's own setting, else 128 MiB.
    #[serde(default)]
    pub target_file_size: Option<NonZeroU64>,
    /// What must hold of the rows of its table before anything is published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertions: Vec<Assertion>,
}

/// What happens to the rows a table already has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MaterializationMode {
    /// New rows are added to those that are there.
    Append,
    /// New rows replace all rows that are there.
    #[default]
    Overwrite,
}

/// What a write may do to the columns of a table that exists. In every mode, values are converted where the table's type
/// holds them exactly, such as `Int32` in a column of `Int64`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SchemaMode {
    /// Nothing: the columns written are those of the table.
    #[default]
    Strict,
    /// Columns the table lacks are added to it. They can be NULL, and are NULL in rows that are there already.
    Additive,
    /// The table gets exactly the columns, types and partitioning written. Only with `Overwrite`.
    Replace,
}

impl SchemaMode {
    fn is_strict(&self) -> bool {
        *self == Self::Strict
    }
}

/// A column that rows are sorted by: its name, or `{column, descending}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortColumn {
    /// The exact name of the column; never parsed as SQL.
    pub column: String,
    /// Whether large values come first. NULL counts as larger than every value.
    pub descending: bool,
}

/// The full form of [`SortColumn`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnAndDirection {
    column: String,
    #[serde(default)]
    descending: bool,
}

impl Serialize for SortColumn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { column, descending } = self.clone();
        if descending {
            ColumnAndDirection { column, descending }.serialize(serializer)
        } else {
            serializer.serialize_str(&column)
        }
    }
}

impl<'de> Deserialize<'de> for SortColumn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_map(
            deserializer,
            "a column name or {column, descending}",
            |text| Ok(Self { column: text.to_owned(), descending: false }),
            |ColumnAndDirection { column, descending }| Self { column, descending },
        )
    }
}

impl JsonSchema for SortColumn {
    fn schema_name() -> Cow<'static, str> {
        "SortColumn".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A column that rows are sorted by. NULL counts as larger than every value.",
            "oneOf": [
                { "type": "string", "description": "The exact name of a column: small values first." },
                {
                    "type": "object",
                    "properties": {
                        "column": { "type": "string", "description": "The exact name of a column." },
                        "descending": {
                            "type": "boolean", "default": false, "description": "Large values first."
                        }
                    },
                    "required": ["column"],
                    "additionalProperties": false
                }
            ]
        })
    }
}
