//! The tables of one compilation: opened once, before it starts, and shared by the oracle and the emission.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use datafusion::catalog::MemTable;
use datafusion::catalog::TableProvider;
use datafusion::common::DataFusionError;
use delta::{DeltaError, Location, ResolvedTable, ScanOptions, TableBase};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use ir::graph::{Graph, NodeId};
use ir::op::{ChangeRange, Identity, Input, Op, Read, SOURCE_FILE_COLUMN, Scan};
use ir::oracle::TableError;
use ir::phase::Phase;
use ir::schema::Schema;

use crate::error::table_error;
use crate::identity::{self, Twins};

/// A table to open, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableRequest {
    /// An input is read.
    Read {
        /// The location as the spec gives it.
        location: String,
        /// The version; the latest if absent.
        version: Option<u64>,
        /// What is read of it.
        read: Read,
    },
    /// An output is written.
    Write {
        /// The location as the spec gives it.
        location: String,
    },
}

impl TableRequest {
    /// Everything a graph reads and writes: its inputs with what their readers take of them, in phase Lowered; its
    /// scans after that; and always its outputs.
    #[must_use]
    pub fn of_graph(graph: &Graph) -> Vec<Self> {
        let mut requests = Vec::new();
        for id in graph.ids() {
            match &graph[id].op {
                Op::Input(input) => requests.push(Self::of_input(input, Read::Rows)),
                Op::Scan(scan) => requests.push(Self::Read {
                    location: scan.location.clone(),
                    version: Some(scan.version),
                    read: scan.read.clone(),
                }),
                Op::ChangeFeed(feed) => requests.extend(
                    input_of(graph, id).map(|input| Self::of_input(input, Read::Changes(feed.range.clone()))),
                ),
                Op::Sink(sink) if sink.has_table() => {
                    requests.push(Self::Write { location: sink.location.clone() });
                }
                // Metadata and file lists come from the opened table itself; `Rows` opens it.
                Op::TableMetadata(_) | Op::FileManifest(_) | Op::Sink(_) => {}
                Op::Normalize(_)
                | Op::Relate(_)
                | Op::UnionByName(_)
                | Op::Conform(_)
                | Op::Filter(_)
                | Op::Project(_)
                | Op::Aggregate(_)
                | Op::Window(_)
                | Op::Unnest(_)
                | Op::Query(_)
                | Op::Join(_)
                | Op::SpanJoin(_)
                | Op::Union(_)
                | Op::Distinct(_) => {}
            }
        }
        requests
    }

    fn of_input(input: &Input, read: Read) -> Self {
        Self::Read { location: input.location.clone(), version: input.version, read }
    }

    /// The location as the spec gives it.
    fn location(&self) -> &str {
        match self {
            Self::Read { location, .. } | Self::Write { location } => location,
        }
    }
}

/// The input a node of phase Lowered names, or reads in later phases.
fn input_of(graph: &Graph, id: NodeId) -> Option<&Input> {
    let source = if graph.phase == Phase::Lowered {
        graph.find(graph[id].sources.first()?)?
    } else {
        *graph.inputs(id).first()?
    };
    let Op::Input(input) = &graph[source].op else { return None };
    Some(input)
}

/// How many tables are being opened at a time: opening waits for storage, reading a log takes memory.
const OPENED_AT_ONCE: usize = 8;

/// A place and a version.
type TableKey = (Location, Option<u64>);
type Feed = Result<Arc<dyn TableProvider>, TableError>;

/// Opened tables. Each place and version is opened once, however it is spelled and however often it is read; what could
/// not be opened is kept as its error and given to whoever asks.
#[derive(Clone, Default)]
pub struct Tables {
    /// The places of the locations that were requested.
    places: BTreeMap<String, Result<Location, Arc<DeltaError>>>,
    opened: BTreeMap<TableKey, Result<ResolvedTable, TableError>>,
    feeds: Vec<(Location, u64, ChangeRange, Feed)>,
    /// What outputs are based on.
    bases: BTreeMap<Location, Result<TableBase, Arc<DeltaError>>>,
    twins: Twins,
}

