//! Errors.

use std::path::PathBuf;

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
    /// The names of repositories do not tell them apart.
    #[error("cannot extract the repository {root} with the others: {reason}; name it, as in `NAME={root}`")]
    Name {
        /// The repository's folder.
        root: PathBuf,
        /// What is wrong with its name.
        reason: String,
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
    /// Ended by [`Options::stop`](crate::Options::stop).
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
