//! A table to write to: its schema settled and every reason to refuse known before the first batch.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use deltalake::datafile::writer::WriterConfig;
use deltalake::kernel::{Action, EagerSnapshot};
use deltalake::logstore::LogStoreRef;
use deltalake::operations::write::WriterStatsConfig;
use parquet::file::properties::WriterProperties;

use super::checks::Checks;
use super::encoding;
use super::protocol::{check_properties, check_writable, needs_new_feature, new_metadata, new_protocol};
use super::schema::TableSchema;
use super::writer::TableWriter;
use crate::durable::Disk;
use crate::error::{DeltaError, Result};
use crate::location::Location;
use crate::order::{SortColumn, check_appended_order, check_order, same_order};
use crate::snapshot::{Found, ResolvedTable, find, open};

/// Size at which a writer starts the next file, unless the write or the table says otherwise.
const TARGET_FILE_SIZE: NonZeroU64 = NonZeroU64::new(128 * 1024 * 1024).unwrap();
/// Rows handed to the Parquet encoder at a time.
const ENCODED_ROWS: usize = 8192;

/// What a write does with the rows a table has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WriteMode {
    /// Keeps them.
    Append,
    /// Replaces all of them, in the same commit that adds the new ones.
    #[default]
    Overwrite,
}

/// How data files are compressed.
///
/// Snappy is the default, as in most writers of Delta tables. Copying TPC-H lineitem (scale factor 1) took 3.1 s of
/// processor time with it and 3.5 s with Zstandard; the code property graph of the Python standard library takes
/// 910 MB with it and 774 MB with Zstandard, in the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compression {
    /// Zstandard level 1.
    Zstd,
    /// Snappy.
    #[default]
    Snappy,
    /// Not at all.
    Uncompressed,
}

/// How a table is written.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// What happens to existing rows.
    pub mode: WriteMode,
    /// Partition columns, in order. Empty takes the existing table's; otherwise they must agree with it.
    pub partition_by: Vec<String>,
    /// What the rows each writer gets are sorted by, checked as they are written. It is recorded in the table and
    /// in its files, so that later scans know. Columns of the table, each at most once. Empty: no order.
    pub sort_by: Vec<SortColumn>,
    /// Bytes after which a writer starts another file. Without it the table's `delta.targetFileSize`, else 128 MiB.
    pub target_file_size: Option<NonZeroU64>,
    /// Compression of the data files.
    pub compression: Compression,
    /// Properties of the table, if it is created. An existing table keeps its own.
    pub properties: BTreeMap<String, String>,
    /// Name recorded in the table's metadata, if it is created.
    pub name: Option<String>,
    /// Description recorded in the table's metadata, if it is created.
    pub description: Option<String>,
    /// Lets an overwrite give the table another schema or partitioning.
    pub allow_schema_change: bool,
    /// Refuses nullable columns where the table says NOT NULL. Otherwise each batch is checked: planners
    /// often cannot prove what the data keeps.
    pub strict_nullability: bool,
    /// What is written to. Tables that are published together share one.
    pub disk: Disk,
}

/// A table about to be written. Nothing exists of it in the storage, or has changed, until
/// [`TableTarget::commit`].
#[derive(Clone)]
pub struct TableTarget {
    pub(crate) inner: Arc<Target>,
}

pub(crate) struct Target {
    pub(crate) location: Location,
    pub(crate) store: LogStoreRef,
    pub(crate) base: Option<Arc<EagerSnapshot>>,
    pub(crate) mode: WriteMode,
    pub(crate) partition_by: Vec<String>,
    /// Protocol and metadata actions the commit must carry.
    pub(crate) prelude: Vec<Action>,
    pub(crate) schema: TableSchema,
    pub(crate) checks: Checks,
    pub(crate) config: WriterConfig,
    /// How files are encoded before anything is known of their values.
    pub(crate) properties: WriterProperties,
    pub(crate) sort_by: Vec<SortColumn>,
    /// The table's folder.
    pub(crate) root: PathBuf,
    pub(crate) disk: Disk,
}

