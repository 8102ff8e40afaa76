//! Brings one input into the order of the merge when it does not declare it.
//!
//! The input is collected and its rows are compared by (key, start, end descending) as integers: keys are ranked
//! once a run of equal keys. Tables written file by file are in order already, and only the partitioning by keys
//! has mixed up their batches: such batches are put in order as they are, without moving a row. Otherwise the
//! rows are sorted by number and gathered batch by batch. DataFusion's sort, which compares encoded rows and
//! copies every row twice, takes over when the input does not fit in memory: it spills.

use std::cmp::Reverse;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::interleave;
use arrow::row::RowConverter;
use datafusion::common::utils::memory::get_record_batch_memory_size;
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::LexOrdering;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::{SpillMetrics, Time};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::input::{InputColumns, KeyedBatch};
use crate::operators::leaf::once;
use crate::operators::row_widths::RowWidths;
use crate::operators::spill::CompactExec;

/// What a sort needs to know and may use.
pub(super) struct InputSort {
    pub(super) columns: InputColumns,
    /// The format of the keys; `None` without keys.
    pub(super) format: Option<Arc<RowConverter>>,
    /// The same order for DataFusion.
    pub(super) ordering: LexOrdering,
    /// Can spill.
    pub(super) reservation: MemoryReservation,
    pub(super) context: Arc<TaskContext>,
    /// What is found of the width of the rows.
    pub(super) widths: Option<Arc<RowWidths>>,
    pub(super) spills: SpillMetrics,
    pub(super) elapsed: Time,
}

/// Where a row belongs. Rows with a NULL bound match nothing, so that their place among those of their key does
/// not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    key: u32,
    start: i64,
    end: Reverse<i64>,
    batch: u32,
    row: u32,
}

impl Place {
    fn order(&self) -> (u32, i64, Reverse<i64>) {
        (self.key, self.start, self.end)
    }
}

/// Where the rows of all batches belong.
struct Places<'a> {
    batches: &'a [KeyedBatch],
    /// All keys in order, each once.
    keys: Vec<&'a [u8]>,
}

impl<'a> Places<'a> {
    fn new(batches: &'a [KeyedBatch]) -> Self {
        let mut keys: Vec<&[u8]> = batches.iter().flat_map(KeyedBatch::keys).map(|(key, _)| key).collect();
        if !keys.is_sorted() {
            keys.sort_unstable();
        }
        keys.dedup();
        Self { batches, keys }
    }

    /// Where the rows of one batch belong.
    fn of(&self, number: usize) -> impl Iterator<Item = Place> + '_ {
        let runs =
            self.batches.get(number).into_iter().flat_map(|batch| batch.keys().map(move |run| (batch, run)));
        runs.flat_map(move |(batch, (key, rows))| {
            let key = self.keys.partition_point(|known| *known < key) as u32;
            rows.map(move |row| {
                let (start, end) =
                    batch.span(row).map_or((i64::MAX, i64::MIN), |span| (span.start, span.end));
                Place { key, start, end: Reverse(end), batch: number as u32, row: row as u32 }
            })
        })
    }

    /// The order in which whole batches follow each other, if every batch is in order and no two overlap.
    fn order_of_batches(&self) -> Option<Vec<u32>> {
        let mut ends = Vec::with_capacity(self.batches.len());
        for number in 0..self.batches.len() {
            let mut places = self.of(number);
            let first = places.next()?;
            let mut last = first;
            for place in places {
                if place.order() < last.order() {
                    return None;
                }
                last = place;
            }
            ends.push((first, last));
        }
        ends.sort_unstable_by_key(|(first, last)| (first.order(), last.order()));
        let apart = ends.is_sorted_by(|(_, last), (first, _)| last.order() <= first.order());
        apart.then(|| ends.iter().map(|(first, _)| first.batch).collect())
    }
}

/// Bytes reserved for a batch while it is sorted.
fn memory(batch: &RecordBatch) -> usize {
    get_record_batch_memory_size(batch) + batch.num_rows() * size_of::<Place>()
}

