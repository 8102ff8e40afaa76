//! The tables of one compilation: opened once, before it starts, and shared by the oracle and the emission.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use datafusion::catalog::MemTable;
use datafusion::catalog::TableProvider;
use datafusion::common::DataFusionError;
use delta::{DeltaError, Location, ResolvedTable, ScanOptions};
use futures::StreamExt as _;
use ir::graph::{Graph, NodeId};
use ir::op::{ChangeRange, Input, Op, Read, SOURCE_FILE_COLUMN, Scan};
use ir::oracle::TableError;
use ir::phase::Phase;
use ir::schema::Schema;

use crate::session::Session;

/// A table to open, and what is read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRequest {
    /// The location as the spec gives it.
    pub location: String,
    /// The version; the latest if absent.
    pub version: Option<u64>,
    /// What is read of it.
    pub read: Read,
}

impl TableRequest {
    /// Everything a graph reads: its inputs with what their readers take of them, in phase Lowered; its scans
    /// after that.
    #[must_use]
    pub fn of_graph(graph: &Graph) -> Vec<Self> {
        let mut requests = Vec::new();
        for id in graph.ids() {
            match graph.get(id).map(|node| &node.op) {
                Some(Op::Input(input)) => requests.push(Self::of_input(input, Read::Rows)),
                Some(Op::Scan(scan)) => requests.push(Self {
                    location: scan.location.clone(),
                    version: Some(scan.version),
                    read: scan.read.clone(),
                }),
                Some(Op::ChangeFeed(feed)) => requests.extend(
                    input_of(graph, id).map(|input| Self::of_input(input, Read::Changes(feed.range.clone()))),
                ),
                // Metadata and file lists come from the opened table itself; `Rows` opens it.
                _ => {}
            }
        }
        requests
    }

    fn of_input(input: &Input, read: Read) -> Self {
        Self { location: input.location.clone(), version: input.version, read }
    }
}

/// The input a node of phase Lowered names, or reads in later phases.
fn input_of(graph: &Graph, id: NodeId) -> Option<&Input> {
    let source = if graph.phase == Phase::Lowered {
        graph.find(graph.get(id)?.sources.first()?)?
    } else {
        *graph.inputs(id).first()?
    };
    match &graph.get(source)?.op {
        Op::Input(input) => Some(input),
        _ => None,
    }
}

/// How many tables are being opened at a time: opening waits for storage, reading a log takes memory.
const OPENED_AT_ONCE: usize = 8;

/// A location as requests give it, and a version.
type TableKey = (String, Option<u64>);
type Opened = BTreeMap<TableKey, Result<ResolvedTable, TableError>>;
type Feed = Result<Arc<dyn TableProvider>, TableError>;

/// Opened tables. Each location and version is opened once, however often it is read; what could not be opened is
/// kept as its error and given to whoever asks.
#[derive(Clone, Default)]
pub struct Tables {
    opened: Opened,
    feeds: Vec<(String, u64, ChangeRange, Feed)>,
}

impl Tables {
    /// Opens what is requested, several tables at a time. Relative locations count from `base_dir`, which must be
    /// absolute.
    pub async fn resolve(base_dir: &Path, requests: &[TableRequest]) -> Self {
        let mut tables = Self::default();
        let base_dir: Arc<Path> = Arc::from(base_dir);
        let wanted: BTreeSet<TableKey> =
            requests.iter().map(|request| (request.location.clone(), request.version)).collect();
        // Without a version first: a pin to the latest version then finds it open.
        for pinned in [false, true] {
            let is_open = |key: &TableKey| tables.opened.contains_key(key);
            let open = wanted.iter().filter(|key| key.1.is_some() == pinned && !is_open(key));
            let open: Vec<TableKey> = open.cloned().collect();
            let opening = futures::stream::iter(open)
                .map(|key| open_table(Arc::clone(&base_dir), key))
                .buffer_unordered(OPENED_AT_ONCE);
            let opened: Vec<_> = opening.collect().await;
            for (key, table) in opened {
                if let Ok(table) = &table {
                    tables.opened.insert((key.0.clone(), Some(table.version())), Ok(table.clone()));
                }
                tables.opened.insert(key, table);
            }
        }
        for request in requests {
            if let Read::Changes(range) = &request.read {
                tables.prepare_feed(&request.location, request.version, range).await;
            }
        }
        tables
    }

    async fn prepare_feed(&mut self, location: &str, version: Option<u64>, range: &ChangeRange) {
        let Ok(table) = self.table(location, version) else { return };
        let table = table.clone();
        if self.feed(location, table.version(), range).is_some() {
            return;
        }
        let bounds = delta::ChangeRange {
            // A feed without any start begins at the table's creation.
            starting_version: match (range.starting_version, &range.starting_timestamp) {
                (None, None) => Some(0),
                (version, _) => version,
            },
            ending_version: range.ending_version,
            starting_timestamp: range.starting_timestamp.clone(),
            ending_timestamp: range.ending_timestamp.clone(),
        };
        let feed = delta::change_feed(&table, &bounds).await.map_err(|error| table_error(&error));
        self.feeds.push((location.to_owned(), table.version(), range.clone(), feed));
    }

