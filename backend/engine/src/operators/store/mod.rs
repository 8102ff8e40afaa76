//! Where the rows of shared views wait for their readers.
//!
//! A store is filled once, by the segment of its view, and then only read; readers are independent of each other.
//! Its batches are in memory as long as there is room: what the session's memory pool and the budget for shared views
//! have left. There columns of few texts are packed. Beyond that they go to temporary files, largest partition first, one
//! file a partition. Batches of a partition keep their order. When an operator finds the pool used up, stores move to files to make room for it; readers
//! do not notice.

mod cursor;
mod packed;
mod partition;
mod pinned;
mod room;
mod run_stores;
mod statistics;

pub(crate) use run_stores::RunStores;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::stats::Precision;
use datafusion::common::{DataFusionError, Result, Statistics, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, PlanProperties, SpillManager};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use crate::operators::spill::with_schema;
use crate::resources::{LimitedPool, Reclaimable};
use packed::packed;
use partition::{BatchPlace, Partition};
pub(crate) use pinned::PinnedRows;
use room::{Budget, Room};
use statistics::Summary;

/// The rows of one shared view.
#[derive(Debug)]
pub struct SharedStore {
    view: String,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    spills: SpillManager,
    spilled: SpillMetrics,
    partitions: Vec<Slot>,
    room: Room,
    released: AtomicBool,
    reads: AtomicUsize,
    readers: AtomicUsize,
    /// How many hold all its rows where they are ([`PinnedRows`]).
    pins: AtomicUsize,
}

/// A partition, and what it holds in memory for those who only want to compare. At most one of the locks of a store
/// is held at a time.
#[derive(Debug)]
struct Slot {
    partition: Mutex<Partition>,
    resident: AtomicUsize,
}

impl Reclaimable for SharedStore {
    fn reclaim(&self) -> Result<bool> {
        self.make_room()
    }
}

/// What a store did in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreCounters {
    /// The view.
    pub view: String,
    /// Why it is shared, in the words of the compiler.
    pub reason: String,
    /// How many times the view was computed: once, or something is very wrong.
    pub computed: usize,
    /// Its rows.
    pub rows: usize,
    /// The bytes of memory it held last: all its rows, or those that were not moved to files.
    pub memory_bytes: usize,
    /// How many temporary files were written.
    pub spill_count: usize,
    /// The bytes of those files.
    pub spilled_bytes: usize,
    /// How many times a partition of it was read.
    pub reads: usize,
    /// How many places of the plans read it: several in one output that joins the view with itself.
    pub readers: usize,
}

impl SharedStore {
    /// An empty store for the rows of `plan`, which computes `view` with the columns of `schema`.
    ///
    /// # Errors
    /// When DataFusion cannot keep statistics of the columns.
    fn new(
        view: &str,
        schema: SchemaRef,
        plan: &dyn ExecutionPlan,
        runtime: &Arc<RuntimeEnv>,
        budget: Arc<Budget>,
    ) -> Result<Arc<Self>> {
        let spilled = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
        let slot = || {
            Partition::new(&schema)
                .map(|partition| Slot { partition: Mutex::new(partition), resident: AtomicUsize::new(0) })
        };
        let partitions = plan.output_partitioning().partition_count();
        let store = Arc::new(Self {
            view: view.to_owned(),
            properties: Arc::new(properties(&schema, plan)),
            spills: SpillManager::new(Arc::clone(runtime), spilled.clone(), Arc::clone(&schema)),
            spilled,
            partitions: std::iter::repeat_with(slot).take(partitions).collect::<Result<_>>()?,
            room: Room::new(view, &runtime.memory_pool, budget),
            schema,
            released: AtomicBool::new(false),
            reads: AtomicUsize::new(0),
            readers: AtomicUsize::new(0),
            pins: AtomicUsize::new(0),
        });
        if let Some(pool) = runtime.memory_pool.downcast_ref::<LimitedPool>() {
            let weak = Arc::downgrade(&store);
            pool.add(weak);
        }
        Ok(store)
    }

    /// A store with all rows of `plan`, for programs that run shared views themselves.
    ///
    /// # Errors
    /// Whatever the plan fails with, and [`DataFusionError::ResourcesExhausted`] when its rows fit neither in
    /// memory nor on disk.
    pub async fn filled(
        view: &str,
        schema: SchemaRef,
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
    ) -> Result<Arc<Self>> {
        let budget = Arc::new(Budget::new(usize::MAX));
        let store = Self::new(view, schema, plan.as_ref(), &context.runtime_env(), budget)?;
        for partition in 0..plan.output_partitioning().partition_count() {
            let mut rows = plan.execute(partition, Arc::clone(&context))?;
            while let Some(batch) = rows.try_next().await? {
                store.push(partition, &batch)?;
            }
            store.seal(partition)?;
        }
        Ok(store)
    }

