//! Which stored spans match a probed span: the algorithm of the span join for one key group, with no knowledge
//! of tables.
//!
//! Stored spans are sorted by (start ascending, end descending); probed spans arrive by ascending start. Spans
//! are half-open, `start <= end`; a span with `start == end` is *empty*.
//!
//! As long as the stored spans nest (any two are disjoint or one contains the other, as in a syntax tree), the
//! spans that are open at a position form a stack whose ends never increase from bottom to top, so the
//! containers of a probed span are a prefix of it: Stack-Tree join, Al-Khalifa, Jagadish, Koudas, Patel,
//! Srivastava, Wu, *Structural Joins*, ICDE 2002; O(n + m + k) after sorting. The check is made while spans are
//! pushed. The first two spans that cross turn the stack into a set ordered by end, of which the containers are
//! a prefix again: O((n + m) log n + k). When only the innermost container is wanted, crossing spans need a
//! minimum over all ends from a bound on, which a binary indexed tree (Fenwick, 1994) answers in O(log n).
//!
//! Half-open spans that touch do not cross: `[0,5)` and `[5,9)` nest. But an empty span at 5 lies in both, so
//! spans that end exactly where the sweep stands are remembered next to the stack.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::{Bound, Range};

use super::shortest::{ShortestFrom, preference};

/// Half-open span of positions with `start <= end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// First position inside.
    pub(crate) start: i64,
    /// First position after the span.
    pub(crate) end: i64,
}

/// A stored span and the row it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Where it lies.
    pub(crate) span: Span,
    /// What [`Sweep::take`] reports for it.
    pub(crate) row: u32,
}

impl Stored {
    fn sort_key(&self) -> (i64, Reverse<i64>) {
        (self.span.start, Reverse(self.span.end))
    }
}

/// Which stored spans match a probed span `p`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Every `s` with `s.start <= p.start` and `p.end <= s.end`.
    Containers,
    /// Of those the shortest; of several the one with the largest start; of several the last stored one.
    Innermost,
    /// Every `s` with `s.start < p.end` and `p.start < s.end`.
    Overlapping,
    /// Every `s` equal to `p`.
    Equal,
}

/// Spans came out of order: either the stored ones or the probed ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfOrder;

/// The sweep over one key group.
#[derive(Debug)]
pub(crate) struct Sweep {
    wanted: Wanted,
    stored: Vec<Stored>,
    /// Stored spans before this index have been opened.
    opened: usize,
    open: Open,
    /// Start of the last probed span.
    position: Option<i64>,
    matches: Matches,
}

/// The opened spans that can still match.
#[derive(Debug)]
enum Open {
    /// All spans so far nest.
    Nested(Nested),
    /// Some spans cross: ordered by descending end.
    Crossing(BTreeSet<SetKey>),
    /// Some spans cross and only the innermost is wanted.
    CrossingInnermost(ShortestFrom),
}

/// An end, largest first, and the stored span it belongs to.
type SetKey = (Reverse<i64>, u32);

/// What is left to report for the current probe: indices into the stack, into the closed list and into the
/// stored spans, the set from a point on, and a single stored span.
#[derive(Debug, Default)]
struct Matches {
    stack: Range<usize>,
    closed: Range<usize>,
    stored: [Range<usize>; 2],
    set: Option<(Bound<SetKey>, i64)>,
    single: Option<u32>,
}

impl Sweep {
    /// A sweep over `stored`.
    ///
    /// # Errors
    /// When they are not sorted by (start ascending, end descending).
    pub(crate) fn new(wanted: Wanted, stored: Vec<Stored>) -> Result<Self, OutOfOrder> {
        if !stored.is_sorted_by_key(Stored::sort_key) {
            return Err(OutOfOrder);
        }
        let open = Open::Nested(Nested::default());
        Ok(Self { wanted, stored, opened: 0, open, position: None, matches: Matches::default() })
    }

    /// Whether two stored spans that cross have been met.
    pub(crate) fn has_crossing(&self) -> bool {
        !matches!(self.open, Open::Nested(_))
    }

    /// Moves to a probed span. What was not taken of the previous one is dropped.
    ///
    /// # Errors
    /// When it starts before the previous one.
    pub(crate) fn seek(&mut self, probe: Span) -> Result<(), OutOfOrder> {
        if self.position.is_some_and(|position| probe.start < position) {
            return Err(OutOfOrder);
        }
        self.position = Some(probe.start);
        self.matches = match self.wanted {
            Wanted::Equal => self.seek_equal(probe),
            Wanted::Overlapping => self.seek_overlapping(probe),
            Wanted::Containers | Wanted::Innermost => self.seek_containers(probe),
        };
        Ok(())
    }

