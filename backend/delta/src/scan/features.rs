//! Table features that the Delta library refuses and this crate reads.
//!
//! | feature | what it asks of a reader |
//! |---|---|
//! | `typeWidening`, `typeWidening-preview` | older files hold a column in a narrower type: the Parquet reader casts to the table's; bounds of such columns are not believed ([`Trust`](super::direct::Trust)) |
//! | `vacuumProtocolCheck` | nothing; it binds those who delete files |
//!
//! Tables that need nothing of the library are read without it. For the others the library gets the snapshot without
//! the names of these features ([`understood`]): it has no switch for what it may take on.

use std::sync::Arc;

use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use deltalake::kernel::Snapshot;
use serde_json::Value;

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
    let snapshot = &table.inner.snapshot;
    let unusable = |error| DeltaError::engine(text, "preparing the scan", error);
    let features = snapshot.protocol().reader_features().unwrap_or_default();
    if !features.iter().any(|feature| is_read_here(feature.as_ref())) {
        return DeltaScanNext::new(Arc::clone(snapshot), config).map_err(unusable);
    }
    // The file list stays out of it: as JSON it would take many times its size.
    let store = table.inner.table.log_store();
    let snapshot = Snapshot::try_new(store.as_ref(), Some(table.version()))
        .await
        .map_err(|error| DeltaError::delta(text, "replaying the log", error))?;
    let failed =
        |error: serde_json::Error| DeltaError::delta(text, "preparing a scan of its features", error);
    let mut value = serde_json::to_value(&snapshot).map_err(failed)?;
    forget(&mut value);
    let snapshot: Snapshot = serde_json::from_value(value).map_err(failed)?;
    DeltaScanNext::new(Arc::new(snapshot), config).map_err(unusable)
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
