//! What writers hold is bounded, and counted in the memory pool of whoever computes the rows.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use datafusion::common::Result;
use datafusion::execution::memory_pool::{
    GreedyMemoryPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use delta::{CommitOptions, Committed, SortColumn, TableTarget, WriteOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::fixtures::{Lake, data_files, number, overwrite};

const MIB: usize = 1 << 20;

/// A pool that knows the most that writers held.
#[derive(Debug)]
struct Observed {
    inner: GreedyMemoryPool,
    held: AtomicUsize,
    peak: AtomicUsize,
}

impl Observed {
    fn new(bytes: usize) -> Arc<Self> {
        let inner = GreedyMemoryPool::new(bytes);
        Arc::new(Self { inner, held: AtomicUsize::new(0), peak: AtomicUsize::new(0) })
    }

    fn runtime(self: &Arc<Self>) -> Arc<RuntimeEnv> {
        let pool: Arc<dyn MemoryPool> = Arc::clone(self) as _;
        RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc().unwrap()
    }

    fn peak(&self) -> usize {
        self.peak.load(Ordering::SeqCst)
    }

    fn grown(&self, reservation: &MemoryReservation, additional: usize) {
        if reservation.consumer().name() == "writer of t" {
            let held = self.held.fetch_add(additional, Ordering::SeqCst) + additional;
            self.peak.fetch_max(held, Ordering::SeqCst);
        }
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl MemoryPool for Observed {
    fn name(&self) -> &str {
        "observed"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.inner.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.inner.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.inner.grow(reservation, additional);
        self.grown(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.inner.shrink(reservation, shrink);
        if reservation.consumer().name() == "writer of t" {
            self.held.fetch_sub(shrink, Ordering::SeqCst);
        }
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.inner.try_grow(reservation, additional)?;
        self.grown(reservation, additional);
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.inner.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.inner.memory_limit()
    }
}

/// Writes the batches as one writer of table `t` beside a pool.
async fn write_beside(
    pool: &Arc<Observed>,
    lake: &Lake,
    batches: impl Iterator<Item = RecordBatch>,
    options: WriteOptions,
) -> Committed {
    let mut batches = batches.peekable();
    let schema = batches.peek().unwrap().schema();
    let target = TableTarget::prepare(&lake.at("t"), schema, options).await.unwrap();
    let mut writer = target.writer_within(&pool.runtime(), "t");
    for batch in batches {
        writer.write(batch).await.unwrap();
    }
    let files = writer.close().await.unwrap();
    assert_eq!(pool.reserved(), 0, "a writer that is closed holds nothing");
    target.commit(vec![files], &CommitOptions::default()).await.unwrap()
}

/// A number for each row that looks like none of the others.
fn mixed(row: i64) -> i64 {
    let row = row.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed());
    (row ^ (row >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9_u64.cast_signed())
}

/// Rows of 100 KB that do not compress.
fn large_texts(rows: i64, batch: i64) -> impl Iterator<Item = RecordBatch> {
    let eight = |part: i64| mixed(part).to_le_bytes().map(|byte| char::from(byte & 0x3F | 0x40));
    let text = move |row: i64| (row * 12_800..(row + 1) * 12_800).flat_map(eight).collect::<String>();
    (0..rows / batch).map(move |index| {
        let rows = index * batch..(index + 1) * batch;
        let texts: StringArray = rows.clone().map(|row| Some(text(row))).collect();
        let ids: Int64Array = rows.collect();
        RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef), ("text", Arc::new(texts))]).unwrap()
    })
}

/// Rows of many partitions: `p` has `values` values in no order, `n` numbers the rows, and there are `more` columns.
fn many_partitions(rows: i64, values: i64, more: usize) -> impl Iterator<Item = RecordBatch> {
    const BATCH: i64 = 4_000;
    (0..rows / BATCH).map(move |index| {
        let numbers = |value: &dyn Fn(i64) -> i64| -> ArrayRef {
            Arc::new((index * BATCH..(index + 1) * BATCH).map(value).collect::<Int64Array>())
        };
        let names: Vec<String> = (0..more).map(|column| format!("c{column}")).collect();
        let given = [("p", numbers(&|row| mixed(row).rem_euclid(values))), ("n", numbers(&|row| row))];
        let more = names.iter().map(|name| (name.as_str(), numbers(&mixed)));
        RecordBatch::try_from_iter(given.into_iter().chain(more)).unwrap()
    })
}

fn by_p(sort_by: &[&str]) -> WriteOptions {
    let sort = |column: &&str| SortColumn { column: (*column).into(), descending: false };
    WriteOptions {
        partition_by: vec!["p".into()],
        sort_by: sort_by.iter().map(sort).collect(),
        ..overwrite()
    }
}

/// Rows of the row groups of every file.
fn row_groups(lake: &Lake) -> Vec<Vec<i64>> {
    let groups = |path: &std::path::PathBuf| {
        let file = std::fs::File::open(path).unwrap();
        let metadata = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().metadata().clone();
        metadata.row_groups().iter().map(|group| group.num_rows()).collect()
    };
    data_files(&lake.path("t")).iter().map(groups).collect()
}

#[tokio::test]
async fn large_rows_are_held_by_their_bytes() {
    let (lake, pool) = (Lake::new(), Observed::new(64 * MIB));
    // 40 MB, and not one tenth of the rows of a sample.
    let committed = write_beside(&pool, &lake, large_texts(400, 100), overwrite()).await;
    assert_eq!((committed.rows, committed.files_added), (400, 1));
    // A batch of 10 MB that is written, a sample of one, and row groups of 4.
    assert!(pool.peak() <= 20 * MIB, "{}", pool.peak());
    assert!(pool.peak() >= 8 * MIB, "batches and row groups are counted: {}", pool.peak());
    let groups = row_groups(&lake);
    assert!(groups[0].iter().all(|rows| (20..=60).contains(rows)), "{groups:?}");
    assert_eq!(number(&lake.at("t"), "select sum(length(text)) from t").await, 400 * 102_400);
    assert_eq!(number(&lake.at("t"), "select count(distinct id) from t").await, 400);
}

#[tokio::test]
async fn a_writer_that_gets_no_memory_ends_row_groups_early() {
    let (lake, pool) = (Lake::new(), Observed::new(0));
    let committed = write_beside(&pool, &lake, large_texts(150, 10), overwrite()).await;
    assert_eq!((committed.rows, committed.files_added), (150, 1));
    assert!(pool.peak() <= 4 * MIB, "{}", pool.peak());
    assert!(row_groups(&lake)[0].len() > 15);
    assert_eq!(number(&lake.at("t"), "select sum(length(text)) from t").await, 150 * 102_400);
}

#[tokio::test]
async fn many_partitions_are_written_one_file_each_in_little_memory() {
    let (lake, pool) = (Lake::new(), Observed::new(64 * MIB));
    let committed = write_beside(&pool, &lake, many_partitions(40_000, 1_000, 18), by_p(&[])).await;
    assert_eq!((committed.rows, committed.files_added), (40_000, 1_000));
    assert!(pool.peak() <= 16 * MIB, "{}", pool.peak());
    assert!(row_groups(&lake).iter().all(|groups| groups.len() == 1));
    assert_eq!(number(&lake.at("t"), "select sum(n) from t").await, 39_999 * 20_000);
    let partitions: Vec<i64> = (0..40_000).map(|row| mixed(row).rem_euclid(1_000)).collect();
    let sum: i64 = (0..).zip(&partitions).map(|(row, partition)| row * partition).sum();
    assert_eq!(number(&lake.at("t"), "select sum(n * p) from t").await, sum, "each row is in its partition");
}

#[tokio::test]
async fn rows_of_many_partitions_keep_their_order() {
    let (lake, pool) = (Lake::new(), Observed::new(64 * MIB));
    write_beside(&pool, &lake, many_partitions(40_000, 300, 2), by_p(&["n"])).await;
    let files = data_files(&lake.path("t"));
    assert_eq!(files.len(), 300);
    for path in files {
        let file = std::fs::File::open(&path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let batches: Vec<RecordBatch> = reader.map(std::result::Result::unwrap).collect();
        let numbers = |batch: &RecordBatch| batch["n"].as_primitive::<Int64Type>().values().to_vec();
        let numbers: Vec<i64> = batches.iter().flat_map(numbers).collect();
        assert!(numbers.is_sorted(), "{path:?}");
    }
}
