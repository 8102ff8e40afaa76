//! Names of TypeScript and JavaScript in files and over them.

mod modules;
mod names;

use super::*;
