//! What all segments of a run share.

use std::sync::Arc;
use std::time::Instant;

use super::watchdog::{Resources, Running};
use super::{ExecutionObserver, RunOptions};
use crate::dag::PlanDag;
use crate::operators::RunStores;
use crate::planning::RunPlanner;
use crate::session::Session;
use crate::stop::Cancellation;

/// A run: how its segments are planned, what they store, and who is told.
pub(super) struct Run {
    pub(super) planner: RunPlanner,
    pub(super) stores: Arc<RunStores>,
    /// Thrown by the first failure, seen by every task.
    pub(super) stop: Cancellation,
    pub(super) observer: Arc<dyn ExecutionObserver>,
    pub(super) begin: Instant,
    pub(super) running: Running,
    pub(super) resources: Resources,
}

impl Run {
    pub(super) fn new(session: &Session, dag: &PlanDag, options: &RunOptions) -> Self {
        let stores = Arc::new(RunStores::new(dag.cache_memory_budget));
        let stop = Cancellation::new();
        // The switch of the run itself, too: who would pass it on may run on the thread that is planning.
        let switches = [stop.clone(), options.cancellation.clone()];
        Self {
            planner: RunPlanner::of_run(session, Arc::clone(&stores), &switches, options.capture.as_ref()),
            stores,
            stop,
            observer: Arc::clone(&options.observer),
            begin: Instant::now(),
            running: Running::default(),
            resources: Resources::of(session),
        }
    }
}
