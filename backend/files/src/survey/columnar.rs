//! Parquet and Arrow IPC files, which say themselves what they hold.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use ir::hash::ContentHash;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type as PhysicalType;
use parquet::schema::types::SchemaDescriptor;
use std::io::BufReader;
use std::sync::Arc;

use super::{FileColumns, Piece, SurveyedFile, open, unchanged};
use crate::error::Position;
use crate::listing::ListedFile;
use crate::{FileError, Result};

/// How large the pieces are that a Parquet file is divided into, or a little more.
const PIECE: u64 = 32 << 20;

/// Looks at a Parquet file.
pub(crate) fn parquet(file: &ListedFile, binary_as_string: bool) -> Result<SurveyedFile> {
    let mut opened = open(file)?;
    let content = hash(file, &mut opened)?;
    let metadata = footer(file, &opened, binary_as_string)?;
    let rows = u64::try_from(metadata.metadata().file_metadata().num_rows()).ok();
    let mut pieces: Vec<Piece> = Vec::new();
    for (group, row_group) in (0..).zip(metadata.metadata().row_groups()) {
        let bytes = u64::try_from(row_group.compressed_size()).unwrap_or(0);
        match pieces.last_mut() {
            Some(piece) if piece.bytes < PIECE => {
                piece.end = group + 1;
                piece.bytes = piece.bytes.saturating_add(bytes);
            }
            _ => pieces.push(Piece { start: group, end: group + 1, line: 0, bytes }),
        }
    }
    let columns = FileColumns::Typed(metadata.schema().clone());
    Ok(SurveyedFile { file: file.clone(), content, rows, pieces, columns })
}

/// What the end of a Parquet file says. Timestamps of 96 bits are read as microseconds: as nanoseconds, which is how the
/// reader would take them, most of their years are out of range.
pub(crate) fn footer(
    file: &ListedFile,
    opened: &File,
    binary_as_string: bool,
) -> Result<ArrowReaderMetadata> {
    let wrong = |error: parquet::errors::ParquetError| {
        let reason = format!("it is no Parquet file, or it is cut: {error}");
        FileError::content(&file.shown, Position::File, reason)
    };
    let metadata = ArrowReaderMetadata::load(opened, ArrowReaderOptions::new()).map_err(wrong)?;
    let parquet_schema = metadata.metadata().file_metadata().schema_descr();
    let wanted = read_as(metadata.schema(), parquet_schema, binary_as_string);
    if wanted == **metadata.schema() {
        return Ok(metadata);
    }
    let options = ArrowReaderOptions::new().with_schema(Arc::new(wanted));
    ArrowReaderMetadata::try_new(metadata.metadata().clone(), options).map_err(wrong)
}

/// The types as which the reader is to give the columns of a file.
fn read_as(schema: &Schema, parquet_schema: &SchemaDescriptor, binary_as_string: bool) -> Schema {
    let read_as = |field: &Arc<Field>| {
        let is_int96 = || {
            let mut leaves = parquet_schema.columns().iter();
            leaves.any(|leaf| {
                leaf.path().parts() == [field.name().clone()] && leaf.physical_type() == PhysicalType::INT96
            })
        };
        let data_type = match field.data_type() {
            DataType::Binary if binary_as_string => DataType::Utf8,
            DataType::LargeBinary if binary_as_string => DataType::LargeUtf8,
            DataType::Timestamp(TimeUnit::Nanosecond, zone) if is_int96() => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            _ => return Arc::clone(field),
        };
        Arc::new(field.as_ref().clone().with_data_type(data_type))
    };
    Schema::new_with_metadata(
        schema.fields().iter().map(read_as).collect::<Vec<_>>(),
        schema.metadata().clone(),
    )
}

/// Looks at an Arrow IPC file, of the file or the stream format.
pub(crate) fn arrow(file: &ListedFile) -> Result<SurveyedFile> {
    let mut opened = open(file)?;
    let content = hash(file, &mut opened)?;
    let reader = ipc(file, opened, None)?;
    if matches!(reader, Ipc::Stream(_)) {
        whole_stream(file)?;
    }
    let schema = reader.schema();
    let pieces = vec![Piece { start: 0, end: 1, line: 0, bytes: file.stamp.size }];
    let columns = FileColumns::Typed(schema);
    Ok(SurveyedFile { file: file.clone(), content, rows: None, pieces, columns })
}

/// A stream that is cut between two batches looks whole to its reader, but for the mark of its end.
fn whole_stream(file: &ListedFile) -> Result<()> {
    const END: [u8; 8] = [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];
    let failed = |error: std::io::Error| FileError::unreadable(&file.shown, error);
    let mut opened = open(file)?;
    let last = file.stamp.size.saturating_sub(END.len() as u64);
    opened.seek(SeekFrom::Start(last)).map_err(failed)?;
    let mut found = Vec::new();
    opened.read_to_end(&mut found).map_err(failed)?;
    if found == END {
        return Ok(());
    }
    let reason = "the stream has no end; is the file cut?";
    Err(FileError::content(&file.shown, Position::File, reason))
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
pub(crate) fn ipc(file: &ListedFile, mut opened: File, columns: Option<Vec<usize>>) -> Result<Ipc> {
    const MAGIC: &[u8] = b"ARROW1";
    let failed = |error: std::io::Error| FileError::unreadable(&file.shown, error);
    opened.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut beginning = Vec::new();
    std::io::Read::take(&mut opened, MAGIC.len() as u64).read_to_end(&mut beginning).map_err(failed)?;
    opened.seek(SeekFrom::Start(0)).map_err(failed)?;
    let opened = BufReader::new(opened);
    let reader = if beginning == MAGIC {
        FileReader::try_new(opened, columns).map(Ipc::File)
    } else {
        StreamReader::try_new(opened, columns).map(Ipc::Stream)
    };
    reader.map_err(|error| {
        let reason = format!("it is no Arrow file, or it is cut: {error}");
        FileError::content(&file.shown, Position::File, reason)
    })
}

fn hash(file: &ListedFile, opened: &mut File) -> Result<ContentHash> {
    let mut hasher = ContentHash::hasher();
    let mut chunk = vec![0; 1 << 20];
    loop {
        match opened.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => hasher.add(chunk.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(FileError::unreadable(&file.shown, error)),
        }
    }
    unchanged(file, opened)?;
    Ok(hasher.finish())
}