    fn seek_equal(&self, probe: Span) -> Matches {
        let key = (probe.start, Reverse(probe.end));
        let from = self.stored.partition_point(|stored| stored.sort_key() < key);
        let to = self.stored.partition_point(|stored| stored.sort_key() <= key);
        Matches { stored: [from..to, 0..0], ..Matches::default() }
    }

    /// Spans that start before the probe must still be open; those that start inside it overlap whatever their
    /// end; those that start with it overlap unless one of the two is empty.
    fn seek_overlapping(&mut self, probe: Span) -> Matches {
        self.open_while(|start| start < probe.start);
        let mut matches = match (&mut self.open, probe.start.checked_add(1)) {
            (_, None) => Matches::default(),
            (Open::Nested(nested), Some(_)) => {
                nested.close_until(probe.start);
                Matches { stack: 0..nested.stack.len(), ..Matches::default() }
            }
            (Open::Crossing(set), Some(bound)) => {
                forget_ended(set, bound);
                Matches { set: Some((Bound::Unbounded, bound)), ..Matches::default() }
            }
            (Open::CrossingInnermost(_), Some(_)) => Matches::default(),
        };
        if probe.start < probe.end {
            let waiting = self.stored.get(self.opened..).unwrap_or_default();
            let same_start = waiting.partition_point(|stored| stored.span.start <= probe.start);
            let not_empty =
                waiting.get(..same_start).unwrap_or_default().partition_point(|s| s.span.end > probe.start);
            let inside = waiting.partition_point(|stored| stored.span.start < probe.end);
            matches.stored =
                [self.opened..self.opened + not_empty, self.opened + same_start..self.opened + inside];
        }
        matches
    }

    fn seek_containers(&mut self, probe: Span) -> Matches {
        self.open_while(|start| start <= probe.start);
        match &mut self.open {
            Open::Nested(nested) => {
                nested.close_until(probe.start);
                nested.containers(probe, self.wanted == Wanted::Innermost)
            }
            Open::Crossing(set) => {
                forget_ended(set, probe.start);
                Matches { set: Some((Bound::Unbounded, probe.end)), ..Matches::default() }
            }
            Open::CrossingInnermost(shortest) => {
                Matches { single: shortest.ending_from(probe.end), ..Matches::default() }
            }
        }
    }

    /// Opens stored spans in order while their start satisfies `due`.
    fn open_while(&mut self, due: impl Fn(i64) -> bool) {
        while let Some(stored) = self.stored.get(self.opened).filter(|stored| due(stored.span.start)) {
            let index = self.opened as u32;
            self.opened += 1;
            let innermost = self.wanted == Wanted::Innermost;
            match &mut self.open {
                Open::Nested(nested) => {
                    if !nested.open(stored.span, index) {
                        let alive = nested.alive().chain([(stored.span, index)]);
                        self.open = if innermost {
                            let mut shortest = ShortestFrom::new(&self.stored);
                            alive.for_each(|(span, index)| shortest.insert(span, index));
                            Open::CrossingInnermost(shortest)
                        } else {
                            Open::Crossing(alive.map(|(span, index)| (Reverse(span.end), index)).collect())
                        };
                    }
                }
                Open::Crossing(set) => {
                    set.insert((Reverse(stored.span.end), index));
                }
                Open::CrossingInnermost(shortest) => shortest.insert(stored.span, index),
            }
        }
    }

    /// Appends the rows of up to `limit` more matches of the current probe to `rows`. True when there are no
    /// more.
    pub(crate) fn take(&mut self, limit: usize, rows: &mut Vec<u32>) -> bool {
        let mut room = limit;
        let stored = &self.stored;
        let mut report = |index: usize| rows.extend(stored.get(index).map(|stored| stored.row));
        if let Open::Nested(nested) = &self.open {
            let found = nested.stack.get(drain(&mut self.matches.stack, &mut room)).unwrap_or_default();
            found.iter().for_each(|(_, index)| report(*index as usize));
            let found = nested.closed.get(drain(&mut self.matches.closed, &mut room)).unwrap_or_default();
            found.iter().for_each(|(_, index)| report(*index as usize));
        }
        if let (Open::Crossing(set), Some((from, bound))) = (&self.open, &mut self.matches.set) {
            let ending_later =
                set.range((*from, Bound::Unbounded)).take_while(|(Reverse(end), _)| *end >= *bound);
            for entry in ending_later.take(room) {
                report(entry.1 as usize);
                *from = Bound::Excluded(*entry);
                room -= 1;
            }
            if room > 0 {
                self.matches.set = None;
            }
        }
        for range in &mut self.matches.stored {
            drain(range, &mut room).for_each(&mut report);
        }
        if room > 0
            && let Some(index) = self.matches.single.take()
        {
            report(index as usize);
        }
        self.matches.is_empty()
    }

