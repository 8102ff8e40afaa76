//! One row for every element of a list.

use std::sync::Arc;

use datafusion::common::{Column, NullHandling, Result, UnnestOptions, plan_err};
use datafusion::logical_expr::{LogicalPlan, Unnest as UnnestPlan};
use ir::op::Unnest;

use super::relational::{column, named, project};

/// The column is replaced in its place by its elements.
pub(super) fn unnest(unnest: &Unnest, input: Arc<LogicalPlan>) -> Result<LogicalPlan> {
    let schema = Arc::clone(input.schema());
    let field = schema.field_with_unqualified_name(&unnest.column)?;
    if !field.data_type().is_list() {
        return plan_err!(
            "`{}` is {} and not a list; only lists can be unnested",
            unnest.column,
            field.data_type()
        );
    }
    let null_handling =
        if unnest.keep_empty { NullHandling::PreserveAndExpandEmpty } else { NullHandling::Drop };
    let options = UnnestOptions { null_handling, recursions: Vec::new() };
    let list = Column::new_unqualified(&unnest.column);
    let plan = LogicalPlan::Unnest(UnnestPlan::try_new(input, vec![list], options)?);
    let Some(alias) = unnest.alias.as_ref().filter(|alias| **alias != unnest.column) else { return Ok(plan) };
    let output = schema
        .fields()
        .iter()
        .map(|field| {
            let name = if *field.name() == unnest.column { alias } else { field.name() };
            named(column(field.name()), name)
        })
        .collect();
    project(output, Arc::new(plan))
}
