//! What the operators of a plan did.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::metrics::{MetricValue, MetricsSet};
use datafusion::physical_plan::{ExecutionPlan, displayable};
use delta::{ScanMeasures, ScannedTable, WrittenFiles, scanned_table};

use crate::operators::leaf::{RowSource as _, StoredView, inputs, seen, source_of};

/// What one operator did, all partitions together. A number an operator does not count is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorMetrics {
    /// The operator.
    pub name: String,
    /// What it does, of what a graph knows.
    pub kind: OperatorKind,
    /// What it computes, as plans show it, up to some thousand letters; nothing for one that computes nothing of a graph.
    pub described: String,
    /// How deep it stands below the root, which is 0.
    pub depth: usize,
    /// When its first partition began.
    pub started: Option<SystemTime>,
    /// When its last partition ended.
    pub ended: Option<SystemTime>,
    /// The rows it gave.
    pub output_rows: Option<usize>,
    /// The time it computed, in nanoseconds, summed over threads.
    pub elapsed_compute_nanos: Option<usize>,
    /// The most bytes of memory it had, summed over partitions, which need not have had them at the same time.
    pub peak_memory_bytes: Option<usize>,
    /// How often it spilled.
    pub spill_count: Option<usize>,
    /// The bytes it spilled.
    pub spilled_bytes: Option<usize>,
    /// What it has read of files, and what it has skipped.
    pub scan: Option<ScanMeasures>,
}

/// What an operator does, in the words of a graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperatorKind {
    /// Reads a version of a Delta table, or files, whose table id is the digest of their list. What stands below it is how.
    Scan(ScannedTable),
    /// Reads the stored rows of the shared view of this name.
    SharedView(String),
    /// Drops rows.
    Filter,
    /// Computes columns.
    Projection,
    /// Puts rows of two inputs together, or keeps those of one that the other has partners for.
    Join,
    /// Groups rows, or drops those that are there twice.
    Aggregate,
    /// Computes window functions.
    Window,
    /// Puts inputs one after the other.
    Union,
    /// Makes rows of the elements of lists.
    Unnest,
    /// Sorts all rows: because a query says so, or for the operator above.
    Sort,
    /// Keeps the first rows, of an order perhaps.
    Limit,
    /// Serves the operator above it: deals rows out, brings them together, groups them before others do.
    Passing,
}

impl OperatorKind {
    /// Whether it computes something that a graph says.
    fn computes(&self) -> bool {
        !matches!(self, Self::Scan(_) | Self::SharedView(_) | Self::Passing)
    }

    fn of(plan: &Arc<dyn ExecutionPlan>) -> Self {
        if let Some(table) = scanned_table(plan.as_ref()) {
            return Self::Scan(table.clone());
        }
        if let Some(files) = files::scanned_files(plan.as_ref()) {
            return Self::Scan(ScannedTable { table_id: files.to_string(), version: 0 });
        }
        if let Some(view) = source_of::<StoredView>(plan).and_then(|stored| stored.view()) {
            return Self::SharedView(view.to_owned());
        }
        let is_partial = plan.downcast_ref::<AggregateExec>().is_some_and(|aggregate| {
            matches!(aggregate.mode(), AggregateMode::Partial | AggregateMode::PartialReduce)
        });
        match plan.name() {
            _ if is_partial => Self::Passing,
            "FilterExec" => Self::Filter,
            "ProjectionExec" | "SlicedProjectionExec" => Self::Projection,
            "HashJoinExec"
            | "SpillingHashJoinExec"
            | "SortMergeJoinExec"
            | "NestedLoopJoinExec"
            | "CrossJoinExec"
            | "PiecewiseMergeJoinExec"
            | "SymmetricHashJoinExec"
            | "SpanJoinExec" => Self::Join,
            "AggregateExec" | "SpillingAggregateExec" | "ListAggregateExec" => Self::Aggregate,
            "WindowAggExec" | "BoundedWindowAggExec" | "SpillingWindowAggExec" => Self::Window,
            "UnionExec" | "InterleaveExec" => Self::Union,
            "UnnestExec" => Self::Unnest,
            "SortExec" | "PartialSortExec" => Self::Sort,
            "SortExec(TopK)" | "PartitionedTopKExec" | "GlobalLimitExec" | "LocalLimitExec" => Self::Limit,
            _ => Self::Passing,
        }
    }
}

