//! Delta protocol and metadata: what an existing table asks of its writers, and what a new one gets.

use std::collections::BTreeMap;

use deltalake::kernel::{
    EagerSnapshot, Metadata, Protocol, StructType, StructTypeExt, contains_timestampntz,
};
use serde_json::{Value, json};

use super::target::{WriteMode, WriteOptions};
use crate::error::{DeltaError, Result};
use crate::order::record_order;
use crate::snapshot::{check_readable, sorted};

/// Writer features this crate honours. Anything else makes a table read-only for us.
///
/// `deletionVectors`: an overwrite's removals carry them. `changeDataFeed`: appends and full overwrites
/// need no change files. `generatedColumns` and `columnMapping`: only while no column uses them.
const WRITER_FEATURES: [&str; 9] = [
    "appendOnly",
    "changeDataFeed",
    "checkConstraints",
    "columnMapping",
    "deletionVectors",
    "generatedColumns",
    "invariants",
    "timestampNtz",
    "v2Checkpoint",
];

/// Properties of the `delta.` name space that a new table may have: those whose meaning this crate keeps,
/// or that only concern maintenance.
const PROPERTIES: [&str; 12] = [
    "delta.appendOnly",
    "delta.checkpointInterval",
    "delta.checkpoint.writeStatsAsJson",
    "delta.checkpoint.writeStatsAsStruct",
    "delta.dataSkippingNumIndexedCols",
    "delta.dataSkippingStatsColumns",
    "delta.deletedFileRetentionDuration",
    "delta.enableChangeDataFeed",
    "delta.enableExpiredLogCleanup",
    "delta.logRetentionDuration",
    "delta.setTransactionRetentionDuration",
    "delta.targetFileSize",
];

/// Refuses a table with features this crate would write wrongly, and overwrites of append-only tables.
pub(crate) fn check_writable(snapshot: &EagerSnapshot, mode: WriteMode, location: &str) -> Result<()> {
    let protocol = snapshot.protocol();
    check_readable(protocol, location)?;
    let mut unsupported: Vec<String> = match protocol.min_writer_version() {
        ..=6 => Vec::new(),
        7 => sorted(protocol.writer_features().unwrap_or_default()),
        version => vec![format!("writer version {version}")],
    };
    unsupported.retain(|feature| !WRITER_FEATURES.contains(&feature.as_str()));

    let schema = snapshot.schema();
    let properties = snapshot.metadata().configuration();
    let mapped = properties.get("delta.columnMapping.mode").is_some_and(|mode| mode != "none");
    let generated = schema.get_generated_columns().map_err(|error| DeltaError::InvalidSchema {
        location: location.into(),
        reason: error.to_string(),
    })?;
    let identity =
        schema.fields().any(|field| field.metadata.keys().any(|key| key.starts_with("delta.identity.")));
    let active = [
        ("columnMapping", mapped),
        ("generatedColumns", !generated.is_empty()),
        ("identityColumns", identity),
    ];
    for (feature, _) in active.into_iter().filter(|(_, active)| *active) {
        if !unsupported.iter().any(|known| known == feature) {
            unsupported.push(feature.into());
        }
    }
    if !unsupported.is_empty() {
        unsupported.sort();
        return Err(DeltaError::UnsupportedFeatures {
            location: location.into(),
            access: "written",
            features: unsupported,
        });
    }
    let append_only = properties.get("delta.appendOnly").is_some_and(|value| is_true(value));
    if mode == WriteMode::Overwrite && append_only {
        return Err(DeltaError::UnsupportedProperty {
            location: location.into(),
            key: "delta.appendOnly".into(),
            reason: "the table is append-only and cannot be overwritten: append to it".into(),
        });
    }
    Ok(())
}

/// Refuses properties of a new table that this crate would not keep.
pub(crate) fn check_properties(properties: &BTreeMap<String, String>, location: &str) -> Result<()> {
    for key in properties.keys().filter(|key| key.starts_with("delta.")) {
        if !PROPERTIES.contains(&key.as_str()) && !key.starts_with("delta.constraints.") {
            return Err(DeltaError::UnsupportedProperty {
                location: location.into(),
                key: key.clone(),
                reason: format!("use `delta.constraints.NAME` or one of {}", PROPERTIES.join(", ")),
            });
        }
    }
    Ok(())
}

