//! What can go wrong between a verified graph and committed tables, and which diagnostic a user sees for it.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use delta::DeltaError;
use ir::diag::{Code, Diagnostic, codes};
use ir::expr::SqlIssueKind;
use ir::oracle::TableError;

/// The setting DataFusion names when the quota of temporary files is used up; its message has no type of its own.
const SPILL_QUOTA_KEY: &str = "max_temp_directory_size";

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
    /// The graph has no schedule.
    #[error("graph `{graph}` is in phase {phase} and has no schedule; run all passes before emitting it")]
    NotScheduled {
        /// The graph.
        graph: String,
        /// Its phase.
        phase: ir::phase::Phase,
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
    /// DataFusion refuses a node.
    #[error("`{node}` cannot be planned: {}", text_of(.source))]
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
        Self::Plan { node: node.to_owned(), source: Box::new(source) }
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
                TableError::NoChangeFeed | TableError::Unreadable(_) => codes::INPUT_UNREADABLE,
            },
            Self::Plan { source, .. } => code_of(source),
            Self::Syntax(error) => match error.issues().first().map(|issue| issue.kind) {
                Some(SqlIssueKind::Clause) => codes::UNSUPPORTED_CLAUSE,
                Some(SqlIssueKind::NotReadOnly) => codes::NOT_READ_ONLY,
                Some(SqlIssueKind::Syntax) | None => codes::BAD_SQL,
            },
            Self::Session { .. } | Self::NotScheduled { .. } | Self::Internal { .. } => {
                codes::EXECUTION_FAILED
            }
        };
        Diagnostic::new(code, self.to_string())
    }
}

/// A run that did not publish everything.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A segment cannot be planned.
    #[error("{segment}: planning failed: {}", text_of(.source))]
    Plan {
        /// The view or output, as `view x` or `output x`.
        segment: String,
        /// The cause.
        #[source]
        source: Box<DataFusionError>,
    },
    /// An output's table does not accept what would be written.
    #[error("output `{output}`: {source}")]
    Prepare {
        /// The table.
        output: String,
        /// The cause.
        #[source]
        source: Box<DeltaError>,
    },
    /// A computation failed on its data. Nothing was published.
    #[error("{segment}: {}; nothing was published", text_of(.source))]
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
    #[error("{segment}: a data file cannot be read: {}; nothing was published", text_of(.source))]
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
    /// A commit failed; those before it stand.
    #[error("output `{output}` was not committed: {source}{}", already(.committed))]
    Commit {
        /// The table.
        output: String,
        /// The outputs committed before, in commit order.
        committed: Vec<String>,
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

impl RunError {
    /// Sorts a failure of a running segment into its kind.
    pub(crate) fn execution(segment: &str, source: DataFusionError) -> Self {
        let segment = segment.to_owned();
        let code = code_of(&source);
        if code == codes::OUT_OF_MEMORY {
            Self::OutOfMemory { segment, detail: text_of(&source) }
        } else if code == codes::OUT_OF_DISK {
            Self::OutOfDisk { segment, detail: text_of(&source) }
        } else if code == codes::READ_FAILED {
            Self::Read { segment, source: Box::new(source) }
        } else {
            Self::Execution { segment, source: Box::new(source) }
        }
    }

    /// The finding a user is shown.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let code = match self {
            Self::Plan { source, .. } => code_of(source),
            Self::Prepare { source, .. } => match source.as_ref() {
                DeltaError::ConcurrentChange { .. } => codes::COMMIT_CONFLICT,
                _ => codes::WRITE_FAILED,
            },
            Self::Execution { .. } | Self::Panicked { .. } | Self::Internal { .. } => codes::EXECUTION_FAILED,
            Self::OutOfMemory { .. } => codes::OUT_OF_MEMORY,
            Self::OutOfDisk { .. } => codes::OUT_OF_DISK,
            Self::Read { .. } => codes::READ_FAILED,
            Self::Write { source, .. } if is_disk_full(source) => codes::OUT_OF_DISK,
            Self::Write { .. } => codes::WRITE_FAILED,
            Self::Commit { source, .. } => match source.as_ref() {
                DeltaError::ConcurrentChange { .. } => codes::COMMIT_CONFLICT,
                source if is_disk_full(source) => codes::OUT_OF_DISK,
                _ => codes::COMMIT_FAILED,
            },
            Self::Cancelled { .. } => codes::CANCELLED,
            Self::NoProgress { .. } => codes::NO_PROGRESS,
        };
        Diagnostic::new(code, self.to_string())
    }
}

