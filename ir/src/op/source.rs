//! Operations that read tables.

use serde::{Deserialize, Serialize};

use crate::estimate::Estimate;

/// The column a scan adds when lineage is asked for: the file each row comes from.
pub const SOURCE_FILE_COLUMN: &str = "__source_file";

/// A table named by the spec, not opened yet.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The location as the spec gives it; relative ones are relative to the spec's folder.
    pub location: String,
    /// The version to read; the latest if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Whether to add [`SOURCE_FILE_COLUMN`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lineage: bool,
}

/// The rows inserted, updated and deleted between two versions of the input it names.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct ChangeFeed {
    /// Which versions.
    #[serde(default, skip_serializing_if = "ChangeRange::is_everything")]
    pub range: ChangeRange,
}

/// The versions of a change feed: by version number or by time, both ends included.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct ChangeRange {
    /// The first version; 0 if absent and no starting time is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting_version: Option<u64>,
    /// The last version; the latest if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending_version: Option<u64>,
    /// The first commit time, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting_timestamp: Option<String>,
    /// The last commit time, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending_timestamp: Option<String>,
}

impl ChangeRange {
    /// Whether the range has no bounds.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// One row about the input it names: version, protocol, properties, schema.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct TableMetadata {}

/// One row for every active data file of the input it names.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct FileManifest {}

/// What a scan reads of its table.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// The rows of the table.
    #[default]
    Rows,
    /// The changes of the table between versions.
    Changes(ChangeRange),
    /// The one row of table metadata.
    Metadata,
    /// The rows about active data files.
    Files,
}

/// A leaf: one version of a Delta table. Its schema comes from the table and is not derived.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// The location as the spec gives it.
    pub location: String,
    /// The version that is read.
    pub version: u64,
    /// The id in the table's metadata: two tables at one location at different times differ in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_id: Option<String>,
    /// What is read.
    #[serde(default, skip_serializing_if = "is_rows")]
    pub read: Read,
    /// Whether [`SOURCE_FILE_COLUMN`] is added.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lineage: bool,
    /// The partition columns of the table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partitioned_by: Vec<String>,
    /// The columns that are read, in table order; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// How many rows the scan gives, from the table's statistics.
    pub rows: Estimate,
}

fn is_rows(read: &Read) -> bool {
    *read == Read::Rows
}
