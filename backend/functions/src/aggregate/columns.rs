//! Columns that are kept as they came: how much memory they hold, and how they are put together.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StructArray, UInt32Array};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::compute::{concat, take};
use arrow::datatypes::DataType;
use datafusion::common::Result;

/// The bytes a column holds. Buffers of view columns are shared by many batches: each is counted once, when it
/// is first `seen`.
pub(super) fn column_bytes(column: &dyn Array, seen: &mut HashSet<usize>) -> usize {
    let mut buffers = |views: usize, buffers: &[Buffer]| {
        let new = buffers.iter().filter(|buffer| seen.insert(buffer.as_ptr() as usize));
        views * size_of::<u128>() + new.map(Buffer::len).sum::<usize>()
    };
    if let Some(texts) = column.as_string_view_opt() {
        return buffers(texts.len(), texts.data_buffers());
    }
    if let Some(bytes) = column.as_binary_view_opt() {
        return buffers(bytes.len(), bytes.data_buffers());
    }
    if let Some(fields) = column.as_struct_opt() {
        return fields.columns().iter().map(|field| column_bytes(field, seen)).sum();
    }
    column.to_data().get_slice_memory_size().unwrap_or_default()
}

/// Concatenates `parts` and brings the result into `order`. Structs are done field by field, so that no more
/// than one field exists twice at any time.
pub(super) fn gather(
    data_type: &DataType,
    parts: &[&dyn Array],
    order: Option<&UInt32Array>,
) -> Result<ArrayRef> {
    if parts.is_empty() {
        return Ok(arrow::array::new_empty_array(data_type));
    }
    let DataType::Struct(fields) = data_type else {
        let whole = concat(parts)?;
        return Ok(match order {
            Some(order) => take(&whole, order, None)?,
            None => whole,
        });
    };
    let structs: Vec<&StructArray> = parts.iter().filter_map(|part| part.as_struct_opt()).collect();
    let rows = order.map_or_else(|| structs.iter().map(|part| part.len()).sum(), |order| order.len());
    let mut nulls = None;
    if structs.iter().any(|part| part.null_count() > 0) {
        let valid: Vec<BooleanArray> = structs
            .iter()
            .map(|part| (0..part.len()).map(|row| Some(part.is_valid(row))).collect())
            .collect();
        let valid: Vec<&dyn Array> = valid.iter().map(|part| part as &dyn Array).collect();
        let valid = gather(&DataType::Boolean, &valid, order)?;
        nulls = Some(NullBuffer::new(valid.as_boolean().values().clone()));
    }
    let columns = fields
        .iter()
        .enumerate()
        .map(|(index, field)| {
            let children: Vec<&dyn Array> = structs
                .iter()
                .filter_map(|part| part.columns().get(index))
                .map(|child| child.as_ref())
                .collect();
            gather(field.data_type(), &children, order)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, rows)?))
}
