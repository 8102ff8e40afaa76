//! What operators that spill have in common: temporary files, splitting rows into them, reading them as an input, the
//! bytes that rows take, and what is measured.

mod batches;
mod buffers;
mod compact;
mod measures;
#[cfg(test)]
mod scarce;
mod split;
mod streams;
mod writer;

pub(super) use batches::{copied_bytes, used_bytes, with_schema};
pub(super) use buffers::{Counted, compacted, copied, gathered, is_scattered};
pub(crate) use compact::CompactExec;
pub(super) use compact::compact;
pub(super) use measures::Measures;
#[cfg(test)]
pub(super) use scarce::Scarce;
pub(super) use split::{DEEPEST, Part, Splitter, is_skewed};
pub(super) use streams::{held_while, in_memory, unlimited, with_pool};
pub(super) use writer::SpillWriter;
