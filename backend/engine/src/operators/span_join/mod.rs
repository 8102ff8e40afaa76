//! The span join: rows of two inputs whose byte spans contain, overlap or equal each other, optionally within
//! equal keys (a file, say).
//!
//! DataFusion 55 would plan such a join as a hash join on the keys that enumerates all pairs of a key and
//! filters them, which is quadratic in the size of a file. [`SpanJoinExec`] merges inputs sorted by (keys,
//! start) and keeps one key group of one side in memory: linear in rows and matches when the spans of that side
//! nest, and `O((n + m) log n + k)` whatever they look like (see module `sweep`). It brings the inputs into order
//! itself, which costs next to nothing when they are (see module `sorter`), and reads them as they come when they
//! declare it.
//!
//! | file | content |
//! |---|---|
//! | `mod.rs` | what is joined: [`SpanJoinSpec`] and its checks |
//! | `positions.rs` | bounds of any type as 64-bit positions |
//! | `exec/` | the physical operator: requirements, properties, statistics, display |
//! | `roles.rs` | what the two sides do |
//! | `sorter.rs` | an input brought into order |
//! | `stream.rs` | the merge of one partition, group by group |
//! | `input.rs` | one sorted input, cut into runs of equal keys |
//! | `group.rs` | the rows of one key on the side that is kept |
//! | `gather.rs` | output batches from picked rows |
//! | `sweep/` | the algorithm for one group |
//!
//! # Semantics
//! Spans are half-open, `[start, end)`. With left span `l` and right span `r`:
//!
//! | relation | first comparison | second comparison |
//! |---|---|---|
//! | contains | `l.start <= r.start` | `r.end <= l.end` |
//! | within | `r.start <= l.start` | `l.end <= r.end` |
//! | overlaps | `l.start < r.end` | `r.start < l.end` |
//! | equals | `l.start = r.start` | `l.end = r.end` |
//!
//! So equal spans contain each other, an empty span `[p, p)` is contained in every span that it touches
//! (`[a, p)` and `[p, b)` both contain it), and overlaps only what it lies strictly inside. A NULL key or bound
//! never matches; neither does an *inverted* span (`end < start`), which the metric `inverted_spans` counts.
//! Keys are equal when their values are (floats by IEEE 754 total order).
//!
//! Joins written as comparisons in SQL mean what they say ([`SpanComparison::Plain`]): either of the first three
//! relations' comparisons may be strict or not, and an inverted span is compared like any other. The relation
//! then only says how the bounds are arranged, and the arrangement decides the cost, not the rows: two
//! comparisons that hold a column of each side from both ends fit any of the three.
//!
//! With `innermost`, a row on the contained side keeps only its tightest container: the shortest; of several
//! the one with the larger start; of several identical spans the greatest row by all its columns in their order
//! (NULL lowest; columns of types without an order do not count).

use std::fmt;

use arrow::datatypes::{DataType, Schema};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{JoinType, Result, plan_err};

mod exec;
mod gather;
mod group;
mod input;
mod node;
mod positions;
mod roles;
mod sorter;
mod stream;
pub(crate) mod sweep;
#[cfg(test)]
mod tests;

pub use exec::SpanJoinExec;
pub use node::{SpanJoinKeys, SpanJoinMode, SpanJoinNode};
pub(crate) use positions::has_positions;

use input::InputColumns;

/// How the left span must lie to the right span. The module documentation gives the conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpanRelation {
    /// Left contains right.
    Contains,
    /// Left lies within right.
    Within,
    /// They share a position.
    Overlaps,
    /// They are equal.
    Equals,
}

impl fmt::Display for SpanRelation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contains => "contains",
            Self::Within => "within",
            Self::Overlaps => "overlaps",
            Self::Equals => "equals",
        })
    }
}

/// How bounds are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpanComparison {
    /// As half-open spans of integers: the strictness of the relation's table; inverted spans match nothing.
    HalfOpen,
    /// As the relation's two comparisons, each strict (`<`) or not (`<=`), whatever the order of the bounds of a
    /// span. Not for [`SpanRelation::Equals`].
    Plain {
        /// Whether the first and the second comparison are strict.
        strict: [bool; 2],
    },
}

/// Which rows a span join returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpanJoinKind {
    /// All matching pairs: left columns, then right columns.
    Inner,
    /// Also every left row without a match, with NULL right columns.
    Left,
    /// Every left row with a match, once; left columns only.
    LeftSemi,
    /// Every left row without a match; left columns only.
    LeftAnti,
}

impl From<SpanJoinKind> for JoinType {
    fn from(kind: SpanJoinKind) -> Self {
        match kind {
            SpanJoinKind::Inner => Self::Inner,
            SpanJoinKind::Left => Self::Left,
            SpanJoinKind::LeftSemi => Self::LeftSemi,
            SpanJoinKind::LeftAnti => Self::LeftAnti,
        }
    }
}

