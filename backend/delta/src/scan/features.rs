//! Table features that the Delta library refuses and this crate reads.
//!
//! | feature | what it asks of a reader |
//! |---|---|
//! | `typeWidening`, `typeWidening-preview` | older files hold a column in a narrower type: the Parquet reader casts to the table's; bounds of such columns are not believed ([`Trust`](super::pruning::Trust)) |
//! | `vacuumProtocolCheck` | nothing; it binds those who delete files |
//!
//! Tables that need nothing of the library are read without it. For the others, and for change feeds, the library gets
//! the snapshot without the names of these features ([`understood`], [`understood_table`]): it has no switch for what it
//! may take on.

use std::sync::Arc;

use deltalake::DeltaTable;
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use deltalake::kernel::Snapshot;
use serde_json::{Value, json};

use crate::error::{DeltaError, Result};
use crate::snapshot::ResolvedTable;

/// The features, by their protocol names.
const READ_HERE: [&str; 3] = ["typeWidening", "typeWidening-preview", "vacuumProtocolCheck"];

/// Whether this crate reads tables with the feature without the library's consent.
pub(crate) fn is_read_here(feature: &str) -> bool {
    READ_HERE.contains(&feature)
}

/// The library's scan of `table`. If the table has features of this page, its log is replayed again for each plan.
pub(super) async fn understood(table: &ResolvedTable, config: DeltaScanConfig) -> Result<DeltaScanNext> {
    let text = table.location().text();
    let unusable = |error| DeltaError::engine(text, "preparing the scan", error);
    let Some(value) = without_features(table).await? else {
        return DeltaScanNext::new(Arc::clone(&table.inner.snapshot), config).map_err(unusable);
    };
    let snapshot: Snapshot = serde_json::from_value(value).map_err(|error| unprepared(table, error))?;
    DeltaScanNext::new(Arc::new(snapshot), config).map_err(unusable)
}

/// The library's table for the change feed of `table`. If it has features of this page, it has no list of files, which a
/// change feed does not look at.
pub(super) async fn understood_table(table: &ResolvedTable) -> Result<DeltaTable> {
    let mut known = table.inner.table.clone();
    if let Some(snapshot) = without_features(table).await? {
        // A snapshot, and the files found for it: none.
        let state = json!({"snapshot": [snapshot, []]});
        known.state = Some(serde_json::from_value(state).map_err(|error| unprepared(table, error))?);
    }
    Ok(known)
}

fn unprepared(table: &ResolvedTable, error: serde_json::Error) -> DeltaError {
    DeltaError::delta(table.location().text(), "preparing a scan of its features", error)
}

/// The snapshot as the library serializes it, without the names of these features; `None` if it has none of them.
async fn without_features(table: &ResolvedTable) -> Result<Option<Value>> {
    let features = table.inner.snapshot.protocol().reader_features().unwrap_or_default();
    if !features.iter().any(|feature| is_read_here(feature.as_ref())) {
        return Ok(None);
    }
    // The file list stays out of it: as JSON it would take many times its size.
    let store = table.inner.table.log_store();
    let snapshot = Snapshot::try_new(store.as_ref(), Some(table.version()))
        .await
        .map_err(|error| DeltaError::delta(table.location().text(), "replaying the log", error))?;
    let mut value = serde_json::to_value(&snapshot).map_err(|error| unprepared(table, error))?;
    forget(&mut value);
    Ok(Some(value))
}

/// Takes the names out of every protocol in a serialized snapshot.
fn forget(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                match field {
                    Value::Array(features) if matches!(key.as_str(), "readerFeatures" | "writerFeatures") => {
                        features.retain(|feature| !feature.as_str().is_some_and(is_read_here));
                    }
                    Value::Object(_) => forget(field),
                    _ => {}
                }
            }
        }
        Value::Array(elements) => {
            elements.iter_mut().filter(|element| element.is_object() || element.is_array()).for_each(forget)
        }
        _ => {}
    }
}
