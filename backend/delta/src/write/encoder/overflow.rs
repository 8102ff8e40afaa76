//! Rows of the partitions that get no open file: sorted by partition, so that one file after the other is enough.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::prelude::SessionConfig;
use futures::StreamExt as _;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::write::target::Target;

/// An external sort that runs beside the writer, in its share of memory, with the spill files of the run.
pub(super) struct Overflow {
    rows: Sender<RecordBatch>,
    sorted: Receiver<Result<RecordBatch>>,
    /// Ends with the writer, its spill files too.
    _sort: SpawnedTask<()>,
}

impl Overflow {
    /// Begins to sort batches of the target's schema by its partition columns, and within a partition by its order.
    /// What comes out is in batches of `batch_rows`; the sort keeps `merge_bytes` for merging.
    pub(super) fn start(
        target: &Target,
        runtime: &Arc<RuntimeEnv>,
        batch_rows: usize,
        merge_bytes: usize,
    ) -> Result<Self> {
        let schema = Arc::clone(&target.schema.arrow);
        let (rows, input) = channel(1);
        let input = Input { schema: Arc::clone(&schema), rows: Mutex::new(Some(input)) };
        let input =
            StreamingTableExec::try_new(Arc::clone(&schema), vec![Arc::new(input)], None, [], false, None)?;
        let order = order(target, &schema)?;
        let sort = SortExec::new(order, Arc::new(input));
        let config = SessionConfig::new()
            .with_batch_size(batch_rows.max(1))
            .with_sort_spill_reservation_bytes(merge_bytes);
        let context = TaskContext::default().with_session_config(config).with_runtime(Arc::clone(runtime));
        let mut stream = sort.execute(0, Arc::new(context))?;
        let (output, sorted) = channel(1);
        let sort = SpawnedTask::spawn(async move {
            while let Some(batch) = stream.next().await {
                if output.send(batch).await.is_err() {
                    break;
                }
            }
        });
        Ok(Self { rows, sorted, _sort: sort })
    }

    /// Adds rows.
    pub(super) async fn push(&mut self, rows: RecordBatch) -> Result<()> {
        if self.rows.send(rows).await.is_ok() {
            return Ok(());
        }
        match self.sorted.recv().await {
            Some(Err(error)) => Err(error),
            Some(Ok(_)) | None => Err(DataFusionError::Internal("a sort ended before its input".to_owned())),
        }
    }

    /// Ends the input.
    pub(super) fn into_sorted(self) -> SortedRows {
        SortedRows { sorted: self.sorted, _sort: self._sort }
    }
}

/// The rows in order.
pub(super) struct SortedRows {
    sorted: Receiver<Result<RecordBatch>>,
    _sort: SpawnedTask<()>,
}

impl SortedRows {
    pub(super) async fn next(&mut self) -> Option<Result<RecordBatch>> {
        self.sorted.recv().await
    }
}

fn order(target: &Target, schema: &SchemaRef) -> Result<LexOrdering> {
    let by_partition = target.partition_by.iter().map(|name| {
        let column = Column::new_with_schema(name, schema)?;
        Ok(PhysicalSortExpr::new(Arc::new(column), SortOptions::default()))
    });
    let within = target.sort_by.iter().map(|sort| sort.expression(schema));
    let columns = by_partition.chain(within);
    LexOrdering::new(columns.collect::<Result<Vec<_>>>()?)
        .ok_or_else(|| DataFusionError::Internal("a table without partitions needs no sort".to_owned()))
}

/// What is pushed, as a source.
struct Input {
    schema: SchemaRef,
    rows: Mutex<Option<Receiver<RecordBatch>>>,
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Input")
    }
}

impl PartitionStream for Input {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).take();
        let batches = futures::stream::unfold(rows, |rows| async {
            let mut rows = rows?;
            rows.recv().await.map(|batch| (Ok(batch), Some(rows)))
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}
