//! Why a command ends without having done its work, and the exit code that says so.

use std::io;

use ir::diag::{Diagnostic, SourceMap};
use passes::CompileError;
use pipeline::PipelineError;

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
    /// A failure of the file system.
    pub(crate) fn file(action: &str, path: &std::path::Path, error: &io::Error) -> Self {
        Self::User(format!("cannot {action} `{}`: {error}", path.display()))
    }

    /// A failure to write a result to a place: stdout, a file.
    pub(crate) fn output(place: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::User(format!("cannot write to {place}: {error}")),
        }
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

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Self {
        match error {
            PipelineError::Findings { diagnostics, map } => Self::Findings { diagnostics, source: map },
            PipelineError::Pass(CompileError::UnknownPass { .. }) => Self::Usage(error.to_string()),
            PipelineError::Scope(error) => Self::Usage(error.to_string()),
            PipelineError::OtherScope(message) => Self::Bug(message.to_owned()),
            PipelineError::Interrupted(message) => Self::Interrupted(message),
            PipelineError::Bug(message) => Self::Bug(message),
            PipelineError::File { .. }
            | PipelineError::Threads(_)
            | PipelineError::Engine(_)
            | PipelineError::Pass(_)
            | PipelineError::Extract(_)
            | PipelineError::Replay(_)
            | PipelineError::Settings(_)
            | PipelineError::NotRecorded { .. } => Self::User(error.to_string()),
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
