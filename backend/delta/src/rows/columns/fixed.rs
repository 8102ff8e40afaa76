//! Cells of types whose values have one width.

use super::Lines;

/// Writes a cell of `N` bytes and its first byte for each value.
pub(super) fn write<T, const N: usize>(
    values: impl Iterator<Item = T>,
    valid: Option<&[bool]>,
    lines: &mut Lines,
    bytes: impl Fn(T) -> [u8; N],
) {
    let Some(valid) = valid else {
        lines.write_alike(1 + N, values, |line, at, value| {
            let cell = &mut line[at..at + 1 + N];
            cell[0] = 1;
            cell[1..].copy_from_slice(&bytes(value));
        });
        return;
    };
    lines.write_ragged(values.zip(valid), |line, at, (value, &valid)| {
        // What stands for NULL in the array is written too, and written over by the next cell: no branch is guessed wrong.
        let cell = &mut line[at..at + 1 + N];
        cell[0] = u8::from(valid);
        cell[1..].copy_from_slice(&bytes(value));
        at + 1 + usize::from(valid) * N
    });
}

/// Writes NULL to each of the lines.
pub(super) fn write_null(rows: usize, lines: &mut Lines) {
    lines.write_alike(1, 0..rows, |line, at, _| line[at] = 0);
}
