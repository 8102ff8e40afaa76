//! The active files of a table, as scans need them: where they are, how large, how many rows they are said to have.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use deltalake::Path as StorePath;
use deltalake::kernel::{DeletionVectorDescriptor, EagerSnapshot, LogicalFileView};
use deltalake::logstore::object_store::{self, ObjectStoreExt as _};
use futures::{StreamExt as _, TryStreamExt as _};

use crate::error::{DeltaError, Result};
use crate::guard::{deletion_vector, folder_without_links, place};
use crate::location::Location;
use crate::snapshot::ResolvedTable;

/// A data file that belongs to the version of a table.
#[derive(Debug)]
pub(crate) struct ActiveFile {
    /// Where it is, from the folder of the table.
    pub(crate) path: Box<str>,
    /// Its size in bytes.
    pub(crate) size: u64,
}

/// All of them, in the order of the log's replay, and their sums.
#[derive(Debug)]
pub(crate) struct ActiveFiles {
    files: Vec<ActiveFile>,
    rows: Option<u64>,
    bytes: u64,
    /// The places of those with deletion vectors.
    vectors: Vec<usize>,
}

impl ActiveFiles {
    /// The files of `snapshot`, each of which must lie in the table.
    pub(crate) fn of(snapshot: &EagerSnapshot, location: &Location) -> Result<Self> {
        let text = location.text();
        let data = snapshot
            .try_log_data()
            .map_err(|error| DeltaError::delta(text, "reading the file list", error))?;
        let mut found = Self {
            files: Vec::with_capacity(data.num_files()),
            rows: Some(0),
            bytes: 0,
            vectors: Vec::new(),
        };
        let mut folders = BTreeSet::new();
        for file in data.iter() {
            let path = place(&file.path(), location.url(), text)?;
            let size = u64::try_from(file.size()).unwrap_or(0);
            let vector = vector_of(&file, &path, text)?;
            if let Some(vector) = &vector {
                found.vectors.push(found.files.len());
                let storage = vector.storage_type.to_string();
                let place = deletion_vector(&storage, &vector.path_or_inline_dv, location.url(), text)?;
                let folder = place.as_ref().and_then(|place| place.as_ref().rsplit_once('/'));
                folders.insert(folder.map_or(String::new(), |(folder, _)| folder.to_owned()));
            }
            found.bytes = found.bytes.saturating_add(size);
            found.rows = found.rows.zip(live_rows(&file)).map(|(sum, rows)| sum.saturating_add(rows));
            found.files.push(ActiveFile { path, size });
        }
        if let Some(root) = location.as_path() {
            for folder in &folders {
                let is_vector = |name: &str| name.starts_with("deletion_vector");
                folder_without_links(&root.join(folder), &root, text, is_vector)?;
            }
        }
        Ok(found)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&ActiveFile> {
        self.files.get(index)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ActiveFile> {
        self.files.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// Rows that are not deleted, if the statistics of every file tell.
    pub(crate) fn rows(&self) -> Option<u64> {
        self.rows
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn has_deletion_vectors(&self) -> bool {
        !self.vectors.is_empty()
    }

    /// The paths and sizes of the files with deletion vectors.
    pub(crate) fn with_vectors(&self) -> impl Iterator<Item = (&str, u64)> {
        self.vectors.iter().filter_map(|&index| self.files.get(index)).map(|file| (&*file.path, file.size))
    }
}

/// How many files are looked at at a time.
const LOOKED_AT: usize = 64;

/// The data files of a table that are not where its log says, or are not as long, by their paths in the table, and how many there
/// should be. What was vacuumed is missing.
///
/// # Errors
/// When the storage does not say whether a file is there.
pub async fn missing_files(table: &ResolvedTable) -> Result<(Vec<String>, usize)> {
    let store = table.inner.table.log_store().object_store(None);
    let location = table.location().text();
    let failed = |error| DeltaError::delta(location, "looking for a data file", error);
    let files = table.inner.files.iter().map(|file| (file.path.to_string(), file.size));
    let files: Vec<(String, u64)> = files.collect();
    let all = files.len();
    let looked = futures::stream::iter(files).map(|(path, size)| {
        let store = &store;
        async move {
            match store.head(&StorePath::parse(&path)?).await {
                Ok(found) => Ok((found.size != size).then_some(path)),
                Err(object_store::Error::NotFound { .. }) => Ok(Some(path)),
                Err(error) => Err(error),
            }
        }
    });
    let missing: Vec<Option<String>> =
        looked.buffered(LOOKED_AT).try_collect().await.map_err(|error: object_store::Error| failed(error))?;
    Ok((missing.into_iter().flatten().collect(), all))
}

/// The deletion vector of a file that was not looked at yet.
///
/// The library panics at one that is kept in a way it does not know, and gives no other sight of it. Whatever asks later
/// asks about files that were looked at here.
fn vector_of(file: &LogicalFileView, path: &str, location: &str) -> Result<Option<DeletionVectorDescriptor>> {
    let known = catch_unwind(AssertUnwindSafe(|| file.deletion_vector_descriptor()));
    known.map_err(|_| DeltaError::CorruptLog {
        location: location.into(),
        version: None,
        reason: format!(
            "the deletion vector of `{path}` is kept in an unknown way; write the table again with the program that made it"
        ),
    })
}

/// Rows of a file that are not deleted, if its statistics tell.
pub(crate) fn live_rows(file: &LogicalFileView) -> Option<u64> {
    let rows = u64::try_from(file.num_records()?).ok()?;
    rows.checked_sub(deleted_rows(file))
}

pub(crate) fn deleted_rows(file: &LogicalFileView) -> u64 {
    file.deletion_vector_descriptor().map_or(0, |vector| u64::try_from(vector.cardinality).unwrap_or(0))
}