/// What opening gave.
enum Opened {
    Input(TableKey, Result<ResolvedTable, TableError>),
    Output(Location, Result<TableBase, Arc<DeltaError>>),
}

async fn open_input(key: TableKey) -> Opened {
    let table = delta::resolve(&key.0, key.1).await.map_err(|error| table_error(&error));
    Opened::Input(key, table)
}

async fn open_output(place: Location) -> Opened {
    let base = TableBase::open(&place).await.map_err(Arc::new);
    Opened::Output(place, base)
}

impl Tables {
    /// Opens what is requested, several tables at a time: inputs, and what outputs are based on, in one step.
    /// Relative locations count from `base_dir`, which must be absolute.
    pub async fn resolve(base_dir: &Path, requests: &[TableRequest]) -> Self {
        Self::resolve_with(base_dir, requests, &[]).await
    }

    /// As [`Self::resolve`], with tables that are open already: an input at the place of one of them is this one, unless
    /// it asks for another version. They may be versions that are still to be published.
    pub async fn resolve_with(base_dir: &Path, requests: &[TableRequest], open: &[ResolvedTable]) -> Self {
        let mut tables = Self::default();
        let open: BTreeMap<&Location, &ResolvedTable> =
            open.iter().map(|table| (table.location(), table)).collect();
        let mut inputs: BTreeSet<TableKey> = BTreeSet::new();
        let mut outputs: BTreeSet<Location> = BTreeSet::new();
        for request in requests {
            let place = tables
                .places
                .entry(request.location().to_owned())
                .or_insert_with_key(|text| Location::parse(text, base_dir).map_err(Arc::new));
            let Ok(place) = place else { continue };
            match request {
                TableRequest::Read { version, .. } => {
                    let known =
                        open.get(place).filter(|table| version.is_none_or(|it| it == table.version()));
                    match known {
                        Some(table) => {
                            for version in [*version, Some(table.version())] {
                                tables.opened.insert((place.clone(), version), Ok((*table).clone()));
                            }
                            false
                        }
                        None => inputs.insert((place.clone(), *version)),
                    }
                }
                TableRequest::Write { .. } => outputs.insert(place.clone()),
            };
        }
        // Without a version first: a pin to the latest version then finds it open.
        let (latest, pinned): (Vec<_>, Vec<_>) =
            inputs.into_iter().partition(|(_, version)| version.is_none());
        tables.open(latest, outputs).await;
        let pinned = pinned.into_iter().filter(|key| !tables.opened.contains_key(key)).collect();
        tables.open(pinned, BTreeSet::new()).await;
        tables.twins = Twins::among(tables.opened.values().flatten());
        for request in requests {
            if let TableRequest::Read { location, version, read: Read::Changes(range) } = request {
                tables.prepare_feed(location, *version, range).await;
            }
        }
        tables
    }

    /// Opens tables side by side.
    async fn open(&mut self, inputs: Vec<TableKey>, outputs: BTreeSet<Location>) {
        let mut opening: Vec<BoxFuture<'static, Opened>> = Vec::new();
        opening.extend(inputs.into_iter().map(|key| open_input(key).boxed()));
        opening.extend(outputs.into_iter().map(|place| open_output(place).boxed()));
        let opening = futures::stream::iter(opening).buffer_unordered(OPENED_AT_ONCE);
        for opened in opening.collect::<Vec<_>>().await {
            match opened {
                Opened::Input(key, table) => {
                    if let Ok(table) = &table {
                        self.opened.insert((key.0.clone(), Some(table.version())), Ok(table.clone()));
                    }
                    self.opened.insert(key, table);
                }
                Opened::Output(place, base) => {
                    self.bases.insert(place, base);
                }
            }
        }
    }

    async fn prepare_feed(&mut self, location: &str, version: Option<u64>, range: &ChangeRange) {
        let Ok(table) = self.table(location, version) else { return };
        let table = table.clone();
        if self.feed(&table, range).is_some() {
            return;
        }
        self.twins.read_history(&table, range).await;
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
        self.feeds.push((table.location().clone(), table.version(), range.clone(), feed));
    }

