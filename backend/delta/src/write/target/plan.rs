//! What a write does to its table, and every reason not to: worked out before the first batch, from what was opened.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use deltalake::kernel::{Action, EagerSnapshot};

use super::base::TableBase;
use super::{SchemaMode, Target, WriteMode, WriteOptions};
use crate::error::{DeltaError, Result};
use crate::location::Location;
use crate::order::{check_appended_order, check_order, same_order};
use crate::rows::RowHasher;
use crate::snapshot::ResolvedTable;
use crate::write::checks::Checks;
use crate::write::encoder::{StatisticsColumns, properties as encoded_properties};
use crate::write::protocol::{
    check_change_feed, check_properties, check_writable, needs_new_feature, new_metadata, new_protocol,
};
use crate::write::schema::TableSchema;

/// Size at which a writer starts the next file, unless the write or the table says otherwise.
const TARGET_FILE_SIZE: NonZeroU64 = NonZeroU64::new(128 * 1024 * 1024).unwrap();

/// A write whose table is known.
pub(super) struct Plan {
    location: Location,
    snapshot: Option<Arc<EagerSnapshot>>,
    /// What the table has after the write.
    schema: TableSchema,
    options: WriteOptions,
    /// Protocol and metadata actions the commit must carry.
    prelude: Vec<Action>,
    properties: BTreeMap<String, String>,
    /// What was found so far.
    refused: Vec<DeltaError>,
}

/// The value, or nothing and one reason more.
fn keep<T>(refused: &mut Vec<DeltaError>, result: Result<T>) -> Option<T> {
    result.map_err(|error| refused.push(error)).ok()
}

/// A write that creates its table.
pub(super) fn created(
    location: &Location,
    data: TableSchema,
    options: WriteOptions,
) -> Result<Plan, Vec<DeltaError>> {
    let text = location.text();
    let mut refused = Vec::new();
    keep(&mut refused, check_properties(&options.properties, text));
    let mut prelude = Vec::new();
    prelude.extend(
        keep(&mut refused, new_protocol(&data.delta, &options.properties, text)).map(Action::Protocol),
    );
    prelude.extend(keep(&mut refused, new_metadata(&data.delta, &options, None, text)).map(Action::Metadata));
    let properties = options.properties.clone();
    let location = location.clone();
    Ok(Plan { location, snapshot: None, schema: data, options, prelude, properties, refused })
}

/// A write to a table that exists.
pub(super) fn existing(
    table: &ResolvedTable,
    data: TableSchema,
    mut options: WriteOptions,
) -> Result<Plan, Vec<DeltaError>> {
    let location = table.location().clone();
    let text = location.text();
    let mut refused = Vec::new();
    let snapshot = Arc::clone(&table.inner.snapshot);
    let properties = table.properties();
    keep(&mut refused, check_writable(&snapshot, options.mode, text));
    if options.mode == WriteMode::Append {
        keep(&mut refused, check_appended_order(&properties, &options.sort_by, text));
        if options.schema_mode == SchemaMode::Replace {
            refused.push(DeltaError::InvalidSchema {
                location: text.into(),
                reason: "rows that are kept keep their columns, so only an overwrite can replace them".into(),
            });
        }
    }
    if options.partition_by.is_empty() && options.schema_mode != SchemaMode::Replace {
        options.partition_by = table.partition_columns().to_vec();
    }
    let repartitioned = options.partition_by != table.partition_columns();
    if repartitioned && options.schema_mode != SchemaMode::Replace {
        refused.push(repartitioning(table, &options.partition_by));
    }
    let own = TableSchema::of_delta(snapshot.schema().as_ref().clone(), text).map_err(|error| vec![error])?;
    let after = own.after(&data, options.schema_mode, options.strict_nullability, text);
    let after = keep(&mut refused, after).flatten();
    let reordered = options.mode == WriteMode::Overwrite && !same_order(&properties, &options.sort_by);
    let changes = after.is_some() || repartitioned || reordered;
    let is_new = after.is_some();
    let schema = after.unwrap_or(own);
    if is_new && needs_new_feature(&schema.delta, snapshot.protocol()) {
        refused.push(DeltaError::InvalidSchema {
            location: text.into(),
            reason: "the new schema has timestamps without zone, which the table's protocol does not \
                     allow: give them a zone, or create the table anew"
                .into(),
        });
    }
    let mut prelude = Vec::new();
    if changes {
        let metadata = new_metadata(&schema.delta, &options, Some(snapshot.metadata()), text);
        prelude.extend(keep(&mut refused, metadata).map(Action::Metadata));
    }
    Ok(Plan { location, snapshot: Some(snapshot), schema, options, prelude, properties, refused })
}

