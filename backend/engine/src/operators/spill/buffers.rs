//! What the batches of a partition hold in memory, and how to make them hold less.
//!
//! Arrays of strings and bytes in the view layout point into buffers that they share with the arrays they came from.
//! After a join or a selective filter a batch may keep a megabyte alive for a few names. Each batch for itself looks
//! wasteful also where it is not: all slices of one large result share its buffers, and together they use all of
//! them. Therefore waste is measured over all batches of a partition, column by column.

#![expect(clippy::wildcard_enum_match_arm, reason = "types of Arrow of which few are meant")]

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::Result;
use functions::aggregate::for_each_buffer;

/// A column that uses less than one in this many bytes it holds is copied.
const WASTEFUL: usize = 2;
/// Views that point into more buffers than these are worth a copy, whatever they use of them.
const MOST_BUFFERS: usize = 16;
/// Waste below this many bytes is not worth a copy.
pub(super) const WORTH_A_COPY: usize = 256 * 1024;

/// Buffers that have been counted, by address: batches share them, and they count once.
#[derive(Debug, Default)]
pub(in crate::operators) struct Counted(HashSet<usize>);

impl Counted {
    /// The bytes of the buffers of a batch that have not been counted, and those buffers.
    pub(in crate::operators) fn new_in(&self, batch: &RecordBatch) -> (usize, HashSet<usize>) {
        // A batch of string views after a join may point into thousands of buffers.
        let (mut bytes, mut found) = (0, HashSet::new());
        let mut add = |buffer: &Buffer| {
            let address = buffer.data_ptr().as_ptr().addr();
            if !self.0.contains(&address) && found.insert(address) {
                bytes += buffer.capacity();
            }
        };
        batch.columns().iter().for_each(|column| for_each_buffer(column, &mut add));
        (bytes, found)
    }

    /// Counts buffers.
    pub(in crate::operators) fn add(&mut self, buffers: HashSet<usize>) {
        self.0.extend(buffers);
    }

    /// Forgets all buffers.
    pub(in crate::operators) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The batches without the bytes they hold and do not use; nothing where a copy would gain little.
pub(in crate::operators) fn compacted(batches: &[RecordBatch]) -> Result<Option<Vec<RecordBatch>>> {
    let Some(first) = batches.first() else { return Ok(None) };
    let wasteful: Vec<bool> = (0..first.num_columns()).map(|column| is_wasteful(batches, column)).collect();
    if !wasteful.contains(&true) {
        return Ok(None);
    }
    let copies = batches.iter().map(|batch| with_copies(batch, |column| wasteful.get(column) == Some(&true)));
    copies.collect::<Result<Vec<_>>>().map(Some)
}

/// The batch with copies of the view columns that point into many buffers. A join hands on the buffers of all batches of its build
/// side with each of its own, and whoever takes these in has those of all of them: over a chain of joins they multiply, and
/// operators look at all buffers of every batch.
///
/// # Errors
/// None that is known; Arrow could refuse a column.
pub(in crate::operators) fn gathered(batch: &RecordBatch) -> Result<RecordBatch> {
    let scattered: Vec<bool> = batch.columns().iter().map(is_scattered).collect();
    if !scattered.contains(&true) {
        return Ok(batch.clone());
    }
    with_copies(batch, |column| scattered.get(column) == Some(&true))
}

/// Whether the views of a column point into so many buffers that copies of the texts cost less than to carry them on.
pub(in crate::operators) fn is_scattered(column: &ArrayRef) -> bool {
    buffers_of(column).is_some_and(|buffers| buffers.len() > MOST_BUFFERS)
}

/// The batch with copies of those view columns that are chosen by their number: they hold what they use.
pub(in crate::operators) fn with_copies(
    batch: &RecordBatch,
    chosen: impl Fn(usize) -> bool,
) -> Result<RecordBatch> {
    let columns = batch.columns().iter().enumerate();
    let columns =
        columns.map(|(number, column)| if chosen(number) { copied(column) } else { Arc::clone(column) });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(batch.schema(), columns.collect(), &options)?)
}

