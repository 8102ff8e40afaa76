//! Which code a user sees for an error of DataFusion or of the system.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "errors of DataFusion of which few say more than their text"
)]

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use delta::DeltaError;
use ir::diag::{Code, codes};

use super::message::root_of;
use super::not_computed::NotComputed;
use crate::resources::SPILL_LIMIT;

pub(super) fn code_of(error: &DataFusionError) -> Code {
    match root_of(error) {
        DataFusionError::ResourcesExhausted(text) => {
            if text.contains(SPILL_LIMIT) {
                codes::OUT_OF_DISK
            } else {
                codes::OUT_OF_MEMORY
            }
        }
        DataFusionError::External(inner) if inner.is::<NotComputed>() => codes::NOT_COMPUTED,
        DataFusionError::External(inner) if inner.is::<files::FileError>() => codes::INPUT_FILES,
        DataFusionError::External(inner)
            if matches!(inner.downcast_ref(), Some(DeltaError::PathEscape { .. })) =>
        {
            codes::READ_FAILED
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

/// No row has been seen yet while something is planned, so no value can be at fault.
pub(super) fn planning_code(error: &DataFusionError) -> Code {
    let code = code_of(error);
    if code == codes::EXECUTION_FAILED { codes::CANNOT_PLAN } else { code }
}

/// The code of an error of the optimizer or the physical planner. Names and types were right before them: a name that
/// is missing or ambiguous there is one they made up themselves.
pub(super) fn physical_code(error: &DataFusionError) -> Code {
    let code = planning_code(error);
    let of_names = [codes::UNKNOWN_COLUMN, codes::DUPLICATE_COLUMN];
    if of_names.contains(&code) { codes::CANNOT_PLAN } else { code }
}

/// Whether the storage had no room left, however deep the libraries have wrapped what the system said.
pub(super) fn is_disk_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(has_no_room)
}

fn has_no_room(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

/// Writers of temporary files report a used up quota as an error of input and output.
fn code_of_io(error: &std::io::Error) -> Code {
    if has_no_room(error) || error.to_string().contains(SPILL_LIMIT) {
        codes::OUT_OF_DISK
    } else {
        codes::READ_FAILED
    }
}
