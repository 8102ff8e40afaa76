//! How data files are encoded: what is the same for all files of a table, and what each writer decides from the
//! first rows it sees. And which columns have statistics in the log.

use std::collections::{BTreeMap, HashSet};

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use datafusion::common::hash_utils::{RandomState, create_hashes};
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{Compression as ParquetCompression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{DEFAULT_DICTIONARY_PAGE_SIZE_LIMIT, EnabledStatistics, WriterProperties};
use parquet::schema::types::{ColumnDescriptor, ColumnPath};

use super::pieces::bytes_of;
use crate::order::SortColumn;
use crate::write::target::Compression;

/// Rows of a row group, if they fit in its bytes: the unit of parallel reading.
const ROW_GROUP_ROWS: usize = 256 * 1024;
/// Rows looked at before the encoding is settled, if they are small. They are held in memory until then.
pub(super) const SAMPLE_ROWS: usize = 32 * 1024;
/// A column of fixed width gets a dictionary if a row group has at most this share of distinct values in it.
const FIXED_WIDTH_SHARE: f64 = 1.0 / 8.0;
/// The same for texts and binary values, where a repeated value saves more.
const TEXT_SHARE: f64 = 1.0 / 2.0;
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
    Ok(WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(sorting_columns(schema, order)?)
        .set_created_by(concat!("codeanatomy ", env!("CARGO_PKG_VERSION")).into())
        .build())
}

/// `order` in Parquet's terms: leaf columns by position. A column that is not in the files is constant in each of
/// them and says nothing about the order of its rows.
fn sorting_columns(
    schema: &Schema,
    order: &[SortColumn],
) -> Result<Option<Vec<SortingColumn>>, ParquetError> {
    if order.is_empty() {
        return Ok(None);
    }
    let parquet = ArrowSchemaConverter::new().convert(schema)?;
    let mut sorting = Vec::new();
    for sort in order {
        let leaf = parquet.columns().iter().position(|leaf| leaf.path().parts() == [sort.column.as_str()]);
        let Some(column_idx) = leaf.and_then(|leaf| i32::try_from(leaf).ok()) else { continue };
        let options = sort.options();
        sorting.push(SortingColumn {
            column_idx,
            descending: options.descending,
            nulls_first: options.nulls_first,
        });
    }
    Ok((!sorting.is_empty()).then_some(sorting))
}

/// `properties` for row groups of at most `row_group_bytes`, and without dictionaries for the columns of `sample` that
/// have too many distinct values for one.
///
/// The Parquet writer looks up every value of a column in a hash table until the dictionary is full, which for ids,
/// prices and free texts is the larger half of its work, and then gives the dictionary up; what it has made of it
/// until then is larger than plain values compressed. On TPC-H `lineitem` the columns this switches off
/// (`l_orderkey`, `l_partkey`, `l_extendedprice`, `l_comment`) become 5 to 70 % smaller.
///
/// A sample that is not `whole`, because there are no more rows, is too small to tell and leaves the dictionaries.
pub(super) fn for_sample(
    properties: &WriterProperties,
    sample: &[RecordBatch],
    whole: bool,
    row_group_bytes: usize,
) -> WriterProperties {
    let mut builder = properties.clone().into_builder().set_max_row_group_bytes(Some(row_group_bytes.max(1)));
    let rows: usize = sample.iter().map(RecordBatch::num_rows).sum();
    let Some(first) = sample.first().filter(|_| whole && rows > 0) else { return builder.build() };
    let bytes = sample.iter().map(bytes_of).sum();
    let row_group = row_group_bytes.saturating_mul(rows).checked_div(bytes).unwrap_or(ROW_GROUP_ROWS);
    let row_group = row_group.clamp(rows, ROW_GROUP_ROWS.max(rows));
    for (index, field) in first.schema().fields().iter().enumerate() {
        let columns: Vec<&dyn Array> =
            sample.iter().filter_map(|batch| batch.columns().get(index).map(AsRef::as_ref)).collect();
        if has_plain_values(field.data_type()) && !dictionary_pays(&columns, rows, row_group) {
            builder = builder.set_column_dictionary_enabled(ColumnPath::from(field.name().as_str()), false);
        }
    }
    builder.build()
}

/// Whether the type is one Parquet column that could have a dictionary.
fn has_plain_values(data_type: &DataType) -> bool {
    !data_type.is_nested() && !matches!(data_type, DataType::Boolean | DataType::Null)
}

#[expect(clippy::cast_precision_loss, reason = "counts of at most a row group, and estimates made of them")]
fn dictionary_pays(columns: &[&dyn Array], rows: usize, row_group: usize) -> bool {
    let Some((half, all)) = distinct(columns, rows) else { return true };
    let (half, all, rows) = (half.max(1) as f64, all.max(1) as f64, rows as f64);
    let row_group = row_group as f64;
    // The number of distinct values grows with a power of the number of rows: 1 where all are new, 0 where none is
    // (Heaps' law). Both halves of the sample give the exponent.
    let exponent = (all / half).log2();
    let expected = all * (row_group / rows).powf(exponent);
    let share = expected / row_group;
    match value_bytes(columns) {
        None => share <= FIXED_WIDTH_SHARE,
        Some(bytes) => {
            // A dictionary that overflows half-way still serves half of the rows.
            let page = expected * (bytes as f64 / rows + 4.0);
            share <= TEXT_SHARE && page <= 2.0 * DEFAULT_DICTIONARY_PAGE_SIZE_LIMIT as f64
        }
    }
}

