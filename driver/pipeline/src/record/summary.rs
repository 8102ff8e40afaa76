//! What a list of runs says of each, read without the rest of its record.

use ir::hash::ContentHash;
use serde::Deserialize;

use super::{Stages, Status};

/// The part of a [`RunRecord`](super::RunRecord) that lists show. Segments and operators, most of a record, are passed over.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RunSummary {
    /// A random UUID.
    pub run_id: String,
    /// The name of the spec.
    pub name: String,
    /// RFC 3339, to the microsecond.
    pub started_at: String,
    /// RFC 3339, to the microsecond.
    pub finished_at: String,
    /// How it ended.
    pub status: Status,
    /// What went wrong; nothing for a run that published.
    pub failure: Option<FailureSummary>,
    /// What was computed: the hash of the spec.
    pub spec_hash: ContentHash,
    /// The hash of everything else that decides a row.
    pub envelope_hash: ContentHash,
    /// The outputs that were published, in commit order.
    pub outputs: Vec<OutputSummary>,
    /// Where the time went.
    pub stages: Stages,
}

/// Why a run did not publish everything.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FailureSummary {
    /// What went wrong, in one line.
    pub message: String,
}

/// An output that was published.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OutputSummary {
    /// The table.
    pub table: String,
    /// Rows added.
    pub rows: u64,
}

impl RunSummary {
    /// The rows of all outputs.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.outputs.iter().map(|output| output.rows).fold(0, u64::saturating_add)
    }
}
