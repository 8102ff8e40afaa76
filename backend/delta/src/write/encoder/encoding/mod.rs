//! How data files are encoded: what is the same for all files of a table, and what each writer decides from the
//! first rows it sees. And which columns have statistics in the log.

mod bloom_filters;
mod dictionaries;

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{Compression as ParquetCompression, Type as PhysicalType, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::{ColumnDescriptor, ColumnPath, SchemaDescriptor};

use self::bloom_filters::identifiers;
use self::dictionaries::without_dictionary;
use crate::order::SortColumn;
use crate::write::target::Compression;

/// Rows of a row group, if they fit in its bytes: the unit of parallel reading.
const ROW_GROUP_ROWS: usize = 256 * 1024;
/// Rows looked at before the encoding is settled, if they are small. They are held in memory until then.
pub(super) const SAMPLE_ROWS: usize = 32 * 1024;
/// How often a Bloom filter takes a value for one it has: as often as it does with a byte a value.
const FALSE_POSITIVES: f64 = 0.03;
/// Row groups of less, with little memory, have no Bloom filters.
const FILTERED_ROW_GROUP: usize = 16 << 20;
/// The columns that have statistics, unless the table says otherwise.
const DEFAULT_COLUMNS: usize = 32;

/// Which columns have statistics in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::write) enum StatisticsColumns {
    /// The first of the table, without its partition columns; fields of a struct count as one.
    First(usize),
    /// Those with these names, and what is in them.
    Named(Vec<String>),
}

impl StatisticsColumns {
    /// What a table with `properties` asks for.
    pub(in crate::write) fn of(properties: &BTreeMap<String, String>) -> Self {
        if let Some(names) = properties.get("delta.dataSkippingStatsColumns") {
            let names = names.split(',').map(|name| name.trim().replace('`', ""));
            return Self::Named(names.filter(|name| !name.is_empty()).collect());
        }
        let count =
            properties.get("delta.dataSkippingNumIndexedCols").and_then(|text| text.trim().parse().ok());
        match count {
            Some(-1_i64) => Self::First(usize::MAX),
            Some(count) => Self::First(usize::try_from(count).unwrap_or(DEFAULT_COLUMNS)),
            None => Self::First(DEFAULT_COLUMNS),
        }
    }

