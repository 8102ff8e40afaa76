//! How many bytes batches use, and batches of another schema.

#![expect(clippy::wildcard_enum_match_arm, reason = "types of Arrow of which few are meant")]

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

/// The bytes that the rows take in a batch of their own when texts of view columns stay where they are; those inside of lists
/// and structs count.
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
    // A slice of lists or of a dictionary keeps all its values.
    match array.data_type() {
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            elements(lists.values(), lists.value_offsets())
        }
        DataType::Map(_, _) => {
            let maps = array.as_map();
            elements(&(Arc::new(maps.entries().clone()) as ArrayRef), maps.value_offsets())
        }
        DataType::Struct(_) => array.as_struct().columns().iter().map(used_by).sum(),
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let (values, rows) = (dictionary.values(), array.len());
            let of_values = used_by(values).checked_div(values.len()).unwrap_or(0) * rows.min(values.len());
            of_values + own_bytes(dictionary.keys())
        }
        _ => own_bytes(array.as_ref()),
    }
}

/// What lists with these offsets into the values use.
fn elements(values: &ArrayRef, offsets: &[i32]) -> usize {
    let place = |offset: Option<&i32>| offset.map_or(0, |offset| *offset as usize);
    let (first, end) = (place(offsets.first()), place(offsets.last()));
    used_by(&values.slice(first, end.saturating_sub(first))) + size_of_val(offsets)
}

fn own_bytes(array: &dyn Array) -> usize {
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

#[cfg(test)]
mod tests {
    use arrow::array::{DictionaryArray, Int64Array, ListArray, StringArray, StructArray};
    use arrow::datatypes::{Int32Type, Int64Type};

    use super::*;

    /// A slice keeps the arrays it was cut from, whatever they are made of.
    #[test]
    fn slices_use_what_their_rows_do() {
        let lists = || (0..1000).map(|row| Some((0..40).map(move |element| Some(row * 40 + element))));
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists()));
        let texts: Vec<String> = (0..1000).map(|row| format!("a text of its own, the {row:05}th")).collect();
        let dictionary: DictionaryArray<Int32Type> = texts.iter().map(String::as_str).collect();
        let texts: ArrayRef = Arc::new(StringArray::from(texts));
        let both = StructArray::try_from(vec![("lists", Arc::clone(&lists)), ("texts", Arc::clone(&texts))])
            .unwrap();
        let columns: [(&str, ArrayRef); 4] = [
            ("numbers", Arc::new(Int64Array::from_iter_values(0..1000))),
            ("lists", lists),
            ("dictionary", Arc::new(dictionary)),
            ("both", Arc::new(both)),
        ];
        for (name, column) in columns {
            let whole = RecordBatch::try_from_iter([(name, column)]).unwrap();
            let part = used_bytes(&whole.slice(100, 50));
            let expected = used_bytes(&whole) / 20;
            assert!(part.abs_diff(expected) < expected / 5, "{name}: {part} of {expected}");
        }
    }
}
