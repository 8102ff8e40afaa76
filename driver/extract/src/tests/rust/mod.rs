//! Names of Rust over files, and its macros.

mod cases;
pub(super) mod crates;
mod macros;
mod syntax;

use super::*;
