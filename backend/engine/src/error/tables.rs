//! Errors of tables as the compiler tells them apart.

use delta::DeltaError;
use files::FileError;
use ir::oracle::{OutputProblem, OutputRefusal, TableError};

/// The reader's error as the compiler tells them apart.
#[expect(clippy::wildcard_enum_match_arm, reason = "what else a reader says is told in its words")]
pub(crate) fn table_error(error: &DeltaError) -> TableError {
    match error {
        DeltaError::InvalidLocation { .. } => TableError::NoPlace(error.to_string()),
        DeltaError::OutsideRoots { .. } => TableError::OutsideRoots(error.to_string()),
        DeltaError::NotFound { location } => TableError::NotFound(location.clone()),
        DeltaError::NotATable { location } => TableError::NotDelta(location.clone()),
        DeltaError::VersionMissing { requested, latest, .. } => {
            TableError::NoVersion { wanted: *requested, latest: *latest }
        }
        DeltaError::ChangeFeedDisabled { .. } => TableError::NoChangeFeed,
        other => TableError::Unreadable(other.to_string()),
    }
}

/// What is wrong with files, as the compiler tells it apart.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
pub(crate) fn file_error(error: FileError) -> TableError {
    match &error {
        FileError::NoPlace(_) => TableError::NoPlace(error.to_string()),
        FileError::OutsideRoots(_) => TableError::OutsideRoots(error.to_string()),
        FileError::NotFound(location) => TableError::NotFound(location.clone()),
        FileError::Option { option, known, .. } => TableError::FileOption {
            option: option.clone(),
            message: error.to_string(),
            known: known.clone(),
        },
        FileError::NotFiles { .. }
        | FileError::Content { .. }
        | FileError::Unreadable { .. }
        | FileError::Changed { .. } => TableError::Files(error.to_string()),
    }
}

/// An error of the writer as the compiler tells them apart. Never empty.
#[expect(clippy::wildcard_enum_match_arm, reason = "what else a writer says is about the table as it is")]
pub(crate) fn refusals_of(error: &DeltaError) -> Vec<OutputRefusal> {
    let refusal = |problem, about: Option<&str>, message: String| OutputRefusal {
        problem,
        about: about.map(str::to_owned),
        message,
    };
    let problem = match error {
        DeltaError::SchemaMismatch { location, mismatches } => {
            return mismatches
                .iter()
                .map(|mismatch| {
                    let message = format!("the table at `{location}` does not fit: {mismatch}");
                    refusal(OutputProblem::Schema, Some(mismatch.column()), message)
                })
                .collect();
        }
        DeltaError::UnsupportedType { column, .. } => {
            let column = column.split('.').next();
            return vec![refusal(OutputProblem::Type, column, error.to_string())];
        }
        DeltaError::InvalidLocation { .. } | DeltaError::NotFound { .. } | DeltaError::NotATable { .. } => {
            OutputProblem::Location
        }
        DeltaError::OutsideRoots { .. } => OutputProblem::OutsideRoots,
        DeltaError::InvalidSchema { .. } => OutputProblem::Schema,
        DeltaError::Repartitioned { .. } => OutputProblem::Partitioning,
        DeltaError::InvalidPartitioning { .. } => OutputProblem::PartitionColumn,
        DeltaError::InvalidOrder { .. } => OutputProblem::Order,
        DeltaError::Delta { .. } | DeltaError::Engine { .. } => OutputProblem::Unreachable,
        _ => OutputProblem::NotWritable,
    };
    vec![refusal(problem, None, error.to_string())]
}
