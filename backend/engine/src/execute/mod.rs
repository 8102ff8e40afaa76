//! Running a DAG: segments in order of need, shared views once, outputs to files, then all commits.
//!
//! 1. Every output's table is opened and checked against what will be written, before anything is computed.
//! 2. Segments run as soon as the shared views they read are there, the most urgent first, several at a time.
//!    A shared view's rows go to its store and are dropped after its last reader; an output's rows go to data
//!    files that no table refers to yet.
//! 3. When everything is computed and written, outputs are committed one after the other in order of their names.
//!
//! Whatever fails before the first commit, be it an error, a panic or a cancellation, stops all segments, deletes
//! the files and publishes nothing. Delta has no commit over several tables, so a failure between two commits
//! leaves the first published; the error says which.
//!
//! A run whose segments make no progress for a while is ended too, with the operators it waits for; see `watchdog`.

mod cancellation;
mod outcome;
mod publish;
mod schedule;
mod segment;
mod watchdog;
mod writers;

pub use cancellation::Cancellation;
pub use outcome::{OperatorMetrics, OutputOutcome, RunOutcome, SegmentOutcome};

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    /// Whether an overwrite may give a table other columns than it has.
    pub allow_schema_change: bool,
    /// Is told what happens.
    pub observer: Arc<dyn ExecutionObserver>,
    /// Stops the run from outside.
    pub cancellation: Cancellation,
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
            allow_schema_change: false,
            observer: Arc::new(()),
            cancellation: Cancellation::new(),
            no_progress_timeout: Some(NO_PROGRESS_TIMEOUT),
        }
    }
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunOptions({:?}, {})", self.base_dir, self.run_id)
    }
}

/// Runs a DAG and publishes its outputs.
///
/// Dropping the future stops the run and deletes its files in the background; to wait until they are gone, use
/// [`RunOptions::cancellation`] instead.
///
/// # Errors
/// The first failure, see [`RunError`]. Except for [`RunError::Commit`] and [`RunError::Cancelled`], which say
/// what was published before them, nothing is published.
pub async fn execute(session: &Session, dag: &PlanDag, options: &RunOptions) -> Result<RunOutcome, RunError> {
    let started = Instant::now();
    let targets = publish::prepare(dag, options).await?;
    let prepared = started.elapsed();
    let ran = schedule::run_segments(session, dag, &targets, options).await?;
    let computed = started.elapsed();
    let outputs = publish::commit(dag, targets, ran.written, options).await?;
    Ok(RunOutcome {
        outputs,
        shared_views: ran.shared_views,
        segments: ran.segments,
        prepare: prepared,
        compute: computed.saturating_sub(prepared),
        commit: started.elapsed().saturating_sub(computed),
    })
}
