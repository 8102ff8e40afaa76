//! The runs of rows whose leading keys are equal.
//!
//! An input that is ordered by some of the keys an aggregation groups by has its groups in such runs: a group never
//! reaches into another one. So whole runs can be aggregated by themselves, one after the other, and the groups come in
//! the order of the leading keys. These are no floats, whose order tells more values apart than groups do.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::partition;
use datafusion::common::{Result, ScalarValue};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr_common::utils::evaluate_expressions_to_arrays;
use futures::TryStreamExt as _;

/// Rows that follow each other.
pub(super) struct Piece {
    pub(super) rows: RecordBatch,
    /// Whether its first row begins a run; otherwise it goes on with the run of the piece before.
    pub(super) begins: bool,
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
    pub(super) fn is_one_run(&self) -> bool {
        self.runs.len() <= 1
    }
}

/// The pieces of an input that is ordered by the leading keys.
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

    /// The next rows: what goes on with the last run, several runs, or the beginning of one that may go on.
    ///
    /// # Errors
    /// What the input fails with.
    pub(super) async fn next(&mut self) -> Result<Option<Piece>> {
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

    /// Puts a piece back, as the next one.
    pub(super) fn put_back(&mut self, piece: Piece) {
        self.waiting.push_front(piece);
    }

    /// Puts a piece of several runs back, run by run. Each of them begins here: what goes on with a run is a piece of its own.
    pub(super) fn put_back_each(&mut self, piece: &Piece) {
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
