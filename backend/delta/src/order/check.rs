//! Whether batches that follow each other are sorted.

use std::cmp::Ordering;

use arrow::array::{ArrayRef, DynComparator, RecordBatch, make_comparator};
use arrow::error::ArrowError;

use super::{SortColumn, with_one_zero};

/// Follows a stream of batches and finds the first row that comes too late.
///
/// Costs one comparison a row for the first column, and one more for each further column while the ones before it
/// are equal.
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
        let within = self.comparators(&columns, &columns)?;
        let sorted = goes_on && (0..end).all(|row| in_order(&within, row, row + 1));
        self.last = Some(columns.iter().map(|column| column.slice(end, 1)).collect());
        Ok(sorted)
    }

    fn comparators(&self, left: &[ArrayRef], right: &[ArrayRef]) -> Result<Vec<DynComparator>, ArrowError> {
        let pairs = self.order.iter().zip(left.iter().zip(right));
        pairs.map(|(sort, (left, right))| make_comparator(left, right, sort.options())).collect()
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
}
