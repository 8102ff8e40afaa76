//! Reading a table's state once: [`resolve`] gives everything a run needs to know about an input.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use deltalake::kernel::transaction::{PROTOCOL, TransactionError};
use deltalake::kernel::{Action, EagerSnapshot, LogicalFileView};
use deltalake::logstore::LogStoreRef;
use deltalake::{DeltaTable, DeltaTableBuilder};

use crate::error::{DeltaError, Result};
use crate::location::Location;
use crate::log::{Log, guard_path, read_actions};
use crate::order::{ORDER, SortColumn, TableOrder};
use crate::overlay;

/// A table at one version. Cheap to clone: clones share one replayed log, and so do all scans of it.
#[derive(Clone)]
pub struct ResolvedTable {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) location: Location,
    pub(crate) table: DeltaTable,
    pub(crate) snapshot: Arc<EagerSnapshot>,
    pub(crate) schema: SchemaRef,
    pub(crate) order: Option<Arc<TableOrder>>,
    files: usize,
    rows: Option<u64>,
    bytes: u64,
}

/// The protocol a table asks of its readers and writers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol {
    /// Lowest reader version that may read the table.
    pub min_reader_version: i32,
    /// Lowest writer version that may write the table.
    pub min_writer_version: i32,
    /// Features readers must know (reader version 3), sorted.
    pub reader_features: Vec<String>,
    /// Features writers must know (writer version 7), sorted.
    pub writer_features: Vec<String>,
}

/// Opens the table at `location` at version `pin`, or the latest.
///
/// The log is listed, its tail checked for lost commits, and replayed once. Every active file's path is
/// checked to lie inside the table.
///
/// # Errors
/// [`DeltaError::NotFound`], [`DeltaError::NotATable`], [`DeltaError::VersionMissing`],
/// [`DeltaError::UnsupportedFeatures`], [`DeltaError::CorruptLog`], [`DeltaError::PathEscape`], or
/// [`DeltaError::Delta`] for failures of the storage.
pub async fn resolve(location: &Location, pin: Option<u64>) -> Result<ResolvedTable> {
    let text = location.text();
    match find(location).await? {
        Found::Table(table, log) => open(location, &table, &log, pin).await,
        Found::Directory(_) => Err(DeltaError::NotATable { location: text.into() }),
        Found::Nothing(_) => Err(DeltaError::NotFound { location: text.into() }),
    }
}

/// Reads a table that was found at the version `pin`, or the latest.
///
/// A checkpoint that cannot be read makes nothing unreadable that the commits still tell: they are replayed from an
/// older checkpoint, or from the beginning.
pub(crate) async fn open(
    location: &Location,
    found: &DeltaTable,
    log: &Log,
    pin: Option<u64>,
) -> Result<ResolvedTable> {
    let text = location.text();
    let version = log.choose(pin, text)?;
    let mut checkpoint = log.checkpoint(version, None);
    log.check(location, checkpoint, version).await?;
    let mut table = found.clone();
    let Err(error) = load(&mut table, version, text).await else {
        return ResolvedTable::new(location.clone(), table);
    };
    while let Some(broken) = checkpoint {
        checkpoint = log.checkpoint(version, Some(broken));
        if let Err(missing) = log.check(location, checkpoint, version).await {
            return Err(match error {
                // It is not that its checkpoint cannot be read.
                DeltaError::UnsupportedFeatures { .. } => error,
                _ => DeltaError::CorruptLog {
                    location: text.into(),
                    version: Some(broken),
                    reason: format!("its checkpoint cannot be read ({error}), and without it {missing}"),
                },
            });
        }
        let store = overlay::without_checkpoints(location, &found.log_store(), broken)?;
        let mut table = DeltaTable::new(store);
        if load(&mut table, version, text).await.is_ok() {
            return ResolvedTable::new(location.clone(), table);
        }
    }
    Err(error)
}

/// Replays the log. The library says of a table with unknown features only that something is
/// unsupported, so the protocol is looked up to name them all.
pub(crate) async fn load(table: &mut DeltaTable, version: u64, location: &str) -> Result<()> {
    let Err(error) = table.load_version(version).await else { return Ok(()) };
    let store = table.log_store();
    for version in (0..=version).rev() {
        let Ok(Some(actions)) = read_actions(&store, version, location).await else { break };
        let protocol = actions.iter().find_map(|action| match action {
            Action::Protocol(protocol) => Some(protocol),
            _ => None,
        });
        if let Some(protocol) = protocol {
            check_readable(protocol, location)?;
            break;
        }
    }
    Err(DeltaError::delta(location, "replaying the log", error))
}

pub(crate) fn check_readable(protocol: &deltalake::kernel::Protocol, location: &str) -> Result<()> {
    match PROTOCOL.can_read_from_protocol(protocol) {
        Ok(()) => Ok(()),
        Err(TransactionError::UnsupportedTableFeatures(features)) => Err(DeltaError::UnsupportedFeatures {
            location: location.into(),
            access: "read",
            features: sorted(&features),
        }),
        Err(error) => Err(DeltaError::delta(location, "checking the protocol", error)),
    }
}

/// What is at a location.
pub(crate) enum Found {
    /// A Delta table, not loaded.
    Table(DeltaTable, Log),
    /// A directory without a Delta log.
    Directory(LogStoreRef),
    /// Nothing.
    Nothing(LogStoreRef),
}

