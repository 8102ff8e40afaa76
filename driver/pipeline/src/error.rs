//! Why something did not come to its end.

use std::io;
use std::path::{Path, PathBuf};

use engine::{AssertionOutcome, EngineError, RunError, SettingRefusal, Violation};
use extract::ExtractError;
use ir::diag::{Code, Diagnostic, SourceMap, SourceName, codes, summary};
use passes::{CompileError, ScopeError};

/// Why a compilation, a run, an extraction or a query did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// Diagnostics, at least one of them an error, with the text they are about.
    #[error("{}: {}", .map.name().as_str(), summary(.diagnostics))]
    Findings {
        /// Everything found.
        diagnostics: Vec<Diagnostic>,
        /// The spec, or a text without places for what is wrong outside of it.
        map: Box<SourceMap>,
    },
    /// A file or folder could not be used.
    #[error("cannot {action} `{}`: {error}", .path.display())]
    File {
        /// What was tried: `read`, `create the folder`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The system gives no threads.
    #[error("cannot start threads: {0}")]
    Threads(#[source] io::Error),
    /// The engine cannot start.
    #[error(transparent)]
    Engine(EngineError),
    /// A pass that does not exist, or a graph that it cannot start from.
    #[error(transparent)]
    Pass(CompileError),
    /// An extraction that ended early, for a reason without a code of its own.
    #[error(transparent)]
    Extract(ExtractError),
    /// Outputs are published, and the record of their run is not written.
    #[error("the outputs are published, but the run record cannot be written to `{}`: {reason}", .folder.display())]
    NotRecorded {
        /// The folder of the records.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// Stopped by the [`Cancellation`](crate::Cancellation) of the workers.
    #[error("{0}")]
    Interrupted(String),
    /// The compiler or the engine broke its own rules.
    #[error("{0}")]
    Bug(String),
    /// A recorded run that cannot be replayed, and why.
    #[error("{0}")]
    Replay(String),
    /// A scope that a spec does not have.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// What a compilation was not made for.
    #[error("{0}")]
    OtherScope(&'static str),
    /// Settings of a session that cannot be set.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Settings(Vec<SettingRefusal>),
}

impl PipelineError {
    /// One finding without a place.
    pub(crate) fn finding(code: Code, message: impl Into<String>, about: &str) -> Self {
        Self::diagnostic(Diagnostic::new(code, message), about)
    }

    /// One finding about something that is called `about`. A message is one line; libraries send several.
    pub(crate) fn diagnostic(mut diagnostic: Diagnostic, about: &str) -> Self {
        let lines: Vec<&str> = diagnostic.message.lines().map(str::trim).collect();
        diagnostic.message = lines.join(" ");
        let map = SourceMap::new(SourceName::new(about), "");
        Self::Findings { diagnostics: vec![diagnostic], map: Box::new(map) }
    }

    /// A failure of the file system.
    pub(crate) fn file(action: &'static str, path: &Path, error: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), error }
    }

    /// A value of the program's own that has no canonical form.
    pub(crate) fn not_hashed(error: serde_json::Error) -> Self {
        Self::Bug(format!("an identity has no canonical form: {error}"))
    }

    /// A compilation that did not take place.
    pub(crate) fn compile(error: CompileError) -> Self {
        match error {
            CompileError::Broken { .. } => Self::Bug(error.to_string()),
            CompileError::Stopped { .. } => Self::interrupted(),
            CompileError::UnknownPass { .. } | CompileError::WrongPhase { .. } => Self::Pass(error),
        }
    }

    /// A failure to plan; `about` is what it concerns.
    pub(crate) fn engine(error: EngineError, about: &str) -> Self {
        match error {
            EngineError::Internal { .. } => Self::Bug(error.to_string()),
            EngineError::Stopped => Self::interrupted(),
            EngineError::Session { .. } => Self::Engine(error),
            EngineError::Table { .. }
            | EngineError::Output { .. }
            | EngineError::Plan { .. }
            | EngineError::Physical { .. }
            | EngineError::Syntax(_) => Self::diagnostic(error.diagnostic(), about),
        }
    }

    /// A run that did not publish everything; `about` is what it concerns.
    pub(crate) fn run(error: &RunError, about: &str) -> Self {
        match error {
            RunError::Panicked { .. } | RunError::Internal { .. } => Self::Bug(error.to_string()),
            RunError::Unsound { violations, assertions } => Self::Findings {
                diagnostics: violations
                    .iter()
                    .map(Violation::diagnostic)
                    .chain(assertions.iter().filter_map(AssertionOutcome::diagnostic))
                    .collect(),
                map: Box::new(SourceMap::new(SourceName::new(about), "")),
            },
            RunError::Cancelled { .. } => Self::Interrupted(error.to_string()),
            _ => Self::diagnostic(error.diagnostic(), about),
        }
    }

    /// Stopped before anything was published.
    pub(crate) fn interrupted() -> Self {
        Self::Interrupted(format!("{}; nothing was published", codes::CANCELLED.title()))
    }
}
