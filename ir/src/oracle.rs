//! What the compiler must ask the outside: tables, types, functions.
//!
//! The IR never opens a table and never re-implements a type rule. Both come through [`Oracle`], which the
//! engine implements; everything it needs to answer is gathered before compilation starts.

mod outputs;
mod type_error;

use arrow_schema::DataType;

use crate::determinism::Determinism;
use crate::expr::ScalarExpr;
use crate::graph::Node;
use crate::op::{Evaluation, Input, Read, Scan, Sink};
use crate::schema::Schema;

pub use outputs::{OutputProblem, OutputRefusal};
pub use type_error::{TypeError, TypeErrorKind};

/// What the compiler asks the engine.
pub trait Oracle {
    /// The table an input names, as a scan of a known version, with the schema the scan gives.
    ///
    /// # Errors
    /// When the table cannot be read.
    fn table(&self, input: &Input, read: &Read) -> Result<(Scan, Schema), TableError>;

    /// Where a location of the spec is: one text for all spellings of a place, ending in a slash, so that a place inside
    /// another one begins with its text. Nothing for a location that is no place.
    fn place(&self, location: &str) -> Option<String>;

    /// Whether an input of files, by its location, is a pattern that leads into another place of the spec: a table there would
    /// be met when the files are listed, and is none of them.
    fn leads_into(&self, input: &str, place: &str) -> bool;

    /// Every reason why a run would refuse to write rows of these columns to the table of an output, as far as the table
    /// tells before a row is computed.
    fn output(&self, name: &str, sink: &Sink, rows: &Schema) -> Vec<OutputRefusal>;

    /// The columns that the table of an output will have once these rows are written; nothing where a run would refuse to
    /// write them.
    fn written(&self, name: &str, sink: &Sink, rows: &Schema) -> Option<Schema>;

    /// The format of the Delta table a scan reads; nothing for files, or when the table was not opened.
    fn format(&self, scan: &Scan) -> Option<TableFormat>;

    /// The type of an expression over the columns of its input.
    ///
    /// # Errors
    /// When the expression names something unknown or its types do not fit.
    fn expression(
        &self,
        expr: &ScalarExpr,
        evaluation: Evaluation,
        input: &Schema,
    ) -> Result<ExprType, TypeError>;

    /// The schema of a core operation over inputs with these schemas.
    ///
    /// # Errors
    /// When the operation does not fit its inputs.
    fn schema(&self, node: &Node, inputs: &[&Schema]) -> Result<Schema, TypeError>;

    /// The type to which values of these types are brought to stand in one column, if there is one.
    fn common_type(&self, types: &[DataType]) -> Option<DataType>;

    /// Whether values of the two types can be compared for equality, after an implicit conversion if needed.
    fn comparable(&self, left: &DataType, right: &DataType) -> bool;

    /// How far the rows of one operation are decided by those of its inputs, which are taken as given. What the engine
    /// does not know is not better than [`Determinism::OrderDependent`].
    fn determinism(&self, node: &Node, inputs: &[&Schema]) -> Determinism;
}

/// What a Delta table asks of its readers and writers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableFormat {
    /// The lowest protocol version of a reader that may read it.
    pub min_reader_version: i32,
    /// The lowest protocol version of a writer that may write it.
    pub min_writer_version: i32,
    /// How columns of data files are found, `id` or `name`; nothing when by their own names.
    pub column_mapping: Option<String>,
}

/// The type of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprType {
    /// The Arrow type of its values.
    pub data_type: DataType,
    /// Whether a value can be NULL.
    pub nullable: bool,
}

/// Why a table cannot be read. Each kind has its own diagnostic code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// There is nothing at the location.
    #[error("there is no table at `{0}`")]
    NotFound(String),
    /// The location names no place. The text shows it, without what must not be shown.
    #[error("{0}")]
    NoPlace(String),
    /// The place is outside the folders that the spec may read.
    #[error("{0}")]
    OutsideRoots(String),
    /// There is something, but not a Delta table.
    #[error("`{0}` is not a Delta table")]
    NotDelta(String),
    /// The version is not there.
    #[error("the table has no version {wanted}; its latest is {latest}")]
    NoVersion {
        /// The version asked for.
        wanted: u64,
        /// The latest version there is.
        latest: u64,
    },
    /// The table keeps no change feed.
    #[error("the table keeps no change data feed (`delta.enableChangeDataFeed` is not true)")]
    NoChangeFeed,
    /// An option of a file format that does not exist or cannot be set.
    #[error("{message}")]
    FileOption {
        /// The option.
        option: String,
        /// What is wrong with it.
        message: String,
        /// The options that there are.
        known: Vec<String>,
    },
    /// Files that cannot be read as a table: which one, and where in it.
    #[error("{0}")]
    Files(String),
    /// Anything else, in the words of the reader.
    #[error("{0}")]
    Unreadable(String),
}
