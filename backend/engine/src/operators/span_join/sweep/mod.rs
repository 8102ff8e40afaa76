//! Which stored spans match a query: the algorithm of the span join for one key group, with no knowledge of
//! tables.
//!
//! Every relation of a span join asks the same of its stored side: which spans start at most at one position and
//! end at least at another ([`Query`]; a strict comparison moves its position by one). Stored spans are sorted
//! by (start ascending, end descending).
//!
//! *Containers.* Queries arrive by ascending `start_at_most`. As long as the stored spans nest (any two are
//! disjoint or one contains the other, as in a syntax tree), the spans that are open at a position form a stack
//! whose ends never increase from bottom to top, so the containers are a prefix of it: Stack-Tree join,
//! Al-Khalifa, Jagadish, Koudas, Patel, Srivastava, Wu, *Structural Joins*, ICDE 2002; O(n + m + k) after
//! sorting. The check is made while spans are pushed. The first two spans that cross turn the stack into a set
//! ordered by end, of which the containers are a prefix again: O((n + m) log n + k). When only the innermost
//! container is wanted, crossing spans need a minimum over all ends from a bound on, which a binary indexed tree
//! (Fenwick, 1994) answers in O(log n). Neither needs spans that the sweep has not reached or that have ended.
//!
//! *Anything else*: overlaps, and the containers of an inverted span, which can have ended long ago. A tree of
//! maxima over the ends of all spans of the group (module `ends`) answers queries in any order in
//! O(log n + k log n).
//!
//! Half-open spans that touch do not cross: `[0,5)` and `[5,9)` nest. But an empty span at 5 lies in both, so
//! spans that end exactly where the sweep stands are remembered next to the stack.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
use std::ops::Bound;

mod ends;
mod existence;
mod matches;
mod nested;
mod shortest;

use ends::EndTree;
use matches::{Matches, SetKey, drain};
use nested::Nested;
use shortest::ShortestFrom;

/// A span of positions; *inverted* when it ends before it starts, *empty* when it ends where it starts.
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

/// Asks for the stored spans with `start <= start_at_most` and `end_at_least <= end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) start_at_most: i64,
    pub(crate) end_at_least: i64,
}

impl Query {
    /// Whether a span that has ended before `start_at_most` can still match.
    pub(crate) fn looks_back(self) -> bool {
        self.end_at_least < self.start_at_most
    }
}

/// Which stored spans are wanted of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All that match. Queries ascend by `start_at_most`.
    Containers,
    /// Of those the shortest; of several the one with the largest start; of several the last stored one. No
    /// span and no query is inverted.
    Innermost,
    /// All that match. Queries come in any order.
    Overlapping,
    /// Those that start and end at the query's positions.
    Equal,
}

/// Spans or queries came out of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfOrder;

