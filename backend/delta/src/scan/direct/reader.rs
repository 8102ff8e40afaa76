//! Opening data files: through links only where they stay in the table, and not before their footers make sense.
//!
//! Plans of the Delta library get the same reader ([`guarded`]). Those over deletion vectors take no other reader than the
//! library's, which parses footers also while it plans: their files are looked at before ([`check_files`]).

use std::collections::HashSet;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::FieldRef;
use bytes::Bytes;
use datafusion::catalog::Session;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfigBuilder, FileSource, ParquetFileReaderFactory, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use deltalake::Path as StorePath;
use futures::future::BoxFuture;
use futures::{FutureExt, TryStreamExt as _};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use super::files::{entry, file_scan};
use super::footer;
use crate::error::DeltaError;
use crate::guard::{decoded, inside, without_links};
use crate::scan::pruning::{Believed, Pruning, bloom_filters};
use crate::snapshot::ResolvedTable;

/// Where the paths of a plan's files begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scan) enum Base {
    /// At the root of the storage.
    Storage,
    /// At the folder of the table.
    Table,
}

/// What opens the files of `table`, which lie in `store`, for a reader that skips rows by `pruning`. Footers are kept in
/// the session's cache.
pub(super) fn factory(
    session: &dyn Session,
    store: &ObjectStoreUrl,
    table: &ResolvedTable,
    pruning: Option<&Pruning>,
) -> Result<Arc<dyn ParquetFileReaderFactory>> {
    let cache = session.runtime_env().cache_manager.get_file_metadata_cache();
    based(session, store, table, Base::Storage, cache, pruning)
}

fn based(
    session: &dyn Session,
    store: &ObjectStoreUrl,
    table: &ResolvedTable,
    base: Base,
    cache: Arc<FileMetadataCache>,
    pruning: Option<&Pruning>,
) -> Result<Arc<dyn ParquetFileReaderFactory>> {
    let inner = CachedParquetFileReaderFactory::new(session.runtime_env().object_store(store)?, cache);
    let location = table.location();
    let root = location.as_path();
    let base = match base {
        Base::Storage => root.as_ref().map(|_| PathBuf::from("/")),
        Base::Table => root.clone(),
    };
    let columns = pruning.map_or_else(|| Arc::from([]), |pruning| Arc::clone(&pruning.columns));
    let location = location.text().into();
    Ok(Arc::new(Guarded { inner, base, root, location, columns, checked: Arc::default() }))
}

/// `plan`, made by the Delta library for `table`, with its Parquet files opened as the direct scan opens them: links and
/// footers are looked at, timestamps of the older kind are not taken for nanoseconds, which end in the year 2262, and what
/// `filters` refute is skipped.
pub(in crate::scan) fn guarded(
    session: &dyn Session,
    plan: Arc<dyn ExecutionPlan>,
    table: &ResolvedTable,
    base: Base,
    filters: &[Expr],
) -> Result<Arc<dyn ExecutionPlan>> {
    let cache: Arc<FileMetadataCache> = match base {
        Base::Storage => session.runtime_env().cache_manager.get_file_metadata_cache(),
        // In the shared one, paths that begin at the table would be taken for those of other tables.
        Base::Table => Arc::new(DefaultCache::new(FOOTERS_OF_A_FEED)),
    };
    let opened = plan.transform_up(|node| {
        let Some(config) = file_scan(&node) else { return Ok(Transformed::no(node)) };
        let Some(source) = config.file_source().downcast_ref::<ParquetSource>() else {
            return Ok(Transformed::no(node));
        };
        let pruning = Pruning::mapped(session, filters, table, source.table_schema().file_schema())?;
        let (store, cache) = (&config.object_store_url, Arc::clone(&cache));
        let reader = based(session, store, table, base, cache, pruning.as_ref())?;
        let mut options = source.table_parquet_options().clone();
        options.global.coerce_int96 = Some("us".to_owned());
        options.global.pushdown_filters = session.config_options().execution.parquet.pushdown_filters;
        let mut source =
            source.clone().with_table_parquet_options(options).with_parquet_file_reader_factory(reader);
        if let Some(pruning) = pruning {
            source = source.with_predicate(pruning.condition);
        }
        let opened = |file: &PartitionedFile| match base {
            // What the log says of its values is believed by the reader, and is none of its business.
            Base::Storage => Ok(without_statistics(file)),
            Base::Table => recorded(file, table),
        };
        let groups = config.file_groups.iter().map(|group| {
            let files = group.iter().map(opened);
            files.collect::<Result<Vec<_>>>().map(FileGroup::new)
        });
        let groups = groups.collect::<Result<_>>()?;
        let config = FileScanConfigBuilder::from(config.clone())
            .with_source(Arc::new(source))
            .with_file_groups(groups)
            .build();
        Ok(Transformed::yes(DataSourceExec::from_data_source(config) as Arc<dyn ExecutionPlan>))
    })?;
    Ok(opened.data)
}

