//! The removals of an overwrite.
//!
//! A log is reconciled by the paths in it *as they are written*: `p=%C3%A9` and `p=é` name the same file and are two
//! texts, and a removal under one of them leaves the other one active. Writers differ in what they encode. So a removal
//! repeats the text of the addition, which the Delta library's own removals do not.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{Array as _, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use deltalake::kernel::{DeletionVectorDescriptor, EagerSnapshot};
use serde::{Deserialize, Serialize};

use crate::error::{DeltaError, Result};
use crate::guard::decoded;

/// A line of a commit.
#[derive(Serialize)]
struct Line<'a> {
    remove: Removal<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Removal<'a> {
    path: &'a str,
    data_change: bool,
    deletion_timestamp: i64,
    extended_file_metadata: bool,
    partition_values: HashMap<String, Option<String>>,
    size: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_vector: Option<DeletionVectorDescriptor>,
}

/// What is read back of a line.
#[derive(Deserialize)]
struct ReadLine<'a> {
    #[serde(borrow)]
    remove: ReadRemoval<'a>,
}

#[derive(Deserialize)]
struct ReadRemoval<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
}

/// A line for every active file of `snapshot`.
pub(super) fn removals(snapshot: &EagerSnapshot, location: &str) -> Result<Vec<String>> {
    let failed = |error| DeltaError::delta(location, "reading the file list", error);
    let files = snapshot.try_log_data().map_err(failed)?;
    let paths = raw_paths(snapshot, location)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let mut lines = Vec::with_capacity(paths.len());
    let mut raw = paths.iter();
    for file in files.iter() {
        let path = raw.next().ok_or_else(|| unlike(location, "there are more files than paths"))?;
        if *path != file.path() && decoded(path) != file.path() {
            return Err(unlike(location, &format!("`{path}` is not the path of `{}`", file.path())));
        }
        let removal = Removal {
            path,
            data_change: true,
            deletion_timestamp: now,
            extended_file_metadata: true,
            partition_values: file.partition_values_map(),
            size: file.size(),
            deletion_vector: file.deletion_vector_descriptor(),
        };
        let line = serde_json::to_string(&Line { remove: removal });
        lines.push(line.map_err(|error| unlike(location, &error.to_string()))?);
    }
    check(&lines, &paths, location)?;
    Ok(lines)
}

/// The paths of the active files as the log has them, in the order of the file list.
fn raw_paths(snapshot: &EagerSnapshot, location: &str) -> Result<Vec<String>> {
    let batches = snapshot
        .add_actions_batches(false)
        .map_err(|error| DeltaError::delta(location, "reading the file list", error))?;
    let mut paths = Vec::new();
    for batch in batches {
        let column = batch.column_by_name("path").ok_or_else(|| unlike(location, "it has no paths"))?;
        let column = cast(column, &DataType::Utf8).map_err(|error| unlike(location, &error.to_string()))?;
        let column = column.as_any().downcast_ref::<StringArray>();
        let column = column.ok_or_else(|| unlike(location, "its paths are no texts"))?;
        paths.extend(column.iter().flatten().map(ToOwned::to_owned));
    }
    Ok(paths)
}

/// Reads the removals back: each names an active file, and every active file is named.
fn check(lines: &[String], paths: &[String], location: &str) -> Result<()> {
    let active: HashSet<&str> = paths.iter().map(String::as_str).collect();
    for line in lines {
        let line: ReadLine<'_> =
            serde_json::from_str(line).map_err(|error| unlike(location, &error.to_string()))?;
        if !active.contains(line.remove.path.as_ref()) {
            return Err(unlike(location, &format!("`{}` is not active", line.remove.path)));
        }
    }
    if lines.len() != paths.len() {
        return Err(unlike(location, "there are more paths than files"));
    }
    Ok(())
}

/// The library's two views of one file list differ.
fn unlike(location: &str, reason: &str) -> DeltaError {
    DeltaError::InvalidData {
        location: location.into(),
        reason: format!("the files to remove cannot be named: {reason}; nothing was committed"),
    }
}
