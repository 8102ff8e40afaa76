//! Calls that give another value each time: `random()`, `uuid()`.
//!
//! DataFusion's rules treat them as any other call. A condition without columns is moved below aggregations, windows,
//! joins and `unnest`, where it drops rows instead of groups, or all matches of a row at once; `x BETWEEN a AND b`,
//! `coalesce(x, y)` and comparisons with subqueries are written out with `x` several times, each time another value. Here
//! every such call becomes a column of a projection right below the operator that has it:
//!
//! ```text
//! Filter: random() BETWEEN 0.2 AND 0.4        Projection: id
//!   t                                    ->     Filter: __chance BETWEEN 0.2 AND 0.4
//!                                                 Projection: id, random() AS __chance
//!                                                   t
//! ```
//!
//! No rule computes such a column twice or moves what reads it below its projection. A call in the condition of a join
//! would be computed for every pair of rows, or for every row of one side, as the planner likes; it is refused.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Projection, Volatility};

use crate::error::NotComputed;

/// What the columns are called, followed by a number.
const NAME: &str = "__chance";

/// The plan of a query, as the SQL planner made it, with such calls in projections of their own.
pub(super) fn apart(plan: LogicalPlan) -> Result<LogicalPlan> {
    if !has_calls_inside(&plan) {
        return Ok(plan);
    }
    let in_nodes =
        |node: LogicalPlan| if has_calls(&node)? { in_node(node) } else { Ok(Transformed::no(node)) };
    Ok(plan.transform_up_with_subqueries(in_nodes)?.data)
}

/// An operation whose expressions were planned apart from it. The columns of the result are those of the operation.
pub(crate) fn operation(node: LogicalPlan) -> Result<LogicalPlan> {
    if has_calls(&node)? { Ok(in_node(node)?.data) } else { Ok(node) }
}

/// Expressions over the columns of `input`, with such calls replaced by columns, and the input that has them, behind
/// those it has already.
pub(crate) fn below(exprs: Vec<Expr>, input: Arc<LogicalPlan>) -> Result<(Vec<Expr>, Arc<LogicalPlan>)> {
    taken_out(exprs, input, false)
}

fn taken_out(
    exprs: Vec<Expr>,
    input: Arc<LogicalPlan>,
    equal_are_one: bool,
) -> Result<(Vec<Expr>, Arc<LogicalPlan>)> {
    let mut calls = Calls::over(input.schema(), equal_are_one);
    let exprs = exprs.into_iter().map(|expr| calls.taken_out(expr)).collect::<Result<Vec<_>>>()?;
    if calls.found.is_empty() {
        return Ok((exprs, input));
    }
    let columns = columns(input.schema()).chain(calls.found).collect();
    Ok((exprs, Arc::new(LogicalPlan::Projection(Projection::try_new(columns, input)?))))
}

fn columns(schema: &DFSchema) -> impl Iterator<Item = Expr> {
    schema.columns().into_iter().map(Expr::Column)
}

/// Whether an operator has such a call in its expressions, or a subquery that has one.
fn has_calls(node: &LogicalPlan) -> Result<bool> {
    has(node, is_call)
}

fn has(node: &LogicalPlan, is_meant: impl Fn(&Expr) -> bool) -> Result<bool> {
    let mut found = false;
    node.apply_expressions(|expr| {
        found |= expr.exists(|inner| Ok(is_meant(inner)))?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Whether an expression has another value each time it is computed; its parts are not looked at, but for subqueries.
fn is_call(expr: &Expr) -> bool {
    match expr {
        Expr::ScalarSubquery(subquery) => {
            subquery.outer_ref_columns.is_empty() && has_calls_inside(&subquery.subquery)
        }
        other => is_volatile(other),
    }
}

fn is_volatile(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if call.func.signature().volatility == Volatility::Volatile)
}

/// Whether an operator of a plan, or of a subquery in it, has such a call.
fn has_calls_inside(plan: &LogicalPlan) -> bool {
    let mut found = false;
    let walked = plan.apply_with_subqueries(|node| {
        found |= has(node, is_volatile)?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found || walked.is_err()
}

fn in_node(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    match node {
        LogicalPlan::Filter(filter) => Ok(Transformed::yes(in_filter(filter)?)),
        // The names of their columns are made of the whole sets; an aggregation computes its keys once anyway.
        LogicalPlan::Aggregate(aggregate)
            if aggregate.group_expr.iter().any(|key| matches!(key, Expr::GroupingSet(_))) =>
        {
            Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)))
        }
        LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_) => Ok(Transformed::yes(replaced(node)?)),
        LogicalPlan::Sort(_) | LogicalPlan::Window(_) => {
            let output = Arc::clone(node.schema());
            let node = replaced(node)?;
            // The columns of a window come behind all of its input.
            let own = output.columns().into_iter().map(Expr::Column).collect();
            Ok(Transformed::yes(LogicalPlan::Projection(Projection::try_new(own, Arc::new(node))?)))
        }
        LogicalPlan::Join(_) => NotComputed::error(
            "a function that gives another value each time, such as random(), is not possible in the condition of a join: \
             it is not said how often it is computed; compute it as a column of one side, and compare that",
        ),
        other => Ok(Transformed::no(other)),
    }
}

