//! What can go wrong between a verified graph and committed tables, and which diagnostic a user sees for it.

mod code;
mod message;
mod not_computed;
mod sentences;
mod tables;
mod violation;

use std::sync::Arc;

use datafusion::error::DataFusionError;
use delta::DeltaError;
use ir::diag::{Diagnostic, codes};
use ir::expr::SqlIssueKind;
use ir::oracle::TableError;

pub use message::message_of;
pub(crate) use message::root_of;
pub(crate) use not_computed::NotComputed;
pub(crate) use tables::{file_error, refusals_of, table_error};
pub use violation::Violation;

use crate::execute::AssertionOutcome;
use crate::stop::Stopped;
use code::{code_of, is_disk_full, physical_code, planning_code};
use sentences::{all, already, broken, fate, others, standing};

/// A graph that cannot be turned into plans, or a query that cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The session cannot be set up with these options.
    #[error("the engine cannot start: {source}; check the memory limit and the spill folder")]
    Session {
        /// The cause.
        #[source]
        source: Box<DataFusionError>,
    },
    /// A scan reads a table that cannot be opened.
    #[error("`{node}` reads `{location}`: {source}")]
    Table {
        /// The node, or the table as a query names it.
        node: String,
        /// The location.
        location: String,
        /// The cause.
        #[source]
        source: TableError,
    },
    /// The table of an output cannot be opened.
    #[error("output `{output}`: {source}")]
    Output {
        /// The output.
        output: String,
        /// The cause.
        #[source]
        source: Arc<DeltaError>,
    },
    /// DataFusion refuses a node.
    #[error("`{node}` cannot be planned: {}", message_of(.source))]
    Plan {
        /// The node, or `query` for a query that is not part of a graph.
        node: String,
        /// The cause.
        #[source]
        source: Box<DataFusionError>,
    },
    /// The text of a query is not one `SELECT`, or holds something that means nothing here.
    #[error("the query cannot be read: {0}")]
    Syntax(#[from] ir::expr::SqlError),
    /// The optimizer or the physical planner refuses a node whose names and types are right.
    #[error("`{node}` cannot be planned: {}", message_of(.source))]
    Physical {
        /// The node, or the segment it is in.
        node: String,
        /// The cause.
        #[source]
        source: Box<DataFusionError>,
    },
    /// Stopped from outside before everything was planned.
    #[error("planning was stopped")]
    Stopped,
    /// The compiler broke its own rules; never the user's fault.
    #[error("`{node}`: {message}; this is a bug in the compiler, please report it")]
    Internal {
        /// The node.
        node: String,
        /// What is wrong.
        message: String,
    },
}

impl EngineError {
    pub(crate) fn plan(node: &str, source: DataFusionError) -> Self {
        if was_stopped(&source) {
            return Self::Stopped;
        }
        Self::Plan { node: node.to_owned(), source: Box::new(source) }
    }

    pub(crate) fn physical(node: &str, source: DataFusionError) -> Self {
        if was_stopped(&source) {
            return Self::Stopped;
        }
        Self::Physical { node: node.to_owned(), source: Box::new(source) }
    }

    pub(crate) fn internal(node: &str, message: impl Into<String>) -> Self {
        Self::Internal { node: node.to_owned(), message: message.into() }
    }

    /// The finding a user is shown.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let code = match self {
            Self::Table { source, .. } => match source {
                TableError::NotFound(_) => codes::INPUT_NOT_FOUND,
                TableError::NotDelta(_) => codes::INPUT_NOT_DELTA,
                TableError::NoVersion { .. } => codes::PIN_NOT_FOUND,
                TableError::FileOption { .. } => codes::FILE_OPTION,
                TableError::Files(_) => codes::INPUT_FILES,
                TableError::OutsideRoots(_) => codes::OUTSIDE_ROOTS,
                TableError::NoPlace(_) | TableError::NoChangeFeed | TableError::Unreadable(_) => {
                    codes::INPUT_UNREADABLE
                }
            },
            Self::Output { source, .. } => {
                let first = refusals_of(source).into_iter().next();
                first.map_or(codes::OUTPUT_LOCATION, |refusal| refusal.problem.code())
            }
            Self::Plan { source, .. } => planning_code(source),
            Self::Physical { source, .. } => physical_code(source),
            Self::Stopped => codes::CANCELLED,
            Self::Syntax(error) => match error.issues().first().map(|issue| issue.kind) {
                Some(SqlIssueKind::Clause) => codes::UNSUPPORTED_CLAUSE,
                Some(SqlIssueKind::NotReadOnly) => codes::NOT_READ_ONLY,
                Some(SqlIssueKind::Syntax) | None => codes::BAD_SQL,
            },
            Self::Session { .. } | Self::Internal { .. } => codes::EXECUTION_FAILED,
        };
        Diagnostic::new(code, self.to_string())
    }
}

