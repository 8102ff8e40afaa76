//! Cutting batches so that no step of a writer holds many bytes at a time.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;

/// Rows handed to the Parquet encoder at a time: after each piece a writer looks at the size of the file.
const PIECE_ROWS: usize = 8192;

/// Bytes of the rows of a batch. Unlike the memory of its buffers, which other batches may share.
pub(in crate::write) fn bytes_of(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(|column| bytes_of_array(column.as_ref())).sum()
}

fn bytes_of_array(array: &dyn Array) -> usize {
    let views = match array.data_type() {
        DataType::Utf8View => Some(array.as_string_view().views()),
        DataType::BinaryView => Some(array.as_binary_view().views()),
        _ => None,
    };
    match views {
        // The lower half of a view's first word is the length.
        Some(views) => views.iter().map(|view| 16 + (*view & u128::from(u32::MAX)) as usize).sum(),
        None => array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size()),
    }
}

/// `batch` in pieces of about `bytes` at most, if its rows are of about the same size.
pub(super) fn pieces(batch: &RecordBatch, bytes: usize) -> impl Iterator<Item = RecordBatch> + '_ {
    let rows = batch.num_rows();
    let fitting = bytes.saturating_mul(rows).checked_div(bytes_of(batch)).unwrap_or(rows);
    let step = fitting.clamp(1, PIECE_ROWS);
    (0..rows).step_by(step).map(move |from| batch.slice(from, step.min(rows - from)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray, StringViewArray};

    use super::*;

    #[test]
    fn pieces_are_bounded_by_bytes_and_by_rows() {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..20_000));
        let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
        let rows = |bytes| pieces(&batch, bytes).map(|piece| piece.num_rows()).collect::<Vec<_>>();
        assert_eq!(rows(1 << 20), [8192, 8192, 3616]);
        assert_eq!(rows(8 * 5_000), [5_000; 4]);
        assert_eq!(rows(0).len(), 20_000, "a row cannot be cut");
    }

    #[test]
    fn texts_weigh_what_their_rows_have_and_not_what_their_buffers_hold() {
        let text = "x".repeat(1000);
        let plain = StringArray::from(vec![text.as_str(); 100]);
        let views = StringViewArray::from(vec![text.as_str(); 100]);
        for texts in [Arc::new(plain) as ArrayRef, Arc::new(views)] {
            let batch = RecordBatch::try_from_iter([("t", texts)]).unwrap();
            let (all, one) = (bytes_of(&batch), bytes_of(&batch.slice(5, 1)));
            assert!((100_000..110_000).contains(&all), "{all}");
            assert!((1_000..1_100).contains(&one), "{one}");
        }
    }
}
