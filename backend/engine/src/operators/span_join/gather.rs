//! Output batches of the span join, gathered from picked rows of both inputs.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::compute::{BatchCoalescer, interleave, take};
use arrow::datatypes::SchemaRef;
use datafusion::common::{Result, internal_err};

use super::input::KeyedBatch;

/// A row of a registered batch.
pub(super) type Pick = (usize, usize);

/// Stands for NULL in all columns.
pub(super) const ABSENT: Pick = (usize::MAX, 0);

/// One of the two inputs, by what it does in the join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Its groups are kept.
    Stored,
    /// Its rows stream past the groups.
    Probe,
}

/// Rows picked from one input.
#[derive(Debug, Default)]
struct PickedRows {
    /// Whether a column of this input is returned. Picks are dropped otherwise.
    returned: bool,
    sources: Vec<Arc<KeyedBatch>>,
    picks: Vec<Pick>,
    /// Whether some picks are [`ABSENT`].
    has_absent: bool,
}

/// How the columns of one input are put together.
enum Gather {
    /// No batch was picked from: NULLs only.
    Absent,
    /// From one batch.
    Take(UInt32Array),
    /// From several batches, the last of them a single NULL if needed.
    Interleave(Vec<Pick>),
}

impl PickedRows {
    fn register(&mut self, batch: &Arc<KeyedBatch>) -> usize {
        if !self.returned {
            return 0;
        }
        match self.sources.last() {
            Some(last) if Arc::ptr_eq(last, batch) => {}
            Some(_) | None => self.sources.push(Arc::clone(batch)),
        }
        self.sources.len() - 1
    }

    /// Ends the picking of this output batch.
    fn plan(&mut self) -> Gather {
        let mut picks = std::mem::take(&mut self.picks);
        let has_absent = std::mem::take(&mut self.has_absent);
        match self.sources.len() {
            0 => Gather::Absent,
            1 if has_absent => {
                let row = |pick: &Pick| (*pick != ABSENT).then_some(pick.1 as u32);
                Gather::Take(picks.iter().map(row).collect())
            }
            1 => Gather::Take(picks.iter().map(|(_, row)| *row as u32).collect::<Vec<_>>().into()),
            null => {
                if has_absent {
                    picks.iter_mut().filter(|pick| **pick == ABSENT).for_each(|pick| *pick = (null, 0));
                }
                Gather::Interleave(picks)
            }
        }
    }

    fn column(
        &self,
        index: usize,
        gather: &Gather,
        rows: usize,
        field: &arrow::datatypes::Field,
    ) -> Result<ArrayRef> {
        let mut sources = self.sources.iter().map(|source| source.batch.column(index));
        match gather {
            Gather::Absent => Ok(new_null_array(field.data_type(), rows)),
            Gather::Take(indices) => match sources.next() {
                Some(source) => Ok(take(source, indices, None)?),
                None => internal_err!("span join: rows were picked from no batch"),
            },
            Gather::Interleave(picks) => {
                let null = new_null_array(field.data_type(), 1);
                let parts: Vec<&dyn Array> = sources.chain([&null]).map(AsRef::as_ref).collect();
                Ok(interleave(&parts, picks)?)
            }
        }
    }
}

/// Collects the rows of one output batch.
#[derive(Debug)]
pub(super) struct Output {
    schema: SchemaRef,
    /// Where each column comes from.
    columns: Vec<(Role, usize)>,
    /// Rows per batch.
    target: usize,
    stored: PickedRows,
    probe: PickedRows,
    picked: usize,
    flushes: usize,
    /// Rows gathered before the batch was full.
    early: BatchCoalescer,
}

/// Batches that picks may come from before they are gathered early: picks keep their batches alive, and a
/// selective join could otherwise keep thousands of batches for a few rows each.
const MAX_SOURCES: usize = 64;

impl Output {
    /// Batches of `target` rows with these columns of the two inputs.
    pub(super) fn new(schema: SchemaRef, columns: Vec<(Role, usize)>, target: usize) -> Self {
        let returned = |role| columns.iter().any(|(from, _)| *from == role);
        let stored = PickedRows { returned: returned(Role::Stored), ..PickedRows::default() };
        let probe = PickedRows { returned: returned(Role::Probe), ..PickedRows::default() };
        let target = target.max(1);
        let early = BatchCoalescer::new(Arc::clone(&schema), target);
        Self { schema, columns, target, stored, probe, picked: 0, flushes: 0, early }
    }

    /// Rows that still fit into this batch.
    pub(super) fn room(&self) -> usize {
        self.target.saturating_sub(self.len())
    }

    fn len(&self) -> usize {
        self.picked + self.early.get_buffered_rows()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Changes with every flush; registrations made before are void then.
    pub(super) fn generation(&self) -> usize {
        self.flushes
    }

    /// Makes the rows of a batch of the stored side available for picking; returns its number.
    pub(super) fn register_stored(&mut self, batch: &Arc<KeyedBatch>) -> usize {
        self.stored.register(batch)
    }

    /// Makes the rows of a batch of the probe side available for picking; returns its number.
    pub(super) fn register_probe(&mut self, batch: &Arc<KeyedBatch>) -> usize {
        self.probe.register(batch)
    }

    /// Adds a row. The pick of a side of which nothing is returned is ignored.
    pub(super) fn push(&mut self, stored: Pick, probe: Pick) {
        self.push_pairs(std::iter::once(stored), probe);
        self.stored.has_absent |= stored == ABSENT;
        self.probe.has_absent |= probe == ABSENT;
    }

    /// Adds a row for each stored pick, none of them absent.
    pub(super) fn push_pairs(&mut self, stored: impl ExactSizeIterator<Item = Pick>, probe: Pick) {
        let pairs = stored.len();
        if self.stored.returned {
            self.stored.picks.extend(stored);
        }
        if self.probe.returned {
            self.probe.picks.extend(std::iter::repeat_n(probe, pairs));
        }
        self.picked += pairs;
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
        let rows = std::mem::take(&mut self.picked);
        let (stored, probe) = (self.stored.plan(), self.probe.plan());
        let columns =
            self.columns.iter().zip(self.schema.fields()).map(|(&(role, index), field)| match role {
                Role::Stored => self.stored.column(index, &stored, rows, field),
                Role::Probe => self.probe.column(index, &probe, rows, field),
            });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        self.stored.sources.clear();
        self.probe.sources.clear();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}
