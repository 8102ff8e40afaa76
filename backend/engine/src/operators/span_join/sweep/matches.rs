//! What is left to report for a query.

use std::cmp::Reverse;
use std::ops::{Bound, Range};

/// An end, largest first, and the stored span it belongs to.
pub(super) type SetKey = (Reverse<i64>, u32);

/// What is left to report for the current query: indices into the stack, into the closed list and into the
/// stored spans, the set from a point on, stored spans below an index that end late enough, and a single stored
/// span.
#[derive(Debug, Default)]
pub(super) struct Matches {
    pub(super) stack: Range<usize>,
    pub(super) closed: Range<usize>,
    pub(super) stored: Range<usize>,
    pub(super) set: Option<(Bound<SetKey>, i64)>,
    pub(super) ending_from: Option<(Range<usize>, i64)>,
    pub(super) single: Option<u32>,
}

impl Matches {
    pub(super) fn is_empty(&self) -> bool {
        self.stack.is_empty()
            && self.closed.is_empty()
            && self.stored.is_empty()
            && self.set.is_none()
            && self.ending_from.is_none()
            && self.single.is_none()
    }
}

/// Takes up to `room` indices from the front of `range`.
pub(super) fn drain(range: &mut Range<usize>, room: &mut usize) -> Range<usize> {
    let taken = range.start..range.end.min(range.start + *room);
    range.start = taken.end;
    *room -= taken.len();
    taken
}
