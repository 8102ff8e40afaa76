//! Streams as the input of an operator that is planned while it runs, and as its output.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::LexOrdering;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{EmptyRecordBatchStream, ExecutionPlan};
use futures::{StreamExt as _, stream};

/// A leaf of one partition that gives the batches of the stream, once.
///
/// # Errors
/// None that is known; see [`StreamingTableExec::try_new`].
pub(in crate::operators) fn once(stream: SendableRecordBatchStream) -> Result<Arc<dyn ExecutionPlan>> {
    once_each(&stream.schema(), vec![stream], None)
}

/// A leaf with a partition for each stream, which gives its batches once. Streams that are in an order must say so: a join
/// keeps the order of its probe side only if it knows of it.
///
/// # Errors
/// As [`once`].
pub(in crate::operators) fn once_each(
    schema: &SchemaRef,
    streams: Vec<SendableRecordBatchStream>,
    order: Option<&LexOrdering>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let once = |stream| -> Arc<dyn PartitionStream> {
        Arc::new(Once { schema: Arc::clone(schema), stream: Mutex::new(Some(stream)) })
    };
    let streams = streams.into_iter().map(once).collect();
    let leaf = StreamingTableExec::try_new(Arc::clone(schema), streams, None, order.cloned(), false, None)?;
    Ok(Arc::new(leaf))
}

/// A stream of these batches.
pub(in crate::operators) fn in_memory(
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
) -> SendableRecordBatchStream {
    Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(batches.into_iter().map(Ok))))
}

/// The same rows; what they need, such as reserved memory, is held until they end.
pub(in crate::operators) fn held_while(
    rows: SendableRecordBatchStream,
    needed: impl Send + 'static,
) -> SendableRecordBatchStream {
    let schema = rows.schema();
    let rows = rows.map(move |batch| {
        let _held = &needed;
        batch
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}

/// The same context, in which operators can reserve what they want: their memory has been reserved before.
pub(in crate::operators) fn unlimited(context: &TaskContext) -> Arc<TaskContext> {
    with_runtime(context, RuntimeEnv::default())
}

/// The same context with another pool of memory.
pub(in crate::operators) fn with_pool(
    context: &TaskContext,
    memory_pool: Arc<dyn MemoryPool>,
) -> Arc<TaskContext> {
    with_runtime(context, RuntimeEnv { memory_pool, ..context.runtime_env().as_ref().clone() })
}

fn with_runtime(context: &TaskContext, runtime: RuntimeEnv) -> Arc<TaskContext> {
    Arc::new(TaskContext::new(
        context.task_id(),
        context.session_id(),
        context.session_config().clone(),
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        Arc::new(runtime),
    ))
}

struct Once {
    schema: SchemaRef,
    stream: Mutex<Option<SendableRecordBatchStream>>,
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Once")
    }
}

impl PartitionStream for Once {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        stream.unwrap_or_else(|| Box::pin(EmptyRecordBatchStream::new(Arc::clone(&self.schema))))
    }
}
