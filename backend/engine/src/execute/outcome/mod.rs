//! What a run did, in numbers.

mod assertions;
mod operators;

use std::time::Duration;

use delta::RowsDigest;
use ir::hash::ContentHash;

pub use assertions::{AssertionOutcome, FailingRows};
pub use operators::{OperatorKind, OperatorMetrics};

use super::GraphCheck;
use crate::operators::StoreCounters;
use crate::resources::SpillUse;
use crate::session::MemoryUse;

/// A run that published everything.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// The outputs in commit order.
    pub outputs: Vec<OutputOutcome>,
    /// What was checked of the tables of a code property graph before they were published; it holds.
    pub checks: Vec<GraphCheck>,
    /// The assertions of the spec, by the names of their checks; those of severity `error` hold.
    pub assertions: Vec<AssertionOutcome>,
    /// The shared views in the order they were released.
    pub shared_views: Vec<StoreCounters>,
    /// What all segments together reserved in memory.
    pub memory: MemoryUse,
    /// What they put on disk.
    pub spills: SpillUse,
    /// The segments in the order they ended.
    pub segments: Vec<SegmentOutcome>,
    /// The time to open and check the tables of the outputs.
    pub prepare: Duration,
    /// The time to plan and run the segments, files included.
    pub compute: Duration,
    /// The time to check the outputs.
    pub check: Duration,
    /// The time to commit.
    pub commit: Duration,
}

/// A published output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputOutcome {
    /// The table.
    pub table: String,
    /// Its location as the spec gives it.
    pub location: String,
    /// Rows added by this run.
    pub rows: u64,
    /// Data files added by this run.
    pub files: usize,
    /// Data files this run removed from the table: those of the rows it replaced.
    pub files_removed: usize,
    /// Bytes of the data files added.
    pub bytes: u64,
    /// The digest of the rows added.
    pub digest: RowsDigest,
    /// The version this run made.
    pub version: u64,
    /// How many partitions of the plan were written beside each other.
    pub partitions: usize,
    /// The time until it was committed, from when all outputs were written.
    pub commit: Duration,
}

/// A segment that ran.
#[derive(Clone, Debug)]
pub struct SegmentOutcome {
    /// `view x`, `output x` or `check x`.
    pub segment: String,
    /// The shared view's node, the table, or the check's node.
    pub name: String,
    /// The table it writes; nothing for a shared view or a check.
    pub output: Option<String>,
    /// What was computed: see [`PlanDag::digests`](crate::PlanDag::digests).
    pub digest: ContentHash,
    /// Its level in the schedule.
    pub level: u32,
    /// The rows it produced.
    pub rows: u64,
    /// The partitions of its plan.
    pub partitions: usize,
    /// When it began, counted from the begin of the first segment.
    pub started: Duration,
    /// The time to plan it.
    pub plan: Duration,
    /// The time to run it.
    pub run: Duration,
    /// The operators of the plan that ran, root first, each before its inputs.
    pub operators: Vec<OperatorMetrics>,
}
