//! What was done for captures, in numbers: where nothing is captured, they stay at zero.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a session has done for captures so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureUse {
    /// How often a watch was told of a rule.
    pub rules_observed: u64,
    /// How many texts of plans were made, to be kept or to be compared.
    pub texts_made: u64,
    /// How many scans were asked what they do with filters.
    pub scans_probed: u64,
}

/// Counts for [`CaptureUse`], for all runs of a session.
#[derive(Debug, Default)]
pub(crate) struct CaptureCounters {
    rules_observed: AtomicU64,
    texts_made: AtomicU64,
    scans_probed: AtomicU64,
}

impl CaptureCounters {
    pub(crate) fn add_rule(&self) {
        self.rules_observed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_text(&self) {
        self.texts_made.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_scan(&self) {
        self.scans_probed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn usage(&self) -> CaptureUse {
        CaptureUse {
            rules_observed: self.rules_observed.load(Ordering::Relaxed),
            texts_made: self.texts_made.load(Ordering::Relaxed),
            scans_probed: self.scans_probed.load(Ordering::Relaxed),
        }
    }
}
