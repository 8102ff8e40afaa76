//! Deals the rows of all partitions of its input out to others.
//!
//! This operator runs in the place of DataFusion's `RepartitionExec`, and takes its partitioning, its order and its
//! statistics from it. It differs in what happens when memory is short: DataFusion's exchange can wait for ever once it
//! spills (apache/datafusion#24883). Here nobody waits for a consumer that waits for him; see [`lanes`].
//!
//! Every partition of the input is read by a task of its own, which deals each batch out and lays the parts into lanes.
//! The rows of a batch are copied once, in the order of their outputs; outputs get slices of the copy. An output puts
//! small slices together.

mod lanes;
mod reader;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet, SpillMetrics, Time,
};
use datafusion::physical_plan::repartition::{BatchPartitioner, RepartitionExec};
use datafusion::physical_plan::sorts::streaming_merge::StreamingMergeBuilder;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, SendableRecordBatchStream,
    SpillManager,
};
use futures::TryStreamExt as _;

use lanes::Lanes;

use crate::operators::forward::says_what_is_planned;
use crate::resources::MERGE_OF_EXCHANGE;

/// See the module documentation. An exchange is executed once; [`ExecutionPlan::reset_state`] gives one that can be
/// executed again.
#[derive(Clone, Debug)]
pub struct ExchangeExec {
    /// What is exchanged and how, as DataFusion planned it. It is never executed.
    planned: Arc<RepartitionExec>,
    metrics: ExecutionPlanMetricsSet,
    running: Arc<Mutex<Option<Arc<Running>>>>,
}

/// An exchange while it runs. Its tasks end with their inputs, and when all its lanes are closed.
#[derive(Debug)]
struct Running {
    lanes: Arc<Lanes>,
    /// Which outputs have been asked for.
    asked: Mutex<Vec<bool>>,
    _tasks: Vec<SpawnedTask<()>>,
}

impl ExchangeExec {
    /// The operator that runs in the place of this one.
    #[must_use]
    pub fn new(planned: Arc<RepartitionExec>) -> Self {
        Self { planned, metrics: ExecutionPlanMetricsSet::new(), running: Arc::default() }
    }

    fn keeps_order(&self) -> bool {
        self.planned.preserve_order() && self.planned.input().output_ordering().is_some()
    }

    /// The exchange, which begins with the first output that is read.
    fn running(&self, context: &Arc<TaskContext>) -> Result<Arc<Running>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.as_ref() {
            return Ok(Arc::clone(running));
        }
        let input = self.planned.input();
        let inputs = input.output_partitioning().partition_count();
        let outputs = self.planned.partitioning().partition_count();
        let spills = SpillMetrics::new(&self.metrics, 0);
        let spills = SpillManager::new(context.runtime_env(), spills, input.schema());
        let lanes = Lanes::new(inputs, outputs, self.keeps_order(), spills, context);
        // All of them before the first task: an input that cannot begin is the error of whoever asks.
        let streams = (0..inputs).map(|partition| input.execute(partition, Arc::clone(context)));
        let streams = streams.collect::<Result<Vec<_>>>()?;
        let tasks = streams.into_iter().enumerate().map(|(partition, stream)| {
            let dealing = Dealing {
                partitioner: self.partitioner(partition, inputs)?,
                lanes: Arc::clone(&lanes),
                group: if self.keeps_order() { partition } else { 0 },
                fetch: MetricBuilder::new(&self.metrics).subset_time("fetch_time", partition),
            };
            Ok(SpawnedTask::spawn(dealing.run(stream)))
        });
        let tasks = tasks.collect::<Result<Vec<_>>>()?;
        let begun = Arc::new(Running { lanes, asked: Mutex::new(vec![false; outputs]), _tasks: tasks });
        *running = Some(Arc::clone(&begun));
        Ok(begun)
    }

    /// The rows of one output.
    fn output(&self, partition: usize, context: &Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let running = self.running(context)?;
        running.ask(partition)?;
        let schema: SchemaRef = self.planned.schema();
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let batch_size = context.session_config().batch_size();
        let Some(order) = self.planned.input().output_ordering().filter(|_| self.keeps_order()) else {
            let rows = reader::coalesced(running, partition, &schema, batch_size, baseline);
            return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)));
        };
        let spills = running.lanes.spills().clone();
        let groups = 0..running.lanes.groups();
        let sorted = groups.map(|group| reader::ordered(Arc::clone(&running), group, partition, &schema));
        let merge = MemoryConsumer::new(format!("{MERGE_OF_EXCHANGE} [{partition}]"));
        StreamingMergeBuilder::new()
            .with_streams(sorted.collect())
            .with_schema(Arc::clone(&schema))
            .with_expressions(order)
            .with_metrics(baseline)
            .with_batch_size(batch_size)
            .with_reservation(merge.register(context.memory_pool()))
            .with_spill_manager(spills)
            .build()
    }

    fn partitioner(&self, partition: usize, inputs: usize) -> Result<BatchPartitioner> {
        let time = MetricBuilder::new(&self.metrics).subset_time("repartition_time", partition);
        BatchPartitioner::try_new(self.planned.partitioning().clone(), time, partition, inputs)
    }

    /// The same operator for another plan of the exchange.
    fn over(&self, planned: &RepartitionExec) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(Arc::new(planned.clone()))))
    }
}