impl OperatorMetrics {
    /// The operators of a plan that has run, root first, each before its inputs. The time of writers, which work beside the
    /// plan, is that of the operator that hands rows to them.
    pub(in crate::execute) fn of(
        plan: &Arc<dyn ExecutionPlan>,
        written: Option<&[WrittenFiles]>,
    ) -> Vec<Self> {
        let mut found = Vec::new();
        let mut open = vec![(seen(plan), 0)];
        while let Some((plan, depth)) = open.pop() {
            let metrics = plan.metrics();
            let number = |read: fn(&MetricsSet) -> Option<usize>| metrics.as_ref().and_then(read);
            let kind = OperatorKind::of(plan);
            found.push(Self {
                name: plan.name().to_owned(),
                described: if kind.computes() { described(plan.as_ref()) } else { String::new() },
                kind,
                depth,
                started: metrics.as_ref().and_then(started),
                ended: metrics.as_ref().and_then(ended),
                output_rows: number(|set| set.output_rows()),
                elapsed_compute_nanos: number(compute_nanos),
                peak_memory_bytes: number(peak_memory),
                spill_count: number(|set| set.spill_count()),
                spilled_bytes: number(|set| set.spilled_bytes()),
                scan: ScanMeasures::of(plan.as_ref()),
            });
            open.extend(inputs(plan).into_iter().rev().map(|input| (input, depth + 1)));
        }
        count_scans(&mut found);
        if let (Some(files), Some(root)) = (written, found.first_mut()) {
            let encoding: Duration = files.iter().map(WrittenFiles::encoding).sum();
            root.elapsed_compute_nanos = usize::try_from(encoding.as_nanos()).ok();
        }
        found
    }
}

/// Lets scans that do not count their rows have those of the operator below, which they pass on as they are.
fn count_scans(operators: &mut [OperatorMetrics]) {
    for index in 0..operators.len() {
        let Some((scan, below)) = operators.get_mut(index..).and_then(<[_]>::split_first_mut) else {
            continue;
        };
        if matches!(scan.kind, OperatorKind::Scan(_)) && scan.output_rows.is_none() {
            let mut below = below.iter().take_while(|operator| operator.depth > scan.depth);
            scan.output_rows = below.find_map(|operator| operator.output_rows);
        }
    }
}

/// The most bytes of a description. Lists of literals may have any length.
const DESCRIBED_BYTES: usize = 4096;

/// The beginning of a text that is written.
struct Beginning(String);

impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = DESCRIBED_BYTES.saturating_sub(self.0.len());
        let fits =
            text.char_indices().map(|(at, letter)| at + letter.len_utf8()).take_while(|end| *end <= room);
        let end = fits.last().unwrap_or(0);
        self.0.push_str(text.get(..end).unwrap_or_default());
        // An error stops whoever goes on writing.
        if end == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// What plans show of an operator.
fn described(plan: &dyn ExecutionPlan) -> String {
    let mut beginning = Beginning(String::new());
    // It fails where the text is cut.
    let _cut = write!(beginning, "{}", displayable(plan).one_line());
    beginning.0
}

/// DataFusion's name for the time in which a scan decodes files, beside which it counts next to nothing.
const DECODING: &str = "time_elapsed_processing";

fn compute_nanos(metrics: &MetricsSet) -> Option<usize> {
    let decoding = metrics.sum_by_name(DECODING).map(|time| time.as_usize());
    match (metrics.elapsed_compute(), decoding) {
        (Some(own), Some(decoding)) => Some(own.saturating_add(decoding)),
        (own, decoding) => own.or(decoding),
    }
}

fn started(metrics: &MetricsSet) -> Option<SystemTime> {
    let times = metrics.iter().filter_map(|metric| {
        let MetricValue::StartTimestamp(time) = metric.value() else { return None };
        time.value().map(SystemTime::from)
    });
    times.min()
}

fn ended(metrics: &MetricsSet) -> Option<SystemTime> {
    let times = metrics.iter().filter_map(|metric| {
        let MetricValue::EndTimestamp(time) = metric.value() else { return None };
        time.value().map(SystemTime::from)
    });
    times.max()
}

fn peak_memory(metrics: &MetricsSet) -> Option<usize> {
    let peaks = metrics.iter().filter_map(|metric| {
        let MetricValue::PeakMemoryUsage { gauge, .. } = metric.value() else { return None };
        Some(gauge.value())
    });
    peaks.reduce(usize::saturating_add)
}