/// What a span join joins; columns are given by their index in the left or right schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanJoinSpec {
    /// How the spans must lie.
    pub relation: SpanRelation,
    /// How their bounds are compared.
    pub comparison: SpanComparison,
    /// Pairs (left, right) of key columns of the same type; may be empty.
    pub on: Vec<(usize, usize)>,
    /// Left column of the first position. Of half-open spans it has any integer type, like the other three;
    /// otherwise any type with a 64-bit position (integers, dates, times, timestamps, durations).
    pub left_start: usize,
    /// Left column of the position after the last.
    pub left_end: usize,
    /// Right column of the first position.
    pub right_start: usize,
    /// Right column of the position after the last.
    pub right_end: usize,
    /// Which rows come out.
    pub join: SpanJoinKind,
    /// Keep only the tightest container of each contained row; only with `Contains` and `Within`.
    pub innermost: bool,
}

impl SpanJoinSpec {
    /// Checks columns and types.
    ///
    /// # Errors
    /// A planning error naming the column: an index outside its schema, a bound that is not an integer, keys of
    /// different types or of a type without an order, `innermost` where nothing contains.
    pub fn validate(&self, left: &Schema, right: &Schema) -> Result<()> {
        self.validate_bounds(left, right)?;
        for &(left_key, right_key) in &self.on {
            let (left_name, left_type) = column_of("left", left, left_key)?;
            let (right_name, right_type) = column_of("right", right, right_key)?;
            if left_type != right_type {
                return plan_err!(
                    "span join: keys '{left_name}' ({left_type}) and '{right_name}' ({right_type}) differ in \
                     type; cast one of them"
                );
            }
            if !RowConverter::supports_fields(&[SortField::new(left_type.clone())]) {
                return plan_err!("span join: key '{left_name}' has type {left_type}, which has no order");
            }
        }
        if self.innermost && !matches!(self.relation, SpanRelation::Contains | SpanRelation::Within) {
            return plan_err!(
                "span join: 'innermost' needs relation contains or within, found {}",
                self.relation
            );
        }
        Ok(())
    }

    fn validate_bounds(&self, left: &Schema, right: &Schema) -> Result<()> {
        let left_bounds =
            [column_of("left", left, self.left_start)?, column_of("left", left, self.left_end)?];
        let right_bounds =
            [column_of("right", right, self.right_start)?, column_of("right", right, self.right_end)?];
        if let SpanComparison::HalfOpen = self.comparison {
            for (side, (name, data_type)) in
                left_bounds.map(|b| ("left", b)).into_iter().chain(right_bounds.map(|b| ("right", b)))
            {
                if !data_type.is_integer() {
                    return plan_err!(
                        "span join: {side} column '{name}' is {data_type}; span bounds must be integers"
                    );
                }
            }
            return Ok(());
        }
        let [left_start, left_end] = left_bounds;
        let [right_start, right_end] = right_bounds;
        let compared = match self.relation {
            SpanRelation::Contains | SpanRelation::Within => {
                [(left_start, right_start), (left_end, right_end)]
            }
            SpanRelation::Overlaps => [(left_start, right_end), (left_end, right_start)],
            SpanRelation::Equals => {
                return plan_err!("span join: equal bounds are keys; only half-open spans are compared so");
            }
        };
        for ((left_name, left_type), (right_name, right_type)) in compared {
            if !positions::comparable(left_type, right_type) {
                return plan_err!(
                    "span join: '{left_name}' ({left_type}) and '{right_name}' ({right_type}) cannot be \
                     compared as positions; cast them to one integer, date or time type"
                );
            }
        }
        if self.innermost {
            return plan_err!("span join: 'innermost' is for half-open spans");
        }
        Ok(())
    }

    /// The columns of the left input that decide what joins.
    fn left_columns(&self) -> InputColumns {
        let keys = self.on.iter().map(|(left, _)| *left).collect();
        InputColumns {
            side: "left",
            keys,
            start: self.left_start,
            end: self.left_end,
            comparison: self.comparison,
        }
    }

    /// The columns of the right input that decide what joins.
    fn right_columns(&self) -> InputColumns {
        let keys = self.on.iter().map(|(_, right)| *right).collect();
        InputColumns {
            side: "right",
            keys,
            start: self.right_start,
            end: self.right_end,
            comparison: self.comparison,
        }
    }

    /// Whether the left side is the one kept in memory: the containers. For relations without containers the
    /// right side is, so that left rows stream through.
    fn stores_left(&self) -> bool {
        self.relation == SpanRelation::Contains
    }
}

fn column_of<'a>(side: &str, schema: &'a Schema, column: usize) -> Result<(&'a str, &'a DataType)> {
    match schema.fields().get(column) {
        Some(field) => Ok((field.name(), field.data_type())),
        None => {
            plan_err!("span join: the {side} input has no column {column}, only {}", schema.fields().len())
        }
    }
}
