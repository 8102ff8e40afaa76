//! The program under test beside another version of it, turn by turn.

use serde::Serialize;

use super::Turn;
use crate::process::Usage;
use crate::statistics::Interval;

/// A ratio beyond which a version is worse than its baseline.
const WORSE: f64 = 1.03;

/// What a version needs for the same work, as a share of what its baseline needs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Comparison {
    /// The form of the work.
    pub(crate) contestant: String,
    /// Turns of each, held next to each other.
    pub(crate) pairs: usize,
    /// Of user and system seconds.
    pub(crate) cpu: Interval,
    /// Of seconds from start to end.
    pub(crate) wall: Interval,
    /// Of peak resident bytes.
    pub(crate) peak: Interval,
}

impl Comparison {
    /// The comparison of turns and those of the baseline in the same places; none of none.
    pub(super) fn of(contestant: &str, now: &[Turn], before: &[Turn]) -> Option<Self> {
        let ratio = |of: &dyn Fn(&Usage) -> f64| {
            Interval::of_median(
                now.iter().zip(before).map(|(now, before)| of(&now.usage) / of(&before.usage)),
            )
        };
        Some(Self {
            contestant: contestant.to_owned(),
            pairs: now.len().min(before.len()),
            cpu: ratio(&|usage| usage.cpu_seconds)?,
            wall: ratio(&|usage| usage.wall_seconds)?,
            peak: ratio(&peak)?,
        })
    }

    /// Whether more time is needed for certain.
    pub(crate) fn is_worse(&self) -> bool {
        self.cpu.low > WORSE || self.wall.low > WORSE
    }

    /// Whether less time is needed for certain, by as much.
    pub(crate) fn is_better(&self) -> bool {
        !self.is_worse() && (self.cpu.high < 1.0 / WORSE || self.wall.high < 1.0 / WORSE)
    }
}

#[allow(clippy::cast_precision_loss, reason = "sizes of memory are far below 2^53")]
fn peak(usage: &Usage) -> f64 {
    usage.peak_bytes as f64
}
