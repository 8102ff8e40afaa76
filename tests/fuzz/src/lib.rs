//! A fuzzer of what reads bytes: no input may make the program panic, abort, hang or take much memory. What is wrong
//! with an input is a value.
//!
//! A seed and a [`Target`] stand for one [`Input`]. It is made of valid inputs that the repository holds
//! ([`corpus`]), which are put together, edited and cut ([`edit`]), or grown from the shape that inputs have
//! ([`tree`]), always by the crate `arbitrary` from bytes that the seed determines ([`seed`]). A target reads it as the
//! program does, and says where two of its readers disagree.
//!
//! | module | does |
//! |---|---|
//! | [`seed`] | from a seed to bytes |
//! | [`corpus`] | valid inputs, read from the repository |
//! | [`edit`] | changes bytes |
//! | [`tree`] | JSON values, of a schema or of none |
//! | [`oracle`] | the engine's answers over tables that are not opened |
//! | [`target`] | makes and reads inputs, one module for each kind |
//! | [`watch`] | what an input did: time, memory, panics |
//!
//! `cargo run --release -p codeanatomy-fuzz -- --runs 100000` runs any number of seeds; `cargo test` runs some.

pub mod corpus;
pub mod edit;
pub mod oracle;
pub mod seed;
pub mod target;
pub mod tree;
pub mod watch;

use std::path::Path;

use corpus::Corpus;
use target::{Input, Program, Target};
use watch::Finding;

/// What is needed to run seeds: the corpus, and the program.
pub struct Fuzzer {
    corpus: Corpus,
    program: Program,
}

impl Fuzzer {
    /// Reads the corpus of the repository at `root`, and starts what the program needs.
    ///
    /// # Errors
    /// What could not be read, written or started, as a text.
    pub fn open(root: &Path) -> Result<Self, String> {
        let program = Program::start()?;
        let corpus = Corpus::read(root, &program)?;
        Ok(Self { corpus, program })
    }

    /// The input of a seed.
    #[must_use]
    pub fn input(&self, target: Target, seed: u64) -> Input {
        target::input(target, seed, &self.corpus)
    }

    /// Makes the input of a seed and reads it.
    ///
    /// # Errors
    /// What the program did that it must not do.
    pub fn run(&self, target: Target, seed: u64) -> Result<(), Finding> {
        watch::judge(|| target::read(target, &self.input(target, seed), &self.program, &self.corpus))
    }
}
