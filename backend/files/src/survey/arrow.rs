//! Arrow IPC files, which say themselves what they hold.

mod messages;

use std::fs::File;
use std::io::{BufReader, Seek as _, SeekFrom};

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};

use super::{FileColumns, Piece, SurveyedFile, hash, open};
use crate::error::Position;
use crate::listing::ListedFile;
use crate::{FileError, Result};

/// Looks at an Arrow IPC file, of the file or the stream format.
pub(crate) fn survey(file: &ListedFile) -> Result<SurveyedFile> {
    let mut opened = open(file)?;
    let content = hash(file, &mut opened)?;
    let mut messages = open(file)?;
    messages::check(file, &mut messages)?;
    let schema = batches(file, opened, None)?.schema();
    let pieces = vec![Piece { start: 0, end: 1, line: 0, bytes: file.stamp.size }];
    let columns = FileColumns::Typed(schema);
    Ok(SurveyedFile { file: file.clone(), content, rows: None, pieces, columns })
}

/// The batches of an Arrow IPC file.
pub(crate) enum Ipc {
    File(FileReader<BufReader<File>>),
    Stream(StreamReader<BufReader<File>>),
}

impl Ipc {
    fn schema(&self) -> SchemaRef {
        match self {
            Self::File(reader) => reader.schema(),
            Self::Stream(reader) => reader.schema(),
        }
    }
}

impl Iterator for Ipc {
    type Item = Result<arrow::record_batch::RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::File(reader) => reader.next(),
            Self::Stream(reader) => reader.next(),
        }
    }
}

/// The reader of an Arrow IPC file, of some of its columns.
pub(crate) fn batches(file: &ListedFile, mut opened: File, columns: Option<Vec<usize>>) -> Result<Ipc> {
    let failed = |error: std::io::Error| FileError::unreadable(&file.shown, error);
    let is_file = messages::is_file(&mut opened).map_err(failed)?;
    opened.seek(SeekFrom::Start(0)).map_err(failed)?;
    let opened = BufReader::new(opened);
    let reader = if is_file {
        FileReader::try_new(opened, columns).map(Ipc::File)
    } else {
        StreamReader::try_new(opened, columns).map(Ipc::Stream)
    };
    reader.map_err(|error| {
        let reason = format!("it is no Arrow file, or it is cut: {error}");
        FileError::content(&file.shown, Position::File, reason)
    })
}
