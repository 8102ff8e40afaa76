//! The files a checkpoint refers to: it may keep its file list in others, its sidecars, and names them by text.
//!
//! The Delta library joins such a name with the folder of sidecars, wherever that leads. So the checkpoint that a version
//! is read from is looked through for its sidecars first. Both are Parquet files, and their footers are looked at like
//! those of data files.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use deltalake::Path as StorePath;
use deltalake::logstore::LogStoreRef;
use deltalake::logstore::object_store::{ObjectMeta, ObjectStoreExt};
use futures::TryStreamExt;
use parquet::arrow::ProjectionMask;
#[expect(deprecated, reason = "what replaces it is an example to copy")]
use parquet::arrow::async_reader::ParquetObjectReader;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use serde_json::Value;

use crate::error::{DeltaError, Result};
use crate::guard::{inside_encoded, without_links};
use crate::location::Location;
use crate::scan::footer;

/// Refuses a checkpoint that `version` may be read from and that refers to files outside the table.
pub(crate) async fn guard_sidecars(store: &LogStoreRef, version: u64, location: &Location) -> Result<()> {
    let text = location.text();
    let folder = location.url().join("_delta_log/_sidecars/").map_err(|error| DeltaError::CorruptLog {
        location: text.into(),
        version: None,
        reason: error.to_string(),
    })?;
    for checkpoint in checkpoints(store, version, text).await? {
        for path in sidecars(store, &checkpoint, text).await? {
            let place = inside_encoded(&path, &folder, text)?;
            if let Some(root) = location.as_path() {
                let file = root.join("_delta_log/_sidecars").join(place.as_ref());
                without_links(&file, &root, text)?;
            }
            // One that is not there is missed by the library.
            let Ok(file) = StorePath::parse(format!("_delta_log/_sidecars/{place}")) else { continue };
            if let Ok(meta) = store.object_store(None).head(&file).await {
                // A local store says the whole path here, and takes one within the table.
                check_footer(store, &ObjectMeta { location: file, ..meta }, text).await?;
            }
        }
    }
    Ok(())
}

/// The checkpoint files of the last version up to `version` that has any.
async fn checkpoints(store: &LogStoreRef, version: u64, location: &str) -> Result<Vec<ObjectMeta>> {
    let folder = StorePath::from("_delta_log");
    let objects = store.object_store(None);
    let mut files = objects.list(Some(&folder));
    let mut last = (0, Vec::new());
    while let Some(file) =
        files.try_next().await.map_err(|error| DeltaError::delta(location, "listing the log", error))?
    {
        let Some((digits, rest)) = file.location.filename().and_then(|name| name.split_at_checked(20)) else {
            continue;
        };
        let Ok(of) = digits.parse::<u64>() else { continue };
        if !rest.starts_with(".checkpoint.") || of > version || of < last.0 {
            continue;
        }
        if of > last.0 {
            last = (of, Vec::new());
        }
        last.1.push(file);
    }
    Ok(last.1)
}

/// The paths of the sidecars a checkpoint file names.
async fn sidecars(store: &LogStoreRef, checkpoint: &ObjectMeta, location: &str) -> Result<Vec<String>> {
    let objects = store.object_store(None);
    let failed = |error| DeltaError::delta(location, "reading a checkpoint", error);
    if checkpoint.location.as_ref().ends_with(".json") {
        let bytes = objects.get(&checkpoint.location).await.map_err(failed)?.bytes().await.map_err(failed)?;
        let text = String::from_utf8_lossy(&bytes);
        let named = text.lines().filter(|line| line.contains("sidecar")).filter_map(|line| {
            let action: Value = serde_json::from_str(line).ok()?;
            Some(action.get("sidecar")?.get("path")?.as_str()?.to_owned())
        });
        return Ok(named.collect());
    }
    check_footer(store, checkpoint, location).await?;
    #[expect(deprecated, reason = "what replaces it is an example to copy")]
    let reader =
        ParquetObjectReader::new(objects, checkpoint.location.clone()).with_file_size(checkpoint.size);
    // What cannot be read is not followed either: the library says what is wrong with it.
    let Ok(builder) = ParquetRecordBatchStreamBuilder::new(reader).await else { return Ok(Vec::new()) };
    footer::check(builder.metadata(), checkpoint.size)
        .map_err(|reason| refused(&checkpoint.location, location, &reason))?;
    let mut leaves = builder.parquet_schema().columns().iter();
    let Some(leaf) = leaves.position(|leaf| leaf.path().string() == "sidecar.path") else {
        return Ok(Vec::new());
    };
    let mask = ProjectionMask::leaves(builder.parquet_schema(), [leaf]);
    let Ok(batches) = builder.with_projection(mask).build() else { return Ok(Vec::new()) };
    let batches: Vec<RecordBatch> = batches.try_collect().await.unwrap_or_default();
    let mut named = Vec::new();
    for batch in &batches {
        let Some(sidecars) = batch.column_by_name("sidecar").and_then(|column| column.as_struct_opt()) else {
            continue;
        };
        let paths = sidecars.column_by_name("path").map(|paths| cast(paths, &DataType::Utf8));
        let Some(Ok(paths)) = paths else { continue };
        // Of other actions the sidecar is NULL, and its path may be an empty text all the same.
        let paths = paths.as_string::<i32>().iter().enumerate().filter(|(row, _)| sidecars.is_valid(*row));
        named.extend(paths.filter_map(|(_, path)| path).map(str::to_owned));
    }
    Ok(named)
}

/// Refuses a Parquet file of the log whose footer claims more than it holds.
async fn check_footer(store: &LogStoreRef, file: &ObjectMeta, location: &str) -> Result<()> {
    let refused = |reason: String| refused(&file.location, location, &reason);
    let failed = |error| DeltaError::delta(location, "reading a checkpoint", error);
    let objects = store.object_store(None);
    let Some(end) = file.size.checked_sub(footer::TAIL) else {
        return Err(refused(format!("it has {} bytes", file.size)));
    };
    let tail = objects.get_range(&file.location, end..file.size).await.map_err(failed)?;
    let length = footer::length(&tail, file.size).map_err(refused)?;
    let bytes = objects.get_range(&file.location, end.saturating_sub(length)..end).await.map_err(failed)?;
    footer::walk(&bytes).map_err(refused)
}

fn refused(file: &StorePath, location: &str, reason: &str) -> DeltaError {
    let reason = format!("`{file}` is refused: {reason}");
    DeltaError::CorruptLog { location: location.into(), version: None, reason }
}
