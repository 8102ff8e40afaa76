//! One sorted input of the span join, cut into runs of rows with equal keys.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::{SortOptions, partition, take};
use arrow::datatypes::Schema;
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::utils::memory::get_record_batch_memory_size;
use datafusion::common::{Result, exec_err, internal_datafusion_err};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::metrics::Count;
use futures::StreamExt;

use super::SpanComparison;
use super::positions::positions;
use super::sweep::Span;

/// The order of keys: what `ORDER BY key` means in SQL.
pub(super) const KEY_ORDER: SortOptions = SortOptions { descending: false, nulls_first: false };

/// The columns of one input that decide what joins.
#[derive(Debug, Clone)]
pub(super) struct InputColumns {
    /// For messages.
    pub(super) side: &'static str,
    pub(super) keys: Vec<usize>,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) comparison: SpanComparison,
}

impl InputColumns {
    /// The row format in which keys are compared; `None` without keys.
    pub(super) fn key_format(&self, schema: &Schema) -> Result<Option<Arc<RowConverter>>> {
        if self.keys.is_empty() {
            return Ok(None);
        }
        let fields = self
            .keys
            .iter()
            .map(|key| Ok(SortField::new_with_options(schema.field(*key).data_type().clone(), KEY_ORDER)))
            .collect::<Result<_>>()?;
        Ok(Some(Arc::new(RowConverter::new(fields)?)))
    }
}

/// A batch with its runs of equal keys and its spans.
#[derive(Debug)]
pub(super) struct KeyedBatch {
    pub(super) batch: RecordBatch,
    runs: Vec<Range<usize>>,
    /// The key of each run; `None` without keys.
    keys: Option<Rows>,
    /// Whether a column of each run's key is NULL.
    null_keys: Vec<bool>,
    starts: Int64Array,
    ends: Int64Array,
    /// Whether inverted spans can match.
    keeps_inverted: bool,
    /// Bytes that the batch keeps alive.
    pub(super) memory: usize,
}

impl KeyedBatch {
    fn try_new(batch: RecordBatch, columns: &InputColumns, format: Option<&RowConverter>) -> Result<Self> {
        let starts = positions(batch.column(columns.start), columns.comparison)?;
        let ends = positions(batch.column(columns.end), columns.comparison)?;
        let keeps_inverted = columns.comparison != SpanComparison::HalfOpen;
        let memory = get_record_batch_memory_size(&batch);
        let Some(format) = format else {
            let runs = std::iter::once(0..batch.num_rows()).collect();
            return Ok(Self {
                batch,
                runs,
                keys: None,
                null_keys: vec![false],
                starts,
                ends,
                keeps_inverted,
                memory,
            });
        };
        let keys: Vec<ArrayRef> =
            columns.keys.iter().map(|key| ArrayRef::clone(batch.column(*key))).collect();
        let runs = partition(&keys)?.ranges();
        let heads: UInt32Array = runs.iter().map(|run| run.start as u32).collect();
        let heads: Vec<ArrayRef> =
            keys.iter().map(|key| take(key, &heads, None)).collect::<Result<_, _>>()?;
        let nulls: Vec<_> = heads.iter().filter_map(|key| key.logical_nulls()).collect();
        let null_keys = (0..runs.len()).map(|run| nulls.iter().any(|nulls| nulls.is_null(run))).collect();
        let keys = Some(format.convert_columns(&heads)?);
        Ok(Self { batch, runs, keys, null_keys, starts, ends, keeps_inverted, memory })
    }

    /// A batch whose spans and keys are known already.
    pub(super) fn of_known_spans(batch: RecordBatch) -> Self {
        let memory = get_record_batch_memory_size(&batch);
        let [starts, ends] = [Vec::<i64>::new(), Vec::new()].map(Int64Array::from);
        let (runs, null_keys, keeps_inverted) = (Vec::new(), Vec::new(), false);
        Self { batch, runs, keys: None, null_keys, starts, ends, keeps_inverted, memory }
    }