    /// Whether the column is one; `place` is that of the column of the table it is in, among those in files.
    pub(super) fn has(&self, column: &ColumnDescriptor, place: usize) -> bool {
        match self {
            Self::First(count) => place < *count,
            Self::Named(names) => {
                let path = column.path().string();
                let within = |name: &String| {
                    path.strip_prefix(name.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                };
                names.iter().any(within)
            }
        }
    }
}

/// What all files of a table have in common. `order` names columns of `schema`; columns of the table's
/// partitioning are not in its files and must be left out of `schema`.
///
/// # Errors
/// When `schema` has no Parquet form.
pub(in crate::write) fn properties(
    compression: Compression,
    schema: &Schema,
    order: &[SortColumn],
) -> Result<WriterProperties, ParquetError> {
    let compression = match compression {
        Compression::Zstd => ParquetCompression::ZSTD(ZstdLevel::default()),
        Compression::Snappy => ParquetCompression::SNAPPY,
        Compression::Uncompressed => ParquetCompression::UNCOMPRESSED,
    };
    let parquet = ArrowSchemaConverter::new().convert(schema)?;
    let mut builder = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(sorting_columns(&parquet, order))
        .set_created_by(concat!("codeanatomy ", env!("CARGO_PKG_VERSION")).into());
    // Nobody leaves out rows by the least of the values in their lists; comparing them takes time.
    for repeated in parquet.columns().iter().filter(|leaf| leaf.max_rep_level() > 0) {
        builder = builder.set_column_statistics_enabled(repeated.path().clone(), EnabledStatistics::None);
    }
    Ok(builder.build())
}

/// `order` in Parquet's terms: leaf columns by position. A column that is not in the files is constant in each of
/// them and says nothing about the order of its rows. From a float on nothing is said: readers tell zero from minus zero.
fn sorting_columns(parquet: &SchemaDescriptor, order: &[SortColumn]) -> Option<Vec<SortingColumn>> {
    let mut sorting = Vec::new();
    for sort in order {
        let leaf = parquet.columns().iter().position(|leaf| leaf.path().parts() == [sort.column.as_str()]);
        let Some(column_idx) = leaf.and_then(|leaf| i32::try_from(leaf).ok()) else { continue };
        let is_float =
            |leaf| matches!(parquet.column(leaf).physical_type(), PhysicalType::FLOAT | PhysicalType::DOUBLE);
        if leaf.is_some_and(is_float) {
            break;
        }
        let options = sort.options();
        sorting.push(SortingColumn {
            column_idx,
            descending: options.descending,
            nulls_first: options.nulls_first,
        });
    }
    (!sorting.is_empty()).then_some(sorting)
}

/// `properties` for row groups of at most `row_group_bytes`, and without dictionaries where the values of `sample` are too
/// many for one ([`dictionaries`]).
///
/// A sample that is not `whole`, because there are no more rows, is too small to tell and leaves the dictionaries.
pub(super) fn for_sample(
    properties: &WriterProperties,
    sample: &[RecordBatch],
    whole: bool,
    row_group_bytes: usize,
) -> WriterProperties {
    let mut builder = properties.clone().into_builder().set_max_row_group_bytes(Some(row_group_bytes.max(1)));
    let without = if whole { without_dictionary(sample, row_group_bytes) } else { Vec::new() };
    for column in without {
        builder = builder.set_column_dictionary_enabled(column, false);
    }
    builder.build()
}

/// `properties` made for `sample`, with Bloom filters for identifiers ([`bloom_filters`]); not for the column that rows are
/// sorted by, and not for row groups that little memory makes small.
pub(super) fn with_bloom_filters(
    properties: WriterProperties,
    sample: &[RecordBatch],
    sorted_by: Option<&str>,
) -> WriterProperties {
    let is_small = properties.max_row_group_bytes().is_some_and(|bytes| bytes < FILTERED_ROW_GROUP);
    let Some(first) = sample.first().filter(|_| !is_small) else { return properties };
    let columns = first.schema_ref().fields().iter().filter(|field| sorted_by != Some(field.name().as_str()));
    let columns = columns.map(|field| ColumnPath::new(vec![field.name().clone()]));
    let without_dictionary =
        columns.filter(|column| !properties.dictionary_enabled(column)).collect::<Vec<_>>();
    let mut builder = properties.into_builder();
    for column in identifiers(sample, &without_dictionary) {
        builder = builder.set_column_bloom_filter_fpp(column, FALSE_POSITIVES);
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};

    use super::*;

    #[test]
    fn sorting_columns_are_counted_in_leaves() {
        let pair = Field::new(
            "pair",
            DataType::Struct(
                [Field::new("a", DataType::Int64, true), Field::new("key", DataType::Int64, true)]
                    .into_iter()
                    .collect(),
            ),
            true,
        );
        let schema = Schema::new(vec![
            pair,
            Field::new("key", DataType::Utf8, true),
            Field::new("end", DataType::Int64, true),
            Field::new("weight", DataType::Float64, true),
            Field::new("id", DataType::Int64, true),
        ]);
        let sort = |column: &str, descending| SortColumn { column: column.into(), descending };
        let order = ["key", "partition", "end", "weight", "id"].map(|column| sort(column, column == "end"));
        let parquet = ArrowSchemaConverter::new().convert(&schema).unwrap();
        let sorting = sorting_columns(&parquet, &order).unwrap();
        let sorting: Vec<_> =
            sorting.iter().map(|sort| (sort.column_idx, sort.descending, sort.nulls_first)).collect();
        assert_eq!(sorting, [(2, false, false), (3, true, true)]);
    }
}