impl Target {
    /// The version its commit will be, if nobody else commits before.
    pub(crate) fn next_version(&self) -> u64 {
        self.base.as_ref().map_or(0, |base| base.version() + 1)
    }

    /// The folder of the table's log.
    pub(crate) fn log_folder(&self) -> PathBuf {
        self.root.join("_delta_log")
    }

    /// The file that makes a version.
    pub(crate) fn commit_path(&self, version: u64) -> PathBuf {
        self.log_folder().join(format!("{version:020}.json"))
    }
}

impl TableTarget {
    /// Opens the table at `location`, or plans its creation, for batches of `schema`.
    ///
    /// # Errors
    /// Everything [`resolve`](crate::resolve) reports of an existing table;
    /// [`DeltaError::UnsupportedFeatures`], [`DeltaError::SchemaMismatch`],
    /// [`DeltaError::UnsupportedType`], [`DeltaError::InvalidSchema`],
    /// [`DeltaError::InvalidPartitioning`], [`DeltaError::UnsupportedProperty`],
    /// [`DeltaError::UnusableConstraint`].
    pub async fn prepare(location: &Location, schema: SchemaRef, options: WriteOptions) -> Result<Self> {
        let text = location.text();
        let data = TableSchema::of_batches(&schema, text)?;
        let target = match find(location).await? {
            Found::Table(found, log) => {
                let table = open(location, &found, &log, None).await?;
                existing(location, found.log_store(), &table, data, options)?
            }
            Found::Directory(store) | Found::Nothing(store) => create(location, store, data, options)?,
        };
        // Other log stores want commits in temporary files and have other guarantees.
        if target.store.name() != "DefaultLogStore" {
            return Err(DeltaError::InvalidLocation {
                text: text.into(),
                reason: format!("writing through a {} is not supported", target.store.name()),
            });
        }
        Ok(Self { inner: Arc::new(target) })
    }

    /// Where the table is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.inner.location
    }

    /// The version this write is based on; `None` when it creates the table.
    #[must_use]
    pub fn base_version(&self) -> Option<u64> {
        self.inner.base.as_ref().map(|snapshot| snapshot.version())
    }

    /// The schema of the table's files, partition columns included.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.inner.schema.arrow
    }

    /// What the rows each writer gets must be sorted by.
    #[must_use]
    pub fn sort_columns(&self) -> &[SortColumn] {
        &self.inner.sort_by
    }

    /// The partition columns, in order.
    #[must_use]
    pub fn partition_columns(&self) -> &[String] {
        &self.inner.partition_by
    }

    /// Starts a writer. Start one for each stream that is to be encoded in parallel, from inside a tokio
    /// runtime: each encodes in a task of its own.
    #[must_use]
    pub fn writer(&self) -> TableWriter {
        TableWriter::start(Arc::clone(&self.inner))
    }
}

impl fmt::Debug for TableTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target { location, mode, .. } = self.inner.as_ref();
        write!(f, "TableTarget({mode:?} {location:?} based on {:?})", self.base_version())
    }
}

fn create(
    location: &Location,
    store: LogStoreRef,
    data: TableSchema,
    options: WriteOptions,
) -> Result<Target> {
    let text = location.text();
    check_properties(&options.properties, text)?;
    let protocol = new_protocol(&data.delta, &options.properties, text)?;
    let metadata = new_metadata(&data.delta, &options, None, text)?;
    let prelude = vec![Action::Protocol(protocol), Action::Metadata(metadata)];
    let properties = options.properties.clone();
    target(location, store, None, data, options, prelude, &properties)
}

