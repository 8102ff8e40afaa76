//! Streams as the input and output of operators that are planned while others run, and what these run with.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt as _, stream};

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
