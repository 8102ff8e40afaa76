//! The rows of a piece of a file, as the table has them.

mod conform;
mod csv;
mod json;
mod typed;

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Take};

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::columns::Columns;
use crate::error::Position;
use crate::listing::ListedFile;
use crate::options::FormatOptions;
use crate::survey::guard::guarded;
use crate::survey::parquet::footer;
use crate::survey::{Piece, SurveyedFile, arrow as ipc, open, unchanged};
use crate::table::FileTable;
use crate::{FileError, Result};
pub(crate) use typed::is_parsed;

/// So many bytes of a text are read at a time.
const BUFFER: usize = 1 << 18;

/// What is read of a table at a time.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) table: FileTable,
    /// The columns that are read.
    pub(crate) columns: Columns,
    pub(crate) rows_per_batch: usize,
}

/// The batches of a piece of a file. Before the last is given, the file is looked at once more: if it was written to in the
/// meantime, nothing that was read of it counts.
pub(crate) fn batches(
    reading: &Reading,
    file: &SurveyedFile,
    piece: Piece,
) -> Result<impl Iterator<Item = Result<RecordBatch>> + Send + use<>> {
    let opened = open(&file.file)?;
    let watched = opened.try_clone().map_err(|error| FileError::unreadable(&file.file.shown, error))?;
    let mut inner = rows(reading, file, piece, opened)?;
    let listed = file.file.clone();
    let mut ended = false;
    Ok(std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let next = inner.next();
        ended = !matches!(next, Some(Ok(_)));
        // An error may be the consequence of a change, which then is what there is to say.
        if ended && let Err(changed) = unchanged(&listed, &watched) {
            return Some(Err(changed));
        }
        next
    }))
}

type Batches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

fn rows(reading: &Reading, file: &SurveyedFile, piece: Piece, opened: File) -> Result<Batches> {
    match &reading.table.inner.options {
        FormatOptions::Csv(form) => csv::rows(reading, form, file, piece, opened),
        FormatOptions::Ndjson => json::rows(reading, file, piece, opened),
        FormatOptions::Parquet { binary_as_string } => {
            let reader = guarded(&file.file, || parquet(reading, file, piece, opened, *binary_as_string))??;
            Ok(conformed(reading, file, reader))
        }
        FormatOptions::Arrow => {
            let columns = present(&reading.columns.scanned, file.schema()?);
            let reader = guarded(&file.file, || ipc::batches(&file.file, opened, Some(columns)))??;
            Ok(conformed(reading, file, reader))
        }
    }
}

/// The reader of some row groups of a Parquet file.
fn parquet(
    reading: &Reading,
    file: &SurveyedFile,
    piece: Piece,
    opened: File,
    binary_as_string: bool,
) -> Result<ParquetRecordBatchReader> {
    let metadata = footer(&file.file, &opened, binary_as_string)?;
    let groups: Vec<usize> =
        (piece.start..piece.end).filter_map(|group| usize::try_from(group).ok()).collect();
    let columns = present(&reading.columns.scanned, metadata.schema());
    let parquet_schema = metadata.metadata().file_metadata().schema_descr();
    let mask = ProjectionMask::roots(parquet_schema, columns.iter().copied());
    ParquetRecordBatchReaderBuilder::new_with_metadata(opened, metadata)
        .with_projection(mask)
        .with_row_groups(groups)
        .with_batch_size(reading.rows_per_batch)
        .build()
        .map_err(|error| damaged(&file.file, &ArrowError::from(error)))
}

/// The places in a file of those columns that it has, in the order of the file.
fn present(wanted: &SchemaRef, file: &SchemaRef) -> Vec<usize> {
    let fields = file.fields().iter().enumerate();
    let wanted = fields.filter(|(_, field)| wanted.fields().iter().any(|other| other.name() == field.name()));
    wanted.map(|(index, _)| index).collect()
}

/// The batches of a file that has types, in those of the table.
fn conformed(
    reading: &Reading,
    file: &SurveyedFile,
    mut batches: impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send + 'static,
) -> Batches {
    let (columns, file) = (reading.columns.clone(), file.file.clone());
    let mut row = 0;
    Box::new(std::iter::from_fn(move || {
        let mut next = || {
            let batch = batches.next()?.map_err(|error| damaged(&file, &error));
            Some(batch.and_then(|batch| {
                let rows = batch.num_rows();
                let conformed = conform::conformed(&batch, &columns).map_err(|reason| {
                    let reason = format!("between rows {row} and {}: {reason}", row + rows);
                    FileError::content(&file.shown, Position::File, reason)
                });
                row += rows;
                conformed
            }))
        };
        guarded(&file, &mut next).unwrap_or_else(|error| Some(Err(error)))
    }))
}

fn damaged(file: &ListedFile, error: &ArrowError) -> FileError {
    FileError::content(&file.shown, Position::File, format!("it is damaged: {error}"))
}

/// The bytes of a piece of a text.
fn bytes_of(file: &ListedFile, mut opened: File, piece: Piece) -> Result<Take<File>> {
    let failed = |error| FileError::unreadable(&file.shown, error);
    opened.seek(SeekFrom::Start(piece.start)).map_err(failed)?;
    Ok(opened.take(piece.end - piece.start))
}
