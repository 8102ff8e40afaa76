//! The change feed of a table: which rows came and went, version by version.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::compute::kernels::cast_utils::string_to_datetime;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::TableProvider;
use deltalake::delta_datafusion::DeltaCdfTableProvider;
use deltalake::kernel::Action;
use deltalake::operations::load_cdf::CdfLoadBuilder;

use super::provider::Scan;
use crate::error::{DeltaError, Result};
use crate::log::{guard_path, read_actions};
use crate::snapshot::ResolvedTable;

/// Which changes to read. Both ends are inclusive. A start is required; an open end means the version the
/// table was resolved at, never a later one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeRange {
    /// First version. One past the table's version gives an empty feed.
    pub starting_version: Option<u64>,
    /// Last version.
    pub ending_version: Option<u64>,
    /// Earliest commit time, RFC 3339; UTC where no offset is written.
    pub starting_timestamp: Option<String>,
    /// Latest commit time, RFC 3339; UTC where no offset is written.
    pub ending_timestamp: Option<String>,
}

/// The columns of [`change_feed`]: the table's columns as a scan gives them, then `_change_type` (string:
/// `insert`, `delete`, `update_preimage`, `update_postimage`), `_commit_version` (Int64) and
/// `_commit_timestamp` (microseconds, UTC). Known without reading a change.
#[must_use]
pub fn change_feed_schema(table: &ResolvedTable) -> SchemaRef {
    let mut fields = table.schema().fields().to_vec();
    let timestamp = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    fields.push(Arc::new(Field::new("_change_type", DataType::Utf8View, true)));
    fields.push(Arc::new(Field::new("_commit_version", DataType::Int64, true)));
    fields.push(Arc::new(Field::new("_commit_timestamp", timestamp, true)));
    Arc::new(Schema::new(fields))
}

/// The changes of `range`, as of the version `table` was resolved at.
///
/// The commits of the range are read now: they must all exist and refer to no file outside the table.
/// Filters are applied above the feed, not pushed into it.
///
/// # Errors
/// [`DeltaError::ChangeFeedDisabled`], [`DeltaError::InvalidChangeRange`], [`DeltaError::PathEscape`],
/// [`DeltaError::Delta`].
pub async fn change_feed(table: &ResolvedTable, range: &ChangeRange) -> Result<Arc<dyn TableProvider>> {
    let location = table.location().text();
    if !table.has_change_feed() {
        return Err(DeltaError::ChangeFeedDisabled { location: location.into() });
    }
    let invalid = |reason: String| DeltaError::InvalidChangeRange { location: location.into(), reason };
    let latest = table.version();
    let last = range.ending_version.unwrap_or(latest);
    let first = match (range.starting_version, &range.starting_timestamp) {
        (Some(version), _) => version,
        (None, Some(text)) => first_since(table, millis(text).map_err(invalid)?).await?,
        (None, None) => return Err(invalid("give a starting version or a starting timestamp".into())),
    };
    if last > latest {
        return Err(invalid(format!("ending version {last} is after the table's version {latest}")));
    }
    if first > latest.saturating_add(1) {
        return Err(invalid(format!("starting version {first} is after the table's version {latest}")));
    }
    if range.ending_version.is_some() && first > last {
        return Err(invalid(format!("starting version {first} is after ending version {last}")));
    }
    check_commits(table, first, last).await?;

    let builder = table.inner.table.clone().scan_cdf();
    let builder = builder.with_starting_version(first).with_ending_version(last);
    // Out of range is what an empty feed looks like to the library.
    let builder = with_timestamps(builder, range).map_err(invalid)?.with_allow_out_of_range();
    let feed = DeltaCdfTableProvider::try_new(builder)
        .map_err(|error| DeltaError::delta(location, "preparing the change feed", error))?;
    Ok(Arc::new(Scan::new(table, Arc::new(feed), change_feed_schema(table), false)))
}

fn with_timestamps(mut builder: CdfLoadBuilder, range: &ChangeRange) -> Result<CdfLoadBuilder, String> {
    let utc = utc()?;
    let parse = |text: &str| string_to_datetime(&utc, text).map_err(|_| not_a_timestamp(text));
    if let Some(text) = &range.starting_timestamp {
        builder = builder.with_starting_timestamp(parse(text)?.to_utc());
    }
    if let Some(text) = &range.ending_timestamp {
        builder = builder.with_ending_timestamp(parse(text)?.to_utc());
    }
    Ok(builder)
}

fn millis(text: &str) -> Result<i64, String> {
    let time = string_to_datetime(&utc()?, text).map_err(|_| not_a_timestamp(text))?;
    Ok(time.timestamp_millis())
}

fn utc() -> Result<Tz, String> {
    "+00:00".parse().map_err(|error| format!("time zone UTC: {error}"))
}

fn not_a_timestamp(text: &str) -> String {
    format!("`{text}` is not a timestamp; write one like 2026-01-31T12:00:00Z")
}

/// The first version committed at `start` (milliseconds since the epoch) or later; one past the latest if
/// there is none. Walks backwards, so a recent start is found quickly however long the log is.
async fn first_since(table: &ResolvedTable, start: i64) -> Result<u64> {
    let location = table.location().text();
    let store = table.inner.table.log_store();
    let mut first = table.version().saturating_add(1);
    while let Some(version) = first.checked_sub(1) {
        let Some(actions) = read_actions(&store, version, location).await? else { break };
        let committed = actions.iter().find_map(|action| match action {
            Action::CommitInfo(info) => info.in_commit_timestamp.or(info.timestamp),
            _ => None,
        });
        if committed.is_some_and(|committed| committed < start) {
            break;
        }
        first = version;
    }
    Ok(first)
}

/// Every commit of the range must be there, and every file it names inside the table: the feed opens
/// files the snapshot no longer has, so the snapshot's own check does not cover them.
async fn check_commits(table: &ResolvedTable, first: u64, last: u64) -> Result<()> {
    let location = table.location().text();
    let store = table.inner.table.log_store();
    for version in first..=last {
        let Some(actions) = read_actions(&store, version, location).await? else {
            return Err(DeltaError::InvalidChangeRange {
                location: location.into(),
                reason: format!("the log no longer has version {version}; start later"),
            });
        };
        for action in &actions {
            let path = match action {
                Action::Add(add) => &add.path,
                Action::Remove(remove) => &remove.path,
                Action::Cdc(change) => &change.path,
                _ => continue,
            };
            guard_path(path, table.location().url(), location)?;
        }
    }
    Ok(())
}
