//! The suite: every case of `tests/cases`, compiled and run, looked at from several sides.
//!
//! Tests are generated from folders, so a new case needs no Rust. Their names say what is checked of what:
//!
//! | name | checks |
//! |---|---|
//! | `golden::CASE::STAGE` | what a pass did to a case, against `snapshots/CASE/STAGE.snap` |
//! | `replay::CASE::STAGE` | one pass alone, from the golden before it to its own |
//! | `roundtrip::CASE::STAGE` | that the text form and the archive of a golden lose nothing |
//! | `semantics::CASE::CHECK` | that rewriting, sharing and parallelism change no row, and the rows are the expected ones |
//! | `errors::SPEC` | the diagnostics of a bad spec, and that it writes nothing |
//! | `locations::spellings` | what a location's spelling names, as an input and as an output |
//! | `identity::perturbations` | which hashes a change of the spec, its tables or its session moves, and which not |
//! | `extensions::RULE` | what an embedding program adds to its sessions, and what specs may use of it |
//! | `knobs::KNOB` | that a knob of the session turns something: a plan, a number of a run, a refusal |
//! | `passes::PASS::GRAPH` | what a pass does to a small graph, or that it leaves the graph alone |
//! | `verifier::GRAPH` | the violations of a broken graph |
//! | `random::NUMBER` | rows of a random spec with and without the rewriting passes |
//! | `random::assertions_SEED` | how many rows fail random assertions, by the program and by an evaluation of its own |
//! | `differential::SEED` | rows of a random spec over random tables, by an evaluator of their own and by runs in other ways |
//! | `fuzz::TARGET::SEED` | that hostile bytes from this seed on are refused with an error |
//! | `scale::SHAPE` | that large specs of a shape take counted work in proportion to their size |
//! | `warm::CASE` | that a compilation which starts from proofs gives the same stages, also after a change |
//! | `tidy::RULE` | the repository itself |
//!
//! `cargo test --test suite shared_view` runs what concerns one case. Drift is accepted with `cargo insta review`, or
//! `INSTA_UPDATE=always cargo test --test suite` and a look at the difference in version control.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod errors;
mod extensions;
mod golden;
mod harness;
mod identity;
mod knobs;
mod large;
mod locations;
mod passes;
mod random;
mod replay;
mod roundtrip;
mod semantics;
mod tidy;
mod verifier;

use libtest_mimic::{Arguments, Trial};

fn main() -> std::process::ExitCode {
    let cases = harness::Case::all();
    let mut trials: Vec<Trial> = Vec::new();
    trials.extend(golden::trials(&cases));
    trials.extend(replay::trials(&cases));
    trials.extend(roundtrip::trials(&cases));
    trials.extend(semantics::trials(&cases));
    trials.extend(errors::trials());
    trials.extend(locations::trials());
    trials.extend(identity::trials());
    trials.extend(extensions::trials());
    trials.extend(knobs::trials());
    trials.extend(passes::trials());
    trials.extend(verifier::trials());
    trials.extend(random::trials());
    trials.extend(large::scale::trials());
    trials.extend(large::warm::trials(&cases));
    trials.extend(tidy::trials(&cases));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
