//! Row identifiers: one hash function, one encoding, and the ordinals that keep equal spans apart.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use ir::hash::{push_part, stable_hash64};

/// Computes the identifiers of one file's rows.
///
/// An identifier is [`ir::hash::stable_id64`] of (kind, path, start, end, ordinal). The ordinal is 0 for the
/// first row of a kind and span in the file, in pre-order, and counts up for further ones, so that nested
/// nodes of one kind and span, or several zero-width ones, stay apart.
pub(crate) struct RowIds {
    /// The path, encoded as one part.
    path: Vec<u8>,
    ordinals: HashMap<(u32, u32, &'static str), u32, BuildHasherDefault<SpanHasher>>,
    buffer: Vec<u8>,
}

impl RowIds {
    /// Identifiers for the rows of the file at `path` (relative to the repository, POSIX).
    pub(crate) fn new(path: &str) -> Self {
        let mut encoded = Vec::with_capacity(path.len() + 4);
        push_part(&mut encoded, path.as_bytes());
        Self { path: encoded, ordinals: HashMap::default(), buffer: Vec::with_capacity(128) }
    }

    /// Makes room for the identifiers of that many more rows.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.ordinals.reserve(rows);
    }

    /// The identifier of the next row of this `kind` and span.
    pub(crate) fn next(&mut self, kind: &'static str, start: u32, end: u32) -> i64 {
        let ordinal = self.ordinals.entry((start, end, kind)).or_insert(0);
        let current = *ordinal;
        *ordinal += 1;
        self.buffer.clear();
        push_part(&mut self.buffer, kind.as_bytes());
        self.buffer.extend_from_slice(&self.path);
        for number in [start, end, current] {
            push_number(&mut self.buffer, number);
        }
        stable_hash64(&self.buffer)
    }
}

/// Hashes a span and a kind by multiplication and rotation. The table is looked up for every row and lives as long as one
/// file, whose size is limited, is extracted: it needs no keyed hash.
#[derive(Default)]
struct SpanHasher(u64);

impl SpanHasher {
    fn mix(&mut self, word: u64) {
        // 2^64 divided by the golden ratio, odd (Knuth, The Art of Computer Programming 3, 6.4).
        self.0 = (self.0.rotate_left(29) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

impl Hasher for SpanHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(place, byte)| *place = *byte);
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.mix(u64::from(byte));
    }

    fn write_u32(&mut self, number: u32) {
        self.mix(u64::from(number));
    }

    /// The upper half has the good bits; the table looks at both ends.
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// The identifier of a file: of its path alone, so that it survives changes of the content.
pub(crate) fn file_id(path: &str) -> i64 {
    ir::hash::stable_id64(&["file", path])
}

/// The identifier of a folder that is a module without a file.
pub(crate) fn folder_id(path: &str) -> i64 {
    ir::hash::stable_id64(&["folder", path])
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
