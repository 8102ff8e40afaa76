//! Where the rows of shared views wait for their readers.
//!
//! A store is filled once, by the segment of its view, and then only read; readers are independent of each other.
//! Its batches are in memory as long as the session's memory pool gives it room, its fair share among all that can
//! spill; beyond that they go to temporary files, largest partition first. Batches of a partition keep their order.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, ArrayData};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SpillFile, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, PlanProperties, SpillManager};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

/// The rows of one shared view.
#[derive(Debug)]
pub struct SharedStore {
    view: String,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    spills: SpillManager,
    spilled: SpillMetrics,
    contents: Mutex<Contents>,
    reads: AtomicUsize,
}

#[derive(Debug)]
struct Contents {
    partitions: Vec<Partition>,
    /// Given back when the store is released: a consumer that stays registered keeps its share from the others.
    reservation: Option<MemoryReservation>,
    released: bool,
}

/// The batches of one partition: those in files come before those in memory.
#[derive(Default)]
struct Partition {
    files: Vec<Arc<dyn SpillFile>>,
    memory: Vec<RecordBatch>,
    /// The buffers of `memory`, by address: slices of one batch share them and they count once.
    counted: HashSet<usize>,
    /// What `memory` takes of the reservation.
    resident: usize,
    size: Size,
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, memory, size, .. } = self;
        write!(f, "{} rows in {} files and {} batches", size.rows, files.len(), memory.len())
    }
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
    /// The memory its rows take, or would take, in bytes.
    pub bytes: usize,
    /// How many temporary files it was moved to.
    pub spill_count: usize,
    /// The bytes of those files.
    pub spilled_bytes: usize,
    /// How many times a partition of it was read.
    pub reads: usize,
    /// How many segments read it.
    pub readers: usize,
}

impl SharedStore {
    /// An empty store for the rows of `plan`, which computes `view` with the columns of `schema`.
    pub(crate) fn new(
        view: &str,
        schema: SchemaRef,
        plan: &dyn ExecutionPlan,
        runtime: &Arc<RuntimeEnv>,
    ) -> Self {
        let consumer = MemoryConsumer::new(format!("shared view {view}")).with_can_spill(true);
        let partitions = plan.output_partitioning().partition_count();
        let spilled = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
        let contents = Contents {
            partitions: std::iter::repeat_with(Partition::default).take(partitions).collect(),
            reservation: Some(consumer.register(&runtime.memory_pool)),
            released: false,
        };
        Self {
            view: view.to_owned(),
            properties: Arc::new(properties(&schema, plan)),
            spills: SpillManager::new(Arc::clone(runtime), spilled.clone(), Arc::clone(&schema)),
            spilled,
            schema,
            contents: Mutex::new(contents),
            reads: AtomicUsize::new(0),
        }
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
    ) -> Result<Self> {
        let store = Self::new(view, schema, plan.as_ref(), &context.runtime_env());
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

    fn no_partition<T>(&self, partition: usize) -> Result<T> {
        internal_err!("the shared view `{}` has no partition {partition}", self.view)
    }

    /// Adds a batch to a partition.
    ///
    /// # Errors
    /// [`DataFusionError::ResourcesExhausted`] when it fits neither in memory nor on disk.
    pub(crate) fn push(&self, partition: usize, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let batch = with_schema(batch, &self.schema)?;
        let mut contents = self.contents();
        let Contents { partitions, reservation, .. } = &mut *contents;
        let Some(reservation) = reservation else {
            return internal_err!("the shared view `{}` is written after its release", self.view);
        };
        loop {
            let Some(own) = partitions.get_mut(partition) else { return self.no_partition(partition) };
            let (bytes, buffers) = new_buffers(&batch, &own.counted);
            let fits = reservation.try_grow(bytes).is_ok();
            let largest = partitions.iter().enumerate().max_by_key(|(_, held)| held.resident);
            let largest = largest.filter(|(_, held)| held.resident > 0).map(|(index, _)| index);
            if let (false, Some(largest)) = (fits, largest) {
                let Some(held) = partitions.get_mut(largest) else { return self.no_partition(largest) };
                self.spill(held, reservation)?;
                continue;
            }
            let Some(own) = partitions.get_mut(partition) else { return self.no_partition(partition) };
            own.size.rows += batch.num_rows();
            own.size.bytes += bytes;
            own.memory.push(batch);
            if fits {
                own.resident += bytes;
                own.counted.extend(buffers);
                return Ok(());
            }
            // Nothing of this view is in memory, and there is no room even for one batch.
            return self.spill(own, reservation);
        }
    }

    /// Moves what a partition has in memory to a file.
    fn spill(&self, partition: &mut Partition, reservation: &MemoryReservation) -> Result<()> {
        let file = self
            .spills
            .spill_record_batch_and_finish(&partition.memory, &format!("shared view {}", self.view));
        let file = file.map_err(|error| {
            DataFusionError::ResourcesExhausted(format!(
                "the shared view `{}` does not fit in memory and cannot be moved to disk: {}",
                self.view,
                error.strip_backtrace()
            ))
        })?;
        partition.files.extend(file);
        partition.memory.clear();
        partition.counted.clear();
        reservation.try_shrink(std::mem::take(&mut partition.resident))?;
        Ok(())
    }

    /// The batches of a partition, from the first on.
    ///
    /// # Errors
    /// When there is no such partition, or the store has been released.
    pub(super) fn partition(&self, partition: usize) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let contents = self.contents();
        if contents.released {
            return internal_err!("the shared view `{}` is read after its last reader", self.view);
        }
        let Some(held) = contents.partitions.get(partition) else { return self.no_partition(partition) };
        self.reads.fetch_add(1, Ordering::Relaxed);
        let memory = stream::iter(held.memory.clone()).map(Ok);
        if held.files.is_empty() {
            return Ok(memory.boxed());
        }
        let spills = self.spills.clone();
        let files = stream::iter(held.files.clone()).map(move |file| spills.read_spill_as_stream(file, None));
        Ok(files.try_flatten().chain(memory).boxed())
    }

