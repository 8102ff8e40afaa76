//! The stages of a run: where time goes, and where something was found.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stage of a run, of a compilation or of an extraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Source code is read.
    Extract,
    /// The tables of an extraction that is published by itself are committed.
    CommitExtraction,
    /// The spec is read.
    Load,
    /// The session is made.
    Session,
    /// What earlier runs counted is read.
    History,
    /// What earlier compilations proved is read, and what this one proved is written.
    Proofs,
    /// The tables that are read are opened.
    Resolve,
    /// The passes that check the spec.
    FrontPasses,
    /// The passes that rewrite the graph.
    RewritePasses,
    /// The passes that decide what is shared and in which order segments run.
    PlanPasses,
    /// The graph is verified after every pass.
    Verify,
    /// The graph is made into plans.
    Emit,
    /// The tables of the outputs are opened and checked.
    OpenOutputs,
    /// The segments are planned and run.
    Execute,
    /// The outputs are checked.
    Check,
    /// The outputs are published.
    Commit,
    /// The run is recorded, and old records are deleted.
    Record,
    /// A query over published tables.
    Query,
}

impl Stage {
    /// Its name where times are told.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::CommitExtraction => "commit extraction",
            Self::Load => "load",
            Self::Session => "session",
            Self::History => "history",
            Self::Proofs => "proofs",
            Self::Resolve => "resolve",
            Self::FrontPasses => "front passes",
            Self::RewritePasses => "rewrite passes",
            Self::PlanPasses => "plan passes",
            Self::Verify => "verify",
            Self::Emit => "emit",
            Self::OpenOutputs => "open outputs",
            Self::Execute => "execute",
            Self::Check => "check",
            Self::Commit => "commit",
            Self::Record => "record",
            Self::Query => "query",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
