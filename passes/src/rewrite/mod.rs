//! Passes that change the graph without changing what it computes.

pub(crate) mod bind;
mod conjunction;
pub(crate) mod desugar;
pub(crate) mod inline;
pub(crate) mod merge;
pub(crate) mod prune;
