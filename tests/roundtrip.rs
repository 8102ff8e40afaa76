//! The text form and the archive lose nothing, on every golden; damaged archives are refused.

use std::sync::Arc;

use ir::archive;
use ir::text::{parse, print};
use libtest_mimic::Trial;
use passes::{PIPELINE, Pass};

use crate::harness::{Case, read_golden, trial};

/// How many bits of an archive are damaged, one at a time, and at how many places it is cut.
const DAMAGES: usize = 200;

pub(crate) fn trials(cases: &[Arc<Case>]) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in cases.iter().filter(|case| case.shows_stages) {
        for pass in PIPELINE {
            let case = case.name.clone();
            trials
                .push(trial(format!("roundtrip::{case}::{}", pass.stage()), move || round_trip(&case, pass)));
        }
        let case = case.name.clone();
        trials.push(trial(format!("roundtrip::{case}::damaged_archive"), move || damage(&case)));
    }
    trials
}

fn round_trip(case: &str, pass: &Pass) {
    let graph = read_golden(case, pass).graph;
    let text = print(&graph);
    let parsed =
        parse(&text).unwrap_or_else(|error| panic!("what was printed does not parse: {error}\n{text}")).graph;
    assert_eq!(parsed, graph, "parsing what was printed gives another graph");
    assert_eq!(print(&parsed), text, "printing what was parsed gives another text");

    let bytes = archive::write(&graph).expect("a graph is archived");
    let read = archive::read(&bytes).expect("an archive is read");
    assert_eq!(read, graph, "the archive holds another graph");
    assert_eq!(print(&read), text, "the archived graph prints as another text");
}

/// Changes one bit at a time, and cuts the archive at many places: all of it must be noticed, nothing may panic.
fn damage(case: &str) {
    let Some(last) = PIPELINE.last() else { return };
    let bytes = archive::write(&read_golden(case, last).graph).expect("a graph is archived");
    let seed = 0x5eed_u64;
    let mut state = seed;
    for _ in 0..DAMAGES {
        let position = next(&mut state, bytes.len());
        let flip = 1_u8 << next(&mut state, 8);
        let mut damaged = bytes.clone();
        damaged[position] ^= flip;
        let read = archive::read(&damaged);
        assert!(read.is_err(), "seed {seed:#x}: with bit {flip:#x} of byte {position} changed, it was read");
    }
    for _ in 0..DAMAGES {
        let length = next(&mut state, bytes.len());
        assert!(
            archive::read(&bytes[..length]).is_err(),
            "seed {seed:#x}: an archive cut at {length} was read"
        );
    }
    assert!(archive::read(b"graph text phase=lowered").is_err(), "a text is not an archive");
}

/// A number below `bound` from a linear congruential generator (Knuth's MMIX constants).
fn next(state: &mut u64, bound: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap_or(0) % bound.max(1)
}
