//! Cells of numbers, as words.

use super::{Cells, Keys};

/// Decimals of two words. The second is what the first, as a number with a sign, leaves of the value: almost always nothing.
pub(super) fn add_wide(values: &[i128], cells: Cells<'_>) {
    let keys = *cells.keys;
    let wide = values.iter().fold(0, |wide, value| wide | left(*value));
    if wide == 0 {
        cells.add(values.iter(), |value| keys.number(*value as u64));
    } else {
        cells.add(values.iter(), |value| decimal(&keys, *value));
    }
}

/// What a decimal adds.
#[inline(always)]
fn decimal(keys: &Keys, value: i128) -> u128 {
    keys.decimal(value as u64, left(value))
}

#[inline(always)]
fn left(value: i128) -> u64 {
    let first = value as i64;
    ((value >> 64) as i64).wrapping_sub(first >> 63) as u64
}

/// The bits of a number with a point; every NaN is one.
#[inline(always)]
pub(super) fn float(value: f32) -> u64 {
    let bits = if value.is_nan() { 0x7fc0_0000 } else { value.to_bits() };
    bits.into()
}

/// The bits of a number with a point, its halves exchanged: most doubles end in zeros, which a product would keep.
#[inline(always)]
pub(super) fn double(value: f64) -> u64 {
    let bits = if value.is_nan() { 0x7ff8_0000_0000_0000 } else { value.to_bits() };
    bits.rotate_left(32)
}
