//! Rows of NDJSON files.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use arrow_json::ReaderBuilder;

use super::{BUFFER, Batches, Reading, bytes_of, conform, typed};
use crate::columns::Columns;
use crate::error::Position;
use crate::listing::ListedFile;
use crate::survey::{Piece, SurveyedFile, open};
use crate::{FileError, Result};

pub(super) fn rows(reading: &Reading, file: &SurveyedFile, piece: Piece, opened: File) -> Result<Batches> {
    let file = file.file.clone();
    let columns = reading.columns.clone();
    let texts = texts_of(&columns);
    let bytes = BufReader::with_capacity(BUFFER, bytes_of(&file, opened, piece)?);
    let reader = builder(&texts, reading.rows_per_batch).build(bytes);
    let mut reader = reader.map_err(|error| unlocated(&file.shown, error.to_string()))?;
    Ok(Box::new(std::iter::from_fn(move || {
        let batch = reader.next()?.map_err(|error| reason_of(&error));
        let result = batch.and_then(|batch| rows_of(&batch, &columns));
        Some(result.map_err(|reason| {
            let fault = fault(&file, piece, &columns, &texts);
            fault.unwrap_or_else(|| unlocated(&file.shown, reason))
        }))
    })))
}

/// The columns as the reader gives them: numbers, dates and the like as texts, whatever they are in JSON. All may be NULL
/// here: which must not is looked at later, when the line can be told.
fn texts_of(columns: &Columns) -> SchemaRef {
    let fields = columns.declared.fields().iter();
    let texts = fields.map(|field| typed::text_field(field).with_nullable(true));
    Arc::new(Schema::new(texts.collect::<Vec<Field>>()))
}

/// Whether a value is a number or a text in JSON was looked at when the file was.
fn builder(texts: &SchemaRef, rows_per_batch: usize) -> ReaderBuilder {
    ReaderBuilder::new(Arc::clone(texts)).with_coerce_primitive(true).with_batch_size(rows_per_batch)
}

/// The rows of a batch as the reader gives it, in the types of the table; or what is wrong with them.
fn rows_of(batch: &RecordBatch, columns: &Columns) -> Result<RecordBatch, String> {
    let mut values = Vec::with_capacity(batch.num_columns());
    let mut fields = Vec::with_capacity(batch.num_columns());
    for (wanted, texts) in columns.declared.fields().iter().zip(batch.columns()) {
        let typed = typed::typed(texts, wanted.data_type(), false);
        values.push(typed.map_err(|fault| format!("column `{}`: {}", wanted.name(), fault.reason))?);
        fields.push(wanted.as_ref().clone().with_nullable(true));
    }
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let typed = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), values, &rows);
    conform::conformed(&typed.map_err(|error| error.to_string())?, columns)
}

fn reason_of(error: &ArrowError) -> String {
    match error {
        ArrowError::JsonError(reason) => reason.clone(),
        error => error.to_string(),
    }
}

fn unlocated(file: &str, reason: String) -> FileError {
    FileError::content(file, Position::File, reason)
}

/// What a reader stumbled over: each line is read by itself, until one cannot be.
fn fault(file: &ListedFile, piece: Piece, columns: &Columns, texts: &SchemaRef) -> Option<FileError> {
    let bytes = BufReader::new(bytes_of(file, open(file).ok()?, piece).ok()?);
    for (line, text) in (piece.line..).zip(bytes.split(b'\n')) {
        let text = text.ok()?;
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        for batch in builder(texts, 1).build(text.as_slice()).ok()? {
            let rows = batch.map_err(|error| reason_of(&error)).and_then(|batch| rows_of(&batch, columns));
            if let Err(reason) = rows {
                return Some(FileError::content(&file.shown, Position::Line(line), reason));
            }
        }
    }
    None
}
