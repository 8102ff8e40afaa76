//! Which Parquet columns of a file have no dictionary.
//!
//! The Parquet writer looks up every value of a column in a hash table until the dictionary is full, which for ids,
//! prices and free texts is the larger half of its work, and then gives the dictionary up; what it has made of it
//! until then is larger than plain values compressed. On TPC-H `lineitem` the columns this switches off
//! (`l_orderkey`, `l_partkey`, `l_extendedprice`, `l_comment`) become 5 to 70 % smaller. Values in lists, maps and
//! structs are Parquet columns like any other.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use parquet::arrow::ArrowSchemaConverter;
use parquet::file::properties::DEFAULT_DICTIONARY_PAGE_SIZE_LIMIT;
use parquet::schema::types::ColumnPath;

use super::super::pieces::bytes_of;
use super::ROW_GROUP_ROWS;

/// A column of fixed width gets a dictionary if a row group has at most this share of distinct values in it.
const FIXED_WIDTH_SHARE: f64 = 1.0 / 8.0;
/// The same for texts and binary values, where a repeated value saves more.
const TEXT_SHARE: f64 = 1.0 / 2.0;

/// The Parquet columns that have too many distinct values for a dictionary, judged by the first rows of a file, whose row
/// groups have at most so many bytes.
pub(super) fn without_dictionary(sample: &[RecordBatch], row_group_bytes: usize) -> Vec<ColumnPath> {
    let rows: usize = sample.iter().map(RecordBatch::num_rows).sum();
    let Some(first) = sample.first().filter(|_| rows > 0) else { return Vec::new() };
    // What has no Parquet form, the writer of the file refuses.
    let Ok(parquet) = ArrowSchemaConverter::new().convert(&first.schema()) else { return Vec::new() };
    let bytes = sample.iter().map(bytes_of).sum();
    let row_group = row_group_bytes.saturating_mul(rows).checked_div(bytes).unwrap_or(ROW_GROUP_ROWS);
    let row_group = row_group.clamp(rows, ROW_GROUP_ROWS.max(rows));
    let Some(batches) = sample.iter().map(leaves_of).collect::<Option<Vec<_>>>() else { return Vec::new() };
    let mut without = Vec::new();
    for (index, leaf) in parquet.columns().iter().enumerate() {
        let values: Vec<&dyn Array> =
            batches.iter().filter_map(|batch| batch.get(index).map(AsRef::as_ref)).collect();
        if !dictionary_pays(&values, rows, row_group) {
            without.push(leaf.path().clone());
        }
    }
    without
}

/// The values of every Parquet column of a batch, in their order.
fn leaves_of(batch: &RecordBatch) -> Option<Vec<ArrayRef>> {
    let mut leaves = Vec::new();
    batch.columns().iter().try_for_each(|column| add_leaves(column, &mut leaves))?;
    Some(leaves)
}

/// Adds the values of every Parquet column within a column; `None` for what is not known here.
fn add_leaves(column: &ArrayRef, leaves: &mut Vec<ArrayRef>) -> Option<()> {
    let within = |offsets: &[i32], values: &ArrayRef| {
        let (from, to) = (usize::try_from(*offsets.first()?).ok()?, usize::try_from(*offsets.last()?).ok()?);
        Some(values.slice(from, to.checked_sub(from)?))
    };
    match column.data_type() {
        DataType::Struct(_) => {
            column.as_struct().columns().iter().try_for_each(|field| add_leaves(field, leaves))
        }
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            add_leaves(&within(list.value_offsets(), list.values())?, leaves)
        }
        DataType::Map(..) => {
            let map = column.as_map();
            let entries: ArrayRef = Arc::new(map.entries().clone());
            add_leaves(&within(map.value_offsets(), &entries)?, leaves)
        }
        nested if nested.is_nested() => None,
        _ => {
            leaves.push(Arc::clone(column));
            Some(())
        }
    }
}

