//! Data files that no version of the table refers to yet, and their removal when none ever will.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use deltalake::kernel::Add;
use deltalake::logstore::object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as StoreResult, UploadPart, path::Path,
};
use futures::StreamExt;
use futures::stream::BoxStream;
use url::Url;

/// Files written for a table and not committed.
///
/// Give them to [`TableTarget::commit`](super::TableTarget::commit). Otherwise they are deleted: at once
/// and with an answer by [`WrittenFiles::discard`], in the background when dropped inside a tokio runtime.
#[must_use = "files that are not committed are deleted"]
pub struct WrittenFiles {
    pub(crate) table: Url,
    pub(crate) adds: Vec<Add>,
    pub(crate) rows: u64,
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
        self.rows
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
        write!(f, "WrittenFiles({} files, {} rows, {} bytes)", self.files(), self.rows, self.bytes())
    }
}

type Paths = Arc<Mutex<Vec<Path>>>;

/// The paths a writer has created. Deletes them when dropped, unless they were kept.
pub(crate) struct Uncommitted {
    store: Arc<dyn ObjectStore>,
    paths: Paths,
    folders: Option<Folders>,
}

/// The folders of a table in a file system, which come to be with its first file.
#[derive(Clone)]
pub(crate) struct Folders {
    /// The table's own.
    pub(crate) root: PathBuf,
    /// Whether it was not there before.
    pub(crate) is_new: bool,
}

impl Folders {
    /// Removes the folders above `path` that have become empty; the table's own only if it is new. Another writer
    /// that needs one makes it again.
    async fn clear(&self, path: &Path) {
        let file = self.root.join(path.as_ref());
        for folder in file.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root)) {
            let kept = *folder == *self.root && !self.is_new;
            if kept || tokio::fs::remove_dir(folder).await.is_err() {
                break;
            }
        }
    }
}

impl Uncommitted {
    /// Files created through the returned store are this guard's; their bytes are added to `bytes` as they are sent.
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        folders: Option<Folders>,
        bytes: Arc<AtomicU64>,
    ) -> (Self, Arc<dyn ObjectStore>) {
        let paths = Paths::default();
        let recording = Recording { inner: Arc::clone(&store), paths: Arc::clone(&paths), bytes };
        (Self { store, paths, folders }, Arc::new(recording))
    }

    /// Stops guarding the files: they may soon belong to a version of the table.
    pub(crate) fn release(&self) -> Vec<Path> {
        take(&self.paths)
    }

    /// Guards released files again: they belong to no version for certain.
    pub(crate) fn reclaim(&self, paths: Vec<Path>) {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner).extend(paths);
    }

    /// Deletes the files; returns how many remain.
    pub(crate) async fn delete(&mut self) -> usize {
        delete(Arc::clone(&self.store), take(&self.paths), self.folders.clone()).await
    }
}

impl Drop for Uncommitted {
    fn drop(&mut self) {
        let paths = take(&self.paths);
        if paths.is_empty() {
            return;
        }
        // Without a runtime the files stay behind: invisible, and removed by a full vacuum.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(delete(Arc::clone(&self.store), paths, self.folders.clone()));
        }
    }
}

fn take(paths: &Paths) -> Vec<Path> {
    std::mem::take(&mut *paths.lock().unwrap_or_else(PoisonError::into_inner))
}

async fn delete(store: Arc<dyn ObjectStore>, paths: Vec<Path>, folders: Option<Folders>) -> usize {
    use deltalake::logstore::object_store::Error;
    let mut remaining = 0;
    for path in paths {
        match store.delete(&path).await {
            // A file whose upload was aborted never came to be.
            Ok(()) | Err(Error::NotFound { .. }) => {
                if let Some(folders) = &folders {
                    folders.clear(&path).await;
                }
            }
            Err(_) => remaining += 1,
        }
    }
    remaining
}

/// An object store that remembers what was created through it.
#[derive(Debug)]
struct Recording {
    inner: Arc<dyn ObjectStore>,
    paths: Paths,
    bytes: Arc<AtomicU64>,
}

/// An upload whose parts are counted.
#[derive(Debug)]
struct Counted {
    inner: Box<dyn MultipartUpload>,
    bytes: Arc<AtomicU64>,
}

#[async_trait]
impl MultipartUpload for Counted {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        count(&self.bytes, &part);
        self.inner.put_part(part)
    }

    async fn complete(&mut self) -> StoreResult<PutResult> {
        self.inner.complete().await
    }

    async fn abort(&mut self) -> StoreResult<()> {
        self.inner.abort().await
    }
}

fn count(bytes: &AtomicU64, payload: &PutPayload) {
    bytes.fetch_add(u64::try_from(payload.content_length()).unwrap_or(0), Ordering::Relaxed);
}

impl Recording {
    fn record(&self, path: &Path) {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Recording {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> StoreResult<PutResult> {
        self.record(path);
        count(&self.bytes, &payload);
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        self.record(path);
        let inner = self.inner.put_multipart_opts(path, options).await?;
        Ok(Box::new(Counted { inner, bytes: Arc::clone(&self.bytes) }))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> StoreResult<GetResult> {
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, StoreResult<Path>>,
    ) -> BoxStream<'static, StoreResult<Path>> {
        self.inner.delete_stream(paths).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.record(to);
        self.inner.copy_opts(from, to, options).await
    }
}
