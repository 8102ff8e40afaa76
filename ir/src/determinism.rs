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

/// How far the rows of an output are the same whenever it is computed from the same tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultClass {
    /// The digest of its rows is the same, with any partitions, batches and memory.
    Bitwise,
    /// Its rows are the same but for choices that depend on the order in which rows came.
    Logical,
    /// Its rows are the same but for the last digits of floating-point numbers and for approximations, and perhaps for choices
    /// that depend on the order.
    Tolerance,
    /// Every computation may give other rows.
    None,
}

impl ResultClass {
    /// The class of what stands on operations of these levels.
    #[must_use]
    pub fn of(levels: impl IntoIterator<Item = Determinism>) -> Self {
        levels.into_iter().fold(Self::Bitwise, |class, level| match (class, level) {
            (Self::None, _) | (_, Determinism::Volatile) => Self::None,
            (Self::Tolerance, _) | (_, Determinism::NonAssociative) => Self::Tolerance,
            (Self::Logical, _) | (_, Determinism::OrderDependent) => Self::Logical,
            (Self::Bitwise, Determinism::Deterministic) => Self::Bitwise,
        })
    }

    /// Whether rows of this class are the same as far as `required` says.
    #[must_use]
    pub fn reaches(self, required: Self) -> bool {
        self.rank() <= required.rank()
    }

    fn rank(self) -> u8 {
        match self {
            Self::Bitwise => 0,
            Self::Logical => 1,
            Self::Tolerance => 2,
            Self::None => 3,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bitwise => "bitwise",
            Self::Logical => "logical",
            Self::Tolerance => "tolerance",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Determinism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_as_weak_as_its_weakest_operation() {
        use Determinism::{Deterministic, NonAssociative, OrderDependent, Volatile};
        for (levels, class) in [
            (vec![], ResultClass::Bitwise),
            (vec![Deterministic], ResultClass::Bitwise),
            (vec![OrderDependent, Deterministic], ResultClass::Logical),
            (vec![NonAssociative], ResultClass::Tolerance),
            (vec![OrderDependent, NonAssociative], ResultClass::Tolerance),
            (vec![NonAssociative, OrderDependent], ResultClass::Tolerance),
            (vec![Volatile, NonAssociative], ResultClass::None),
            (vec![OrderDependent, Volatile, Deterministic], ResultClass::None),
        ] {
            assert_eq!(ResultClass::of(levels.clone()), class, "{levels:?}");
        }
        assert!(ResultClass::Bitwise.reaches(ResultClass::Logical));
        assert!(!ResultClass::Tolerance.reaches(ResultClass::Logical));
    }
}
