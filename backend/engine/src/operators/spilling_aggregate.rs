//! An aggregation in one step that spills.
//!
//! DataFusion's `AggregateExec` of one step (`Single`, `SinglePartitioned`) fails when its groups do not fit in memory.
//! This operator runs in its place where an aggregate (`array_agg`, `string_agg`, `count(DISTINCT ...)`) keeps an object for
//! every group, which holds as much as its rows do and more. Writing these states down takes more memory than they take
//! themselves. So the rows are taken in first. What does not fit is split by the hash of the groups' keys into files, and
//! each file is aggregated for itself, by DataFusion's operator; one that does not fit is split again, by other bits of the
//! hash. The rows of a group stay in their order.
//!
//! So what must fit is one group.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::distribution_requirements::InputDistributionRequirements;
use datafusion::physical_plan::execution_plan::{
    CardinalityEffect, ChildrenPropertiesMode, ReplaceChildrenOptions,
};
use datafusion::physical_plan::metrics::{MetricsSet, SpillMetrics};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, InputOrderMode, PlanProperties, SpillManager,
};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};

use super::spill::{
    DEEPEST, Measures, Part, Splitter, held_while, in_memory, is_skewed, once, unlimited, used_bytes,
};

/// The aggregate that makes lists.
pub(crate) const LIST: &str = "array_agg_sorted";
/// Bytes that a row takes, besides its columns, in the states of aggregates that keep an object for each group. A guess: it
/// decides how many rows are aggregated at a time, and an object tells its size only when it is made.
const STATE_BYTES_PER_ROW: usize = 1024;
/// Who splits rows here, for messages.
const OWNER: &str = "an aggregation";

/// See the module documentation.
#[derive(Debug)]
pub struct SpillingAggregateExec {
    /// The aggregation as DataFusion planned it.
    planned: Arc<AggregateExec>,
    measures: Arc<Measures>,
}

impl SpillingAggregateExec {
    /// The operator that runs in the place of this one, if it is one in one step, over rows in no order, with
    /// an aggregate that keeps an object for each group.
    #[must_use]
    pub fn for_aggregation(planned: &AggregateExec) -> Option<Self> {
        let one_step = matches!(planned.mode(), AggregateMode::Single | AggregateMode::SinglePartitioned);
        let groups = planned.group_expr();
        let possible = one_step
            && groups.is_single()
            && !groups.is_empty()
            && planned.limit_options().is_none()
            && *planned.input_order_mode() == InputOrderMode::Linear
            && Self::keeps_objects(planned);
        possible.then(|| Self { planned: Arc::new(planned.clone()), measures: Arc::default() })
    }

    /// Whether an aggregate keeps an object for every group.
    pub(crate) fn keeps_objects(planned: &AggregateExec) -> bool {
        let keeps = |call: &AggregateFunctionExpr| {
            // A list keeps its rows in columns, and states of lists are lists.
            call.fun().name() == LIST || !call.groups_accumulator_supported()
        };
        planned.aggr_expr().iter().any(|call| keeps(call))
    }
}

/// One partition of the aggregation.
struct Aggregation {
    planned: Arc<AggregateExec>,
    measures: Arc<Measures>,
    context: Arc<TaskContext>,
    spills: SpillManager,
}

impl Aggregation {
    fn reservation(&self) -> MemoryReservation {
        let expressions = self.planned.group_expr().expr();
        let keys: Vec<&str> = expressions.iter().map(|(_, name)| name.as_str()).collect();
        MemoryConsumer::new(format!("aggregation by {}", keys.join(", ")))
            .with_can_spill(true)
            .register(self.context.memory_pool())
    }

    /// DataFusion's aggregation of these rows.
    fn of(
        &self,
        rows: SendableRecordBatchStream,
        context: &Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        let plan = Arc::clone(&self.planned).replace_children(vec![once(rows)?], options)?;
        let groups = plan.execute(0, Arc::clone(context))?;
        if let Some(metrics) = plan.metrics() {
            self.measures.add(metrics);
        }
        Ok(groups)
    }

    fn splitter(&self, depth: u32) -> Splitter {
        let keys = self.planned.group_expr().expr().iter().map(|(key, _)| Arc::clone(key)).collect();
        Splitter::new(OWNER, keys, self.spills.clone(), depth, false, Vec::new())
    }

