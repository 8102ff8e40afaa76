//! Names of Rust over files, and its macros.

pub(super) mod crates;
mod macros;

use super::*;
