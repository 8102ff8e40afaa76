//! Files that are no Delta table, read as one: Parquet, CSV, NDJSON and Arrow IPC.
//!
//! ```text
//! location -> listing -> survey of each file -> columns of all -> FileTable -> provider
//! ```
//!
//! What a Delta table has in its log must be found out here, before anything is planned:
//!
//! | module | does |
//! |---|---|
//! | listing | which files a location names: one, those of a folder, those that a pattern finds |
//! | options | the options of a format, read by DataFusion's own table of them |
//! | survey | one pass over each file: what its bytes are (a hash), whether its encoding and its shape hold, how many rows it has, where it can be divided, which columns it has |
//! | columns | one list of columns for all files |
//! | values | which values texts are, and which types they look like |
//! | read | the rows of a piece of a file, in the types of the columns; a value that its type does not hold is an error |
//! | scan | the table provider |
//!
//! # Why the readers are called here and not through DataFusion's listing tables
//! They are the same readers (`arrow-csv`, `arrow-json`, `parquet`, `arrow-ipc`). DataFusion's own way to them does not pass
//! `null_regex` on, reads columns of CSV files by their places whatever the headers say, cuts CSV files at line breaks inside of
//! quoted values, drops fields of JSON objects that its sample of rows did not show, and its errors name no file. Here
//! everything that a file can get wrong has its name and its line or byte ([`FileError`]), and rows are never left out.

mod columns;
mod error;
mod listing;
mod options;
mod read;
mod scan;
mod survey;
mod table;
mod values;

#[cfg(test)]
mod tests;

pub use error::FileError;
pub use listing::Place;
pub use scan::{provider, scan_schema, scanned_files};
pub use survey::guard::is_in_a_reader;
pub use table::{FileIdentity, FileTable, resolve};

/// What this crate's functions give.
pub type Result<T, E = FileError> = std::result::Result<T, E>;
