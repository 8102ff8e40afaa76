//! The input of an operator that takes over from another in the middle of it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::StreamExt as _;

use super::stored_rows::{StoredRows, places_of};

/// One partition of an input: the batches that were read of it already, then the rest. It can be executed once.
pub(super) struct ReplayExec {
    properties: Arc<PlanProperties>,
    partition: usize,
    stream: Mutex<Option<SendableRecordBatchStream>>,
}

impl ReplayExec {
    /// `properties` are those of the input. `reservation` holds the memory of the batches `read`; it shrinks as they are
    /// handed out.
    pub(super) fn new(
        properties: &Arc<PlanProperties>,
        partition: usize,
        read: Vec<RecordBatch>,
        rest: SendableRecordBatchStream,
        reservation: MemoryReservation,
    ) -> Self {
        let share = reservation.size() / read.len().max(1);
        let again = futures::stream::iter(read).map(move |batch| {
            reservation.shrink(share.min(reservation.size()));
            Ok(batch)
        });
        let stream = RecordBatchStreamAdapter::new(rest.schema(), again.chain(rest));
        Self { properties: Arc::clone(properties), partition, stream: Mutex::new(Some(Box::pin(stream))) }
    }

    /// The same, of batches that have only the places of their rows.
    pub(super) fn with_rows(self, rows: Arc<StoredRows>) -> Self {
        let places = self.stream.into_inner().unwrap_or_else(PoisonError::into_inner);
        let schema = Arc::clone(self.properties.equivalence_properties().schema());
        let found = places.map(|places| {
            let found = places.map(move |batch| rows.rows(&places_of(&batch?)?));
            Box::pin(RecordBatchStreamAdapter::new(schema, found)) as SendableRecordBatchStream
        });
        Self { stream: Mutex::new(found), ..self }
    }
}

impl fmt::Debug for ReplayExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplayExec(partition {})", self.partition)
    }
}

impl DisplayAs for ReplayExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplayExec: partition={}", self.partition)
    }
}

impl ExecutionPlan for ReplayExec {
    fn name(&self) -> &'static str {
        "ReplayExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("ReplayExec has no children") }
    }

    fn execute(&self, partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != self.partition {
            return internal_err!(
                "the rest of partition {} was asked for partition {partition}",
                self.partition
            );
        }
        match self.stream.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(stream) => Ok(stream),
            None => internal_err!("the rest of partition {partition} was read before"),
        }
    }
}