/// Whether the view arrays of a column, or the dictionaries of views, use few of the bytes they hold. Other layouts cannot:
/// their operators copy.
fn is_wasteful(batches: &[RecordBatch], column: usize) -> bool {
    let (mut held, mut used) = (0_usize, 0_usize);
    let mut seen = HashSet::new();
    for array in batches.iter().filter_map(|batch| batch.columns().get(column)) {
        let Some(buffers) = buffers_of(array) else { continue };
        used += bytes_used(array);
        for buffer in buffers {
            if seen.insert(buffer.data_ptr().as_ptr().addr()) {
                held += buffer.capacity();
            }
        }
    }
    is_waste(held, used, WORTH_A_COPY)
}

/// Whether a copy of what is used pays, if it saves so many bytes.
pub(super) fn is_waste(held: usize, used: usize, worth_a_copy: usize) -> bool {
    held / WASTEFUL > used && held - used > worth_a_copy
}

/// The buffers that a view array, or a dictionary of views, points into.
fn buffers_of(array: &ArrayRef) -> Option<&[Buffer]> {
    match array.data_type() {
        DataType::Utf8View => Some(array.as_string_view().data_buffers()),
        DataType::BinaryView => Some(array.as_binary_view().data_buffers()),
        DataType::Dictionary(..) => buffers_of(array.as_any_dictionary_opt()?.values()),
        _ => None,
    }
}

/// How many of their bytes it uses.
fn bytes_used(array: &ArrayRef) -> usize {
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().total_buffer_bytes_used(),
        DataType::BinaryView => array.as_binary_view().total_buffer_bytes_used(),
        DataType::Dictionary(..) => {
            array.as_any_dictionary_opt().map_or(0, |dictionary| bytes_used(dictionary.values()))
        }
        _ => 0,
    }
}

/// The array with buffers of its own, if it is one of views, which hold what they use.
pub(in crate::operators) fn copied(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        DataType::BinaryView => Arc::new(array.as_binary_view().gc()),
        DataType::Dictionary(..) => match array.as_any_dictionary_opt() {
            Some(dictionary) => dictionary.with_values(copied(dictionary.values())),
            None => Arc::clone(array),
        },
        _ => Arc::clone(array),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringViewArray};
    use arrow::datatypes::{Field, Schema};

    use super::*;

    fn batch(names: ArrayRef) -> RecordBatch {
        let rows: Vec<i64> = (0..).take(names.len()).collect();
        let fields = vec![
            Field::new("name", names.data_type().clone(), true),
            Field::new("id", DataType::Int64, true),
        ];
        let columns: Vec<ArrayRef> = vec![names, Arc::new(Int64Array::from(rows))];
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    }

    fn names(rows: usize) -> StringViewArray {
        (0..rows).map(|row| Some(format!("a name that is longer than twelve bytes {row}"))).collect()
    }

    #[test]
    fn slices_of_one_array_count_their_buffers_once() {
        let whole = batch(Arc::new(names(1000)));
        let mut counted = Counted::default();
        let (bytes, buffers) = counted.new_in(&whole.slice(0, 10));
        counted.add(buffers);
        assert!(bytes > 1000 * (16 + 40 + 8), "the slice keeps the whole alive: {bytes}");
        assert_eq!(counted.new_in(&whole.slice(500, 500)).0, 0);
    }

    #[test]
    fn slices_that_use_everything_together_are_left_alone() {
        let whole = batch(Arc::new(names(50_000)));
        let slices: Vec<_> = (0..10).map(|part| whole.slice(part * 5000, 5000)).collect();
        assert!(compacted(&slices).unwrap().is_none());
    }

    #[test]
    fn a_few_values_of_large_buffers_are_copied() {
        let whole = names(50_000);
        let few = batch(Arc::new(whole.slice(10, 100)));
        let copies = compacted(std::slice::from_ref(&few)).unwrap().unwrap();
        assert_eq!(copies, std::slice::from_ref(&few), "the values stay");
        let held = |batch: &RecordBatch| Counted::default().new_in(batch).0;
        assert!(held(&few) > 2_000_000 && held(&copies[0]) < 100_000, "{} {}", held(&few), held(&copies[0]));
    }
}
