//! Running a DAG: segments in order of need, shared views once, outputs to files, then all commits.
//!
//! 1. Every output's table, as it was when the inputs were opened, is checked against what will be written, before
//!    anything is computed. What somebody else commits to it from then on is a conflict.
//! 2. Segments run as soon as the shared views they read are there, the most urgent first, several at a time.
//!    A shared view's rows go to its store and are dropped after its last reader; an output's rows go to data
//!    files that no table refers to yet.
//! 3. When everything is written, the outputs are checked as they would be: tables of a code property graph (`checks`), and
//!    what the spec asserts, by segments that read the tables. What it asserts of views is among the segments before.
//! 4. When everything is computed and checked ([`Computed`]), all data files and all commits of all outputs are made
//!    durable; then the outputs are committed one after the other in order of their names, and nothing can stop that any
//!    more; then the commits are made durable. Only then are they reported.
//!
//! Whatever fails before the first commit, be it an error, a panic or a cancellation, stops all segments, deletes
//! the files and publishes nothing. From the first commit on a run cannot be stopped ([`Cancellation::publishing`]).
//! Delta has no commit over several tables, so a failure between two commits leaves the first published; the error
//! says which.
//!
//! A run whose segments make no progress for a while is ended too, with the operators it waits for; see `watchdog`.

mod checks;
mod outcome;
mod publish;
mod returned;
mod run;
mod schedule;
mod segment;
mod watchdog;
mod writers;

pub use checks::GraphCheck;
pub use outcome::{
    AssertionOutcome, FailingRows, OperatorKind, OperatorMetrics, OutputOutcome, RunOutcome, SegmentOutcome,
};
pub use returned::{RanOperators, ReturnedRows, returned_rows};

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use delta::{Committed, Disk, RowsDigest, StagedTable};
use ir::op::Sink;
use ir::stage::Stage;

use crate::capture::RunCapture;
use crate::dag::PlanDag;
use crate::error::{RunError, Violation};
use crate::session::Session;
use crate::stop::Cancellation;
use schedule::{Execution, Ran};

/// Is told what a run is doing, from several threads at once. All methods do nothing unless overridden, and must
/// return quickly.
pub trait ExecutionObserver: Send + Sync {
    /// A segment (`view x` or `output x`) begins.
    fn segment_started(&self, _segment: &str) {}

    /// A segment has produced this many rows so far.
    fn segment_progress(&self, _segment: &str, _rows: u64) {}

    /// A segment is done; an output's files are written and not committed.
    fn segment_finished(&self, _outcome: &SegmentOutcome) {}

    /// A stage of the run begins: opening outputs, executing, checking.
    fn stage_started(&self, _stage: Stage) {}

    /// A stage of the run has ended after this time, whatever came of it.
    fn stage_finished(&self, _stage: Stage, _took: Duration) {}

    /// An output is published.
    fn output_committed(&self, _outcome: &OutputOutcome) {}
}

/// Watches nothing.
impl ExecutionObserver for () {}

/// How a DAG is run.
#[derive(Clone)]
pub struct RunOptions {
    /// The folder relative locations of outputs count from; absolute.
    pub base_dir: PathBuf,
    /// The id of the run; committed with every output as `codeanatomy.run_id`.
    pub run_id: String,
    /// Key-value pairs committed with every output. Pairs of the output itself are added to them.
    pub metadata: BTreeMap<String, String>,
    /// Is told what happens.
    pub observer: Arc<dyn ExecutionObserver>,
    /// Stops the run from outside.
    pub cancellation: Cancellation,
    /// What outputs are written to.
    pub disk: Disk,
    /// How long segments may make no progress at all before the run is ended as hung; for ever if absent.
    pub no_progress_timeout: Option<Duration>,
    /// Is shown how segments are planned. Without it, nothing is made to be shown.
    pub capture: Option<Arc<RunCapture>>,
}

/// The default of [`RunOptions::no_progress_timeout`].
const NO_PROGRESS_TIMEOUT: Duration = Duration::from_secs(30);

impl RunOptions {
    /// Options without metadata, observer, capture and way to stop it; 30 seconds without progress end the run.
    #[must_use]
    pub fn new(base_dir: impl Into<PathBuf>, run_id: impl Into<String>) -> Self {
        Self {
            base_dir: base_dir.into(),
            run_id: run_id.into(),
            metadata: BTreeMap::new(),
            observer: Arc::new(()),
            cancellation: Cancellation::new(),
            disk: Disk::default(),
            no_progress_timeout: Some(NO_PROGRESS_TIMEOUT),
            capture: None,
        }
    }
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunOptions({:?}, {})", self.base_dir, self.run_id)
    }
}

/// A run whose outputs are complete, checked, and seen by nobody. Dropping it deletes the files in the background.
pub struct Computed {
    sinks: BTreeMap<String, Sink>,
    staged: publish::Staged,
    outcome: RunOutcome,
}

impl fmt::Debug for Computed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Computed").field(&self.staged).finish()
    }
}

impl Computed {
    /// Publishes the outputs. Once this has begun nothing stops it.
    ///
    /// # Errors
    /// [`RunError::Cancelled`] when the run has been stopped before; [`RunError::Commit`] says what was published before
    /// the commit that failed.
    pub async fn commit(self, options: &RunOptions) -> Result<RunOutcome, RunError> {
        self.commit_after(Vec::new(), options).await.map(|(_, outcome)| outcome)
    }

