//! How far bounds of columns are believed, wherever they stand: in the log, in footers, in page indexes.

use arrow::datatypes::{DataType, Field, TimeUnit};

/// Digits every decimal of which is told apart from its neighbours as a double.
const DIGITS_OF_A_DOUBLE: u8 = 15;
/// The key of a field's metadata under which the types it had before stand.
const TYPE_CHANGES: &str = "delta.typeChanges";

/// How the bounds of a column are to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scan) enum Trust {
    /// No value is below the least or above the greatest.
    Whole,
    /// The same, once the greatest is taken for a prefix.
    Prefix,
    /// The same, once both are moved by a millisecond.
    Milliseconds,
}

impl Trust {
    /// How the bounds of a column in the log are to be taken; nothing where they are not believed.
    pub(in crate::scan) fn of(field: &Field) -> Option<Self> {
        if field.metadata().contains_key(TYPE_CHANGES) {
            return None;
        }
        match field.data_type() {
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 | DataType::Date32 => {
                Some(Self::Whole)
            }
            DataType::Decimal128(precision, _) if *precision <= DIGITS_OF_A_DOUBLE => Some(Self::Whole),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Prefix),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Some(Self::Milliseconds),
            _ => None,
        }
    }

    /// How the bounds of a column in the footers and page indexes of Parquet files are to be taken, where they are of the
    /// column's type and order; see [`believed`](super::believed). They have the precision of the values, but those of
    /// texts may be shortened.
    pub(in crate::scan) fn in_footer(field: &Field) -> Option<Self> {
        if field.metadata().contains_key(TYPE_CHANGES) {
            return None;
        }
        match field.data_type() {
            DataType::Decimal128(..) | DataType::Boolean | DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Some(Self::Whole)
            }
            _ => Self::of(field),
        }
    }
}
