//! The change feed of a table: which rows came and went, version by version.

pub(super) mod marked;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::compute::kernels::cast_utils::string_to_datetime;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::TableProvider;
use deltalake::delta_datafusion::DeltaCdfTableProvider;
use deltalake::kernel::Action;

use super::features::understood_table;
use super::provider::{Scan, Source};
use crate::error::{DeltaError, Result};
use crate::guard;
use crate::log::read_actions;
use crate::snapshot::{ResolvedTable, is_recorded};
use marked::MarkedFile;

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
/// [`DeltaError::UnsupportedFeatures`], [`DeltaError::Delta`].
pub async fn change_feed(table: &ResolvedTable, range: &ChangeRange) -> Result<Arc<dyn TableProvider>> {
    let location = table.location().text();
    if !table.has_change_feed() {
        return Err(DeltaError::ChangeFeedDisabled { location: location.into() });
    }
    let invalid = |reason: String| DeltaError::InvalidChangeRange { location: location.into(), reason };
    // Neither the library's clock nor ours has a say: both ends are versions.
    let latest = table.version();
    let since = match &range.starting_timestamp {
        Some(text) => Some(first_since(table, millis(text).map_err(invalid)?).await?),
        None => None,
    };
    let first = range
        .starting_version
        .max(since)
        .ok_or_else(|| invalid("give a starting version or a starting timestamp".into()))?;
    let last = range.ending_version.unwrap_or(latest);
    if last > latest {
        return Err(invalid(format!("ending version {last} is after the table's version {latest}")));
    }
    if first > latest.saturating_add(1) {
        return Err(invalid(format!("starting version {first} is after the table's version {latest}")));
    }
    if range.ending_version.is_some() && first > last {
        return Err(invalid(format!("starting version {first} is after ending version {last}")));
    }
    let last = match &range.ending_timestamp {
        Some(text) => last_until(table, millis(text).map_err(invalid)?).await?.map(|until| until.min(last)),
        None => Some(last),
    };
    // Out of range is what an empty feed looks like to the library.
    let (first, last) = match last {
        Some(last) if first <= last => (first, last),
        _ => (latest.saturating_add(1), latest),
    };
    let mut marked = Vec::new();
    if first <= last {
        marked = check_commits(table, first, last).await?;
        check_recorded(table, first, last).await?;
    }
    let builder = understood_table(table).await?.scan_cdf();
    let builder = builder.with_starting_version(first).with_ending_version(last).with_allow_out_of_range();
    let feed = DeltaCdfTableProvider::try_new(builder)
        .map_err(|error| DeltaError::delta(location, "preparing the change feed", error))?;
    let source = Source::Changes { feed: Arc::new(feed), marked };
    Ok(Arc::new(Scan::new(table, source, change_feed_schema(table))))
}

fn millis(text: &str) -> Result<i64, String> {
    let utc: Tz = "+00:00".parse().map_err(|error| format!("time zone UTC: {error}"))?;
    let time = string_to_datetime(&utc, text)
        .map_err(|_| format!("`{text}` is not a timestamp; write one like 2026-01-31T12:00:00Z"))?;
    Ok(time.timestamp_millis())
}

/// The first version committed at `start` (milliseconds since the epoch) or later; one past the latest if
/// there is none. Walks backwards, so a recent start is found quickly however long the log is.
async fn first_since(table: &ResolvedTable, start: i64) -> Result<u64> {
    let mut first = table.version().saturating_add(1);
    while let Some(version) = first.checked_sub(1) {
        match committed(table, version).await? {
            Committed::Missing => break,
            Committed::At(time) if time < start => break,
            Committed::At(_) | Committed::Unknown => first = version,
        }
    }
    Ok(first)
}

/// The last version committed at `end` (milliseconds since the epoch) or earlier; `None` if all came later.
async fn last_until(table: &ResolvedTable, end: i64) -> Result<Option<u64>> {
    for version in (0..=table.version()).rev() {
        match committed(table, version).await? {
            Committed::Missing => return Ok(None),
            Committed::At(time) if time > end => {}
            Committed::At(_) | Committed::Unknown => return Ok(Some(version)),
        }
    }
    Ok(None)
}

