//! Panics of readers.
//!
//! The readers of Arrow and Parquet panic at some of what a damaged file can say. That is a fault of the file: it becomes an error
//! with the file's name.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::Position;
use crate::listing::ListedFile;
use crate::{FileError, Result};

thread_local! {
    static READING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is in a reader whose panics become errors of a file. A program asks for it in its panic hook, so as not
/// to print what is told as an error afterwards.
#[must_use]
pub fn is_in_a_reader() -> bool {
    READING.get()
}

/// What a reader gives, or that it cannot read the file.
pub(crate) fn guarded<T>(file: &ListedFile, read: impl FnOnce() -> T) -> Result<T> {
    READING.set(true);
    // Whoever gets the error lets go of the reader.
    let read = catch_unwind(AssertUnwindSafe(read));
    READING.set(false);
    read.map_err(|_| {
        let reason = "it is damaged: its reader can make nothing of what it says of itself";
        FileError::content(&file.shown, Position::File, reason)
    })
}