    /// The table at a location, at a version or the latest at the time of [`Self::resolve`].
    ///
    /// # Errors
    /// Why it could not be opened; [`TableError::NotFound`] when it was not requested.
    pub fn table(&self, location: &str, version: Option<u64>) -> Result<&ResolvedTable, TableError> {
        match self.opened.get(&(location.to_owned(), version)) {
            Some(Ok(table)) => Ok(table),
            Some(Err(error)) => Err(error.clone()),
            None => Err(TableError::Unreadable(format!("`{location}` was not opened"))),
        }
    }

    /// All opened tables: location, version, table. A location opened without a version is there once.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64, &ResolvedTable)> {
        self.opened.iter().filter_map(|((location, version), table)| match (version, table) {
            (Some(version), Ok(table)) => Some((location.as_str(), *version, table)),
            _ => None,
        })
    }

    fn feed(&self, location: &str, version: u64, range: &ChangeRange) -> Option<&Feed> {
        self.feeds
            .iter()
            .find(|(place, at, bounds, _)| place == location && *at == version && bounds == range)
            .map(|(_, _, _, feed)| feed)
    }

    /// The columns a scan gives, all of them.
    pub(crate) fn schema(
        &self,
        table: &ResolvedTable,
        read: &Read,
        lineage: bool,
    ) -> Result<Schema, TableError> {
        let schema = match read {
            Read::Rows => {
                delta::scan_schema(table, &options(lineage)).map_err(|error| table_error(&error))?
            }
            Read::Changes(range) => match self.feed(table.location().text(), table.version(), range) {
                Some(Ok(_)) => delta::change_feed_schema(table),
                Some(Err(error)) => return Err(error.clone()),
                None => return Err(not_prepared(table)),
            },
            Read::Metadata => delta::table_metadata_schema(),
            Read::Files => delta::file_manifest_schema(),
        };
        Ok(Schema::from_arrow(&schema))
    }

    /// What a scan reads.
    pub(crate) fn provider(
        &self,
        scan: &Scan,
        session: &Session,
    ) -> Result<Arc<dyn TableProvider>, TableError> {
        let table = self.table(&scan.location, Some(scan.version))?;
        if scan.table_id.as_ref().is_some_and(|id| id != table.table_id()) {
            return Err(TableError::Unreadable(format!(
                "the table at `{}` is not the one the plan was made for (its id is now {}); compile again",
                scan.location,
                table.table_id()
            )));
        }
        let of = |batch: Result<_, DeltaError>| {
            let batch: arrow::record_batch::RecordBatch = batch.map_err(|error| table_error(&error))?;
            let provider = MemTable::try_new(batch.schema(), vec![vec![batch]])
                .map_err(|error: DataFusionError| TableError::Unreadable(error.to_string()))?;
            Ok(Arc::new(provider) as Arc<dyn TableProvider>)
        };
        match &scan.read {
            Read::Rows => delta::provider(table, &options(scan.lineage), session.state())
                .map_err(|error| table_error(&error)),
            Read::Changes(range) => match self.feed(&scan.location, scan.version, range) {
                Some(feed) => feed.clone(),
                None => Err(not_prepared(table)),
            },
            Read::Metadata => of(delta::table_metadata(table)),
            Read::Files => of(delta::file_manifest(table)),
        }
    }
}

/// Opens a table; the key it is known by comes first.
async fn open_table(base_dir: Arc<Path>, key: TableKey) -> (TableKey, Result<ResolvedTable, TableError>) {
    let opened = match Location::parse(&key.0, &base_dir) {
        Ok(place) => delta::resolve(&place, key.1).await.map_err(|error| table_error(&error)),
        Err(error) => Err(table_error(&error)),
    };
    (key, opened)
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.opened.keys()).finish()
    }
}

fn options(lineage: bool) -> ScanOptions {
    ScanOptions { file_column: lineage.then(|| SOURCE_FILE_COLUMN.to_owned()) }
}

fn not_prepared(table: &ResolvedTable) -> TableError {
    TableError::Unreadable(format!("the changes of `{}` were not requested", table.location()))
}

/// The reader's error as the compiler tells them apart.
fn table_error(error: &DeltaError) -> TableError {
    match error {
        DeltaError::NotFound { location } => TableError::NotFound(location.clone()),
        DeltaError::NotATable { location } => TableError::NotDelta(location.clone()),
        DeltaError::VersionMissing { requested, latest, .. } => {
            TableError::NoVersion { wanted: *requested, latest: *latest }
        }
        DeltaError::ChangeFeedDisabled { .. } => TableError::NoChangeFeed,
        other => TableError::Unreadable(other.to_string()),
    }
}
