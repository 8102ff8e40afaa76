//! Streams as the input of an operator that is planned while it runs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering};
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{ExecutionPlan, Partitioning, PlanProperties};

use super::rows::RowSource;

/// Streams, each of one partition. They can be read once: a second reader would get what the first has left over, so he gets
/// an error.
pub(crate) struct Once {
    streams: Mutex<BTreeMap<usize, SendableRecordBatchStream>>,
    properties: Arc<PlanProperties>,
}

/// A leaf of one partition that gives the batches of the stream, once.
pub(crate) fn once(stream: SendableRecordBatchStream) -> Arc<dyn ExecutionPlan> {
    once_each(&stream.schema(), vec![stream], None)
}

/// A leaf with a partition for each stream, which gives its batches once. Streams that are in an order must say so: a join
/// keeps the order of its probe side only if it knows of it.
pub(crate) fn once_each(
    schema: &SchemaRef,
    streams: Vec<SendableRecordBatchStream>,
    order: Option<&LexOrdering>,
) -> Arc<dyn ExecutionPlan> {
    let properties = PlanProperties::new(
        EquivalenceProperties::new_with_orderings(Arc::clone(schema), order.cloned()),
        Partitioning::UnknownPartitioning(streams.len()),
        EmissionType::Incremental,
        Boundedness::Bounded,
    );
    let properties = Arc::new(properties.with_scheduling_type(SchedulingType::Cooperative));
    Once { streams: Mutex::new(streams.into_iter().enumerate().collect()), properties }.leaf()
}

impl Once {
    /// One partition of a plan with these properties, for an operator that takes over in the middle of it.
    pub(crate) fn partition_of(
        properties: &Arc<PlanProperties>,
        partition: usize,
        stream: SendableRecordBatchStream,
    ) -> Self {
        let properties = properties.as_ref().clone().with_scheduling_type(SchedulingType::Cooperative);
        Self { streams: Mutex::new(BTreeMap::from([(partition, stream)])), properties: Arc::new(properties) }
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("properties", &self.properties).finish_non_exhaustive()
    }
}

impl RowSource for Once {
    fn name(&self) -> &'static str {
        "OnceExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn rows(
        &self,
        partition: usize,
        _context: Arc<TaskContext>,
        _metrics: &ExecutionPlanMetricsSet,
    ) -> Result<SendableRecordBatchStream> {
        match self.streams.lock().unwrap_or_else(PoisonError::into_inner).remove(&partition) {
            Some(stream) => Ok(make_cooperative(stream)),
            None => internal_err!("partition {partition} of a stream is not here, or was read before"),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
    use futures::TryStreamExt as _;

    use super::*;

    /// Whoever reads a second time must not take nothing for the rows.
    #[tokio::test]
    async fn a_stream_is_read_once() {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let rows = futures::stream::iter([Ok(batch.clone())]);
        let leaf = once(Box::pin(RecordBatchStreamAdapter::new(batch.schema(), rows)));
        let context = Arc::new(TaskContext::default());
        let read: Vec<_> = leaf.execute(0, Arc::clone(&context)).unwrap().try_collect().await.unwrap();
        assert_eq!(read, [batch]);
        assert!(leaf.execute(0, Arc::clone(&context)).is_err());
        assert!(leaf.execute(1, context).is_err());
    }
}
