//! Which segment runs when, and what happens to the others when one fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::TreeNode as _;
use datafusion::logical_expr::LogicalPlan;
use ir::hash::ContentHash;
use tokio::task::JoinSet;

use super::AssertionOutcome;
use super::publish::{Targets, Written, discard};
use super::run::Run;
use super::segment::{Failure, Finished, Rows, run_segment};
use super::watchdog::stands_still;
use super::{RunOptions, SegmentOutcome};
use crate::dag::{PlanDag, SegmentKind, SegmentPlan};
use crate::error::RunError;
use crate::operators::{ForgottenDependencies, StoreCounters, WriteNode};
use crate::session::Session;

/// What segments left that ran.
#[derive(Default)]
pub(super) struct Ran {
    pub(super) written: Written,
    pub(super) shared_views: Vec<StoreCounters>,
    pub(super) segments: Vec<SegmentOutcome>,
    pub(super) assertions: Vec<AssertionOutcome>,
}

/// The segments of a run: first all that do not read what is written, then those that do.
pub(super) struct Execution<'a> {
    dag: &'a PlanDag,
    options: &'a RunOptions,
    digests: Vec<ContentHash>,
    run: Arc<Run>,
    queue: Queue,
    at_once: usize,
    pub(super) ran: Ran,
}

impl<'a> Execution<'a> {
    /// The segments of a DAG. The shared views in `kept` are read after it, too: their stores stay as long as the run.
    pub(super) fn new(
        session: &Session,
        dag: &'a PlanDag,
        run: Arc<Run>,
        kept: &[String],
        options: &'a RunOptions,
    ) -> Self {
        Self {
            dag,
            options,
            digests: dag.digests(),
            run,
            queue: Queue::new(dag, kept),
            at_once: session.options().segments_at_once(),
            ran: Ran::default(),
        }
    }

    /// Runs the segments that write, those that they read, and those that check what is computed. After a failure no task
    /// is running and no file is left.
    pub(super) async fn compute(&mut self, targets: &Targets) -> Result<(), RunError> {
        let ended = self.proceed(targets).await;
        if ended.is_err() {
            discard(std::mem::take(&mut self.ran.written)).await;
        }
        ended
    }

    /// The outputs whose tables are read as they will be.
    pub(super) fn wants_written(&self) -> BTreeSet<&'a str> {
        self.dag.segments.iter().flat_map(|segment| &segment.written).map(String::as_str).collect()
    }

    /// Runs the segments that check what is written: these tables. After a failure no task is running.
    pub(super) async fn check(
        &mut self,
        tables: BTreeMap<String, Arc<dyn TableProvider>>,
    ) -> Result<(), RunError> {
        for (name, table) in tables {
            self.run.stores.set_written(&name, table);
        }
        self.queue.open(self.dag);
        self.proceed(&Targets::new()).await
    }

    /// Runs segments until none is left that may run.
    async fn proceed(&mut self, targets: &Targets) -> Result<(), RunError> {
        let Self { dag, options, digests, run, queue, at_once, ran } = self;
        let mut running: JoinSet<Ended> = JoinSet::new();
        let mut failure: Option<RunError> = None;
        let watched = Arc::clone(run);
        let mut hang = std::pin::pin!(hang(&watched, options.no_progress_timeout));
        loop {
            while failure.is_none() && running.len() < *at_once {
                let Some(index) = queue.next(dag, running.is_empty()) else { break };
                let Some((segment, digest)) = dag.segments.get(index).cloned().zip(digests.get(index)) else {
                    continue;
                };
                let target = targets.get(&segment.name).cloned();
                let (run, digest) = (Arc::clone(run), *digest);
                running.spawn(async move { (index, run_segment(run, segment, digest, target).await) });
            }
            let failed = tokio::select! {
                // First: segments that were stopped must not end the run before it is known why they were.
                biased;
                () = options.cancellation.cancelled(), if failure.is_none() => {
                    Err(Some(RunError::Cancelled { committed: Vec::new() }))
                }
                joined = running.join_next() => match joined {
                    None => break,
                    Some(Ok(ended)) => queue.ended(dag, ended, run, ran),
                    // Segments catch their panics; what is left is a runtime that shuts down.
                    Some(Err(_)) => Err(Some(RunError::Cancelled { committed: Vec::new() })),
                },
                error = &mut hang, if failure.is_none() => Err(Some(error)),
                () = tokio::time::sleep(GRACE), if matches!(failure, Some(RunError::NoProgress { .. })) => {
                    // Threads that are blocked cannot be stopped; whoever waited for them would hang as well.
                    running.abort_all();
                    break;
                }
            };
            if let Err(error) = failed {
                run.stop.cancel();
                failure = failure.or(error);
            }
        }
        if failure.is_none() && !queue.is_done() {
            failure = Some(RunError::Internal {
                segment: dag.name.clone(),
                message: "segments wait for shared views that no segment computes".to_owned(),
            });
        }
        failure.map_or(Ok(()), Err)
    }
}

