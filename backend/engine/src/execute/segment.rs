//! One segment: plan it, run all its partitions, put the rows where they belong.

mod failing;

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, SendableRecordBatchStream};
use delta::{DeltaError, TableTarget, TableWriter, WrittenFiles};
use futures::{FutureExt, StreamExt};
use ir::hash::ContentHash;
use tokio::task::JoinSet;

use super::AssertionOutcome;
use super::run::Run;
use super::writers::Writers;
use super::{OperatorMetrics, SegmentOutcome};
use crate::dag::{SegmentKind, SegmentPlan};
use crate::error::{RunError, is_out_of_space, was_stopped};
use crate::operators::{RowWidths, SharedStore};
use crate::planning::{Planned, Sharing, with_writers};
use crate::stop::Cancellation;
use failing::failing_rows;

/// A segment that ended well.
pub(super) struct Finished {
    pub(super) outcome: SegmentOutcome,
    pub(super) rows: Rows,
}

/// Where the rows of a segment went.
pub(super) enum Rows {
    Stored(Arc<SharedStore>),
    Written(Vec<WrittenFiles>),
    Checked(AssertionOutcome),
}

/// Why a segment did not end well.
pub(super) enum Failure {
    /// Somebody else failed first, or the run was stopped.
    Stopped,
    Panicked(String),
    Plan(DataFusionError),
    Engine(DataFusionError),
    Write(String, DeltaError),
    Internal(&'static str),
}

impl Failure {
    pub(super) fn planning(error: DataFusionError) -> Self {
        if was_stopped(&error) { Self::Stopped } else { Self::Plan(error) }
    }

    /// The error of the run, unless it is another segment's.
    pub(super) fn into_error(self, title: &str) -> Option<RunError> {
        let segment = title.to_owned();
        match self {
            Self::Stopped => None,
            Self::Panicked(message) => Some(RunError::Panicked { segment, message }),
            Self::Plan(source) => Some(RunError::Plan { segment, source: Box::new(source) }),
            Self::Engine(source) => Some(RunError::execution(title, source)),
            // What a writer sorts may need more than there is, as in an operator.
            Self::Write(_, DeltaError::Engine { source, .. }) if is_out_of_space(&source) => {
                Some(RunError::execution(title, *source))
            }
            Self::Write(output, source) => Some(RunError::Write { output, source: Box::new(source) }),
            Self::Internal(message) => Some(RunError::Internal { segment, message: message.to_owned() }),
        }
    }
}

/// Runs a segment; `target` is the table of an output. When its rows turn out to be wider than it was planned for, it
/// begins again: nothing of it has been seen.
pub(super) async fn run_segment(
    run: Arc<Run>,
    segment: SegmentPlan,
    digest: ContentHash,
    target: Option<TableTarget>,
) -> Result<Finished, Failure> {
    run.observer.segment_started(&segment.title());
    let mut row_bytes = 0;
    loop {
        let progress = Arc::new(Progress::new(&segment.title(), &run));
        let planned = progress.caught(run.planner.segment(&segment, row_bytes)).await?;
        let planned = planned.map_err(Failure::planning)?;
        let widths = Arc::clone(&planned.widths);
        let ended = run_planned(&progress, &segment, digest, planned, target.clone()).await;
        match widths.too_wide() {
            Some(wider) if ended.is_err() && !run.stop.is_cancelled() => row_bytes = wider.max(row_bytes),
            _ => return ended,
        }
    }
}

/// Runs a segment as it was planned.
async fn run_planned(
    progress: &Arc<Progress>,
    segment: &SegmentPlan,
    digest: ContentHash,
    planned: Planned,
    target: Option<TableTarget>,
) -> Result<Finished, Failure> {
    let (run, began) = (&progress.run, progress.began);
    let Planned { operators, context, widths, watch } = planned;
    let (plan, sharing) = match &segment.kind {
        SegmentKind::Output(sink) => {
            let cores = context.session_config().target_partitions();
            with_writers(operators, sink, segment.rows, cores, Some(&widths)).map_err(Failure::Plan)?
        }
        SegmentKind::SharedView(_) | SegmentKind::Check(_) => (operators, Sharing::Own),
    };
    if let Some(watch) = watch {
        watch.physical(segment, &plan, &context.session_config().options().explain);
    }
    let planned = began.elapsed();
    run.running.planned(&progress.title, &plan);
    let plan = Runnable { plan, context, widths };
    let rows = match (&segment.kind, target) {
        (SegmentKind::SharedView(_), _) => {
            let runtime = plan.context.runtime_env();
            // Readers were planned with the plan's own schema; the view's lacks the metadata of its fields.
            let schema = Arc::clone(segment.logical.schema().inner());
            let store = run.stores.create(&segment.name, schema, plan.plan.as_ref(), &runtime);
            let store = store.map_err(Failure::Engine)?;
            store_rows(progress, &plan, &store).await?;
            Rows::Stored(store)
        }
        (SegmentKind::Output(_), Some(target)) => {
            let writers = Writers::new(target, sharing, &plan.context.runtime_env(), &segment.name);
            Rows::Written(write_rows(progress, &plan, &segment.name, writers).await?)
        }
        (SegmentKind::Check(assertion), _) => {
            let shown = failing_rows(progress, &plan).await?;
            let (check, assertion) = (segment.name.clone(), assertion.clone());
            let failures = progress.rows.load(Ordering::Relaxed);
            Rows::Checked(AssertionOutcome { check, assertion, failures, shown, time: began.elapsed() })
        }
        (SegmentKind::Output(_), None) => return Err(Failure::Internal("its table was not prepared")),
    };
    let written = if let Rows::Written(files) = &rows { Some(files.as_slice()) } else { None };
    let outcome = SegmentOutcome {
        segment: progress.title.clone(),
        name: segment.name.clone(),
        output: matches!(segment.kind, SegmentKind::Output(_)).then(|| segment.name.clone()),
        digest,
        level: segment.level,
        rows: progress.rows.load(Ordering::Relaxed),
        partitions: plan.partitions(),
        started: began.saturating_duration_since(run.begin),
        plan: planned,
        run: began.elapsed().saturating_sub(planned),
        operators: OperatorMetrics::of(&plan.plan, written),
    };
    Ok(Finished { outcome, rows })
}

/// The operators of a segment, and what they run with.
#[derive(Clone)]
struct Runnable {
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    widths: Arc<RowWidths>,
}

impl Runnable {
    fn partitions(&self) -> usize {
        self.plan.output_partitioning().partition_count()
    }