impl Running {
    /// Takes an output for its only reader.
    fn ask(&self, output: usize) -> Result<()> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        match asked.get_mut(output) {
            Some(asked) if !*asked => *asked = true,
            Some(_) => return internal_err!("partition {output} of an exchange is read twice"),
            None => return internal_err!("an exchange has no partition {output}"),
        }
        Ok(())
    }
}

/// One input of an exchange.
struct Dealing {
    partitioner: BatchPartitioner,
    lanes: Arc<Lanes>,
    group: usize,
    fetch: Time,
}

impl Dealing {
    /// Deals out all rows, in a task of its own: a panic in the input must not end without a word to the readers.
    async fn run(self, input: SendableRecordBatchStream) {
        let (lanes, group) = (Arc::clone(&self.lanes), self.group);
        let error = match SpawnedTask::spawn(self.deal(input)).join().await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(error) => Some(DataFusionError::External(Box::new(error))),
        };
        lanes.end(group, error);
    }

    async fn deal(mut self, mut input: SendableRecordBatchStream) -> Result<()> {
        while self.lanes.may_add(self.group).await {
            let fetching = self.fetch.timer();
            let batch = input.try_next().await?;
            drop(fetching);
            let Some(batch) = batch else { break };
            if batch.num_rows() == 0 {
                continue;
            }
            for part in self.partitioner.partition_iter(batch)? {
                let (output, rows) = part?;
                self.lanes.push(self.group, output, rows)?;
            }
            // An input that is always ready must not keep its thread to itself.
            tokio::task::consume_budget().await;
        }
        Ok(())
    }
}

impl DisplayAs for ExchangeExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(format, DisplayFormatType::TreeRender) {
            return self.planned.fmt_as(format, f);
        }
        let inputs = self.planned.input().output_partitioning().partition_count();
        write!(f, "ExchangeExec: partitioning={}, input_partitions={inputs}", self.planned.partitioning())?;
        match self.planned.input().output_ordering().filter(|_| self.keeps_order()) {
            Some(order) => write!(f, ", preserve_order=true, sort_exprs={order}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for ExchangeExec {
    fn name(&self) -> &'static str {
        "ExchangeExec"
    }

    says_what_is_planned!(RepartitionExec);

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(Arc::clone(&self.planned))))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let exchange = self.clone();
        let rows = futures::stream::once(async move { exchange.output(partition, &context) });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows.try_flatten())))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

#[cfg(test)]
mod tests;
