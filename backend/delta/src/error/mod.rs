//! What can go wrong when reading or writing a Delta table, one variant per cause a caller can act on.

mod mismatch;

use std::error::Error;
use std::io;

use datafusion::error::DataFusionError;
use deltalake::DeltaTableError;

use crate::location::Access;

pub use mismatch::SchemaMismatch;

/// Result of every fallible operation of this crate.
pub type Result<T, E = DeltaError> = std::result::Result<T, E>;

/// An error of this crate. Every message names the table and says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeltaError {
    /// The text given as a table location cannot be one.
    #[error("`{text}` is not a table location: {reason}")]
    InvalidLocation {
        /// The location as written.
        text: String,
        /// Why it is refused and what to write instead.
        reason: String,
    },
    /// The place is outside the folders that may be used.
    #[error("`{text}`{} is in none of the folders that a spec may {access}", leads_to(.text, .place))]
    OutsideRoots {
        /// The location as written.
        text: String,
        /// Where it leads.
        place: String,
        /// What it would have been used for.
        access: Access,
    },
    /// Nothing exists at the location.
    #[error(
        "no table at `{location}`: the directory does not exist; create the table first or correct the location"
    )]
    NotFound {
        /// Where we looked.
        location: String,
    },
    /// Something exists at the location, but it has no Delta log.
    #[error("`{location}` is not a Delta table: it holds no `_delta_log` with a commit or a checkpoint")]
    NotATable {
        /// Where we looked.
        location: String,
    },
    /// The pinned version does not exist, or its log entries were cleaned up.
    #[error("table `{location}` has no version {requested}: versions {earliest} to {latest} can be read")]
    VersionMissing {
        /// The table.
        location: String,
        /// The version asked for.
        requested: u64,
        /// The oldest version that can still be reconstructed.
        earliest: u64,
        /// The newest version.
        latest: u64,
    },
    /// The table uses Delta features this program cannot honour.
    #[error("table `{location}` cannot be {access}: it needs the table features {} that are not supported; drop the features or use another engine", list(.features))]
    UnsupportedFeatures {
        /// The table.
        location: String,
        /// `read` or `written`.
        access: &'static str,
        /// The features, by their protocol names, sorted.
        features: Vec<String>,
    },
    /// The log contradicts itself. Reading on would silently lose rows.
    #[error("the log of table `{location}` is damaged{}: {reason}; pin an older version, restore the file from a backup, or delete it if it is the newest and its writer never reported success", at(.version))]
    CorruptLog {
        /// The table.
        location: String,
        /// The damaged version, when one is to blame.
        version: Option<u64>,
        /// What is wrong.
        reason: String,
    },
    /// The log refers to a file outside the table's directory.
    #[error(
        "table `{location}` refers to the file `{path}` outside its own directory, which is refused: copy the data into the table"
    )]
    PathEscape {
        /// The table.
        location: String,
        /// The offending path as the log has it.
        path: String,
    },
    /// A data file contradicts itself, or claims to hold more than a file of its size can.
    #[error(
        "the data file `{path}` of table `{location}` is refused: {reason}; write the file anew, or remove it from the table"
    )]
    CorruptFile {
        /// The table.
        location: String,
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The table does not record changes.
    #[error(
        "table `{location}` has no change feed: set the property `delta.enableChangeDataFeed` to `true` and write the table once"
    )]
    ChangeFeedDisabled {
        /// The table.
        location: String,
    },
    /// The range of a change feed makes no sense for this table.
    #[error("change feed of table `{location}`: {reason}")]
    InvalidChangeRange {
        /// The table.
        location: String,
        /// Why it is refused and what is allowed.
        reason: String,
    },
    /// A name for the file lineage column is taken.
    #[error("table `{location}` already has a column `{column}`: choose another name for the file column")]
    FileColumnTaken {
        /// The table.
        location: String,
        /// The name.
        column: String,
    },
    /// The data to write does not fit the existing table. All differences are listed.
    #[error("the data does not fit table `{location}`:{}", lines(.mismatches))]
    SchemaMismatch {
        /// The table.
        location: String,
        /// Every difference, in column order.
        mismatches: Vec<SchemaMismatch>,
    },
    /// A column has a type Delta cannot store.
    #[error(
        "column `{column}` of table `{location}` has type {data_type}, which Delta cannot store: {advice}"
    )]
    UnsupportedType {
        /// The table.
        location: String,
        /// The column, nested fields joined by dots.
        column: String,
        /// The Arrow type.
        data_type: String,
        /// What to do.
        advice: String,
    },
    /// The schema itself is not one a Delta table can have.
    #[error("the schema of table `{location}` is refused: {reason}")]
    InvalidSchema {
        /// The table.
        location: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The table exists with another partitioning.
    #[error("table `{location}` is partitioned by ({}), not by ({}): leave the partitioning out, or overwrite with schema mode `replace`", .table.join(", "), .wanted.join(", "))]
    Repartitioned {
        /// The table.
        location: String,
        /// The table's partition columns.
        table: Vec<String>,
        /// Those asked for.
        wanted: Vec<String>,
    },
    /// The partitioning asked for cannot be had.
    #[error("partitioning of table `{location}`: {reason}")]
    InvalidPartitioning {
        /// The table.
        location: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The order asked for cannot be had.
    #[error("order of table `{location}`: {reason}")]
    InvalidOrder {
        /// The table.
        location: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Rows are not sorted as they were declared to be.
    #[error("the rows {access} table `{location}` are not sorted by {order}: {advice}")]
    OrderViolation {
        /// The table.
        location: String,
        /// `written to` or `read from`.
        access: &'static str,
        /// The declared order.
        order: String,
        /// What to do.
        advice: &'static str,
    },
    /// A table property whose behaviour this program does not implement.
    #[error("table property `{key}` of table `{location}` is refused: {reason}")]
    UnsupportedProperty {
        /// The table.
        location: String,
        /// The property.
        key: String,
        /// Why, and what is allowed.
        reason: String,
    },
    /// A CHECK constraint or invariant of the table cannot be evaluated, so nothing may be written.
    #[error("constraint `{name}` of table `{location}` cannot be evaluated (`{expression}`): {reason}")]
    UnusableConstraint {
        /// The table.
        location: String,
        /// The constraint.
        name: String,
        /// Its SQL text.
        expression: String,
        /// Why.
        reason: String,
    },
    /// Rows violate a CHECK constraint, an invariant or NOT NULL.
    #[error("{rows} row(s) for table `{location}` violate `{name}` ({expression})")]
    ConstraintViolation {
        /// The table.
        location: String,
        /// The constraint's name, or the column of a NOT NULL.
        name: String,
        /// The condition every row must satisfy.
        expression: String,
        /// Violating rows of the first failing batch.
        rows: usize,
    },
    /// A value does not fit the column it goes to.
    #[error("a value cannot be stored in table `{location}`: {reason}")]
    InvalidData {
        /// The table.
        location: String,
        /// Which column and why.
        reason: String,
    },
    /// Somebody else changed the table since this write began. Nothing was committed.
    #[error("table `{location}` changed while it was being written: version {found} ({change}) came after version {}; nothing was committed, run again", based_on(.base))]
    ConcurrentChange {
        /// The table.
        location: String,
        /// The version this write was based on; `None` when it was to create the table.
        base: Option<u64>,
        /// The other writer's version.
        found: u64,
        /// What the other writer did.
        change: String,
    },
    /// A commit failed and the log cannot be read to learn whether it landed.
    #[error(
        "it is unknown whether version {version} of table `{location}` was committed: look for commit id `{commit_id}` in its log before running again"
    )]
    CommitUnknown {
        /// The table.
        location: String,
        /// The version attempted.
        version: u64,
        /// The value of `codeanatomy.commit_id` this commit would carry.
        commit_id: String,
        /// The failure of the commit.
        #[source]
        source: Box<DeltaTableError>,
    },
    /// A commit is visible, and the storage refused to make it durable.
    #[error(
        "version {version} of table `{location}` is committed and visible, but may not survive a crash of the machine: {source}; check the storage, then look whether the version is still there"
    )]
    CommitNotDurable {
        /// The table.
        location: String,
        /// The version.
        version: u64,
        /// What the storage said.
        #[source]
        source: io::Error,
    },
    /// A writer task panicked or was cancelled.
    #[error("a writer of table `{location}` stopped: {reason}")]
    WriterStopped {
        /// The table.
        location: String,
        /// Why.
        reason: String,
    },
    /// A failure of the Delta library or of the storage below it.
    #[error("table `{location}`: {action}: {}", without_frames(source))]
    Delta {
        /// The table.
        location: String,
        /// What was being done.
        action: &'static str,
        /// The cause.
        #[source]
        source: Box<DeltaTableError>,
    },
    /// A failure of DataFusion or Arrow while planning a scan.
    #[error("table `{location}`: {action}: {source}")]
    Engine {
        /// The table.
        location: String,
        /// What was being done.
        action: &'static str,
        /// The cause.
        #[source]
        source: Box<DataFusionError>,
    },
}

