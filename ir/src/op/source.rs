//! Operations that read tables.

use serde::{Deserialize, Serialize};

use super::files::FileSource;
use crate::estimate::Estimate;
use crate::hash::ContentHash;

/// The column with the file each row comes from, where a spec asks for lineage and gives it no other name.
pub const SOURCE_FILE_COLUMN: &str = "__source_file";

/// A table named by the spec, not opened yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The location as the spec gives it; relative ones are relative to the spec's folder.
    pub location: String,
    /// The version to read; the latest if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// How its files are read; a Delta table if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<FileSource>,
    /// The name of the column with the file of each row; none if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<String>,
}

/// The rows inserted, updated and deleted between two versions of the input it names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeFeed {
    /// Which versions.
    #[serde(default, skip_serializing_if = "ChangeRange::is_everything")]
    pub range: ChangeRange,
}

/// The versions of a change feed: by version number or by time, both ends included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableMetadata {}

/// One row for every active data file of the input it names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileManifest {}

/// What a scan reads of its table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
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

/// What tells what a scan reads at a version from what any other scan reads. Where a table lies is no part of it, so a
/// lake that moves stays itself; and two copies of a table that were written to since are two tables.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The id in the table's metadata. Copies of a table share it. For files, the name of their format.
    pub table_id: String,
    /// The digest of the commit that made the version; absent when the log no longer has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<ContentHash>,
    /// The digest of everything the log says about what is read: of the list of active files, and for a change feed of
    /// the commits it covers. For files it is the digest of their list: paths, sizes, contents. It is there where the commit alone does not tell: the log no longer has it, or two tables
    /// of one compilation, at different places, have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<ContentHash>,
    /// The canonical location, where what is read shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

impl Identity {
    /// Whether the rows are the same as far as both sides know: digests are compared where both have them. Without a
    /// digest that both have, nothing is known and the answer is no.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let compare = |left: &Option<ContentHash>, right: &Option<ContentHash>| match (left, right) {
            (Some(left), Some(right)) => Some(left == right),
            _ => None,
        };
        let digests = [compare(&self.commit, &other.commit), compare(&self.listing, &other.listing)];
        self.table_id == other.table_id
            && digests.contains(&Some(true))
            && !digests.contains(&Some(false))
            && self.place == other.place
    }
}

/// A leaf: one version of a Delta table, or files as they are. Its schema comes from the table and is not derived.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// The location as the spec gives it.
    pub location: String,
    /// The version that is read; 0 for files, which have none.
    pub version: u64,
    /// What tells the rows from those of every other table; without it the location must do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// What is read.
    #[serde(default, skip_serializing_if = "is_rows")]
    pub read: Read,
    /// How its files are read; a Delta table if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<FileSource>,
    /// The name of the column with the file of each row; none if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<String>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_compared_by_what_both_sides_have() {
        let digest = |text: &str| Some(ContentHash::of(text.as_bytes()));
        let identity = |commit: Option<&str>, listing: Option<&str>| Identity {
            table_id: "t".to_owned(),
            commit: commit.and_then(digest),
            listing: listing.and_then(digest),
            place: None,
        };
        let agree = |left: (Option<&str>, Option<&str>), right: (Option<&str>, Option<&str>)| {
            identity(left.0, left.1).agrees_with(&identity(right.0, right.1))
        };
        assert!(agree((Some("c"), None), (Some("c"), Some("l"))));
        assert!(agree((Some("c"), Some("l")), (None, Some("l"))));
        assert!(!agree((Some("c"), Some("l")), (Some("c"), Some("m"))));
        assert!(!agree((Some("c"), Some("l")), (Some("d"), Some("l"))));
        assert!(!agree((Some("c"), None), (None, Some("l"))), "nothing is known");
        let other = Identity { table_id: "u".to_owned(), ..identity(Some("c"), None) };
        assert!(!identity(Some("c"), None).agrees_with(&other));
    }
}
