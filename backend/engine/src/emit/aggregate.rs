//! Aggregations and window columns.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result, plan_err};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::utils::{
    find_aggregate_exprs, find_window_exprs, group_window_expr_by_sort_keys,
};
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, Window};
use ir::expr::NamedExprs;
use ir::op::Evaluation;

use super::expressions::expression;
use super::relational::{column_at, named, project};
use crate::semantics::chance;

/// One row per group. A measure may be any expression of aggregate calls and grouping columns: the calls go
/// into the aggregation, the rest into a projection above it.
pub(super) fn aggregate(
    state: &SessionState,
    group_by: &NamedExprs,
    measures: &NamedExprs,
    input: Arc<LogicalPlan>,
) -> Result<LogicalPlan> {
    let schema = Arc::clone(input.schema());
    let plan = |list: &NamedExprs, evaluation| {
        list.iter()
            .map(|named| expression(state, &named.expr, evaluation, &schema))
            .collect::<Result<Vec<_>>>()
    };
    let mut keys = plan(group_by, Evaluation::Scalar)?;
    let number_of_keys = keys.len();
    keys.extend(plan(measures, Evaluation::Aggregate)?);
    let (mut keys, input) = chance::below(keys, input)?;
    let results = keys.split_off(number_of_keys);
    let mut distinct_keys: Vec<Expr> = Vec::new();
    for key in &keys {
        if !distinct_keys.contains(key) {
            distinct_keys.push(key.clone());
        }
    }
    let calls = find_aggregate_exprs(&results);
    let computed: Vec<Expr> = distinct_keys.iter().chain(&calls).cloned().collect();
    let aggregate = LogicalPlan::Aggregate(Aggregate::try_new(input, with_own_names(distinct_keys), calls)?);
    let replacements = replacements(&computed, 0, &aggregate);

    let mut columns = Vec::with_capacity(keys.len() + results.len());
    for (result, output) in keys.iter().zip(group_by.iter()).chain(results.iter().zip(measures.iter())) {
        let column = replaced(result.clone(), &replacements)?;
        if let Some(stray) = stray_column(&column, &replacements)? {
            return plan_err!(
                "`{}` reads `{stray}` outside of an aggregate call, and `{stray}` is not grouped by",
                output.expr
            );
        }
        columns.push(named(column, &output.name));
    }
    project(columns, Arc::new(aggregate))
}

/// Keys of which no two have one name: to DataFusion a conversion has the name of what is converted.
fn with_own_names(keys: Vec<Expr>) -> Vec<Expr> {
    let mut names = HashSet::new();
    let own = |(index, key): (usize, Expr)| {
        let is_new = names.insert(key.schema_name().to_string());
        if is_new { key } else { key.alias(format!("__key_{index}")) }
    };
    keys.into_iter().enumerate().map(own).collect()
}

/// All columns of the input, then the window columns. A column may be any expression of window calls.
pub(super) fn window(
    state: &SessionState,
    columns: &NamedExprs,
    input: Arc<LogicalPlan>,
) -> Result<LogicalPlan> {
    let schema = Arc::clone(input.schema());
    let results = columns
        .iter()
        .map(|named| expression(state, &named.expr, Evaluation::Window, &schema))
        .collect::<Result<Vec<_>>>()?;
    let (results, input) = chance::below(results, input)?;
    let columns_of_input = input.schema().fields().len();
    // Calls with one sorting share a node; the finest sorting goes first, so that coarser ones can use it.
    let mut groups = group_window_expr_by_sort_keys(find_window_exprs(&results))?;
    groups.sort_by_key(|(keys, _)| keys.len());
    let mut plan = input;
    let mut computed = Vec::new();
    for (_, calls) in groups.into_iter().rev() {
        computed.extend(calls.iter().cloned());
        plan = Arc::new(LogicalPlan::Window(Window::try_new(calls, plan)?));
    }
    let replacements = replacements(&computed, columns_of_input, &plan);
    let mut output: Vec<Expr> = (0..schema.fields().len()).map(|index| column_at(&schema, index)).collect();
    for (result, column) in results.into_iter().zip(columns.iter()) {
        output.push(named(replaced(result, &replacements)?, &column.name));
    }
    project(output, plan)
}

/// What was computed, with the column that holds it: the columns of `plan` from `first` on, in order.
fn replacements(computed: &[Expr], first: usize, plan: &LogicalPlan) -> Vec<(Expr, Expr)> {
    let column = |index| column_at(plan.schema(), first + index);
    computed.iter().cloned().enumerate().map(|(index, expr)| (expr, column(index))).collect()
}

/// The expression with what was computed below replaced by its column.
fn replaced(expr: Expr, replacements: &[(Expr, Expr)]) -> Result<Expr> {
    let rewritten =
        expr.transform_down(|inner| match replacements.iter().find(|(computed, _)| *computed == inner) {
            Some((_, column)) => Ok(Transformed::new(column.clone(), true, TreeNodeRecursion::Jump)),
            None => Ok(Transformed::no(inner)),
        })?;
    Ok(rewritten.data)
}

/// A column in the expression that nothing below computes.
fn stray_column(expr: &Expr, replacements: &[(Expr, Expr)]) -> Result<Option<Column>> {
    let mut stray = None;
    expr.apply(|inner| {
        if let Expr::Column(column) = inner
            && !replacements.iter().any(|(_, known)| known == inner)
        {
            stray = Some(column.clone());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(stray)
}