    /// Publishes other tables together with the outputs, and before them: those that the outputs were computed from. Each
    /// comes with the name it has in messages. Gives what the commits of these tables did, in their order.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub async fn commit_after(
        self,
        before: Vec<(String, StagedTable)>,
        options: &RunOptions,
    ) -> Result<(Vec<Committed>, RunOutcome), RunError> {
        let Self { sinks, staged, mut outcome } = self;
        let started = Instant::now();
        let (first, outputs) = publish::commit(&sinks, before, staged, options).await?;
        outcome.outputs = outputs;
        outcome.commit = started.elapsed();
        Ok((first, outcome))
    }

    /// The digests of the rows of the outputs, by the names of their tables.
    #[must_use]
    pub fn digests(&self) -> Vec<(String, RowsDigest)> {
        self.staged.iter().map(|(name, (table, _))| (name.clone(), table.digest())).collect()
    }

    /// Deletes the files, and waits until they are gone.
    pub async fn discard(self) {
        publish::discard_staged(self.staged).await;
    }
}

/// A stage that is timed and told of.
struct StageTimer<'a> {
    stage: Stage,
    started: Instant,
    observer: &'a dyn ExecutionObserver,
}

impl<'a> StageTimer<'a> {
    fn start(stage: Stage, observer: &'a dyn ExecutionObserver) -> Self {
        observer.stage_started(stage);
        Self { stage, started: Instant::now(), observer }
    }

    fn stop(self) -> Duration {
        let took = self.started.elapsed();
        self.observer.stage_finished(self.stage, took);
        took
    }
}

/// Runs a DAG up to its commits: the files of all outputs are written, the tables of a code property graph and the
/// assertions of the spec are checked, and nobody can see them.
///
/// Dropping the future stops the run and deletes its files in the background; to wait until they are gone, use
/// [`RunOptions::cancellation`] instead.
///
/// # Errors
/// The first failure, see [`RunError`]. No file is left.
pub async fn compute(session: &Session, dag: &PlanDag, options: &RunOptions) -> Result<Computed, RunError> {
    let observer = options.observer.as_ref();
    let opening = StageTimer::start(Stage::OpenOutputs, observer);
    let targets = publish::prepare(dag, options);
    let (prepare, targets) = (opening.stop(), targets?);
    let executing = StageTimer::start(Stage::Execute, observer);
    let run = Arc::new(run::Run::new(session, dag, options));
    let mut execution = Execution::new(session, dag, run, &[], options);
    let ran = execution.compute(&targets).await;
    let compute = executing.stop();
    ran?;
    let written = std::mem::take(&mut execution.ran.written);
    let sinks: BTreeMap<String, Sink> =
        publish::outputs(dag).map(|(segment, sink)| (segment.name.clone(), sink.clone())).collect();
    let mut staged = publish::stage(&sinks, targets, written, options).await?;
    let checking = Instant::now();
    let checks = match check(session, &mut execution, &mut staged, &sinks, options).await {
        Ok(checks) => checks,
        Err(error) => {
            publish::discard_staged(staged).await;
            return Err(error);
        }
    };
    let (outputs, check, commit) = (Vec::new(), checking.elapsed(), Duration::ZERO);
    let (memory, spills) = (session.memory_use(), session.spill_use());
    let Ran { shared_views, segments, assertions, .. } = execution.ran;
    let outcome = RunOutcome {
        outputs,
        checks,
        assertions,
        shared_views,
        memory,
        spills,
        segments,
        prepare,
        compute,
        check,
        commit,
    };
    Ok(Computed { sinks, staged, outcome })
}

/// Checks the outputs as they will be: the rules of a code property graph, of which it gives those that hold, and the
/// assertions of the spec.
///
/// # Errors
/// [`RunError::Unsound`] with everything that does not hold, and whatever keeps it from being checked.
async fn check(
    session: &Session,
    execution: &mut Execution<'_>,
    staged: &mut publish::Staged,
    sinks: &BTreeMap<String, Sink>,
    options: &RunOptions,
) -> Result<Vec<GraphCheck>, RunError> {
    let previews = checks::previews(staged, sinks, &execution.wants_written()).await?;
    let timer = (!previews.is_empty()).then(|| StageTimer::start(Stage::Check, options.observer.as_ref()));
    let checked = all_checks(session, execution, previews, sinks, options).await;
    timer.map(StageTimer::stop);
    let (held, violations) = checked?;
    let assertions = &mut execution.ran.assertions;
    assertions.sort_by(|one, other| one.check.cmp(&other.check));
    if violations.is_empty() && !assertions.iter().any(AssertionOutcome::is_error) {
        return Ok(held);
    }
    Err(RunError::Unsound { violations, assertions: std::mem::take(assertions) })
}

/// Asks whether everything holds: what of a graph does, and what does not. Assertions have their answers in the execution.
async fn all_checks(
    session: &Session,
    execution: &mut Execution<'_>,
    previews: checks::Previews,
    sinks: &BTreeMap<String, Sink>,
    options: &RunOptions,
) -> Result<(Vec<GraphCheck>, Vec<Violation>), RunError> {
    let asked = checks::check(session, &previews, sinks, options).await?;
    execution.check(previews.into_iter().map(|(name, (table, _))| (name, table)).collect()).await?;
    Ok(asked)
}

/// Runs a DAG and publishes its outputs: [`compute`], then [`Computed::commit`].
///
/// Dropping the future stops the run and deletes its files in the background; to wait until they are gone, use
/// [`RunOptions::cancellation`] instead.
///
/// # Errors
/// The first failure, see [`RunError`]. Except for [`RunError::Commit`], which says what was published before it, nothing
/// is published.
pub async fn execute(session: &Session, dag: &PlanDag, options: &RunOptions) -> Result<RunOutcome, RunError> {
    compute(session, dag, options).await?.commit(options).await
}