/// A run that did not publish everything.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A segment cannot be planned.
    #[error("{segment}: planning failed: {}", message_of(.source))]
    Plan {
        /// The view or output, as `view x` or `output x`.
        segment: String,
        /// The cause.
        #[source]
        source: Box<DataFusionError>,
    },
    /// An output's table does not accept what would be written. A compilation without mistakes has ruled this out.
    #[error("output `{output}`: {}", all(.reasons))]
    Prepare {
        /// The table.
        output: String,
        /// Every reason.
        reasons: Vec<DeltaError>,
    },
    /// A computation failed on its data. Nothing was published.
    #[error("{segment}: {}; nothing was published", message_of(.source))]
    Execution {
        /// The view or output.
        segment: String,
        /// The cause.
        #[source]
        source: Box<DataFusionError>,
    },
    /// The memory limit was reached by something that cannot spill. Nothing was published.
    #[error(
        "{segment}: the memory limit was reached: {detail}; raise the memory limit. Nothing was published"
    )]
    OutOfMemory {
        /// The view or output.
        segment: String,
        /// What asked for how much.
        detail: String,
    },
    /// The limit for temporary files was reached. Nothing was published.
    #[error(
        "{segment}: no room for temporary files: {detail}; free space or raise the limit. Nothing was published"
    )]
    OutOfDisk {
        /// The view or output.
        segment: String,
        /// What asked for how much.
        detail: String,
    },
    /// A data file of an input cannot be read. Nothing was published.
    #[error("{segment}: a data file cannot be read: {}; nothing was published", message_of(.source))]
    Read {
        /// The view or output.
        segment: String,
        /// The cause.
        #[source]
        source: Box<DataFusionError>,
    },
    /// A data file of an output cannot be written. Nothing was published.
    #[error("output `{output}`: {source}; nothing was published")]
    Write {
        /// The table.
        output: String,
        /// The cause.
        #[source]
        source: Box<DeltaError>,
    },
    /// The tables of a code property graph break its rules, or rows fail assertions of the spec. Nothing was published.
    #[error("{}; nothing was published", broken(.violations, .assertions))]
    Unsound {
        /// Every rule of the graph that does not hold.
        violations: Vec<Violation>,
        /// All assertions. One of severity `error` does not hold unless there are violations.
        assertions: Vec<AssertionOutcome>,
    },
    /// Publishing an output failed; what was committed stands.
    #[error("output `{output}`{}: {source}{}{}", fate(.source), standing(.source, .committed), others(.uncommitted))]
    Commit {
        /// The table.
        output: String,
        /// The outputs that are committed, in commit order. If the cause is that its commit is not durable, `output` is
        /// one of them.
        committed: Vec<String>,
        /// The other outputs, which are not committed.
        uncommitted: Vec<String>,
        /// The cause.
        #[source]
        source: Box<DeltaError>,
    },
    /// A task panicked. Nothing was published.
    #[error("{segment}: panicked: {message}; nothing was published. This is a bug, please report it")]
    Panicked {
        /// The view or output.
        segment: String,
        /// The panic's message.
        message: String,
    },
    /// The run was stopped from outside.
    #[error("the run was stopped{}", already(.committed))]
    Cancelled {
        /// The outputs committed before, in commit order.
        committed: Vec<String>,
    },
    /// Nothing moved any more. Nothing was published.
    #[error("the run made no progress for {} s: {unfinished}; nothing was published", .timeout.as_secs_f64())]
    NoProgress {
        /// For how long.
        timeout: std::time::Duration,
        /// Every running segment and its operators that have not ended, inputs first.
        unfinished: String,
    },
    /// The plans contradict each other; never the user's fault.
    #[error("{segment}: {message}; this is a bug in the compiler, please report it")]
    Internal {
        /// The view or output.
        segment: String,
        /// What is wrong.
        message: String,
    },
}

