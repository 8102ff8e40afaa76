//! Which stored spans have any match at all: what a join asks that keeps stored rows with a match, or those without.
//!
//! Every stored span is reported once and then set aside, so that nothing is paid for the pairs: a span that contains `n`
//! others would be found `n` times. On the stack the spans that were reported are a prefix, as the containers are; in the
//! set by ends they are taken out; in the tree of maxima their ends are lowered.

use std::cmp::Reverse;

use super::{Open, Sweep};

impl Sweep {
    /// Appends the rows that match the current query, and leaves out those that matched an earlier one. A row may come twice
    /// where that costs no more than its first match. O((n + m) log n) for all queries together.
    pub(crate) fn take_new(&mut self, rows: &mut Vec<u32>) {
        let matches = std::mem::take(&mut self.matches);
        let stored = &self.stored;
        let row = |index: usize| stored.get(index).map(|stored| stored.row);
        match &mut self.open {
            Open::Nested(nested) => {
                rows.extend(nested.take_new(&matches).filter_map(|index| row(index as usize)));
            }
            Open::Crossing(set) => {
                if let Some((_, bound)) = matches.set {
                    while let Some(first) = set.first().copied()
                        && first.0 <= Reverse(bound)
                    {
                        set.remove(&first);
                        rows.extend(row(first.1 as usize));
                    }
                }
            }
            Open::CrossingInnermost(_) => {}
        }
        // All of the range are one span, so they have matched together.
        if !matches.stored.is_empty() && self.matched_spans.insert(matches.stored.start) {
            rows.extend(matches.stored.filter_map(row));
        }
        if let (Some(ends), Some((range, bound))) = (&mut self.ends, matches.ending_from) {
            let mut from = range.start;
            while let Some(index) = ends.next_ending_from(from, bound).filter(|index| *index < range.end) {
                rows.extend(row(index));
                ends.remove(index);
                from = index + 1;
            }
        }
        rows.extend(matches.single.and_then(|index| row(index as usize)));
    }
}
