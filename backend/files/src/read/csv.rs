//! Rows of CSV files.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::sync::Arc;

use arrow::array::Array as _;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use arrow_csv::ReaderBuilder;

use super::{BUFFER, Batches, Reading, bytes_of, conform, typed};
use crate::columns::Columns;
use crate::error::Position;
use crate::listing::ListedFile;
use crate::options::CsvForm;
use crate::survey::csv::{BlankRows, Records};
use crate::survey::text::Syntax as _;
use crate::survey::{FileColumns, Piece, SurveyedFile, open};
use crate::{FileError, Result};

pub(super) fn rows(
    reading: &Reading,
    form: &CsvForm,
    file: &SurveyedFile,
    piece: Piece,
    opened: File,
) -> Result<Batches> {
    let source = Arc::new(Source {
        file: file.file.clone(),
        form: CsvForm { has_header: form.has_header && is_first(file, piece), ..form.clone() },
        piece,
        names: names_of(reading, file),
        columns: reading.columns.clone(),
    });
    let mut reader = source.reader(reading.rows_per_batch, opened)?;
    let mut before: u64 = 0;
    Ok(Box::new(std::iter::from_fn(move || {
        let batch = match reader.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(source.unlocated(&error.to_string()))),
        };
        let result = source.typed(&batch, before);
        before += batch.num_rows() as u64;
        Some(result)
    })))
}

fn is_first(file: &SurveyedFile, piece: Piece) -> bool {
    file.pieces.first() == Some(&piece)
}

/// The names of the columns of a file, in its order, as the table has them.
fn names_of(reading: &Reading, file: &SurveyedFile) -> Vec<String> {
    let all = reading.table.schema();
    let found = file.columns.fields().iter().enumerate();
    let names = found.map(|(place, field)| match file.columns {
        FileColumns::Unnamed(_) => all.fields().get(place).unwrap_or(field).name().clone(),
        _ => field.name().clone(),
    });
    names.collect()
}

/// A piece of a file, and what is read of it.
struct Source {
    file: ListedFile,
    form: CsvForm,
    piece: Piece,
    /// Of all columns of the file.
    names: Vec<String>,
    columns: Columns,
}

impl Source {
    /// The reader of the columns that are read, as texts.
    fn reader(
        self: &Arc<Self>,
        rows_per_batch: usize,
        opened: File,
    ) -> Result<arrow_csv::reader::BufReader<Box<dyn BufRead + Send>>> {
        let texts = self.names.iter().map(|name| Field::new(name, DataType::Utf8View, true));
        let texts = Arc::new(Schema::new(texts.collect::<Vec<_>>()));
        let read = |name: &String| self.columns.scanned.column_with_name(name).is_some();
        let places = (0..).zip(&self.names).filter(|(_, name)| read(name)).map(|(place, _)| place);
        let bytes = BufReader::with_capacity(BUFFER, bytes_of(&self.file, opened, self.piece)?);
        let bytes: Box<dyn BufRead + Send> = match self.names.len() {
            1 => Box::new(BufReader::with_capacity(BUFFER, BlankRows::new(bytes, self.records(None)))),
            _ => Box::new(bytes),
        };
        ReaderBuilder::new(texts)
            .with_format(self.form.format())
            .with_batch_size(rows_per_batch)
            .with_projection(places.collect())
            .build_buffered(bytes)
            .map_err(|error| self.unlocated(&error.to_string()))
    }

    fn unlocated(&self, error: &str) -> FileError {
        FileError::content(&self.file.shown, Position::File, error)
    }

    /// The rows of a batch of texts, in the types of the table. So many rows of the piece stand before it.
    fn typed(&self, batch: &RecordBatch, before: u64) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(batch.num_columns());
        let mut faults = Vec::new();
        for (field, texts) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let Some(wanted) = self.columns.declared.field_with_name(field.name()).ok() else { continue };
            match typed::typed(texts, wanted.data_type(), self.columns.inferred) {
                Ok(values) => columns.push((wanted.clone().with_nullable(true), values)),
                Err(fault) => faults.push((fault.row, field.name(), fault.reason)),
            }
        }
        // Of several, what stands first in the file.
        if let Some((row, column, reason)) = faults.into_iter().min() {
            return Err(self.at(before + row as u64, format!("column `{column}`: {reason}")));
        }
        let (fields, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let typed = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), values, &rows);
        let typed = typed.map_err(|error| self.unlocated(&error.to_string()))?;
        conform::conformed(&typed, &self.columns)
            .map_err(|reason| self.null(&typed, before).unwrap_or_else(|| self.unlocated(&reason)))
    }

    /// The first row of a batch that is NULL in a column that must not be.
    fn null(&self, batch: &RecordBatch, before: u64) -> Option<FileError> {
        let required = self.columns.scanned.fields().iter().filter(|field| !field.is_nullable());
        let first = required.filter_map(|field| {
            let nulls = batch.column_by_name(field.name())?.logical_nulls()?;
            let row = (0..nulls.len()).find(|row| nulls.is_null(*row))?;
            Some((row, field.name()))
        });
        let (row, column) = first.min()?;
        let reason = format!("column `{column}` has no value, and must not be NULL");
        Some(self.at(before + row as u64, reason))
    }

    /// A finding at a row of the piece: at the line in which it begins.
    fn at(&self, row: u64, reason: String) -> FileError {
        let header = u64::from(self.form.has_header);
        let mut records = self.records(Some(row + header));
        let mut text = Vec::new();
        let read = open(&self.file).and_then(|opened| {
            let mut bytes = bytes_of(&self.file, opened, self.piece)?;
            bytes.read_to_end(&mut text).map_err(|error| FileError::unreadable(&self.file.shown, error))
        });
        // The row was found once before; if it cannot be found any more, the file still is.
        let found = read.and_then(|_| records.feed(&text, self.piece.start)).is_ok();
        let position = records.found.filter(|_| found).map_or(Position::File, Position::Line);
        FileError::content(&self.file.shown, position, reason)
    }

    /// What finds the rows of the piece, and the line of one that is looked for.
    fn records(&self, wanted: Option<u64>) -> Records {
        Records::of_piece(&self.file, &self.form, self.names.len(), self.piece.line, wanted)
    }
}
