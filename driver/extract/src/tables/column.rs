//! Columns of the extraction tables: what is said about them, their types, and how values reach Arrow.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder, Int32Builder, Int64Builder, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field};

/// One column of a table, as `driver` and the documentation list it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name of the column.
    pub name: &'static str,
    /// What the column holds.
    pub description: &'static str,
}

/// One column that rows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// Name of the column.
    pub column: &'static str,
    /// Whether large values come first.
    pub descending: bool,
}

impl SortKey {
    /// Small values first.
    pub(super) const fn ascending(column: &'static str) -> Self {
        Self { column, descending: false }
    }

    /// Large values first.
    pub(super) const fn descending(column: &'static str) -> Self {
        Self { column, descending: true }
    }
}

/// Identity of the file whose rows are being appended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileKey<'a> {
    /// Identifier of the file: hash of its path.
    pub(crate) file_id: i64,
    /// Path relative to the repository, POSIX.
    pub(crate) path: &'a str,
}

/// A column type: the Rust value appended to it, and its Arrow type.
pub(crate) trait ColumnType {
    /// What a row holds for this column.
    type Value<'a>;
    /// The Arrow builder.
    type Builder: Default;
    /// Whether the column admits NULL.
    const NULLABLE: bool;
    /// The Arrow type.
    fn data_type() -> DataType;
    /// Appends one value.
    fn append(builder: &mut Self::Builder, value: Self::Value<'_>);
    /// Closes the builder.
    fn finish(builder: &mut Self::Builder) -> ArrayRef;
}

macro_rules! scalar_column {
    ($(#[$doc:meta])* $name:ident, $value:ty, $builder:ty, $nullable:literal, $type:expr, $append:ident) => {
        $(#[$doc])*
        pub(crate) struct $name;
        impl ColumnType for $name {
            type Value<'a> = $value;
            type Builder = $builder;
            const NULLABLE: bool = $nullable;
            fn data_type() -> DataType {
                $type
            }
            fn append(builder: &mut Self::Builder, value: Self::Value<'_>) {
                builder.$append(value);
            }
            fn finish(builder: &mut Self::Builder) -> ArrayRef {
                Arc::new(builder.finish())
            }
        }
    };
}

scalar_column!(
    /// Int64, never NULL.
    Long, i64, Int64Builder, false, DataType::Int64, append_value
);
scalar_column!(
    /// Int64 or NULL.
    OptionalLong, Option<i64>, Int64Builder, true, DataType::Int64, append_option
);
scalar_column!(
    /// Int32, never NULL.
    Integer, i32, Int32Builder, false, DataType::Int32, append_value
);
scalar_column!(
    /// Int32 or NULL.
    OptionalInteger, Option<i32>, Int32Builder, true, DataType::Int32, append_option
);
scalar_column!(
    /// Boolean, never NULL.
    Flag, bool, BooleanBuilder, false, DataType::Boolean, append_value
);
scalar_column!(
    /// UTF-8 text, never NULL.
    Text, &'a str, StringBuilder, false, DataType::Utf8, append_value
);
scalar_column!(
    /// UTF-8 text or NULL.
    OptionalText, Option<&'a str>, StringBuilder, true, DataType::Utf8, append_option
);

/// A list of Int64, never NULL, without NULL elements.
pub(crate) struct LongList;

impl ColumnType for LongList {
    type Value<'a> = &'a [i64];
    type Builder = LongListBuilder;
    const NULLABLE: bool = false;
    fn data_type() -> DataType {
        DataType::List(Arc::new(element_field()))
    }
    fn append(builder: &mut Self::Builder, value: Self::Value<'_>) {
        builder.0.values().append_slice(value);
        builder.0.append(true);
    }
    fn finish(builder: &mut Self::Builder) -> ArrayRef {
        Arc::new(builder.0.finish())
    }
}

/// Builder of [`LongList`] columns, with the element name Parquet and Delta use.
pub(crate) struct LongListBuilder(ListBuilder<Int64Builder>);

impl Default for LongListBuilder {
    fn default() -> Self {
        Self(ListBuilder::new(Int64Builder::new()).with_field(element_field()))
    }
}

fn element_field() -> Field {
    Field::new("element", DataType::Int64, false)
}
