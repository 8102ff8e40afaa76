//! The files a writer has open: one for every partition, as long as there are few.
//!
//! An open file has a row group in memory, and a row group of a few rows costs a megabyte for twenty columns. So only
//! the first partitions that a writer meets get an open file ([`MOST_OPEN`], fewer when there is little memory or many
//! columns). The rows of all others go to an external sort ([`Overflow`]) and are written when the input has ended, one
//! partition after the other. Every partition has one file (or several of the target size) either way, and its rows
//! are in the order the table declares.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use datafusion::execution::runtime_env::RuntimeEnv;
use deltalake::kernel::Add;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use uuid::Uuid;

use super::bounds::Bounds;
use super::data_file::{DataFile, FinishedFile};
use super::memory::{Limits, WriterMemory};
use super::overflow::{Overflow, SortedRows};
use super::partitions::{PartitionColumns, PartitionValues, folder};
use super::pieces::{bytes_of, pieces};
use crate::error::{DeltaError, Result};
use crate::rows::{self, RowHasher, RowsDigest};
use crate::write::files::NewFiles;
use crate::write::target::Target;

/// The most partitions with open files.
const MOST_OPEN: usize = 64;
/// What a column of an open file holds without values: the hash table of its dictionary, mostly.
const COLUMN_BYTES: usize = 96 << 10;
/// A row group of less is not ended for lack of memory.
const LEAST_ROW_GROUP: usize = 64 << 10;

/// Files that are being written.
pub(super) struct OpenFiles {
    target: Arc<Target>,
    files: NewFiles,
    properties: WriterProperties,
    /// The columns in files.
    schema: SchemaRef,
    columns: PartitionColumns,
    hasher: RowHasher,
    runtime: Arc<RuntimeEnv>,
    memory: WriterMemory,
    /// By the key of the partition.
    places: HashMap<Box<[u8]>, usize>,
    partitions: Vec<Partition>,
    /// What the row groups of `partitions` hold together.
    held: usize,
    /// What the entries of finished files hold.
    entries: usize,
    /// What the rows hold that are still to be written, besides those in the queue.
    waiting: usize,
    overflow: Option<Overflow>,
    /// Rows of a batch that comes from sorting.
    batch_rows: usize,
    finished: Vec<Add>,
    /// The digest of the rows of finished files.
    digest: RowsDigest,
}

/// The files of one partition, of which the last may be open.
struct Partition {
    values: PartitionValues,
    /// Its folder, with a slash at its end; empty in a table without partitions.
    folder: String,
    writer: Uuid,
    /// Files so far.
    files: usize,
    open: Option<DataFile>,
    /// What the open one holds.
    held: usize,
}

impl OpenFiles {
    pub(super) fn new(
        target: Arc<Target>,
        files: NewFiles,
        properties: WriterProperties,
        runtime: Arc<RuntimeEnv>,
        memory: WriterMemory,
    ) -> Result<Self> {
        let all = &target.schema.arrow;
        let in_files = all.fields().iter().filter(|field| !target.partition_by.contains(field.name()));
        let schema = Arc::new(Schema::new(in_files.cloned().collect::<Vec<_>>()));
        let columns =
            PartitionColumns::new(all, &target.partition_by).map_err(|error| divided(&target, error))?;
        Ok(Self {
            hasher: target.hasher.clone(),
            target,
            files,
            properties,
            schema,
            columns,
            runtime,
            memory,
            places: HashMap::new(),
            partitions: Vec::new(),
            held: 0,
            entries: 0,
            waiting: 0,
            overflow: None,
            batch_rows: 0,
            finished: Vec::new(),
            digest: RowsDigest::default(),
        })
    }

    /// What the writer may hold.
    pub(super) fn limits(&self) -> Limits {
        self.memory.limits
    }

    /// Writes the rows that were held back at first.
    pub(super) async fn write_sample(&mut self, sample: Vec<RecordBatch>, bounds: &Bounds) -> Result<()> {
        self.waiting = sample.iter().map(bytes_of).sum();
        for piece in sample {
            self.waiting = self.waiting.saturating_sub(bytes_of(&piece));
            self.write(&piece, bounds).await?;
        }
        Ok(())
    }