/// Refuses columns of a table with a change feed whose names the feed gives to columns of its own.
pub(crate) fn check_change_feed(
    schema: &StructType,
    properties: &BTreeMap<String, String>,
    location: &str,
) -> Result<()> {
    let feed = properties.get("delta.enableChangeDataFeed").is_some_and(|value| is_true(value));
    let taken = ["_change_type", "_commit_version", "_commit_timestamp"];
    let column = schema.fields().find(|field| taken.contains(&field.name.to_lowercase().as_str()));
    match column.filter(|_| feed) {
        Some(field) => Err(DeltaError::InvalidSchema {
            location: location.into(),
            reason: format!("the table's change feed has a column `{}` of its own: rename it", field.name),
        }),
        None => Ok(()),
    }
}

/// The lowest protocol that allows `schema` and `properties` (Delta protocol, "Table Features").
pub(crate) fn new_protocol(
    schema: &StructType,
    properties: &BTreeMap<String, String>,
    location: &str,
) -> Result<Protocol> {
    let zoneless = contains_timestampntz(schema.fields());
    let feed = properties.get("delta.enableChangeDataFeed").is_some_and(|value| is_true(value));
    let constraints = properties.keys().any(|key| key.starts_with("delta.constraints."));
    let append_only = properties.contains_key("delta.appendOnly");
    let features: Vec<&str> = [
        ("appendOnly", append_only),
        ("changeDataFeed", feed),
        ("checkConstraints", constraints),
        ("timestampNtz", zoneless),
    ]
    .into_iter()
    .filter_map(|(feature, used)| used.then_some(feature))
    .collect();
    let protocol = match (zoneless, feed || constraints) {
        (true, _) => json!({
            "minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": ["timestampNtz"], "writerFeatures": features,
        }),
        (false, true) => json!({
            "minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": features,
        }),
        (false, false) => json!({ "minReaderVersion": 1, "minWriterVersion": 2 }),
    };
    serde_json::from_value(protocol)
        .map_err(|error| DeltaError::InvalidSchema { location: location.into(), reason: error.to_string() })
}

/// Metadata of a new table, or of `existing` with another schema and partitioning.
pub(crate) fn new_metadata(
    schema: &StructType,
    options: &WriteOptions,
    existing: Option<&Metadata>,
    location: &str,
) -> Result<Metadata> {
    let invalid = |error: serde_json::Error| DeltaError::InvalidSchema {
        location: location.into(),
        reason: error.to_string(),
    };
    let schema_string = serde_json::to_string(schema).map_err(invalid)?;
    let mut metadata = match existing {
        Some(existing) => serde_json::to_value(existing).map_err(invalid)?,
        None => json!({
            "id": uuid::Uuid::new_v4().to_string(),
            "name": options.name,
            "description": options.description,
            "format": { "provider": "parquet", "options": {} },
            "configuration": options.properties,
            "createdTime": now_millis(),
        }),
    };
    if let Some(fields) = metadata.as_object_mut() {
        fields.insert("schemaString".into(), schema_string.into());
        fields.insert("partitionColumns".into(), json!(options.partition_by));
        if let Some(configuration) = fields.get_mut("configuration").and_then(Value::as_object_mut) {
            // Rows that are appended leave the order of the others as it is.
            if existing.is_none() || options.mode == WriteMode::Overwrite {
                record_order(configuration, &options.sort_by);
            }
        }
    }
    serde_json::from_value(metadata).map_err(invalid)
}

pub(crate) fn needs_new_feature(schema: &StructType, protocol: &Protocol) -> bool {
    let allowed = sorted(protocol.writer_features().unwrap_or_default());
    contains_timestampntz(schema.fields()) && !allowed.iter().any(|feature| feature == "timestampNtz")
}

fn is_true(value: &str) -> bool {
    value.eq_ignore_ascii_case("true")
}

fn now_millis() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
