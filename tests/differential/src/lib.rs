//! A differential fuzzer: random specs over random Delta tables, judged by an evaluator that shares no code with the
//! engine (tables are written and read with Arrow's Parquet, as the engine does), and by the program itself run in ways that must not matter.
//!
//! A seed stands for a [`Case`]: tables laid out as different writers do it, and a spec over them, made together as one tree
//! ([`plan`]). The tree is written as the text that the program reads, and computed row by row ([`evaluate`]). The program
//! compiles and runs the text; its outputs are read by a reader of our own ([`table`]) and compared. Then it runs again
//! with passes left out, other sharing, other numbers of partitions, other batches, other settings, and little memory. A case may
//! have further specs, which read what the first one wrote, add to it, or must be refused.
//!
//! The evaluator is judged, too: by DuckDB (`tests/judges/evaluator_check.py`), and by DataFusion alone.
//!
//! | module | does |
//! |---|---|
//! | [`generate`] | from a seed to tables and a spec |
//! | [`plan`] | the spec as a tree, and as text |
//! | [`value`] | values and their order |
//! | [`table`] | writes and reads Delta tables |
//! | [`evaluate`] | the rows of every view |
//! | [`program`] | compiles and runs |
//! | [`judge`] | runs a case in several ways and compares; asks DataFusion alone |
//! | [`shrink`] | makes a wrong case small |
//! | [`folder`] | writes a case as a folder of `tests/cases` |
//! | [`coverage`] | counts which properties met |
//!
//! `cargo run --release -p codeanatomy-differential -- --seeds 5000` runs any number of seeds; `cargo test` runs some.

#![allow(clippy::panic, reason = "a plan that names what is not there is a fault of the generator")]

pub mod choice;
pub mod coverage;
pub mod evaluate;
pub mod folder;
pub mod generate;
pub mod judge;
pub mod plan;
pub mod program;
pub mod shrink;
pub mod table;
pub mod value;

pub use generate::Case;
pub use judge::{Fault, Verdict, check};
