//! What compiling takes: large specs, and specs that were compiled before.

pub(crate) mod scale;
pub(crate) mod warm;
