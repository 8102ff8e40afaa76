//! What was checked before anything was published.

use engine::{AssertionOutcome, GraphCheck};
use ir::op::AssertionSeverity;
use serde::{Deserialize, Serialize};

/// A rule of code property graphs that was checked before an output was published, and holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// The output.
    pub output: String,
    /// The rule.
    pub rule: String,
    /// True: a run whose tables break a rule publishes nothing.
    pub holds: bool,
}

impl From<&GraphCheck> for CheckRecord {
    fn from(check: &GraphCheck) -> Self {
        Self { output: check.output.clone(), rule: check.rule.to_owned(), holds: true }
    }
}

/// An assertion that was evaluated. Rows that failed it are not kept, since they are data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssertionRecord {
    /// Its name.
    pub assertion: String,
    /// Of what it is asserted, as `view x`, `input x` or `output x`.
    pub subject: String,
    /// What is asserted, as `unique: id`.
    pub rule: String,
    /// What happens when rows fail.
    pub severity: AssertionSeverity,
    /// How many rows fail; of `unique`, how many keys several rows have.
    pub failures: u64,
    /// The time to plan and run what finds them.
    pub seconds: f64,
}

impl From<&AssertionOutcome> for AssertionRecord {
    fn from(outcome: &AssertionOutcome) -> Self {
        let check = &outcome.assertion;
        Self {
            assertion: check.assertion.clone(),
            subject: check.subject.clone(),
            rule: check.rule.clone(),
            severity: check.severity,
            failures: outcome.failures,
            seconds: outcome.time.as_secs_f64(),
        }
    }
}