    /// Works on a partition that is locked meanwhile.
    fn with<T>(&self, partition: usize, work: impl FnOnce(&mut Partition) -> Result<T>) -> Result<T> {
        let Some(slot) = self.partitions.get(partition) else {
            return internal_err!("the shared view `{}` has no partition {partition}", self.view);
        };
        let mut partition = slot.partition.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut partition);
        slot.resident.store(partition.resident, Ordering::Relaxed);
        result
    }

    /// Adds a batch to a partition.
    ///
    /// # Errors
    /// [`DataFusionError::ResourcesExhausted`] when it fits neither in memory nor on disk.
    pub(crate) fn push(&self, partition: usize, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if self.released.load(Ordering::Acquire) {
            return internal_err!("the shared view `{}` is written after its release", self.view);
        }
        let batch = packed(with_schema(batch, &self.schema)?)?;
        while !self.with(partition, |own| own.try_hold(&batch, &self.room))? {
            if !self.make_room()? {
                // Nothing of this view is in memory, and there is no room even for one batch.
                let write = |own: &mut Partition| own.write(&batch, &self.room, &self.spills, &self.view);
                return self.with(partition, write).map_err(|error| self.no_room(&error));
            }
        }
        Ok(())
    }

    /// Ends a partition: all its batches are there, and it can be read.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub(crate) fn seal(&self, partition: usize) -> Result<()> {
        self.with(partition, |own| own.seal(&self.room)).map_err(|error| self.no_room(&error))
    }

    /// Frees memory of the partition that holds most: bytes that are held for nothing if they are many, else by
    /// moving it to its file. Says whether there was anything to free: not while rows are pinned.
    fn make_room(&self) -> Result<bool> {
        let sizes = self.partitions.iter().map(|slot| slot.resident.load(Ordering::Relaxed)).enumerate();
        let Some((largest, _)) = sizes.filter(|(_, size)| *size > 0).max_by_key(|(_, size)| *size) else {
            return Ok(false);
        };
        let free = |held: &mut Partition| {
            if self.pins.load(Ordering::SeqCst) > 0 {
                return Ok(false);
            }
            if held.compact(&self.room)? == 0 {
                held.spill(&self.room, &self.spills, &self.view)?;
            }
            Ok(true)
        };
        self.with(largest, free).map_err(|error| self.no_room(&error))
    }

    fn no_room(&self, error: &DataFusionError) -> DataFusionError {
        DataFusionError::ResourcesExhausted(format!(
            "the shared view `{}` does not fit in memory and cannot be moved to disk: {}",
            self.view,
            error.strip_backtrace()
        ))
    }

    /// The batches of a partition, from the first on.
    ///
    /// # Errors
    /// When there is no such partition, or the store has been released.
    pub(super) fn partition(
        self: &Arc<Self>,
        partition: usize,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        self.place(partition, 0)?;
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok(cursor::read(Arc::clone(self), partition).boxed())
    }

    /// Where a batch of a partition is.
    fn place(&self, partition: usize, number: usize) -> Result<BatchPlace> {
        if self.released.load(Ordering::Acquire) {
            return internal_err!("the shared view `{}` is read after its last reader", self.view);
        }
        match self.with(partition, |held| Ok(held.batch(number)))? {
            Some(place) => Ok(place),
            None => internal_err!("the shared view `{}` is read before it is complete", self.view),
        }
    }

    /// Exact statistics of a partition, or of all.
    ///
    /// # Errors
    /// When there is no such partition.
    pub(super) fn statistics(&self, partition: Option<usize>) -> Result<Statistics> {
        let wanted = partition.map_or(0..self.partitions.len(), |one| one..one + 1);
        let (mut rows, mut bytes) = (0, 0);
        let mut columns: Option<Vec<Summary>> = None;
        for partition in wanted {
            let found = self.with(partition, |held| {
                rows += held.rows;
                bytes += held.bytes;
                held.columns.summaries()
            })?;
            columns = Some(match columns {
                Some(known) => known.into_iter().zip(found).map(|(a, b)| a.with(b)).collect(),
                None => found,
            });
        }
        Ok(Statistics {
            num_rows: Precision::Exact(rows),
            total_byte_size: Precision::Inexact(bytes),
            column_statistics: columns.into_iter().flatten().map(Summary::statistics).collect(),
        })
    }

    /// How many bytes one of its rows takes in memory, on average; nothing where there is none.
    pub(crate) fn row_bytes(&self) -> Option<usize> {
        let sizes = self.partitions.iter().map(lock).map(|held| (held.rows, held.bytes));
        let (rows, bytes) = sizes.fold((0, 0), |sum, held| (sum.0 + held.0, sum.1 + held.1));
        bytes.checked_div(rows)
    }

    pub(super) fn properties(&self) -> Arc<PlanProperties> {
        Arc::clone(&self.properties)
    }

    /// Counts a place in a plan that reads the view.
    pub(super) fn add_reader(&self) {
        self.readers.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives memory and files back. Batches still on their way through a plan live until it lets go of them.
    pub(crate) fn release(&self) {
        self.released.store(true, Ordering::Release);
        for slot in &self.partitions {
            lock(slot).clear();
        }
        self.room.close();
    }

    pub(crate) fn counters(&self, reason: &str, computed: usize) -> StoreCounters {
        let held = self.partitions.iter().map(lock).map(|held| (held.rows, held.resident));
        let (rows, memory_bytes) = held.fold((0, 0), |sum, held| (sum.0 + held.0, sum.1 + held.1));
        StoreCounters {
            view: self.view.clone(),
            reason: reason.to_owned(),
            computed,
            rows,
            memory_bytes,
            spill_count: self.spilled.spill_file_count.value(),
            spilled_bytes: self.spilled.spilled_bytes.value(),
            reads: self.reads.load(Ordering::Relaxed),
            readers: self.readers.load(Ordering::Relaxed),
        }
    }
}

fn lock(slot: &Slot) -> MutexGuard<'_, Partition> {
    slot.partition.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How the rows are distributed and ordered: as the plan that computed them left them.
fn properties(schema: &SchemaRef, plan: &dyn ExecutionPlan) -> PlanProperties {
    let known = plan.equivalence_properties().clone().with_new_schema(Arc::clone(schema));
    PlanProperties::new(
        // Where the view has another type than its plan, nothing but the columns is known.
        known.unwrap_or_else(|_| EquivalenceProperties::new(Arc::clone(schema))),
        plan.output_partitioning().clone(),
        EmissionType::Incremental,
        Boundedness::Bounded,
    )
    .with_scheduling_type(SchedulingType::NonCooperative)
}
