//! Passes that understand the spec.

mod case;
mod compatibility;
pub(crate) mod elsewhere;
pub(crate) mod infer;
mod joins;
pub(crate) mod lower;
mod outputs;
pub(crate) mod resolve;
pub(crate) mod validate;
