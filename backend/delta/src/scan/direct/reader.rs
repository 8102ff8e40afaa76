//! Opening data files: through links only where they stay in the table, and not before their footers make sense.

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use datafusion::catalog::Session;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use deltalake::Path as StorePath;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::footer;
use crate::error::DeltaError;
use crate::guard::without_links;
use crate::snapshot::ResolvedTable;

/// What opens the files of `table`, which lie in `store`. Footers are kept in the session's cache.
pub(super) fn factory(
    session: &dyn Session,
    store: &ObjectStoreUrl,
    table: &ResolvedTable,
) -> Result<Arc<dyn ParquetFileReaderFactory>> {
    let runtime = session.runtime_env();
    let cache = runtime.cache_manager.get_file_metadata_cache();
    let inner = CachedParquetFileReaderFactory::new(runtime.object_store(store)?, cache);
    let location = table.location();
    Ok(Arc::new(Guarded {
        inner,
        root: location.as_path(),
        location: location.text().into(),
        checked: Arc::default(),
    }))
}

#[derive(Debug)]
struct Guarded {
    inner: CachedParquetFileReaderFactory,
    /// The folder of the table, in a file system.
    root: Option<PathBuf>,
    location: Arc<str>,
    /// Files whose footers were found to make sense. A file is opened once for each of its pieces.
    checked: Arc<Mutex<HashSet<StorePath>>>,
}

impl ParquetFileReaderFactory for Guarded {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let (path, size) = (file.object_meta.location.clone(), file.object_meta.size);
        if let Some(root) = &self.root {
            without_links(&Path::new("/").join(path.as_ref()), root, &self.location)
                .map_err(|error| DataFusionError::External(Box::new(error)))?;
        }
        let inner = self.inner.create_reader(partition_index, file, metadata_size_hint, metrics)?;
        let (location, checked) = (Arc::clone(&self.location), Arc::clone(&self.checked));
        Ok(Box::new(Reader { inner, path, size, location, checked }))
    }
}

/// A file whose footer is looked at before it is parsed.
struct Reader {
    inner: Box<dyn AsyncFileReader + Send>,
    path: StorePath,
    size: u64,
    location: Arc<str>,
    checked: Arc<Mutex<HashSet<StorePath>>>,
}

impl Reader {
    fn refused(&self, reason: String) -> ParquetError {
        let path = self.path.to_string();
        ParquetError::External(Box::new(DeltaError::CorruptFile {
            location: self.location.to_string(),
            path,
            reason,
        }))
    }

    async fn walk(&mut self) -> parquet::errors::Result<()> {
        let size = self.size;
        if size < footer::TAIL {
            return Err(self.refused(format!("it has {size} bytes")));
        }
        let tail = self.inner.get_bytes(size - footer::TAIL..size).await?;
        let length = footer::length(&tail, size).map_err(|reason| self.refused(reason))?;
        let end = size - footer::TAIL;
        let bytes = self.inner.get_bytes(end.saturating_sub(length)..end).await?;
        footer::walk(&bytes).map_err(|reason| self.refused(reason))
    }
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        self.inner.get_bytes(range)
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        self.inner.get_byte_ranges(ranges)
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let is_checked = |reader: &Self| {
                reader.checked.lock().unwrap_or_else(PoisonError::into_inner).contains(&reader.path)
            };
            if is_checked(self) {
                return self.inner.get_metadata(options).await;
            }
            self.walk().await?;
            let metadata = self.inner.get_metadata(options).await?;
            footer::check(&metadata, self.size).map_err(|reason| self.refused(reason))?;
            self.checked.lock().unwrap_or_else(PoisonError::into_inner).insert(self.path.clone());
            Ok(metadata)
        }
        .boxed()
    }
}
