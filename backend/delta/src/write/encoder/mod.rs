//! From batches to data files.
//!
//! A batch is cut into pieces, and each piece is converted to the table's types, checked and encoded; only then comes
//! the next one. [`memory`] says what a writer holds at the most and how it is counted.

mod bounds;
mod data_file;
mod encoding;
mod memory;
mod open_files;
mod overflow;
mod partitions;
mod pieces;

pub(super) use encoding::{StatisticsColumns, properties};
pub(super) use memory::Queue;
pub(super) use pieces::bytes_of;

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::execution::runtime_env::RuntimeEnv;
use deltalake::kernel::Add;
use uuid::Uuid;

use super::files::NewFiles;
use super::target::Target;
use crate::error::{DeltaError, Result};
use crate::order::{OrderCheck, tag, to_text};
use crate::rows::RowsDigest;
use bounds::Bounds;
use encoding::{SAMPLE_ROWS, for_sample, with_bloom_filters};
use memory::WriterMemory;
use open_files::OpenFiles;
use pieces::pieces;

/// Checks rows, looks at the first of them to choose encodings, and writes all to files.
pub(super) struct Encoder {
    target: Arc<Target>,
    runtime: Arc<RuntimeEnv>,
    order: Option<OrderCheck>,
    bounds: Bounds,
    state: State,
}

enum State {
    /// The first rows are held until there are enough of them.
    Sampling {
        files: NewFiles,
        memory: WriterMemory,
        sample: Vec<RecordBatch>,
        rows: usize,
        bytes: usize,
    },
    Writing(Box<OpenFiles>),
    /// Something failed.
    Broken,
}

impl Encoder {
    /// Makes `files` of rows for `target`. What it holds is counted in the pool of `runtime`, as a writer of `name`.
    pub(super) fn new(
        target: Arc<Target>,
        files: NewFiles,
        runtime: Arc<RuntimeEnv>,
        name: &str,
        queue: Queue,
    ) -> Self {
        let schema = &target.schema.arrow;
        let columns = target.sort_by.iter().filter_map(|sort| schema.index_of(&sort.column).ok()).collect();
        let order = (!target.sort_by.is_empty()).then(|| OrderCheck::new(&target.sort_by, columns));
        let bounds = Bounds::new(Arc::clone(schema), target.statistics.clone());
        let memory = WriterMemory::new(&runtime.memory_pool, name, queue);
        let state = State::Sampling { files, memory, sample: Vec::new(), rows: 0, bytes: 0 };
        Self { target, runtime, order, bounds, state }
    }

