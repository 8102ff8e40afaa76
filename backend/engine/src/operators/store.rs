//! Where the rows of shared views wait for their readers.
//!
//! A store is filled once, by the segment of its view, and then only read. Its batches are in memory and counted
//! in the session's memory pool; a store that moves batches to disk would replace [`SharedStore::push`] and
//! [`SharedStore::partition`] and nothing else.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, ArrayData};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::TryStreamExt;

/// The rows of one shared view.
#[derive(Debug)]
pub struct SharedStore {
    view: String,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    contents: Mutex<Contents>,
    readers: AtomicUsize,
}

#[derive(Debug)]
struct Contents {
    partitions: Vec<Vec<RecordBatch>>,
    /// Buffers already counted: slices of one batch share them, and columns may.
    counted: HashSet<usize>,
    reservation: MemoryReservation,
    sizes: Vec<Size>,
    released: bool,
}

/// Rows and the bytes they take in memory.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    pub(super) rows: usize,
    pub(super) bytes: usize,
}

/// What a store did in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreCounters {
    /// The view.
    pub view: String,
    /// How many times the view was computed: once, or something is very wrong.
    pub computed: usize,
    /// Its rows.
    pub rows: usize,
    /// The memory its rows took, in bytes.
    pub bytes: usize,
    /// How many times a partition of it was read.
    pub reads: usize,
    /// How many segments read it.
    pub readers: usize,
}

impl SharedStore {
    /// An empty store for the rows of `plan`, which computes `view` with the columns of `schema`.
    pub(crate) fn new(view: &str, schema: SchemaRef, plan: &dyn ExecutionPlan, pool: &Arc<dyn MemoryPool>) -> Self {
        let reservation = MemoryConsumer::new(format!("shared view {view}")).register(pool);
        let partitions = plan.output_partitioning().partition_count();
        let contents = Contents {
            partitions: vec![Vec::new(); partitions],
            counted: HashSet::new(),
            reservation,
            sizes: vec![Size::default(); partitions],
            released: false,
        };
        Self {
            view: view.to_owned(),
            properties: Arc::new(properties(&schema, plan)),
            schema,
            contents: Mutex::new(contents),
            readers: AtomicUsize::new(0),
        }
    }

