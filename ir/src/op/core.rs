//! Core operations but joins: what the engine runs.

use serde::{Deserialize, Serialize};

use crate::expr::{NamedExprs, ScalarExpr};

/// Keeps the rows for which the predicate is true.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// A boolean expression over the columns of the input.
    pub predicate: ScalarExpr,
}

/// Computes output columns from each row. Without columns it stands for all columns of the input; that is
/// surface syntax and gone in phase Core.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// The output columns.
    #[serde(default, skip_serializing_if = "NamedExprs::is_empty")]
    pub columns: NamedExprs,
}

/// One row per group: the grouping columns, then the measures.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// What rows are grouped by; nothing means one group of all rows.
    #[serde(default, skip_serializing_if = "NamedExprs::is_empty")]
    pub group_by: NamedExprs,
    /// Aggregate calls.
    #[serde(default, skip_serializing_if = "NamedExprs::is_empty")]
    pub measures: NamedExprs,
}

/// All columns of the input, then window calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The columns added.
    pub columns: NamedExprs,
}

/// One row for every element of a list column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unnest {
    /// The list column; in the output it is replaced, in its place, by the element.
    pub column: String,
    /// The name of the element column; the list column's name if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Whether a row with a NULL or empty list stays, with a NULL element.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_empty: bool,
}

/// A SQL query over its inputs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The query.
    pub query: crate::expr::Query,
    /// What the query calls its inputs, in port order.
    pub relations: Vec<String>,
}

/// Stacks inputs with the same columns and types; duplicates stay.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Union {}

/// Equal rows become one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distinct {}

/// How a sink treats what the table holds already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkMode {
    /// Adds rows.
    Append,
    /// Replaces all rows.
    Overwrite,
    /// Has no table: the rows are for whoever asked to see them. No location is opened, and nothing is written.
    Return,
}

/// What a sink may do to the columns of a table that exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaMode {
    /// Nothing.
    #[default]
    Strict,
    /// Adds columns that can be NULL.
    Additive,
    /// Replaces columns, types and partitioning.
    Replace,
}

impl SchemaMode {
    fn is_strict(&self) -> bool {
        *self == Self::Strict
    }
}

/// A column that rows are sorted by. NULL counts as larger than every value; texts are compared by their bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortColumn {
    /// The column.
    pub column: String,
    /// Whether large values come first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub descending: bool,
}

/// The tables of a graph between which something must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GraphTable {
    /// A row for each node, with its identifier in `node_id`.
    Nodes,
    /// A row for each edge, with its identifier in `edge_id` and those of its ends in `src_node_id` and `dst_node_id`.
    Edges,
}

/// Writes its input to a Delta table: that of the output its node belongs to. One of mode [`SinkMode::Return`] has no table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sink {
    /// The location as the spec gives it, or the table's name.
    pub location: String,
    /// Append or overwrite.
    pub mode: SinkMode,
    /// What may happen to the columns of the table.
    #[serde(default, skip_serializing_if = "SchemaMode::is_strict")]
    pub schema_mode: SchemaMode,
    /// The partition columns of the table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partition_by: Vec<String>,
    /// What the rows of every data file are sorted by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sort_by: Vec<SortColumn>,
    /// The size of data files to aim for, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_file_size: Option<u64>,
    /// Key-value pairs for the commit.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub metadata: std::collections::BTreeMap<String, String>,
    /// How often a commit is retried when an append loses a race.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_commit_retries: Option<u32>,
    /// Which part of a graph this is. Before such tables are published, they are checked: identifiers are unique, edges end
    /// at nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<GraphTable>,
}

impl Sink {
    /// The end of the name of an output that only returns the rows of a view: `view.rows`. No name in a spec has a point.
    pub const ROWS: &'static str = ".rows";

    /// A sink that returns its rows.
    #[must_use]
    pub fn returning() -> Self {
        Self {
            location: String::new(),
            mode: SinkMode::Return,
            schema_mode: SchemaMode::Strict,
            partition_by: Vec::new(),
            sort_by: Vec::new(),
            target_file_size: None,
            metadata: std::collections::BTreeMap::new(),
            max_commit_retries: None,
            graph: None,
        }
    }

    /// Whether it has a table.
    #[must_use]
    pub fn has_table(&self) -> bool {
        self.mode != SinkMode::Return
    }
}
