//! The tables of one compilation: opened once, before it starts, and shared by the oracle and the emission.

mod request;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::catalog::MemTable;
use datafusion::catalog::TableProvider;
use datafusion::common::DataFusionError;
use delta::{Access, DeltaError, Location, ResolvedTable, Roots, ScanOptions, TableBase};
use files::FileTable;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use ir::op::{ChangeRange, FileSource, Identity, Read, Scan};
use ir::oracle::TableError;
use ir::schema::Schema;

use crate::error::{file_error, table_error};
use crate::identity::{self, Twins};
pub use request::TableRequest;

/// How many tables are being opened at a time: opening waits for storage, reading a log takes memory.
const OPENED_AT_ONCE: usize = 8;

/// A place and a version.
type TableKey = (Location, Option<u64>);
type Feed = Result<Arc<dyn TableProvider>, TableError>;
/// A location as the spec gives it, and how its files are read.
type FilesKey = (String, FileSource);

/// Opened tables. Each place and version is opened once, however it is spelled and however often it is read; what could
/// not be opened is kept as its error and given to whoever asks.
#[derive(Clone, Default)]
pub struct Tables {
    /// The places of the locations that were requested.
    places: BTreeMap<String, Result<Location, Arc<DeltaError>>>,
    opened: BTreeMap<TableKey, Result<ResolvedTable, TableError>>,
    files: BTreeMap<FilesKey, Result<FileTable, TableError>>,
    feeds: Vec<(Location, u64, ChangeRange, Feed)>,
    /// What outputs are based on.
    bases: BTreeMap<Location, Result<TableBase, Arc<DeltaError>>>,
    twins: Twins,
}

/// What is to be opened.
#[derive(Default)]
struct Wanted {
    inputs: BTreeSet<TableKey>,
    outputs: BTreeSet<Location>,
    files: BTreeSet<FilesKey>,
}

/// What opening gave.
enum Opened {
    Input(TableKey, Result<ResolvedTable, TableError>),
    Output(Location, Result<TableBase, Arc<DeltaError>>),
    Files(FilesKey, Result<FileTable, TableError>),
}

async fn open_input(key: TableKey) -> Opened {
    let table = delta::resolve(&key.0, key.1).await.map_err(|error| table_error(&error));
    Opened::Input(key, table)
}

async fn open_output(place: Location) -> Opened {
    let base = TableBase::open(&place).await.map_err(Arc::new);
    Opened::Output(place, base)
}

async fn open_files(key: FilesKey, base_dir: PathBuf, roots: Roots) -> Opened {
    let table = files::resolve(&key.0, &key.1, &base_dir, &roots).await.map_err(file_error);
    Opened::Files(key, table)
}

impl Tables {
    /// Opens what is requested, several tables at a time: inputs, and what outputs are based on, in one step.
    /// Relative locations count from `base_dir`, which must be absolute. What `roots` do not hold is refused before it is
    /// asked whether anything is there.
    pub async fn resolve(base_dir: &Path, roots: &Roots, requests: &[TableRequest]) -> Self {
        Self::resolve_with(base_dir, roots, requests, &[]).await
    }

    /// As [`Self::resolve`], with tables that are open already: an input at the place of one of them is this one, unless
    /// it asks for another version. They may be versions that are still to be published.
    pub async fn resolve_with(
        base_dir: &Path,
        roots: &Roots,
        requests: &[TableRequest],
        open: &[ResolvedTable],
    ) -> Self {
        let mut tables = Self::default();
        let wanted = tables.sort(base_dir, roots, requests, open);
        // Without a version first: a pin to the latest version then finds it open.
        let (latest, pinned): (Vec<_>, Vec<_>) =
            wanted.inputs.into_iter().partition(|(_, version)| version.is_none());
        let mut opening: Vec<BoxFuture<'static, Opened>> = Vec::new();
        opening.extend(latest.into_iter().map(|key| open_input(key).boxed()));
        opening.extend(wanted.outputs.into_iter().map(|place| open_output(place).boxed()));
        let files = wanted.files.into_iter();
        opening.extend(files.map(|key| open_files(key, base_dir.to_owned(), roots.clone()).boxed()));
        tables.open(opening).await;
        let pinned = pinned.into_iter().filter(|key| !tables.opened.contains_key(key));
        let pinned = pinned.map(|key| open_input(key).boxed()).collect();
        tables.open(pinned).await;
        tables.twins = Twins::among(tables.opened.values().flatten());
        for request in requests {
            if let TableRequest::Read { location, version, read: Read::Changes(range) } = request {
                tables.prepare_feed(location, *version, range).await;
            }
        }
        tables
    }

