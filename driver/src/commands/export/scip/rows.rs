//! Rows of the queries of an index: columns by their names, and the rows of one file after the other.

use arrow::array::{Array, AsArray as _, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use pipeline::Answer;

use super::super::questions::{EvenRows, Questions, unreadable};
use crate::failure::Failure;

/// A column in the one type for its values.
#[derive(Clone, Debug)]
enum Column {
    Text(StringArray),
    Number(Int64Array),
    Truth(BooleanArray),
}

/// The columns of a batch.
#[derive(Debug)]
pub(super) struct Columns {
    columns: Vec<(String, Column)>,
    rows: usize,
}

impl Columns {
    pub(super) fn of(batch: &RecordBatch) -> Result<Self, Failure> {
        let column =
            |(field, column): (&std::sync::Arc<arrow::datatypes::Field>, &arrow::array::ArrayRef)| {
                let column = match field.data_type() {
                    DataType::Boolean => Column::Truth(column.as_boolean().clone()),
                    data_type if data_type.is_integer() => {
                        let numbers = cast(column, &DataType::Int64).map_err(unreadable)?;
                        Column::Number(numbers.as_primitive::<Int64Type>().clone())
                    }
                    _ => Column::Text(cast(column, &DataType::Utf8).map_err(unreadable)?.as_string().clone()),
                };
                Ok((field.name().clone(), column))
            };
        batch
            .schema()
            .fields()
            .iter()
            .zip(batch.columns())
            .map(column)
            .collect::<Result<_, _>>()
            .map(|columns| Self { columns, rows: batch.num_rows() })
    }

    /// The rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.rows).map(|row| Row { columns: self, row })
    }
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    columns: &'a Columns,
    row: usize,
}

impl<'a> Row<'a> {
    fn column(self, name: &str) -> Option<&'a Column> {
        self.columns.columns.iter().find(|(column, _)| column == name).map(|(_, column)| column)
    }

    /// A text; an empty one for NULL.
    pub(super) fn text(self, name: &str) -> &'a str {
        match self.column(name) {
            Some(Column::Text(texts)) if texts.is_valid(self.row) => texts.value(self.row),
            _ => "",
        }
    }

    /// A number; 0 for NULL.
    pub(super) fn number(self, name: &str) -> i64 {
        match self.column(name) {
            Some(Column::Number(numbers)) if numbers.is_valid(self.row) => numbers.value(self.row),
            _ => 0,
        }
    }

    /// A number that an index has room for.
    pub(super) fn small(self, name: &str) -> i32 {
        i32::try_from(self.number(name)).unwrap_or(i32::MAX)
    }

    /// Whether something is true.
    pub(super) fn is(self, name: &str) -> bool {
        matches!(self.column(name), Some(Column::Truth(truths)) if truths.is_valid(self.row) && truths.value(self.row))
    }

    /// Whether there is a number.
    pub(super) fn known(self, name: &str) -> bool {
        matches!(self.column(name), Some(Column::Number(numbers)) if numbers.is_valid(self.row))
    }
}

/// Rows that are ordered by the column `path`, read file by file.
pub(super) struct ByFile<'a> {
    batches: EvenRows<'a>,
    columns: Option<Columns>,
    row: usize,
}

impl<'a> ByFile<'a> {
    /// The rows of an answer.
    pub(super) fn new(questions: &'a Questions<'_>, answer: &'a Answer) -> Result<Self, Failure> {
        Ok(Self { batches: questions.rows(answer)?, columns: None, row: 0 })
    }

    /// Calls a function with the rows of a file. Those of files before it are passed over.
    pub(super) fn each_of(
        &mut self,
        path: &str,
        mut use_row: impl FnMut(Row<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        loop {
            let Some(columns) = self.columns.as_ref().filter(|columns| self.row < columns.rows) else {
                let Some(batch) = self.batches.next() else { return Ok(()) };
                self.columns = Some(Columns::of(&batch?)?);
                self.row = 0;
                continue;
            };
            let row = Row { columns, row: self.row };
            match row.text("path").cmp(path) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => use_row(row)?,
                std::cmp::Ordering::Greater => return Ok(()),
            }
            self.row += 1;
        }
    }
}
