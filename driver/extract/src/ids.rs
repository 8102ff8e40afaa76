//! Row identifiers: one hash function, one encoding, and the ordinals that keep equal spans apart.

use std::collections::HashMap;

use ir::hash::{push_part, stable_hash64};

/// Computes the identifiers of one file's rows.
///
/// An identifier is [`ir::hash::stable_id64`] of (kind, path, start, end, ordinal). The ordinal is 0 for the
/// first row of a kind and span in the file, in pre-order, and counts up for further ones, so that nested
/// nodes of one kind and span, or several zero-width ones, stay apart.
pub(crate) struct RowIds<'a> {
    path: &'a str,
    ordinals: HashMap<(&'static str, u32, u32), u32>,
    buffer: Vec<u8>,
}

impl<'a> RowIds<'a> {
    /// Identifiers for the rows of the file at `path` (relative to the repository, POSIX).
    pub(crate) fn new(path: &'a str) -> Self {
        Self { path, ordinals: HashMap::new(), buffer: Vec::with_capacity(128) }
    }

    /// The identifier of the next row of this `kind` and span.
    pub(crate) fn next(&mut self, kind: &'static str, start: u32, end: u32) -> i64 {
        let ordinal = self.ordinals.entry((kind, start, end)).or_insert(0);
        let current = *ordinal;
        *ordinal += 1;
        self.buffer.clear();
        push_part(&mut self.buffer, kind.as_bytes());
        push_part(&mut self.buffer, self.path.as_bytes());
        for number in [start, end, current] {
            push_number(&mut self.buffer, number);
        }
        stable_hash64(&self.buffer)
    }
}

/// The identifier of a file: of its path alone, so that it survives changes of the content.
pub(crate) fn file_id(path: &str) -> i64 {
    ir::hash::stable_id64(&["file", path])
}

/// Appends the decimal digits of `number` as one part, without a temporary string.
fn push_number(buffer: &mut Vec<u8>, number: u32) {
    let mut digits = [0_u8; 10];
    let mut used = 0;
    let mut rest = number;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    push_part(buffer, digits.split_at(digits.len() - used).1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_shared_definition() {
        let mut ids = RowIds::new("pkg/é.py");
        let first = ids.next("identifier", 0, 4_294_967_295);
        let second = ids.next("identifier", 0, 4_294_967_295);
        assert_eq!(first, ir::hash::stable_id64(&["identifier", "pkg/é.py", "0", "4294967295", "0"]));
        assert_eq!(second, ir::hash::stable_id64(&["identifier", "pkg/é.py", "0", "4294967295", "1"]));
    }
}
