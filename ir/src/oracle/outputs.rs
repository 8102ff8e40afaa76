//! Why an output is not written, as the compiler and the engine tell each other.

use crate::diag::{Code, codes};

/// A reason not to write an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputRefusal {
    /// Its kind.
    pub problem: OutputProblem,
    /// The column or the key it is about, if it is about one.
    pub about: Option<String>,
    /// What is wrong and what to do, in the words of the writer.
    pub message: String,
}

/// What can be wrong with an output before a row is computed. Each kind has its own diagnostic code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputProblem {
    /// No table can be at its location.
    Location,
    /// The place is outside the folders that the spec may write.
    OutsideRoots,
    /// The storage does not say what is there.
    Unreachable,
    /// There is a table that must not be written, or not like this.
    NotWritable,
    /// The columns do not fit the table.
    Schema,
    /// A column has a type tables do not have.
    Type,
    /// The table is partitioned in another way.
    Partitioning,
    /// A partition column cannot be one.
    PartitionColumn,
    /// The rows cannot be sorted as asked, or the table is sorted in another way.
    Order,
    /// A key of the commit's metadata is not free.
    Metadata,
}

impl OutputProblem {
    /// The code of its diagnostic.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::Location => codes::OUTPUT_LOCATION,
            Self::OutsideRoots => codes::OUTSIDE_ROOTS,
            Self::Unreachable => codes::STORE_UNREACHABLE,
            Self::NotWritable => codes::OUTPUT_NOT_WRITABLE,
            Self::Schema => codes::OUTPUT_SCHEMA,
            Self::Type => codes::OUTPUT_TYPE,
            Self::Partitioning => codes::OUTPUT_PARTITIONING,
            Self::PartitionColumn => codes::PARTITION_COLUMN,
            Self::Order => codes::SORT_COLUMN,
            Self::Metadata => codes::RESERVED_METADATA,
        }
    }
}
