//! What an output's table is before it is written: opened once, and what the write is then based on.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use deltalake::logstore::LogStoreRef;

use crate::error::{DeltaError, Result};
use crate::location::Location;
use crate::snapshot::{Found, ResolvedTable, find, open};

/// The place a write goes to, as it was at one time: a table at its latest version then, or none.
///
/// Open it when the inputs are opened. A write based on it then conflicts with everything somebody else does to the
/// table from that time on. Cheap to clone.
#[derive(Clone)]
pub struct TableBase {
    pub(super) inner: Arc<Base>,
}

pub(super) struct Base {
    pub(super) location: Location,
    pub(super) store: LogStoreRef,
    pub(super) state: BaseState,
}

/// What is at the place.
pub(super) enum BaseState {
    Table(ResolvedTable),
    /// A folder without a log.
    Folder,
    Nothing,
}

impl TableBase {
    /// Opens the table at `location`, or finds that there is none. Nothing is created.
    ///
    /// # Errors
    /// [`DeltaError::InvalidLocation`] where no table can be made: a file is in the way, or the place is inside the
    /// folder of another table or holds one. Everything [`resolve`](crate::resolve) reports of an existing table.
    pub async fn open(location: &Location) -> Result<Self> {
        let text = location.text();
        let refuse = |reason: String| DeltaError::InvalidLocation { text: text.to_owned(), reason };
        let (store, state) = match find(location).await {
            Ok(Found::Table(found, log)) => {
                let table = open(location, &found, &log, None).await?;
                (found.log_store(), BaseState::Table(table))
            }
            Ok(Found::Directory(store)) => (store, BaseState::Folder),
            Ok(Found::Nothing(store)) => (store, BaseState::Nothing),
            Err(DeltaError::NotATable { .. }) => {
                return Err(refuse("a file is where its folder, or one above it, would be".to_owned()));
            }
            Err(error) => return Err(error),
        };
        // Other log stores want commits in temporary files and have other guarantees.
        if store.name() != "DefaultLogStore" {
            return Err(refuse(format!("writing through a {} is not supported", store.name())));
        }
        if !matches!(state, BaseState::Table(_))
            && let Some(path) = location.as_path()
        {
            let is_folder = matches!(state, BaseState::Folder);
            let neighbour = tokio::task::spawn_blocking(move || other_table(&path, is_folder)).await;
            // A look that was not finished has not found that nobody is there.
            if let Some(reason) = neighbour.unwrap_or_else(|stopped| Some(stopped.to_string())) {
                return Err(refuse(reason));
            }
        }
        Ok(Self { inner: Arc::new(Base { location: location.clone(), store, state }) })
    }

    /// The place.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.inner.location
    }

    /// The table, if there is one.
    #[must_use]
    pub fn table(&self) -> Option<&ResolvedTable> {
        match &self.inner.state {
            BaseState::Table(table) => Some(table),
            BaseState::Folder | BaseState::Nothing => None,
        }
    }
}

impl fmt::Debug for TableBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.table().map(ResolvedTable::version);
        write!(f, "TableBase({:?} at version {version:?})", self.inner.location)
    }
}

/// Why a new table at `path` would share a folder with one that exists: cleaning up the one would delete files of the
/// other.
fn other_table(path: &Path, is_folder: bool) -> Option<String> {
    let is_table = |folder: &Path| folder.join("_delta_log").is_dir();
    if path.components().any(|part| part.as_os_str() == "_delta_log") {
        return Some("`_delta_log` is the name of a table's log; choose another".to_owned());
    }
    let name = |folder: &Path| folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if let Some(outer) = path.ancestors().skip(1).find(|folder| is_table(folder)) {
        return Some(format!("it is inside the table `{}`; choose a folder beside it", name(outer)));
    }
    let entries = std::fs::read_dir(path).into_iter().filter(|_| is_folder).flatten().flatten();
    let inner = entries.map(|entry| entry.path()).filter(|folder| is_table(folder)).min()?;
    Some(format!("the table `{}` is inside it; choose a folder of its own", name(&inner)))
}
