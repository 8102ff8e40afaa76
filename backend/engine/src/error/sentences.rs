//! Parts of the sentences that errors of a run are told in.

use delta::DeltaError;
use ir::op::Check;

use super::violation::Violation;
use crate::execute::AssertionOutcome;

pub(super) fn all(reasons: &[DeltaError]) -> String {
    reasons.iter().map(DeltaError::to_string).collect::<Vec<_>>().join("; ")
}

pub(super) fn broken(violations: &[Violation], assertions: &[AssertionOutcome]) -> String {
    let failed = assertions.iter().filter(|outcome| outcome.is_error()).map(|outcome| {
        let Check { assertion, subject, rule, .. } = &outcome.assertion;
        format!("assertion `{assertion}` of {subject} fails in {} cases ({rule})", outcome.failures)
    });
    violations.iter().map(Violation::to_string).chain(failed).collect::<Vec<_>>().join("; ")
}

pub(super) fn already(committed: &[String]) -> String {
    if committed.is_empty() {
        "; nothing was published".to_owned()
    } else {
        format!("; committed: {}", committed.join(", "))
    }
}

pub(super) fn others(uncommitted: &[String]) -> String {
    if uncommitted.is_empty() {
        String::new()
    } else {
        format!("; not committed: {}", uncommitted.join(", "))
    }
}

/// What is published beside an output whose commit failed.
pub(super) fn standing(source: &DeltaError, committed: &[String]) -> String {
    let is_unknown = matches!(source, DeltaError::CommitUnknown { .. });
    if is_unknown && committed.is_empty() {
        "; nothing else was published".to_owned()
    } else {
        already(committed)
    }
}

/// What became of an output whose commit failed.
#[expect(clippy::wildcard_enum_match_arm, reason = "after any other error there is no commit")]
pub(super) fn fate(source: &DeltaError) -> &'static str {
    match source {
        DeltaError::CommitUnknown { .. } => " may or may not be committed",
        DeltaError::CommitNotDurable { .. } => " is committed",
        _ => " was not committed",
    }
}