    /// Writes rows of the table's schema.
    pub(super) async fn write(&mut self, rows: &RecordBatch, bounds: &Bounds) -> Result<()> {
        let keys = self.columns.keys(rows).map_err(|error| divided(&self.target, error))?;
        let Some(keys) = keys else {
            let place = self.place(&[], rows, 0)?.unwrap_or(0);
            return self.append(place, rows, bounds).await;
        };
        // By partition; what has no open file comes last.
        let mut groups: Vec<(Option<usize>, Vec<u32>)> = Vec::new();
        let mut group_of: HashMap<Option<usize>, usize> = HashMap::new();
        let mut last: Option<(&[u8], usize)> = None;
        for row in 0..rows.num_rows() {
            let key = keys.row(row).data();
            let group = match last {
                Some((before, group)) if before == key => group,
                _ => {
                    let place = self.place(key, rows, row)?;
                    *group_of.entry(place).or_insert_with(|| {
                        groups.push((place, Vec::new()));
                        groups.len() - 1
                    })
                }
            };
            last = Some((key, group));
            if let Some((_, members)) = groups.get_mut(group) {
                members.push(u32::try_from(row).unwrap_or(u32::MAX));
            }
        }
        let whole = groups.len() == 1;
        for (place, members) in groups {
            // A sort keeps what it is given: these rows, and not the batch that they are a slice of.
            let members = if whole && place.is_some() { rows.clone() } else { self.taken(rows, members)? };
            match place {
                Some(place) => self.append(place, &members, bounds).await?,
                None => self.sort(members).await?,
            }
        }
        Ok(())
    }

    fn taken(&self, rows: &RecordBatch, members: Vec<u32>) -> Result<RecordBatch> {
        take_record_batch(rows, &UInt32Array::from(members)).map_err(|error| divided(&self.target, error))
    }

    /// The place of the partition with this key, which a row has; `None` when it gets no open file.
    fn place(&mut self, key: &[u8], rows: &RecordBatch, row: usize) -> Result<Option<usize>> {
        if let Some(place) = self.places.get(key) {
            return Ok(Some(*place));
        }
        // Once rows are sorted, nobody knows which partitions are among them.
        if self.overflow.is_some() || !self.has_room() {
            if self.overflow.is_none() {
                self.overflow = Some(self.start_overflow(rows)?);
            }
            return Ok(None);
        }
        let place = self.partitions.len();
        self.partitions.push(self.partition(rows, row)?);
        self.places.insert(key.into(), place);
        Ok(Some(place))
    }

    /// Whether one more partition may have an open file: besides what they hold when they are nearly empty, there is as
    /// much again for rows.
    fn has_room(&self) -> bool {
        let open = self.partitions.len();
        let empty = (open + 1).saturating_mul(self.schema.fields().len()).saturating_mul(COLUMN_BYTES);
        open == 0 || open < MOST_OPEN && empty <= self.memory.limits.open / 2
    }

    fn start_overflow(&mut self, rows: &RecordBatch) -> Result<Overflow> {
        let row = bytes_of(rows).checked_div(rows.num_rows()).unwrap_or(0).max(1);
        self.batch_rows = (self.memory.limits.piece / row).clamp(1, 8192);
        let merging = self.memory.limits.piece.saturating_mul(2);
        let memory_pool = self.memory.sort_pool();
        let runtime = Arc::new(RuntimeEnv { memory_pool, ..self.runtime.as_ref().clone() });
        Overflow::start(&self.target, &runtime, self.batch_rows, merging).map_err(|error| self.sorting(error))
    }

    fn sorting(&self, error: datafusion::error::DataFusionError) -> DeltaError {
        DeltaError::engine(self.target.location.text(), "sorting rows by partition", error)
    }

    fn partition(&self, rows: &RecordBatch, row: usize) -> Result<Partition> {
        let invalid =
            |reason| DeltaError::InvalidData { location: self.target.location.text().into(), reason };
        let values = self.columns.values(rows, row).map_err(invalid)?;
        let mut folder = folder(&values).map_err(invalid)?;
        if !folder.is_empty() {
            folder.push('/');
        }
        Ok(Partition { values, folder, writer: Uuid::new_v4(), files: 0, open: None, held: 0 })
    }

    async fn sort(&mut self, rows: RecordBatch) -> Result<()> {
        let Some(overflow) = &mut self.overflow else { return Ok(()) };
        let pushed = overflow.push(rows).await;
        pushed.map_err(|error| self.sorting(error))
    }

    /// Appends rows of one partition to its file, and ends the file when it has the target size.
    async fn append(&mut self, place: usize, rows: &RecordBatch, bounds: &Bounds) -> Result<()> {
        let digest = self.hasher.digest(rows).map_err(|error| DeltaError::InvalidData {
            location: self.target.location.text().into(),
            reason: error.to_string(),
        })?;
        let rows = self.columns.in_files(rows).map_err(|error| divided(&self.target, error))?;
        let Some(partition) = self.partitions.get_mut(place) else { return Ok(()) };
        let file = match &mut partition.open {
            Some(file) => file,
            none => {
                let path =
                    partition.folder.clone() + &file_name(partition.files, partition.writer, &self.target);
                let file = DataFile::new(&self.files, path, &self.schema, &self.properties);
                partition.files += 1;
                none.insert(file.map_err(|error| writing(&self.target, error))?)
            }
        };
        file.write(&rows, digest).await.map_err(|error| writing(&self.target, error))?;
        let held = std::mem::replace(&mut partition.held, file.memory());
        self.held = (self.held + partition.held).saturating_sub(held);
        let is_full = u64::try_from(file.bytes()).unwrap_or(u64::MAX) >= self.target.file_size.get();
        if is_full {
            self.finish(place, bounds).await?;
        }
        self.settle().await
    }

