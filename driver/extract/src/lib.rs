//! Source code to extraction tables: files, syntax nodes, scopes, definitions, references, calls, imports,
//! decorators and documentation of a repository, as Arrow batches.
//!
//! [`extract`] walks the repository, parses every file of a known language once with tree-sitter, and
//! streams rows to a [`TableSink`] in the order of file identifiers with bounded memory. Spans are half-open byte ranges; paths
//! are relative to the repository, with `/`; every row's identifier is a hash of kind, path, span and
//! ordinal, so that equal input gives equal tables. [`Table`] lists the tables and their columns.
//!
//! Names resolve by spans alone, for any language: a reference is looked up in the scopes of its file whose
//! span contains its lookup span, innermost first. See `lexical::resolve` for the rule and its proof
//! obligation, which every extraction checks.

mod file;
mod language;
mod lexical;
mod modules;
mod pipeline;
mod python;
mod rust;
mod tables;
#[cfg(test)]
mod tests;
mod tree;
mod walk;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use tables::{Column, SortKey, Table, TableSink};

/// How to extract.
#[derive(Clone, Debug)]
pub struct Options {
    /// Largest source file that is parsed, in bytes; larger ones become rows of `extract_errors`. Values
    /// over 1 GiB count as 1 GiB.
    pub max_file_bytes: u64,
    /// Worker threads.
    pub threads: NonZeroUsize,
    /// Paths to leave out, as `.gitignore` patterns relative to the repository.
    pub exclude: Vec<String>,
    /// Ends the extraction before the next file once it is true.
    pub stop: Arc<AtomicBool>,
}

impl Default for Options {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { max_file_bytes: 8 << 20, threads, exclude: Vec::new(), stop: Arc::default() }
    }
}

impl Options {
    fn must_go_on(&self) -> Result<(), ExtractError> {
        if self.stop.load(Ordering::Acquire) { Err(ExtractError::Stopped) } else { Ok(()) }
    }

    /// The limit that applies: spans are 32-bit offsets while a file is analysed.
    fn effective_limit(&self) -> u64 {
        self.max_file_bytes.min(1 << 30)
    }
}

/// What an extraction saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files found.
    pub files: u64,
    /// Files parsed.
    pub parsed: u64,
    /// Bytes in all files.
    pub bytes: u64,
    /// Syntax nodes.
    pub nodes: u64,
    /// Places the parser could not make sense of.
    pub parse_errors: u64,
    /// Files, or paths, that could not be extracted.
    pub extract_errors: u64,
    /// References for which spans do not give the scope the language's rule gives; 0 unless one scope would
    /// need two answers for one name.
    pub ambiguous_lookups: u64,
}

impl Summary {
    fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.parsed += other.parsed;
        self.bytes += other.bytes;
        self.nodes += other.nodes;
        self.parse_errors += other.parse_errors;
        self.extract_errors += other.extract_errors;
        self.ambiguous_lookups += other.ambiguous_lookups;
    }
}

/// Why an extraction stopped. What is wrong with a single file does not stop it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The repository's root is not a readable folder.
    #[error("cannot read the folder {root}: {source}; give the path of a repository")]
    Root {
        /// The path given.
        root: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An exclusion is not a pattern.
    #[error("the exclusion `{glob}` is not a valid pattern: {source}; use .gitignore syntax")]
    ExcludeGlob {
        /// The pattern given.
        glob: String,
        /// What is wrong with it.
        source: ignore::Error,
    },
    /// Two rows got the same identifier.
    #[error(
        "two rows share the identifier {id}: a 63-bit hash collision; rename or exclude one of the files"
    )]
    IdCollision {
        /// The identifier.
        id: i64,
    },
    /// A grammar does not fit the parser library.
    #[error("the {language} grammar does not fit this tree-sitter version: {source}; this is a bug")]
    Grammar {
        /// Name of the language.
        language: &'static str,
        /// What the library said.
        source: tree_sitter::LanguageError,
    },
    /// Rows did not form a batch.
    #[error("rows do not fit their table: {0}; this is a bug")]
    Arrow(#[from] arrow::error::ArrowError),
    /// Ended by [`Options::stop`].
    #[error("the extraction was stopped")]
    Stopped,
    /// The receiver of the rows failed.
    #[error("cannot store rows of `{table}`: {source}")]
    Sink {
        /// Name of the table.
        table: &'static str,
        /// What the receiver said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Extracts the repository at `root` into `sink`.
///
/// # Errors
/// When the root cannot be read, an exclusion is not a pattern, the sink fails, two identifiers collide, or it is stopped.
/// Rows handed over before an error are incomplete and must not be published.
pub fn extract(root: &Path, options: &Options, sink: &mut dyn TableSink) -> Result<Summary, ExtractError> {
    let mut found = walk::walk(root, options)?;
    // Tables that are joined by file are then in the order of their key as they come.
    found.files.sort_by_cached_key(|file| tables::file_id(&file.path));
    pipeline::run(&found, options, sink)
}
