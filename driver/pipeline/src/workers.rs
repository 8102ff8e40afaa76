//! The threads that work, what they may use, and the switch that stops them.

use std::future::Future;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use delta::Roots;
use engine::{Cancellation, PlanningSurfaceSpec, Session, SessionOptions};
use ir::spec::{RuntimeProfileSpec, SessionSpec};
use tokio::runtime::Runtime;
use tokio::task::JoinError;

use crate::folders::with_folder;
use crate::{PipelineError, Result, Waiting};

/// The stack of the thread that compiles. Expressions and queries nest as deep as their authors like.
const STACK_BYTES: usize = 64 * 1024 * 1024;
/// How long threads get to end what they are doing when their workers are dropped.
const SHUTDOWN: Duration = Duration::from_secs(5);
/// The default of [`WorkerOptions::lock_timeout`].
const LOCK_TIMEOUT: Duration = Duration::from_secs(600);
/// The default of [`WorkerOptions::no_progress_timeout`].
const NO_PROGRESS_TIMEOUT: Duration = Duration::from_secs(30);

/// What work may use of its machine.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Threads, memory and temporary files.
    pub session: SessionOptions,
    /// What the program adds to every session: functions, planners. It is part of what identifies a result.
    pub extensions: PlanningSurfaceSpec,
    /// What specs may read and write besides their own folders; nothing by default. It is in no hash: where a table lies
    /// decides no row.
    pub roots: Roots,
    /// How long a run may stand still before it is ended as hung; for ever if absent.
    pub no_progress_timeout: Option<Duration>,
    /// How long to wait for tables that somebody else publishes to.
    pub lock_timeout: Duration,
}

impl Default for WorkerOptions {
    /// As much as the machine has to give, no additions, and no folder but that of each spec; 30 seconds without progress end a run; 10 minutes are waited for others.
    fn default() -> Self {
        Self {
            session: SessionOptions::for_this_machine(),
            extensions: PlanningSurfaceSpec::default(),
            roots: Roots::default(),
            no_progress_timeout: Some(NO_PROGRESS_TIMEOUT),
            lock_timeout: LOCK_TIMEOUT,
        }
    }
}

/// The threads of the pipeline, started when first needed.
#[derive(Debug)]
pub struct Workers {
    options: WorkerOptions,
    cancellation: Cancellation,
    runtime: OnceLock<Runtime>,
}

impl Workers {
    /// Nothing is started yet. Throwing `cancellation` stops whatever these workers do.
    #[must_use]
    pub fn new(options: WorkerOptions, cancellation: Cancellation) -> Self {
        Self { options, cancellation, runtime: OnceLock::new() }
    }

    /// What they may use.
    #[must_use]
    pub fn options(&self) -> &WorkerOptions {
        &self.options
    }

    /// The switch that stops them.
    #[must_use]
    pub fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }

    /// How they wait for tables that somebody else publishes to.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        Waiting { timeout: self.options.lock_timeout, cancellation: self.cancellation.clone() }
    }

    /// What a spec in `folder`, which is absolute, may read and write.
    ///
    /// # Errors
    /// When the folder leads nowhere: links in a circle.
    pub fn roots_of(&self, folder: &Path) -> Result<Roots> {
        with_folder(&self.options.roots, folder)
    }

    /// A session with these resources and additions, whose planning stops with the workers.
    ///
    /// # Errors
    /// When the folder for temporary files cannot be used.
    pub fn session(&self) -> Result<Session> {
        self.session_of(None, &SessionSpec::default())
    }

    /// As [`Self::session`], for a spec that says this of its session.
    ///
    /// # Errors
    /// When a setting cannot be set, or the folder for temporary files cannot be used.
    pub fn session_of(&self, profile: Option<&RuntimeProfileSpec>, session: &SessionSpec) -> Result<Session> {
        let options = self.options.session.clone().with_spec(profile, session);
        let options = options.map_err(PipelineError::Settings)?;
        let session = Session::with_surface(options, &self.options.extensions);
        let session = session.map_err(|error| PipelineError::engine(error, "session"))?;
        Ok(session.stopped_by(&self.cancellation))
    }

    /// The runtime the engine is called in.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn runtime(&self) -> Result<&Runtime> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime =
            engine::runtime(self.options.session.target_partitions).map_err(PipelineError::Threads)?;
        Ok(self.runtime.get_or_init(|| runtime))
    }

    /// Runs a future on a thread of the runtime, whose stack is deep enough for deep plans. Must not be called on
    /// such a thread.
    ///
    /// # Errors
    /// When the system gives no threads, or the runtime is being shut down.
    pub fn run<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let runtime = self.runtime()?;
        unwound(runtime.block_on(runtime.spawn(future)))
    }

    /// As [`Self::run`], for what may be left half done: when the workers are stopped, the future is dropped as soon as
    /// it waits for something, and this returns at once.
    pub(crate) fn run_unless_stopped<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.must_go_on()?;
        let runtime = self.runtime()?;
        let task = runtime.spawn(future);
        let stop = task.abort_handle();
        let ended = runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.cancellation.cancelled() => None,
                ended = task => Some(ended),
            }
        });
        match ended {
            Some(ended) => unwound(ended),
            None => {
                stop.abort();
                Err(PipelineError::interrupted())
            }
        }
    }

    /// Fails when the workers have been stopped.
    pub(crate) fn must_go_on(&self) -> Result<()> {
        if self.cancellation.is_cancelled() { Err(PipelineError::interrupted()) } else { Ok(()) }
    }
}

/// What a task gave; its panic goes on in the caller.
fn unwound<T>(ended: Result<T, JoinError>) -> Result<T> {
    ended.or_else(|error| match error.try_into_panic() {
        Ok(payload) => std::panic::resume_unwind(payload),
        Err(_) => Err(PipelineError::interrupted()),
    })
}

impl Drop for Workers {
    fn drop(&mut self) {
        // A run that was ended as hung may have left a thread that is blocked for ever.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(SHUTDOWN);
        }
    }
}

/// Runs `work` on a thread with a deep stack. A panic goes on in the caller.
///
/// # Errors
/// When the system gives no thread.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    let builder = std::thread::Builder::new().name("compiler".to_owned()).stack_size(STACK_BYTES);
    std::thread::scope(|scope| match builder.spawn_scoped(scope, work) {
        Ok(thread) => thread.join().map_or_else(|payload| std::panic::resume_unwind(payload), Ok),
        Err(error) => Err(PipelineError::Threads(error)),
    })
}
