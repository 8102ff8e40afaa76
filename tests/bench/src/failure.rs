//! What can go wrong in a benchmark, and what to do about it.

use std::path::{Path, PathBuf};

/// A result, or why there is none.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Why a benchmark cannot be run or has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file or folder could not be read or written.
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program did not do its work.
    #[error("`{program}` failed ({status}): {message}")]
    Program {
        /// The program with its first arguments.
        program: String,
        /// How it ended.
        status: String,
        /// The end of what it said.
        message: String,
    },
    /// A program printed something that is not what was agreed.
    #[error("`{program}` printed something unexpected: {message}")]
    Answer {
        /// The program.
        program: String,
        /// What is wrong with its answer.
        message: String,
    },
    /// A Delta table is not what this reader understands.
    #[error("the table `{}` cannot be read here: {message}", path.display())]
    Table {
        /// The table's folder.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// Arrow or Parquet refused.
    #[error("Arrow: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// Parquet refused.
    #[error("Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// JSON that should be there is not.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Contestants disagree about a result.
    #[error("results differ: {0}")]
    Different(String),
    /// The version that the program under test is compared with did not do the work, or found something else.
    #[error("the baseline: {0}")]
    Baseline(Box<Failure>),
    /// Something the benchmark needs is not there; the text says how to get it.
    #[error("{0}")]
    Missing(String),
}

impl Failure {
    /// For `map_err` on file operations.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { action, path, source }
    }
}
