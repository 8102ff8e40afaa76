//! The input of an aggregation that takes over from another in the middle of it.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt as _;

use super::stored_rows::{StoredRows, places_of};

/// The batches that were `read` of an input already, then the rest of it. `reservation` holds the memory of what was read; it
/// shrinks as the batches are handed out.
pub(super) fn replayed(
    read: Vec<RecordBatch>,
    rest: SendableRecordBatchStream,
    reservation: MemoryReservation,
) -> SendableRecordBatchStream {
    let share = reservation.size() / read.len().max(1);
    let again = futures::stream::iter(read).map(move |batch| {
        reservation.shrink(share.min(reservation.size()));
        Ok(batch)
    });
    Box::pin(RecordBatchStreamAdapter::new(rest.schema(), again.chain(rest)))
}

/// The rows, in batches that have only their places.
pub(super) fn rows_at(
    places: SendableRecordBatchStream,
    rows: Arc<StoredRows>,
    schema: SchemaRef,
) -> SendableRecordBatchStream {
    let found = places.map(move |batch| rows.rows(&places_of(&batch?)?));
    Box::pin(RecordBatchStreamAdapter::new(schema, found))
}
