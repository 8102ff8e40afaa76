//! What a command tells others about what it does: events in a file, and a log on stderr.

mod log;
#[cfg(feature = "otel")]
mod traces;

pub use log::{LogError, show_log};

use std::path::Path;
use std::sync::Arc;

use ir::diag::Diagnostic;
use pipeline::{EndStatus, EventLog, LineageLog, Observer, Source, new_run_id};

use crate::cli::{Command, Globals};
use crate::failure::Failure;

/// Who is told of what a command does, as the command line asks for it.
pub(crate) struct Telemetry {
    run_id: String,
    events: Option<Arc<EventLog>>,
    lineage: Option<Arc<LineageLog>>,
    #[cfg(feature = "otel")]
    tracing: traces::Tracing,
}

impl Telemetry {
    /// Tells nobody.
    pub(crate) fn off() -> Self {
        Self {
            run_id: new_run_id(),
            events: None,
            lineage: None,
            #[cfg(feature = "otel")]
            tracing: traces::Tracing::default(),
        }
    }

    /// Opens what the command line asks for, before anything is done, and tells of the begin of the command.
    pub(crate) fn open(globals: &Globals, command: &Command) -> Result<Self, Failure> {
        let mut opened = Self::off();
        #[cfg(feature = "otel")]
        {
            opened.tracing = traces::Tracing::new(globals, command)?;
        }
        let files = (globals.events.as_ref(), globals.lineage.as_ref());
        if let (Some(events), Some(lineage)) = files
            && std::path::absolute(events).ok() == std::path::absolute(lineage).ok()
        {
            let message = "`--events` and `--lineage` are files of their own: their lines have two schemas";
            return Err(Failure::Usage(message.to_owned()));
        }
        if let Some(path) = globals.lineage.as_deref() {
            if !matches!(command, Command::Run(_) | Command::Build(_)) {
                let message = "this command publishes no outputs; `--lineage` is for build and run";
                return Err(Failure::Usage(message.to_owned()));
            }
            opened.lineage = Some(Arc::new(LineageLog::open(file("--lineage", path)?)?));
        }
        if let Some(path) = globals.events.as_deref() {
            let name = observed(command).ok_or_else(|| {
                let all = "build, check, compile, extract, replay, run and trace";
                Failure::Usage(format!("there are no events of this command; `--events` is for {all}"))
            })?;
            let events = EventLog::open(file("--events", path)?, &opened.run_id)?;
            events.begin(name);
            opened.events = Some(Arc::new(events));
        }
        Ok(opened)
    }

    /// The id of what the command does, also of the run that it publishes.
    pub(crate) fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Who is told.
    pub(crate) fn observer(&self) -> Arc<dyn Observer> {
        let observer = (self.events.clone(), self.lineage.clone());
        #[cfg(feature = "otel")]
        let observer = (observer, self.tracing.observer());
        Arc::new(observer)
    }

    /// A spec is read, and nothing is done with it. Refuses files that lie where its outputs are or will be.
    pub(crate) fn spec_is_read(&self, source: &Source) -> Result<(), Failure> {
        self.events.as_ref().map_or(Ok(()), |events| events.is_outside_of(source))?;
        self.lineage.as_ref().map_or(Ok(()), |lineage| lineage.is_outside_of(source))?;
        #[cfg(feature = "otel")]
        self.tracing.begin(source)?;
        Ok(())
    }

    /// Tells how the command ended. Gives what could not be told.
    pub(crate) fn end(&self, outcome: &Result<(), Failure>) -> Vec<Diagnostic> {
        let missing = self.lineage.as_ref().and_then(|lineage| lineage.failure());
        #[cfg(feature = "otel")]
        let missing = missing.into_iter().chain(self.tracing.end(outcome.is_err())).collect::<Vec<_>>();
        let Some(events) = &self.events else { return missing.into_iter().collect() };
        let (status, message) = match outcome {
            Ok(()) | Err(Failure::ReaderGone) => (EndStatus::Succeeded, None),
            Err(Failure::Findings { diagnostics, source }) => {
                events.found(diagnostics, source);
                (EndStatus::Failed, None)
            }
            Err(Failure::Reported) => (EndStatus::Failed, None),
            Err(Failure::User(message) | Failure::Usage(message) | Failure::Bug(message)) => {
                (EndStatus::Failed, Some(message.clone()))
            }
            Err(Failure::Interrupted(message)) => (EndStatus::Cancelled, Some(message.clone())),
        };
        events.end(status, message);
        events.failure().into_iter().chain(missing).collect()
    }
}

/// The name of a command that tells what it does.
fn observed(command: &Command) -> Option<&'static str> {
    match command {
        Command::Build(_) => Some("build"),
        Command::Run(_) => Some("run"),
        Command::Check(_) => Some("check"),
        Command::Compile(_) => Some("compile"),
        Command::Trace(_) => Some("trace"),
        Command::Replay(_) => Some("replay"),
        Command::Extract(_) => Some("extract"),
        Command::Test(_)
        | Command::Preview(_)
        | Command::Watch(_)
        | Command::Lsp
        | Command::Pass(_)
        | Command::Verify(_)
        | Command::Sql(_)
        | Command::Ask(_)
        | Command::Export(_)
        | Command::Runs(_)
        | Command::Show(_)
        | Command::Session(_)
        | Command::Config
        | Command::Schema(_)
        | Command::Explain(_)
        | Command::Passes
        | Command::Completions(_) => None,
    }
}

/// The file of an option. Stdout is for results.
fn file<'a>(option: &str, path: &'a Path) -> Result<&'a Path, Failure> {
    if path.as_os_str() == "-" {
        return Err(Failure::Usage(format!(
            "`{option}` takes a file, since results go to stdout; a pipe or `/dev/stderr` will do"
        )));
    }
    Ok(path)
}