impl DeltaError {
    pub(crate) fn delta(location: &str, action: &'static str, source: impl Into<DeltaTableError>) -> Self {
        Self::Delta { location: location.into(), action, source: Box::new(source.into()) }
    }

    pub(crate) fn engine(location: &str, action: &'static str, source: impl Into<DataFusionError>) -> Self {
        Self::Engine { location: location.into(), action, source: Box::new(source.into()) }
    }
}

/// What the Delta library says, without the stack that it adds when `RUST_BACKTRACE` is set. A file that cannot be written has
/// nothing wrong with its Parquet, whatever the layers between say.
fn without_frames(error: &DeltaTableError) -> String {
    if let DeltaTableError::Parquet { source } = error
        && let Some(refused) = io_cause(source)
    {
        return refused.to_string();
    }
    let is_frame = |line: &str| {
        let line = line.trim_start();
        let number = line.split_once(": ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
        number || line.starts_with("at ")
    };
    let text = error.to_string();
    let mut lines = text.lines();
    let first = lines.next().unwrap_or("").to_owned();
    lines.filter(|line| !is_frame(line)).fold(first, |text, line| text + "\n" + line)
}

fn io_cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e io::Error> {
    std::iter::successors(Some(error), |error| (*error).source()).find_map(|error| error.downcast_ref())
}

fn list(names: &[String]) -> String {
    names.join(", ")
}

fn lines(mismatches: &[SchemaMismatch]) -> String {
    mismatches.iter().map(|mismatch| format!("\n  - {mismatch}")).collect()
}

/// Where a location is, when its text does not say it.
fn leads_to(text: &str, place: &str) -> String {
    if text.trim_end_matches('/') == place { String::new() } else { format!(", which leads to `{place}`,") }
}

fn at(version: &Option<u64>) -> String {
    version.map(|version| format!(" at version {version}")).unwrap_or_default()
}

fn based_on(base: &Option<u64>) -> String {
    base.map_or_else(|| "none (the table was to be created)".into(), |base| base.to_string())
}

#[cfg(test)]
mod tests {
    use std::io;

    use parquet::errors::ParquetError;

    use super::DeltaError;

    #[test]
    fn a_file_that_cannot_be_written_is_not_called_bad_parquet() {
        let refused = ParquetError::External(Box::new(io::Error::from(io::ErrorKind::PermissionDenied)));
        let nested = ParquetError::External(Box::new(refused));
        let message = DeltaError::delta("t", "writing a data file", nested).to_string();
        assert!(
            message.contains("permission denied") && !message.to_lowercase().contains("parquet"),
            "{message}"
        );
    }
}
