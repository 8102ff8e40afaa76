//! Functional dependencies that DataFusion claims and that do not hold.
//!
//! Aggregations say of their rows that the keys decide the other columns, and joins and projections pass it on. By that
//! DataFusion drops keys of ORDER BY and GROUP BY, DISTINCT, and joins with a side that is unique. But 55.2 claims too
//! much of two operators:
//!
//! * `unnest` passes on what holds of the rows before they are repeated;
//! * an aggregation by `a` and `c`, of rows in which `a` decides `b`, says that `a` alone decides all its rows
//!   (`aggregate_functional_dependencies`).
//!
//! So what holds of the rows below these operators is forgotten: a node without effect lies between. The planner of SQL
//! believes such claims too, before any rule runs: it adds columns to GROUP BY that the keys decide, and takes the
//! default frame of a window for one of rows. It sees no claims of what is in FROM ([`enclose_relations`]).

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::common::{DFSchema, Dependency, Result};
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::{Distinct, Expr, Extension, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;
use datafusion::sql::sqlparser::ast::{TableFactor, TableWithJoins, VisitMut, VisitorMut};
use ir::expr::walk;

use crate::operators::ForgottenDependencies;

/// Puts what is in FROM into parentheses, where [`UnknownRows`] plans it.
pub(super) fn enclose_relations(tree: &mut impl VisitMut) {
    let _ = walk::visit_mut(tree, &mut Enclosing);
}

struct Enclosing;

impl VisitorMut for Enclosing {
    type Break = ();

    fn post_visit_table_factor(&mut self, relation: &mut TableFactor) -> ControlFlow<()> {
        // What is lateral must be seen where it is joined.
        if matches!(
            relation,
            TableFactor::Table { args: None, .. } | TableFactor::Derived { lateral: false, .. }
        ) {
            let inner = std::mem::replace(relation, super::merged_keys::nothing());
            let joins = Box::new(TableWithJoins { relation: inner, joins: Vec::new() });
            *relation = TableFactor::NestedJoin { table_with_joins: joins, alias: None };
        }
        ControlFlow::Continue(())
    }
}

/// Plans a relation in parentheses as one of whose rows nothing is known.
#[derive(Debug)]
pub(super) struct UnknownRows;

impl RelationPlanner for UnknownRows {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        match relation {
            TableFactor::NestedJoin { table_with_joins, alias: None }
                if table_with_joins.joins.is_empty() =>
            {
                let plan = context.plan(table_with_joins.relation)?;
                // A correlated subquery cannot be joined from below such a node.
                let is_correlated = !plan.all_out_ref_exprs().is_empty();
                let plan = if is_correlated { plan } else { forgotten(Arc::new(plan))? };
                Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, None))))
            }
            other => Ok(RelationPlanning::Original(Box::new(other))),
        }
    }
}

/// An analyzer rule: no operator claims dependencies that do not hold.
#[derive(Debug)]
pub(crate) struct FalseDependencies;

impl AnalyzerRule for FalseDependencies {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        super::in_nodes(plan, &|node| {
            if !misleads(&node) {
                return Ok(Transformed::no(node));
            }
            node.map_children(|input| forgotten(Arc::new(input)).map(Transformed::yes))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "false_dependencies"
    }
}

/// The rows of a plan, of which nothing is known.
pub(crate) fn forgotten(input: Arc<LogicalPlan>) -> Result<LogicalPlan> {
    if input.schema().functional_dependencies().is_empty() {
        return Ok(Arc::unwrap_or_clone(input));
    }
    let node = ForgottenDependencies::try_new(input)?;
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}

/// Whether an operator makes of what is known of its input a claim that does not hold.
fn misleads(node: &LogicalPlan) -> bool {
    let names = |keys: &[Expr]| keys.iter().map(|key| key.schema_name().to_string()).collect();
    match node {
        LogicalPlan::Unnest(unnest) => !unnest.input.schema().functional_dependencies().is_empty(),
        LogicalPlan::Aggregate(aggregate) => {
            groups_decided(aggregate.input.schema(), || names(&aggregate.group_expr))
        }
        // The optimizer makes aggregations of them.
        LogicalPlan::Distinct(Distinct::All(input)) => {
            groups_decided(input.schema(), || input.schema().field_names())
        }
        LogicalPlan::Distinct(Distinct::On(distinct)) => {
            groups_decided(distinct.input.schema(), || names(&distinct.on_expr))
        }
        _ => false,
    }
}

/// Whether some of the names of keys decide others, but not all of them.
fn groups_decided(input: &DFSchema, keys: impl FnOnce() -> Vec<String>) -> bool {
    let dependencies = input.functional_dependencies();
    if dependencies.iter().all(|dependency| dependency.mode == Dependency::Single) {
        return false;
    }
    let (keys, fields) = (keys(), input.field_names());
    dependencies.iter().filter(|dependency| dependency.mode == Dependency::Multi).any(|dependency| {
        let in_keys = |index: &usize| fields.get(*index).is_some_and(|name| keys.contains(name));
        let decided = |key: &String| {
            let mut indices = dependency.source_indices.iter().chain(&dependency.target_indices);
            indices.any(|index| fields.get(*index) == Some(key))
        };
        dependency.source_indices.iter().all(in_keys) && !keys.iter().all(decided)
    })
}
