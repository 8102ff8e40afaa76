//! The top of an assertion: the rows of its input fail it.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use datafusion::common::{DFSchemaRef, Result, plan_err};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

/// Counts its input. What is counted for whom says its segment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CheckNode {
    check: String,
    input: Arc<LogicalPlan>,
}

impl CheckNode {
    /// The node of the check of this name.
    #[must_use]
    pub fn new(check: &str, input: Arc<LogicalPlan>) -> Self {
        Self { check: check.to_owned(), input }
    }

    /// The name of the check.
    pub(crate) fn check(&self) -> &str {
        &self.check
    }
}

impl fmt::Debug for CheckNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Check({})", self.check)
    }
}

impl PartialOrd for CheckNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for CheckNode {
    fn name(&self) -> &'static str {
        "Check"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Check: {}", self.check)
    }

    fn with_exprs_and_inputs(&self, _expressions: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        match <[LogicalPlan; 1]>::try_from(inputs) {
            Ok([input]) => Ok(Self::new(&self.check, Arc::new(input))),
            Err(inputs) => plan_err!("Check has one input, not {}", inputs.len()),
        }
    }
}