fn repartitioning(table: &ResolvedTable, wanted: &[String]) -> DeltaError {
    DeltaError::Repartitioned {
        location: table.location().text().into(),
        table: table.partition_columns().to_vec(),
        wanted: wanted.to_vec(),
    }
}

impl Plan {
    /// The target, unless there is a reason to refuse it.
    pub(super) fn target(mut self, base: &TableBase) -> Result<Target, Vec<DeltaError>> {
        let mut refused = std::mem::take(&mut self.refused);
        let Self { location, snapshot, schema, options, prelude, properties, .. } = self;
        let text = location.text();
        let root = location.as_path().ok_or_else(|| DeltaError::InvalidLocation {
            text: text.into(),
            reason: "only tables on a file system can be written".into(),
        });
        let root = keep(&mut refused, root);
        keep(&mut refused, check_partitioning(&schema, &options.partition_by, text));
        keep(&mut refused, check_order(&schema.arrow, &options.sort_by, text));
        keep(&mut refused, check_change_feed(&schema.delta, &properties, text));
        let file_size = match options.target_file_size {
            Some(bytes) => Some(bytes),
            None => keep(&mut refused, table_file_size(&properties, text)),
        };
        let in_files =
            schema.arrow.fields().iter().filter(|field| !options.partition_by.contains(field.name()));
        let in_files = Schema::new(in_files.cloned().collect::<Vec<_>>());
        let encoded = encoded_properties(options.compression, &in_files, &options.sort_by)
            .map_err(|error| DeltaError::delta(text, "choosing the encoding", error));
        let encoded = keep(&mut refused, encoded);
        let checks = keep(
            &mut refused,
            Checks::new(&schema, &options.partition_by, &options.sort_by, &properties, text),
        );
        let hasher = RowHasher::new(&schema.arrow)
            .map_err(|error| DeltaError::InvalidSchema { location: text.into(), reason: error.to_string() });
        let hasher = keep(&mut refused, hasher);
        let (Some(root), Some(file_size), Some(encoded), Some(checks), Some(hasher), []) =
            (root, file_size, encoded, checks, hasher, refused.as_slice())
        else {
            return Err(refused);
        };
        Ok(Target {
            root,
            disk: options.disk,
            store: Arc::clone(&base.inner.store),
            location,
            base: snapshot,
            mode: options.mode,
            partition_by: options.partition_by,
            prelude,
            schema,
            checks,
            hasher,
            file_size,
            statistics: StatisticsColumns::of(&properties),
            properties: encoded,
            sort_by: options.sort_by,
        })
    }
}

/// The size a table asks its files to have.
fn table_file_size(properties: &BTreeMap<String, String>, location: &str) -> Result<NonZeroU64> {
    const KEY: &str = "delta.targetFileSize";
    let Some(text) = properties.get(KEY) else { return Ok(TARGET_FILE_SIZE) };
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|end: char| !end.is_ascii_digit());
    let unit = match text.get(digits.len()..).map(str::trim) {
        Some("" | "b") => Some(1),
        Some("k" | "kb") => Some(1 << 10),
        Some("m" | "mb") => Some(1 << 20),
        Some("g" | "gb") => Some(1 << 30),
        Some(_) | None => None,
    };
    let bytes = digits.parse::<u64>().ok().zip(unit).and_then(|(count, unit)| count.checked_mul(unit));
    bytes.and_then(NonZeroU64::new).ok_or_else(|| DeltaError::UnsupportedProperty {
        location: location.into(),
        key: KEY.into(),
        reason: format!("`{text}` is not a size like 134217728 or 128mb"),
    })
}

fn check_partitioning(schema: &TableSchema, partition_by: &[String], location: &str) -> Result<()> {
    let refuse = |reason: String| Err(DeltaError::InvalidPartitioning { location: location.into(), reason });
    for (index, column) in partition_by.iter().enumerate() {
        let Ok(field) = schema.arrow.field_with_name(column) else {
            return refuse(format!("there is no column `{column}`"));
        };
        let nested =
            matches!(field.data_type(), DataType::List(_) | DataType::Struct(_) | DataType::Map(_, _));
        if nested || field.data_type() == &DataType::Binary {
            return refuse(format!("column `{column}` has a type that cannot name a partition"));
        }
        if partition_by.iter().take(index).any(|earlier| earlier == column) {
            return refuse(format!("column `{column}` is given twice"));
        }
    }
    if partition_by.len() == schema.arrow.fields().len() {
        return refuse("at least one column must not be a partition column".into());
    }
    Ok(())
}
