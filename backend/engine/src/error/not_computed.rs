//! Queries that are refused because nobody computes them rightly.

use datafusion::common::{DataFusionError, Result};

/// SQL that is refused because DataFusion has no plan for it, or one with wrong rows.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotComputed(pub(crate) String);

impl NotComputed {
    pub(crate) fn error<T>(message: impl Into<String>) -> Result<T> {
        Err(DataFusionError::External(Box::new(Self(message.into()))))
    }
}
