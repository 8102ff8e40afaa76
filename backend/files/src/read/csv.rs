//! Rows of CSV files.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow_csv::ReaderBuilder;

use super::{Batches, Reading, bytes_of, conform};
use crate::error::{Position, shown, type_name};
use crate::listing::ListedFile;
use crate::options::CsvForm;
use crate::survey::csv::Records;
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
    let source = Source {
        file: file.file.clone(),
        form: CsvForm { has_header: form.has_header && is_first(file, piece), ..form.clone() },
        piece,
        columns: columns_of(reading, file),
        schema: Arc::clone(&reading.schema),
    };
    let places = source.places();
    let mut reader = source.reader(&source.columns, &places, reading.rows_per_batch, opened)?;
    let mut before: u64 = 0;
    Ok(Box::new(std::iter::from_fn(move || {
        let batch = match reader.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(source.fault(&error))),
        };
        let conformed = conform::conformed(&batch, &source.schema);
        let result = conformed.map_err(|reason| {
            source
                .null(&batch, before)
                .unwrap_or_else(|| FileError::content(&source.file.shown, Position::File, reason))
        });
        before += batch.num_rows() as u64;
        Some(result)
    })))
}

fn is_first(file: &SurveyedFile, piece: Piece) -> bool {
    file.pieces.first() == Some(&piece)
}

/// The columns of a file, in its order, each with the type of the table's column, if it is read. All may be NULL here: which
/// must not is looked at later, when the row can be told.
fn columns_of(reading: &Reading, file: &SurveyedFile) -> SchemaRef {
    let all = reading.table.schema();
    let found = file.columns.fields().iter().enumerate();
    let columns = found.map(|(place, field)| {
        let wanted = match file.columns {
            FileColumns::Unnamed(_) => all.fields().get(place),
            _ => all.fields().iter().find(|wanted| wanted.name() == field.name()),
        };
        match wanted {
            Some(wanted) => wanted.as_ref().clone().with_nullable(true),
            None => Field::new(field.name(), DataType::Utf8View, true),
        }
    });
    Arc::new(Schema::new(columns.collect::<Vec<_>>()))
}

/// A piece of a file, and what is read of it.
struct Source {
    file: ListedFile,
    form: CsvForm,
    piece: Piece,
    columns: SchemaRef,
    schema: SchemaRef,
}

impl Source {
    /// The places of the columns that are read.
    fn places(&self) -> Vec<usize> {
        let fields = self.columns.fields().iter().enumerate();
        let read = fields.filter(|(_, field)| self.schema.column_with_name(field.name()).is_some());
        read.map(|(place, _)| place).collect()
    }

    fn reader(
        &self,
        columns: &SchemaRef,
        places: &[usize],
        rows_per_batch: usize,
        opened: File,
    ) -> Result<arrow_csv::reader::BufReader<BufReader<std::io::Take<File>>>> {
        let bytes = BufReader::with_capacity(1 << 18, bytes_of(&self.file, opened, self.piece)?);
        ReaderBuilder::new(Arc::clone(columns))
            .with_format(self.form.format())
            .with_batch_size(rows_per_batch)
            .with_projection(places.to_vec())
            .build_buffered(bytes)
            .map_err(|error| self.unlocated(&error))
    }

    fn unlocated(&self, error: &ArrowError) -> FileError {
        FileError::content(&self.file.shown, Position::File, error.to_string())
    }

    /// What a reader stumbled over: it is read again, row by row, and the row in which it fails column by column.
    fn fault(&self, error: &ArrowError) -> FileError {
        let places = self.places();
        let Some(row) = self.failing(&self.columns, &places) else { return self.unlocated(error) };
        let column = places.into_iter().find(|place| self.failing(&self.columns, &[*place]) == Some(row));
        let Some(column) = column else { return self.at(row, error.to_string()) };
        let field = self.columns.field(column);
        let as_text = field.clone().with_data_type(DataType::Utf8View);
        let texts = self.columns.fields().iter().map(|field| match field.name() == as_text.name() {
            true => Arc::new(as_text.clone()),
            false => Arc::clone(field),
        });
        let texts = Arc::new(Schema::new(texts.collect::<Vec<_>>()));
        let value = self.row(&texts, column, row).map_or_else(String::new, |value| shown(&value));
        let reason = format!(
            "column `{}`: {value} is no {}; if it is right, give the column another type in the input's `schema`",
            field.name(),
            type_name(field.data_type()),
        );
        self.at(row, reason)
    }

    /// The first row of the piece that cannot be read, counted from 0.
    fn failing(&self, columns: &SchemaRef, places: &[usize]) -> Option<u64> {
        let reader = self.reader(columns, places, 1, open(&self.file).ok()?).ok()?;
        (0..).zip(reader).find(|(_, batch)| batch.is_err()).map(|(row, _)| row)
    }

    /// A value of a row, as a text.
    fn row(&self, columns: &SchemaRef, place: usize, row: u64) -> Option<String> {
        let mut reader = self.reader(columns, &[place], 1, open(&self.file).ok()?).ok()?;
        let batch = reader.nth(usize::try_from(row).ok()?)?.ok()?;
        let texts = batch.columns().first()?.as_string_view_opt()?;
        (texts.len() == 1 && texts.is_valid(0)).then(|| texts.value(0).to_owned())
    }

    /// The first row of a batch that is NULL in a column that must not be.
    fn null(&self, batch: &RecordBatch, before: u64) -> Option<FileError> {
        let required = self.schema.fields().iter().filter(|field| !field.is_nullable());
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
        let mut records = Records::looking_for(&self.file, &self.form, row + header, self.piece.line);
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
}