fn existing(
    location: &Location,
    store: LogStoreRef,
    table: &ResolvedTable,
    data: TableSchema,
    mut options: WriteOptions,
) -> Result<Target> {
    let text = location.text();
    let snapshot = Arc::clone(&table.inner.snapshot);
    check_writable(&snapshot, options.mode, text)?;
    let own = TableSchema::of_delta(snapshot.schema().as_ref().clone(), text)?;
    if options.partition_by.is_empty() {
        options.partition_by = table.partition_columns().to_vec();
    }
    let mismatches = own.mismatches(&data, options.strict_nullability);
    let repartitioned = options.partition_by != table.partition_columns();
    let may_change = options.mode == WriteMode::Overwrite && options.allow_schema_change;
    let properties = table.properties();
    if options.mode == WriteMode::Append {
        check_appended_order(&properties, &options.sort_by, text)?;
    }
    if may_change && (repartitioned || !mismatches.is_empty()) {
        if needs_new_feature(&data.delta, snapshot.protocol()) {
            return Err(DeltaError::InvalidSchema {
                location: text.into(),
                reason: "the new schema has timestamps without zone, which the table's protocol does not \
                         allow: give them a zone, or create the table anew"
                    .into(),
            });
        }
        let metadata = new_metadata(&data.delta, &options, Some(snapshot.metadata()), text)?;
        let prelude = vec![Action::Metadata(metadata)];
        return target(location, store, Some(snapshot), data, options, prelude, &properties);
    }
    if repartitioned {
        return Err(DeltaError::InvalidPartitioning {
            location: text.into(),
            reason: format!(
                "it is partitioned by ({}), not by ({}): leave the partitioning out, or overwrite with schema \
                 change allowed",
                table.partition_columns().join(", "),
                options.partition_by.join(", ")
            ),
        });
    }
    if !mismatches.is_empty() {
        return Err(DeltaError::SchemaMismatch { location: text.into(), mismatches });
    }
    let mut prelude = Vec::new();
    if options.mode == WriteMode::Overwrite && !same_order(&properties, &options.sort_by) {
        prelude.push(Action::Metadata(new_metadata(&own.delta, &options, Some(snapshot.metadata()), text)?));
    }
    target(location, store, Some(snapshot), own, options, prelude, &properties)
}

fn target(
    location: &Location,
    store: LogStoreRef,
    base: Option<Arc<EagerSnapshot>>,
    schema: TableSchema,
    options: WriteOptions,
    prelude: Vec<Action>,
    properties: &BTreeMap<String, String>,
) -> Result<Target> {
    let text = location.text();
    let root = location.as_path().ok_or_else(|| DeltaError::InvalidLocation {
        text: text.into(),
        reason: "only tables on a file system can be written".into(),
    })?;
    check_partitioning(&schema, &options.partition_by, text)?;
    check_order(&schema.arrow, &options.sort_by, text)?;
    let target_file_size = match options.target_file_size {
        Some(bytes) => bytes,
        None => table_file_size(properties, text)?,
    };
    let in_files = schema.arrow.fields().iter().filter(|field| !options.partition_by.contains(field.name()));
    let in_files = Schema::new(in_files.cloned().collect::<Vec<_>>());
    let properties_of_files = encoding::properties(options.compression, &in_files, &options.sort_by)
        .map_err(|error| DeltaError::delta(text, "choosing the encoding", error))?;
    let checks = Checks::new(&schema, &options.partition_by, properties, text)?;
    let stats = match &base {
        Some(snapshot) => WriterStatsConfig::from_config(snapshot.table_configuration()),
        None => WriterStatsConfig::new(Default::default(), None),
    };
    let config = WriterConfig::new(
        Arc::clone(&schema.arrow),
        options.partition_by.clone(),
        Some(properties_of_files.clone()),
        Some(target_file_size),
        Some(ENCODED_ROWS),
        stats.num_indexed_cols,
        stats.stats_columns,
    );
    Ok(Target {
        location: location.clone(),
        store,
        base,
        mode: options.mode,
        partition_by: options.partition_by,
        prelude,
        schema,
        checks,
        config,
        properties: properties_of_files,
        sort_by: options.sort_by,
        root,
        disk: options.disk,
    })
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
