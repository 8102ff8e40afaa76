//! Window functions in bounded memory.
//!
//! DataFusion's `WindowAggExec` runs where a frame reaches to the end of its window (`count(*) OVER (PARTITION BY k)`,
//! `ntile(4) OVER (ORDER BY k)`). It holds all rows of its input, which nobody counts, until the last has come, and gives
//! them as one batch. Its input is ordered by the keys that partition the windows, so windows are runs of rows
//! ([`Runs`]). Here as many whole runs as are worth a call are computed at a time ([`values`]), and a run that does not fit
//! is written to a file while what its functions need is kept ([`long_window`]).

mod long_window;
#[cfg(test)]
mod tests;
mod values;

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput as _, SpillMetrics,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::WindowAggExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, SpillManager};
use futures::{TryStreamExt as _, stream};

use self::long_window::LongWindow;
use self::values::Functions;
use super::runs::{Next, Runs};
use super::spill::{held_while, in_memory};
use crate::operators::forward::says_what_is_planned;

/// Bytes that the value of a function takes for a row, as a guess, and once more while the values of windows are put
/// together.
const VALUE_BYTES: usize = 2 * 16;

/// See the module documentation.
#[derive(Debug)]
pub struct SpillingWindowAggExec {
    /// The operator as DataFusion planned it.
    planned: Arc<WindowAggExec>,
    metrics: ExecutionPlanMetricsSet,
}

impl SpillingWindowAggExec {
    /// The operator in the place of this one.
    #[must_use]
    pub fn new(planned: Arc<WindowAggExec>) -> Self {
        Self { planned, metrics: ExecutionPlanMetricsSet::new() }
    }

    /// The same operator for another plan of the windows.
    fn over(&self, planned: &WindowAggExec) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(Arc::new(planned.clone()))))
    }
}

/// One partition of the input.
struct Windows {
    planned: Arc<WindowAggExec>,
    functions: Functions,
    metrics: BaselineMetrics,
    context: Arc<TaskContext>,
    spills: SpillManager,
    /// What partitions the windows.
    keys: Vec<Arc<dyn PhysicalExpr>>,
}

impl Windows {
    fn reservation(&self) -> MemoryReservation {
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        let keys = if keys.is_empty() { "all rows".to_owned() } else { keys.join(", ") };
        MemoryConsumer::new(format!("window functions over {keys}"))
            .with_can_spill(true)
            .register(self.context.memory_pool())
    }

    /// Bytes for so many rows of so many bytes, which are put together, and for their values.
    fn needed(&self, rows: usize, bytes: usize) -> usize {
        2 * bytes + rows * VALUE_BYTES * self.planned.window_expr().len()
    }

    /// All rows with their values.
    fn of_rows(self, rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
        let schema = self.planned.schema();
        let metrics = self.metrics.clone();
        let runs = Runs::new(rows, self.keys.clone());
        let values = stream::try_unfold((self, runs), |(windows, mut runs)| async move {
            let values = windows.of_next_runs(&mut runs).await?;
            Ok::<_, DataFusionError>(values.map(|values| (values, (windows, runs))))
        });
        let values = values.try_flatten().map_ok(move |batch| batch.record_output(&metrics));
        Box::pin(RecordBatchStreamAdapter::new(schema, values))
    }

    /// As many runs as fit and are worth a call, or the next one if it does not fit.
    async fn of_next_runs(&self, runs: &mut Runs) -> Result<Option<SendableRecordBatchStream>> {
        let reservation = self.reservation();
        let enough = self.context.session_config().batch_size();
        match runs.next_that_fit(enough, &reservation, |rows, bytes| self.needed(rows, bytes)).await? {
            Next::Whole(rows) => Ok(Some(held_while(self.of_whole_runs(&rows)?, reservation))),
            Next::Long(beginning) => {
                reservation.free();
                let mut window = LongWindow::new(&self.planned, self.spills.clone(), reservation)?;
                for rows in beginning {
                    window.add(&rows)?;
                }
                while let Some(rows) = runs.rest_of_run().await? {
                    window.add(&rows)?;
                }
                window.finish().map(Some)
            }
            Next::End => Ok(None),
        }
    }

    fn of_whole_runs(&self, rows: &[RecordBatch]) -> Result<SendableRecordBatchStream> {
        let timer = self.metrics.elapsed_compute().timer();
        let rows = concat_batches(&self.planned.input().schema(), rows)?;
        let mut columns = rows.columns().to_vec();
        columns.extend(self.functions.values(&rows)?);
        let values = RecordBatch::try_new(self.planned.schema(), columns)?;
        timer.done();
        let most = self.context.session_config().batch_size();
        let starts = (0..values.num_rows()).step_by(most);
        let slices = starts.map(|start| values.slice(start, most.min(values.num_rows() - start)));
        Ok(in_memory(self.planned.schema(), slices.collect()))
    }
}

impl DisplayAs for SpillingWindowAggExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(format, DisplayFormatType::TreeRender) {
            f.write_str("Spilling")?;
        }
        self.planned.fmt_as(format, f)
    }
}

impl ExecutionPlan for SpillingWindowAggExec {
    fn name(&self) -> &'static str {
        "SpillingWindowAggExec"
    }

    says_what_is_planned!(WindowAggExec);

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.planned.input();
        let rows = input.execute(partition, Arc::clone(&context))?;
        let spilled = SpillMetrics::new(&self.metrics, partition);
        let keys = self.planned.partition_by_sort_keys()?.into_iter().map(|key| key.expr).collect();
        let windows = Windows {
            planned: Arc::clone(&self.planned),
            functions: Functions::of(&self.planned)?,
            metrics: BaselineMetrics::new(&self.metrics, partition),
            spills: SpillManager::new(context.runtime_env(), spilled, input.schema()),
            context,
            keys,
        };
        Ok(windows.of_rows(rows))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
