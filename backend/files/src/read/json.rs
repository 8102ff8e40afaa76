//! Rows of NDJSON files.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_json::ReaderBuilder;

use super::{Batches, Reading, bytes_of, conform};
use crate::error::Position;
use crate::survey::{Piece, SurveyedFile, open};
use crate::{FileError, Result};

pub(super) fn rows(reading: &Reading, file: &SurveyedFile, piece: Piece, opened: File) -> Result<Batches> {
    let file = file.file.clone();
    let schema = Arc::clone(&reading.schema);
    // Which must not be NULL is looked at later, when the line can be told.
    let nullable = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let read_as: SchemaRef = Arc::new(Schema::new(nullable.collect::<Vec<Field>>()));
    let bytes = BufReader::with_capacity(1 << 18, bytes_of(&file, opened, piece)?);
    let reader =
        ReaderBuilder::new(Arc::clone(&read_as)).with_batch_size(reading.rows_per_batch).build(bytes);
    let mut reader = reader.map_err(|error| unlocated(&file.shown, &error))?;
    Ok(Box::new(std::iter::from_fn(move || {
        let batch = match reader.next()? {
            Ok(batch) => batch,
            Err(error) => {
                let fault = fault(&file, piece, &schema, &read_as);
                return Some(Err(fault.unwrap_or_else(|| unlocated(&file.shown, &error))));
            }
        };
        let conformed = conform::conformed(&batch, &schema);
        Some(conformed.map_err(|reason| {
            let fault = fault(&file, piece, &schema, &read_as);
            fault.unwrap_or_else(|| FileError::content(&file.shown, Position::File, reason))
        }))
    })))
}

fn unlocated(file: &str, error: &ArrowError) -> FileError {
    FileError::content(file, Position::File, error.to_string())
}

/// What a reader stumbled over: each line is read by itself, until one cannot be.
fn fault(
    file: &crate::listing::ListedFile,
    piece: Piece,
    schema: &SchemaRef,
    read_as: &SchemaRef,
) -> Option<FileError> {
    let bytes = BufReader::new(bytes_of(file, open(file).ok()?, piece).ok()?);
    for (line, text) in (piece.line..).zip(bytes.split(b'\n')) {
        let text = text.ok()?;
        let wrong = |reason: String| Some(FileError::content(&file.shown, Position::Line(line), reason));
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let reader = ReaderBuilder::new(Arc::clone(read_as)).with_batch_size(1).build(text.as_slice());
        for batch in reader.ok()? {
            match batch {
                Ok(batch) => {
                    if let Err(reason) = conform::conformed(&batch, schema) {
                        return wrong(reason);
                    }
                }
                Err(ArrowError::JsonError(reason)) => return wrong(reason),
                Err(error) => return wrong(error.to_string()),
            }
        }
    }
    None
}