    /// Where a location is, or why it is no place; nothing when it was not requested.
    pub fn place(&self, location: &str) -> Option<Result<&Location, &Arc<DeltaError>>> {
        self.places.get(location).map(Result::as_ref)
    }

    /// The table at a location, at a version or the latest at the time of [`Self::resolve`].
    ///
    /// # Errors
    /// Why it could not be opened; [`TableError::NotFound`] when it was not requested.
    pub fn table(&self, location: &str, version: Option<u64>) -> Result<&ResolvedTable, TableError> {
        let not_opened = || TableError::Unreadable(format!("`{location}` was not opened"));
        let place = self.place(location).ok_or_else(not_opened)?.map_err(|error| table_error(error))?;
        let table = self.opened.get(&(place.clone(), version)).ok_or_else(not_opened)?;
        table.as_ref().map_err(Clone::clone)
    }

    /// What the table of an output was at the time of [`Self::resolve`], or why none can be written there; nothing when
    /// it was not requested.
    pub fn base(&self, location: &str) -> Option<Result<&TableBase, &Arc<DeltaError>>> {
        match self.place(location)? {
            Ok(place) => self.bases.get(place).map(Result::as_ref),
            Err(error) => Some(Err(error)),
        }
    }

    /// All opened inputs: location, version, table. A place opened without a version is there once.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64, &ResolvedTable)> {
        self.opened.iter().filter_map(|((_, version), table)| match (version, table) {
            (Some(version), Ok(table)) => Some((table.location().text(), *version, table)),
            _ => None,
        })
    }

    /// What tells a read of an opened table from every other read.
    ///
    /// # Errors
    /// When what the log says of the table cannot be read.
    pub(crate) fn identity(
        &self,
        table: &ResolvedTable,
        read: &Read,
        lineage: bool,
    ) -> Result<Identity, TableError> {
        self.twins.identity(table, read, lineage)
    }

    fn feed(&self, table: &ResolvedTable, range: &ChangeRange) -> Option<&Feed> {
        self.feeds
            .iter()
            .find(|(place, at, bounds, _)| {
                place == table.location() && *at == table.version() && bounds == range
            })
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
            Read::Changes(range) => match self.feed(table, range) {
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
    pub(crate) fn provider(&self, scan: &Scan) -> Result<Arc<dyn TableProvider>, TableError> {
        let table = self.table(&scan.location, Some(scan.version))?;
        if let Some(wanted) = &scan.identity
            && !identity::is_of(table, wanted, &scan.read)?
        {
            return Err(TableError::Unreadable(format!(
                "the table at `{}` is not the one the plan was made for: version {} was written by another commit; \
                 compile again",
                scan.location, scan.version
            )));
        }
        let of = |batch: Result<_, DeltaError>| {
            let batch: arrow::record_batch::RecordBatch = batch.map_err(|error| table_error(&error))?;
            let provider = MemTable::try_new(batch.schema(), vec![vec![batch]])
                .map_err(|error: DataFusionError| TableError::Unreadable(error.to_string()))?;
            Ok(Arc::new(provider) as Arc<dyn TableProvider>)
        };
        match &scan.read {
            Read::Rows => delta::provider(table, &options(scan.lineage)).map_err(|error| table_error(&error)),
            Read::Changes(range) => match self.feed(table, range) {
                Some(feed) => feed.clone(),
                None => Err(not_prepared(table)),
            },
            Read::Metadata => of(delta::table_metadata(table)),
            Read::Files => of(delta::file_manifest(table)),
        }
    }
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.opened.keys()).entries(self.bases.keys()).finish()
    }
}

fn options(lineage: bool) -> ScanOptions {
    ScanOptions { file_column: lineage.then(|| SOURCE_FILE_COLUMN.to_owned()) }
}

fn not_prepared(table: &ResolvedTable) -> TableError {
    TableError::Unreadable(format!("the changes of `{}` were not requested", table.location()))
}
