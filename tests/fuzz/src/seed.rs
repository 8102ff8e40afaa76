//! From a seed to bytes.

/// How many bytes a seed gives. Choices beyond them are the first ones of their lists, so inputs have an end.
const BYTES: usize = 4096;

/// The bytes of a seed: BLAKE3 of it, as long as needed. Different streams of one seed have nothing to do with each
/// other.
#[must_use]
pub fn bytes(stream: &str, seed: u64) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(stream.as_bytes());
    let mut bytes = vec![0; BYTES];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}
