//! The runs of rows whose leading keys are equal.
//!
//! An input that is ordered by some of the keys an aggregation groups by has its groups in such runs, and one that is
//! ordered by the keys of window functions has their windows in them: neither ever reaches into another run. So whole runs
//! can be computed by themselves, one after the other, and the results come in the order of the leading keys. The keys of
//! groups must not be floats, whose order tells more values apart than groups do.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::partition;
use datafusion::common::{Result, ScalarValue};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr_common::utils::evaluate_expressions_to_arrays;
use futures::TryStreamExt as _;

use super::spill::used_bytes;

/// Rows that follow each other.
struct Piece {
    rows: RecordBatch,
    /// Whether its first row begins a run; otherwise it goes on with the run of the piece before.
    begins: bool,
    /// Where its runs lie.
    runs: Vec<Range<usize>>,
}

impl Piece {
    fn slice(&self, runs: &[Range<usize>], begins: bool) -> Option<Self> {
        let (first, last) = (runs.first()?, runs.last()?);
        let rows = self.rows.slice(first.start, last.end - first.start);
        let moved = runs.iter().map(|run| run.start - first.start..run.end - first.start).collect();
        Some(Self { rows, begins, runs: moved })
    }

    /// Whether its rows are of one run.
    fn is_one_run(&self) -> bool {
        self.runs.len() <= 1
    }
}

/// What comes next of an input, as far as it fits in memory.
pub(super) enum Next {
    /// Whole runs, for which memory has been reserved.
    Whole(Vec<RecordBatch>),
    /// The beginning of a run that does not fit. The rest of it is to be taken with [`Runs::rest_of_run`].
    Long(Vec<RecordBatch>),
    End,
}

/// The rows of an input that is ordered by the leading keys.
pub(super) struct Runs {
    rows: SendableRecordBatchStream,
    leading: Vec<Arc<dyn PhysicalExpr>>,
    /// The leading keys of the last row that came.
    last: Option<Vec<ScalarValue>>,
    waiting: VecDeque<Piece>,
}

impl Runs {
    /// Without leading keys, all rows are one run.
    pub(super) fn new(rows: SendableRecordBatchStream, leading: Vec<Arc<dyn PhysicalExpr>>) -> Self {
        Self { rows, leading, last: None, waiting: VecDeque::new() }
    }

    /// As many whole runs as fit, up to those in which there are `enough` rows. `needed` tells how many bytes are to be
    /// reserved for so many rows of so many bytes.
    ///
    /// # Errors
    /// What the input fails with.
    pub(super) async fn next_that_fit(
        &mut self,
        enough: usize,
        reservation: &MemoryReservation,
        needed: impl Fn(usize, usize) -> usize,
    ) -> Result<Next> {
        // The last run of `taken` may go on.
        let (mut complete, mut rows, mut taken) = (Vec::new(), 0, Vec::<Piece>::new());
        while let Some(piece) = self.next().await? {
            if piece.begins {
                rows += taken.iter().map(|piece| piece.rows.num_rows()).sum::<usize>();
                complete.extend(taken.drain(..).map(|piece| piece.rows));
                if rows >= enough {
                    self.waiting.push_front(piece);
                    break;
                }
            }
            if reservation.try_grow(needed(piece.rows.num_rows(), used_bytes(&piece.rows))).is_ok() {
                taken.push(piece);
            } else if !complete.is_empty() {
                self.waiting.push_front(piece);
                taken.drain(..).rev().for_each(|piece| self.waiting.push_front(piece));
                break;
            } else if piece.is_one_run() {
                taken.push(piece);
                return Ok(Next::Long(taken.into_iter().map(|piece| piece.rows).collect()));
            } else {
                self.put_back_each(&piece);
            }
        }
        complete.extend(taken.into_iter().map(|piece| piece.rows));
        Ok(if complete.is_empty() { Next::End } else { Next::Whole(complete) })
    }

    /// More rows of the run that was begun last; nothing at its end.
    ///
    /// # Errors
    /// What the input fails with.
    pub(super) async fn rest_of_run(&mut self) -> Result<Option<RecordBatch>> {
        match self.next().await? {
            Some(piece) if piece.begins => {
                self.waiting.push_front(piece);
                Ok(None)
            }
            piece => Ok(piece.map(|piece| piece.rows)),
        }
    }

    /// The next rows: what goes on with the last run, several runs, or the beginning of one that may go on.
    ///
    /// # Errors
    /// What the input fails with.
    async fn next(&mut self) -> Result<Option<Piece>> {
        loop {
            if let Some(piece) = self.waiting.pop_front() {
                return Ok(Some(piece));
            }
            match self.rows.try_next().await? {
                Some(batch) if batch.num_rows() == 0 => {}
                Some(batch) => self.take_apart(batch)?,
                None => return Ok(None),
            }
        }
    }

    /// Puts a piece of several runs back, run by run. Each of them begins here: what goes on with a run is a piece of its own.
    fn put_back_each(&mut self, piece: &Piece) {
        for run in piece.runs.iter().rev() {
            if let Some(piece) = piece.slice(std::slice::from_ref(run), true) {
                self.waiting.push_front(piece);
            }
        }
    }

    fn take_apart(&mut self, rows: RecordBatch) -> Result<()> {
        if self.leading.is_empty() {
            let runs = std::iter::once(0..rows.num_rows()).collect();
            let begins = self.last.replace(Vec::new()).is_none();
            self.waiting.push_back(Piece { rows, begins, runs });
            return Ok(());
        }
        let keys = evaluate_expressions_to_arrays(&self.leading, &rows)?;
        let of_row =
            |row| keys.iter().map(|key| ScalarValue::try_from_array(key, row)).collect::<Result<Vec<_>>>();
        let first = of_row(0)?;
        let begins = self.last.as_ref() != Some(&first);
        self.last = Some(of_row(rows.num_rows() - 1)?);
        let runs = partition(&keys)?.ranges();
        let all = Piece { rows, begins, runs };
        // What may end a run of before, what is complete, and what may go on.
        let inner = 1..all.runs.len().saturating_sub(1).max(1);
        let tail = inner.end..all.runs.len();
        let parts = [(0..1, begins), (inner, true), (tail, true)];
        self.waiting
            .extend(parts.into_iter().filter_map(|(runs, begins)| all.slice(all.runs.get(runs)?, begins)));
        Ok(())
    }
}
