//! The rows of one key on the stored side of a span join.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanBufferBuilder, RecordBatch};
use arrow::compute::interleave;
use arrow::row::{RowConverter, SortField};
use datafusion::common::utils::memory::get_record_batch_memory_size;
use datafusion::common::{Result, exec_err};

use super::gather::{ABSENT, Output, Pick};
use super::input::KeyedBatch;
use super::roles::Roles;
use super::sweep::{OutOfOrder, Query, Stored, Sweep, Wanted};

/// Bytes of a group below which letting go of rows is not worth the work.
const FORGET_FROM: usize = 32 * 1024 * 1024;

/// The rows of one key on the stored side, as far as they have been read.
pub(super) struct Group {
    pub(super) key: Vec<u8>,
    pub(super) sweep: Sweep,
    /// Which rows have matched, where the join kind asks for it.
    pub(super) matched: Option<BooleanBufferBuilder>,
    /// Next row to look at when the group ends.
    pub(super) finished: usize,
    batches: Vec<Arc<KeyedBatch>>,
    /// Batch and row of each row of the group.
    rows: Vec<(u32, u32)>,
    /// Numbers of `batches` in the output, valid for one output generation.
    registered: (usize, Vec<Option<usize>>),
    complete: bool,
    /// Whether ties between rows of the same span are decided by their columns.
    ranks_ties: bool,
    /// Whether a contained span can ask for spans that have ended.
    keeps_ended: bool,
    /// Whether rows that have ended have been let go.
    has_forgotten: bool,
    bytes: usize,
    /// Size from which on rows that have ended are let go.
    forget_from: usize,
}

impl Group {
    /// A group of which nothing has been read.
    pub(super) fn new(key: Vec<u8>, roles: Roles) -> Self {
        Self {
            key,
            sweep: Sweep::new(roles.wanted()),
            matched: roles.tracks_stored().then(|| BooleanBufferBuilder::new(0)),
            finished: 0,
            batches: Vec::new(),
            rows: Vec::new(),
            registered: (usize::MAX, Vec::new()),
            complete: false,
            ranks_ties: roles.wanted() == Wanted::Innermost,
            keeps_ended: roles.keeps_inverted(),
            has_forgotten: false,
            bytes: 0,
            forget_from: FORGET_FROM,
        }
    }

    /// How many rows it holds.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Bytes it holds, by [`Self::memory`].
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether all rows of the key have been read.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Bytes that so many rows of a batch need, with the whole batch.
    pub(super) fn memory(batch: &KeyedBatch, rows: usize) -> usize {
        batch.memory + Sweep::memory(rows) + rows * size_of::<(u32, u32)>()
    }

    /// Adds the next rows of the key.
    pub(super) fn add(&mut self, batch: &Arc<KeyedBatch>, rows: Range<usize>) -> Result<(), OutOfOrder> {
        self.bytes += Self::memory(batch, rows.len());
        if let Some(matched) = &mut self.matched {
            matched.append_n(rows.len(), false);
        }
        let number = self.batches.len() as u32;
        self.batches.push(Arc::clone(batch));
        self.rows.reserve(rows.len());
        for row in rows {
            if let Some(span) = batch.span(row) {
                self.sweep.add(Stored { span, row: self.rows.len() as u32 })?;
            }
            self.rows.push((number, row as u32));
        }
        Ok(())
    }

    /// Notes that all rows of the key have been added.
    pub(super) fn complete(&mut self) -> Result<()> {
        if self.ranks_ties {
            put_greatest_last(self.sweep.stored_mut(), &self.batches, &self.rows)?;
        }
        self.complete = true;
        self.sweep.complete();
        Ok(())
    }

    /// Whether what has been read is enough to answer a query.
    ///
    /// # Errors
    /// When the query asks for rows that have been let go.
    pub(super) fn is_ready_for(&self, query: Query) -> Result<bool> {
        if self.has_forgotten && query.looks_back() {
            return exec_err!(
                "span join: a contained span ends before it starts, and the rows of its key that it may match were \
                 let go because they do not fit in memory together; filter out such spans or raise the memory limit"
            );
        }
        Ok(self.sweep.is_ready_for(query))
    }

    /// Whether rows that have ended should be let go before so many bytes are added.
    pub(super) fn should_forget(&self, more: usize) -> bool {
        !self.keeps_ended && self.bytes + more > self.forget_from
    }

