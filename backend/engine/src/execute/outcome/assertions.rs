//! The rows that fail an assertion: counted, and the first of them kept to be shown.

use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use ir::diag::{Diagnostic, codes};
use ir::op::{AssertionSeverity, Check};

/// Failing rows kept of an assertion.
const SHOWN_ROWS: usize = 10;
/// Characters kept of a value.
const SHOWN_CHARACTERS: usize = 60;

/// An assertion that was evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionOutcome {
    /// The node of its check.
    pub check: String,
    /// What is asserted, of what, and how grave it is.
    pub assertion: Check,
    /// How many rows fail; of `unique`, how many keys several rows have.
    pub failures: u64,
    /// The first of them. Values are data: they are shown, and no record has them.
    pub shown: FailingRows,
    /// The time to plan and run what finds them; what it reads of shared views was computed before.
    pub time: Duration,
}

impl AssertionOutcome {
    /// Whether it stops the run.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.failures > 0 && self.assertion.severity == AssertionSeverity::Error
    }

    /// The finding a user is shown; nothing where it holds.
    #[must_use]
    pub fn diagnostic(&self) -> Option<Diagnostic> {
        if self.failures == 0 {
            return None;
        }
        let Check { assertion, subject, rule, severity } = &self.assertion;
        let (code, end) = match severity {
            AssertionSeverity::Error => (codes::ASSERTION_FAILED, "; nothing was published"),
            AssertionSeverity::Warn => (codes::ASSERTION_WARNED, ""),
        };
        let cases = if self.failures == 1 { "1 case".to_owned() } else { format!("{} cases", self.failures) };
        let message = format!("assertion `{assertion}` of {subject} fails in {cases} ({rule}){end}");
        let found = Diagnostic::new(code, message).about("assertion", assertion).about("subject", subject);
        Some(found.about("failures", self.failures.to_string()).rows(self.shown.lines(self.failures)))
    }
}

/// Rows that fail, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailingRows {
    /// The columns: those that the assertion is about, then those of keys.
    pub columns: Vec<String>,
    /// The values of each row; NULL is nothing.
    pub rows: Vec<Vec<Option<String>>>,
}

impl FailingRows {
    /// Adds the first rows of a batch, as many as are shown.
    ///
    /// # Errors
    /// When values cannot be shown.
    pub(in crate::execute) fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let schema = batch.schema();
        if self.columns.is_empty() {
            self.columns = schema.fields().iter().map(|field| field.name().clone()).collect();
        }
        let wanted = SHOWN_ROWS.saturating_sub(self.rows.len()).min(batch.num_rows());
        if wanted == 0 {
            return Ok(());
        }
        let options = FormatOptions::default();
        let formatters: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<Result<_, _>>()?;
        for row in 0..wanted {
            let values = batch.columns().iter().zip(&formatters).map(|(column, formatter)| {
                if column.is_null(row) {
                    return Ok(None);
                }
                formatter.value(row).try_to_string().map(|value| Some(shortened(value)))
            });
            self.rows.push(values.collect::<Result<_, ArrowError>>()?);
        }
        Ok(())
    }

    /// Adds rows of another partition.
    pub(in crate::execute) fn extend(&mut self, other: Self) {
        if self.columns.is_empty() {
            self.columns = other.columns;
        }
        self.rows.extend(other.rows.into_iter().take(SHOWN_ROWS.saturating_sub(self.rows.len())));
    }

    /// As a table with a header; the last line counts what is not shown.
    fn lines(&self, failures: u64) -> Vec<String> {
        let cell = |value: &Option<String>| value.clone().unwrap_or_else(|| "NULL".to_owned());
        let header = std::iter::once(self.columns.clone());
        let table: Vec<Vec<String>> =
            header.chain(self.rows.iter().map(|row| row.iter().map(cell).collect())).collect();
        let width = |column: usize| {
            let cells = table.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let shown = u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
        let more = failures.saturating_sub(shown);
        table.iter().map(line).chain((more > 0).then(|| format!("and {more} more"))).collect()
    }
}

/// A value in one short line.
fn shortened(value: String) -> String {
    let line = value.replace(['\n', '\r', '\t'], " ");
    match line.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
