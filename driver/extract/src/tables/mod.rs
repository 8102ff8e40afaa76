//! The extraction tables: their names, columns and meaning, and the builders that fill them.

mod column;
mod define;
mod rows;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

pub use rows::Table;
pub(crate) use rows::{
    CallArgRow, CallRow, DecoratorRow, DefinitionRow, DocstringRow, ExtractErrorRow, FileRow, ImportRow,
    ParseErrorRow, RedirectRow, ReferenceRow, ScopeRow, SyntaxNodeRow, TableBuilders,
};

/// One column of a table, as `driver` and the documentation list it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name of the column.
    pub name: &'static str,
    /// What the column holds.
    pub description: &'static str,
}

/// Receives the rows of the extraction tables.
pub trait TableSink {
    /// Takes the next rows of `table`. The batch has exactly the schema [`Table::schema`]. Batches of one
    /// table hold whole files and arrive in ascending order of `file_id`, but for the paths that could not be
    /// walked, whose errors come last; batches of different tables are interleaved, in bounded pieces.
    ///
    /// # Errors
    /// Whatever the sink reports; extraction stops and returns it as [`crate::ExtractError::Sink`].
    fn append(
        &mut self,
        table: Table,
        batch: RecordBatch,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// Identity of the file whose rows are being appended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileKey<'a> {
    /// Identifier of the file: hash of its path.
    pub(crate) file_id: i64,
    /// Path relative to the repository, POSIX.
    pub(crate) path: &'a str,
}

/// A table's finished batch.
pub(crate) type FinishedBatches = Result<Vec<(Table, RecordBatch)>, ArrowError>;

impl Table {
    /// The column that identifies the table's rows; none for tables whose rows have no identity of their own.
    #[must_use]
    pub fn row_id(self) -> Option<&'static str> {
        match self {
            Self::Files | Self::SyntaxNodes => Some("node_id"),
            Self::Scopes => Some("scope_id"),
            Self::Defs => Some("def_id"),
            Self::Refs => Some("ref_id"),
            Self::Calls => Some("call_id"),
            Self::CallArgs => Some("arg_id"),
            Self::Imports => Some("import_id"),
            Self::Decorators => Some("decorator_id"),
            Self::Docstrings => Some("docstring_id"),
            Self::ScopeRedirects | Self::ParseErrors | Self::ExtractErrors => None,
        }
    }
}
