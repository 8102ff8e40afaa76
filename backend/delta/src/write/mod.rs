//! Writing in two phases: files first, by any number of parallel writers; then commits, of one table or of several.

mod checks;
mod encoder;
mod files;
mod protocol;
mod publication;
mod schema;
mod target;
mod writer;

pub use files::WrittenFiles;
pub use publication::{CommitOptions, Committed, PublishError, StagedTable, is_reserved, publish};
pub use schema::{SchemaDiff, cast_alignment, holds, schema_hash, table_schema};
pub use target::{Compression, SchemaMode, TableBase, TableTarget, WriteMode, WriteOptions};
pub use writer::TableWriter;