    /// A store with all rows of `plan`, for programs that run shared views themselves.
    ///
    /// # Errors
    /// Whatever the plan fails with, and [`DataFusionError::ResourcesExhausted`] when its rows do not fit.
    pub async fn filled(
        view: &str,
        schema: SchemaRef,
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
    ) -> Result<Self> {
        let store = Self::new(view, schema, plan.as_ref(), context.memory_pool());
        for partition in 0..plan.output_partitioning().partition_count() {
            let mut rows = plan.execute(partition, Arc::clone(&context))?;
            while let Some(batch) = rows.try_next().await? {
                store.push(partition, &batch)?;
            }
        }
        Ok(store)
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a batch to a partition.
    ///
    /// # Errors
    /// [`DataFusionError::ResourcesExhausted`] when the memory pool has no room for it.
    pub(crate) fn push(&self, partition: usize, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let batch = with_schema(batch, &self.schema)?;
        let mut contents = self.contents();
        let Contents { partitions, counted, reservation, sizes, .. } = &mut *contents;
        let bytes: usize = batch.columns().iter().map(|column| new_bytes(&column.to_data(), counted)).sum();
        reservation.try_grow(bytes).map_err(|error| {
            DataFusionError::ResourcesExhausted(format!(
                "the shared view `{}` is kept in memory and does not fit: {}",
                self.view,
                error.strip_backtrace()
            ))
        })?;
        let (Some(batches), Some(size)) = (partitions.get_mut(partition), sizes.get_mut(partition)) else {
            return internal_err!("the shared view `{}` has no partition {partition}", self.view);
        };
        size.rows += batch.num_rows();
        size.bytes += bytes;
        batches.push(batch);
        Ok(())
    }

    /// The batches of a partition.
    ///
    /// # Errors
    /// When there is no such partition, or the store has been released.
    pub(super) fn partition(&self, partition: usize) -> Result<Vec<RecordBatch>> {
        let contents = self.contents();
        if contents.released {
            return internal_err!("the shared view `{}` is read after its last reader", self.view);
        }
        self.readers.fetch_add(1, Ordering::Relaxed);
        match contents.partitions.get(partition) {
            Some(batches) => Ok(batches.clone()),
            None => internal_err!("the shared view `{}` has no partition {partition}", self.view),
        }
    }

    /// The size of a partition, or of all.
    pub(super) fn size(&self, partition: Option<usize>) -> Result<Size> {
        let contents = self.contents();
        match partition {
            Some(index) => match contents.sizes.get(index) {
                Some(size) => Ok(*size),
                None => internal_err!("the shared view `{}` has no partition {index}", self.view),
            },
            None => Ok(total(&contents.sizes)),
        }
    }

    pub(super) fn properties(&self) -> Arc<PlanProperties> {
        Arc::clone(&self.properties)
    }

    /// Gives the memory back. Batches still on their way through a plan live until it lets go of them.
    pub(crate) fn release(&self) {
        let mut contents = self.contents();
        contents.released = true;
        contents.partitions.iter_mut().for_each(Vec::clear);
        contents.counted = HashSet::new();
        contents.reservation.free();
    }

    pub(crate) fn counters(&self, computed: usize, readers: usize) -> StoreCounters {
        let Size { rows, bytes } = total(&self.contents().sizes);
        let reads = self.readers.load(Ordering::Relaxed);
        StoreCounters { view: self.view.clone(), computed, rows, bytes, reads, readers }
    }
}

fn total(sizes: &[Size]) -> Size {
    sizes.iter().fold(Size::default(), |sum, size| Size {
        rows: sum.rows + size.rows,
        bytes: sum.bytes + size.bytes,
    })
}

/// How the rows are distributed and ordered: as the plan that computed them left them.
fn properties(schema: &SchemaRef, plan: &dyn ExecutionPlan) -> PlanProperties {
    let orderings = plan.output_ordering().map(|ordering| ordering.iter().cloned().collect::<Vec<_>>());
    PlanProperties::new(
        EquivalenceProperties::new_with_orderings(Arc::clone(schema), orderings),
        plan.output_partitioning().clone(),
        EmissionType::Incremental,
        Boundedness::Bounded,
    )
    .with_scheduling_type(SchedulingType::NonCooperative)
}

/// The batch with the schema the view promises: operators may narrow nullability and keep metadata.
fn with_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            if column.data_type() == field.data_type() {
                Ok(Arc::clone(column))
            } else {
                Ok(arrow::compute::cast(column, field.data_type())?)
            }
        })
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

/// The bytes of the buffers of an array that were not counted yet.
fn new_bytes(data: &ArrayData, counted: &mut HashSet<usize>) -> usize {
    let nulls = data.nulls().map(|nulls| nulls.buffer());
    let own: usize = data
        .buffers()
        .iter()
        .chain(nulls)
        .filter(|buffer| counted.insert(buffer.data_ptr().as_ptr().addr()))
        .map(arrow::buffer::Buffer::capacity)
        .sum();
    own + data.child_data().iter().map(|child| new_bytes(child, counted)).sum::<usize>()
}

/// The stores of one run, found by its readers through the session's configuration.
#[derive(Debug, Default)]
pub(crate) struct RunStores {
    stores: Mutex<BTreeMap<String, Arc<SharedStore>>>,
}

impl RunStores {
    /// The store of a view, once its segment has been planned.
    pub(crate) fn get(&self, view: &str) -> Option<Arc<SharedStore>> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner).get(view).cloned()
    }

    /// Keeps a store; gives back the one that was there for the view.
    pub(crate) fn insert(&self, view: &str, store: Arc<SharedStore>) -> Option<Arc<SharedStore>> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner).insert(view.to_owned(), store)
    }
}
