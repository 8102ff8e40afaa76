//! The object store that data files are written through.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use deltalake::logstore::object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart, path::Path,
};
use futures::StreamExt as _;
use futures::stream::BoxStream;

use super::{Disk, NewFile};

/// Creates files below a folder of a [`Disk`], and does nothing else: it neither reads nor lists.
///
/// The libraries' own store stages each file under another name and renames it. Names of data files are unique and no
/// version refers to them yet, so here they are written in place: a crash leaves an unfinished file instead of an
/// unfinished staged one.
#[derive(Debug)]
pub(crate) struct DiskStore {
    disk: Disk,
    root: PathBuf,
    /// What was created, in order.
    created: Arc<Mutex<Vec<PathBuf>>>,
    /// The bytes handed over so far.
    bytes: Arc<AtomicU64>,
}

impl DiskStore {
    /// Files created through it are added to `created`, their bytes to `bytes` as they come.
    pub(crate) fn new(
        disk: Disk,
        root: PathBuf,
        created: Arc<Mutex<Vec<PathBuf>>>,
        bytes: Arc<AtomicU64>,
    ) -> Self {
        Self { disk, root, created, bytes }
    }

    async fn create(&self, path: &Path) -> Result<Arc<dyn NewFile>> {
        let file = self.root.join(path.as_ref());
        // Before it is there: whoever is dropped while it is being made has to look for it.
        self.created.lock().unwrap_or_else(PoisonError::into_inner).push(file.clone());
        let disk = self.disk.clone();
        let made = blocking(move || disk.create(&file)).await.map_err(|error| failed(path, error))?;
        Ok(Arc::from(made))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
}

fn failed(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Error::AlreadyExists { path: path.to_string(), source: Box::new(error) }
        }
        _ => Error::Generic { store: "Disk", source: Box::new(error) },
    }
}

fn write(file: &dyn NewFile, mut offset: u64, payload: &PutPayload) -> io::Result<()> {
    for bytes in payload {
        file.write_at(offset, bytes)?;
        offset += length(bytes.len());
    }
    Ok(())
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

impl fmt::Display for DiskStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disk({})", self.root.display())
    }
}

/// A file that comes in parts.
#[derive(Debug)]
struct Upload {
    path: Path,
    file: Arc<dyn NewFile>,
    /// Where the next part begins.
    offset: u64,
    bytes: Arc<AtomicU64>,
    disk: Disk,
    place: PathBuf,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        let (path, file, offset) = (self.path.clone(), Arc::clone(&self.file), self.offset);
        let size = length(part.content_length());
        self.offset += size;
        self.bytes.fetch_add(size, Ordering::Relaxed);
        Box::pin(async move {
            blocking(move || write(file.as_ref(), offset, &part)).await.map_err(|error| failed(&path, error))
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        let (disk, place) = (self.disk.clone(), self.place.clone());
        blocking(move || disk.remove(&place)).await.map_err(|error| failed(&self.path, error))
    }
}

#[async_trait]
impl ObjectStore for DiskStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, _: PutOptions) -> Result<PutResult> {
        let file = self.create(path).await?;
        self.bytes.fetch_add(length(payload.content_length()), Ordering::Relaxed);
        blocking(move || write(file.as_ref(), 0, &payload)).await.map_err(|error| failed(path, error))?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let file = self.create(path).await?;
        Ok(Box::new(Upload {
            path: path.clone(),
            file,
            offset: 0,
            bytes: Arc::clone(&self.bytes),
            disk: self.disk.clone(),
            place: self.root.join(path.as_ref()),
        }))
    }

    async fn get_opts(&self, _: &Path, _: GetOptions) -> Result<GetResult> {
        Err(not_for("reading"))
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        futures::stream::once(async { Err(not_for("deleting")) }).boxed()
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        futures::stream::once(async { Err(not_for("listing")) }).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Err(not_for("listing"))
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(not_for("copying"))
    }
}

fn not_for(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.into(), implementer: "Disk".into() }
}
