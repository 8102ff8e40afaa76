//! The first seeds of the fuzzer of all that reads bytes (`tests/fuzz`).

use std::sync::LazyLock;

use fuzz::Fuzzer;
use fuzz::target::Target;
use libtest_mimic::Trial;

use crate::harness::{root, trial};

/// How many seeds of each target are tried, and how many are one test.
const SEEDS: [(Target, u64, u64); 4] = [
    (Target::Spec, 400, 100),
    (Target::Text, 1000, 250),
    (Target::Archive, 2000, 500),
    (Target::Log, 60, 15),
];

static FUZZER: LazyLock<Fuzzer> = LazyLock::new(|| {
    Fuzzer::open(root()).unwrap_or_else(|error| panic!("the fuzzer does not start: {error}"))
});

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (target, seeds, together) in SEEDS {
        for from in (0..seeds).step_by(usize::try_from(together).unwrap_or(1)) {
            let name = format!("fuzz::{}::{from:04}", target.name());
            trials.push(trial(name, move || (from..from + together).for_each(|seed| judge(target, seed))));
        }
    }
    trials
}

fn judge(target: Target, seed: u64) {
    if let Err(finding) = FUZZER.run(target, seed) {
        let (name, message) = (target.name(), finding.message);
        panic!(
            "{name} seed {seed}: {message}\nwrite its input with `cargo run -p codeanatomy-fuzz -- --target {name} \
             --from {seed} --runs 1 --make FOLDER`"
        );
    }
}