    /// The size of a partition, or of all.
    pub(super) fn size(&self, partition: Option<usize>) -> Result<Size> {
        let contents = self.contents();
        match partition {
            Some(index) => match contents.partitions.get(index) {
                Some(partition) => Ok(partition.size),
                None => self.no_partition(index),
            },
            None => Ok(total(&contents)),
        }
    }

    pub(super) fn properties(&self) -> Arc<PlanProperties> {
        Arc::clone(&self.properties)
    }

    /// Gives memory and files back. Batches still on their way through a plan live until it lets go of them.
    pub(crate) fn release(&self) {
        let mut contents = self.contents();
        contents.released = true;
        contents.partitions = Vec::new();
        contents.reservation = None;
    }

    pub(crate) fn counters(&self, computed: usize, readers: usize) -> StoreCounters {
        let Size { rows, bytes } = total(&self.contents());
        StoreCounters {
            view: self.view.clone(),
            computed,
            rows,
            bytes,
            spill_count: self.spilled.spill_file_count.value(),
            spilled_bytes: self.spilled.spilled_bytes.value(),
            reads: self.reads.load(Ordering::Relaxed),
            readers,
        }
    }
}

fn total(contents: &Contents) -> Size {
    contents.partitions.iter().fold(Size::default(), |sum, partition| Size {
        rows: sum.rows + partition.size.rows,
        bytes: sum.bytes + partition.size.bytes,
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

/// The buffers of a batch that are not among `counted`: their bytes, and their addresses.
fn new_buffers(batch: &RecordBatch, counted: &HashSet<usize>) -> (usize, HashSet<usize>) {
    let (mut bytes, mut found) = (0, HashSet::new());
    let mut open: Vec<ArrayData> = batch.columns().iter().map(|column| column.to_data()).collect();
    while let Some(data) = open.pop() {
        let nulls = data.nulls().map(|nulls| nulls.buffer());
        for buffer in data.buffers().iter().chain(nulls) {
            let address = buffer.data_ptr().as_ptr().addr();
            if !counted.contains(&address) && found.insert(address) {
                bytes += buffer.capacity();
            }
        }
        open.extend(data.child_data().iter().cloned());
    }
    (bytes, found)
}

/// The stores of one run, found by its readers through the session's configuration.
#[derive(Debug, Default)]
pub(crate) struct RunStores {
    stores: Mutex<BTreeMap<String, Arc<SharedStore>>>,
}

impl RunStores {
    /// The store of a view, once its segment has ended.
    pub(crate) fn get(&self, view: &str) -> Option<Arc<SharedStore>> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner).get(view).cloned()
    }

    /// Keeps a store; gives back the one that was there for the view.
    pub(crate) fn insert(&self, view: &str, store: Arc<SharedStore>) -> Option<Arc<SharedStore>> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner).insert(view.to_owned(), store)
    }
}