    /// Lets go of rows that no later query can match, and puts the others into one batch. The size at which this
    /// happens next is twice what is left, so that it costs a constant a row.
    pub(super) fn forget_ended(&mut self) -> Result<()> {
        let kept = self.sweep.forget_ended();
        let picks: Vec<Pick> = kept
            .iter()
            .filter_map(|row| self.rows.get(*row as usize))
            .map(|(batch, row)| (*batch as usize, *row as usize))
            .collect();
        let batches = std::mem::take(&mut self.batches);
        self.rows.clear();
        self.registered = (usize::MAX, Vec::new());
        self.bytes = 0;
        if let Some(first) = batches.first() {
            let columns = (0..first.batch.num_columns()).map(|index| {
                let parts: Vec<&dyn Array> =
                    batches.iter().map(|batch| batch.batch.column(index).as_ref()).collect();
                Ok(interleave(&parts, &picks)?)
            });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            let batch = RecordBatch::try_new(first.batch.schema(), columns)?;
            let batch = KeyedBatch::of_known_spans(batch);
            self.bytes = get_record_batch_memory_size(&batch.batch)
                + Sweep::memory(picks.len())
                + picks.len() * size_of::<(u32, u32)>();
            self.rows = (0..picks.len() as u32).map(|row| (0, row)).collect();
            self.batches.push(Arc::new(batch));
        }
        self.has_forgotten = true;
        self.forget_from = FORGET_FROM.max(2 * self.bytes);
        Ok(())
    }

    /// The pick for a row, registering its batch when needed.
    pub(super) fn pick(&mut self, row: u32, output: &mut Output) -> Pick {
        if self.registered.0 != output.generation() {
            self.registered = (output.generation(), vec![None; self.batches.len()]);
        }
        self.registered.1.resize(self.batches.len(), None);
        let Some(&(batch, batch_row)) = self.rows.get(row as usize) else { return ABSENT };
        let (Some(number), Some(source)) =
            (self.registered.1.get_mut(batch as usize), self.batches.get(batch as usize))
        else {
            return ABSENT;
        };
        let number = *number.get_or_insert_with(|| output.register_stored(source));
        (number, batch_row as usize)
    }

    /// Adds the pairs of these rows with a probe row to the output.
    pub(super) fn pick_all(&mut self, rows: &[u32], probe: Pick, output: &mut Output) {
        match self.batches.as_slice() {
            [only] if !rows.is_empty() => {
                let number = output.register_stored(only);
                let pick =
                    |row: &u32| (number, self.rows.get(*row as usize).map_or(0, |(_, row)| *row as usize));
                output.push_pairs(rows.iter().map(pick), probe);
            }
            _ => {
                for row in rows {
                    let stored = self.pick(*row, output);
                    output.push(stored, probe);
                }
            }
        }
    }
}

/// Reorders stored rows with identical spans so that the greatest comes last, which is the one that the sweep
/// prefers: compared column by column, NULL lowest, columns of types without an order left out.
pub(super) fn put_greatest_last(
    stored: &mut [Stored],
    batches: &[Arc<KeyedBatch>],
    rows: &[(u32, u32)],
) -> Result<()> {
    let tied: Vec<(usize, usize)> = stored
        .chunk_by(|a, b| a.span == b.span)
        .filter(|run| run.len() > 1)
        .flatten()
        .filter_map(|stored| rows.get(stored.row as usize))
        .map(|(batch, row)| (*batch as usize, *row as usize))
        .collect();
    let Some(first) = batches.first().filter(|_| !tied.is_empty()) else { return Ok(()) };
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for index in 0..first.batch.num_columns() {
        let field = SortField::new(first.batch.column(index).data_type().clone());
        if RowConverter::supports_fields(std::slice::from_ref(&field)) {
            let parts: Vec<&dyn Array> =
                batches.iter().map(|batch| batch.batch.column(index).as_ref()).collect();
            columns.push(interleave(&parts, &tied)?);
            fields.push(field);
        }
    }
    let keys = RowConverter::new(fields)?.convert_columns(&columns)?;
    let mut next = 0;
    for run in stored.chunk_by_mut(|a, b| a.span == b.span).filter(|run| run.len() > 1) {
        let mut ranked: Vec<(usize, Stored)> = run.iter().copied().enumerate().collect();
        ranked.sort_by(|(a, _), (b, _)| keys.row(next + a).cmp(&keys.row(next + b)));
        run.iter_mut().zip(&ranked).for_each(|(place, (_, stored))| *place = *stored);
        next += run.len();
    }
    Ok(())
}