    /// Takes the rows in, and gives the groups.
    async fn of_rows(
        self: Arc<Self>,
        mut rows: SendableRecordBatchStream,
    ) -> Result<SendableRecordBatchStream> {
        let reservation = self.reservation();
        let mut taken: Vec<RecordBatch> = Vec::new();
        let schema = rows.schema();
        let refused = loop {
            let Some(batch) = rows.try_next().await? else {
                let groups = self.of(in_memory(schema, taken), &unlimited(&self.context))?;
                return Ok(held_while(groups, reservation));
            };
            if reservation.try_grow(needed(batch.num_rows(), used_bytes(&batch))).is_err() {
                break batch;
            }
            taken.push(batch);
        };
        let mut files = self.splitter(0);
        for batch in std::mem::take(&mut taken) {
            files.add(&batch)?;
        }
        drop(reservation);
        files.add(&refused)?;
        drop(refused);
        files.add_all(rows).await?;
        Ok(self.of_parts(files.finish()?, 1))
    }

    /// The groups of all files, one file after the other.
    fn of_parts(self: Arc<Self>, parts: Vec<Part>, depth: u32) -> SendableRecordBatchStream {
        let schema = self.planned.schema();
        let rows: usize = parts.iter().map(|part| part.rows).sum();
        let parts = parts.into_iter().filter(|part| part.rows > 0);
        let groups = stream::iter(parts).then(move |part| {
            let splits = depth <= DEEPEST && !is_skewed(part.rows, rows);
            Arc::clone(&self).of_part(part, depth, splits)
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, groups.try_flatten()))
    }

    fn of_part(
        self: Arc<Self>,
        part: Part,
        depth: u32,
        splits: bool,
    ) -> BoxFuture<'static, Result<SendableRecordBatchStream>> {
        async move {
            let reservation = self.reservation();
            if reservation.try_grow(needed(part.rows, part.bytes)).is_ok() {
                let groups = self.of(part.read(&self.spills)?, &unlimited(&self.context))?;
                return Ok(held_while(groups, reservation));
            }
            drop(reservation);
            if !splits {
                // Hardly more than one group: it may take less than its rows do.
                return self.of(part.read(&self.spills)?, &self.context);
            }
            let mut files = self.splitter(depth);
            files.add_all(part.read(&self.spills)?).await?;
            drop(part);
            Ok(self.of_parts(files.finish()?, depth + 1))
        }
        .boxed()
    }
}

/// Bytes for the rows and the states of their groups.
fn needed(rows: usize, bytes: usize) -> usize {
    bytes * 2 + rows * STATE_BYTES_PER_ROW
}

impl DisplayAs for SpillingAggregateExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(format, DisplayFormatType::TreeRender) {
            f.write_str("Spilling")?;
        }
        self.planned.fmt_as(format, f)
    }
}

impl ExecutionPlan for SpillingAggregateExec {
    fn name(&self) -> &'static str {
        "SpillingAggregateExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.planned.properties()
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        self.planned.input_distribution_requirements()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        self.planned.maintains_input_order()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.planned.children()
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.planned.apply_expressions(visit)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let planned = Arc::clone(&self.planned).replace_children(children, options)?;
        match planned.downcast_ref::<AggregateExec>() {
            Some(planned) => {
                Ok(Arc::new(Self { planned: Arc::new(planned.clone()), measures: Arc::default() }))
            }
            None => internal_err!("an aggregation with another input is {}", planned.name()),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.planned.input();
        let rows = input.execute(partition, Arc::clone(&context))?;
        let spilled = SpillMetrics::new(&self.measures.own, partition);
        let aggregation = Aggregation {
            planned: Arc::clone(&self.planned),
            measures: Arc::clone(&self.measures),
            spills: SpillManager::new(context.runtime_env(), spilled, input.schema()),
            context,
        };
        let groups = stream::once(Arc::new(aggregation).of_rows(rows)).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), groups)))
    }

    /// Those of the aggregations that did the work, and what was spilled.
    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.measures.all())
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        self.planned.child_stats_requests(partition)
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        self.planned.statistics_from_inputs(inputs, args)
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        self.planned.cardinality_effect()
    }
}
