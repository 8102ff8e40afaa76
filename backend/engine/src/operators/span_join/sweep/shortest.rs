//! The innermost container among crossing spans: a Fenwick tree (Fenwick, *A New Data Structure for Cumulative
//! Frequency Tables*, 1994) over ends, with the preferred span of each range of ends in its nodes.

use std::cmp::Reverse;

use super::{Span, Stored};

/// Smaller is preferred as innermost container: length, then larger start, then later stored.
pub(super) fn preference((span, index): (Span, u32)) -> (u64, Reverse<i64>, Reverse<u32>) {
    (span.end.abs_diff(span.start), Reverse(span.start), Reverse(index))
}

/// The preferred innermost container among the inserted spans that end at a bound or later.
#[derive(Debug)]
pub(super) struct ShortestFrom {
    /// All ends that will ever be inserted, ascending, each once.
    ends: Vec<i64>,
    /// Binary indexed tree over the ends in descending order.
    best: Vec<Option<(Span, u32)>>,
}

impl ShortestFrom {
    pub(super) fn new(stored: &[Stored]) -> Self {
        let mut ends: Vec<i64> = stored.iter().map(|stored| stored.span.end).collect();
        ends.sort_unstable();
        ends.dedup();
        let best = vec![None; ends.len() + 1];
        Self { ends, best }
    }

    /// Rank of an end from the largest (1) downwards; ends that are not there get the rank of the next larger.
    fn rank(&self, end: i64) -> usize {
        self.ends.len() - self.ends.partition_point(|known| *known < end)
    }

    pub(super) fn insert(&mut self, span: Span, index: u32) {
        let mut node = self.rank(span.end);
        while node > 0
            && let Some(best) = self.best.get_mut(node)
        {
            if best.is_none_or(|best| preference((span, index)) < preference(best)) {
                *best = Some((span, index));
            }
            node += node & node.wrapping_neg();
        }
    }

    pub(super) fn ending_from(&self, end: i64) -> Option<u32> {
        let mut node = self.rank(end);
        let mut best: Option<(Span, u32)> = None;
        while node > 0 {
            let candidate = self.best.get(node).copied().flatten();
            best = [best, candidate].into_iter().flatten().min_by_key(|candidate| preference(*candidate));
            node &= node - 1;
        }
        best.map(|(_, index)| index)
    }
}
