//! Deletion vectors that lie in the log (Delta protocol, *Deletion Vector Format*, storage type `i`).

/// Rows of a file as the log has them: a 64-bit roaring bitmap with array containers, in Z85.
pub(super) fn inline(rows: &[u32]) -> (String, usize) {
    const MAGIC: u32 = 1_681_511_377;
    const NO_RUN_CONTAINERS: u32 = 12_346;
    let mut bytes = MAGIC.to_le_bytes().to_vec();
    // One bitmap, of the rows whose upper 32 bits are 0, with one container of those whose next 16 bits are 0.
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend(NO_RUN_CONTAINERS.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(0_u16.to_le_bytes());
    bytes.extend((rows.len().saturating_sub(1) as u16).to_le_bytes());
    bytes.extend(16_u32.to_le_bytes());
    rows.iter().for_each(|row| bytes.extend((*row as u16).to_le_bytes()));
    let size = bytes.len();
    bytes.resize(size.next_multiple_of(4), 0);
    (z85(&bytes), size)
}

/// ZeroMQ RFC 32.
fn z85(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 85] =
        b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    let mut text = String::with_capacity(bytes.len() / 4 * 5);
    for chunk in bytes.chunks_exact(4) {
        let mut number = chunk.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        let mut digits = [0; 5];
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS[(number % 85) as usize];
            number /= 85;
        }
        text.extend(digits.map(char::from));
    }
    text
}