/// Conjuncts without such calls stay below, where they can be moved.
fn in_filter(filter: Filter) -> Result<LogicalPlan> {
    let output: Vec<Expr> = columns(filter.input.schema()).collect();
    let mut input = filter.input;
    let mut with_calls = Vec::new();
    let mut without = Vec::new();
    for conjunct in split_conjunction_owned(filter.predicate) {
        let has = conjunct.exists(|inner| Ok(is_call(inner)))?;
        if has { with_calls.push(conjunct) } else { without.push(conjunct) }
    }
    if let Some(predicate) = conjunction(without) {
        input = Arc::new(LogicalPlan::Filter(Filter::try_new(predicate, input)?));
    }
    let (with_calls, mut input) = below(with_calls, input)?;
    if let Some(predicate) = conjunction(with_calls) {
        input = Arc::new(LogicalPlan::Filter(Filter::try_new(predicate, input)?));
    }
    Ok(LogicalPlan::Projection(Projection::try_new(output, input)?))
}

/// An operator of one input, over columns in the place of calls. Its own columns keep their names.
fn replaced(node: LogicalPlan) -> Result<LogicalPlan> {
    let [input] = node.inputs()[..] else { return Ok(node) };
    let input = Arc::new(input.clone());
    let names = NamePreserver::new(&node);
    let (names, exprs): (Vec<_>, Vec<_>) =
        node.expressions().into_iter().map(|expr| (names.save(&expr), expr)).unzip();
    // The calls over one window share its order, and with it what chance decides there.
    let (exprs, input) = taken_out(exprs, input, matches!(node, LogicalPlan::Window(_)))?;
    let exprs = names.into_iter().zip(exprs).map(|(name, expr)| name.restore(expr)).collect();
    let input = Arc::unwrap_or_clone(input);
    if let LogicalPlan::Projection(_) = &node {
        return Ok(LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(input))?));
    }
    node.with_new_exprs(exprs, vec![input])
}

/// Calls that were taken out of expressions.
struct Calls {
    /// The names of columns that are there.
    taken: HashSet<String>,
    /// Each with its name.
    found: Vec<Expr>,
    /// The names of those that stand for all equal calls.
    known: Option<Vec<(Expr, String)>>,
}

impl Calls {
    fn over(schema: &DFSchema, equal_are_one: bool) -> Self {
        let taken = schema.fields().iter().map(|field| field.name().clone()).collect();
        Self { taken, found: Vec::new(), known: equal_are_one.then(Vec::new) }
    }

    /// Functions over the elements of lists stay whole: they are computed element by element.
    fn taken_out(&mut self, expr: Expr) -> Result<Expr> {
        let replaced = expr.transform_down(|inner| {
            if matches!(inner, Expr::HigherOrderFunction(_) | Expr::Lambda(_)) {
                return Ok(Transformed::new(inner, false, TreeNodeRecursion::Jump));
            }
            if !is_call(&inner) || inner.contains_outer() {
                return Ok(Transformed::no(inner));
            }
            let column = Expr::Column(Column::new_unqualified(self.name_of(inner)));
            Ok(Transformed::new(column, true, TreeNodeRecursion::Jump))
        })?;
        Ok(replaced.data)
    }

    /// The column that a call becomes.
    fn name_of(&mut self, call: Expr) -> String {
        let known = self.known.iter().flatten().find(|(known, _)| *known == call);
        if let Some((_, name)) = known {
            return name.clone();
        }
        let mut number = self.found.len();
        let mut name = NAME.to_owned();
        while !self.taken.insert(name.clone()) {
            number += 1;
            name = format!("{NAME}{number}");
        }
        if let Some(known) = &mut self.known {
            known.push((call.clone(), name.clone()));
        }
        self.found.push(call.alias(&name));
        name
    }
}
