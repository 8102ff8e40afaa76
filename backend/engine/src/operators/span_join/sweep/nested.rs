//! The open spans of a sweep while all of them nest.

use super::shortest::preference;
use super::{Matches, Query, Span};

/// The open spans while all spans nest, with their indices.
#[derive(Debug, Default)]
pub(super) struct Nested {
    /// Spans that contain positions before and after the sweep; ends never increase upwards.
    pub(super) stack: Vec<(Span, u32)>,
    /// Spans that end exactly at `closed_at`.
    pub(super) closed: Vec<(Span, u32)>,
    closed_at: Option<i64>,
    /// How many spans from the bottom of the stack on have been reported, where each is wanted once.
    reported: usize,
    /// Position in `closed` of the shortest, the one with the larger start and then the later one of several.
    shortest_closed: Option<usize>,
}

impl Nested {
    /// Opens a span at the sweep's position. False, with nothing changed but the position, when it crosses an
    /// open one.
    pub(super) fn open(&mut self, span: Span, index: u32) -> bool {
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
    pub(super) fn close_until(&mut self, position: i64) {
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
        self.reported = self.reported.min(self.stack.len());
    }

    fn close(&mut self, closed: (Span, u32)) {
        let shortest = self.shortest_closed.and_then(|shortest| self.closed.get(shortest));
        if shortest.is_none_or(|shortest| preference(closed) < preference(*shortest)) {
            self.shortest_closed = Some(self.closed.len());
        }
        self.closed.push(closed);
    }

    /// Takes the spans among some matches that were not taken before, by their indices.
    pub(super) fn take_new(&mut self, matches: &Matches) -> impl Iterator<Item = u32> {
        let until = matches.stack.end;
        let open = self.stack.get(self.reported.min(until)..until).unwrap_or_default().to_vec();
        self.reported = self.reported.max(until);
        // Spans that have ended match empty spans at one position only, and all of them do.
        let closed = if matches.closed.is_empty() { Vec::new() } else { std::mem::take(&mut self.closed) };
        if !closed.is_empty() {
            self.shortest_closed = None;
        }
        open.into_iter().chain(closed).map(|(_, index)| index)
    }

    /// Everything that can still contain something.
    pub(super) fn alive(&self) -> impl Iterator<Item = (Span, u32)> + '_ {
        self.stack.iter().chain(&self.closed).copied()
    }

    /// Gives the open spans new indices.
    pub(super) fn renumber(&mut self, number: impl Fn(u32) -> u32) {
        for (_, index) in self.stack.iter_mut().chain(&mut self.closed) {
            *index = number(*index);
        }
    }

    /// The containers of a query at the sweep's position. All spans on the stack start no later, so the end
    /// alone decides, and it decides for a prefix.
    pub(super) fn containers(&self, query: Query, innermost: bool) -> Matches {
        let empty = query.start_at_most == query.end_at_least;
        let prefix = self.stack.partition_point(|(open, _)| open.end >= query.end_at_least);
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
