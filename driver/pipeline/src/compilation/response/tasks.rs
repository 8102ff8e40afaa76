//! The tasks of a schedule in numbers: what each costs, what waits for it, and how long it may wait itself.
//!
//! A task is a segment of the schedule. Times are costs: in a unit of one row passing one simple operator, with as many
//! workers as there are tasks. Earliest and latest starts are those of the critical path method (Kelley and Walker,
//! *Critical-Path Planning and Scheduling*, Eastern Joint Computer Conference 1959).

use std::collections::BTreeMap;

use ir::estimate::Estimate;
use ir::graph::{Schedule, Segment};
use serde::Serialize;

/// The order of execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskSchedule {
    /// The tasks: each after those it depends on, within a level the most urgent first.
    pub tasks: Vec<Task>,
    /// The tasks of the longest way from tables to an output, in the order they run. Where several ways are as long, the
    /// one whose tasks come first by name.
    pub critical_path: Vec<String>,
}

/// A part of the graph that is planned and run as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Task {
    /// Its name: that of the node at its top, a shared view or an output with `@` before it.
    pub task: String,
    /// Tasks of one level do not depend on each other; level 0 reads tables only.
    pub level: u32,
    /// The tasks whose rows it reads.
    pub depends_on: Vec<String>,
    /// The rows it gives: `12`, `"~12"` where they are estimated, `"?12"` where statistics are missing.
    pub rows: Estimate,
}

/// What the schedule of a graph says of time.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// What each task costs by itself.
    pub(super) costs: BTreeMap<String, u64>,
    /// What each task costs together with the costliest chain of tasks that wait for it.
    pub(super) bottom_levels: BTreeMap<String, u64>,
    /// How much later than possible each task may start without making the whole longer: its latest start less its earliest.
    pub(super) slack: BTreeMap<String, u64>,
    /// The tasks each depends on.
    pub(super) dependencies: BTreeMap<String, Vec<String>>,
    /// What the costliest chain of tasks costs; less time than this is not enough for all.
    pub(super) critical_path_length: u64,
}

impl TaskSchedule {
    pub(super) fn of(schedule: &Schedule) -> Self {
        let task = |segment: &Segment| Task {
            task: segment.root.clone(),
            level: segment.level,
            depends_on: segment.reads.clone(),
            rows: segment.rows,
        };
        let critical = schedule.segments.iter().filter(|segment| segment.critical);
        Self {
            tasks: schedule.segments.iter().map(task).collect(),
            critical_path: critical.map(|segment| segment.root.clone()).collect(),
        }
    }
}

impl Times {
    /// Bottom levels are those that the schedule was made with; the segments come after those they read.
    pub(super) fn of(schedule: &Schedule) -> Self {
        let mut earliest_starts: BTreeMap<&str, u64> = BTreeMap::new();
        let mut earliest_ends: BTreeMap<&str, u64> = BTreeMap::new();
        for segment in &schedule.segments {
            let inputs = segment.reads.iter().filter_map(|read| earliest_ends.get(read.as_str()));
            let start = inputs.max().copied().unwrap_or(0);
            earliest_starts.insert(&segment.root, start);
            earliest_ends.insert(&segment.root, start.saturating_add(segment.cost));
        }
        let critical_path_length = earliest_ends.values().max().copied().unwrap_or(0);
        let slack = |segment: &Segment| {
            let latest_start = critical_path_length.saturating_sub(segment.bottom_level);
            let earliest_start = earliest_starts.get(segment.root.as_str()).copied().unwrap_or(0);
            (segment.root.clone(), latest_start.saturating_sub(earliest_start))
        };
        let segments = &schedule.segments;
        Self {
            costs: segments.iter().map(|segment| (segment.root.clone(), segment.cost)).collect(),
            bottom_levels: segments
                .iter()
                .map(|segment| (segment.root.clone(), segment.bottom_level))
                .collect(),
            slack: segments.iter().map(slack).collect(),
            dependencies: segments.iter().map(|it| (it.root.clone(), it.reads.clone())).collect(),
            critical_path_length,
        }
    }
}
