//! One row for every element of a list.

use std::sync::Arc;

use datafusion::common::{Column, Result, ScalarValue, UnnestOptions, plan_err};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, Unnest as UnnestPlan, when};
use ir::op::Unnest;

use super::relational::{column, named, project};

/// The column is replaced in its place by its elements. DataFusion keeps a NULL list on request but never an
/// empty one, so empty lists become NULL first when they are to be kept.
pub(super) fn unnest(state: &SessionState, unnest: &Unnest, input: Arc<LogicalPlan>) -> Result<LogicalPlan> {
    let schema = Arc::clone(input.schema());
    let field = schema.field_with_unqualified_name(&unnest.column)?;
    if !field.data_type().is_list() {
        return plan_err!("`{}` is {} and not a list; only lists can be unnested", unnest.column, field.data_type());
    }
    let input = if unnest.keep_empty { Arc::new(empty_as_null(state, &unnest.column, input)?) } else { input };
    let options = UnnestOptions { preserve_nulls: unnest.keep_empty, recursions: Vec::new() };
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

fn empty_as_null(state: &SessionState, list: &str, input: Arc<LogicalPlan>) -> Result<LogicalPlan> {
    let Some(is_empty) = state.scalar_functions().get("empty") else {
        return plan_err!("the session has no function `empty`");
    };
    let schema = Arc::clone(input.schema());
    let columns = schema
        .fields()
        .iter()
        .map(|field| {
            let value = column(field.name());
            if field.name() != list {
                return Ok(value);
            }
            let null = Expr::Literal(ScalarValue::try_new_null(field.data_type())?, None);
            let is_empty = is_empty.call(vec![value.clone()]);
            Ok(when(is_empty.is_true(), null).otherwise(value)?.alias(list))
        })
        .collect::<Result<Vec<_>>>()?;
    project(columns, input)
}
