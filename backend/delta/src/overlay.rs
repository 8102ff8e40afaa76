//! A table's log as it would be: with a commit that is not there yet, or without checkpoints that cannot be read.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use deltalake::logstore::object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, memory::InMemory,
    path::Path,
};
use deltalake::logstore::{LogStoreRef, StorageConfig, logstore_with};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};

use crate::error::{DeltaError, Result as DeltaResult};
use crate::location::Location;
use crate::log::LogFile;

/// The log of the table at `location` with `bytes` as the commit of `version`, which must be its next one.
pub(crate) async fn with_commit(
    location: &Location,
    store: &LogStoreRef,
    version: u64,
    bytes: Vec<u8>,
) -> DeltaResult<LogStoreRef> {
    let text = location.text();
    let failed = |error: Error| DeltaError::delta(text, "looking at a commit in advance", error);
    let path = log_folder(location).map_err(failed)?.join(format!("{version:020}.json"));
    let added = InMemory::new();
    added.put(&path, bytes.into()).await.map_err(failed)?;
    overlaid(location, store, Overlay { below: store.root_object_store(None), added, hidden_from: None })
}

/// The log of the table at `location` without its checkpoints of versions from `hidden_from` on.
pub(crate) fn without_checkpoints(
    location: &Location,
    store: &LogStoreRef,
    hidden_from: u64,
) -> DeltaResult<LogStoreRef> {
    let below = store.root_object_store(None);
    overlaid(location, store, Overlay { below, added: InMemory::new(), hidden_from: Some(hidden_from) })
}

fn overlaid(location: &Location, store: &LogStoreRef, overlay: Overlay) -> DeltaResult<LogStoreRef> {
    let options: StorageConfig = store.config().options().clone();
    logstore_with(Arc::new(overlay), location.url(), options)
        .map_err(|error| DeltaError::delta(location.text(), "opening the storage", error))
}

fn log_folder(location: &Location) -> Result<Path> {
    Ok(Path::from_url_path(location.url().path())?.join("_delta_log"))
}

/// A store with files added in memory, and some of its own left out. Nothing can be written to it.
#[derive(Debug)]
struct Overlay {
    below: Arc<dyn ObjectStore>,
    added: InMemory,
    /// The first version whose checkpoints, and with them the hint to the last one, are left out.
    hidden_from: Option<u64>,
}

impl Overlay {
    fn hides(&self, path: &Path) -> bool {
        let (Some(from), Some(name)) = (self.hidden_from, path.filename()) else { return false };
        name == "_last_checkpoint"
            || matches!(LogFile::of(name), Some(LogFile::Checkpoint { version, .. }) if version >= from)
    }

    async fn is_added(&self, path: &Path) -> bool {
        self.added.head(path).await.is_ok()
    }

    /// What is listed below, without what is hidden, and with what is added.
    fn with_added(
        &self,
        listed: BoxStream<'static, Result<ObjectMeta>>,
        added: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let hides = Self { below: Arc::clone(&self.below), added: InMemory::new(), ..*self };
        let shown = listed.try_filter(move |file| std::future::ready(!hides.hides(&file.location)));
        shown.chain(added).boxed()
    }
}

impl fmt::Display for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Overlay({})", self.below)
    }
}

#[async_trait]
impl ObjectStore for Overlay {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only())
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only())
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        if self.hides(path) {
            return Err(Error::NotFound { path: path.to_string(), source: "it is left out".into() });
        }
        if self.is_added(path).await {
            return self.added.get_opts(path, options).await;
        }
        self.below.get_opts(path, options).await
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        futures::stream::once(async { Err(read_only()) }).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.with_added(self.below.list(prefix), self.added.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let listed = self.below.list_with_offset(prefix, offset);
        self.with_added(listed, self.added.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut listed = self.below.list_with_delimiter(prefix).await?;
        listed.objects.retain(|file| !self.hides(&file.location));
        listed.objects.extend(self.added.list_with_delimiter(prefix).await?.objects);
        Ok(listed)
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(read_only())
    }
}

fn read_only() -> Error {
    Error::NotImplemented { operation: "writing".into(), implementer: "Overlay".into() }
}
