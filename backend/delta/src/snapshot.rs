//! Reading a table's state once: [`resolve`] gives everything a run needs to know about an input.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::ErrorKind;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use deltalake::delta_datafusion::DeltaScanConfig;
use deltalake::kernel::engine::arrow_conversion::TryIntoArrow as _;
use deltalake::kernel::transaction::{PROTOCOL, TransactionError};
use deltalake::kernel::{Action, EagerSnapshot};
use deltalake::logstore::LogStoreRef;
use deltalake::{DeltaTable, DeltaTableBuilder};
use hash::ContentHash;

use crate::active::ActiveFiles;
use crate::digest;
use crate::error::{DeltaError, Result};
use crate::guard::folder_without_links;
use crate::location::Location;
use crate::log::{Log, read_actions};
use crate::order::{ORDER, SortColumn, TableOrder};
use crate::overlay;
use crate::rows::RowsDigest;
use crate::scan::{Known, is_plain_snapshot, is_read_here};
use crate::sidecars::guard_sidecars;

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
    pub(crate) commit: Option<ContentHash>,
    pub(crate) files_digest: OnceLock<ContentHash>,
    pub(crate) rows_digest: OnceLock<Option<RowsDigest>>,
    pub(crate) files: ActiveFiles,
    /// What was found out about the columns so far.
    pub(crate) known: Known,
    /// Whether the footers that the Delta library parses were looked at.
    pub(crate) footers_checked: AtomicBool,
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
    let commit = commit_digest(location, found, version).await?;
    let mut table = found.clone();
    let Err(error) = load(&mut table, version, location).await else {
        return ResolvedTable::new(location.clone(), table, commit);
    };
    if matches!(error, DeltaError::PathEscape { .. }) {
        return Err(error);
    }
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
        if load(&mut table, version, location).await.is_ok() {
            return ResolvedTable::new(location.clone(), table, commit);
        }
    }
    Err(error)
}

/// The digest of the commit of a version; `None` when the log does not have it.
async fn commit_digest(location: &Location, table: &DeltaTable, version: u64) -> Result<Option<ContentHash>> {
    let text = location.text();
    if let Some(root) = location.as_path() {
        let path = root.join(format!("_delta_log/{version:020}.json"));
        let digest = tokio::task::spawn_blocking(move || digest::of_file(&path)).await;
        return match digest.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped))) {
            Ok(digest) => Ok(Some(digest)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DeltaError::delta(text, "reading the last commit", error)),
        };
    }
    let bytes = table.log_store().read_commit_entry(version).await;
    let bytes = bytes.map_err(|error| DeltaError::delta(text, "reading the last commit", error))?;
    Ok(bytes.map(|bytes| ContentHash::of(&bytes)))
}

/// Replays the log. The library says of a table with unknown features only that something is
/// unsupported, so the protocol is looked up to name them all.
pub(crate) async fn load(table: &mut DeltaTable, version: u64, location: &Location) -> Result<()> {
    let store = table.log_store();
    guard_sidecars(&store, version, location).await?;
    let Err(error) = table.load_version(version).await else { return Ok(()) };
    let location = location.text();
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
        Err(TransactionError::UnsupportedTableFeatures(features)) => {
            let features = sorted(&features).into_iter().filter(|feature| !is_read_here(feature));
            let features: Vec<_> = features.collect();
            if features.is_empty() {
                return Ok(());
            }
            Err(DeltaError::UnsupportedFeatures { location: location.into(), access: "read", features })
        }
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
        folder_without_links(&path.join("_delta_log"), &path, text, |_| true)?;
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

/// `field` with texts and binary values as views, also nested ones, as scans give them.
fn with_views(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(with_views).collect()),
        DataType::List(element) => DataType::List(with_views(element)),
        DataType::LargeList(element) => DataType::LargeList(with_views(element)),
        _ => return Arc::clone(field),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

/// `field` without the `void` fields inside it, which no file holds: a struct with one could not be written anywhere.
/// Columns that are `void` themselves are read as NULL.
fn without_void(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Struct(fields) if fields.iter().any(|field| !field.data_type().is_null()) => {
            let typed = fields.iter().filter(|field| !field.data_type().is_null());
            DataType::Struct(typed.map(without_void).collect())
        }
        DataType::List(element) => DataType::List(without_void(element)),
        _ => return Arc::clone(field),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

impl ResolvedTable {
    pub(crate) fn new(location: Location, table: DeltaTable, commit: Option<ContentHash>) -> Result<Self> {
        let text = location.text().to_owned();
        let state =
            table.snapshot().map_err(|error| DeltaError::delta(&text, "reading the snapshot", error))?;
        check_readable(state.protocol(), &text)?;
        let snapshot = Arc::new(state.snapshot().clone());
        let schema: Result<Schema, ArrowError> = snapshot.schema().as_ref().try_into_arrow();
        let schema = schema.map_err(|error| DeltaError::engine(&text, "deriving the scan schema", error))?;
        let schema = Schema::new(schema.fields().iter().map(with_views).collect::<Vec<_>>());
        let files = ActiveFiles::of(&snapshot, &location)?;
        let schema = match is_plain_snapshot(&snapshot, &files, &schema) {
            true => Arc::new(Schema::new(schema.fields().iter().map(without_void).collect::<Vec<_>>())),
            false => Arc::new(schema),
        };
        let recorded = snapshot.metadata().configuration().get(ORDER).map(String::as_str);
        let data = snapshot
            .try_log_data()
            .map_err(|error| DeltaError::delta(&text, "reading the file list", error))?;
        #[expect(deprecated, reason = "nothing else gives the tags of a file")]
        let adds = data.iter().map(|file| file.add_action());
        let order = TableOrder::of(recorded, adds).map(Arc::new);
        let known = Known::default();
        let inner = Inner {
            location,
            table,
            snapshot,
            schema,
            order,
            commit,
            files_digest: OnceLock::new(),
            rows_digest: OnceLock::new(),
            files,
            known,
            footers_checked: AtomicBool::new(false),
        };
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
        self.inner.files.len()
    }

    /// Number of rows, deletion vectors taken off; `None` unless every file's statistics tell. Written by
    /// whoever wrote the files: an estimate for planning, not a proof.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        self.inner.files.rows()
    }

    /// Size of the active data files in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.inner.files.bytes()
    }

    /// The table's properties, sorted by key.
    #[must_use]
    pub fn properties(&self) -> BTreeMap<String, String> {
        let properties = self.inner.snapshot.metadata().configuration();
        properties.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// How the columns of data files are found, `id` or `name`; `None` when by their own names.
    #[must_use]
    pub fn column_mapping(&self) -> Option<&str> {
        let mode = self.inner.snapshot.metadata().configuration().get("delta.columnMapping.mode");
        mode.map(String::as_str).filter(|mode| *mode != "none")
    }

    /// Whether the table records a change feed.
    #[must_use]
    pub fn has_change_feed(&self) -> bool {
        is_recorded(self.inner.snapshot.metadata().configuration())
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

/// Whether a table with these properties records its changes.
pub(crate) fn is_recorded(properties: &HashMap<String, String>) -> bool {
    let value = properties.get("delta.enableChangeDataFeed");
    value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}
