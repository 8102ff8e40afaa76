//! Scans, filters, projections, unions and the removal of duplicates.
//!
//! Nodes are made by their own constructors and not by `LogicalPlanBuilder`, which walks the whole plan below to
//! qualify names: with it, emission would take time quadratic in the number of views.

#![expect(clippy::wildcard_enum_match_arm, reason = "plans and types of which few are meant")]

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::common::{Column, DFSchema, Result, TableReference, plan_err};
use datafusion::datasource::provider_as_source;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{
    Distinct, Expr, ExprSchemable as _, Filter, LogicalPlan, Projection, SubqueryAlias, TableScanBuilder,
    Union,
};
use ir::expr::{NamedExprs, ScalarExpr};
use ir::op::Evaluation;

use super::expressions::expression;
use crate::semantics::chance;

/// The column at a position of a schema, by its own, perhaps qualified, name.
pub(super) fn column_at(schema: &DFSchema, index: usize) -> Expr {
    Expr::Column(Column::from(schema.qualified_field(index)))
}

/// A column by its unqualified name, whatever characters it has.
pub(super) fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// `expr` under a name; itself where that is its name already.
pub(super) fn named(expr: Expr, name: &str) -> Expr {
    match &expr {
        Expr::Column(column) if column.relation.is_none() && column.name == name => expr,
        _ => expr.alias(name),
    }
}

pub(super) fn project(expressions: Vec<Expr>, input: Arc<LogicalPlan>) -> Result<LogicalPlan> {
    Ok(LogicalPlan::Projection(Projection::try_new(expressions, input)?))
}

/// The plan with unqualified columns, in order.
pub(super) fn unqualified(plan: LogicalPlan) -> Result<LogicalPlan> {
    let schema = Arc::clone(plan.schema());
    let mut seen = std::collections::HashSet::new();
    if let Some(twice) = schema.fields().iter().find(|field| !seen.insert(field.name())) {
        return plan_err!("two columns are named `{}`; give one of them another name with AS", twice.name());
    }
    if schema.iter().all(|(qualifier, _)| qualifier.is_none()) {
        return Ok(plan);
    }
    let columns = (0..schema.fields().len())
        .map(|index| column_at(&schema, index).alias(schema.field(index).name()))
        .collect();
    if !schema.functional_dependencies().is_empty() {
        return project(columns, Arc::new(plan));
    }
    // The columns as they are: DataFusion would look each of them up among all others.
    let fields = schema.fields().iter().map(|field| (None, Arc::clone(field))).collect();
    let unqualified = Arc::new(DFSchema::new_with_metadata(fields, schema.metadata().clone())?);
    let projection = Projection::try_new_with_schema(columns, Arc::new(plan), unqualified)?;
    Ok(LogicalPlan::Projection(projection))
}

/// A scan of `provider`; `name` is how plans show it.
pub(crate) fn scan(
    name: &str,
    provider: Arc<dyn TableProvider>,
    columns: Option<&[String]>,
) -> Result<LogicalPlan> {
    let schema = provider.schema();
    let projection = columns
        .map(|names| names.iter().map(|name| Ok(schema.index_of(name)?)).collect::<Result<Vec<_>>>())
        .transpose()?;
    let reference = TableReference::bare(name);
    let scan =
        TableScanBuilder::new(reference, provider_as_source(provider)).with_projection(projection).build()?;
    unqualified(LogicalPlan::TableScan(scan))
}

pub(super) fn filter(
    state: &SessionState,
    predicate: &ScalarExpr,
    input: Arc<LogicalPlan>,
) -> Result<LogicalPlan> {
    let predicate = expression(state, predicate, Evaluation::Scalar, input.schema())?;
    // A condition that is NULL in every row has no type of its own.
    let predicate = match predicate.get_type(input.schema())? {
        DataType::Null => predicate.cast_to(&DataType::Boolean, input.schema())?,
        _ => predicate,
    };
    chance::operation(LogicalPlan::Filter(Filter::try_new(predicate, input)?))
}

/// Computes columns from columns of the input. `scope` is a name that nothing else in the segment has.
///
/// DataFusion's optimizer takes a projection for a repetition of the one right below when both have the same
/// expressions, and drops one: `a * a AS a` over `a * a AS a` would be computed once. Projections come to lie upon each
/// other, and melt into one, when the filters between them move. So of two that compute something with nothing but
/// filters between, the upper reads a relation of its own, and its expressions are equal to no others.
pub(super) fn projection(
    state: &SessionState,
    columns: &NamedExprs,
    mut input: Arc<LogicalPlan>,
    scope: &str,
) -> Result<LogicalPlan> {
    let computes =
        columns.iter().any(|column| column.expr.as_column().as_deref() != Some(column.name.as_str()));
    if computes && may_melt(&input) {
        let scoped = SubqueryAlias::try_new(input, TableReference::bare(scope))?;
        input = Arc::new(LogicalPlan::SubqueryAlias(scoped));
    }
    let columns = columns
        .iter()
        .map(|column| {
            Ok(named(expression(state, &column.expr, Evaluation::Scalar, input.schema())?, &column.name))
        })
        .collect::<Result<Vec<_>>>()?;
    chance::operation(project(columns, input)?)
}

/// Whether a projection that computes something from columns without qualifiers lies on top of a plan, or below filters
/// and selections of columns.
fn may_melt(mut plan: &LogicalPlan) -> bool {
    loop {
        plan = match plan {
            LogicalPlan::Filter(filter) => filter.input.as_ref(),
            LogicalPlan::Projection(projection) => {
                let input = projection.input.as_ref();
                if matches!(input, LogicalPlan::Aggregate(_) | LogicalPlan::Window(_)) {
                    // It reads names that are made up there; nothing above can have its expressions.
                    return false;
                }
                let reads = |expr: &Expr| expr.column_refs().iter().any(|column| column.relation.is_none());
                if projection.expr.iter().any(|expr| !is_selection(expr)) && projection.expr.iter().any(reads)
                {
                    return true;
                }
                input
            }
            _ => return false,
        };
    }
}

/// Whether an expression is a column under its own name.
fn is_selection(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) => true,
        Expr::Alias(alias) => {
            matches!(alias.expr.as_ref(), Expr::Column(column) if column.name == alias.name)
        }
        _ => false,
    }
}

pub(super) fn union(inputs: Vec<Arc<LogicalPlan>>) -> Result<LogicalPlan> {
    Ok(LogicalPlan::Union(Union::try_new(inputs)?))
}

pub(super) fn distinct(input: Arc<LogicalPlan>) -> LogicalPlan {
    LogicalPlan::Distinct(Distinct::All(input))
}
