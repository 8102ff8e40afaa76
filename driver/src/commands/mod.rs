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
        Self { console, stdin, workers: Workers { globals, started: OnceCell::new() } }
    }
}

/// The threads of the program, started when first needed: most commands need none.
pub(crate) struct Workers {
    globals: Globals,
    started: OnceCell<(Runtime, Cancellation)>,
}

impl Workers {
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

    /// Whether the graph is verified after every pass.
    pub(crate) fn verify_passes(&self) -> bool {
        self.globals.verify_passes || cfg!(debug_assertions)
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
            runtime.spawn(watch_signals(cancellation.clone()));
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

/// Throws the switch at the first signal to end, and ends the program at the second.
async fn watch_signals(cancellation: Cancellation) {
    loop {
        if next_signal().await.is_err() {
            return;
        }
        if cancellation.is_cancelled() {
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
        cancellation.cancel();
    }
}

#[cfg(unix)]
async fn next_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn next_signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
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
