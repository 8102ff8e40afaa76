//! What a run did, in numbers.

use std::sync::Arc;
use std::time::Duration;

use datafusion::physical_plan::ExecutionPlan;
use delta::{RowsDigest, ScanMeasures};
use ir::hash::ContentHash;

use super::GraphCheck;
use crate::operators::StoreCounters;
use crate::operators::leaf::{inputs, seen};
use crate::resources::SpillUse;
use crate::session::MemoryUse;

/// A run that published everything.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// The outputs in commit order.
    pub outputs: Vec<OutputOutcome>,
    /// What was checked of the tables of a code property graph before they were published; it holds.
    pub checks: Vec<GraphCheck>,
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
    /// `view x` or `output x`.
    pub segment: String,
    /// The table it writes; nothing for a shared view.
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

/// What one operator did, all partitions together. A number an operator does not count is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorMetrics {
    /// The operator.
    pub name: String,
    /// How deep it stands below the root, which is 0.
    pub depth: usize,
    /// The rows it gave.
    pub output_rows: Option<usize>,
    /// The time it computed, in nanoseconds, summed over threads.
    pub elapsed_compute_nanos: Option<usize>,
    /// How often it spilled.
    pub spill_count: Option<usize>,
    /// The bytes it spilled.
    pub spilled_bytes: Option<usize>,
    /// What it has read of files, and what it has skipped.
    pub scan: Option<ScanMeasures>,
}

impl OperatorMetrics {
    /// The operators of a plan that has run.
    pub(super) fn of(plan: &Arc<dyn ExecutionPlan>) -> Vec<Self> {
        let mut found = Vec::new();
        let mut open = vec![(seen(plan), 0)];
        while let Some((plan, depth)) = open.pop() {
            let metrics = plan.metrics();
            let number = |read: fn(&datafusion::physical_plan::metrics::MetricsSet) -> Option<usize>| {
                metrics.as_ref().and_then(read)
            };
            found.push(Self {
                name: plan.name().to_owned(),
                depth,
                output_rows: number(|set| set.output_rows()),
                elapsed_compute_nanos: number(|set| set.elapsed_compute()),
                spill_count: number(|set| set.spill_count()),
                spilled_bytes: number(|set| set.spilled_bytes()),
                scan: ScanMeasures::of(plan.as_ref()),
            });
            open.extend(inputs(plan).into_iter().rev().map(|input| (input, depth + 1)));
        }
        found
    }
}
