//! Subqueries as conditions and as values: `IN`, `EXISTS`, `= ANY`, `> ALL`.
//!
//! DataFusion makes semi and anti joins of those that are conjuncts of a filter, and of others marks that know true and
//! false only. So `3 NOT IN (SELECT ...)` over a NULL, every correlated `NOT IN`, and `x IN (SELECT ...)` as a column or
//! below `OR` are wrong or refused (apache/datafusion#25338, #25340, #25347); a subquery that aggregates gives no row
//! where it must give one (the count bug, #10553); `OFFSET` in a correlated `EXISTS` is dropped. Here
//!
//! | written | becomes |
//! |---|---|
//! | `x IN (S)` | `CASE WHEN mark(x = s) THEN true WHEN mark(s IS NULL) OR x IS NULL AND mark(any) THEN NULL ELSE false END` |
//! | `x > ANY (S)` | the same with `x > s` |
//! | `x > ALL (S)` | `NOT (x <= ANY (S))` |
//! | `EXISTS (S)` | `mark(any)` |
//! | any of them where `S` is one row of aggregates | a comparison with a scalar subquery, which DataFusion does right |
//!
//! `mark(c)` is the column of a left mark join with `S` ([`marks`]): whether a row of `S` satisfies `c`. What DataFusion
//! gets right it keeps: see [`is_right`].

mod marks;
mod shape;

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    BinaryExpr, Case, Expr, ExprSchemable as _, Filter, Join, JoinType, LogicalPlan, LogicalPlanBuilder,
    Operator, Projection, Subquery, lit, not,
};

use ir::determinism::Determinism;

use crate::error::NotComputed;
use crate::semantics::of_plan;
use marks::Marks;
use shape::Shape;

/// Why a subquery is refused.
const NOT_JOINED: &str = "this subquery refers to the outer query from where it cannot be joined to it (below LIMIT, UNION, \
    EXCEPT, ORDER BY, a window, or an aggregate with a comparison other than =); write a view that holds the compared \
    columns, and join with it";

/// Why a subquery is refused whose rows are wanted twice. One that does not refer to the outer query is a node of its own
/// by then.
const COMPARED_TWICE: &str = "this subquery gives other rows each time it is computed, and has to be computed more than once for \
    each row of the outer query, since NULL may be among the values; write a view that holds the compared columns, and \
    join with it";

/// Whether an expression is a subquery.
pub(crate) fn is_query(expr: &Expr) -> bool {
    matches!(expr, Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) | Expr::ScalarSubquery(_))
}

/// The analyzed plan of a query with its subqueries as joins, where DataFusion would get them wrong.
pub(super) fn rewritten(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut marks = Marks::default();
    Ok(plan.transform_up_with_subqueries(|node| in_node(node, &mut marks))?.data)
}

