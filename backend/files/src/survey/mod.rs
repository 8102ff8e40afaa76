//! One pass over each file, before anything is planned: what it is, whether it is whole, where it can be divided.

pub(crate) mod arrow;
pub(crate) mod csv;
pub(crate) mod guard;
pub(crate) mod json;
pub(crate) mod parquet;
pub(crate) mod text;

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;

use ::arrow::datatypes::{FieldRef, SchemaRef};
use ir::hash::ContentHash;

use crate::listing::{ListedFile, Stamp};
use crate::{FileError, Result};
pub(crate) use json::Shape;

/// What is known of a file after it was looked at.
#[derive(Clone, Debug)]
pub(crate) struct SurveyedFile {
    pub(crate) file: ListedFile,
    /// The hash of its bytes.
    pub(crate) content: ContentHash,
    /// How many rows it has; nothing if only reading them tells.
    pub(crate) rows: Option<u64>,
    /// Where it can be divided.
    pub(crate) pieces: Vec<Piece>,
    pub(crate) columns: FileColumns,
}

/// What a file says of its columns.
#[derive(Clone, Debug)]
pub(crate) enum FileColumns {
    /// Names and types.
    Typed(SchemaRef),
    /// Names and, from a sample of rows, types: of values in a text.
    Sampled(Vec<FieldRef>),
    /// So many columns without names, and what a sample says of their types.
    Unnamed(Vec<FieldRef>),
    /// Names, and what the values of all rows look like, of objects of JSON.
    Shaped { shape: Shape, fields: Vec<FieldRef> },
    /// Which of the columns that are wanted no row of it has, and some that are not wanted, if it lacks any.
    Wanted { lacking: Vec<String>, others: Vec<String> },
}

impl SurveyedFile {
    /// The columns of a file that says their types.
    pub(crate) fn schema(&self) -> Result<&SchemaRef> {
        match &self.columns {
            FileColumns::Typed(schema) => Ok(schema),
            FileColumns::Sampled(_)
            | FileColumns::Unnamed(_)
            | FileColumns::Shaped { .. }
            | FileColumns::Wanted { .. } => {
                Err(FileError::unreadable(&self.file.shown, "it was not asked for its columns"))
            }
        }
    }
}

/// A part of a file that is read by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The first byte, or the first row group.
    pub(crate) start: u64,
    /// The byte, or the row group, after the last.
    pub(crate) end: u64,
    /// The line in which it begins, counted from 1.
    pub(crate) line: u64,
    /// About how many bytes of the file it is.
    pub(crate) bytes: u64,
}

/// Opens a listed file, if it is still the one that was listed.
pub(crate) fn open(file: &ListedFile) -> Result<File> {
    // It could have become a pipe since, and to open that would wait for a writer.
    let mut how = File::options();
    how.read(true)
        .custom_flags((rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW).bits().cast_signed());
    let opened = how.open(&file.path).map_err(|error| FileError::unreadable(&file.shown, error))?;
    unchanged(file, &opened)?;
    Ok(opened)
}

/// Fails if a file is not as it was when it was listed.
pub(crate) fn unchanged(file: &ListedFile, opened: &File) -> Result<()> {
    let metadata = opened.metadata().map_err(|error| FileError::unreadable(&file.shown, error))?;
    if Stamp::of(&metadata) == file.stamp {
        Ok(())
    } else {
        Err(FileError::Changed { file: file.shown.clone() })
    }
}

/// The hash of the bytes of a file.
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
