//! Aggregation whose only aggregates are ordered lists.
//!
//! A general aggregation makes the values of all groups at once and then cuts them into batches. For lists that means
//! that every row exists twice, and that the second copy is memory nobody had before. This operator assigns groups
//! like the general one, keeps the input's columns as they came, and makes the lists of one output batch at a time.
//!
//! Where the input is a shared view that lies in memory, only the places of its rows are read and held
//! ([`StoredRows`]).
//!
//! When memory runs out, what was read so far and the rest of the input go to the general aggregation, as one that
//! spills ([`SpillingAggregateExec`]).

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, Statistics, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::{
    Distribution, EquivalenceProperties, OrderingRequirements, Partitioning, PhysicalExpr,
};
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::distribution_requirements::InputDistributionRequirements;
use datafusion::physical_plan::execution_plan::{
    CardinalityEffect, ChildrenPropertiesMode, ReplaceChildrenOptions,
};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, InputOrderMode,
    PlanProperties, SendableRecordBatchStream,
};
use functions::aggregate::held_bytes;
use futures::TryStreamExt as _;

use super::groups::{ListsOfGroups, Output};
use super::replay::{replayed, rows_at};
use super::stored_rows::{StoredPlaces, StoredRows, can_be_looked_up, only_places, value};
use crate::operators::SpillingAggregateExec;
use crate::operators::leaf::{Once, RowSource as _};

/// One step of aggregation by at least one column, where every aggregate is `array_agg_sorted`.
///
/// * Input: raw rows, partitioned like the general aggregation needs them.
/// * Output: a row per group, in order of the groups' first appearance.
/// * Memory: the columns of the input it uses, a table of groups and twelve bytes a row, reserved in the memory pool. Over
///   places it is these instead of columns, eight bytes a row.
#[derive(Debug)]
pub(super) struct ListAggregateExec {
    /// The same step done in general; it says what is grouped and which lists are made, and takes over when memory
    /// runs out.
    general: Arc<AggregateExec>,
    /// The rows of the general aggregation's input and the operator that gives their places, partitioned as the rows would
    /// be; it is the input then.
    stored: Option<(Arc<StoredRows>, Arc<dyn ExecutionPlan>)>,
    /// Those of the general aggregation; without an order of the groups where the input has none.
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
    /// General aggregations that took over.
    successors: Arc<Mutex<Vec<Arc<dyn ExecutionPlan>>>>,
}

impl ListAggregateExec {
    /// The operator for this aggregation, if it only makes lists.
    pub(super) fn for_aggregation(general: &AggregateExec) -> Option<Self> {
        let unordered = matches!(general.input_order_mode(), InputOrderMode::Linear);
        (unordered && ListsOfGroups::can_do(general)).then(|| Self::new(Arc::new(general.clone()), None))
    }

    /// The operator for this step of aggregation or that of a [`ListAggregateExec`], which reads the places of the input's
    /// rows, if these lie in memory and take so many bytes at most there.
    ///
    /// # Errors
    /// When DataFusion cannot deal places out.
    pub(super) fn over_stored_rows(plan: &dyn ExecutionPlan, most_bytes: usize) -> Result<Option<Self>> {
        let lists: Option<&Self> = plan.downcast_ref();
        let general = match (lists, plan.downcast_ref::<AggregateExec>()) {
            (Some(lists), _) if lists.stored.is_none() => Arc::clone(&lists.general),
            (None, Some(general)) if ListsOfGroups::can_do(general) => Arc::new(general.clone()),
            _ => return Ok(None),
        };
        let dealt = general.input().downcast_ref::<RepartitionExec>();
        let rows = dealt.map_or(general.input(), RepartitionExec::input);
        let keys = general.group_expr().input_exprs();
        let Some(partitioned) = partitioned_by_keys(&general, dealt, &keys) else { return Ok(None) };
        let Some(rows) = StoredRows::of(rows, most_bytes)?.map(Arc::new) else { return Ok(None) };
        let places = StoredPlaces::new(&rows, &keys)?;
        let places = match dealt {
            Some(_) => Arc::new(RepartitionExec::try_new(places.leaf(), partitioned)?),
            None => places.partitioned(partitioned).leaf(),
        };
        Ok(Some(Self::new(general, Some((rows, places)))))
    }

