//! The fields of each kind of transform.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape::TableShape;
use crate::spec::{JoinKey, NameSuffix, NamedExpr, SelectEntry};

/// Which rows of a join are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum JoinType {
    /// Pairs of matching rows.
    #[default]
    Inner,
    /// Pairs, and left rows without a match.
    Left,
    /// Pairs, and right rows without a match.
    Right,
    /// Pairs, and rows of either side without a match.
    Full,
    /// Left rows that have a match, once each.
    Semi,
    /// Left rows that have no match.
    Anti,
}

/// Adds identifiers, spans and normalized text to a source. All columns of the source are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Normalize {
    /// The view or input that is read.
    pub source: String,
    /// Columns that identify a row. When given, a column `entity_id` is added: a hash of the view's name and
    /// all of them; a NULL in any of them makes it NULL.
    #[serde(default)]
    pub id_columns: Vec<String>,
    /// Start and end column of a half-open byte range. When given, a column `span` is added.
    #[serde(default)]
    pub span_columns: Option<[String; 2]>,
    /// Text columns. For each, a column `<name>_normalized` is added: Unicode NFKC, lower case, white space
    /// collapsed and trimmed; NULL when nothing is left.
    #[serde(default)]
    pub text_columns: Vec<String>,
}

/// Joins two sources by equal keys, by spans, or by both. At least one condition must be given.
///
/// The result has the columns of the left side, then those of the right. Names that both sides have must be
/// settled by `select` or `suffix`; without them a clash is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Relate {
    /// The left view or input.
    pub left: String,
    /// The right view or input.
    pub right: String,
    /// Which rows are kept.
    #[serde(default)]
    pub join_type: JoinType,
    /// Pairs of columns that must be equal: `{left, right}`, or one name that both sides have. NULL equals
    /// nothing.
    #[serde(default)]
    pub on: Vec<JoinKey>,
    /// The older spelling of `on`. Both may be given; all pairs must hold.
    #[serde(default)]
    pub join_keys: Vec<JoinKeyPair>,
    /// A condition on byte ranges.
    #[serde(default)]
    pub span: Option<SpanCondition>,
    /// Keeps, for each contained range, only the tightest of the ranges that contain it (among those with
    /// equal keys). Needs `span` with the relation `contains` or `within`.
    #[serde(default)]
    pub innermost: bool,
    /// The columns of the result, in order. Empty: all.
    #[serde(default)]
    pub select: Vec<SelectEntry>,
    /// Appended to column names that both sides have.
    #[serde(default)]
    pub suffix: Option<NameSuffix>,
}

/// Two columns that must be equal (the older spelling of a join key).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinKeyPair {
    /// Column of the left source.
    pub left_key: String,
    /// Column of the right source.
    pub right_key: String,
}

/// A condition on two half-open byte ranges `[start, end)`. It is not met when a bound is NULL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpanCondition {
    /// How the ranges must lie.
    pub relation: SpanRelation,
    /// Start and end column of the left source.
    pub left: [String; 2],
    /// Start and end column of the right source.
    pub right: [String; 2],
}

/// How two half-open ranges lie to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpanRelation {
    /// The left range contains the right one, or equals it.
    Contains,
    /// The left range lies within the right one, or equals it.
    Within,
    /// The ranges share at least one byte.
    Overlaps,
    /// The ranges have the same start and end.
    Equals,
}

/// Puts the rows of several sources together, matching columns by name.
///
/// The result has the first source's columns in their order, then new columns in order of appearance. A
/// source that lacks a column gives NULL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Union {
    /// The views or inputs; at least two.
    pub sources: Vec<String>,
    /// Adds a text column of this name that holds the name of the source.
    #[serde(default)]
    pub discriminator_column: Option<String>,
    /// Removes equal rows.
    #[serde(default)]
    pub distinct: bool,
}

/// Chooses and computes columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// The view or input that is read.
    pub source: String,
    /// The columns of the result, in order. Empty: all columns of the source.
    #[serde(default)]
    pub columns: Vec<NamedExpr>,
}

/// Keeps the rows for which a condition is true. Rows for which it is false or NULL are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// The view or input that is read.
    pub source: String,
    /// A SQL boolean expression over the source's columns.
    pub predicate: String,
}

/// Groups rows and computes one row for each group.
///
/// The result has the columns of `group_by`, then one for each aggregation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// The view or input that is read.
    pub source: String,
    /// What rows are grouped by. Empty: one group of all rows.
    #[serde(default)]
    pub group_by: Vec<NamedExpr>,
    /// What is computed for each group.
    #[serde(default)]
    pub aggregations: Vec<AggregationExpr>,
}

/// One aggregate of an [`Aggregate`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AggregationExpr {
    /// The function's name: `count`, `sum`, `min`, `array_agg`, or any other known aggregate.
    pub function: String,
    /// The column it is applied to, by exact name. Left out with `arguments`, or for `count` of all rows.
    #[serde(default)]
    pub column: Option<String>,
    /// The name of the resulting column.
    pub alias: String,
    /// The arguments as SQL expressions, in place of `column`.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Applies the function to distinct values.
    #[serde(default)]
    pub distinct: bool,
    /// A SQL boolean expression; only rows for which it is true take part.
    #[serde(default)]
    pub filter: Option<String>,
    /// The order rows are taken in, as SQL: `name`, `score DESC`, `score DESC NULLS LAST`.
    #[serde(default)]
    pub order_by: Vec<String>,
}

/// Adds columns computed by window functions. All columns of the source are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The view or input that is read.
    pub source: String,
    /// The added columns, in order.
    pub columns: Vec<ComputedColumn>,
}

/// A column computed by a SQL expression.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComputedColumn {
    /// The name of the column.
    pub name: String,
    /// A SQL expression, such as `row_number() OVER (PARTITION BY file_id ORDER BY start_byte)`.
    pub expr: String,
}

/// Turns each element of a list column into a row. The other columns are repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unnest {
    /// The view or input that is read.
    pub source: String,
    /// The list column.
    pub column: String,
    /// The name of the element's column. Without it, the list column's name.
    #[serde(default)]
    pub alias: Option<String>,
    /// Keeps a row whose list is empty or NULL, with NULL as the element. Without it, such a row vanishes.
    #[serde(default)]
    pub keep_empty: bool,
}

/// A single SQL query over views and inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sql {
    /// One SELECT. Views and inputs are its tables, by name.
    pub query: String,
}

/// The changes an input table's change feed recorded between two versions or two moments.
///
/// The result has the table's columns and `_change_type`, `_commit_version`, `_commit_timestamp`. Both bounds
/// are included. Without any bound, the feed is read from the table's first version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncrementalCdf {
    /// The logical name of an input.
    pub source: String,
    /// The first version read.
    #[serde(default)]
    pub starting_version: Option<u64>,
    /// The last version read. Without it, the input's resolved version.
    #[serde(default)]
    pub ending_version: Option<u64>,
    /// Changes committed at or after this moment (RFC 3339). Not together with `starting_version`.
    #[serde(default)]
    pub starting_timestamp: Option<String>,
    /// Changes committed at or before this moment (RFC 3339). Not together with `ending_version`.
    #[serde(default)]
    pub ending_timestamp: Option<String>,
}

/// One row that describes an input table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The logical name of an input.
    pub source: String,
}

/// One row for each data file of an input table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileManifest {
    /// The logical name of an input.
    pub source: String,
}

/// One of the tables of a code property graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CpgEmit {
    /// Which table: the name of a shape.
    pub output_kind: TableShape,
    /// The views or inputs it is made from; at least one.
    #[serde(default)]
    pub sources: Vec<String>,
}
