//! Data files that no version of the table refers to yet, and their removal when none ever will.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use deltalake::kernel::Add;
use url::Url;

use crate::durable::{Disk, NewFile, without_links};
use crate::rows::RowsDigest;

/// Files written for a table and not committed.
///
/// Give them to [`TableTarget::stage`](super::TableTarget::stage). Otherwise they are deleted: at once
/// and with an answer by [`WrittenFiles::discard`], in the background when dropped inside a tokio runtime.
#[must_use = "files that are not committed are deleted"]
pub struct WrittenFiles {
    pub(crate) table: Url,
    pub(crate) adds: Vec<Add>,
    pub(crate) digest: RowsDigest,
    pub(crate) encoding: Duration,
    pub(crate) uncommitted: Uncommitted,
}

impl WrittenFiles {
    /// Number of files.
    #[must_use]
    pub fn files(&self) -> usize {
        self.adds.len()
    }

    /// Rows in them.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.digest.count()
    }

    /// The digest of the rows in them, as rows of the table: partition columns included.
    #[must_use]
    pub fn digest(&self) -> RowsDigest {
        self.digest
    }

    /// The time that checking, encoding and compressing them took.
    #[must_use]
    pub fn encoding(&self) -> Duration {
        self.encoding
    }

    /// Their size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.adds.iter().map(|add| u64::try_from(add.size).unwrap_or(0)).sum()
    }

    /// Deletes the files. Returns how many could not be deleted.
    pub async fn discard(mut self) -> usize {
        self.uncommitted.delete().await
    }
}

impl fmt::Debug for WrittenFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrittenFiles({} files, {} rows, {} bytes)", self.files(), self.rows(), self.bytes())
    }
}

/// Files that were created and belong to no version. Deletes them when dropped, unless they were released.
pub(crate) struct Uncommitted {
    disk: Disk,
    files: Arc<Mutex<Vec<PathBuf>>>,
}

impl Uncommitted {
    /// Guards nothing yet.
    pub(crate) fn new(disk: Disk) -> Self {
        Self { disk, files: Arc::default() }
    }

    /// Makes files below `root`, which are this guard's. Their bytes are added to `bytes` as they are written.
    pub(crate) fn new_files(&self, root: PathBuf, bytes: Arc<AtomicU64>) -> NewFiles {
        NewFiles { disk: self.disk.clone(), root, created: Arc::clone(&self.files), bytes }
    }

    /// Guards one more file.
    pub(crate) fn guard(&self, file: PathBuf) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).push(file);
    }

    /// Stops guarding the files: they may soon belong to a version of the table.
    pub(crate) fn release(&self) -> Vec<PathBuf> {
        take(&self.files)
    }

    /// Guards released files again: they belong to no version for certain.
    pub(crate) fn reclaim(&self, files: Vec<PathBuf>) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).extend(files);
    }

    /// Deletes the files; returns how many remain.
    pub(crate) async fn delete(&mut self) -> usize {
        let (disk, files) = (self.disk.clone(), take(&self.files));
        let all = files.len();
        tokio::task::spawn_blocking(move || delete(&disk, files)).await.unwrap_or(all)
    }
}

impl Drop for Uncommitted {
    fn drop(&mut self) {
        let files = take(&self.files);
        if files.is_empty() {
            return;
        }
        // Without a runtime the files stay behind: invisible, and removed by a full vacuum.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let disk = self.disk.clone();
            runtime.spawn_blocking(move || delete(&disk, files));
        }
    }
}

/// Makes data files, each under its own name from the beginning: no version refers to it yet, so a crash leaves an
/// unfinished file that nobody sees.
#[derive(Clone, Debug)]
pub(crate) struct NewFiles {
    disk: Disk,
    root: PathBuf,
    /// What was created, in order.
    created: Arc<Mutex<Vec<PathBuf>>>,
    /// The bytes written so far.
    bytes: Arc<AtomicU64>,
}

impl NewFiles {
    /// An empty file at `path` below the folder.
    pub(crate) async fn create(&self, path: &str) -> io::Result<Arc<dyn NewFile>> {
        let file = self.root.join(path);
        // Before it is there: whoever is dropped while it is being made has to look for it.
        self.created.lock().unwrap_or_else(PoisonError::into_inner).push(file.clone());
        let disk = self.disk.clone();
        blocking(move || without_links(&file).and_then(|()| disk.create(&file))).await.map(Arc::from)
    }

    /// Writes `bytes` at `offset`.
    pub(crate) async fn write(&self, file: Arc<dyn NewFile>, offset: u64, bytes: Bytes) -> io::Result<()> {
        self.bytes.fetch_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        blocking(move || file.write_at(offset, &bytes)).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
}

fn take(files: &Mutex<Vec<PathBuf>>) -> Vec<PathBuf> {
    std::mem::take(&mut *files.lock().unwrap_or_else(PoisonError::into_inner))
}

fn delete(disk: &Disk, files: Vec<PathBuf>) -> usize {
    let mut remaining = 0;
    for file in files {
        match disk.remove(&file) {
            Ok(()) => {}
            // It never came to be, or its upload was aborted; its folder may be there all the same.
            Err(error) if error.kind() == io::ErrorKind::NotFound => disk.remove_folders(&file),
            Err(_) => remaining += 1,
        }
    }
    remaining
}