    fn new(general: Arc<AggregateExec>, stored: Option<(Arc<StoredRows>, Arc<dyn ExecutionPlan>)>) -> Self {
        let own = general.properties();
        let properties = match general.input_order_mode() {
            InputOrderMode::Linear => Arc::new(PlanProperties::new(
                EquivalenceProperties::new(general.schema()),
                own.output_partitioning().clone(),
                own.emission_type,
                own.boundedness,
            )),
            // Groups come in the order of their first rows, which is that of the input.
            InputOrderMode::PartiallySorted(_) | InputOrderMode::Sorted => Arc::clone(own),
        };
        let metrics = ExecutionPlanMetricsSet::new();
        Self { general, stored, properties, metrics, successors: Arc::default() }
    }
}

impl DisplayAs for ListAggregateExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(format, DisplayFormatType::TreeRender) {
            return self.general.fmt_as(format, f);
        }
        let expressions = self.general.group_expr().expr();
        let groups: Vec<String> = expressions.iter().map(|(expression, _)| expression.to_string()).collect();
        let lists: Vec<&str> = self.general.aggr_expr().iter().map(|list| list.name()).collect();
        write!(f, "ListAggregateExec: gby=[{}], aggr=[{}]", groups.join(", "), lists.join(", "))?;
        if self.stored.is_some() { f.write_str(", over places of stored rows") } else { Ok(()) }
    }
}

impl ExecutionPlan for ListAggregateExec {
    fn name(&self) -> &'static str {
        "ListAggregateExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        match &self.stored {
            // Places come with the keys, under names of their own.
            Some(_) if *self.general.mode() == AggregateMode::SinglePartitioned => {
                let keys = (0..self.general.group_expr().expr().len()).map(value).collect();
                InputDistributionRequirements::new(vec![Distribution::KeyPartitioned(keys)])
            }
            Some(_) => InputDistributionRequirements::new(vec![Distribution::SinglePartition]),
            None => self.general.input_distribution_requirements(),
        }
    }

    /// Places say no order: they come in that of their rows.
    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        match &self.stored {
            Some(_) => vec![None],
            None => self.general.required_input_ordering(),
        }
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![self.stored.as_ref().map_or(self.general.input(), |(_, places)| places)]
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.general.apply_expressions(visit)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some((rows, _)) = &self.stored {
            let [places] = children.as_slice() else {
                return internal_err!("an aggregation has one input and not {}", children.len());
            };
            let stored = (Arc::clone(rows), Arc::clone(places));
            return Ok(Arc::new(Self::new(Arc::clone(&self.general), Some(stored))));
        }
        let general = Arc::clone(&self.general).replace_children(children, options)?;
        match general.downcast_ref::<AggregateExec>() {
            Some(general) => Ok(Arc::new(Self::new(Arc::new(general.clone()), None))),
            None => internal_err!("an aggregation with other children is {}", general.name()),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.stored.as_ref().map_or(self.general.input(), |(_, places)| places);
        let input = input.execute(partition, Arc::clone(&context))?;
        let reservation = MemoryConsumer::new(format!("ListAggregate[{partition}]"))
            .with_can_spill(true)
            .register(context.memory_pool());
        let task = Task {
            general: Arc::clone(&self.general),
            stored: self.stored.as_ref().map(|(rows, _)| Arc::clone(rows)),
            successors: Arc::clone(&self.successors),
            metrics: BaselineMetrics::new(&self.metrics, partition),
            reservation,
            partition,
            context,
        };
        let stream = futures::stream::once(task.run(input)).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), stream)))
    }

    /// Its own, and those of the general aggregations that took over: they know what was spilled.
    fn metrics(&self) -> Option<MetricsSet> {
        let mut metrics = self.metrics.clone_inner();
        for successor in self.successors.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            successor.metrics().iter().flat_map(MetricsSet::iter).for_each(|metric| {
                metrics.push(Arc::clone(metric));
            });
        }
        Some(metrics)
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        match &self.stored {
            Some(_) => vec![ChildStats::Skip],
            None => self.general.child_stats_requests(partition),
        }
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        match &self.stored {
            // Those of places have other columns. The general aggregation still has the rows as its input.
            Some(_) => StatisticsContext::new().compute(self.general.as_ref(), args),
            None => self.general.statistics_from_inputs(inputs, args),
        }
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        self.general.cardinality_effect()
    }
}

/// One partition.
struct Task {
    general: Arc<AggregateExec>,
    stored: Option<Arc<StoredRows>>,
    successors: Arc<Mutex<Vec<Arc<dyn ExecutionPlan>>>>,
    metrics: BaselineMetrics,
    reservation: MemoryReservation,
    partition: usize,
    context: Arc<TaskContext>,
}

