//! What answers a statement.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use ir::diag::{Diagnostic, SourceMap};
use tempfile::TempDir;

use super::Preview;
use crate::{Compilation, Result, Workers};

/// What answers a statement: a query that is compiled and not computed yet, or rows.
#[derive(Debug)]
pub struct Answer(pub(super) Form);

#[derive(Debug)]
pub(super) enum Form {
    /// A query, and the folder of tables that were made for it, which goes away with it.
    Compiled { compilation: Box<Compilation>, _made: Option<TempDir> },
    /// Rows.
    Rows(RecordBatch),
    /// Lines of text, as rows of one column.
    Lines(RecordBatch),
}

impl Answer {
    /// What was found of the query, with its text.
    #[must_use]
    pub fn findings(&self) -> Option<(&[Diagnostic], &SourceMap)> {
        match &self.0 {
            Form::Compiled { compilation, .. } => Some((&compilation.diagnostics, &compilation.source.map)),
            Form::Rows(_) | Form::Lines(_) => None,
        }
    }

    /// Whether its rows are lines of one text, to be shown as they are.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.0, Form::Lines(_))
    }

    /// Computes its rows, while they are read.
    ///
    /// # Errors
    /// When the query cannot be planned, or the workers are stopped.
    pub fn rows<'a>(&'a self, workers: &'a Workers) -> Result<AnswerRows<'a>> {
        Ok(match &self.0 {
            Form::Compiled { compilation, .. } => {
                let rows = compilation.preview(workers)?;
                AnswerRows {
                    schema: SchemaRef::clone(&rows.schema),
                    batches: Batches::Computed(Box::new(rows)),
                }
            }
            Form::Rows(batch) | Form::Lines(batch) => {
                AnswerRows { schema: batch.schema(), batches: Batches::Known(Some(batch.clone())) }
            }
        })
    }
}

/// The rows of an answer.
#[derive(Debug)]
pub struct AnswerRows<'a> {
    /// The columns.
    pub schema: SchemaRef,
    batches: Batches<'a>,
}

#[derive(Debug)]
enum Batches<'a> {
    Computed(Box<Preview<'a>>),
    Known(Option<RecordBatch>),
}

impl Iterator for AnswerRows<'_> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.batches {
            Batches::Computed(rows) => rows.next(),
            Batches::Known(batch) => batch.take().map(Ok),
        }
    }
}
