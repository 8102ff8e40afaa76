//! The build side of a join in a recursion, which is the same in each iteration.
//!
//! The plan of an iteration is executed once for each of them, by operators that begin anew. A join whose build side does
//! not read the rows of the iteration before keeps what it made of it. If that does not fit in memory, each iteration joins
//! with the sides swapped: then the rows of the iteration before, which are fewer as a rule, are what must fit or is written
//! to files, and the unchanging side is read again.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{
    ChildrenPropertiesMode, ReplaceChildrenOptions, reset_plan_states,
};
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};

use super::SpillingHashJoinExec;
use super::build::Build;
use super::memory::Memory;
use super::probe::Join;
use crate::operators::leaf::{Once, RowSource as _};
use crate::operators::spill::held_while;

/// How often a table is used before it is made anew: DataFusion's join remembers what each execution has measured.
/// Tests come to the end of it.
const MOST_EXECUTIONS: usize = if cfg!(test) { 40 } else { 4096 };

/// The build side of a join for all its executions.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Option<Table>>);

type Making = BoxFuture<'static, Result<Arc<Made>, Arc<DataFusionError>>>;

#[derive(Debug)]
struct Table {
    made: Shared<Making>,
    executions: usize,
}

/// What was made of a build side.
#[derive(Debug)]
enum Made {
    /// The join over its batches, which has their table once it has run.
    InMemory(Arc<HashJoinExec>, Arc<Memory>),
    TooLarge,
}

impl Kept {
    /// The rows of the join with one partition of the probe side.
    ///
    /// # Errors
    /// What an input fails with, and when rows fit neither in memory nor on disk.
    pub(super) async fn joined(&self, join: Arc<Join>) -> Result<SendableRecordBatchStream> {
        let made = self.made(&join).await.map_err(|error| DataFusionError::from(&error))?;
        match made.as_ref() {
            Made::InMemory(planned, memory) => {
                let probe = join.probe(join.partition, Some(Arc::clone(memory)));
                let probe =
                    Once::partition_of(join.planned.right().properties(), join.partition, probe).leaf();
                let planned = planned.builder().with_new_children(vec![Arc::clone(planned.left()), probe])?;
                Ok(held_while(join.run(&planned.build()?, join.partition)?, Arc::clone(memory)))
            }
            Made::TooLarge if join.partition == 0 => swapped(&join),
            // The first partition joins for all.
            Made::TooLarge => Ok(join.nothing()),
        }
    }

    fn made(&self, join: &Arc<Join>) -> Shared<Making> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = match &mut *kept {
            Some(table) if table.executions < MOST_EXECUTIONS => table,
            kept => kept.insert(Table { made: Made::of(Arc::clone(join)).shared(), executions: 0 }),
        };
        kept.executions += 1;
        kept.made.clone()
    }
}

impl Made {
    fn of(join: Arc<Join>) -> Making {
        async move {
            let rows = join.planned.left().execute(0, Arc::clone(&join.context))?;
            Ok(match Build::in_memory(&join, rows).await? {
                Some((batches, memory)) => Self::InMemory(join.over(batches, Vec::new())?, Arc::new(memory)),
                None => Self::TooLarge,
            })
        }
        .map(|made| made.map(Arc::new).map_err(Arc::new))
        .boxed()
    }
}

/// The rows of a join whose probe side becomes the build side.
fn swapped(join: &Join) -> Result<SendableRecordBatchStream> {
    let planned = &join.planned;
    // Of the build side some rows have been read.
    let left = reset_plan_states(Arc::clone(planned.left()))?;
    let right = match planned.right().output_partitioning().partition_count() {
        1 => Arc::clone(planned.right()),
        _ => Arc::new(CoalescePartitionsExec::new(Arc::clone(planned.right()))),
    };
    let swapped = join.with_inputs(left, right, *planned.join_type())?;
    let swapped = spilling(&swapped.swap_inputs(PartitionMode::CollectLeft)?, join)?;
    swapped.execute(0, Arc::clone(&join.context))
}

/// A swapped join as ours.
fn spilling(plan: &Arc<dyn ExecutionPlan>, join: &Join) -> Result<Arc<dyn ExecutionPlan>> {
    if let Some(swapped) = plan.downcast_ref::<HashJoinExec>() {
        let swapped = Arc::new(swapped.builder().build()?);
        return Ok(Arc::new(SpillingHashJoinExec::new(swapped, join.widths.clone())));
    }
    // A projection puts the columns in their order.
    let inputs =
        plan.children().into_iter().map(|input| spilling(input, join)).collect::<Result<Vec<_>>>()?;
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    Arc::clone(plan).replace_children(inputs, options)
}

#[cfg(test)]
mod tests;
