//! That hashes of rows that are alike are not alike: what a sum of them needs.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};

use super::{batch, digest};
use crate::rows::mixing::hash_of;
use crate::rows::{RowHasher, RowsDigest};

/// How often a bit may be set in so many cases: half of them, give or take six standard deviations.
fn is_half(set: u32, cases: u32) -> bool {
    let (mean, deviation) = (f64::from(cases) / 2.0, f64::from(cases).sqrt() / 2.0);
    (f64::from(set) - mean).abs() < 6.0 * deviation
}

/// Whether each bit is set in about half of these.
fn are_even(values: impl Iterator<Item = u128>) -> bool {
    let (mut set, mut cases) = ([0; 128], 0);
    for value in values {
        set.iter_mut().zip(0..).for_each(|(set, bit)| *set += (value >> bit & 1) as u32);
        cases += 1;
    }
    cases > 500 && set.into_iter().all(|set| is_half(set, cases))
}

/// States of rows in sequence: multiples of a key, from the start on.
fn states(count: u32) -> impl Iterator<Item = u128> + Clone {
    let (start, key) =
        (0x0f1e_2d3c_4b5a_6978_8796_a5b4_c3d2_e1f0_u128, 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    (0..count).map(move |row| start.wrapping_add(u128::from(row).wrapping_mul(key)))
}

#[test]
fn each_bit_of_a_state_changes_each_bit_of_its_hash_half_the_times() {
    let small = (0..4_000_u128).map(|row| row << 20);
    for flipped in 0..128 {
        let change = |state: u128| hash_of(state) ^ hash_of(state ^ 1 << flipped);
        assert!(are_even(states(2_000).map(change)), "bit {flipped}");
        // Each pair of states once.
        let small = small.clone().filter(|state| state >> flipped & 1 == 0);
        assert!(are_even(small.map(change)), "bit {flipped} of small states");
    }
}

/// Cells exchanged between two rows: what remains of four hashes has no bits of its own.
#[test]
fn regular_states_have_irregular_sums() {
    let cases = 20_000;
    let (one, two) =
        (0xc2b2_ae3d_27d4_eb4f_1656_67b1_9e37_79f9_u128, 0x27d4_eb2f_1656_67c5_85eb_ca77_c2b2_ae63);
    let exchanged = states(cases).map(|state| {
        let hash = |more: u128| hash_of(state.wrapping_add(more));
        hash(0).wrapping_add(hash(one.wrapping_add(two))).wrapping_sub(hash(one)).wrapping_sub(hash(two))
    });
    assert!(are_even(exchanged));
    let neighbours = states(cases).map(|state| hash_of(state.wrapping_add(1)).wrapping_sub(hash_of(state)));
    assert!(are_even(neighbours));
}

#[test]
fn permutation_of_states() {
    let hashes: HashSet<u128> = (0..100_000).map(hash_of).collect();
    assert_eq!(hashes.len(), 100_000);
    // Half of a hash is as good as a number without a pattern: none of 2^64 is expected twice.
    let halves: HashSet<u64> = (0..100_000).map(|state| hash_of(state << 64) as u64).collect();
    assert_eq!(halves.len(), 100_000);
}

fn numbers(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

/// Rows one by one: all combinations of few values in three columns, where one follows from another.
#[test]
fn rows_of_few_values_have_hashes_of_their_own() {
    let of = |digit: i64| move |row: i64| row / 20_i64.pow(digit as u32) % 20;
    let rows = 0..8_000_i64;
    let text: StringArray =
        rows.clone().map(|row| Some(["", "a", "b", "ab", "ba"][row as usize % 5])).collect();
    let all = batch(vec![
        ("a", numbers(rows.clone().map(of(0)))),
        ("b", numbers(rows.clone().map(of(1)))),
        ("c", numbers(rows.clone().map(of(2)))),
        ("d", numbers(rows.clone().map(|row| -of(0)(row)))),
        ("e", Arc::new(text)),
    ]);
    let mut hasher = RowHasher::new(&all.schema()).unwrap();
    let digests: Vec<RowsDigest> =
        (0..all.num_rows()).map(|row| hasher.digest(&all.slice(row, 1)).unwrap()).collect();
    assert_eq!(digests.iter().collect::<HashSet<_>>().len(), digests.len());
    // The sums of two of them, too.
    let few = &digests[..600];
    let pairs = few.iter().enumerate().flat_map(|(place, one)| few[place..].iter().map(|two| *one + *two));
    assert_eq!(pairs.collect::<HashSet<_>>().len(), few.len() * (few.len() + 1) / 2);
}

/// A value of one column never keeps another from counting, whatever it is.
#[test]
fn every_value_of_a_text_counts_beside_every_other() {
    let texts = |first: [u8; 4]| {
        let text = [&first[..], b"and more bytes than twelve"].concat();
        batch(vec![("s", Arc::new(StringArray::from(vec![String::from_utf8(text).unwrap()])))])
    };
    let mut seen = HashSet::new();
    for one in 0..128 {
        for two in 0..128 {
            seen.insert(digest(&texts([one, two, b'x', two])));
        }
    }
    assert_eq!(seen.len(), 128 * 128);
}