    async fn opened(
        &self,
        progress: &Progress,
        partition: usize,
    ) -> Result<SendableRecordBatchStream, Failure> {
        let context = Arc::clone(&self.context);
        progress.caught(async { self.plan.execute(partition, context) }).await?.map_err(Failure::Engine)
    }
}

/// A segment that is planned and run, perhaps not for the first time.
struct Progress {
    title: String,
    began: Instant,
    /// Counted while it runs.
    rows: Arc<AtomicU64>,
    run: Arc<Run>,
    /// Stops this segment alone.
    stop: Cancellation,
}

impl Progress {
    fn new(title: &str, run: &Arc<Run>) -> Self {
        let rows = Arc::new(AtomicU64::new(0));
        run.running.begin(title, &rows);
        let stop = Cancellation::new();
        Self { title: title.to_owned(), began: Instant::now(), rows, run: Arc::clone(run), stop }
    }

    /// The result of the future, unless the run or the segment stops first or the future panics.
    async fn caught<T>(&self, future: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.run.stop.cancelled() => Err(Failure::Stopped),
            () = self.stop.cancelled() => Err(Failure::Stopped),
            result = AssertUnwindSafe(future).catch_unwind() => {
                result.map_err(|payload| Failure::Panicked(panic_text(payload.as_ref())))
            }
        }
    }

    /// Ends the segment after a failure; all others too, unless this one is planned again.
    fn failed(&self, plan: &Runnable) {
        self.stop.cancel();
        if plan.widths.too_wide().is_none() {
            self.run.stop.cancel();
        }
    }

