//! The digest against its definition: vectors made by another program, random tables, what must not make a difference
//! or must make one, and how even hashes are.

mod differences;
mod model;
mod quality;
mod random;
mod vectors;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema};

use super::{RowHasher, RowsDigest};

/// A batch of columns that may have NULL, and of so many rows.
fn batch_of(rows: usize, columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options).unwrap()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    batch_of(columns.first().map_or(0, |(_, array)| array.len()), columns)
}

/// The digest of a batch, by a hasher for its schema.
fn digest(batch: &RecordBatch) -> RowsDigest {
    RowHasher::new(&batch.schema()).unwrap().digest(batch).unwrap()
}
