//! Commands that print what the program knows by itself.

pub(super) mod completions;
pub(super) mod config;
pub(super) mod explain;
pub(super) mod passes;
pub(super) mod schema;
