//! Whether batches that follow each other are sorted.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, BooleanArray, DynComparator, RecordBatch, make_comparator};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::cmp;
use arrow::error::ArrowError;

use super::{SortColumn, with_one_zero};

/// Follows a stream of batches and finds the first row that comes too late.
///
/// Compares a column with itself, one row later, as two slices; further columns only where rows are equal in all before them.
#[derive(Debug)]
pub(crate) struct OrderCheck {
    order: Vec<SortColumn>,
    /// Index of each column of `order` in the batches.
    columns: Vec<usize>,
    /// The last row seen, its sort columns only.
    last: Option<Vec<ArrayRef>>,
}

impl OrderCheck {
    /// A check of batches that have the columns of `order` at `columns`.
    pub(crate) fn new(order: &[SortColumn], columns: Vec<usize>) -> Self {
        Self { order: order.to_vec(), columns, last: None }
    }

    /// Whether `batch` is sorted and goes on where the last one ended.
    ///
    /// # Errors
    /// For columns that have no order, and batches without the columns.
    pub(crate) fn follows(&mut self, batch: &RecordBatch) -> Result<bool, ArrowError> {
        let Some(end) = batch.num_rows().checked_sub(1) else { return Ok(true) };
        let missing = || ArrowError::SchemaError("a batch lacks a column it is sorted by".into());
        let columns = self.columns.iter().map(|&index| batch.columns().get(index).cloned());
        let columns: Vec<ArrayRef> = columns.collect::<Option<_>>().ok_or_else(missing)?;
        let columns: Vec<ArrayRef> = columns.iter().map(with_one_zero).collect();
        let goes_on = match &self.last {
            Some(last) => in_order(&self.comparators(last, &columns)?, 0, 0),
            None => true,
        };
        let sorted = goes_on && self.is_sorted(&columns, end)?;
        self.last = Some(columns.iter().map(|column| column.slice(end, 1)).collect());
        Ok(sorted)
    }

    /// Whether each of the first `pairs` rows may come before the one after it.
    fn is_sorted(&self, columns: &[ArrayRef], pairs: usize) -> Result<bool, ArrowError> {
        if columns.iter().any(|column| column.data_type().is_nested()) {
            let within = self.comparators(columns, columns)?;
            return Ok((0..pairs).all(|row| in_order(&within, row, row + 1)));
        }
        // The pairs that are equal in all columns so far; at first all.
        let mut equal: Option<BooleanBuffer> = None;
        for (sort, column) in self.order.iter().zip(columns) {
            let (before, after) = (column.slice(0, pairs), column.slice(1, pairs));
            let wrong = too_late(&before, &after, sort.descending)?;
            let (wrong, same) = match &equal {
                Some(equal) => (&wrong & equal, &are_equal(&before, &after)? & equal),
                None => (wrong, are_equal(&before, &after)?),
            };
            if wrong.count_set_bits() > 0 {
                return Ok(false);
            }
            if same.count_set_bits() == 0 {
                return Ok(true);
            }
            equal = Some(same);
        }
        Ok(true)
    }

    fn comparators(&self, left: &[ArrayRef], right: &[ArrayRef]) -> Result<Vec<DynComparator>, ArrowError> {
        let pairs = self.order.iter().zip(left.iter().zip(right));
        pairs.map(|(sort, (left, right))| make_comparator(left, right, sort.options())).collect()
    }
}

/// Of pairs of values, those whose second may not come after the first. NULL is larger than every value.
fn too_late(before: &dyn Array, after: &dyn Array, descending: bool) -> Result<BooleanBuffer, ArrowError> {
    let (first, second) = if descending { (after, before) } else { (before, after) };
    let larger = true_values(&cmp::gt(&first, &second)?);
    let Some(first_nulls) = first.logical_nulls() else { return Ok(larger) };
    let null_first = !first_nulls.inner();
    Ok(match second.logical_nulls() {
        Some(second_nulls) => &larger | &(&null_first & second_nulls.inner()),
        None => &larger | &null_first,
    })
}

