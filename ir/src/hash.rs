//! Hashes: stable identifiers for rows, and BLAKE3 digests for specs, graphs and runs.
//!
//! There is one encoding for "several parts become one hash": every part is written as its decimal byte
//! length, a colon and its bytes, one after the other (a netstring without the trailing comma). Two different
//! lists of parts never have the same encoding, whatever bytes the parts contain.

use blake2::digest::consts::{U8, U16};
use blake2::{Blake2b, Digest};

/// Appends `part` to `out` in the length-safe encoding described in the module documentation.
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

/// A BLAKE3 digest built from length-prefixed fields, so that no two different sequences of fields collide
/// by concatenation.
#[derive(Default)]
pub struct Fingerprint(blake3::Hasher);

impl Fingerprint {
    /// An empty fingerprint.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one field.
    #[must_use]
    pub fn field(mut self, bytes: &[u8]) -> Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// The digest of all fields added so far.
    #[must_use]
    pub fn finish(&self) -> ContentHash {
        ContentHash(*self.0.finalize().as_bytes())
    }
}

/// The digest of a value by what it feeds to [`std::hash::Hash`]. Equal values have equal digests, and other values
/// others; but what a type feeds is up to its derived code, so digests are comparable within one build of a program
/// only.
#[must_use]
pub fn digest(value: &impl std::hash::Hash) -> ContentHash {
    let mut state = DigestState(blake3::Hasher::new());
    value.hash(&mut state);
    ContentHash(*state.0.finalize().as_bytes())
}

/// Takes in everything a value feeds to its hasher.
struct DigestState(blake3::Hasher);

impl std::hash::Hasher for DigestState {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The beginning of the digest; [`digest`] takes all of it.
    fn finish(&self) -> u64 {
        let mut first = [0; 8];
        self.0.finalize_xof().fill(&mut first);
        u64::from_le_bytes(first)
    }
}

/// A BLAKE3-256 digest. Prints as lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The digest of a byte string.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The digest with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest that prints as this text; nothing for any other text.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            for digit in pair {
                let value = match digit {
                    b'0'..=b'9' => digit - b'0',
                    b'a'..=b'f' => digit - b'a' + 10,
                    _ => return None,
                };
                *byte = *byte << 4 | value;
            }
        }
        Some(Self(bytes))
    }

    /// The 32 bytes of the digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first twelve hexadecimal digits: enough to tell runs and nodes apart in a report.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl std::fmt::Display for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl serde::Serialize for ContentHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ContentHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("`{text}` is not a digest: 64 hexadecimal digits in lower case"))
        })
    }
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
    fn digests_tell_where_a_value_ends_and_of_which_kind_it_is() {
        assert_eq!(digest(&("a", 1_u8)), digest(&("a".to_owned(), 1_u8)));
        assert_ne!(digest(&("ab", "c")), digest(&("a", "bc")));
        assert_ne!(digest(&vec![vec!["a"], vec![]]), digest(&vec![vec![], vec!["a"]]));
        assert_ne!(digest(&Some(0_u8)), digest(&None::<u8>));
        assert_ne!(digest(&Ok::<_, u8>(1_u8)), digest(&Err::<u8, _>(1_u8)));
    }

    #[test]
    fn a_digest_is_read_as_it_is_printed() {
        let digest = ContentHash::of(b"rows");
        assert_eq!(ContentHash::from_hex(&digest.to_string()), Some(digest));
        for wrong in
            ["", "00", &"0".repeat(63), &"0".repeat(65), &"G".repeat(64), &"A".repeat(64), &"é".repeat(32)]
        {
            assert_eq!(ContentHash::from_hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(stable_id64(&["ab", "c"]), stable_id64(&["a", "bc"]));
        assert_ne!(stable_id64(&["a", ""]), stable_id64(&["a"]));
        assert_eq!(stable_id64(&["x"]), stable_hash64(b"1:x"));
    }
}
