//! What DataFusion believes of rows, and is not to believe.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use datafusion::common::{DFSchemaRef, FunctionalDependencies, Result, plan_err};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

/// A schema without what is known of its rows.
pub(crate) fn without_dependencies(schema: &DFSchemaRef) -> Result<DFSchemaRef> {
    if schema.functional_dependencies().is_empty() {
        return Ok(Arc::clone(schema));
    }
    let schema = schema.as_ref().clone();
    Ok(Arc::new(schema.with_functional_dependencies(FunctionalDependencies::empty())?))
}

/// Passes rows on, and nothing that is known of them. It is not there when the plan is executed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ForgottenDependencies {
    input: Arc<LogicalPlan>,
    schema: DFSchemaRef,
}

impl ForgottenDependencies {
    /// The rows of this plan, of which nothing is known.
    ///
    /// # Errors
    /// When DataFusion refuses the schema.
    pub(crate) fn try_new(input: Arc<LogicalPlan>) -> Result<Self> {
        Ok(Self { schema: without_dependencies(input.schema())?, input })
    }
}

impl fmt::Debug for ForgottenDependencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForgottenDependencies")
    }
}

impl PartialOrd for ForgottenDependencies {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for ForgottenDependencies {
    fn name(&self) -> &'static str {
        "ForgottenDependencies"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        HashSet::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForgottenDependencies")
    }

    fn with_exprs_and_inputs(&self, _expressions: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        match <[LogicalPlan; 1]>::try_from(inputs) {
            Ok([input]) => Self::try_new(Arc::new(input)),
            Err(inputs) => plan_err!("ForgottenDependencies has one input, not {}", inputs.len()),
        }
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![output_columns.to_vec()])
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }
}