/// Whether an error only says that planning was stopped.
pub(crate) fn was_stopped(error: &DataFusionError) -> bool {
    matches!(root_of(error), DataFusionError::External(inner) if inner.is::<Stopped>())
}

/// Whether there was not enough memory or temporary space.
pub(crate) fn is_out_of_space(source: &DataFusionError) -> bool {
    [codes::OUT_OF_MEMORY, codes::OUT_OF_DISK].contains(&code_of(source))
}

impl RunError {
    /// Sorts a failure of a running segment into its kind.
    #[must_use]
    pub fn execution(segment: &str, source: DataFusionError) -> Self {
        let segment = segment.to_owned();
        let code = code_of(&source);
        if code == codes::OUT_OF_MEMORY {
            Self::OutOfMemory { segment, detail: message_of(&source) }
        } else if code == codes::OUT_OF_DISK {
            Self::OutOfDisk { segment, detail: message_of(&source) }
        } else if [codes::READ_FAILED, codes::INPUT_FILES].contains(&code) {
            Self::Read { segment, source: Box::new(source) }
        } else {
            Self::Execution { segment, source: Box::new(source) }
        }
    }

    /// The segment that failed, as `view x` or `output x`; none for what concerns all of them.
    #[must_use]
    pub fn segment(&self) -> Option<String> {
        match self {
            Self::Plan { segment, .. }
            | Self::Execution { segment, .. }
            | Self::OutOfMemory { segment, .. }
            | Self::OutOfDisk { segment, .. }
            | Self::Read { segment, .. }
            | Self::Panicked { segment, .. }
            | Self::Internal { segment, .. } => Some(segment.clone()),
            Self::Prepare { output, .. } | Self::Write { output, .. } | Self::Commit { output, .. } => {
                Some(format!("output {output}"))
            }
            Self::Unsound { violations, assertions } => {
                let graph = violations.first().map(|violation| format!("output {}", violation.output));
                let failed = assertions.iter().find(|assertion| assertion.is_error());
                graph.or_else(|| failed.map(|assertion| format!("check {}", assertion.check)))
            }
            Self::Cancelled { .. } | Self::NoProgress { .. } => None,
        }
    }

    /// The outputs that are committed although the run did not publish everything, in commit order.
    #[must_use]
    pub fn committed(&self) -> &[String] {
        match self {
            Self::Commit { committed, .. } | Self::Cancelled { committed } => committed,
            Self::Plan { .. }
            | Self::Prepare { .. }
            | Self::Execution { .. }
            | Self::OutOfMemory { .. }
            | Self::OutOfDisk { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Unsound { .. }
            | Self::Panicked { .. }
            | Self::NoProgress { .. }
            | Self::Internal { .. } => &[],
        }
    }

    /// The finding a user is shown.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let code = match self {
            Self::Plan { source, .. } => physical_code(source),
            Self::Prepare { reasons, .. } => {
                let first = reasons.iter().flat_map(refusals_of).next();
                first.map_or(codes::WRITE_FAILED, |refusal| refusal.problem.code())
            }
            Self::Execution { .. } | Self::Panicked { .. } | Self::Internal { .. } => codes::EXECUTION_FAILED,
            Self::OutOfMemory { .. } => codes::OUT_OF_MEMORY,
            Self::OutOfDisk { .. } => codes::OUT_OF_DISK,
            Self::Read { source, .. } if code_of(source) == codes::INPUT_FILES => codes::INPUT_FILES,
            Self::Read { .. } => codes::READ_FAILED,
            Self::Write { source, .. } if is_disk_full(source) => codes::OUT_OF_DISK,
            Self::Write { .. } => codes::WRITE_FAILED,
            Self::Commit { source, .. } if matches!(**source, DeltaError::ConcurrentChange { .. }) => {
                codes::COMMIT_CONFLICT
            }
            Self::Commit { source, .. } if is_disk_full(source) => codes::OUT_OF_DISK,
            Self::Commit { .. } => codes::COMMIT_FAILED,
            Self::Unsound { violations, .. } => {
                violations.first().map_or(codes::ASSERTION_FAILED, |violation| violation.code)
            }
            Self::Cancelled { .. } => codes::CANCELLED,
            Self::NoProgress { .. } => codes::NO_PROGRESS,
        };
        Diagnostic::new(code, self.to_string())
    }
}