    /// Brings what is held below its limit, and below what the pool allows.
    async fn settle(&mut self) -> Result<()> {
        loop {
            let held = self.held + self.entries + self.waiting;
            if self.held <= self.memory.limits.open && self.memory.may_hold(held) {
                return Ok(());
            }
            let ended = |partition: &&mut Partition| {
                partition.open.as_ref().is_some_and(|file| file.row_group_bytes() >= LEAST_ROW_GROUP)
            };
            let largest = self.partitions.iter_mut().filter(ended).max_by_key(|partition| partition.held);
            let Some((partition, file)) = largest.and_then(|partition| {
                let Partition { open, held, .. } = partition;
                Some((held, open.as_mut()?))
            }) else {
                self.memory.must_hold(held);
                return Ok(());
            };
            file.end_row_group().await.map_err(|error| writing(&self.target, error))?;
            let before = std::mem::replace(partition, file.memory());
            self.held = (self.held + *partition).saturating_sub(before);
        }
    }

    /// Ends the open file of a partition, if it has one.
    async fn finish(&mut self, place: usize, bounds: &Bounds) -> Result<()> {
        let Some(partition) = self.partitions.get_mut(place) else { return Ok(()) };
        let Some(file) = partition.open.take() else { return Ok(()) };
        let FinishedFile { path, bytes, metadata, digest } =
            file.finish().await.map_err(|error| writing(&self.target, error))?;
        self.held = self.held.saturating_sub(std::mem::take(&mut partition.held));
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut add = Add {
            path,
            size: i64::try_from(bytes).unwrap_or(i64::MAX),
            partition_values: partition.values.iter().cloned().collect(),
            modification_time: i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            data_change: true,
            stats: Some(bounds.statistics(&metadata)),
            ..Add::default()
        };
        let tags = rows::tag(&mut add, digest, self.hasher.seed());
        self.entries += size_of::<Add>() + add.path.len() + add.stats.as_ref().map_or(0, String::len) + tags;
        self.digest += digest;
        self.finished.push(add);
        Ok(())
    }

    /// Ends all files and gives their entries for the log, and the digest of their rows.
    pub(super) async fn close(mut self, bounds: &Bounds) -> Result<(Vec<Add>, RowsDigest)> {
        for place in 0..self.partitions.len() {
            self.finish(place, bounds).await?;
        }
        if let Some(overflow) = self.overflow.take() {
            self.write_sorted(overflow.into_sorted(), bounds).await?;
        }
        Ok((self.finished, self.digest))
    }

    /// Writes the partitions that got no open file, one after the other.
    async fn write_sorted(&mut self, mut sorted: SortedRows, bounds: &Bounds) -> Result<()> {
        let mut current: Option<Box<[u8]>> = None;
        while let Some(batch) = sorted.next().await {
            let batch = batch.map_err(|error| self.sorting(error))?;
            for piece in pieces(&batch, self.memory.limits.piece) {
                let keys = self.columns.keys(&piece).map_err(|error| divided(&self.target, error))?;
                let Some(keys) = keys else { continue };
                let mut from = 0;
                while from < piece.num_rows() {
                    let key = keys.row(from).data();
                    let to = (from + 1..piece.num_rows()).find(|row| keys.row(*row).data() != key);
                    let rows = piece.slice(from, to.unwrap_or(piece.num_rows()) - from);
                    if current.as_deref() != Some(key) {
                        self.finish(0, bounds).await?;
                        self.partitions = vec![self.partition(&piece, from)?];
                        current = Some(key.into());
                    }
                    self.append(0, &rows, bounds).await?;
                    from += rows.num_rows();
                }
            }
        }
        self.finish(0, bounds).await
    }

    /// Whether there are rows that are sorted.
    #[cfg(test)]
    pub(super) fn sorts(&self) -> bool {
        self.overflow.is_some()
    }

    /// Partitions with an open file.
    #[cfg(test)]
    pub(super) fn open(&self) -> usize {
        self.partitions.iter().filter(|partition| partition.open.is_some()).count()
    }
}

/// The name of a file in the folder of its partition, as Spark has it. The number tells the files of a partition apart.
fn file_name(number: usize, writer: Uuid, target: &Target) -> String {
    let compression = match target.properties.compression(&ColumnPath::new(Vec::new())) {
        Compression::SNAPPY => ".snappy",
        Compression::ZSTD(_) => ".zstd",
        _ => "",
    };
    format!("part-{number:05}-{writer}-c000{compression}.parquet")
}

fn writing(target: &Target, error: ParquetError) -> DeltaError {
    DeltaError::delta(target.location.text(), "writing a data file", error)
}

fn divided(target: &Target, error: ArrowError) -> DeltaError {
    DeltaError::engine(target.location.text(), "dividing rows by partition", error)
}
