//! The commands, one file each, and what they have in common.
//!
//! | folder | commands |
//! |---|---|
//! | data | those that make or read tables: build, extract, run, sql |
//! | stages | those that look into the compiler: check, compile, pass, trace, verify |
//! | reference | those that print what the program knows by itself: completions, explain, passes, schema |

mod data;
mod reference;
mod stages;

use std::cell::OnceCell;
use std::future::Future;
use std::io::Read;
use std::time::Duration;

use engine::{Cancellation, Session, SessionOptions};
use tokio::runtime::Runtime;

use crate::cli::{Command, Format, Globals};
use crate::failure::{Failure, exit};
use crate::terminal::Console;

/// What every command has at hand.
pub(crate) struct Context<'a> {
    /// The streams results and messages go to.
    pub(crate) console: Console<'a>,
    /// Where `-` reads from.
    pub(crate) stdin: &'a mut dyn Read,
    /// Threads and sessions.
    pub(crate) workers: Workers,
}

impl<'a> Context<'a> {
    /// A context in which nothing has been started.
    pub(crate) fn new(globals: Globals, console: Console<'a>, stdin: &'a mut dyn Read) -> Self {
        Self { console, stdin, workers: Workers::new(globals) }
    }
}

/// The threads of the program, started when first needed: most commands need none.
pub(crate) struct Workers {
    globals: Globals,
    started: OnceCell<(Runtime, Cancellation)>,
}

impl Workers {
    /// Nothing is started yet.
    pub(crate) fn new(globals: Globals) -> Self {
        Self { globals, started: OnceCell::new() }
    }

    /// The resources the command line allows.
    pub(crate) fn options(&self) -> SessionOptions {
        let mut options = SessionOptions::for_this_machine();
        if let Some(threads) = self.globals.threads {
            options.target_partitions = threads.get();
        }
        if let Some(bytes) = self.globals.memory_limit {
            options.memory_limit_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        options.spill_directory.clone_from(&self.globals.spill_dir);
        options
    }

    /// How long a run may stand still.
    pub(crate) fn no_progress_timeout(&self) -> Option<Duration> {
        let seconds = self.globals.no_progress_timeout;
        (seconds > 0).then(|| Duration::from_secs(seconds.into()))
    }

    /// Whether the graph is verified after every pass.
    pub(crate) fn verify_passes(&self) -> bool {
        self.verify_on_request() || cfg!(debug_assertions)
    }

    /// Whether the command line asks for it.
    pub(crate) fn verify_on_request(&self) -> bool {
        self.globals.verify_passes
    }

    /// A session with these resources.
    pub(crate) fn session(&self) -> Result<Session, Failure> {
        Session::new(self.options()).map_err(|error| Failure::engine(&error, "session"))
    }

    /// The runtime, and the switch that Ctrl-C throws from then on.
    pub(crate) fn started(&self) -> Result<(&Runtime, &Cancellation), Failure> {
        if self.started.get().is_none() {
            let failed = |error| Failure::User(format!("cannot start threads: {error}"));
            let runtime = engine::runtime(self.options().target_partitions).map_err(failed)?;
            let cancellation = Cancellation::new();
            let signals = {
                let _entered = runtime.enter();
                Signals::listen().map_err(failed)?
            };
            runtime.spawn(watch(signals, cancellation.clone()));
            // Nobody else holds the cell: it is not shared between threads.
            let _ = self.started.set((runtime, cancellation));
        }
        self.started
            .get()
            .map(|(runtime, cancellation)| (runtime, cancellation))
            .ok_or_else(|| Failure::Bug("the runtime was started and is not there".to_owned()))
    }

    /// Runs a future on a thread of the runtime, whose stack is deep enough for deep plans.
    pub(crate) fn run<F>(&self, future: F) -> Result<F::Output, Failure>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (runtime, _) = self.started()?;
        match runtime.block_on(runtime.spawn(future)) {
            Ok(output) => Ok(output),
            Err(error) => match error.try_into_panic() {
                Ok(payload) => std::panic::resume_unwind(payload),
                Err(_) => Err(Failure::interrupted()),
            },
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // A run that was ended as hung may have left a thread that is blocked for ever.
        if let Some((runtime, _)) = self.started.take() {
            runtime.shutdown_timeout(SHUTDOWN);
        }
    }
}

/// How long threads get to end what they are doing when the program ends.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// The signals that ask the program to end. From [`Signals::listen`] on they no longer end it by themselves.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Listens from now on; must be called in a runtime.
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next; false when there can be none.
    async fn next(&mut self) -> bool {
        tokio::select! {
            received = self.interrupt.recv() => received.is_some(),
            received = self.terminate.recv() => received.is_some(),
        }
    }
}

/// The signals that ask the program to end.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> bool {
        tokio::signal::ctrl_c().await.is_ok()
    }
}

/// Throws the switch at the first signal to end, and ends the program at the second.
async fn watch(mut signals: Signals, cancellation: Cancellation) {
    while signals.next().await {
        if cancellation.is_cancelled() {
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
        cancellation.cancel();
    }
}

/// Runs a command.
pub(crate) fn dispatch(command: Command, context: &mut Context<'_>) -> Result<(), Failure> {
    if context.console.format == Format::Csv && !matches!(command, Command::Sql(_)) {
        return Err(Failure::Usage("`--format csv` is for `sql` only; use text or json".to_owned()));
    }
    match command {
        Command::Build(arguments) => data::build::run(&arguments, context),
        Command::Run(arguments) => data::run::run(&arguments, context),
        Command::Check(arguments) => stages::check::run(&arguments, context),
        Command::Compile(arguments) => stages::compile::run(&arguments, context),
        Command::Pass(arguments) => stages::pass::run(&arguments, context),
        Command::Verify(arguments) => stages::verify::run(&arguments, context),
        Command::Trace(arguments) => stages::trace::run(&arguments, context),
        Command::Sql(arguments) => data::sql::run(&arguments, context),
        Command::Extract(arguments) => data::extract::run(&arguments, context),
        Command::Schema => reference::schema::run(context),
        Command::Explain(arguments) => reference::explain::run(&arguments, context),
        Command::Passes => reference::passes::run(context),
        Command::Completions(arguments) => reference::completions::run(&arguments, context),
    }
}
