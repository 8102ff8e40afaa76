//! How far the rows of an operation are decided by the rows it reads.
//!
//! Tables, and the rows between operators, have no order, and a run may deal them out to any number of threads. What an
//! operation makes of equal inputs is therefore not always equal.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether computing something again gives the same rows. The levels are ordered: what stands on several inputs has the
/// greatest of their levels and its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Determinism {
    /// Equal inputs give equal rows.
    #[default]
    Deterministic,
    /// Equal inputs give the same rows but for the last digits of floating-point numbers, which depend on the order in
    /// which they were added up, and for approximations within their stated error.
    NonAssociative,
    /// The rows depend on the order in which the input came: `LIMIT` without a total order, row numbers among equal
    /// keys, first and last values, lists without an order.
    OrderDependent,
    /// Every computation may give other rows, whatever it reads: `random()`, `uuid()`, `now()`.
    Volatile,
}

impl Determinism {
    /// All levels, from the strictest on.
    pub const ALL: [Self; 4] =
        [Self::Deterministic, Self::NonAssociative, Self::OrderDependent, Self::Volatile];

    /// The name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deterministic => "deterministic",
            Self::NonAssociative => "non-associative",
            Self::OrderDependent => "order-dependent",
            Self::Volatile => "volatile",
        }
    }
}

impl fmt::Display for Determinism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
