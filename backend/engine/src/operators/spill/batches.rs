//! How many bytes batches use, and batches of another schema.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::Result;

/// The bytes that the rows of a batch use: what a copy of them would take. Slices of one result share its buffers, and
/// each counts for its own rows.
pub(in crate::operators) fn used_bytes(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(used_by).sum()
}

/// The bytes that the rows take in a batch of their own when texts of view columns stay where they are.
pub(in crate::operators) fn copied_bytes(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(in_place).sum()
}

fn used_by(array: &ArrayRef) -> usize {
    let values = match array.data_type() {
        DataType::Utf8View => array.as_string_view().total_buffer_bytes_used(),
        DataType::BinaryView => array.as_binary_view().total_buffer_bytes_used(),
        _ => 0,
    };
    in_place(array) + values
}

fn in_place(array: &ArrayRef) -> usize {
    // Layouts that cannot tell the size of a slice hold what they hold.
    array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size())
}

/// The batch with this schema, which is promised: operators may narrow nullability and keep metadata.
pub(in crate::operators) fn with_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            if column.data_type() == field.data_type() {
                Ok(Arc::clone(column))
            } else {
                Ok(arrow::compute::cast(column, field.data_type())?)
            }
        })
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}
