//! The outputs of an exchange.

use std::future::poll_fn;
use std::sync::Arc;

use arrow::array::Array as _;
use arrow::compute::BatchCoalescer;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{DataFusionError, Result};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::metrics::{BaselineMetrics, RecordOutput as _};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{Stream, TryStreamExt as _, stream};

use super::Running;
use super::lanes::Found;
use crate::operators::spill::{compact, used_bytes};

/// Batches are put together up to so many bytes, although they have few rows.
const LARGE_BATCH: usize = 8 << 20;

/// Who reads a lane. When it is dropped, the lane is closed.
struct LaneReader {
    running: Arc<Running>,
    group: usize,
    output: usize,
    file: Option<SendableRecordBatchStream>,
}

impl LaneReader {
    fn new(running: Arc<Running>, group: usize, output: usize) -> Self {
        Self { running, group, output, file: None }
    }

    /// The next batches, at least one, and the bytes they take; nothing at the end.
    async fn next(&mut self) -> Result<Option<(Vec<RecordBatch>, usize)>> {
        let lanes = Arc::clone(&self.running.lanes);
        loop {
            if let Some(file) = &mut self.file {
                match file.try_next().await? {
                    Some(batch) => {
                        let bytes = used_bytes(&batch);
                        return Ok(Some((vec![batch], bytes)));
                    }
                    None => self.file = None,
                }
            }
            match poll_fn(|cx| lanes.poll_next(self.group, self.output, cx)).await.transpose()? {
                Some(Found::Batches(batches, bytes)) => return Ok(Some((batches, bytes))),
                Some(Found::File(file)) => {
                    self.file = Some(lanes.spills().read_spill_as_stream(file, None)?);
                }
                None => return Ok(None),
            }
        }
    }
}

impl Drop for LaneReader {
    fn drop(&mut self) {
        self.running.lanes.close(self.group, self.output);
    }
}

/// The rows of a lane as they came.
pub(super) fn ordered(
    running: Arc<Running>,
    group: usize,
    output: usize,
    schema: &SchemaRef,
) -> SendableRecordBatchStream {
    let reader = LaneReader::new(running, group, output);
    let batches = stream::try_unfold(reader, |mut reader| async move {
        let batches = reader.next().await?;
        // A merge holds batches of all inputs, and reserves what they hold.
        let batches = batches.map(|(batches, _)| stream::iter(batches.into_iter().map(compact)));
        Ok::<_, DataFusionError>(batches.map(|batches| (batches, reader)))
    });
    Box::pin(RecordBatchStreamAdapter::new(Arc::clone(schema), batches.try_flatten()))
}

/// The rows of the only lane to an output, in batches that are worth the work on them.
pub(super) fn coalesced(
    running: Arc<Running>,
    output: usize,
    schema: &SchemaRef,
    batch_size: usize,
    metrics: BaselineMetrics,
) -> impl Stream<Item = Result<RecordBatch>> + Send + use<> {
    let coalescer = BatchCoalescer::new(Arc::clone(schema), batch_size)
        .with_biggest_coalesce_batch_size(Some(batch_size / 2));
    let reader = Some(LaneReader::new(running, 0, output));
    let state = (reader, coalescer, 0, metrics);
    stream::try_unfold(state, |(mut reader, mut coalescer, mut bytes, metrics)| async move {
        loop {
            if let Some(batch) = coalescer.next_completed_batch() {
                bytes = 0;
                let batch = shrunk(batch)?.record_output(&metrics);
                return Ok(Some((batch, (reader, coalescer, bytes, metrics))));
            }
            let Some(rows) = &mut reader else {
                metrics.done();
                return Ok(None);
            };
            let batches = rows.next().await?;
            let _timer = metrics.elapsed_compute().timer();
            match batches {
                Some((batches, more)) => {
                    bytes += more;
                    batches.into_iter().try_for_each(|batch| coalescer.push_batch(batch))?;
                    if bytes > LARGE_BATCH {
                        coalescer.finish_buffered_batch()?;
                    }
                }
                None => {
                    reader = None;
                    coalescer.finish_buffered_batch()?;
                }
            }
        }
    })
}

/// The batch without the room that its buffers have for more: whoever holds it would count that.
fn shrunk(batch: RecordBatch) -> Result<RecordBatch> {
    let (schema, mut columns, rows) = batch.into_parts();
    columns.iter_mut().for_each(|column| column.shrink_to_fit());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}