fn already(committed: &[String]) -> String {
    if committed.is_empty() {
        "; nothing was published".to_owned()
    } else {
        format!("; committed before: {}", committed.join(", "))
    }
}

/// The error below wrappers that only add context.
pub(crate) fn root_of(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => root_of(inner),
        DataFusionError::Shared(inner) => root_of(inner),
        DataFusionError::Collection(errors) => errors.first().map_or(error, root_of),
        DataFusionError::ArrowError(arrow, _) => match arrow.as_ref() {
            arrow::error::ArrowError::ExternalError(inner) => {
                inner.downcast_ref::<DataFusionError>().map_or(error, root_of)
            }
            _ => error,
        },
        DataFusionError::External(inner) => inner.downcast_ref::<DataFusionError>().map_or(error, root_of),
        _ => error,
    }
}

/// What DataFusion puts before its sentences, once for every layer an error went through.
const PREFIXES: [&str; 12] = [
    "Error during planning: ",
    "Schema error: ",
    "Execution error: ",
    "Arrow error: ",
    "Invalid argument error: ",
    "Compute error: ",
    "Cast error: ",
    "External error: ",
    "Internal error: ",
    "This feature is not implemented: ",
    "Resources exhausted: ",
    "SQL error: ",
];

/// The message without the prefixes and backtraces DataFusion puts around it and, where one error quotes another,
/// inside it.
pub(crate) fn text_of(error: &DataFusionError) -> String {
    let text = root_of(error).strip_backtrace();
    let text = PREFIXES.iter().fold(text, |text, prefix| text.replace(prefix, ""));
    let before_bug = text
        .find("This issue was likely caused by a bug")
        .or_else(|| text.find("This was likely caused by a bug"));
    let text = text.get(..before_bug.unwrap_or(text.len())).unwrap_or(&text);
    without_dump(text).trim().trim_end_matches(['.', '\n', ' ']).to_owned()
}

/// What a printed tree looks like, in which DataFusion's developers see what its users do not.
const DUMPS: [&str; 9] = [
    "Span(",
    "span: ",
    "Location {",
    "quote_style:",
    "Column { relation:",
    "Column(Column",
    "Field { name:",
    "Literal(",
    "Identifier(",
];

/// A sentence up to where it prints a tree.
fn without_dump(text: &str) -> String {
    let Some(dump) = DUMPS.iter().filter_map(|sign| text.find(sign)).min() else { return text.to_owned() };
    // The tree begins with the word that holds the first bracket before what was found.
    let before = text.get(..dump).unwrap_or("");
    let words = before.find(['{', '(', '[']).and_then(|open| before.get(..open)).unwrap_or(before);
    let words = words.rsplit_once(' ').map_or(words, |(words, _)| words);
    format!("{} (part of it is not supported)", words.trim_end_matches([':', ' ', '"', '\'', '`']))
}

fn code_of(error: &DataFusionError) -> Code {
    match root_of(error) {
        DataFusionError::ResourcesExhausted(text) => {
            if text.contains(SPILL_QUOTA_KEY) {
                codes::OUT_OF_DISK
            } else {
                codes::OUT_OF_MEMORY
            }
        }
        DataFusionError::ObjectStore(_) | DataFusionError::ParquetError(_) => codes::READ_FAILED,
        DataFusionError::IoError(error) => code_of_io(error),
        DataFusionError::ArrowError(arrow, _) => match arrow.as_ref() {
            arrow::error::ArrowError::ParquetError(_) => codes::READ_FAILED,
            arrow::error::ArrowError::IoError(_, error) => code_of_io(error),
            _ => codes::EXECUTION_FAILED,
        },
        DataFusionError::SchemaError(error, _) => match error.as_ref() {
            SchemaError::FieldNotFound { .. } => codes::UNKNOWN_COLUMN,
            SchemaError::AmbiguousReference { .. }
            | SchemaError::DuplicateQualifiedField { .. }
            | SchemaError::DuplicateUnqualifiedField { .. } => codes::DUPLICATE_COLUMN,
        },
        _ => codes::EXECUTION_FAILED,
    }
}

/// Whether the storage had no room left, however deep the libraries have wrapped what the system said.
fn is_disk_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(has_no_room)
}

fn has_no_room(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

/// Writers of temporary files report a used up quota as an error of input and output.
fn code_of_io(error: &std::io::Error) -> Code {
    if has_no_room(error) || error.to_string().contains(SPILL_QUOTA_KEY) {
        codes::OUT_OF_DISK
    } else {
        codes::READ_FAILED
    }
}
