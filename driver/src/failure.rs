//! Why a command ends without having done its work, and the exit code that says so.

use std::io;

use engine::{EngineError, RunError};
use ir::diag::{Code, Diagnostic, SourceMap, codes};
use passes::CompileError;

/// The exit codes of the program.
pub(crate) mod exit {
    /// Done.
    pub(crate) const OK: u8 = 0;
    /// Something is wrong with what the user gave: a spec, a table, a repository, the machine's resources.
    pub(crate) const USER: u8 = 1;
    /// The command line is wrong.
    pub(crate) const USAGE: u8 = 2;
    /// A bug in this program.
    pub(crate) const BUG: u8 = 70;
    /// Stopped by a signal.
    pub(crate) const INTERRUPTED: u8 = 130;
}

/// Why a command ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Diagnostics, with the text they are about.
    Findings {
        /// At least one error.
        diagnostics: Vec<Diagnostic>,
        /// The spec, or a text without places for what is wrong outside of it.
        source: Box<SourceMap>,
    },
    /// An error that has no code of its own.
    User(String),
    /// The command line asks for something that does not exist or does not fit together.
    Usage(String),
    /// Everything is said already; only the exit code is left.
    Reported,
    /// The compiler or the engine broke its own rules.
    Bug(String),
    /// Stopped by a signal.
    Interrupted(String),
    /// The reader of stdout went away, as `head` does.
    ReaderGone,
}

impl Failure {
    /// One finding without a place.
    pub(crate) fn finding(code: Code, message: impl Into<String>, about: &str) -> Self {
        Self::diagnostic(Diagnostic::new(code, message), about)
    }

    /// One finding about something that is called `about`. A message is one line; libraries send several.
    pub(crate) fn diagnostic(mut diagnostic: Diagnostic, about: &str) -> Self {
        let lines: Vec<&str> = diagnostic.message.lines().map(str::trim).collect();
        diagnostic.message = lines.join(" ");
        Self::Findings { diagnostics: vec![diagnostic], source: Box::new(SourceMap::new(about.into(), "")) }
    }

    /// A failure of the file system.
    pub(crate) fn file(action: &str, path: &std::path::Path, error: &io::Error) -> Self {
        Self::User(format!("cannot {action} `{}`: {error}", path.display()))
    }

    /// A failure to write a result to stdout.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::User(format!("cannot write to stdout: {error}")),
        }
    }

    /// A compilation that did not take place.
    pub(crate) fn compile(error: &CompileError) -> Self {
        match error {
            CompileError::Broken { .. } => Self::Bug(error.to_string()),
            CompileError::UnknownPass { .. } => Self::Usage(error.to_string()),
            CompileError::WrongPhase { .. } => Self::User(error.to_string()),
        }
    }

    /// A failure to plan; `about` is what it concerns.
    pub(crate) fn engine(error: &EngineError, about: &str) -> Self {
        match error {
            EngineError::Internal { .. } | EngineError::NotScheduled { .. } => Self::Bug(error.to_string()),
            EngineError::Session { .. } | EngineError::Syntax(_) => Self::User(error.to_string()),
            EngineError::Table { .. } | EngineError::Plan { .. } => {
                Self::diagnostic(error.diagnostic(), about)
            }
        }
    }

    /// A run that did not publish everything; `about` is what it concerns.
    pub(crate) fn run(error: &RunError, about: &str) -> Self {
        match error {
            RunError::Panicked { .. } | RunError::Internal { .. } => Self::Bug(error.to_string()),
            RunError::Cancelled { .. } => Self::Interrupted(error.to_string()),
            _ => Self::diagnostic(error.diagnostic(), about),
        }
    }

    /// Stopped by a signal before anything was published.
    pub(crate) fn interrupted() -> Self {
        Self::Interrupted(format!("{}; nothing was published", codes::CANCELLED.title()))
    }

    /// The exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Findings { .. } | Self::User(_) | Self::Reported => exit::USER,
            Self::Usage(_) => exit::USAGE,
            Self::Bug(_) => exit::BUG,
            Self::Interrupted(_) => exit::INTERRUPTED,
            Self::ReaderGone => exit::OK,
        }
    }
}

/// The text about a bug: what happened, and what to report.
pub(crate) fn bug_report(message: &str) -> String {
    format!(
        "bug: {message}\n\
         \x20 This is a mistake in CodeAnatomy, not in your files. Please report it with the command line, the spec \
         if there is one,\n\
         \x20 and the output of `driver trace SPEC -o DIR`. Program version: {}.\n",
        env!("CARGO_PKG_VERSION")
    )
}
