//! A hash join whose build side need not fit in memory.
//!
//! It runs in the place of DataFusion's `HashJoinExec` and uses it for the joining itself. First it takes in the build
//! side. As long as that fits, DataFusion's operator does the rest, over the batches in memory and the probe side as it
//! comes. Otherwise both sides are split by the hash of their keys into files, and each pair of files is joined for itself
//! (the *Grace hash join*: Kitsuregawa, Tanaka, Moto-oka, "Application of hash to data base machine and its architecture",
//! 1983). A file that still does not fit is split again, by other bits of the hash; one that splitting does not make
//! smaller, because most of its rows have one key, is joined block by block; see [`pairs`].
//!
//! So what must fit is one batch of one side, with its hash table.
//!
//! In a recursion, the table of a side that is the same in each iteration is made once; see [`kept`].

mod build;
mod kept;
mod memory;
mod pairs;
mod probe;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, SendableRecordBatchStream,
};
use futures::{FutureExt as _, TryStreamExt as _};

use build::{Build, SharedBuild};
use kept::Kept;
use probe::Join;

use crate::operators::forward::says_what_is_planned;
use crate::operators::row_widths::RowWidths;
use crate::operators::spill::Measures;

/// See the module documentation.
#[derive(Debug)]
pub struct SpillingHashJoinExec {
    /// The join as DataFusion planned it. It is never executed as it is.
    planned: Arc<HashJoinExec>,
    measures: Arc<Measures>,
    /// What is found of the width of the rows.
    widths: Option<Arc<RowWidths>>,
    /// The build side that all partitions of the probe side share, until the last of them has asked for it.
    shared: Mutex<Option<SharedBuild>>,
    /// What outlives an execution, in a recursion.
    kept: Option<Arc<Kept>>,
}

impl SpillingHashJoinExec {
    /// The operator that runs in the place of this one.
    pub(crate) fn new(planned: Arc<HashJoinExec>, widths: Option<Arc<RowWidths>>) -> Self {
        Self { planned, measures: Arc::default(), widths, shared: Mutex::default(), kept: None }
    }

    /// The same operator of a recursion in which the build side is the same in each iteration.
    pub(crate) fn keeping_table(self) -> Self {
        Self { kept: Some(Arc::default()), ..self }
    }

    /// The build side of a join that has one for all partitions.
    fn shared(&self, join: &Arc<Join>) -> Result<SharedBuild> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let mut build = match shared.take() {
            Some(build) => build,
            None => {
                let rows = self.planned.left().execute(0, Arc::clone(&join.context))?;
                let readers = self.planned.right().output_partitioning().partition_count();
                let join = Arc::clone(join);
                let building = async move { Build::collect(Arc::clone(&join), rows).await?.shared(&join) };
                SharedBuild::new(building.boxed(), readers)
            }
        };
        build.asked();
        if build.is_wanted() {
            *shared = Some(build.clone());
        }
        Ok(build)
    }

    /// The same operator for another plan of the join.
    fn over(&self, planned: &HashJoinExec) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(self.anew(Arc::new(planned.builder().build()?))))
    }

    /// The same operator, which has not run.
    fn anew(&self, planned: Arc<HashJoinExec>) -> Self {
        Self { kept: self.kept.clone(), ..Self::new(planned, self.widths.clone()) }
    }
}

impl DisplayAs for SpillingHashJoinExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(format, DisplayFormatType::TreeRender) {
            f.write_str("Spilling")?;
        }
        self.planned.fmt_as(format, f)?;
        if self.kept.is_some() && !matches!(format, DisplayFormatType::TreeRender) {
            f.write_str(", keeps its table")?;
        }
        Ok(())
    }
}

impl ExecutionPlan for SpillingHashJoinExec {
    fn name(&self) -> &'static str {
        "SpillingHashJoinExec"
    }

    says_what_is_planned!(HashJoinExec);

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(self.anew(Arc::clone(&self.planned))))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let join =
            Arc::new(Join::new(&self.planned, (&self.measures, self.widths.as_ref()), partition, &context));
        let schema = self.schema();
        let rows = if let Some(kept) = self.kept.clone() {
            async move { kept.joined(join).await }.boxed()
        } else if *self.planned.partition_mode() == PartitionMode::CollectLeft {
            let shared = self.shared(&join)?;
            async move { shared.built().await?.joined(&join) }.boxed()
        } else {
            let rows = self.planned.left().execute(partition, context)?;
            async move { Build::collect(Arc::clone(&join), rows).await?.joined(&join) }.boxed()
        };
        let rows = futures::stream::once(rows).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }

    /// Those of the joins that did the work, and what was spilled.
    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.measures.all())
    }
}

#[cfg(test)]
mod tests;
