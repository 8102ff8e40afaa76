//! Passes that understand the spec.

mod case;
pub(crate) mod infer;
pub(crate) mod lower;
mod outputs;
pub(crate) mod resolve;
pub(crate) mod validate;