/// Whether a dictionary pays for a Parquet column with these values in the first `rows` of a file.
#[expect(clippy::cast_precision_loss, reason = "counts of at most a row group, and estimates made of them")]
fn dictionary_pays(values: &[&dyn Array], rows: usize, row_group: usize) -> bool {
    let count: usize = values.iter().map(|values| values.len()).sum();
    let is_plain = |values: &&dyn Array| !matches!(values.data_type(), DataType::Boolean | DataType::Null);
    // Lists may have few values, which say as little as few rows.
    if count < rows / 2 || !values.iter().all(is_plain) {
        return true;
    }
    let Some((half, all)) = distinct(values, count) else { return true };
    let (half, all, sampled) = (half.max(1) as f64, all.max(1) as f64, count as f64);
    let in_row_group = sampled * (row_group as f64 / rows as f64);
    // The number of distinct values grows with a power of their number: 1 where all are new, 0 where none is
    // (Heaps' law). Both halves of the sample give the exponent.
    let exponent = (all / half).log2();
    let expected = all * (in_row_group / sampled).powf(exponent);
    let share = expected / in_row_group;
    match text_bytes(values) {
        None => share <= FIXED_WIDTH_SHARE,
        Some(bytes) => {
            // A dictionary that overflows half-way still serves half of the values.
            let page = expected * (bytes as f64 / sampled + 4.0);
            share <= TEXT_SHARE && page <= 2.0 * DEFAULT_DICTIONARY_PAGE_SIZE_LIMIT as f64
        }
    }
}

/// How many values in the first half of `count`, and in all of them, are distinct; `None` for values that cannot be hashed.
fn distinct(columns: &[&dyn Array], count: usize) -> Option<(usize, usize)> {
    let mut seen: HashSet<u64> = HashSet::new();
    let (mut half, mut passed) = (0, 0);
    for column in columns {
        let mut hashes = vec![0; column.len()];
        create_hashes([*column], &RandomState::default(), &mut hashes).ok()?;
        let before_half = (count / 2).saturating_sub(passed).min(hashes.len());
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
fn text_bytes(columns: &[&dyn Array]) -> Option<usize> {
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
    use arrow::array::{Int64Array, ListArray, StringArray, StructArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{Field, Int64Type};

    use super::*;

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
        // Two ids and kinds a row.
        let pairs = |from: i64| -> ArrayRef {
            let ids: ArrayRef = Arc::new((from * 2..(from + 8192) * 2).map(mixed).collect::<Int64Array>());
            let kinds: ArrayRef = Arc::new((0..8192 * 2).map(|row| row % 12).collect::<Int64Array>());
            let fields = [("id", ids), ("kind", kinds)];
            let fields =
                fields.map(|(name, values)| (Arc::new(Field::new(name, DataType::Int64, true)), values));
            let pairs = StructArray::from(fields.to_vec());
            let element = Arc::new(Field::new("element", pairs.data_type().clone(), true));
            let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(2, 8192));
            Arc::new(ListArray::new(element, offsets, Arc::new(pairs), None))
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
                ("pairs", pairs(from)),
            ])
            .unwrap()
        };
        (0..rows / 8192).map(|batch| columns(batch * 8192)).collect()
    }

    #[test]
    fn only_columns_of_mostly_new_values_lose_their_dictionary() {
        let without = without_dictionary(&batches(32 * 1024), 128 << 20);
        let without: Vec<String> = without.iter().map(ColumnPath::string).collect();
        assert_eq!(without, ["id", "ascending", "comment", "pairs.list.element.id"]);
    }

    #[test]
    fn a_few_values_decide_nothing() {
        let none = |row| (row % 100 == 0).then(|| vec![Some(mixed(row))]);
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>((0..8192).map(none));
        let batch = RecordBatch::try_from_iter([("list", Arc::new(lists) as ArrayRef)]).unwrap();
        assert_eq!(without_dictionary(&vec![batch; 5], 128 << 20), []);
    }
}