/// Distinct values in the first half of the rows, and in all of them; `None` for values that cannot be hashed.
fn distinct(columns: &[&dyn Array], rows: usize) -> Option<(usize, usize)> {
    let mut seen: HashSet<u64> = HashSet::new();
    let (mut half, mut passed) = (0, 0);
    for column in columns {
        let mut hashes = vec![0; column.len()];
        create_hashes([*column], &RandomState::default(), &mut hashes).ok()?;
        let before_half = (rows / 2).saturating_sub(passed).min(hashes.len());
        let (first, second) = hashes.split_at(before_half);
        seen.extend(first);
        if !first.is_empty() {
            half = seen.len();
        }
        seen.extend(second);
        passed += hashes.len();
    }
    Some((half, seen.len()))
}

/// Bytes of all values, if they are of variable width. Tables hold one encoding of texts and of binary values.
fn value_bytes(columns: &[&dyn Array]) -> Option<usize> {
    use arrow::array::AsArray;
    columns.iter().try_fold(0, |bytes, column| {
        let offsets = match column.data_type() {
            DataType::Utf8 => column.as_string_opt::<i32>()?.offsets(),
            DataType::Binary => column.as_binary_opt::<i32>()?.offsets(),
            _ => return None,
        };
        let (first, last) = (offsets.first()?, offsets.last()?);
        Some(bytes + usize::try_from(last - first).unwrap_or(0))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, ListArray, StringArray};
    use arrow::datatypes::{Field, Int32Type};

    use super::*;

    /// The columns among `names` that have no dictionary.
    fn without_dictionary(properties: &WriterProperties, names: &[&str]) -> BTreeSet<String> {
        let off = names.iter().filter(|name| !properties.dictionary_enabled(&ColumnPath::from(**name)));
        off.map(|name| (*name).to_owned()).collect()
    }

    /// A well-mixed number, the same for the same row.
    fn mixed(row: i64) -> i64 {
        let row = row.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed());
        (row ^ (row >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9_u64.cast_signed()) >> 33 & 0x3FFF_FFFF
    }

    fn batches(rows: i64) -> Vec<RecordBatch> {
        let numbers = |value: &dyn Fn(i64) -> i64, from: i64| -> ArrayRef {
            Arc::new((from..from + 8192).map(value).collect::<Int64Array>())
        };
        let texts = |value: &dyn Fn(i64) -> String, from: i64| -> ArrayRef {
            Arc::new((from..from + 8192).map(|row| Some(value(row))).collect::<StringArray>())
        };
        let columns = |from: i64| {
            RecordBatch::try_from_iter([
                ("id", numbers(&mixed, from)),
                // Four rows each, as of an order with its lines: a quarter of a row group, growing for ever.
                ("ascending", numbers(&|row| row / 4, from)),
                // Ten thousand values: nearly a third of the sample, but hardly more in a row group.
                ("bounded", numbers(&|row| mixed(row) % 10_000, from)),
                ("constant", numbers(&|_| 7, from)),
                ("comment", texts(&|row| format!("a remark about {}", mixed(row)), from)),
                ("kind", texts(&|row| format!("kind {}", row % 12), from)),
                // The name of every second thing is new, and short.
                ("name", texts(&|row| format!("{}", mixed(row) % 40_000), from)),
            ])
            .unwrap()
        };
        (0..rows / 8192).map(|batch| columns(batch * 8192)).collect()
    }

    fn plain() -> WriterProperties {
        properties(Compression::Zstd, &Schema::empty(), &[]).unwrap()
    }

    const NAMES: [&str; 7] = ["id", "ascending", "bounded", "constant", "comment", "kind", "name"];

    #[test]
    fn only_columns_of_mostly_new_values_lose_their_dictionary() {
        let properties = for_sample(&plain(), &batches(32 * 1024), true, 128 << 20);
        let off = ["id", "ascending", "comment"].map(str::to_owned);
        assert_eq!(without_dictionary(&properties, &NAMES), BTreeSet::from(off));
    }

    #[test]
    fn a_small_sample_decides_nothing() {
        let properties = for_sample(&plain(), &batches(24 * 1024), false, 128 << 20);
        assert_eq!(without_dictionary(&properties, &NAMES), BTreeSet::new());
    }

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
        ]);
        let sort = |column: &str, descending| SortColumn { column: column.into(), descending };
        let order = [sort("key", false), sort("partition", false), sort("end", true)];
        let sorting = sorting_columns(&schema, &order).unwrap().unwrap();
        let sorting: Vec<_> =
            sorting.iter().map(|sort| (sort.column_idx, sort.descending, sort.nulls_first)).collect();
        assert_eq!(sorting, [(2, false, false), (3, true, true)]);
    }

    #[test]
    fn lists_keep_their_dictionaries() {
        let lists = (0..8192).map(|row| Some(vec![Some(row), Some(row + 1)]));
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists));
        let batch = RecordBatch::try_from_iter([("list", lists)]).unwrap();
        let properties = for_sample(&plain(), &vec![batch; 5], true, 128 << 20);
        assert_eq!(without_dictionary(&properties, &["list"]), BTreeSet::new());
    }
}
