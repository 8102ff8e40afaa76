//! Delta tables for a compiler that publishes several of them at once.
//!
//! This crate is the only place that knows the Delta library. It gives the rest of the program six
//! things, all as plain structs:
//!
//! - a [`Location`]: a checked place, the same for every spelling of it;
//! - a [`ResolvedTable`]: a table at one version, its log replayed once and checked for lost commits and
//!   for paths that leave the table ([`resolve`]);
//! - table providers over it: [`provider`] for its rows, [`change_feed`] for its changes,
//!   [`table_metadata`] and [`file_manifest`] for what the log says;
//! - a [`RowsDigest`]: whether two tables have the same rows, of whatever a [`RowHasher`] is given and of what the log
//!   says of a table;
//! - a [`TableBase`]: what an output's table is when a run begins; what a write is then based on;
//! - a [`TableTarget`]: writing in two phases. Any number of [`TableWriter`]s stream batches to files
//!   nobody can see ([`TableTarget::writer`]); they become a [`StagedTable`], which can be read in advance; and
//!   [`publish`] makes several of these durable first, and visible then.
//!
//! # What this crate promises beyond the Delta library
//! - A log with a missing, empty or cut commit is refused instead of read with rows missing.
//! - An overwrite that finds the table changed fails with [`DeltaError::ConcurrentChange`]; it never
//!   rebases in silence. An append rebases over other appends only.
//! - Creating a table and filling it is one commit. A failed write leaves no table and no files.
//! - A commit whose answer got lost is looked up, not repeated.
//! - A version that was reported survives a power cut, and a version that survives has its files; see [`durable`].
//! - CHECK constraints, invariants and NOT NULL hold for every row written; table features this crate
//!   does not implement make a table read-only.
//! - No checkpoint and no log clean-up runs as a side effect of a commit.

mod active;
mod digest;
pub mod durable;
mod error;
mod guard;
mod identity;
mod location;
mod log;
mod order;
mod overlay;
mod rows;
mod scan;
mod sidecars;
mod snapshot;
mod write;

pub use active::missing_files;
pub use durable::Disk;
pub use error::{DeltaError, Result, SchemaMismatch};
pub use location::{Access, Location, Roots};
pub use order::{SortColumn, sorted};
pub use rows::{RowHasher, RowsDigest, RowsError};
pub use scan::hidden_input;
pub use scan::{
    ChangeRange, ScanMeasures, ScanOptions, ScannedTable, change_feed, change_feed_schema, file_manifest,
    file_manifest_schema, provider, row_bytes, scan_schema, scanned_table, table_metadata,
    table_metadata_schema,
};
pub use snapshot::{Protocol, ResolvedTable, resolve};
pub use write::{
    CommitOptions, Committed, Compression, PublishError, SchemaDiff, SchemaMode, StagedTable, TableBase,
    TableTarget, TableWriter, WriteMode, WriteOptions, WrittenFiles, cast_alignment, holds, is_reserved,
    publish, schema_hash, table_schema,
};