/// `plan` without what the log says of the values in its files: the reader takes a column whose bounds are the same for a
/// constant, also where they are the beginning of texts.
pub(in crate::scan) fn without_claims(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = plan.transform_up(|node| {
        let Some(config) = file_scan(&node) else { return Ok(Transformed::no(node)) };
        let without = |group: &FileGroup| FileGroup::new(group.iter().map(without_statistics).collect());
        let groups = config.file_groups.iter().map(without).collect();
        let config = FileScanConfigBuilder::from(config.clone()).with_file_groups(groups).build();
        Ok(Transformed::yes(DataSourceExec::from_data_source(config) as Arc<dyn ExecutionPlan>))
    })?;
    Ok(plan.data)
}

fn without_statistics(file: &PartitionedFile) -> PartitionedFile {
    let mut file = file.clone();
    file.statistics = None;
    file
}

/// A file of a change feed as the log has it. The library encodes its path once more, so that no file with a space or a
/// colon in its name is found, and takes an empty text for a partition value, where the protocol means NULL.
fn recorded(file: &PartitionedFile, table: &ResolvedTable) -> Result<PartitionedFile> {
    let location = table.location();
    let path = decoded(file.object_meta.location.as_ref());
    let path = inside(&path, location.url(), location.text())
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    let mut file = file.clone();
    file.object_meta.location = path;
    let partitions = table.partition_columns().len();
    for value in file.partition_values.iter_mut().rev().take(partitions) {
        if matches!(value, ScalarValue::Utf8(Some(text)) if text.is_empty())
            || matches!(value, ScalarValue::Binary(Some(bytes)) if bytes.is_empty())
        {
            *value = ScalarValue::try_from(value.data_type())?;
        }
    }
    Ok(file)
}

/// Looks at the links and footers of files of `table` that the Delta library is about to open by itself. Their paths begin
/// at the root of `store`.
pub(in crate::scan) async fn check_files(
    session: &dyn Session,
    store: &ObjectStoreUrl,
    table: &ResolvedTable,
    files: Vec<PartitionedFile>,
) -> Result<()> {
    let opener = factory(session, store, table, None)?;
    let metrics = ExecutionPlanMetricsSet::new();
    let open = |file: PartitionedFile| opener.create_reader(0, file, None, &metrics);
    let readers: Vec<_> = files.into_iter().map(open).collect::<Result<_>>()?;
    futures::stream::iter(readers.into_iter().map(Ok))
        .try_for_each_concurrent(CHECKED_AT_ONCE, |mut reader| async move {
            reader.get_metadata(None).await.map(drop).map_err(DataFusionError::from)
        })
        .await
}

/// The footers of those of these files of `table` that can be read, in their order. Their paths begin at the root of
/// `store`.
pub(in crate::scan) async fn footers(
    session: &dyn Session,
    store: &ObjectStoreUrl,
    table: &ResolvedTable,
    files: Vec<PartitionedFile>,
) -> Result<Vec<Arc<ParquetMetaData>>> {
    let opener = factory(session, store, table, None)?;
    let metrics = ExecutionPlanMetricsSet::new();
    let mut footers = Vec::with_capacity(files.len());
    for file in files {
        let Ok(mut reader) = opener.create_reader(0, file, None, &metrics) else { continue };
        footers.extend(reader.get_metadata(None).await.ok());
    }
    Ok(footers)
}

/// Files of `table`, by their paths in it and their sizes, as [`check_files`] takes them.
pub(in crate::scan) fn files_of<'a>(
    table: &ResolvedTable,
    files: impl Iterator<Item = (&'a str, u64)>,
) -> Result<Vec<PartitionedFile>> {
    let root = StorePath::from_url_path(table.location().url().path())?;
    files.map(|(path, size)| entry(&root, path, size)).collect()
}

