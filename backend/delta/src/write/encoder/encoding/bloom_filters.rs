//! Which Parquet columns of a file have Bloom filters.
//!
//! Rows are looked up by identifiers, and where identifiers are hashes, every row group has some between any two: bounds
//! leave out none, and all values are read for one row. A Bloom filter leaves out nearly all row groups. It takes a byte a
//! value and the time to hash it, so only columns get one that look like such identifiers: texts or binary values of one
//! length that hardly repeat. The column that rows are sorted by needs none, and of files of many partitions, which are open
//! at the same time, each would hold its own.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use parquet::schema::types::ColumnPath;

/// How long identifiers are, in bytes. Shorter ones are numbers and codes, longer ones contents.
const LENGTHS: std::ops::RangeInclusive<i32> = 16..=64;

/// The columns of a sample that look like identifiers, of those without a dictionary.
pub(super) fn identifiers(sample: &[RecordBatch], without_dictionary: &[ColumnPath]) -> Vec<ColumnPath> {
    let is_identifier = |path: &&ColumnPath| {
        let [name] = path.parts() else { return false };
        let columns: Option<Vec<&ArrayRef>> = sample.iter().map(|batch| batch.column_by_name(name)).collect();
        let lengths = columns.map(|columns| columns.into_iter().map(length).collect::<Vec<_>>());
        let Some(lengths) = lengths else { return false };
        let mut known = lengths.iter().filter_map(|length| *length);
        let first = known.next();
        first.is_some_and(|first| LENGTHS.contains(&first) && known.all(|length| length == first))
            && lengths.iter().all(Option::is_some)
    };
    without_dictionary.iter().filter(is_identifier).cloned().collect()
}

/// The length of all values of a column, if they have one.
fn length(column: &ArrayRef) -> Option<i32> {
    let offsets = match column.data_type() {
        DataType::Utf8 => column.as_string_opt::<i32>()?.offsets(),
        DataType::Binary => column.as_binary_opt::<i32>()?.offsets(),
        _ => return None,
    };
    let lengths = offsets.windows(2).enumerate().filter(|(row, _)| column.is_valid(*row));
    let mut lengths = lengths.map(|(_, ends)| match ends {
        [from, to] => to - from,
        _ => 0,
    });
    let first = lengths.next()?;
    lengths.all(|length| length == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};

    use super::*;

    #[test]
    fn texts_of_one_length_are_identifiers() {
        let texts = |text: &dyn Fn(i64) -> Option<String>| -> ArrayRef {
            Arc::new((0..100).map(text).collect::<StringArray>())
        };
        let batch = RecordBatch::try_from_iter([
            ("hash", texts(&|row| Some(format!("{row:032x}")))),
            ("reference", texts(&|row| (row % 3 > 0).then(|| format!("{row:020}")))),
            ("comment", texts(&|row| Some(format!("a remark about the number {row}")))),
            ("code", texts(&|row| Some(format!("{row:06}")))),
            ("page", texts(&|row| Some(format!("{row:0100}")))),
            ("number", Arc::new((0..100).collect::<Int64Array>())),
        ])
        .unwrap();
        let all: Vec<ColumnPath> =
            batch.schema().fields().iter().map(|field| ColumnPath::from(field.name().as_str())).collect();
        let found = identifiers(&[batch.clone(), batch], &all);
        assert_eq!(found.iter().map(ColumnPath::string).collect::<Vec<_>>(), ["hash", "reference"]);
    }
}
