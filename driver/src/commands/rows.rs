//! Rows as they are computed, written in a form: as many as are wanted, and on a terminal no more than are looked at.

use std::collections::VecDeque;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use pipeline::PipelineError;

use super::Context;
use crate::cli::Format;
use crate::failure::Failure;
use crate::report::{Layout, RowError, RowWriter, row_writer};
use crate::terminal::{Paged, Wanted};

/// What became of rows.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// How many there were, those that were passed over among them.
    pub(crate) rows: usize,
    /// Whether there are more, which were not asked for.
    pub(crate) is_cut: bool,
    /// What people should know of how they are shown.
    pub(crate) remark: Option<String>,
}

/// Writes the first rows, or all of them, to what is called `place` in messages. What is not written is not computed, and what is passed over is not held.
pub(crate) fn write_rows(
    writer: &mut dyn RowWriter,
    batches: &mut dyn Iterator<Item = Result<RecordBatch, PipelineError>>,
    max_rows: Option<usize>,
    out: &mut Paged<'_>,
    place: &str,
) -> Result<Written, Failure> {
    let failed = |error: RowError| error.into_failure(place);
    let mut written = Written::default();
    let mut passed = Passed::default();
    for batch in batches {
        let batch = batch?;
        let room = max_rows.map_or(usize::MAX, |most| most - written.rows);
        written.is_cut = batch.num_rows() > room;
        let batch = if written.is_cut { batch.slice(0, room) } else { batch };
        written.rows += batch.num_rows();
        match out.wanted() {
            Wanted::All => writer.write(&batch, out).map_err(failed)?,
            Wanted::Last(rows) => passed.push(batch, rows),
        }
        if written.is_cut {
            break;
        }
    }
    for batch in passed.batches {
        writer.write(&batch, out).map_err(failed)?;
    }
    written.remark = writer.finish(out).map_err(failed)?;
    Ok(written)
}

/// Writes all rows to stdout in the form of results.
pub(crate) fn print_rows(
    context: &mut Context<'_>,
    schema: &SchemaRef,
    batches: &mut dyn Iterator<Item = Result<RecordBatch, PipelineError>>,
) -> Result<(), Failure> {
    let format = context.console.format;
    if format == Format::Parquet {
        let message =
            "`--format parquet` is for `sql` with `--output FILE`; use text, csv, json, ndjson or markdown";
        return Err(Failure::Usage(message.to_owned()));
    }
    let width = context.console.terminals.screen().map(|screen| screen.columns);
    let writer = row_writer(format, schema, Layout { width, is_text: false });
    let mut writer = writer.map_err(|error| error.into_failure("stdout"))?;
    let mut out = Paged::off(context.console.writer());
    let written = write_rows(writer.as_mut(), batches, None, &mut out, "stdout")?;
    if let Some(remark) = written.remark {
        context.console.note(&format!("{remark}\n"));
    }
    Ok(())
}

/// The last of the rows that were passed over.
#[derive(Default)]
struct Passed {
    batches: VecDeque<RecordBatch>,
    rows: usize,
}

impl Passed {
    /// Keeps what is needed to have so many rows.
    fn push(&mut self, batch: RecordBatch, wanted: usize) {
        let batch = batch.slice(batch.num_rows().saturating_sub(wanted), batch.num_rows().min(wanted));
        self.rows += batch.num_rows();
        self.batches.push_back(batch);
        while let Some(first) = self.batches.front().filter(|first| self.rows - first.num_rows() >= wanted) {
            self.rows -= first.num_rows();
            self.batches.pop_front();
        }
    }
}