/// When a version was committed, as its commit says.
enum Committed {
    At(i64),
    /// The commit does not say.
    Unknown,
    /// The log no longer has the commit.
    Missing,
}

async fn committed(table: &ResolvedTable, version: u64) -> Result<Committed> {
    let store = table.inner.table.log_store();
    let Some(actions) = read_actions(&store, version, table.location().text()).await? else {
        return Ok(Committed::Missing);
    };
    let time = actions.iter().find_map(|action| match action {
        Action::CommitInfo(info) => info.in_commit_timestamp.or(info.timestamp),
        _ => None,
    });
    Ok(time.map_or(Committed::Unknown, Committed::At))
}

/// Every version of the range must have recorded its changes: before the feed was switched on, none did.
async fn check_recorded(table: &ResolvedTable, first: u64, last: u64) -> Result<()> {
    let location = table.location().text();
    let store = table.inner.table.log_store();
    let switch = |actions: &[Action]| {
        actions.iter().rev().find_map(|action| match action {
            Action::Metadata(metadata) => Some(is_recorded(metadata.configuration())),
            _ => None,
        })
    };
    // What the first version found: the log may no longer tell.
    let mut recorded = None;
    for version in (0..first).rev() {
        let Some(actions) = read_actions(&store, version, location).await? else { break };
        recorded = switch(&actions);
        if recorded.is_some() {
            break;
        }
    }
    let mut off = None;
    for version in first..=last {
        let Some(actions) = read_actions(&store, version, location).await? else { continue };
        recorded = switch(&actions).or(recorded);
        if recorded == Some(false) {
            off = Some(version);
        }
    }
    match off {
        None => Ok(()),
        Some(off) => Err(DeltaError::InvalidChangeRange {
            location: location.into(),
            reason: format!(
                "version {off} recorded no changes, the feed was switched on later; start at version {} or after it",
                off.saturating_add(1)
            ),
        }),
    }
}

/// Every commit of the range must be there, and every file it names inside the table: the feed opens
/// files the snapshot no longer has, so the snapshot's own check does not cover them. Gives the
/// files with deletion vectors, whose footers the library parses when it plans.
async fn check_commits(table: &ResolvedTable, first: u64, last: u64) -> Result<Vec<MarkedFile>> {
    let location = table.location().text();
    let mut marked = Vec::new();
    let store = table.inner.table.log_store();
    let root = table.location().as_path();
    for version in first..=last {
        let Some(actions) = read_actions(&store, version, location).await? else {
            return Err(DeltaError::InvalidChangeRange {
                location: location.into(),
                reason: format!("the log no longer has version {version}; start later"),
            });
        };
        let (added, removed) = changed_paths(&actions);
        for action in &actions {
            let (path, vector, size) = match action {
                Action::Add(add) => (&add.path, add.deletion_vector.as_ref(), Some(add.size)),
                Action::Remove(remove) => (&remove.path, remove.deletion_vector.as_ref(), remove.size),
                Action::Cdc(change) => (&change.path, None, None),
                _ => continue,
            };
            let place = guard::inside(path, table.location().url(), location)?;
            if let Some(root) = &root {
                guard::without_links(&root.join(place.as_ref()), root, location)?;
            }
            if let Some(vector) = vector {
                let storage = vector.storage_type.to_string();
                guard::deletion_vector(
                    &storage,
                    &vector.path_or_inline_dv,
                    table.location().url(),
                    location,
                )?;
                let size = size.and_then(|size| u64::try_from(size).ok());
                let is_whole = !(added.contains(path.as_str()) && removed.contains(path.as_str()));
                let file = |size| MarkedFile { path: String::from(place), size, version, is_whole };
                marked.extend(size.map(file));
            }
        }
    }
    Ok(marked)
}

/// The paths that a commit adds and removes.
fn changed_paths(actions: &[Action]) -> (HashSet<&str>, HashSet<&str>) {
    let (mut added, mut removed) = (HashSet::new(), HashSet::new());
    for action in actions {
        match action {
            Action::Add(add) if add.data_change => {
                added.insert(add.path.as_str());
            }
            Action::Remove(remove) if remove.data_change => {
                removed.insert(remove.path.as_str());
            }
            _ => {}
        }
    }
    (added, removed)
}
