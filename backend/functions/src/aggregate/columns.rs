//! How much memory columns hold that are kept as they came.

use std::collections::HashSet;

use arrow::array::{Array, AsArray};
use arrow::buffer::Buffer;

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