pub(crate) async fn find(location: &Location) -> Result<Found> {
    let text = location.text();
    let table = DeltaTableBuilder::from_url(location.url().clone())
        .and_then(DeltaTableBuilder::build)
        .map_err(|error| DeltaError::delta(text, "opening the storage", error))?;
    let store = table.log_store();
    if let Some(path) = location.as_path() {
        match tokio::fs::metadata(&path).await {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(DeltaError::NotATable { location: text.into() }),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing(store)),
            Err(error) if error.kind() == ErrorKind::NotADirectory => {
                return Err(DeltaError::NotATable { location: text.into() });
            }
            Err(error) => return Err(DeltaError::delta(text, "looking at the directory", error)),
        }
    }
    let log = Log::list(&store, text).await?;
    Ok(match log.latest() {
        Some(_) => Found::Table(table, log),
        None => Found::Directory(store),
    })
}

pub(crate) fn sorted<T: ToString>(features: &[T]) -> Vec<String> {
    let mut names: Vec<_> = features.iter().map(ToString::to_string).collect();
    names.sort();
    names
}

/// How every scan of this crate reads: strings as views, partition values as plain columns. A dictionary
/// column as a hash join key panics in DataFusion's dynamic filters, and view types keep strings in place.
pub(crate) fn scan_config() -> DeltaScanConfig {
    DeltaScanConfig::new().with_wrap_partition_values(false)
}

impl ResolvedTable {
    pub(crate) fn new(location: Location, table: DeltaTable) -> Result<Self> {
        let text = location.text().to_owned();
        let state =
            table.snapshot().map_err(|error| DeltaError::delta(&text, "reading the snapshot", error))?;
        check_readable(state.protocol(), &text)?;
        let snapshot = Arc::new(state.snapshot().clone());
        let schema = DeltaScanNext::new(Arc::clone(&snapshot), scan_config())
            .map_err(|error| DeltaError::engine(&text, "deriving the scan schema", error))?
            .schema();
        let schema = Arc::new(Schema::new(schema.fields().clone()));
        let (mut files, mut bytes, mut rows) = (0usize, 0u64, Some(0u64));
        let data = snapshot
            .try_log_data()
            .map_err(|error| DeltaError::delta(&text, "reading the file list", error))?;
        for file in data.iter() {
            guard_file(&file, &location)?;
            files += 1;
            bytes = bytes.saturating_add(u64::try_from(file.size()).unwrap_or(0));
            rows = rows.zip(live_rows(&file)).map(|(sum, rows)| sum.saturating_add(rows));
        }
        let recorded = snapshot.metadata().configuration().get(ORDER).map(String::as_str);
        #[expect(deprecated, reason = "nothing else gives the tags of a file")]
        let adds = data.iter().map(|file| file.add_action());
        let order = TableOrder::of(recorded, adds).map(Arc::new);
        let inner = Inner { location, table, snapshot, schema, order, files, rows, bytes };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Where the table is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.inner.location
    }

    /// The version read.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.inner.snapshot.version()
    }

    /// The table's identity, which survives moves and overwrites but not re-creation.
    #[must_use]
    pub fn table_id(&self) -> &str {
        self.inner.snapshot.metadata().id()
    }

    /// The columns a scan produces, without a file column: string and binary columns as views,
    /// partition columns plain.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.inner.schema
    }

    /// The partition columns, in order.
    #[must_use]
    pub fn partition_columns(&self) -> &[String] {
        self.inner.snapshot.metadata().partition_columns()
    }

    /// What the rows are sorted by, within each of the table's sorted runs; empty unless the table declares an
    /// order and all of its active files have it.
    #[must_use]
    pub fn sort_columns(&self) -> &[SortColumn] {
        self.inner.order.as_ref().map_or(&[], |order| &order.columns)
    }

    /// Number of active data files.
    #[must_use]
    pub fn files(&self) -> usize {
        self.inner.files
    }

    /// Number of rows, deletion vectors taken off; `None` unless every file's statistics tell. Written by
    /// whoever wrote the files: an estimate for planning, not a proof.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        self.inner.rows
    }

    /// Size of the active data files in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.inner.bytes
    }

    /// The table's properties, sorted by key.
    #[must_use]
    pub fn properties(&self) -> BTreeMap<String, String> {
        let properties = self.inner.snapshot.metadata().configuration();
        properties.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Whether the table records a change feed.
    #[must_use]
    pub fn has_change_feed(&self) -> bool {
        let value = self.inner.snapshot.metadata().configuration().get("delta.enableChangeDataFeed");
        value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// What the table asks of readers and writers.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        let protocol = self.inner.snapshot.protocol();
        Protocol {
            min_reader_version: protocol.min_reader_version(),
            min_writer_version: protocol.min_writer_version(),
            reader_features: sorted(protocol.reader_features().unwrap_or_default()),
            writer_features: sorted(protocol.writer_features().unwrap_or_default()),
        }
    }
}

impl fmt::Debug for ResolvedTable {
    // Not derived: the library's own Debug prints storage options, and with them credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResolvedTable({:?} at version {})", self.inner.location, self.version())
    }
}

/// Rows of a file that are not deleted, if its statistics tell.
pub(crate) fn live_rows(file: &LogicalFileView) -> Option<u64> {
    let rows = u64::try_from(file.num_records()?).ok()?;
    rows.checked_sub(deleted_rows(file))
}

pub(crate) fn deleted_rows(file: &LogicalFileView) -> u64 {
    file.deletion_vector_descriptor().map_or(0, |vector| u64::try_from(vector.cardinality).unwrap_or(0))
}

fn guard_file(file: &LogicalFileView, location: &Location) -> Result<()> {
    guard_path(&file.path(), location.url(), location.text())?;
    match file.deletion_vector_descriptor() {
        // `p` stores an absolute path; `u` and `i` cannot leave the table.
        Some(vector) if vector.storage_type.to_string() == "p" => {
            guard_path(&vector.path_or_inline_dv, location.url(), location.text())
        }
        Some(_) | None => Ok(()),
    }
}