    /// The key of a run as comparable bytes.
    fn key(&self, run: usize) -> &[u8] {
        self.keys.as_ref().map_or(&[], |keys| keys.row(run).data())
    }

    /// The span of a row, unless a bound is NULL, or the span is inverted and inverted spans match nothing.
    pub(super) fn span(&self, row: usize) -> Option<Span> {
        if self.starts.is_null(row) || self.ends.is_null(row) {
            return None;
        }
        let span = Span { start: self.starts.value(row), end: self.ends.value(row) };
        (span.start <= span.end || self.keeps_inverted).then_some(span)
    }

    fn inverted_spans(&self) -> usize {
        let spans = self.starts.iter().zip(self.ends.iter());
        spans.filter(|(start, end)| matches!((start, end), (Some(start), Some(end)) if end < start)).count()
    }
}

/// A maximal sequence of rows of one batch with the same key.
pub(super) struct Run<'a> {
    pub(super) batch: &'a Arc<KeyedBatch>,
    pub(super) rows: Range<usize>,
    /// Comparable bytes of the key.
    pub(super) key: &'a [u8],
    /// Whether a key column is NULL, so that nothing matches.
    pub(super) null_key: bool,
}

/// A sorted input as a sequence of runs.
pub(super) struct SortedInput {
    stream: SendableRecordBatchStream,
    columns: InputColumns,
    format: Option<Arc<RowConverter>>,
    inverted_spans: Count,
    current: Option<(Arc<KeyedBatch>, usize)>,
    last_key: Vec<u8>,
    ended: bool,
}

impl SortedInput {
    /// Reads `stream`, whose rows are sorted by their keys. Keys of two inputs can be compared when they have
    /// the same `format`.
    pub(super) fn new(
        stream: SendableRecordBatchStream,
        columns: InputColumns,
        format: Option<Arc<RowConverter>>,
        inverted_spans: Count,
    ) -> Self {
        Self { stream, columns, format, inverted_spans, current: None, last_key: Vec::new(), ended: false }
    }

    /// Makes sure that [`Self::run`] answers. False at the end of the input.
    pub(super) async fn fill(&mut self) -> Result<bool> {
        while self.current.is_none() && !self.ended {
            match self.stream.next().await.transpose()? {
                None => self.ended = true,
                Some(batch) if batch.num_rows() == 0 => {}
                Some(batch) => {
                    let batch = KeyedBatch::try_new(batch, &self.columns, self.format.as_deref())?;
                    self.inverted_spans.add(batch.inverted_spans());
                    self.check_order(&batch)?;
                    self.current = Some((Arc::new(batch), 0));
                }
            }
        }
        Ok(self.current.is_some())
    }

    /// A wrong order would silently lose matches, so a broken promise of the input is an error.
    fn check_order(&mut self, batch: &KeyedBatch) -> Result<()> {
        for run in 0..batch.runs.len() {
            if batch.key(run) < self.last_key.as_slice() {
                return exec_err!(
                    "span join: the {} input is not sorted by its keys as it declares",
                    self.columns.side
                );
            }
            self.last_key.clear();
            self.last_key.extend_from_slice(batch.key(run));
        }
        Ok(())
    }

    /// The current run.
    ///
    /// # Errors
    /// When [`Self::fill`] did not say that there is one.
    pub(super) fn run(&self) -> Result<Run<'_>> {
        let run = self.current.as_ref().and_then(|(batch, run)| {
            let rows = batch.runs.get(*run)?.clone();
            let null_key = batch.null_keys.get(*run).copied().unwrap_or(false);
            Some(Run { batch, rows, key: batch.key(*run), null_key })
        });
        run.ok_or_else(|| {
            internal_datafusion_err!("span join: the {} input has no current run", self.columns.side)
        })
    }

    /// Goes to the next run.
    pub(super) fn advance(&mut self) {
        if let Some((batch, run)) = &mut self.current {
            *run += 1;
            if *run >= batch.runs.len() {
                self.current = None;
            }
        }
    }
}
