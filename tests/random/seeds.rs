//! The first seeds of the differential fuzzer (`tests/differential`).

use differential::{Case, Verdict, check};
use libtest_mimic::Trial;

use crate::harness::trial;

/// How many seeds are tried.
const SEEDS: u64 = 300;
/// In how many ways each is run besides the usual one.
const WAYS: usize = 1;

pub(super) fn trials() -> Vec<Trial> {
    (0..SEEDS).map(|seed| trial(format!("differential::{seed:03}"), move || judge(seed))).collect()
}

fn judge(seed: u64) {
    let home = tempfile::tempdir().expect("a folder is made");
    match check(&Case::new(seed), seed, WAYS, home.path()) {
        Verdict::Right => {}
        Verdict::Wrong(fault, why) => panic!(
            "seed {seed}: {fault:?}: {why}\nmake it small with `cargo run -p codeanatomy-differential -- --from {seed} --seeds 1 \
             --ways {WAYS} --shrink FOLDER`"
        ),
    }
}
