//! A table to write to: its schema settled and every reason to refuse known before the first batch.

mod base;
mod options;
mod plan;

pub use base::TableBase;
pub use options::{Compression, SchemaMode, WriteMode, WriteOptions};

use std::fmt;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::execution::runtime_env::RuntimeEnv;
use deltalake::kernel::{Action, EagerSnapshot};
use deltalake::logstore::LogStoreRef;
use parquet::file::properties::WriterProperties;

use super::checks::Checks;
use super::encoder::StatisticsColumns;
use super::schema::TableSchema;
use super::writer::TableWriter;
use crate::durable::Disk;
use crate::error::{DeltaError, Result};
use crate::location::Location;
use crate::order::SortColumn;
use crate::rows::RowHasher;
use base::BaseState;

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
    /// Makes digests of rows of the table.
    pub(crate) hasher: RowHasher,
    /// Bytes after which a writer starts another file.
    pub(crate) file_size: NonZeroU64,
    pub(in crate::write) statistics: StatisticsColumns,
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
    /// As [`TableBase::open`] and [`TableTarget::on`]; of several reasons the first.
    pub async fn prepare(location: &Location, schema: SchemaRef, options: WriteOptions) -> Result<Self> {
        let base = TableBase::open(location).await?;
        Self::on(&base, &schema, options).map_err(|refused| first(refused, location))
    }

    /// A write of batches of `schema` based on a table as it was when `base` was opened. Asks nothing of the storage,
    /// so that a compiler learns from it what a run would refuse.
    ///
    /// # Errors
    /// Every reason to refuse: [`DeltaError::UnsupportedFeatures`], [`DeltaError::SchemaMismatch`],
    /// [`DeltaError::UnsupportedType`], [`DeltaError::InvalidSchema`],
    /// [`DeltaError::InvalidPartitioning`], [`DeltaError::InvalidOrder`], [`DeltaError::UnsupportedProperty`],
    /// [`DeltaError::UnusableConstraint`]. Never empty.
    pub fn on(base: &TableBase, schema: &Schema, options: WriteOptions) -> Result<Self, Vec<DeltaError>> {
        let place = base.location();
        let data = TableSchema::of_batches(schema, place.text()).map_err(|error| vec![error])?;
        let (base, plan) = match &base.inner.state {
            BaseState::Table(table) => (base, plan::existing(table, data, options)?),
            BaseState::Folder | BaseState::Nothing => (base, plan::created(place, data, options)?),
        };
        plan.target(base).map(|target| Self { inner: Arc::new(target) })
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
        self.writer_within(&Arc::default(), self.location().text())
    }

    /// Starts a writer that counts what it holds in the memory pool of `runtime`, as `writer of NAME`, and whose
    /// temporary files lie where those of `runtime` do.
    #[must_use]
    pub fn writer_within(&self, runtime: &Arc<RuntimeEnv>, name: &str) -> TableWriter {
        TableWriter::start(Arc::clone(&self.inner), Arc::clone(runtime), name)
    }
}

impl fmt::Debug for TableTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target { location, mode, .. } = self.inner.as_ref();
        write!(f, "TableTarget({mode:?} {location:?} based on {:?})", self.base_version())
    }
}

/// The first of several reasons.
fn first(refused: Vec<DeltaError>, location: &Location) -> DeltaError {
    refused.into_iter().next().unwrap_or_else(|| DeltaError::InvalidSchema {
        location: location.text().into(),
        reason: "it was refused without a reason".into(),
    })
}