fn in_node(node: LogicalPlan, marks: &mut Marks) -> Result<Transformed<LogicalPlan>> {
    let mut found = false;
    node.apply_expressions(|expr| {
        found |= expr.exists(|inner| Ok(is_condition(inner)))?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    if !found {
        return Ok(Transformed::no(node));
    }
    match node {
        LogicalPlan::Filter(filter) => in_filter(filter, marks),
        LogicalPlan::Join(join) => in_join(join, marks),
        LogicalPlan::Projection(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Window(_) => in_expressions(node, marks),
        other => NotComputed::error(format!(
            "a subquery with IN, EXISTS, ANY or ALL is not possible here ({}); compute it as a column of a subquery in \
             FROM and use the column",
            other.display()
        )),
    }
}

/// Whether an expression is a subquery that is a condition.
fn is_condition(expr: &Expr) -> bool {
    matches!(expr, Expr::InSubquery(_) | Expr::Exists(_) | Expr::SetComparison(_))
}

/// Conjuncts that DataFusion gets right stay, the others use marks.
fn in_filter(filter: Filter, marks: &mut Marks) -> Result<Transformed<LogicalPlan>> {
    let conjuncts = split_conjunction_owned(filter.predicate);
    let schema = Arc::clone(filter.input.schema());
    let mut input = Arc::unwrap_or_clone(filter.input);
    let mut kept = Vec::with_capacity(conjuncts.len());
    let mut changed = false;
    for conjunct in conjuncts {
        if is_right(&conjunct) || !conjunct.exists(|inner| Ok(is_condition(inner)))? {
            kept.push(conjunct);
            continue;
        }
        kept.push(values(conjunct, &schema, &mut input, marks)?);
        changed = true;
    }
    let Some(predicate) = conjunction(kept) else { return Ok(Transformed::no(input)) };
    let filtered = LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(input))?);
    if !changed {
        return Ok(Transformed::no(filtered));
    }
    Ok(Transformed::yes(LogicalPlanBuilder::from(filtered).project(columns(&schema))?.build()?))
}

/// An inner join with a condition is a filter over a product, which is made a join again by the optimizer.
fn in_join(mut join: Join, marks: &mut Marks) -> Result<Transformed<LogicalPlan>> {
    let filter = join.filter.take();
    match filter {
        Some(predicate) if join.join_type == JoinType::Inner => {
            let joined = Arc::new(LogicalPlan::Join(join));
            in_filter(Filter::try_new(predicate, joined)?, marks)
        }
        _ => NotComputed::error(
            "a subquery with IN, EXISTS, ANY or ALL is not possible in the condition of an outer join; compute it as a \
             column of a subquery in FROM and use the column",
        ),
    }
}

fn columns(schema: &DFSchema) -> Vec<Expr> {
    schema.columns().into_iter().map(Expr::Column).collect()
}

/// Any node whose own columns come after those of its input, or instead of them. Its columns keep their names.
fn in_expressions(node: LogicalPlan, marks: &mut Marks) -> Result<Transformed<LogicalPlan>> {
    let inputs = node.inputs();
    let [input] = inputs.as_slice() else { return plan_err!("a subquery in an operation without one input") };
    let mut input = (*input).clone();
    let schema = Arc::clone(input.schema());
    let output = Arc::clone(node.schema());
    let names = NamePreserver::new(&node);
    let mut expressions = Vec::new();
    for expr in node.expressions() {
        let name = names.save(&expr);
        expressions.push(name.restore(values(expr, &schema, &mut input, marks)?));
    }
    if let LogicalPlan::Projection(_) = &node {
        return Ok(Transformed::yes(LogicalPlan::Projection(Projection::try_new(
            expressions,
            Arc::new(input),
        )?)));
    }
    // The marks come after the columns of the input; behind them come those of a window.
    let passes_on = matches!(node, LogicalPlan::Sort(_) | LogicalPlan::Window(_));
    let more = input.schema().fields().len() - schema.fields().len();
    let node = node.with_new_exprs(expressions, vec![input])?;
    let restored = output.iter().enumerate().map(|(index, (qualifier, field))| {
        let behind = passes_on && index >= schema.fields().len();
        let at = index + if behind { more } else { 0 };
        let column = Expr::Column(node.schema().qualified_field(at).into());
        column.alias_qualified(qualifier.cloned(), field.name())
    });
    let restored = restored.collect::<Vec<_>>();
    Ok(Transformed::yes(LogicalPlanBuilder::from(node).project(restored)?.build()?))
}

/// Whether DataFusion gets a conjunct of a filter right: it makes a semi or an anti join of it.
fn is_right(conjunct: &Expr) -> bool {
    match conjunct {
        Expr::Not(inner) => match inner.as_ref() {
            Expr::InSubquery(membership) => is_right_membership(membership, !membership.negated),
            Expr::Exists(exists) => is_right_existence(&exists.subquery),
            _ => false,
        },
        Expr::InSubquery(membership) => is_right_membership(membership, membership.negated),
        Expr::Exists(exists) => is_right_existence(&exists.subquery),
        _ => false,
    }
}

fn is_right_membership(membership: &InSubquery, negated: bool) -> bool {
    let subquery = &membership.subquery;
    let correlated = !subquery.outer_ref_columns.is_empty();
    let constant = membership.expr.column_refs().is_empty();
    let nested = membership.expr.exists(|inner| Ok(is_condition(inner))).unwrap_or(true);
    !nested && !(correlated && (negated || shape::counts_rows(&subquery.subquery))) && !(negated && constant)
}

fn is_right_existence(subquery: &Subquery) -> bool {
    let correlated = !subquery.outer_ref_columns.is_empty();
    !correlated || !shape::counts_rows(&subquery.subquery)
}

/// Refuses a query with a subquery that DataFusion cannot join to the query around it, so that this is said where the
/// query is typed. Queries without subqueries are not looked at.
pub(super) fn check(plan: &LogicalPlan, state: &SessionState) -> Result<()> {
    if !has_correlated_subquery(plan)? {
        return Ok(());
    }
    let left = match state.optimize(plan) {
        Ok(optimized) => has_correlated_subquery(&optimized)?,
        // The rules that join subqueries fail for some of those they cannot join.
        Err(_) => true,
    };
    if left { NotComputed::error(NOT_JOINED) } else { Ok(()) }
}

fn has_correlated_subquery(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            found |= expr.exists(|inner| {
                Ok(match inner {
                    Expr::ScalarSubquery(subquery) => !subquery.outer_ref_columns.is_empty(),
                    Expr::InSubquery(InSubquery { subquery, .. })
                    | Expr::Exists(Exists { subquery, .. })
                    | Expr::SetComparison(SetComparison { subquery, .. }) => {
                        !subquery.outer_ref_columns.is_empty()
                    }
                    _ => false,
                })
            })?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// The expression with its subqueries replaced by columns that are joined to `input`.
fn values(expr: Expr, schema: &DFSchema, input: &mut LogicalPlan, marks: &mut Marks) -> Result<Expr> {
    let replaced = expr.transform_up(|expr| match expr {
        Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
            let value = compared(*expr, Operator::Eq, &subquery, schema, input, marks)?;
            Ok(Transformed::yes(if negated { not(value) } else { value }))
        }
        Expr::Exists(Exists { subquery, negated }) => {
            let value = exists(&subquery, input, marks)?;
            Ok(Transformed::yes(if negated { not(value) } else { value }))
        }
        Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) => {
            let value = match (quantifier, op.negate()) {
                (SetQuantifier::Any, _) => compared(*expr, op, &subquery, schema, input, marks)?,
                (SetQuantifier::All, Some(opposite)) => {
                    not(compared(*expr, opposite, &subquery, schema, input, marks)?)
                }
                (SetQuantifier::All, None) => {
                    return plan_err!("`{op} ALL` is not possible; there are =, <> and < to >=");
                }
            };
            Ok(Transformed::yes(value))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(replaced.data)
}

/// `expr op ANY (subquery)`.
fn compared(
    expr: Expr,
    op: Operator,
    subquery: &Subquery,
    schema: &DFSchema,
    input: &mut LogicalPlan,
    marks: &mut Marks,
) -> Result<Expr> {
    let comparison =
        |right: Expr| Expr::BinaryExpr(BinaryExpr::new(Box::new(expr.clone()), op, Box::new(right)));
    match Shape::of(&subquery.subquery) {
        Shape::Row => return Ok(comparison(Expr::ScalarSubquery(subquery.clone()))),
        Shape::FilteredRow { unfiltered, predicate } => {
            let kept = scalar(subquery, predicate).is_true();
            let value = comparison(scalar(subquery, unfiltered));
            return Ok(case(vec![(kept, value)], lit(false)));
        }
        Shape::Other => {}
    }
    if is_null(&expr) {
        let null = lit(ScalarValue::Boolean(None));
        return Ok(case(vec![(marks.mark(input, subquery, None)?, null)], lit(false)));
    }
    let (_, field) = subquery.subquery.schema().qualified_field(0);
    let value_is_nullable = field.is_nullable();
    let correlated = !subquery.outer_ref_columns.is_empty();
    if correlated
        && (value_is_nullable || expr.nullable(schema)?)
        && of_plan(&subquery.subquery)? >= Determinism::OrderDependent
    {
        return NotComputed::error(COMPARED_TWICE);
    }
    let found = marks.mark(input, subquery, Some(&comparison))?;
    let mut unknown = Vec::new();
    if value_is_nullable {
        unknown.push(marks.mark(input, subquery, Some(&|value: Expr| value.is_null()))?);
    }
    if expr.nullable(schema)? {
        unknown.push(expr.clone().is_null().and(marks.mark(input, subquery, None)?));
    }
    let null = lit(ScalarValue::Boolean(None));
    let mut whens = vec![(found.clone(), lit(true))];
    whens.extend(unknown.into_iter().reduce(Expr::or).map(|unknown| (unknown, null)));
    Ok(if whens.len() == 1 { found } else { case(whens, lit(false)) })
}

/// Whether an expression is the constant NULL.
fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => value.is_null(),
        Expr::Cast(cast) => is_null(&cast.expr),
        Expr::Alias(alias) => is_null(&alias.expr),
        _ => false,
    }
}

fn exists(subquery: &Subquery, input: &mut LogicalPlan, marks: &mut Marks) -> Result<Expr> {
    match Shape::of(&subquery.subquery) {
        Shape::Row => Ok(lit(true)),
        Shape::FilteredRow { predicate, .. } => Ok(scalar(subquery, predicate).is_true()),
        Shape::Other => marks.mark(input, subquery, None),
    }
}

/// Another plan as a scalar subquery with the same outer columns.
fn scalar(subquery: &Subquery, plan: Arc<LogicalPlan>) -> Expr {
    Expr::ScalarSubquery(subquery.with_plan(plan))
}

fn case(whens: Vec<(Expr, Expr)>, otherwise: Expr) -> Expr {
    Expr::Case(Case {
        expr: None,
        when_then_expr: whens.into_iter().map(|(when, then)| (Box::new(when), Box::new(then))).collect(),
        else_expr: Some(Box::new(otherwise)),
    })
}