type Batches = BoxStream<'static, Result<RecordBatch>>;

/// The rows of `input` in the order of the merge.
pub(super) fn sorted(input: SendableRecordBatchStream, sort: InputSort) -> SendableRecordBatchStream {
    let schema = input.schema();
    let batches = stream::once(sort.run(input)).try_flatten();
    Box::pin(RecordBatchStreamAdapter::new(schema, batches))
}

impl InputSort {
    async fn run(self, mut input: SendableRecordBatchStream) -> Result<Batches> {
        let mut batches = Vec::new();
        while let Some(batch) = input.next().await.transpose()? {
            if batch.num_rows() == 0 {
                continue;
            }
            let fits = self.reservation.try_grow(memory(&batch)).is_ok();
            batches.push(batch);
            if !fits {
                self.reservation.free();
                return self.spill(batches, input);
            }
        }
        drop(input);
        let elapsed = self.elapsed.clone();
        let _timer = elapsed.timer();
        self.in_memory(batches)
    }

    fn in_memory(self, batches: Vec<RecordBatch>) -> Result<Batches> {
        let keyed = batches
            .iter()
            .map(|batch| KeyedBatch::try_new(batch.clone(), &self.columns, self.format.as_deref()))
            .collect::<Result<Vec<_>>>()?;
        let places = Places::new(&keyed);
        if let Some(order) = places.order_of_batches() {
            let reservation = self.reservation;
            let batches: Vec<RecordBatch> =
                order.into_iter().filter_map(|batch| batches.get(batch as usize)).cloned().collect();
            let whole = batches.into_iter().map(move |batch| {
                reservation.shrink(memory(&batch).min(reservation.size()));
                Ok(batch)
            });
            return Ok(stream::iter(whole).boxed());
        }
        let mut places: Vec<Place> = (0..keyed.len()).flat_map(|batch| places.of(batch)).collect();
        drop(keyed);
        places.sort_unstable_by_key(Place::order);
        let size = self.context.session_config().batch_size();
        let (mut from, reservation) = (0, self.reservation);
        let gathered = std::iter::from_fn(move || {
            // The reservation lives as long as the batches do.
            let _held = &reservation;
            let chunk = places.get(from..)?.chunks(size).next()?;
            from += chunk.len();
            Some(gather(&batches, chunk))
        });
        Ok(stream::iter(gathered).boxed())
    }

    /// Sorts with spilling: what has been collected, then the rest.
    fn spill(self, batches: Vec<RecordBatch>, rest: SendableRecordBatchStream) -> Result<Batches> {
        let schema = rest.schema();
        let all = stream::iter(batches.into_iter().map(Ok)).chain(rest);
        let all: SendableRecordBatchStream = Box::pin(RecordBatchStreamAdapter::new(schema, all));
        let sort =
            Arc::new(SortExec::new(self.ordering, CompactExec::below(once(all), self.widths.as_ref())));
        let sorted = sort.execute(0, self.context)?;
        let spills = self.spills;
        let counted = stream::once(async move {
            let metrics = sort.metrics().unwrap_or_default();
            spills.spill_file_count.add(metrics.spill_count().unwrap_or(0));
            spills.spilled_bytes.add(metrics.spilled_bytes().unwrap_or(0));
            spills.spilled_rows.add(metrics.spilled_rows().unwrap_or(0));
            stream::empty()
        });
        Ok(sorted.chain(counted.flatten()).boxed())
    }
}

fn gather(batches: &[RecordBatch], places: &[Place]) -> Result<RecordBatch> {
    let Some(first) = batches.first() else {
        return Err(internal_datafusion_err!("span join: rows to sort without a batch"));
    };
    let rows: Vec<(usize, usize)> =
        places.iter().map(|place| (place.batch as usize, place.row as usize)).collect();
    let columns = (0..first.num_columns()).map(|index| {
        let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(index).as_ref()).collect();
        Ok(interleave(&parts, &rows)?)
    });
    Ok(RecordBatch::try_new(first.schema(), columns.collect::<Result<Vec<ArrayRef>>>()?)?)
}
