//! What the log says about a table, as tables: one row of metadata, one row per file.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::active::{deleted_rows, live_rows};
use crate::error::{DeltaError, Result};
use crate::snapshot::ResolvedTable;

const UTC: &str = "UTC";

/// The columns of [`table_metadata`].
///
/// `table_uri`, `table_id`: string. `version`: Int64. `snapshot_timestamp`: when the version was committed
/// (modification time of its commit file), microseconds UTC, NULL when the commit file was cleaned up.
/// `min_reader_version`, `min_writer_version`: Int32. `reader_features_json`, `writer_features_json`,
/// `partition_columns_json`: JSON arrays of strings. `table_properties_json`: JSON object, keys sorted.
/// `schema_json`: the Delta schema.
#[must_use]
pub fn table_metadata_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("table_uri", DataType::Utf8, false),
        Field::new("table_id", DataType::Utf8, false),
        Field::new("version", DataType::Int64, false),
        Field::new("snapshot_timestamp", timestamp(), true),
        Field::new("min_reader_version", DataType::Int32, false),
        Field::new("min_writer_version", DataType::Int32, false),
        Field::new("reader_features_json", DataType::Utf8, false),
        Field::new("writer_features_json", DataType::Utf8, false),
        Field::new("table_properties_json", DataType::Utf8, false),
        Field::new("partition_columns_json", DataType::Utf8, false),
        Field::new("schema_json", DataType::Utf8, false),
    ]))
}

/// One row that describes the table at its version; columns as [`table_metadata_schema`] says.
///
/// # Errors
/// [`DeltaError::Engine`] if the row cannot be built.
pub fn table_metadata(table: &ResolvedTable) -> Result<RecordBatch> {
    let snapshot = &table.inner.snapshot;
    let protocol = table.protocol();
    let committed = snapshot.version_timestamp(table.version()).map(|millis| millis.saturating_mul(1000));
    let text = |value: String| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let columns = vec![
        text(table.location().url().to_string()),
        text(table.table_id().to_owned()),
        Arc::new(Int64Array::from(vec![i64::try_from(table.version()).unwrap_or(i64::MAX)])),
        Arc::new(TimestampMicrosecondArray::from(vec![committed]).with_timezone(UTC)),
        Arc::new(Int32Array::from(vec![protocol.min_reader_version])),
        Arc::new(Int32Array::from(vec![protocol.min_writer_version])),
        text(serde_json::json!(protocol.reader_features).to_string()),
        text(serde_json::json!(protocol.writer_features).to_string()),
        text(serde_json::json!(table.properties()).to_string()),
        text(serde_json::json!(table.partition_columns()).to_string()),
        text(snapshot.metadata().schema_string().clone()),
    ];
    batch(table, table_metadata_schema(), columns)
}

/// The columns of [`file_manifest`].
///
/// `table_uri`, `version`: the table and the version that is read. `path`: string, relative to the table. `size`: Int64, bytes. `modification_time`: microseconds UTC.
/// `rows`: Int64, rows not deleted, NULL when the statistics do not tell. `deleted_rows`: Int64, rows
/// hidden by a deletion vector. `partition_values_json`: JSON object, keys sorted. `stats`: the file's
/// statistics as JSON, NULL when it has none. `tags_json`: JSON object, keys sorted; empty when it has none.
#[must_use]
pub fn file_manifest_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("table_uri", DataType::Utf8, false),
        Field::new("version", DataType::Int64, false),
        Field::new("path", DataType::Utf8, false),
        Field::new("size", DataType::Int64, false),
        Field::new("modification_time", timestamp(), false),
        Field::new("rows", DataType::Int64, true),
        Field::new("deleted_rows", DataType::Int64, false),
        Field::new("partition_values_json", DataType::Utf8, false),
        Field::new("stats", DataType::Utf8, true),
        Field::new("tags_json", DataType::Utf8, false),
    ]))
}

/// One row per active data file, ordered by path; columns as [`file_manifest_schema`] says.
///
/// # Errors
/// [`DeltaError::Delta`] if the snapshot has no file list; [`DeltaError::Engine`] if the rows cannot be built.
pub fn file_manifest(table: &ResolvedTable) -> Result<RecordBatch> {
    let data = table
        .inner
        .snapshot
        .try_log_data()
        .map_err(|error| DeltaError::delta(table.location().text(), "reading the file list", error))?;
    let mut files: Vec<_> = data.iter().map(|file| (file.path().into_owned(), file)).collect();
    files.sort_by(|(left, _), (right, _)| left.cmp(right));
    let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let each = || files.iter().map(|(_, file)| file);
    let partitions = each().map(|file| {
        let values: BTreeMap<_, _> = file.partition_values_map().into_iter().collect();
        serde_json::json!(values).to_string()
    });
    #[expect(deprecated, reason = "nothing else gives the tags of a file")]
    let tags = each().map(|file| {
        let tags: BTreeMap<_, _> = file.add_action().tags.unwrap_or_default().into_iter().collect();
        serde_json::json!(tags).to_string()
    });
    let (uri, version) = (table.location().url().to_string(), signed(table.version()));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(std::iter::repeat_n(uri, files.len()))),
        Arc::new(Int64Array::from_iter_values(std::iter::repeat_n(version, files.len()))),
        Arc::new(files.iter().map(|(path, _)| Some(path)).collect::<StringArray>()),
        Arc::new(each().map(|file| file.size()).collect::<Int64Array>()),
        Arc::new(
            each()
                .map(|file| Some(file.modification_time().saturating_mul(1000)))
                .collect::<TimestampMicrosecondArray>()
                .with_timezone(UTC),
        ),
        Arc::new(each().map(|file| live_rows(file).map(signed)).collect::<Int64Array>()),
        Arc::new(each().map(|file| signed(deleted_rows(file))).collect::<Int64Array>()),
        Arc::new(partitions.map(Some).collect::<StringArray>()),
        Arc::new(each().map(|file| file.stats()).collect::<StringArray>()),
        Arc::new(tags.map(Some).collect::<StringArray>()),
    ];
    batch(table, file_manifest_schema(), columns)
}

fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

fn batch(table: &ResolvedTable, schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(schema, columns)
        .map_err(|error| DeltaError::engine(table.location().text(), "describing the table", error))
}
