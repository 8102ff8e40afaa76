//! How much memory columns hold that are kept as they came.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef};
use arrow::buffer::Buffer;

/// The bytes that columns keep allocated. Slices of one array and view columns share buffers: each counts once, when it
/// is first `seen`, by its address.
pub fn held_bytes(columns: &[ArrayRef], seen: &mut HashSet<usize>) -> usize {
    let mut bytes = 0;
    for column in columns {
        for_each_buffer(column, &mut |buffer| {
            if seen.insert(buffer.data_ptr().as_ptr().addr()) {
                bytes += buffer.capacity();
            }
        });
    }
    bytes
}

/// Visits the buffers of a column and of its children.
pub fn for_each_buffer(column: &dyn Array, visit: &mut impl FnMut(&Buffer)) {
    let mut open = vec![column.to_data()];
    while let Some(data) = open.pop() {
        data.buffers().iter().for_each(&mut *visit);
        if let Some(nulls) = data.nulls() {
            visit(nulls.buffer());
        }
        open.extend(data.child_data().iter().cloned());
    }
}
