//! Commands that make or read tables.

pub(super) mod build;
pub(super) mod extract;
pub(super) mod run;
pub(super) mod sql;
