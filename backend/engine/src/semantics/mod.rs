//! What SQL means here where DataFusion means something else, or nothing.
//!
//! DataFusion 55.2 gives wrong rows for some queries, and has types that Delta tables do not. Typing, emission and
//! ad-hoc queries all plan SQL through this module, so what is wrong is put right in one place, before anything is
//! optimized:
//!
//! * calls of chance are computed at one place (`chance`);
//! * the syntax tree is rewritten where only it still knows what was written (`in_tree`);
//! * SQL types, operators next to numbers, and joins in parentheses are planned by planners of the session
//!   (`planners`);
//! * an expression is rewritten before its conversions are made explicit (`before_coercion`) and after
//!   (`after_coercion`); a whole query likewise (`query_before_analysis`, `query_after_analysis`);
//! * what DataFusion wrongly takes for a key of rows is forgotten, in every plan that is optimized (`dependencies`).
//!
//! Functions that stand in the place of DataFusion's are in `functions`; settings and rules that are switched off, in
//! the session. [`known::KNOWN`] lists every wrong result that is known, with the issue and what is done.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "plans and trees of DataFusion, of which few nodes are meant"
)]

pub(crate) mod chance;
mod copies;
mod dependencies;
mod determinism;
pub mod known;
mod literals;
mod merged_keys;
mod same_names;
mod subqueries;
mod time_zones;
mod types;
mod values;

pub(crate) use dependencies::{FalseDependencies, forgotten};
pub(crate) use determinism::of_plan;
pub(crate) use subqueries::is_query;
pub(crate) use values::mixed;

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DFSchema, Result};
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::planner::{ExprPlanner, RelationPlanner, TypePlanner};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan, Union};
use datafusion::sql::sqlparser::ast::VisitMut;

/// Adds the planners of this module to a session, and those that a program adds. Of expressions, those of DataFusion come
/// last.
pub(crate) fn planners(
    builder: SessionStateBuilder,
    added_of_expressions: Vec<Arc<dyn ExprPlanner>>,
    added_of_relations: Vec<Arc<dyn RelationPlanner>>,
) -> SessionStateBuilder {
    let mut expressions: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(literals::NumbersMeetOperands)];
    expressions.extend(added_of_expressions);
    expressions.extend(SessionStateDefaults::default_expr_planners());
    let mut relations: Vec<Arc<dyn RelationPlanner>> =
        vec![Arc::new(merged_keys::MergedKeys), Arc::new(dependencies::UnknownRows)];
    relations.extend(added_of_relations);
    builder
        .with_expr_planners(expressions)
        .with_relation_planners(relations)
        .with_type_planner(type_planner())
}

/// The planner of SQL types.
pub(crate) fn type_planner() -> Arc<dyn TypePlanner> {
    Arc::new(types::DeltaTypes)
}

/// What only the syntax tree still knows.
pub(crate) fn in_tree(tree: &mut impl VisitMut) -> Result<()> {
    literals::write_out_long_numbers(tree);
    same_names::told_apart(tree);
    merged_keys::enclose_merged_keys(tree)?;
    dependencies::enclose_relations(tree);
    Ok(())
}

/// An expression as it was planned from SQL, over columns of `schema`.
pub(crate) fn before_coercion(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(before(expr, schema)?.data)
}

fn before(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    literals::adapted(expr, schema)?
        .transform_data(time_zones::applied)?
        .transform_data(|expr| values::counted_in_seconds(expr, schema))?
        .transform_data(|expr| values::dated(expr, schema))?
        .transform_data(|expr| values::brought_together(expr, schema))
}

/// An expression whose conversions are explicit.
pub(crate) fn after_coercion(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(values::right(expr, schema)?.data)
}

/// A query as the SQL planner made it.
pub(crate) fn query_before_analysis(plan: LogicalPlan, state: &SessionState) -> Result<LogicalPlan> {
    let plan = match state.window_functions().get("row_number") {
        Some(row_number) => copies::counted(plan, row_number)?,
        None => plan,
    };
    let rewritten =
        in_nodes(chance::apart(plan)?, &|node| in_expressions(node, before)?.transform_data(mixed::in_node))?;
    Ok(rewritten.data)
}

/// A query whose conversions are explicit.
pub(crate) fn query_after_analysis(plan: LogicalPlan, state: &SessionState) -> Result<LogicalPlan> {
    let plan = in_nodes(plan, &|node| in_expressions(node, values::right))?.data;
    let plan = values::in_orders(plan)?;
    let plan = subqueries::rewritten(plan)?;
    subqueries::check(&plan, state)?;
    Ok(plan)
}

/// Rewrites every node of a plan after its inputs and subqueries.
fn in_nodes(
    plan: LogicalPlan,
    rewrite: &impl Fn(LogicalPlan) -> Result<Transformed<LogicalPlan>>,
) -> Result<Transformed<LogicalPlan>> {
    let below = plan
        .map_subqueries(|query| in_nodes(query, rewrite))?
        .transform_sibling(|node| node.map_children(|input| in_nodes(input, rewrite)))?;
    let own = rewrite(below.data)?;
    // What a node is of follows from its inputs and its expressions, and costs their number squared to find.
    let changed = below.transformed || own.transformed;
    if changed { Ok(Transformed::yes(retyped(own.data)?)) } else { Ok(own) }
}

/// Rewrites every expression of a node over the columns of its inputs. Columns keep their names and take their new types.
fn in_expressions(
    node: LogicalPlan,
    rewrite: impl Fn(Expr, &DFSchema) -> Result<Transformed<Expr>>,
) -> Result<Transformed<LogicalPlan>> {
    let schema = merge_schema(&node.inputs());
    let names = NamePreserver::new(&node);
    node.map_expressions(|expr| {
        if matches!(expr, Expr::Column(_)) {
            return Ok(Transformed::no(expr));
        }
        let name = names.save(&expr);
        Ok(rewrite(expr, &schema)?.update_data(|expr| name.restore(expr)))
    })
}

/// The node with the schema that its inputs and expressions give it.
fn retyped(node: LogicalPlan) -> Result<LogicalPlan> {
    match node {
        LogicalPlan::Union(union) => {
            let types_of = |plan: &LogicalPlan| -> Vec<_> {
                plan.schema().fields().iter().map(|field| field.data_type().clone()).collect()
            };
            let own: Vec<_> = union.schema.fields().iter().map(|field| field.data_type().clone()).collect();
            let mut inputs = union.inputs.iter().map(|input| types_of(input));
            // Inputs of different types are converted by DataFusion's analyzer.
            let common = inputs.next().filter(|first| inputs.all(|other| other == *first));
            match common {
                Some(common) if common != own => Ok(LogicalPlan::Union(Union::try_new(union.inputs)?)),
                _ => Ok(LogicalPlan::Union(union)),
            }
        }
        other => other.recompute_schema(),
    }
}