impl Task {
    /// Reads the whole input; gives the stream of the groups.
    async fn run(self, mut input: SendableRecordBatchStream) -> Result<SendableRecordBatchStream> {
        let mut lists = ListsOfGroups::try_new(&self.general, self.stored.as_ref())?;
        // Only read again when memory runs out; the lists are made of the same columns.
        let mut read: Vec<RecordBatch> = Vec::new();
        let (mut counted, mut columns) = (HashSet::new(), 0);
        while let Some(batch) = input.try_next().await? {
            let timer = self.metrics.elapsed_compute().timer();
            let used = lists.add(&batch)?;
            let batch = if self.stored.is_some() { only_places(&batch)? } else { batch };
            columns += held_bytes(&used, &mut counted) + held_bytes(batch.columns(), &mut counted);
            read.push(batch);
            timer.done();
            match self.reservation.try_resize(lists.size() + columns) {
                Ok(()) => {}
                Err(DataFusionError::ResourcesExhausted(_)) => {
                    drop((lists, used));
                    return self.hand_over(read, input);
                }
                Err(error) => return Err(error),
            }
            // Places are always there, and whoever ends the run must get the thread.
            tokio::task::consume_budget().await;
        }
        drop((read, input));
        let timer = self.metrics.elapsed_compute().timer();
        let schema = self.general.schema();
        let output = lists.into_output(Arc::clone(&schema), self.context.session_config().batch_size())?;
        timer.done();
        let batches = Batches { output, metrics: self.metrics, _reservation: self.reservation };
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter(batches))))
    }

    /// Lets the general aggregation do it, a part of the groups at a time.
    fn hand_over(
        self,
        read: Vec<RecordBatch>,
        rest: SendableRecordBatchStream,
    ) -> Result<SendableRecordBatchStream> {
        let all = replayed(read, rest, self.reservation);
        let input = self.general.input();
        let all = match self.stored {
            Some(rows) => rows_at(all, rows, input.schema()),
            None => all,
        };
        let general = Arc::clone(&self.general).replace_children(
            vec![Once::partition_of(input.properties(), self.partition, all).leaf()],
            ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
        )?;
        let spilling = general.downcast_ref().and_then(SpillingAggregateExec::for_aggregation);
        let general = spilling.map_or(general, |spilling| Arc::new(spilling));
        self.successors.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&general));
        general.execute(self.partition, self.context)
    }
}

/// How an aggregation's rows are partitioned, said of places and the keys that come with them. Nothing where that cannot be said,
/// or the rows are `dealt` out in a way that places cannot be.
fn partitioned_by_keys(
    general: &AggregateExec,
    dealt: Option<&RepartitionExec>,
    keys: &[Arc<dyn PhysicalExpr>],
) -> Option<Partitioning> {
    // Ordered groups come one after the other, and few rows are held.
    if matches!(general.input_order_mode(), InputOrderMode::Sorted) {
        return None;
    }
    // What is looked up twice must be the same, and is found by the numbers of columns.
    let arguments: Vec<_> = general.aggr_expr().iter().flat_map(|list| list.expressions()).collect();
    if !keys.iter().chain(&arguments).all(can_be_looked_up) {
        return None;
    }
    // Otherwise rows come as they are dealt out, and are ordered by keys that are the same for all, or are all of one input.
    if dealt.is_some_and(RepartitionExec::preserve_order)
        && !matches!(general.input_order_mode(), InputOrderMode::Linear)
    {
        return None;
    }
    match general.input().output_partitioning() {
        Partitioning::Hash(values, partitions) => {
            let key_of = |value_of_row| keys.iter().position(|key| key == value_of_row).map(value);
            Some(Partitioning::Hash(values.iter().map(key_of).collect::<Option<_>>()?, *partitions))
        }
        other if dealt.is_none() && other.partition_count() == 1 => {
            Some(Partitioning::UnknownPartitioning(1))
        }
        _ => None,
    }
}

/// The groups, a batch at a time.
struct Batches {
    output: Output,
    metrics: BaselineMetrics,
    /// The memory of the output; given back when the last batch is out.
    _reservation: MemoryReservation,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let _timer = self.metrics.elapsed_compute().timer();
        let batch = self.output.next_batch().transpose()?;
        Some(batch.map(|batch| batch.record_output(&self.metrics)))
    }
}
