//! What can be wrong with files.

use std::fmt;

use arrow::datatypes::DataType;
use ir::schema::type_text;

/// Why files cannot be read as a table.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FileError {
    /// The location names no place, or one in a way that people and programs read differently.
    #[error("{0}")]
    NoPlace(String),
    /// The location is in no folder that specs may read.
    #[error("{0}")]
    OutsideRoots(String),
    /// There is nothing at the location.
    #[error("there is no file at `{0}`")]
    NotFound(String),
    /// What is at the location is not to be read as files.
    #[error("`{location}`: {reason}")]
    NotFiles {
        /// The location as the spec gives it, or a file below it.
        location: String,
        /// What is there, and what to do.
        reason: String,
    },
    /// An option does not exist or cannot be set.
    #[error("{message}")]
    Option {
        /// The option.
        option: String,
        /// What is wrong with it.
        message: String,
        /// The options that the format has.
        known: Vec<String>,
    },
    /// A file does not hold what it should.
    #[error("`{file}`{position}: {reason}")]
    Content {
        /// The file, as the spec names it.
        file: String,
        /// Where in it.
        position: Position,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A file cannot be read.
    #[error("`{file}` cannot be read: {reason}")]
    Unreadable {
        /// The file, as the spec names it.
        file: String,
        /// The system's reason.
        reason: String,
    },
    /// A file was written to after this run had looked at it.
    #[error(
        "`{file}` was changed while this run read it; nothing is known of its rows. Run again when nobody writes to it"
    )]
    Changed {
        /// The file, as the spec names it.
        file: String,
    },
}

impl FileError {
    pub(crate) fn content(file: &str, position: Position, reason: impl Into<String>) -> Self {
        Self::Content { file: file.to_owned(), position, reason: reason.into() }
    }

    pub(crate) fn unreadable(file: &str, reason: impl fmt::Display) -> Self {
        Self::Unreadable { file: file.to_owned(), reason: reason.to_string() }
    }
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// All of it.
    File,
    /// A line, counted from 1.
    Line(u64),
    /// A line, and a byte of the file, counted from 0.
    LineAndByte(u64, u64),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => Ok(()),
            Self::Line(line) => write!(f, ", line {line}"),
            Self::LineAndByte(line, byte) => write!(f, ", line {line} (byte {byte})"),
        }
    }
}

/// A value of a file as messages show it: its beginning, without what a terminal would obey.
pub(crate) fn shown(value: &str) -> String {
    const LETTERS: usize = 40;
    let beginning: String = value.chars().take(LETTERS).collect();
    let dots = if value.chars().nth(LETTERS).is_some() { "..." } else { "" };
    format!("`{}{dots}`", beginning.escape_debug())
}

/// A type as messages show it: how texts lie in memory is nobody's concern.
pub(crate) fn type_name(data_type: &DataType) -> String {
    type_text(data_type).replace("Utf8View", "Utf8").replace("BinaryView", "Binary")
}
