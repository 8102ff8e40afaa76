//! What operators that spill have in common: temporary files, splitting rows into them, reading them as an input, and
//! the bytes that rows take.

mod compact;
mod once;
#[cfg(test)]
mod scarce;
mod sizes;
mod split;
mod writer;

pub(crate) use compact::CompactExec;
pub(super) use compact::compact;
pub(super) use once::{once, once_each, unlimited};
#[cfg(test)]
pub(super) use scarce::Scarce;
pub(super) use sizes::{copied_bytes, used_bytes};
pub(super) use split::{DEEPEST, Part, Splitter, is_skewed};
pub(super) use writer::SpillWriter;
