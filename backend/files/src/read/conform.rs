//! Columns of a file in the types of the table.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use crate::columns::Columns;

/// The columns of a batch, by name, in the types of the table; NULL for those that the file lacks.
///
/// # Errors
/// What is wrong with which column: a value that its type does not hold, or a NULL where there must be none.
pub(super) fn conformed(batch: &RecordBatch, wanted: &Columns) -> Result<RecordBatch, String> {
    let schema: &SchemaRef = &wanted.scanned;
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for (field, declared) in schema.fields().iter().zip(wanted.declared.fields()) {
        let column = match batch.column_by_name(field.name()) {
            None => new_null_array(field.data_type(), batch.num_rows()),
            Some(column) => exact(column, declared.data_type())
                .and_then(|column| exact(&column, field.data_type()))
                .map_err(|reason| format!("column `{}`: {reason}", field.name()))?,
        };
        if !field.is_nullable() && column.logical_null_count() > 0 {
            return Err(format!("column `{}` is NULL, which its type does not allow", field.name()));
        }
        columns.push(column);
    }
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows).map_err(|error| error.to_string())
}

/// The values of a column in another type, if that holds all of them.
fn exact(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, String> {
    if column.data_type() == wanted {
        return Ok(Arc::clone(column));
    }
    // A value that does not fit is an error, not NULL.
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let cast = |column: &ArrayRef, wanted: &DataType| {
        cast_with_options(column, wanted, &options).map_err(|error| error.to_string())
    };
    let made = cast(column, wanted)?;
    if !may_be_cut(column.data_type()) {
        return Ok(made);
    }
    let back = cast(&made, column.data_type())?;
    if &back == column {
        return Ok(made);
    }
    let row = (0..column.len()).find(|row| back.slice(*row, 1) != column.slice(*row, 1)).unwrap_or(0);
    let value = arrow::util::display::array_value_to_string(column, row).unwrap_or_default();
    Err(format!("{value} is more precise than {}", crate::error::type_name(wanted)))
}

/// Whether a cast to the type that is scanned cuts off what is more precise, without an error.
fn may_be_cut(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp(TimeUnit::Nanosecond, _) | DataType::Date64 => true,
        DataType::Dictionary(_, values) => may_be_cut(values),
        DataType::RunEndEncoded(_, inner)
        | DataType::List(inner)
        | DataType::LargeList(inner)
        | DataType::FixedSizeList(inner, _)
        | DataType::ListView(inner)
        | DataType::LargeListView(inner)
        | DataType::Map(inner, _) => may_be_cut(inner.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| may_be_cut(field.data_type())),
        _ => false,
    }
}