/// The sweep over one key group.
#[derive(Debug)]
pub(crate) struct Sweep {
    wanted: Wanted,
    stored: Vec<Stored>,
    /// Sort key of the last span added.
    last: Option<(i64, Reverse<i64>)>,
    /// Whether all spans of the group have been added.
    complete: bool,
    /// Stored spans before this index have been opened.
    opened: usize,
    open: Open,
    /// All ends, once a query has needed them.
    ends: Option<EndTree>,
    /// `start_at_most` of the last query of a wanted order.
    position: Option<i64>,
    matches: Matches,
    /// Where spans begin that have been equal to a query, where only that is asked of them.
    matched_spans: HashSet<usize>,
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

impl Sweep {
    /// A sweep over spans to be added.
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            stored: Vec::new(),
            last: None,
            complete: false,
            opened: 0,
            open: Open::Nested(Nested::default()),
            ends: None,
            position: None,
            matches: Matches::default(),
            matched_spans: HashSet::new(),
        }
    }

    /// Adds the next stored span.
    ///
    /// # Errors
    /// When it comes before the last one in the order of (start ascending, end descending).
    pub(crate) fn add(&mut self, stored: Stored) -> Result<(), OutOfOrder> {
        let key = Some(stored.sort_key());
        if key < self.last {
            return Err(OutOfOrder);
        }
        self.last = key;
        self.stored.push(stored);
        Ok(())
    }

    /// The spans added so far. What is reordered must have equal spans.
    pub(crate) fn stored_mut(&mut self) -> &mut [Stored] {
        &mut self.stored
    }

    /// Says that all spans of the group have been added.
    pub(crate) fn complete(&mut self) {
        self.complete = true;
    }

    /// Whether the spans added so far are enough to answer a query.
    pub(crate) fn is_ready_for(&self, query: Query) -> bool {
        let reached = || self.last.is_some_and(|(start, _)| start > query.start_at_most);
        self.complete
            || match self.wanted {
                Wanted::Containers => reached() && !query.looks_back(),
                Wanted::Equal => reached(),
                // Ties are settled among all rows of a span; overlapping spans may start anywhere.
                Wanted::Innermost | Wanted::Overlapping => false,
            }
    }

    /// Whether more than the stack was needed where the stack is hoped for.
    pub(crate) fn fell_back(&self) -> bool {
        self.has_crossing() || (self.wanted == Wanted::Containers && self.ends.is_some())
    }

    /// Whether two stored spans that cross have been met.
    pub(crate) fn has_crossing(&self) -> bool {
        !matches!(self.open, Open::Nested(_))
    }

    /// Lets go of the spans that only a query that looks back can match. The rows of the others, in order; from
    /// then on they are reported as 0, 1, 2 and so on. For wanted containers and equals, between two queries.
    pub(crate) fn forget_ended(&mut self) -> Vec<u32> {
        let mut kept: Vec<u32> = match &self.open {
            Open::Nested(nested) => nested.alive().map(|(_, index)| index).collect(),
            Open::Crossing(set) => set.iter().map(|(_, index)| *index).collect(),
            Open::CrossingInnermost(_) => (0..self.opened as u32).collect(),
        };
        if self.wanted == Wanted::Equal {
            let position = self.position.unwrap_or(i64::MIN);
            self.opened = self.stored.partition_point(|stored| stored.span.start < position);
        }
        kept.sort_unstable();
        let alive = kept.len();
        kept.extend(self.opened as u32..self.stored.len() as u32);
        let number = |index: u32| kept.partition_point(|kept| *kept < index) as u32;
        match &mut self.open {
            Open::Nested(nested) => nested.renumber(number),
            Open::Crossing(set) => {
                *set = set.iter().map(|(end, index)| (*end, number(*index))).collect();
            }
            Open::CrossingInnermost(_) => {}
        }
        let spans: Vec<Stored> =
            kept.iter().filter_map(|index| self.stored.get(*index as usize)).copied().collect();
        let rows = spans.iter().map(|stored| stored.row).collect();
        self.stored = spans.iter().zip(0..).map(|(stored, row)| Stored { row, ..*stored }).collect();
        self.opened = if self.wanted == Wanted::Equal { 0 } else { alive };
        self.ends = None;
        self.matches = Matches::default();
        rows
    }

    /// Moves towards a query for which it is not ready, so that what ends before can be let go.
    pub(crate) fn approach(&mut self, query: Query) {
        self.matches = Matches::default();
        match self.wanted {
            Wanted::Containers => {
                // Not beyond what has been added: the next spans start where the last one does, or later.
                let Some((last, _)) = self.last else { return };
                let position = query.start_at_most.min(last);
                self.open_until(position);
                match &mut self.open {
                    Open::Nested(nested) => nested.close_until(position),
                    Open::Crossing(set) => forget_ended(set, position),
                    Open::CrossingInnermost(_) => {}
                }
            }
            Wanted::Equal => self.position = Some(query.start_at_most),
            Wanted::Innermost | Wanted::Overlapping => {}
        }
    }

    /// Moves to a query for which it is ready. What was not taken of the previous one is dropped.
    ///
    /// # Errors
    /// When queries must ascend and this one does not.
    pub(crate) fn seek(&mut self, query: Query) -> Result<(), OutOfOrder> {
        if self.wanted != Wanted::Overlapping {
            if self.position.is_some_and(|position| query.start_at_most < position) {
                return Err(OutOfOrder);
            }
            self.position = Some(query.start_at_most);
        }
        self.matches = match self.wanted {
            Wanted::Equal => self.seek_equal(query),
            Wanted::Overlapping => self.seek_all(query),
            Wanted::Containers if query.looks_back() => self.seek_all(query),
            Wanted::Containers | Wanted::Innermost => self.seek_containers(query),
        };
        Ok(())
    }

    fn seek_equal(&self, query: Query) -> Matches {
        let key = (query.start_at_most, Reverse(query.end_at_least));
        let from = self.stored.partition_point(|stored| stored.sort_key() < key);
        let to = self.stored.partition_point(|stored| stored.sort_key() <= key);
        Matches { stored: from..to, ..Matches::default() }
    }

    fn seek_all(&mut self, query: Query) -> Matches {
        let candidates = self.stored.partition_point(|stored| stored.span.start <= query.start_at_most);
        let ends = || EndTree::new(self.stored.iter().map(|stored| stored.span.end).collect());
        self.ends.get_or_insert_with(ends);
        Matches { ending_from: Some((0..candidates, query.end_at_least)), ..Matches::default() }
    }

    fn seek_containers(&mut self, query: Query) -> Matches {
        self.open_until(query.start_at_most);
        match &mut self.open {
            Open::Nested(nested) => {
                nested.close_until(query.start_at_most);
                nested.containers(query, self.wanted == Wanted::Innermost)
            }
            Open::Crossing(set) => {
                forget_ended(set, query.start_at_most);
                Matches { set: Some((Bound::Unbounded, query.end_at_least)), ..Matches::default() }
            }
            Open::CrossingInnermost(shortest) => {
                Matches { single: shortest.ending_from(query.end_at_least), ..Matches::default() }
            }
        }
    }

    /// Opens stored spans in order while they start at `position` or before.
    fn open_until(&mut self, position: i64) {
        while let Some(stored) = self.stored.get(self.opened).filter(|stored| stored.span.start <= position) {
            let index = self.opened as u32;
            self.opened += 1;
            if stored.span.end < stored.span.start {
                // It contains nothing that starts at or after its start and is not inverted itself.
                continue;
            }
            match &mut self.open {
                Open::Nested(nested) => {
                    if !nested.open(stored.span, index) {
                        let alive = nested.alive().chain([(stored.span, index)]);
                        self.open = if self.wanted == Wanted::Innermost {
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

    /// Appends the rows of up to `limit` more matches of the current query to `rows`. True when there are no
    /// more.
    pub(crate) fn take(&mut self, limit: usize, rows: &mut Vec<u32>) -> bool {
        let mut room = limit;
        let stored = &self.stored;
        let row = |index: usize| stored.get(index).map(|stored| stored.row);
        if let Open::Nested(nested) = &self.open {
            let found = nested.stack.get(drain(&mut self.matches.stack, &mut room)).unwrap_or_default();
            rows.extend(found.iter().filter_map(|(_, index)| row(*index as usize)));
            let found = nested.closed.get(drain(&mut self.matches.closed, &mut room)).unwrap_or_default();
            rows.extend(found.iter().filter_map(|(_, index)| row(*index as usize)));
        }
        if let (Open::Crossing(set), Some((from, bound))) = (&self.open, &mut self.matches.set) {
            let ending_later =
                set.range((*from, Bound::Unbounded)).take_while(|(Reverse(end), _)| *end >= *bound);
            for entry in ending_later.take(room) {
                rows.extend(row(entry.1 as usize));
                *from = Bound::Excluded(*entry);
                room -= 1;
            }
            if room > 0 {
                self.matches.set = None;
            }
        }
        rows.extend(drain(&mut self.matches.stored, &mut room).filter_map(row));
        if let (Some(ends), Some((range, bound))) = (&self.ends, &mut self.matches.ending_from) {
            let mut exhausted = false;
            while room > 0 && !exhausted {
                match ends.next_ending_from(range.start, *bound).filter(|index| *index < range.end) {
                    Some(index) => {
                        rows.extend(row(index));
                        range.start = index + 1;
                        room -= 1;
                    }
                    None => exhausted = true,
                }
            }
            if exhausted {
                self.matches.ending_from = None;
            }
        }
        if room > 0 {
            rows.extend(self.matches.single.take().and_then(|index| row(index as usize)));
        }
        self.matches.is_empty()
    }

    /// Bytes held for so many stored spans.
    pub(crate) fn memory(stored: usize) -> usize {
        stored * (size_of::<Stored>() + 2 * size_of::<SetKey>()) + EndTree::memory(stored)
    }
}

/// Removes the spans that end before `position`: no later query can match them.
fn forget_ended(set: &mut BTreeSet<SetKey>, position: i64) {
    while let Some(last) = set.last().filter(|(Reverse(end), _)| *end < position).copied() {
        set.remove(&last);
    }
}