fn are_equal(before: &dyn Array, after: &dyn Array) -> Result<BooleanBuffer, ArrowError> {
    Ok(true_values(&cmp::not_distinct(&before, &after)?))
}

fn true_values(array: &BooleanArray) -> BooleanBuffer {
    match array.nulls() {
        Some(nulls) => array.values() & nulls.inner(),
        None => array.values().clone(),
    }
}

/// Whether row `left` of one array may come before row `right` of the other.
fn in_order(comparators: &[DynComparator], left: usize, right: usize) -> bool {
    let orders = comparators.iter().map(|compare| compare(left, right));
    orders.into_iter().find(|order| order.is_ne()) != Some(Ordering::Greater)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringViewArray};

    use super::*;

    fn check(descending: bool) -> OrderCheck {
        let sort = |column: &str, descending| SortColumn { column: column.into(), descending };
        OrderCheck::new(&[sort("path", false), sort("end", descending)], vec![1, 0])
    }

    fn batch(rows: &[(Option<&str>, Option<i64>)]) -> RecordBatch {
        let ends: Int64Array = rows.iter().map(|(_, end)| *end).collect();
        let paths: StringViewArray = rows.iter().map(|(path, _)| *path).collect();
        RecordBatch::try_from_iter([("end", Arc::new(ends) as ArrayRef), ("path", Arc::new(paths))]).unwrap()
    }

    #[test]
    fn rows_are_compared_within_and_across_batches() {
        let mut ascending = check(false);
        assert!(ascending.follows(&batch(&[(Some("a"), Some(1)), (Some("a"), Some(1))])).unwrap());
        assert!(ascending.follows(&batch(&[])).unwrap());
        assert!(ascending.follows(&batch(&[(Some("a"), Some(2)), (Some("b"), Some(0))])).unwrap());
        assert!(!ascending.follows(&batch(&[(Some("b"), Some(-1))])).unwrap(), "across batches");
        assert!(!check(false).follows(&batch(&[(Some("a"), Some(2)), (Some("a"), Some(1))])).unwrap());
        assert!(check(true).follows(&batch(&[(Some("a"), Some(2)), (Some("a"), Some(1))])).unwrap());
    }

    #[test]
    fn null_is_larger_than_every_value_and_texts_are_bytes() {
        assert!(
            check(false).follows(&batch(&[(Some("a"), Some(9)), (Some("a"), None), (None, None)])).unwrap()
        );
        assert!(!check(false).follows(&batch(&[(None, None), (Some("a"), None)])).unwrap());
        assert!(check(true).follows(&batch(&[(Some("a"), None), (Some("a"), Some(9))])).unwrap());
        assert!(
            check(false).follows(&batch(&[(Some("Z"), None), (Some("a"), None), (Some("é"), None)])).unwrap()
        );
    }

    #[test]
    fn slices_say_what_comparing_row_by_row_says() {
        let mut state = 20_261_129_u64;
        let mut below = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        let mut answers = [0, 0];
        for round in 0..2000 {
            let rows: Vec<(Option<&str>, Option<i64>)> = (0..1 + below(5))
                .map(|_| {
                    ([None, Some("a"), Some("b")][below(3) as usize], (below(4) > 0).then(|| below(3) as i64))
                })
                .collect();
            let batch = batch(&rows);
            for descending in [false, true] {
                let mut check = check(descending);
                let columns: Vec<ArrayRef> = [1, 0].map(|at| batch.column(at).clone()).to_vec();
                let within = check.comparators(&columns, &columns).unwrap();
                let wanted = (1..rows.len()).all(|row| in_order(&within, row - 1, row));
                assert_eq!(check.follows(&batch).unwrap(), wanted, "round {round}: {rows:?} {descending}");
                answers[usize::from(wanted)] += 1;
            }
        }
        assert!(answers.iter().all(|count| *count > 300), "{answers:?}");
    }
}
