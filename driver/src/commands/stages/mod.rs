//! Commands that look into the compiler.

pub(super) mod check;
pub(super) mod compile;
mod graph;
pub(super) mod pass;
pub(super) mod session;
pub(super) mod trace;
pub(super) mod verify;
pub(super) mod watch;
