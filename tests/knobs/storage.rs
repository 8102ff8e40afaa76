//! Storage that counts what is read of it: of footers, and how many bytes of them at once, no operator tells.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::session_state::SessionState;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use futures::future::BoxFuture;
use futures::stream::BoxStream;

/// The files of this machine.
#[derive(Debug, Default)]
pub(super) struct CountedStorage {
    files: LocalFileSystem,
    reads: AtomicU64,
}

impl CountedStorage {
    /// Lets a session read through it. The tables of a run come after it, and take what they find.
    pub(super) fn register(self: &Arc<Self>, state: &SessionState) {
        let place = ObjectStoreUrl::local_filesystem();
        let storage = Arc::clone(self) as Arc<dyn ObjectStore>;
        state.runtime_env().register_object_store(place.as_ref(), storage);
    }

    /// How many ranges of files were asked for.
    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }
}

impl fmt::Display for CountedStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CountedStorage")
    }
}

// As `async_trait` writes these methods, which tests do not have.
impl ObjectStore for CountedStorage {
    fn put_opts<'s, 'l, 'f>(
        &'s self,
        location: &'l Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> BoxFuture<'f, Result<PutResult>>
    where
        's: 'f,
        'l: 'f,
        Self: 'f,
    {
        self.files.put_opts(location, payload, options)
    }

    fn put_multipart_opts<'s, 'l, 'f>(
        &'s self,
        location: &'l Path,
        options: PutMultipartOptions,
    ) -> BoxFuture<'f, Result<Box<dyn MultipartUpload>>>
    where
        's: 'f,
        'l: 'f,
        Self: 'f,
    {
        self.files.put_multipart_opts(location, options)
    }

    fn get_opts<'s, 'l, 'f>(
        &'s self,
        location: &'l Path,
        options: GetOptions,
    ) -> BoxFuture<'f, Result<GetResult>>
    where
        's: 'f,
        'l: 'f,
        Self: 'f,
    {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.files.get_opts(location, options)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    fn list_with_delimiter<'s, 'l, 'f>(
        &'s self,
        prefix: Option<&'l Path>,
    ) -> BoxFuture<'f, Result<ListResult>>
    where
        's: 'f,
        'l: 'f,
        Self: 'f,
    {
        self.files.list_with_delimiter(prefix)
    }

    fn copy_opts<'s, 'a, 'b, 'f>(
        &'s self,
        from: &'a Path,
        to: &'b Path,
        options: CopyOptions,
    ) -> BoxFuture<'f, Result<()>>
    where
        's: 'f,
        'a: 'f,
        'b: 'f,
        Self: 'f,
    {
        self.files.copy_opts(from, to, options)
    }
}
