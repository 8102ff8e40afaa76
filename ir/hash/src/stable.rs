//! Identifiers of rows: BLAKE2b of a list of parts.
//!
//! The parts become one text by the encoding of netstrings without the trailing comma: the decimal length of each in
//! bytes, a colon and its bytes. Two different lists of parts never have the same encoding, whatever the parts contain.

use blake2::digest::consts::{U8, U16};
use blake2::{Blake2b, Digest};

/// Appends `part` to `out` in the length-safe encoding described in the documentation of the module.
pub fn push_part(out: &mut Vec<u8>, part: &[u8]) {
    // Digits from the right into a buffer that holds any length: this runs for every part of every row.
    let mut digits = [b'0'; 20];
    let mut start = digits.len() - 1;
    let mut rest = part.len();
    while let Some(digit) = digits.get_mut(start) {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
        start -= 1;
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
    out.push(b':');
    out.extend_from_slice(part);
}

/// The 63-bit hash of a text: BLAKE2b with an 8-byte digest over the UTF-8 bytes, read big-endian, top bit
/// cleared, so that the result is never negative.
#[must_use]
pub fn stable_hash64(text: &[u8]) -> i64 {
    let digest: [u8; 8] = Blake2b::<U8>::digest(text).into();
    i64::from_be_bytes(digest) & i64::MAX
}

/// The 128-bit hash of a text: BLAKE2b with a 16-byte digest over the UTF-8 bytes, as 32 lower-case
/// hexadecimal digits.
#[must_use]
pub fn stable_hash128(text: &[u8]) -> String {
    let digest: [u8; 16] = Blake2b::<U16>::digest(text).into();
    let mut hex = String::with_capacity(32);
    for byte in digest {
        for nibble in [byte >> 4, byte & 0x0f] {
            hex.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    hex
}

/// [`stable_hash64`] of the length-safe encoding of `parts`: the identifier used for every row of a code
/// property graph (kind, path, start, end, ordinal).
#[must_use]
pub fn stable_id64(parts: &[&str]) -> i64 {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        push_part(&mut bytes, part.as_bytes());
    }
    stable_hash64(&bytes)
}

/// `kind:` followed by [`stable_hash128`] of the length-safe encoding of the kind and all `parts`.
#[must_use]
pub fn stable_id128(kind: &str, parts: &[&str]) -> String {
    let mut bytes = Vec::new();
    push_part(&mut bytes, kind.as_bytes());
    for part in parts {
        push_part(&mut bytes, part.as_bytes());
    }
    format!("{kind}:{}", stable_hash128(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference values computed with Python's `hashlib.blake2b(digest_size=…)`.
    #[test]
    fn hashes_agree_with_an_independent_implementation() {
        assert_eq!(stable_hash64(b"alpha"), 5_982_700_193_828_047_002);
        assert_eq!(stable_hash64("é".as_bytes()), 5_411_848_509_986_117_935);
        assert_eq!(stable_hash128(b"hello"), "46fb7408d4f285228f4af516ea25851b");
        assert_eq!(stable_hash64(b""), 7_252_660_547_403_494_068);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(stable_id64(&["ab", "c"]), stable_id64(&["a", "bc"]));
        assert_ne!(stable_id64(&["a", ""]), stable_id64(&["a"]));
        assert_eq!(stable_id64(&["x"]), stable_hash64(b"1:x"));
    }
}