/// How long segments of a run that hangs get to end by themselves.
const GRACE: Duration = Duration::from_secs(5);

/// Ends when the run hangs, with the error that says where.
async fn hang(run: &Run, timeout: Option<Duration>) -> RunError {
    let Some(timeout) = timeout else { return std::future::pending().await };
    stands_still(&run.running, &run.resources, timeout).await;
    RunError::NoProgress { timeout, unfinished: run.running.unfinished().join("; ") }
}

/// From this cost on a segment that holds rows runs alone. It uses all partitions by itself, so a second one beside it
/// would not make the run shorter, but both would hold their hash tables and sorts at once.
const LARGE_COST: u64 = 1_000_000;

fn runs_alone(segment: &SegmentPlan) -> bool {
    let sorted = matches!(&segment.kind, SegmentKind::Output(sink) if !sink.sort_by.is_empty());
    let mut plans = segment.parts.iter().map(|part| &part.logical).chain([&segment.logical]);
    segment.cost >= LARGE_COST && (sorted || plans.any(holds_rows))
}

/// Whether anything in the plan sorts, groups or joins. What only passes rows on may run beside others: a small table is
/// written by one writer, which leaves the other cores to them.
#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else there is may hold rows")]
fn holds_rows(plan: &LogicalPlan) -> bool {
    let holds = |plan: &LogicalPlan| {
        Ok(match plan {
            LogicalPlan::Projection(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::TableScan(_)
            | LogicalPlan::Union(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Values(_)
            | LogicalPlan::EmptyRelation(_)
            | LogicalPlan::Unnest(_) => false,
            LogicalPlan::Extension(extension) => {
                let node = extension.node.as_any();
                let passes = node.is::<WriteNode>() || node.is::<ForgottenDependencies>();
                !passes && !extension.node.inputs().is_empty()
            }
            _ => true,
        })
    };
    plan.exists(holds).unwrap_or(true)
}

/// The index of a segment, and how it ended.
type Ended = (usize, Result<Finished, Failure>);

/// How urgent a ready segment is, and its index.
type Urgency = (bool, u64, std::cmp::Reverse<usize>);

fn urgency(segment: &SegmentPlan, index: usize) -> Urgency {
    (matches!(segment.kind, SegmentKind::Output(_)), segment.bottom_level, std::cmp::Reverse(index))
}

/// Which segments may run.
struct Queue {
    /// Ready segments, the most urgent last: outputs before views, since they let go of views and views take memory;
    /// then those that most others wait for.
    ready: BTreeSet<Urgency>,
    /// Waiting segments: how many views they still wait for.
    waiting: BTreeMap<usize, usize>,
    /// The segments that read a view.
    readers: BTreeMap<String, Vec<usize>>,
    /// How many of them have not ended.
    unfinished_readers: BTreeMap<String, usize>,
    /// How often each view was computed, and why it is shared.
    computed: BTreeMap<String, (usize, String)>,
    left: usize,
    /// How many of these wait for the outputs to be written.
    behind: usize,
    /// Whether the segment that started last is a large one.
    large_runs: bool,
}

impl Queue {
    fn new(dag: &PlanDag, kept: &[String]) -> Self {
        let mut queue = Self {
            ready: BTreeSet::new(),
            waiting: BTreeMap::new(),
            readers: BTreeMap::new(),
            unfinished_readers: BTreeMap::new(),
            computed: BTreeMap::new(),
            left: dag.segments.len(),
            behind: dag.segments.iter().filter(|segment| !segment.written.is_empty()).count(),
            large_runs: false,
        };
        for view in kept {
            queue.unfinished_readers.insert(view.clone(), 1);
        }
        for (index, segment) in dag.segments.iter().enumerate() {
            for view in &segment.reads {
                queue.readers.entry(view.clone()).or_default().push(index);
                *queue.unfinished_readers.entry(view.clone()).or_default() += 1;
            }
            let awaited = segment.reads.len() + usize::from(!segment.written.is_empty());
            if awaited == 0 {
                queue.ready.insert(urgency(segment, index));
            } else {
                queue.waiting.insert(index, awaited);
            }
        }
        queue
    }

    /// The outputs are written: what waits for them may run.
    fn open(&mut self, dag: &PlanDag) {
        self.behind = 0;
        for (index, segment) in dag.segments.iter().enumerate() {
            if !segment.written.is_empty() {
                self.awaited(dag, index);
            }
        }
    }

    /// The most urgent segment that may start now. A large one starts only when nothing else runs, and nothing starts
    /// beside it.
    fn next(&mut self, dag: &PlanDag, idle: bool) -> Option<usize> {
        let (_, _, std::cmp::Reverse(index)) = *self.ready.last()?;
        let large = dag.segments.get(index).is_some_and(runs_alone);
        if !idle && (large || self.large_runs) {
            return None;
        }
        self.large_runs = large;
        self.ready.pop_last().map(|(_, _, std::cmp::Reverse(index))| index)
    }

    fn is_done(&self) -> bool {
        self.left == self.behind
    }

    /// Books a segment that ended.
    ///
    /// # Errors
    /// When the run has to stop; without an error when it is being stopped already.
    fn ended(
        &mut self,
        dag: &PlanDag,
        (index, result): Ended,
        run: &Run,
        ran: &mut Ran,
    ) -> Result<(), Option<RunError>> {
        let title = || dag.segments.get(index).map(SegmentPlan::title).unwrap_or_default();
        match result {
            Ok(finished) => self.finished(dag, index, finished, run, ran).map_err(Some),
            Err(failure) => Err(failure.into_error(&title())),
        }
    }

    /// Books a segment that ended well: wakes its readers, releases the views it was the last to read.
    fn finished(
        &mut self,
        dag: &PlanDag,
        index: usize,
        finished: Finished,
        run: &Run,
        ran: &mut Ran,
    ) -> Result<(), RunError> {
        let Some(segment) = dag.segments.get(index) else { return Ok(()) };
        self.left = self.left.saturating_sub(1);
        run.observer.segment_finished(&finished.outcome);
        let partitions = finished.outcome.partitions;
        ran.segments.push(finished.outcome);
        match finished.rows {
            Rows::Written(files) => {
                ran.written.insert(segment.name.clone(), (files, partitions));
            }
            Rows::Checked(assertion) => ran.assertions.push(assertion),
            Rows::Stored(store) => {
                let reason = match &segment.kind {
                    SegmentKind::SharedView(reason) => reason.clone(),
                    SegmentKind::Output(_) | SegmentKind::Check(_) => String::new(),
                };
                self.computed.entry(segment.name.clone()).or_insert((0, reason)).0 += 1;
                if run.stores.insert(&segment.name, store).is_some() {
                    return Err(RunError::Internal {
                        segment: segment.title(),
                        message: "it was computed twice".to_owned(),
                    });
                }
                self.wake(dag, &segment.name);
            }
        }
        for view in &segment.reads {
            self.release(view, run, ran);
        }
        Ok(())
    }

    fn wake(&mut self, dag: &PlanDag, view: &str) {
        for reader in self.readers.get(view).cloned().into_iter().flatten() {
            self.awaited(dag, reader);
        }
    }

    /// Something is there that a segment has waited for.
    fn awaited(&mut self, dag: &PlanDag, reader: usize) {
        let Some(missing) = self.waiting.get_mut(&reader) else { return };
        *missing = missing.saturating_sub(1);
        if *missing == 0 {
            self.waiting.remove(&reader);
            self.ready.extend(dag.segments.get(reader).map(|segment| urgency(segment, reader)));
        }
    }

    fn release(&mut self, view: &str, run: &Run, ran: &mut Ran) {
        let Some(unfinished) = self.unfinished_readers.get_mut(view) else { return };
        *unfinished = unfinished.saturating_sub(1);
        if *unfinished > 0 {
            return;
        }
        if let Some(store) = run.stores.get(view) {
            let (computed, reason) = self.computed.get(view).cloned().unwrap_or_default();
            ran.shared_views.push(store.counters(&reason, computed));
            store.release();
        }
    }
}
