//! One partition of a join: what it is made of, and how DataFusion's join runs over parts of its inputs.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::{JoinType, NullEquality, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::metrics::{Count, MetricBuilder, MetricsSet, SpillMetrics};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{EmptyRecordBatchStream, ExecutionPlan, SpillManager};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::memory::Memory;
use crate::operators::leaf::{once, once_each};
use crate::operators::row_widths::RowWidths;
use crate::operators::spill::{Measures, Splitter, in_memory, unlimited};

/// Who splits rows and writes files here, for messages.
pub(super) const OWNER: &str = "a hash join";

/// What one partition of a join measures.
pub(super) struct PartitionMeasures {
    all: Arc<Measures>,
    /// Rows taken in of the build side.
    pub(super) build_rows: Count,
}

/// One partition of a join.
pub(super) struct Join {
    pub(super) planned: Arc<HashJoinExec>,
    pub(super) partition: usize,
    pub(super) context: Arc<TaskContext>,
    pub(super) measures: PartitionMeasures,
    /// A context for DataFusion's joins over parts, in which they can reserve what they want: their memory has been
    /// reserved before.
    unlimited: Arc<TaskContext>,
    /// What is found of the width of the rows.
    pub(super) widths: Option<Arc<RowWidths>>,
    /// Of the build side and of the probe side.
    pub(super) spills: [SpillManager; 2],
}

impl fmt::Debug for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition {} of a hash join", self.partition)
    }
}

impl Join {
    pub(super) fn new(
        planned: &Arc<HashJoinExec>,
        (measures, widths): (&Arc<Measures>, Option<&Arc<RowWidths>>),
        partition: usize,
        context: &Arc<TaskContext>,
    ) -> Self {
        let spilled = SpillMetrics::new(&measures.own, partition);
        let spills = |schema: SchemaRef| SpillManager::new(context.runtime_env(), spilled.clone(), schema);
        let build_rows = MetricBuilder::new(&measures.own).counter("build_side_rows", partition);
        Self {
            planned: Arc::clone(planned),
            partition,
            context: Arc::clone(context),
            measures: PartitionMeasures { all: Arc::clone(measures), build_rows },
            widths: widths.cloned(),
            unlimited: unlimited(context),
            spills: [spills(planned.left().schema()), spills(planned.right().schema())],
        }
    }

    /// The schema of the output.
    pub(super) fn schema(&self) -> SchemaRef {
        self.planned.schema()
    }

    /// An account for rows of the build side.
    pub(super) fn reservation(&self) -> MemoryReservation {
        let on = self.planned.on().first().map(|(left, right)| format!(" on {left} = {right}"));
        MemoryConsumer::new(format!("hash join{}", on.unwrap_or_default()))
            .with_can_spill(true)
            .register(self.context.memory_pool())
    }

    /// Whether the join gives rows of the build side for themselves, so that it must know all their matches.
    pub(super) fn keeps_build_rows(&self) -> bool {
        matches!(
            self.planned.join_type(),
            JoinType::Left | JoinType::Full | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark
        )
    }

    /// A partition of the probe side, which begins when it is read; then the table has been made.
    pub(super) fn probe(&self, partition: usize, memory: Option<Arc<Memory>>) -> SendableRecordBatchStream {
        let (right, context) = (Arc::clone(self.planned.right()), Arc::clone(&self.context));
        let schema = right.schema();
        let rows = stream::once(async move {
            if let Some(memory) = memory {
                memory.table_is_made();
            }
            right.execute(partition, context)
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows.try_flatten()))
    }

    /// DataFusion's join over these batches and these partitions of the probe side.
    ///
    /// # Errors
    /// When it cannot be planned.
    pub(super) fn over(
        &self,
        batches: Vec<RecordBatch>,
        probes: Vec<SendableRecordBatchStream>,
    ) -> Result<Arc<HashJoinExec>> {
        let left = in_memory(self.planned.left().schema(), batches);
        let right = self.planned.right();
        let right = once_each(&right.schema(), probes, right.properties().output_ordering());
        self.with_inputs(once(left), right, *self.planned.join_type()).map(Arc::new)
    }

    /// The same join of other inputs, perhaps of another type.
    ///
    /// # Errors
    /// When it cannot be planned.
    pub(super) fn with_inputs(
        &self,
        left: Arc<dyn ExecutionPlan>,
        right: Arc<dyn ExecutionPlan>,
        join_type: JoinType,
    ) -> Result<HashJoinExec> {
        let builder = self.planned.builder().reset_state().recompute_properties();
        builder.with_type(join_type).with_new_children(vec![left, right])?.build()
    }

    /// Runs a join that [`Self::with_inputs`] made.
    ///
    /// # Errors
    /// When it cannot begin.
    pub(super) fn run(
        &self,
        plan: &dyn ExecutionPlan,
        partition: usize,
    ) -> Result<SendableRecordBatchStream> {
        let rows = plan.execute(partition, Arc::clone(&self.unlimited))?;
        if let Some(metrics) = plan.metrics() {
            // Every partition of one plan tells the same counters.
            let own = metrics.iter().filter(|metric| metric.partition() == Some(partition));
            let mut of_partition = MetricsSet::new();
            own.for_each(|metric| of_partition.push(Arc::clone(metric)));
            self.measures.all.add(of_partition);
        }
        Ok(rows)
    }

    /// No rows.
    pub(super) fn nothing(&self) -> SendableRecordBatchStream {
        Box::pin(EmptyRecordBatchStream::new(self.schema()))
    }

    /// Splits the build side.
    pub(super) fn build_splitter(&self, depth: u32) -> Splitter {
        let keys = self.planned.on().iter().map(|(left, _)| Arc::clone(left)).collect();
        self.splitter(keys, 0, depth, Vec::new())
    }

    /// Splits the probe side, without the files that nobody would read.
    pub(super) fn probe_splitter(&self, depth: u32, unwanted: Vec<bool>) -> Splitter {
        let keys = self.planned.on().iter().map(|(_, right)| Arc::clone(right)).collect();
        self.splitter(keys, 1, depth, unwanted)
    }

    fn splitter(
        &self,
        keys: Vec<Arc<dyn PhysicalExpr>>,
        side: usize,
        depth: u32,
        unwanted: Vec<bool>,
    ) -> Splitter {
        let spreads_nulls = self.planned.null_equality() == NullEquality::NullEqualsNothing;
        let [build, probe] = &self.spills;
        let spills = if side == 0 { build } else { probe };
        Splitter::new(OWNER, keys, spills.clone(), depth, spreads_nulls, unwanted)
    }
}

/// The same rows; when the first is asked for, the table has been made.
pub(super) fn after_table(rows: SendableRecordBatchStream, memory: Arc<Memory>) -> SendableRecordBatchStream {
    let schema = rows.schema();
    let rows = stream::once(async move {
        memory.table_is_made();
        rows
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, rows.flatten()))
}
