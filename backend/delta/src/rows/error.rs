//! Why rows have no digest, or a text is none.

/// Why rows have no digest, or a text is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowsError {
    /// A column has a type that no column of a Delta table has.
    #[error("column `{column}` has type {data_type}, which no Delta table has: cast it")]
    UnsupportedType {
        /// The column.
        column: String,
        /// Its Arrow type.
        data_type: String,
    },
    /// A batch has other columns than it was said to have.
    #[error("a batch has {found} instead of {expected}")]
    OtherColumns {
        /// The column or the columns that it should have.
        expected: String,
        /// What it has.
        found: String,
    },
    /// The values of a column cannot be taken out of their dictionary or their runs.
    #[error("column `{column}` cannot be decoded: {reason}")]
    Undecodable {
        /// The column.
        column: String,
        /// What Arrow says.
        reason: String,
    },
    /// A text is not the text of a digest.
    #[error(
        "`{text}` is not a digest of rows: a number of its definition, a colon, 32 hexadecimal digits in lower case, a colon, \
         and a number of rows"
    )]
    NotADigest {
        /// The text.
        text: String,
    },
    /// A text is that of a digest by another definition.
    #[error(
        "the digest of rows `{text}` is one by definition {definition}, this program makes those by definition {}: make it \
         again from the rows to compare",
        super::RowsDigest::DEFINITION
    )]
    OtherDefinition {
        /// The text.
        text: String,
        /// The number of the definition.
        definition: u64,
    },
}
