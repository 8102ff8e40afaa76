//! Kinds of joins and functions, each with the list of all of them.

/// How two half-open spans lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum SpanRelation {
    Contains,
    Within,
    Overlaps,
    Equals,
}

/// Which rows of a join are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Semi,
    Anti,
}

impl SpanRelation {
    /// All relations.
    pub const ALL: [Self; 4] = [Self::Contains, Self::Within, Self::Overlaps, Self::Equals];
}

impl JoinKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::Inner, Self::Left, Self::Right, Self::Full, Self::Semi, Self::Anti];

    /// Whether the result has columns of both sides.
    #[must_use]
    pub fn has_both_sides(self) -> bool {
        !matches!(self, Self::Semi | Self::Anti)
    }
}

/// An aggregate function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "they have the names of SQL")]
pub enum Aggregate {
    Count,
    Sum,
    Min,
    Max,
    Avg,
    BoolAnd,
    BoolOr,
    ArrayAgg,
    ArrayAggSorted,
}

/// A window function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "they have the names of SQL")]
pub enum WindowFunction {
    RowNumber,
    Rank,
    DenseRank,
    Lag,
    Lead,
    FirstValue,
    LastValue,
    Sum,
    Count,
    Min,
    Max,
}

impl Aggregate {
    /// Whether it gives the values of a group as a list.
    #[must_use]
    pub fn makes_lists(self) -> bool {
        matches!(self, Self::ArrayAgg | Self::ArrayAggSorted)
    }

    /// All functions.
    pub const ALL: [Self; 9] = [
        Self::Count,
        Self::Sum,
        Self::Min,
        Self::Max,
        Self::Avg,
        Self::BoolAnd,
        Self::BoolOr,
        Self::ArrayAgg,
        Self::ArrayAggSorted,
    ];
}

impl WindowFunction {
    /// All functions.
    pub const ALL: [Self; 11] = [
        Self::RowNumber,
        Self::Rank,
        Self::DenseRank,
        Self::Lag,
        Self::Lead,
        Self::FirstValue,
        Self::LastValue,
        Self::Sum,
        Self::Count,
        Self::Min,
        Self::Max,
    ];
}
