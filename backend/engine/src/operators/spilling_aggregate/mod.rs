//! An aggregation in one step that spills.
//!
//! DataFusion's `AggregateExec` of one step (`Single`, `SinglePartitioned`) fails when its groups do not fit in memory and
//! an aggregate (`array_agg` or `string_agg` with an order, `median`) keeps an object for every group, or the input is ordered
//! by some of the keys. This operator runs in its place there. Such objects hold as much as their rows do and more, and
//! writing them down takes more memory than they take themselves. So the rows are taken in first. What does not fit is
//! split by the hash of the groups' keys into files, and each file is aggregated for itself, by DataFusion's operator; one
//! that does not fit is split again, by other bits of the hash. The rows of a group stay in their order.
//!
//! An input that is ordered by some of the keys is aggregated run by run ([`Runs`]), and only a run that does not fit is
//! split. The groups keep the order of these keys.
//!
//! So what must fit is one group.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::metrics::{MetricsSet, SpillMetrics};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, InputOrderMode, SpillManager};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};

use super::leaf::once;
use super::runs::{Next, Runs};
use super::spill::{DEEPEST, Measures, Part, Splitter, held_while, in_memory, is_skewed, unlimited};
use crate::operators::forward::says_what_is_planned;

/// The aggregate that makes lists.
pub(crate) const LIST: &str = "array_agg_sorted";
/// Bytes that a row takes besides its columns if it is a group of its own: its place in the table of groups, and the states
/// of aggregates that keep them in columns or as an object for each group. Guesses: they decide how many rows are aggregated
/// at a time, and an object tells its size only when it is made.
const GROUP_BYTES: usize = 128;
const STATE_BYTES: usize = 32;
const OBJECT_BYTES: usize = 1024;
/// Complete runs of this many batches are aggregated, although more would fit.
const BATCHES_OF_RUNS: usize = 8;
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
    /// The operator that runs in the place of this one, if it is one in one step that DataFusion's cannot spill: with
    /// an aggregate that keeps an object for each group, or over rows that are ordered by some of the keys.
    #[must_use]
    pub fn for_aggregation(planned: &AggregateExec) -> Option<Self> {
        let one_step = matches!(planned.mode(), AggregateMode::Single | AggregateMode::SinglePartitioned);
        let groups = planned.group_expr();
        let runs_here = match planned.input_order_mode() {
            InputOrderMode::Linear => Self::keeps_objects(planned),
            InputOrderMode::PartiallySorted(_) => has_whole_groups_in_runs(planned),
            // Every group ends before the next one begins.
            InputOrderMode::Sorted => false,
        };
        let possible =
            one_step && groups.is_single() && !groups.is_empty() && planned.limit_options().is_none();
        (possible && runs_here).then(|| Self { planned: Arc::new(planned.clone()), measures: Arc::default() })
    }

    /// Whether an aggregate keeps an object for every group.
    pub(crate) fn keeps_objects(planned: &AggregateExec) -> bool {
        // A list keeps its rows in columns, and states of lists are lists.
        planned.aggr_expr().iter().any(|call| call.fun().name() == LIST || is_object(call))
    }

    /// The same operator for another plan of the aggregation.
    fn over(&self, planned: &AggregateExec) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { planned: Arc::new(planned.clone()), measures: Arc::default() }))
    }
}

