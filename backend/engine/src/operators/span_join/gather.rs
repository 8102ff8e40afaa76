//! Output batches of the span join, gathered from picked rows of both inputs.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::compute::{BatchCoalescer, interleave, take};
use arrow::datatypes::SchemaRef;
use datafusion::common::{Result, internal_err};

use super::input::KeyedBatch;

/// A row of a registered batch; `None` stands for NULL in all columns.
pub(super) type Pick = Option<(usize, usize)>;

/// Rows picked from one input.
#[derive(Debug)]
pub(super) struct PickedRows {
    schema: SchemaRef,
    sources: Vec<Arc<KeyedBatch>>,
    picks: Vec<Pick>,
}

impl PickedRows {
    fn new(schema: SchemaRef) -> Self {
        Self { schema, sources: Vec::new(), picks: Vec::new() }
    }

    /// Makes the rows of a batch available for picking until the next flush; returns its number.
    fn register(&mut self, batch: &Arc<KeyedBatch>) -> usize {
        match self.sources.last() {
            Some(last) if Arc::ptr_eq(last, batch) => {}
            Some(_) | None => self.sources.push(Arc::clone(batch)),
        }
        self.sources.len() - 1
    }

    /// The picked rows, column by column; forgets picks and batches.
    fn flush(&mut self) -> Result<Vec<ArrayRef>> {
        let picks = std::mem::take(&mut self.picks);
        let sources = std::mem::take(&mut self.sources);
        match sources.as_slice() {
            [] => {
                Ok(self.schema.fields().iter().map(|f| new_null_array(f.data_type(), picks.len())).collect())
            }
            [only] => {
                let rows: UInt32Array = picks.iter().map(|pick| pick.map(|(_, row)| row as u32)).collect();
                Ok(only
                    .batch
                    .columns()
                    .iter()
                    .map(|column| take(column, &rows, None))
                    .collect::<Result<_, _>>()?)
            }
            several => {
                // One more source, of a single NULL, for the rows without a partner.
                let null = several.len();
                let picks: Vec<(usize, usize)> = picks.iter().map(|pick| pick.unwrap_or((null, 0))).collect();
                let has_null = picks.iter().any(|(source, _)| *source == null);
                let columns = self.schema.fields().iter().enumerate().map(|(index, field)| {
                    let absent = has_null.then(|| new_null_array(field.data_type(), 1));
                    let parts: Vec<&dyn Array> = several
                        .iter()
                        .map(|source| source.batch.column(index))
                        .chain(&absent)
                        .map(|part| part.as_ref())
                        .collect();
                    Ok(interleave(&parts, &picks)?)
                });
                columns.collect()
            }
        }
    }
}

/// Collects the rows of one output batch.
#[derive(Debug)]
pub(super) struct Output {
    schema: SchemaRef,
    /// Rows per batch.
    target: usize,
    /// Whether the stored side provides the first columns.
    stored_first: bool,
    /// Semi and anti joins return the columns of one side.
    left_only: bool,
    stored: PickedRows,
    probe: PickedRows,
    flushes: usize,
    /// Rows gathered before the batch was full.
    early: BatchCoalescer,
}

/// Batches that picks may come from before they are gathered early: picks keep their batches alive, and a
/// selective join could otherwise keep thousands of batches for a few rows each.
const MAX_SOURCES: usize = 64;

impl Output {
    pub(super) fn new(
        schema: SchemaRef,
        target: usize,
        (stored, probe): (SchemaRef, SchemaRef),
        stored_first: bool,
        left_only: bool,
    ) -> Self {
        let (stored, probe) = (PickedRows::new(stored), PickedRows::new(probe));
        let target = target.max(1);
        let early = BatchCoalescer::new(Arc::clone(&schema), target);
        Self { schema, target, stored_first, left_only, stored, probe, flushes: 0, early }
    }

    /// Rows that still fit into this batch.
    pub(super) fn room(&self) -> usize {
        self.target.saturating_sub(self.len())
    }

    fn len(&self) -> usize {
        self.picked() + self.early.get_buffered_rows()
    }

    fn picked(&self) -> usize {
        self.stored.picks.len().max(self.probe.picks.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Changes with every flush; registrations made before are void then.
    pub(super) fn generation(&self) -> usize {
        self.flushes
    }

    /// Registers a batch of the stored side.
    pub(super) fn register_stored(&mut self, batch: &Arc<KeyedBatch>) -> usize {
        self.stored.register(batch)
    }

    /// Registers a batch of the probe side.
    pub(super) fn register_probe(&mut self, batch: &Arc<KeyedBatch>) -> usize {
        self.probe.register(batch)
    }

    /// Adds a row. The pick of a side that is not returned is ignored.
    pub(super) fn push(&mut self, stored: Pick, probe: Pick) {
        if !self.left_only || self.stored_first {
            self.stored.picks.push(stored);
        }
        if !self.left_only || !self.stored_first {
            self.probe.picks.push(probe);
        }
    }

    /// Gathers what was picked so far when it keeps many batches alive. Leaves room for at least one row.
    pub(super) fn release_sources(&mut self) -> Result<()> {
        let sources = self.stored.sources.len().max(self.probe.sources.len());
        if sources > MAX_SOURCES && self.room() > 0 && !self.schema.fields().is_empty() {
            let picked = self.gather()?;
            if picked.num_rows() > 0 {
                self.early.push_batch(picked)?;
            }
        }
        Ok(())
    }

    /// The collected rows as a batch.
    pub(super) fn flush(&mut self) -> Result<RecordBatch> {
        let picked = self.gather()?;
        if self.early.is_empty() {
            return Ok(picked);
        }
        self.early.push_batch(picked)?;
        self.early.finish_buffered_batch()?;
        match self.early.next_completed_batch() {
            Some(batch) => Ok(batch),
            None => internal_err!("span join: gathered rows got lost"),
        }
    }

    fn gather(&mut self) -> Result<RecordBatch> {
        self.flushes += 1;
        let rows = self.picked();
        let (first, second) = if self.stored_first {
            (&mut self.stored, &mut self.probe)
        } else {
            (&mut self.probe, &mut self.stored)
        };
        let mut columns = first.flush()?;
        let rest = second.flush()?;
        if !self.left_only {
            columns.extend(rest);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}
