//! What the two sides of a span join do, and what is counted.

use datafusion::physical_plan::metrics::{BaselineMetrics, Count, Gauge};

use super::sweep::{Query, Span, Wanted};
use super::{SpanComparison, SpanJoinKind, SpanJoinSpec, SpanRelation};

/// Whether the output has the order of the left and of the right input.
pub(super) fn maintained_order(spec: &SpanJoinSpec, [left_sorted, right_sorted]: [bool; 2]) -> Vec<bool> {
    let [left, right] = match (spec.stores_left(), spec.join) {
        (true, SpanJoinKind::Inner) => [false, true],
        (true, SpanJoinKind::Left) => [false, false],
        (true, SpanJoinKind::LeftSemi | SpanJoinKind::LeftAnti) | (false, _) => [true, false],
    };
    vec![left && left_sorted, right && right_sorted]
}

/// What the operator counts besides the baseline.
pub(super) struct SpanJoinMetrics {
    pub(super) baseline: BaselineMetrics,
    /// Key groups that both sides have.
    pub(super) groups: Count,
    /// Groups that the stack could not answer alone: stored spans cross, or a contained span is inverted.
    pub(super) fallback_groups: Count,
    /// Matching pairs found (for semi and anti joins only as many as were needed).
    pub(super) pairs: Count,
    /// Most bytes of a group kept in memory at a time.
    pub(super) build_mem: Gauge,
}

/// How the two sides take part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Roles {
    pub(super) relation: SpanRelation,
    pub(super) comparison: SpanComparison,
    pub(super) innermost: bool,
    pub(super) kind: SpanJoinKind,
    /// Whether the stored side is the left one.
    pub(super) stored_is_left: bool,
}

impl Roles {
    pub(super) fn of(spec: &SpanJoinSpec) -> Self {
        let SpanJoinSpec { relation, comparison, innermost, join: kind, .. } = *spec;
        Self { relation, comparison, innermost, kind, stored_is_left: spec.stores_left() }
    }

    /// What is asked of the stored spans.
    pub(super) fn wanted(self) -> Wanted {
        match self.relation {
            SpanRelation::Contains | SpanRelation::Within if self.innermost => Wanted::Innermost,
            SpanRelation::Contains | SpanRelation::Within => Wanted::Containers,
            SpanRelation::Overlaps => Wanted::Overlapping,
            SpanRelation::Equals => Wanted::Equal,
        }
    }

    /// The query of a probed span; `None` when nothing can match because a strict comparison with the first or
    /// last position there is cannot hold.
    pub(super) fn query(self, probe: Span) -> Option<Query> {
        let strict = match (self.comparison, self.relation) {
            (SpanComparison::Plain { strict }, _) => strict,
            (SpanComparison::HalfOpen, SpanRelation::Overlaps) => [true, true],
            (SpanComparison::HalfOpen, _) => [false, false],
        };
        let before = |position: i64, strict| position.checked_sub(i64::from(strict));
        let after = |position: i64, strict| position.checked_add(i64::from(strict));
        let [first, second] = strict;
        let (start_at_most, end_at_least) = match self.relation {
            // The probe is the left side: `probe.start < stored.end` is the first comparison.
            SpanRelation::Overlaps => (before(probe.end, second), after(probe.start, first)),
            SpanRelation::Contains | SpanRelation::Within | SpanRelation::Equals => {
                (before(probe.start, first), after(probe.end, second))
            }
        };
        Some(Query { start_at_most: start_at_most?, end_at_least: end_at_least? })
    }

    /// Whether rows of a group that can no longer match may be let go before the group ends.
    pub(super) fn can_forget(self) -> bool {
        !self.tracks_stored() && matches!(self.wanted(), Wanted::Containers | Wanted::Equal)
    }

    /// Whether inverted spans can match.
    pub(super) fn keeps_inverted(self) -> bool {
        self.comparison != SpanComparison::HalfOpen
    }

    /// Whether it must be known of each stored row if it has matched.
    pub(super) fn tracks_stored(self) -> bool {
        self.stored_is_left && self.kind != SpanJoinKind::Inner
    }

    /// Whether rows without a match come out, with the stored side on the left.
    pub(super) fn keeps_unmatched(self) -> bool {
        matches!(self.kind, SpanJoinKind::Left | SpanJoinKind::LeftAnti)
    }

    /// Whether only the existence of a match matters.
    pub(super) fn existence_only(self) -> bool {
        matches!(self.kind, SpanJoinKind::LeftSemi | SpanJoinKind::LeftAnti)
    }

    /// Whether unmatched stored rows come out.
    pub(super) fn keeps_stored(self) -> bool {
        self.stored_is_left && self.keeps_unmatched()
    }

    /// Whether unmatched probe rows come out.
    pub(super) fn keeps_probe(self) -> bool {
        !self.stored_is_left && self.keeps_unmatched()
    }
}
