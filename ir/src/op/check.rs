//! What must hold before anything is published: the tops of assertions, and the rows of an output that they look at.

use serde::{Deserialize, Serialize};

/// What happens when rows fail an assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionSeverity {
    /// The run publishes, and says so.
    Warn,
    /// The run publishes nothing.
    Error,
}

/// Counts its input: the rows that fail an assertion, which the nodes below it find. Like a sink it is the top of a segment
/// and read by nobody.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The name of the assertion, unique in its subject.
    pub assertion: String,
    /// Of what it is asserted, as `view x`, `input x` or `output x`.
    pub subject: String,
    /// What is asserted, for people: `unique: id`.
    pub rule: String,
    /// What happens when there are such rows.
    pub severity: AssertionSeverity,
}

/// The table of a sink as it will be: with the rows that the sink writes and, where it appends, those that are there. It
/// reads a sink, which nothing else does, and has rows once the sink has written them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// The columns that are read; all of them if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
}
