//! Delta tables as the benchmark needs them: written once as input for everyone, read back to compare results.
//!
//! This does not use the project's own Delta crate, so that no fault of the program under test can hide in its judge.

mod delta;
mod digest;
mod same;

pub(crate) use delta::{DeltaTable, TableWriter, snappy};
pub(crate) use digest::{Digest, digest_of_table};
pub(crate) use same::difference;
