//! The nesting of scopes by their spans, and what lookups find by it.

use super::nest::{Marks, Nest};
use super::{Bound, Targets, binds};
use crate::lexical::facts::{Facts, Reference, ScopeIndex};
use crate::tree::Span;

/// The nesting of scopes by their spans.
pub(super) struct Layout {
    /// Scope indexes ordered by start, then widest first, then outermost first.
    order: Vec<ScopeIndex>,
    /// For each position in `order`, the position of the tightest enclosing scope.
    outer: Vec<Option<usize>>,
    spans: Vec<Span>,
    /// From which byte on which position is the innermost, in order of bytes.
    changes: Vec<(u32, Option<usize>)>,
    nest: Nest,
    /// For each scope its position in `order`.
    positions: Vec<usize>,
}

impl Layout {
    pub(super) fn new(facts: &Facts<'_>) -> Self {
        let mut order: Vec<ScopeIndex> = (0..facts.scopes.len()).collect();
        let spans: Vec<Span> = facts.scopes.iter().map(|scope| scope.span).collect();
        let span = |index: ScopeIndex| spans.get(index).copied().unwrap_or(Span { start: 0, end: 0 });
        // A parent has a smaller index than its children, so the index breaks ties of equal spans.
        order.sort_by_key(|&index| (span(index).start, std::cmp::Reverse(span(index).end), index));
        let mut positions = vec![0; order.len()];
        let mut outer: Vec<Option<usize>> = Vec::with_capacity(order.len());
        let mut changes = Vec::with_capacity(2 * order.len());
        let mut open: Vec<(usize, Span)> = Vec::new();
        // A place without width may stand at the end of a scope: what ends is left one byte later.
        let leave = |open: &mut Vec<(usize, Span)>, until: u32, changes: &mut Vec<(u32, Option<usize>)>| {
            while let Some((_, ended)) = open.pop_if(|(_, span)| span.end < until) {
                changes.push((ended.end + 1, open.last().map(|&(position, _)| position)));
            }
        };
        for (position, &index) in order.iter().enumerate() {
            let own = span(index);
            leave(&mut open, own.start, &mut changes);
            while open.pop_if(|(_, other)| !other.contains(own)).is_some() {}
            outer.push(open.last().map(|&(outer, _)| outer));
            changes.push((own.start, Some(position)));
            open.push((position, own));
            if let Some(slot) = positions.get_mut(index) {
                *slot = position;
            }
        }
        leave(&mut open, u32::MAX, &mut changes);
        let nest = Nest::new(&outer);
        Self { order, outer, spans, changes, nest, positions }
    }

    /// The tightest scope that contains `place`, as a position in `order`.
    fn position(&self, place: Span) -> Option<usize> {
        let after = self.changes.partition_point(|&(from, _)| from <= place.start);
        let mut current = self.changes.get(after.checked_sub(1)?)?.1;
        while let Some(position) = current {
            #[cfg(test)]
            crate::tree::work::step();
            let index = *self.order.get(position)?;
            if self.span(index).contains(place) {
                return Some(position);
            }
            current = self.outer.get(position).copied().flatten();
        }
        None
    }

    /// The tightest scope that contains `place`.
    pub(super) fn innermost(&self, place: Span) -> Option<ScopeIndex> {
        self.order.get(self.position(place)?).copied()
    }

    fn span(&self, index: ScopeIndex) -> Span {
        self.spans.get(index).copied().unwrap_or(Span { start: 0, end: 0 })
    }

    /// The scopes that have to do with names: that bind them, or redirect lookups.
    pub(super) fn marks(&self, bound: &Bound, targets: &Targets) -> Marks {
        let redirecting = targets.keys().filter(|key| !bound.contains_key(key));
        let keys = bound.keys().chain(redirecting);
        let position = |scope: ScopeIndex| self.positions.get(scope).copied().unwrap_or_default();
        self.nest.mark(keys.map(|&(scope, name)| (name, position(scope))).collect())
    }

    /// The scope that binds the name of a reference by the span rule.
    pub(super) fn resolve(
        &self,
        facts: &Facts<'_>,
        (bound, targets, marks): (&Bound, &Targets, &Marks),
        reference: &Reference<'_>,
    ) -> Option<ScopeIndex> {
        let innermost = self.position(reference.lookup)?;
        let (name, namespace) = (reference.name, reference.namespace);
        for position in marks.around(&self.nest, innermost, name) {
            let index = *self.order.get(position)?;
            if position != innermost && !facts.scopes.get(index)?.visible_to_nested {
                continue;
            }
            if let Some(&target) = targets.get(&(index, name)) {
                return binds(bound, target, name, namespace, false).then_some(target);
            }
            if binds(bound, index, name, namespace, false) {
                return Some(index);
            }
        }
        None
    }
}
