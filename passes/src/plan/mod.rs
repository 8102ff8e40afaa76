//! Passes that decide how the graph is executed.

pub(crate) mod place;
pub(crate) mod recall;
pub(crate) mod schedule;