    /// Writes a batch with the target's columns, in any order and string encoding.
    pub(super) async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let piece_bytes = match &self.state {
            State::Sampling { memory, .. } => memory.limits.piece,
            State::Writing(files) => files.limits().piece,
            State::Broken => return Err(self.broken()),
        };
        for piece in pieces(batch, piece_bytes) {
            // What is held must hold its own texts only, and is looked at to choose the encodings.
            let piece = match &self.state {
                State::Writing(_) => self.target.checks.apply_for_encoding(&piece)?,
                State::Sampling { .. } | State::Broken => self.target.checks.apply(&piece)?,
            };
            self.check_order(&piece)?;
            self.bounds.see(&piece);
            self.write_piece(piece).await?;
        }
        Ok(())
    }

    async fn write_piece(&mut self, piece: RecordBatch) -> Result<()> {
        match &mut self.state {
            State::Writing(files) => files.write(&piece, &self.bounds).await,
            State::Sampling { memory, sample, rows, bytes, .. } => {
                *rows += piece.num_rows();
                *bytes += bytes_of(&piece);
                sample.push(piece);
                let enough = *rows >= SAMPLE_ROWS || *bytes >= memory.limits.piece;
                // What is refused is encoded at once.
                if enough || !memory.may_hold(*bytes) { self.end_sample(enough).await } else { Ok(()) }
            }
            State::Broken => Err(self.broken()),
        }
    }

    /// The error of whoever goes on after a failure: rows are missing.
    fn broken(&self) -> DeltaError {
        let location = self.target.location.text().into();
        DeltaError::WriterStopped { location, reason: "it failed before".into() }
    }

    fn check_order(&mut self, batch: &RecordBatch) -> Result<()> {
        let Some(order) = &mut self.order else { return Ok(()) };
        let location = self.target.location.text();
        let follows = order
            .follows(batch)
            .map_err(|error| DeltaError::engine(location, "checking the order of rows", error))?;
        if follows {
            return Ok(());
        }
        Err(DeltaError::OrderViolation {
            location: location.into(),
            access: "written to",
            order: to_text(&self.target.sort_by),
            advice: "sort what each writer gets, or leave the order out",
        })
    }

    /// Chooses the encodings by the rows that wait for it, and encodes them. `enough`: there are as many as it takes.
    async fn end_sample(&mut self, enough: bool) -> Result<()> {
        let State::Sampling { files, memory, sample, bytes, .. } =
            std::mem::replace(&mut self.state, State::Broken)
        else {
            return Ok(());
        };
        memory.must_hold(bytes);
        let mut properties = for_sample(&self.target.properties, &sample, enough, memory.limits.row_group);
        if self.target.partition_by.is_empty() {
            let sorted_by = self.target.sort_by.first().map(|sort| sort.column.as_str());
            properties = with_bloom_filters(properties, &sample, sorted_by);
        }
        let runtime = Arc::clone(&self.runtime);
        let mut open = OpenFiles::new(Arc::clone(&self.target), files, properties, runtime, memory)?;
        open.write_sample(sample, &self.bounds).await?;
        self.state = State::Writing(Box::new(open));
        Ok(())
    }

    /// Ends all files and gives their entries for the log, and the digest of their rows.
    pub(super) async fn close(mut self) -> Result<(Vec<Add>, RowsDigest)> {
        self.end_sample_if_waiting().await?;
        let State::Writing(files) = self.state else { return Err(self.broken()) };
        let (mut adds, digest) = files.close(&self.bounds).await?;
        if !self.target.sort_by.is_empty() {
            let location = self.target.location.text();
            tag(&mut adds, &self.target.sort_by, Uuid::new_v4())
                .map_err(|reason| DeltaError::InvalidData { location: location.into(), reason })?;
        }
        Ok((adds, digest))
    }

    async fn end_sample_if_waiting(&mut self) -> Result<()> {
        if matches!(self.state, State::Sampling { .. }) { self.end_sample(false).await } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::AtomicU64;

    use arrow::array::{ArrayRef, Int64Array};
    use datafusion::execution::memory_pool::GreedyMemoryPool;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;

    use super::*;
    use crate::write::files::Uncommitted;
    use crate::{Location, TableTarget, WriteOptions};

    /// `rows` rows with `values` values of `p`, one after the other and again.
    fn batch(rows: i64, values: i64) -> RecordBatch {
        let numbers = |value: &dyn Fn(i64) -> i64| -> ArrayRef {
            Arc::new((0..rows).map(value).collect::<Int64Array>())
        };
        RecordBatch::try_from_iter([("p", numbers(&|row| row % values)), ("n", numbers(&|row| row))]).unwrap()
    }

    /// The open files after `batch`, whether rows are sorted, and the files in the end.
    async fn written(batch: &RecordBatch, memory: usize) -> (usize, bool, Vec<Add>) {
        let lake = tempfile::tempdir().unwrap();
        let location = Location::parse("t", lake.path()).unwrap();
        let options = WriteOptions { partition_by: vec!["p".into()], ..WriteOptions::default() };
        let target = TableTarget::prepare(&location, batch.schema(), options).await.unwrap();
        let pool = Arc::new(GreedyMemoryPool::new(memory));
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc().unwrap();
        let mut uncommitted = Uncommitted::new(target.inner.disk.clone());
        let files = uncommitted.new_files(lake.path().join("t"), Arc::new(AtomicU64::new(0)));
        let queue = Queue::new(&runtime.memory_pool);
        let mut encoder = Encoder::new(Arc::clone(&target.inner), files, runtime, "t", queue);
        encoder.write(batch).await.unwrap();
        encoder.end_sample_if_waiting().await.unwrap();
        let State::Writing(open) = &encoder.state else { panic!("it samples") };
        let (most, sorts) = (open.open(), open.sorts());
        let (adds, digest) = encoder.close().await.unwrap();
        assert_eq!(digest.count(), batch.num_rows() as u64);
        uncommitted.delete().await;
        (most, sorts, adds)
    }

    #[tokio::test]
    async fn few_partitions_have_an_open_file_each_and_the_rows_of_others_are_sorted() {
        for (values, memory, most, sorts) in [
            (64, 1 << 30, 64, false),
            (65, 1 << 30, 64, true),
            (300, 1 << 30, 64, true),
            (300, 8 << 20, 10, true),
        ] {
            let (open, sorted, adds) = written(&batch(40_000, values), memory).await;
            assert_eq!((open, sorted), (most, sorts), "{values} values in {memory} bytes");
            let partitions: BTreeSet<_> = adds.iter().map(|add| add.partition_values["p"].clone()).collect();
            assert_eq!((adds.len(), partitions.len()), (300.min(values) as usize, values as usize));
        }
    }
}
