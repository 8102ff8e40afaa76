//! Running a DAG: segments in order of need, shared views once, outputs to files, then all commits.
//!
//! 1. Every output's table, as it was when the inputs were opened, is checked against what will be written, before
//!    anything is computed. What somebody else commits to it from then on is a conflict.
//! 2. Segments run as soon as the shared views they read are there, the most urgent first, several at a time.
//!    A shared view's rows go to its store and are dropped after its last reader; an output's rows go to data
//!    files that no table refers to yet.
//! 3. When everything is computed and written ([`Computed`]), all data files and all commits of all outputs are made durable; then
//!    the outputs are committed one after the other in order of their names, and nothing can stop that any more; then
//!    the commits are made durable. Only then are they reported.
//!
//! Whatever fails before the first commit, be it an error, a panic or a cancellation, stops all segments, deletes
//! the files and publishes nothing. From the first commit on a run cannot be stopped ([`Cancellation::publishing`]).
//! Delta has no commit over several tables, so a failure between two commits leaves the first published; the error
//! says which.
//!
//! A run whose segments make no progress for a while is ended too, with the operators it waits for; see `watchdog`.

mod cancellation;
mod outcome;
mod publish;
mod schedule;
mod segment;
mod watchdog;
mod writers;

pub use cancellation::{Cancellation, Publishing};
pub use outcome::{OperatorMetrics, OutputOutcome, RunOutcome, SegmentOutcome};
pub(crate) use writers::with_writers;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use delta::Disk;
use ir::op::Sink;

use crate::emit::PlanDag;
use crate::error::RunError;
use crate::session::Session;

/// Is told what a run is doing, from several threads at once. All methods do nothing unless overridden, and must
/// return quickly.
pub trait ExecutionObserver: Send + Sync {
    /// A segment (`view x` or `output x`) begins.
    fn segment_started(&self, _segment: &str) {}

    /// A segment has produced this many rows so far.
    fn segment_progress(&self, _segment: &str, _rows: u64) {}

    /// A segment is done; an output's files are written and not committed.
    fn segment_finished(&self, _outcome: &SegmentOutcome) {}

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
}

/// The default of [`RunOptions::no_progress_timeout`].
const NO_PROGRESS_TIMEOUT: Duration = Duration::from_secs(30);

impl RunOptions {
    /// Options without metadata, observer and way to stop it; 30 seconds without progress end the run.
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
        }
    }
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunOptions({:?}, {})", self.base_dir, self.run_id)
    }
}

/// A run whose outputs are in data files that no table refers to yet. Dropping it deletes the files in the background.
pub struct Computed {
    sinks: BTreeMap<String, Sink>,
    targets: publish::Targets,
    ran: schedule::Ran,
    prepare: Duration,
    compute: Duration,
}

impl fmt::Debug for Computed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Computed").field(&self.ran.written).finish()
    }
}

impl Computed {
    /// Publishes the outputs. Once this has begun nothing stops it.
    ///
    /// # Errors
    /// [`RunError::Cancelled`] when the run has been stopped before; [`RunError::Commit`] says what was published before
    /// the commit that failed.
    pub async fn commit(self, options: &RunOptions) -> Result<RunOutcome, RunError> {
        let Self { sinks, targets, ran, prepare, compute } = self;
        let started = Instant::now();
        let outputs = publish::commit(&sinks, targets, ran.written, options).await?;
        let commit = started.elapsed();
        let schedule::Ran { shared_views, segments, .. } = ran;
        Ok(RunOutcome { outputs, shared_views, segments, prepare, compute, commit })
    }

    /// Deletes the files, and waits until they are gone.
    pub async fn discard(self) {
        publish::discard(self.ran.written).await;
    }
}

/// Runs a DAG up to its commits: the files of all outputs are written, and nobody can see them.
///
/// Dropping the future stops the run and deletes its files in the background; to wait until they are gone, use
/// [`RunOptions::cancellation`] instead.
///
/// # Errors
/// The first failure, see [`RunError`]. No file is left.
pub async fn compute(session: &Session, dag: &PlanDag, options: &RunOptions) -> Result<Computed, RunError> {
    let started = Instant::now();
    let targets = publish::prepare(dag, options)?;
    let prepare = started.elapsed();
    let ran = schedule::run_segments(session, dag, &targets, options).await?;
    let compute = started.elapsed().saturating_sub(prepare);
    let sinks = publish::outputs(dag).map(|(segment, sink)| (segment.name.clone(), sink.clone())).collect();
    Ok(Computed { sinks, targets, ran, prepare, compute })
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
