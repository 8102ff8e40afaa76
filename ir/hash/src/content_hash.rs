//! A digest, as it is kept, printed and read; and the digest of a value within one build.

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

    /// Takes bytes piece by piece; their digest is that of all of them together.
    #[must_use]
    pub fn hasher() -> Hasher {
        Hasher(blake3::Hasher::new())
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

/// See [`ContentHash::hasher`].
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes so far.
    #[must_use]
    pub fn finish(&self) -> ContentHash {
        ContentHash(*self.0.finalize().as_bytes())
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

/// The digest of a value by what it feeds to [`std::hash::Hash`]. Equal values have equal digests, and other values
/// others; but what a type feeds is up to its derived code, so digests are comparable within one build of a program
/// only.
#[must_use]
pub fn digest(value: &impl std::hash::Hash) -> ContentHash {
    let mut state = DigestState(ContentHash::hasher());
    value.hash(&mut state);
    state.0.finish()
}

/// Takes in everything a value feeds to its hasher.
struct DigestState(Hasher);

impl std::hash::Hasher for DigestState {
    fn write(&mut self, bytes: &[u8]) {
        self.0.add(bytes);
    }

    /// The beginning of the digest; [`digest`] takes all of it.
    fn finish(&self) -> u64 {
        let mut first = [0; 8];
        first.iter_mut().zip(self.0.finish().0).for_each(|(byte, digest)| *byte = digest);
        u64::from_le_bytes(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
