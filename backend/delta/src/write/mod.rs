//! Writing in two phases: files first, by any number of parallel writers; then one commit.

mod checks;
mod commit;
mod encoding;
mod files;
mod protocol;
mod schema;
mod target;
mod writer;

pub use commit::{CommitOptions, Committed};
pub use files::WrittenFiles;
pub use target::{Compression, TableTarget, WriteMode, WriteOptions};
pub use writer::TableWriter;
