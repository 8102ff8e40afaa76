//! The commands, one file each, and what they have in common.
//!
//! | folder | commands |
//! |---|---|
//! | data | those that make or read tables, or tell of it: build, extract, preview, replay, run, runs, show, sql |
//! | stages | those that look into the compiler: check, compile, pass, session, trace, verify, watch |
//! | lsp | the protocol of editors |
//! | reference | those that print what the program knows by itself: completions, explain, passes, schema |

mod data;
mod lsp;
mod reference;
mod stages;

use std::cell::OnceCell;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::{Origin, SessionOptions, Turns};
use pipeline::{Cancellation, Memory, Ruleset, Source, WorkerOptions, Workers};

use crate::cli::{Command, Format, Globals};
use crate::failure::Failure;
use crate::signals;
use crate::terminal::Console;

/// What every command has at hand.
pub(crate) struct Context<'a> {
    /// The streams results and messages go to.
    pub(crate) console: Console<'a>,
    /// Where `-` reads from.
    pub(crate) stdin: &'a mut dyn Read,
    globals: Globals,
    workers: OnceCell<Arc<Workers>>,
    /// What one compilation leaves for the next, where there are several.
    memory: Option<Arc<Memory>>,
}

impl<'a> Context<'a> {
    /// A context in which nothing has been started.
    pub(crate) fn new(globals: Globals, console: Console<'a>, stdin: &'a mut dyn Read) -> Self {
        Self { console, stdin, globals, workers: OnceCell::new(), memory: None }
    }

    /// The threads of the program. From the first call on Ctrl-C stops them and no longer the program, so what is read
    /// from stdin must be read before.
    pub(crate) fn workers(&self) -> Result<&Arc<Workers>, Failure> {
        if let Some(workers) = self.workers.get() {
            return Ok(workers);
        }
        let cancellation = Cancellation::new();
        signals::watch(cancellation.clone())
            .map_err(|error| Failure::User(format!("cannot listen for signals: {error}")))?;
        Ok(self.workers.get_or_init(|| Arc::new(Workers::new(worker_options(&self.globals), cancellation))))
    }

    /// From now on compilations leave what they find out for the next.
    pub(crate) fn remember(&mut self) {
        self.memory = Some(Arc::default());
    }

    /// What earlier compilations have left; nothing where there is one only.
    pub(crate) fn memory(&self) -> Option<&Memory> {
        self.memory.as_deref()
    }

    /// Which passes run.
    pub(crate) fn ruleset(&self) -> Ruleset<'static> {
        let default = Ruleset::default();
        Ruleset { verify_passes: self.verify_on_request() || default.verify_passes, ..default }
    }

    /// Whether the command line asks for the graph to be verified after every pass.
    pub(crate) fn verify_on_request(&self) -> bool {
        self.globals.verify_passes
    }

    /// Reads a spec from a file, or from stdin for `-`.
    pub(crate) fn read_spec(&mut self, path: &Path) -> Result<Source, Failure> {
        let is_stdin = path.as_os_str() == "-";
        let source = if is_stdin { Source::read("<stdin>", &mut *self.stdin) } else { Source::open(path) };
        Ok(source?)
    }

    /// Says what the session is, for those who want to know.
    pub(crate) fn describe_session(&mut self) -> Result<(), Failure> {
        if self.console.is_verbose() {
            let session = engine::Session::new(worker_options(&self.globals).session)
                .map_err(|error| Failure::User(error.to_string()))?;
            let lines = session.describe().into_iter().map(|(key, value)| format!("  {key} = {value}\n"));
            let text: String = lines.collect();
            self.console.note(&format!("session:\n{text}"));
        }
        Ok(())
    }
}

/// The resources the command line allows.
fn worker_options(globals: &Globals) -> WorkerOptions {
    let mut session = SessionOptions::for_this_machine();
    if let Some(profile) = globals.profile {
        session = session.with_named_profile(profile.name());
    }
    let asked = |turns, value: Option<u64>| value.map(|value| (turns, value));
    for (turns, value) in [
        asked(Turns::Partitions, globals.threads),
        asked(Turns::Memory, globals.memory_limit),
        asked(Turns::Disk, globals.spill_limit),
    ]
    .into_iter()
    .flatten()
    {
        session.turn(turns, &value.to_string(), &Origin::CommandLine);
    }
    session.is_whole_process = true;
    session.spill_directory.clone_from(&globals.spill_dir);
    let seconds = globals.no_progress_timeout;
    let no_progress_timeout = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
    let lock_timeout = Duration::from_secs(globals.lock_timeout.into());
    WorkerOptions { session, no_progress_timeout, lock_timeout, ..WorkerOptions::default() }
}

/// Runs a command.
pub(crate) fn dispatch(command: Command, context: &mut Context<'_>) -> Result<(), Failure> {
    if context.console.format == Format::Csv && !matches!(command, Command::Sql(_) | Command::Preview(_)) {
        let message = "`--format csv` is for `sql` and `preview` only; use text or json";
        return Err(Failure::Usage(message.to_owned()));
    }
    match command {
        Command::Build(arguments) => data::build::run(&arguments, context),
        Command::Run(arguments) => data::run::run(&arguments, context),
        Command::Check(arguments) => stages::check::run(&arguments, context),
        Command::Preview(arguments) => data::preview::run(&arguments, context),
        Command::Watch(arguments) => stages::watch::run(&arguments, context),
        Command::Lsp => lsp::run(context),
        Command::Compile(arguments) => stages::compile::run(&arguments, context),
        Command::Pass(arguments) => stages::pass::run(&arguments, context),
        Command::Verify(arguments) => stages::verify::run(&arguments, context),
        Command::Trace(arguments) => stages::trace::run(&arguments, context),
        Command::Sql(arguments) => data::sql::run(&arguments, context),
        Command::Runs(arguments) => data::runs::run(&arguments, context),
        Command::Show(arguments) => data::runs::show(&arguments, context),
        Command::Replay(arguments) => data::replay::run(&arguments, context),
        Command::Extract(arguments) => data::extract::run(&arguments, context),
        Command::Session(arguments) => stages::session::run(&arguments, context),
        Command::Schema => reference::schema::run(context),
        Command::Explain(arguments) => reference::explain::run(&arguments, context),
        Command::Passes => reference::passes::run(context),
        Command::Completions(arguments) => reference::completions::run(&arguments, context),
    }
}