    /// What of the requests is to be opened, each once. What is open already, and what must not be, is put among the tables.
    fn sort(
        &mut self,
        base_dir: &Path,
        roots: &Roots,
        requests: &[TableRequest],
        open: &[ResolvedTable],
    ) -> Wanted {
        let open: BTreeMap<&Location, &ResolvedTable> =
            open.iter().map(|table| (table.location(), table)).collect();
        let mut wanted = Wanted::default();
        for request in requests {
            let (location, version) = match request {
                TableRequest::Files { location, source } => {
                    wanted.files.insert((location.clone(), source.clone()));
                    continue;
                }
                TableRequest::Read { location, version, .. } => (location, Some(*version)),
                TableRequest::Write { location } => (location, None),
            };
            let place = self.places.entry(location.clone());
            let place = place.or_insert_with_key(|text| Location::parse(text, base_dir).map_err(Arc::new));
            let Ok(place) = place else { continue };
            let Some(version) = version else {
                match roots.check(place, Access::Write) {
                    Ok(()) => drop(wanted.outputs.insert(place.clone())),
                    Err(outside) => drop(self.bases.insert(place.clone(), Err(Arc::new(outside)))),
                }
                continue;
            };
            if let Err(outside) = roots.check(place, Access::Read) {
                self.opened.insert((place.clone(), version), Err(table_error(&outside)));
            } else if let Some(known) =
                open.get(place).filter(|known| version.is_none_or(|it| it == known.version()))
            {
                for version in [version, Some(known.version())] {
                    self.opened.insert((place.clone(), version), Ok((*known).clone()));
                }
            } else {
                wanted.inputs.insert((place.clone(), version));
            }
        }
        wanted
    }

    /// Opens tables side by side.
    async fn open(&mut self, opening: Vec<BoxFuture<'static, Opened>>) {
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
                Opened::Files(key, table) => {
                    self.files.insert(key, table);
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

    /// The files at a location, read in this way, as they were at the time of [`Self::resolve`].
    ///
    /// # Errors
    /// Why they are no table.
    pub fn files(&self, location: &str, source: &FileSource) -> Result<&FileTable, TableError> {
        let not_opened = || TableError::Unreadable(format!("`{location}` was not opened"));
        let table = self.files.get(&(location.to_owned(), source.clone())).ok_or_else(not_opened)?;
        table.as_ref().map_err(Clone::clone)
    }

    /// Where the files of a location are; nothing for those of a pattern, and when they were not requested.
    pub(crate) fn place_of_files(&self, location: &str) -> Option<&Location> {
        let mut read = self.files.iter().filter(|((text, _), _)| text == location);
        read.find_map(|(_, table)| table.as_ref().ok()?.place())
    }

    /// Whether the pattern of an input leads into a place; never for another location.
    pub(crate) fn leads_into(&self, location: &str, place: &Location) -> bool {
        let mut read = self.files.iter().filter(|((text, _), _)| text == location);
        read.any(|(_, table)| table.as_ref().is_ok_and(|table| table.leads_into(place)))
    }

    /// Where the Delta table of a location is, or why it is no place; nothing when it was not requested.
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

    /// The number of tables that were opened to be read: versions of Delta tables, and tables of files.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.iter().count() + self.files.values().filter(|files| files.is_ok()).count()
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
        lineage: Option<&str>,
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
        if let Some(source) = &scan.files {
            return self.provider_of_files(scan, source);
        }
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
            Read::Rows => {
                delta::provider(table, &options(scan.lineage.as_deref())).map_err(|error| table_error(&error))
            }
            Read::Changes(range) => match self.feed(table, range) {
                Some(feed) => feed.clone(),
                None => Err(not_prepared(table)),
            },
            Read::Metadata => of(delta::table_metadata(table)),
            Read::Files => of(delta::file_manifest(table)),
        }
    }
}

impl Tables {
    fn provider_of_files(
        &self,
        scan: &Scan,
        source: &FileSource,
    ) -> Result<Arc<dyn TableProvider>, TableError> {
        let table = self.files(&scan.location, source)?;
        let wanted = scan.identity.as_ref().and_then(|identity| identity.listing);
        if wanted.is_some_and(|wanted| wanted != table.digest()) {
            return Err(TableError::Files(format!(
                "the files at `{}` are not those that the plan was made for; compile again",
                scan.location
            )));
        }
        files::provider(table, scan.lineage.as_deref()).map_err(file_error)
    }
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.opened.keys()).entries(self.bases.keys()).finish()
    }
}

fn options(lineage: Option<&str>) -> ScanOptions {
    ScanOptions { file_column: lineage.map(str::to_owned) }
}

fn not_prepared(table: &ResolvedTable) -> TableError {
    TableError::Unreadable(format!("the changes of `{}` were not requested", table.location()))
}