/// Whether the state of the aggregate is an object for each group.
fn is_object(call: &AggregateFunctionExpr) -> bool {
    call.fun().name() != LIST && !call.groups_accumulator_supported()
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

    /// Bytes for so many rows, and for the states of their groups.
    fn needed(&self, rows: usize, bytes: usize) -> usize {
        let calls = self.planned.aggr_expr().iter();
        let states: usize = calls.map(|call| if is_object(call) { OBJECT_BYTES } else { STATE_BYTES }).sum();
        bytes * 2 + rows * (GROUP_BYTES + states)
    }

    /// DataFusion's aggregation of these rows.
    fn of(
        &self,
        rows: SendableRecordBatchStream,
        context: &Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        over(rows, &self.planned, context, &self.measures)
    }

    fn splitter(&self, depth: u32) -> Splitter {
        let keys = self.planned.group_expr().expr().iter().map(|(key, _)| Arc::clone(key)).collect();
        Splitter::new(OWNER, keys, self.spills.clone(), depth, false, Vec::new())
    }

    /// Takes the rows in, and gives the groups.
    fn of_rows(self: Arc<Self>, rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
        let schema = self.planned.schema();
        let runs = Runs::new(rows, leading_keys(&self.planned));
        let groups = stream::try_unfold((self, runs), |(aggregation, mut runs)| async move {
            let groups = Arc::clone(&aggregation).of_next_runs(&mut runs).await?;
            Ok::<_, DataFusionError>(groups.map(|groups| (groups, (aggregation, runs))))
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, groups.try_flatten()))
    }

    /// The groups of as many runs as fit, or of the next one if it does not fit.
    async fn of_next_runs(self: Arc<Self>, runs: &mut Runs) -> Result<Option<SendableRecordBatchStream>> {
        let reservation = self.reservation();
        let enough = self.context.session_config().batch_size() * BATCHES_OF_RUNS;
        match runs.next_that_fit(enough, &reservation, |rows, bytes| self.needed(rows, bytes)).await? {
            Next::Whole(rows) => {
                let rows = in_memory(self.planned.input().schema(), rows);
                Ok(Some(held_while(self.of(rows, &unlimited(&self.context))?, reservation)))
            }
            Next::Long(beginning) => {
                drop(reservation);
                self.of_long_run(beginning, runs).await.map(Some)
            }
            Next::End => Ok(None),
        }
    }

    /// The groups of a run that begins with these rows, and which does not fit.
    async fn of_long_run(
        self: Arc<Self>,
        beginning: Vec<RecordBatch>,
        runs: &mut Runs,
    ) -> Result<SendableRecordBatchStream> {
        let mut files = self.splitter(0);
        for rows in beginning {
            files.add(&rows)?;
        }
        while let Some(rows) = runs.rest_of_run().await? {
            files.add(&rows)?;
        }
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
            if reservation.try_grow(self.needed(part.rows, part.bytes)).is_ok() {
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

/// DataFusion's aggregation of these rows, and what it measures.
pub(super) fn over(
    rows: SendableRecordBatchStream,
    planned: &Arc<AggregateExec>,
    context: &Arc<TaskContext>,
    measures: &Measures,
) -> Result<SendableRecordBatchStream> {
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    let plan = Arc::clone(planned).replace_children(vec![once(rows)], options)?;
    let groups = plan.execute(0, Arc::clone(context))?;
    if let Some(metrics) = plan.metrics() {
        measures.add(metrics);
    }
    Ok(groups)
}

/// The keys that order the input.
fn leading_keys(planned: &AggregateExec) -> Vec<Arc<dyn PhysicalExpr>> {
    let InputOrderMode::PartiallySorted(leading) = planned.input_order_mode() else { return Vec::new() };
    let keys = planned.group_expr().expr();
    leading.iter().filter_map(|number| keys.get(*number)).map(|(key, _)| Arc::clone(key)).collect()
}

/// Whether rows of one group have leading keys that are equal in the order, too. Floats do not: -0.0 and 0.0 are one group,
/// and one comes before the other.
fn has_whole_groups_in_runs(planned: &AggregateExec) -> bool {
    let schema = planned.input().schema();
    leading_keys(planned).iter().all(|key| match key.data_type(&schema) {
        Ok(DataType::Dictionary(_, values)) => !values.is_floating() && !values.is_nested(),
        Ok(plain) => !plain.is_floating() && !plain.is_nested(),
        Err(_) => false,
    })
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

    says_what_is_planned!(AggregateExec);

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
        Ok(Arc::new(aggregation).of_rows(rows))
    }

    /// Those of the aggregations that did the work, and what was spilled.
    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.measures.all())
    }
}