    fn add(&self, batch: &RecordBatch) {
        let new = u64::try_from(batch.num_rows()).unwrap_or(0);
        let rows = self.rows.fetch_add(new, Ordering::Relaxed) + new;
        self.run.observer.segment_progress(&self.title, rows);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.run.running.end(&self.title);
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}

async fn store_rows(
    progress: &Arc<Progress>,
    plan: &Runnable,
    store: &Arc<SharedStore>,
) -> Result<(), Failure> {
    let mut tasks = JoinSet::new();
    for partition in 0..plan.partitions() {
        let (progress, plan, store) = (Arc::clone(progress), plan.clone(), Arc::clone(store));
        tasks.spawn(async move {
            let mut stream = plan.opened(&progress, partition).await?;
            while let Some(batch) = next(&progress, &mut stream).await? {
                store.push(partition, &batch).map_err(Failure::Engine)?;
            }
            store.seal(partition).map_err(Failure::Engine)
        });
    }
    let (_, failure) = all::<()>(progress, plan, tasks).await;
    failure.map_or(Ok(()), Err)
}

async fn write_rows(
    progress: &Arc<Progress>,
    plan: &Runnable,
    table: &str,
    writers: Writers,
) -> Result<Vec<WrittenFiles>, Failure> {
    let mut tasks = JoinSet::new();
    let writers = Arc::new(writers);
    for partition in 0..plan.partitions() {
        let (progress, plan, writers) = (Arc::clone(progress), plan.clone(), Arc::clone(&writers));
        let table = table.to_owned();
        tasks.spawn(async move {
            let mut own: Option<TableWriter> = None;
            let failed = match write_partition(&progress, &plan, partition, &writers, &mut own).await {
                Ok(()) => match own {
                    Some(own) => {
                        return own.close().await.map(Some).map_err(|source| Failure::Write(table, source));
                    }
                    None => return Ok(None),
                },
                Err(failed) => failed,
            };
            // A writer that failed by itself has cleaned up by itself.
            match failed {
                Interrupted::Before(failure) => {
                    if let Some(own) = own {
                        own.abort().await;
                    }
                    Err(failure)
                }
                Interrupted::Writing(source) => Err(Failure::Write(table, source)),
            }
        });
    }
    let (files, mut failure) = all(progress, plan, tasks).await;
    let mut files: Vec<WrittenFiles> = files.into_iter().flatten().collect();
    match Arc::into_inner(writers) {
        Some(writers) if failure.is_some() => writers.abort().await,
        Some(writers) => match writers.close().await {
            Ok(shared) => files.extend(shared),
            Err(source) => failure = Some(Failure::Write(table.to_owned(), source)),
        },
        None => failure = failure.or(Some(Failure::Internal("a writer outlived its tasks"))),
    }
    let Some(failure) = failure else { return Ok(files) };
    for files in files {
        files.discard().await;
    }
    Err(failure)
}

/// What interrupted the writing of a partition: what comes before the writer, or the writer.
enum Interrupted {
    Before(Failure),
    Writing(DeltaError),
}

/// Sends all batches of a partition to a writer. Encoding happens in the writer's own task.
async fn write_partition(
    progress: &Progress,
    plan: &Runnable,
    partition: usize,
    writers: &Writers,
    own: &mut Option<TableWriter>,
) -> Result<(), Interrupted> {
    let mut stream = plan.opened(progress, partition).await.map_err(Interrupted::Before)?;
    while let Some(batch) = next(progress, &mut stream).await.map_err(Interrupted::Before)? {
        if batch.num_rows() == 0 {
            continue;
        }
        writers.write(own, batch).await.map_err(Interrupted::Writing)?;
    }
    Ok(())
}

/// The next batch, counted.
async fn next(
    progress: &Progress,
    stream: &mut SendableRecordBatchStream,
) -> Result<Option<RecordBatch>, Failure> {
    match progress.caught(stream.next()).await? {
        Some(Ok(batch)) => {
            progress.add(&batch);
            Ok(Some(batch))
        }
        Some(Err(error)) => Err(Failure::Engine(error)),
        None => Ok(None),
    }
}

/// Waits for all tasks; after the first failure the others are stopped and end on their own, with their files deleted. Gives the results of the tasks that ended well, and the failure if there was one.
async fn all<T: Send + 'static>(
    progress: &Progress,
    plan: &Runnable,
    mut tasks: JoinSet<Result<T, Failure>>,
) -> (Vec<T>, Option<Failure>) {
    let mut results = Vec::new();
    let mut failure: Option<Failure> = None;
    while let Some(joined) = tasks.join_next().await {
        let failed = match joined {
            Ok(Ok(result)) => {
                results.push(result);
                continue;
            }
            Ok(Err(failed)) => failed,
            Err(error) => match error.try_into_panic() {
                Ok(payload) => Failure::Panicked(panic_text(payload.as_ref())),
                Err(_) => Failure::Stopped,
            },
        };
        progress.failed(plan);
        // A task that was only stopped must not hide why.
        if failure.as_ref().is_none_or(|failure| matches!(failure, Failure::Stopped)) {
            failure = Some(failed);
        }
    }
    (results, failure)
}
