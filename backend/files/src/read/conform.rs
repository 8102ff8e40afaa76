//! Columns of a file in the types of the table.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

/// The columns of a batch, by name, in the types of the table; NULL for those that the file lacks.
///
/// # Errors
/// What is wrong with which column: a value that its type does not hold, or a NULL where there must be none.
pub(super) fn conformed(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, String> {
    // A value that does not fit is an error, not NULL.
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let column = match batch.column_by_name(field.name()) {
            None => new_null_array(field.data_type(), batch.num_rows()),
            Some(column) if column.data_type() == field.data_type() => Arc::clone(column),
            Some(column) => cast_with_options(column, field.data_type(), &options)
                .map_err(|error| format!("column `{}`: {error}", field.name()))?,
        };
        if !field.is_nullable() && column.logical_null_count() > 0 {
            return Err(format!("column `{}` is NULL, which its type does not allow", field.name()));
        }
        columns.push(column);
    }
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows).map_err(|error| error.to_string())
}