    /// Bytes held besides the stack.
    pub(crate) fn memory(stored: usize) -> usize {
        stored * (size_of::<Stored>() + 2 * size_of::<(Reverse<i64>, u32)>())
    }
}

impl Matches {
    fn is_empty(&self) -> bool {
        self.stack.is_empty()
            && self.closed.is_empty()
            && self.stored.iter().all(Range::is_empty)
            && self.set.is_none()
            && self.single.is_none()
    }
}

/// Takes up to `room` indices from the front of `range`.
fn drain(range: &mut Range<usize>, room: &mut usize) -> Range<usize> {
    let taken = range.start..range.end.min(range.start + *room);
    range.start = taken.end;
    *room -= taken.len();
    taken
}

/// Removes the spans that end before `position`: no later probe can lie in them.
fn forget_ended(set: &mut BTreeSet<SetKey>, position: i64) {
    while let Some(last) = set.last().filter(|(Reverse(end), _)| *end < position).copied() {
        set.remove(&last);
    }
}

/// The open spans while all spans nest, with their indices.
#[derive(Debug, Default)]
struct Nested {
    /// Spans that contain positions before and after the sweep; ends never increase upwards.
    stack: Vec<(Span, u32)>,
    /// Spans that end exactly at `closed_at`.
    closed: Vec<(Span, u32)>,
    closed_at: Option<i64>,
    /// Position in `closed` of the shortest, the one with the larger start and then the later one of several.
    shortest_closed: Option<usize>,
}

impl Nested {
    /// Opens a span at the sweep's position. False, with nothing changed but the position, when it crosses an
    /// open one.
    fn open(&mut self, span: Span, index: u32) -> bool {
        self.close_until(span.start);
        if span.start == span.end {
            self.close((span, index));
            return true;
        }
        if self.stack.last().is_some_and(|(top, _)| top.end < span.end) {
            return false;
        }
        self.stack.push((span, index));
        true
    }

    /// Moves the sweep to `position`: spans that end there are remembered, spans that end before are dropped.
    fn close_until(&mut self, position: i64) {
        if self.closed_at != Some(position) {
            self.closed.clear();
            self.shortest_closed = None;
            self.closed_at = Some(position);
        }
        while let Some(top) = self.stack.pop_if(|(top, _)| top.end <= position) {
            if top.0.end == position {
                self.close(top);
            }
        }
    }

    fn close(&mut self, closed: (Span, u32)) {
        let shortest = self.shortest_closed.and_then(|shortest| self.closed.get(shortest));
        if shortest.is_none_or(|shortest| preference(closed) < preference(*shortest)) {
            self.shortest_closed = Some(self.closed.len());
        }
        self.closed.push(closed);
    }

    /// Everything that can still contain something.
    fn alive(&self) -> impl Iterator<Item = (Span, u32)> + '_ {
        self.stack.iter().chain(&self.closed).copied()
    }

    /// The containers of a probe that starts at the sweep's position. All spans on the stack start no later, so
    /// the end alone decides, and it decides for a prefix.
    fn containers(&self, probe: Span, innermost: bool) -> Matches {
        let empty = probe.start == probe.end;
        let prefix = self.stack.partition_point(|(open, _)| open.end >= probe.end);
        let closed = if empty { self.closed.len() } else { 0 };
        if !innermost {
            return Matches { stack: 0..prefix, closed: 0..closed, ..Matches::default() };
        }
        let top = prefix.checked_sub(1).and_then(|top| self.stack.get(top));
        let ended = self.shortest_closed.filter(|_| empty).and_then(|shortest| self.closed.get(shortest));
        let best = [top, ended].into_iter().flatten().min_by_key(|candidate| preference(**candidate));
        Matches { single: best.map(|(_, index)| *index), ..Matches::default() }
    }
}
