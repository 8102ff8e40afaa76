//! One data file while it is written.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parquet::arrow::AsyncArrowWriter;
use parquet::arrow::async_writer::AsyncFileWriter;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::WriterProperties;

use crate::durable::NewFile;
use crate::rows::RowsDigest;
use crate::write::files::NewFiles;

/// A file that has rows. It is created in the storage when its first row group is finished, and holds nothing in
/// memory but the row group after those: whatever is finished is written before the writer goes on.
pub(super) struct DataFile {
    path: String,
    writer: AsyncArrowWriter<Sink>,
    digest: RowsDigest,
}

/// A finished file.
pub(super) struct FinishedFile {
    pub(super) path: String,
    pub(super) bytes: usize,
    pub(super) metadata: ParquetMetaData,
    /// The digest of its rows, as rows of the table.
    pub(super) digest: RowsDigest,
}

impl DataFile {
    /// A file at `path` below the table's folder, with columns of `schema`.
    pub(super) fn new(
        files: &NewFiles,
        path: String,
        schema: &SchemaRef,
        properties: &WriterProperties,
    ) -> Result<Self> {
        let sink = Sink { files: files.clone(), path: path.clone(), file: None, offset: 0 };
        let writer = AsyncArrowWriter::try_new(sink, Arc::clone(schema), Some(properties.clone()))?;
        Ok(Self { path, writer, digest: RowsDigest::default() })
    }

    /// Writes rows that have this digest in the table.
    pub(super) async fn write(&mut self, rows: &RecordBatch, digest: RowsDigest) -> Result<()> {
        self.digest += digest;
        self.writer.write(rows).await
    }

    /// Bytes the file will have, if it were finished now; estimated.
    pub(super) fn bytes(&self) -> usize {
        self.writer.bytes_written() + self.writer.in_progress_size()
    }

    /// Bytes that the unfinished row group will have, if it were finished now; estimated.
    pub(super) fn row_group_bytes(&self) -> usize {
        self.writer.in_progress_size()
    }

    /// Bytes it holds in memory.
    pub(super) fn memory(&self) -> usize {
        self.writer.memory_size()
    }

    /// Ends the row group.
    pub(super) async fn end_row_group(&mut self) -> Result<()> {
        self.writer.flush().await
    }

    pub(super) async fn finish(mut self) -> Result<FinishedFile> {
        let metadata = self.writer.finish().await?;
        let bytes = self.writer.bytes_written();
        Ok(FinishedFile { path: self.path, bytes, metadata, digest: self.digest })
    }
}

/// Where the bytes of a file go.
struct Sink {
    files: NewFiles,
    path: String,
    file: Option<Arc<dyn NewFile>>,
    offset: u64,
}

impl Sink {
    async fn append(&mut self, bytes: Bytes) -> std::io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => Arc::clone(self.file.insert(self.files.create(&self.path).await?)),
        };
        let offset = self.offset;
        self.offset += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.files.write(file, offset, bytes).await
    }
}

impl AsyncFileWriter for Sink {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<()>> {
        self.append(bytes)
            .map(|written| written.map_err(|error| ParquetError::External(Box::new(error))))
            .boxed()
    }

    fn complete(&mut self) -> BoxFuture<'_, Result<()>> {
        std::future::ready(Ok(())).boxed()
    }
}
