//! Files that are no Delta table, read as one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How files that are no Delta table are read as one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSource {
    /// What the files are.
    pub format: FileFormat,
    /// Options of the format by their keys, as DataFusion writes their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// Whether files may lack columns that others have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub union_by_name: bool,
    /// The columns; inferred from the files if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<FileColumn>>,
}

/// What files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(Serialize, Deserialize, JsonSchema, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Apache Parquet.
    Parquet,
    /// Values separated by commas, or by another character.
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// Arrow IPC, in the file or the stream format.
    Arrow,
}

impl FileFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Parquet, Self::Csv, Self::Ndjson, Self::Arrow];

    /// Its name in specs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Arrow => "arrow",
        }
    }
}

/// A column of files: `{name: id, type: Int64}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(Serialize, Deserialize, JsonSchema, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileColumn {
    /// Its name in the files; in CSV files without a header, which have no names, its place in the list counts.
    pub name: String,
    /// Its Arrow type: `Int64`, `Utf8`, `Boolean`, `Float64`, `Date32`, `Timestamp(µs)`, ... Timestamps are scanned as
    /// microseconds, unsigned integers as the signed type that holds them; what does not fit the type given is an error all the same.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether it may be NULL.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub nullable: bool,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_yes(value: &bool) -> bool {
    *value
}