/// The files that `plan` reads, without what it knows about them.
pub(in crate::scan) fn files_in(plan: &Arc<dyn ExecutionPlan>) -> Result<Vec<PartitionedFile>> {
    let mut found = Vec::new();
    plan.apply(|node| {
        let groups = file_scan(node).map_or(&[][..], |config| config.file_groups.as_slice());
        let files = groups.iter().flat_map(FileGroup::iter);
        found.extend(files.map(|file| PartitionedFile::from(file.object_meta.clone())));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// How many footers are read at a time.
const CHECKED_AT_ONCE: usize = 8;
/// How many bytes of footers are kept while a change feed is read.
const FOOTERS_OF_A_FEED: usize = 16 * 1024 * 1024;

#[derive(Debug)]
struct Guarded {
    inner: CachedParquetFileReaderFactory,
    /// Where paths begin, in a file system.
    base: Option<PathBuf>,
    /// The folder of the table, in a file system.
    root: Option<PathBuf>,
    location: Arc<str>,
    /// The columns by which rows are skipped.
    columns: Arc<[FieldRef]>,
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
        if let (Some(base), Some(root)) = (&self.base, &self.root) {
            without_links(&base.join(path.as_ref()), root, &self.location)
                .map_err(|error| DataFusionError::External(Box::new(error)))?;
        }
        let inner = self.inner.create_reader(partition_index, file, metadata_size_hint, metrics)?;
        let (location, checked) = (Arc::clone(&self.location), Arc::clone(&self.checked));
        let columns = Arc::clone(&self.columns);
        Ok(Box::new(Reader { inner, path, size, location, columns, checked, bloom_filters: Vec::new() }))
    }
}

/// A file whose footer is looked at before it is parsed.
struct Reader {
    inner: Box<dyn AsyncFileReader + Send>,
    path: StorePath,
    size: u64,
    location: Arc<str>,
    columns: Arc<[FieldRef]>,
    checked: Arc<Mutex<HashSet<StorePath>>>,
    /// Where Bloom filters begin that may be read.
    bloom_filters: Vec<u64>,
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

    /// The footer of the file, which makes sense.
    async fn footer(&mut self) -> parquet::errors::Result<Arc<ParquetMetaData>> {
        let is_checked = |reader: &Self| {
            reader.checked.lock().unwrap_or_else(PoisonError::into_inner).contains(&reader.path)
        };
        if is_checked(self) {
            return self.metadata(PageIndexPolicy::Skip).await;
        }
        self.walk().await?;
        let metadata = self.metadata(PageIndexPolicy::Skip).await?;
        footer::check(&metadata, self.size).map_err(|reason| self.refused(reason))?;
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).insert(self.path.clone());
        Ok(metadata)
    }

    async fn metadata(&mut self, pages: PageIndexPolicy) -> parquet::errors::Result<Arc<ParquetMetaData>> {
        // Without being told, the reader below reads page indexes for scans that need none.
        let options = ArrowReaderOptions::new().with_page_index_policy(pages);
        self.inner.get_metadata(Some(&options)).await
    }
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        if !self.bloom_filters.contains(&range.start) {
            return self.inner.get_bytes(range);
        }
        async move {
            let bytes = self.inner.get_bytes(range).await?;
            footer::bloom_filter(&bytes).map_err(|reason| self.refused(reason))?;
            Ok(bytes)
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        self.inner.get_byte_ranges(ranges)
    }

    /// The footer, with what is believed of the columns by which rows are skipped; with the page index, if it tells
    /// something about them, whatever the options say.
    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let mut footer = self.footer().await?;
            let (columns, file_size) = (Arc::clone(&self.columns), self.size);
            let believed = Believed { columns: &columns, file_size };
            if believed.wants_pages(&footer) {
                // A file whose page index is broken has all its rows.
                footer = self.metadata(PageIndexPolicy::Optional).await.unwrap_or(footer);
            }
            let footer = believed.of(footer)?;
            self.bloom_filters = bloom_filters(&footer, &believed);
            Ok(footer)
        }
        .boxed()
    }
}
