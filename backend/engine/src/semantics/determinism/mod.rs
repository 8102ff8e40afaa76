//! How far the rows of a plan are decided by its inputs.
//!
//! Read off the analyzed plan of one operation, subqueries included. What is known to be insensitive to the order of its
//! input is listed here; everything else that looks at several rows counts as dependent on it. Whether keys are unique
//! is never known, so row numbers are order-dependent unless they are numbered by all columns there are.

#![expect(clippy::wildcard_enum_match_arm, reason = "plans and expressions of which few are meant")]

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr::{AggregateFunction, Sort as SortKey, WindowFunction};
use datafusion::logical_expr::{
    Distinct, Expr, ExprSchemable, FetchType, Limit, LogicalPlan, SkipType, Volatility, WindowFrame,
    WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};
use ir::determinism::Determinism::{self, Deterministic, NonAssociative, OrderDependent, Volatile};

use super::is_query;
use crate::operators::{ForgottenDependencies, SpanJoinNode};

/// Aggregate functions that give the same value for every order of their rows.
const EXACT: [&str; 15] = [
    "arg_max",
    "arg_min",
    "array_agg_sorted",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "c3_linearize",
    "count",
    "count_if",
    "grouping",
    "max",
    "min",
    "regr_count",
];
/// Those that pick values in their middle, whatever the order.
const QUANTILES: [&str; 2] = ["median", "percentile_cont"];
/// Aggregate functions that add floating-point numbers up or approximate, whatever they are given.
const ROUNDED: [&str; 20] = [
    "approx_distinct",
    "approx_median",
    "approx_percentile_cont",
    "approx_percentile_cont_with_weight",
    "corr",
    "covar_pop",
    "covar_samp",
    "regr_avgx",
    "regr_avgy",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "var",
    "var_pop",
    "var_samp",
];
/// Aggregate functions that are exact for whole numbers and decimals.
const SUMS: [&str; 2] = ["avg", "sum"];
/// Window functions that give equal values to rows with equal keys.
const PEER_RANKS: [&str; 4] = ["cume_dist", "dense_rank", "percent_rank", "rank"];
/// Window functions that take a value from a row of the frame.
const FRAME_VALUES: [&str; 3] = ["first_value", "last_value", "nth_value"];

/// The level of a plan, taking the rows of its leaves as given.
pub(crate) fn of_plan(plan: &LogicalPlan) -> Result<Determinism> {
    let mut level = Deterministic;
    plan.apply_with_subqueries(|inner| {
        level = level.max(of_operator(inner)?);
        for expr in inner.expressions() {
            level = level.max(of_expression(&expr, inner)?);
        }
        Ok(if level == Volatile { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(level)
}

/// The level of one operator without its expressions.
fn of_operator(plan: &LogicalPlan) -> Result<Determinism> {
    Ok(match plan {
        LogicalPlan::Limit(limit) => of_limit(limit)?,
        LogicalPlan::Distinct(Distinct::On(distinct)) => {
            let keys = distinct.sort_expr.iter().flatten().map(|key| &key.expr);
            determined_by(&distinct.select_expr, distinct.on_expr.iter().chain(keys))
        }
        LogicalPlan::Sort(sort) if sort.fetch.is_some() => OrderDependent,
        LogicalPlan::TableScan(scan) if scan.fetch.is_some() => OrderDependent,
        LogicalPlan::Extension(extension)
            if extension.node.as_any().is::<SpanJoinNode>()
                || extension.node.as_any().is::<ForgottenDependencies>() =>
        {
            Deterministic
        }
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::TableScan(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::Distinct(Distinct::All(_))
        | LogicalPlan::Unnest(_)
        | LogicalPlan::RecursiveQuery(_) => Deterministic,
        LogicalPlan::Extension(_)
        | LogicalPlan::Statement(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::Dml(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Copy(_)
        | LogicalPlan::DescribeTable(_) => OrderDependent,
    })
}

fn of_limit(limit: &Limit) -> Result<Determinism> {
    let takes_all = matches!(limit.get_skip_type()?, SkipType::Literal(0))
        && matches!(limit.get_fetch_type()?, FetchType::Literal(None));
    let takes_none = matches!(limit.get_fetch_type()?, FetchType::Literal(Some(0)));
    let decided = takes_all || takes_none || is_one_row(&limit.input) || is_totally_ordered(&limit.input);
    Ok(if decided { Deterministic } else { OrderDependent })
}

/// Whether a plan gives one row at the most: an aggregation without groups. The stand-ins for inputs are empty, so the
/// engine's own answer would say it of all.
fn is_one_row(mut plan: &LogicalPlan) -> bool {
    loop {
        plan = match plan {
            LogicalPlan::Aggregate(aggregate) => return aggregate.group_expr.is_empty(),
            LogicalPlan::Projection(projection) => &projection.input,
            LogicalPlan::Filter(filter) => &filter.input,
            LogicalPlan::Sort(sort) => &sort.input,
            LogicalPlan::SubqueryAlias(alias) => &alias.input,
            LogicalPlan::Limit(limit) => &limit.input,
            _ => return false,
        };
    }
}

/// Whether rows come in an order in which only equal rows are interchangeable: sorted by every column that is shown.
fn is_totally_ordered(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Sort(sort) => {
            covers(sort.expr.iter().map(|key| &key.expr), sort.input.schema().columns().iter())
        }
        LogicalPlan::Projection(projection) => {
            let LogicalPlan::Sort(sort) = projection.input.as_ref() else { return false };
            let shown = projection.expr.iter().all(|expr| !has_subquery(expr));
            let columns = projection.expr.iter().flat_map(Expr::column_refs);
            shown && covers(sort.expr.iter().map(|key| &key.expr), columns)
        }
        LogicalPlan::SubqueryAlias(alias) => is_totally_ordered(&alias.input),
        _ => false,
    }
}

/// Whether all of these columns are among the keys.
fn covers<'k, 'c>(
    keys: impl Iterator<Item = &'k Expr> + Clone,
    mut columns: impl Iterator<Item = &'c Column>,
) -> bool {
    columns.all(|column| keys.clone().any(|key| matches!(key, Expr::Column(key) if key == column)))
}

/// Deterministic when expressions have the same values in all rows that agree in the keys.
fn determined_by<'a>(exprs: &[Expr], keys: impl Iterator<Item = &'a Expr> + Clone) -> Determinism {
    let decided = |expr: &Expr| {
        keys.clone().any(|key| key == expr)
            || !has_subquery(expr) && covers(keys.clone(), expr.column_refs().into_iter())
    };
    if exprs.iter().all(decided) { Deterministic } else { OrderDependent }
}

fn has_subquery(expr: &Expr) -> bool {
    expr.exists(|inner| Ok(is_query(inner))).unwrap_or(true)
}

/// The level of an expression of `plan`.
fn of_expression(expr: &Expr, plan: &LogicalPlan) -> Result<Determinism> {
    let mut level = Deterministic;
    expr.apply(|inner| {
        level = level.max(match inner {
            Expr::ScalarFunction(call) => of_volatility(call.func.signature().volatility),
            Expr::HigherOrderFunction(call) => of_volatility(call.func.signature().volatility),
            Expr::AggregateFunction(call) => {
                of_volatility(call.func.signature().volatility).max(of_aggregate(call, plan))
            }
            Expr::WindowFunction(call) => {
                of_volatility(call.fun.signature().volatility).max(of_window(call, plan))
            }
            Expr::ScalarVariable(..) => Volatile,
            _ => Deterministic,
        });
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(level)
}

/// A function whose value depends on the time of a run is as good as one that depends on nothing.
fn of_volatility(volatility: Volatility) -> Determinism {
    match volatility {
        Volatility::Immutable => Deterministic,
        Volatility::Stable | Volatility::Volatile => Volatile,
    }
}

fn of_aggregate(call: &AggregateFunction, plan: &LogicalPlan) -> Determinism {
    of_aggregate_named(call.func.name(), &call.params.args, &call.params.order_by, plan)
}

fn of_aggregate_named(name: &str, args: &[Expr], order_by: &[SortKey], plan: &LogicalPlan) -> Determinism {
    let is_one_of = |names: &[&str]| names.contains(&name);
    if is_one_of(&EXACT) || is_one_of(&QUANTILES) {
        Deterministic
    } else if is_one_of(&ROUNDED) || (is_one_of(&SUMS) && args.iter().any(|arg| may_be_float(arg, plan))) {
        NonAssociative
    } else if is_one_of(&SUMS) {
        Deterministic
    } else {
        determined_by(args, order_by.iter().map(|key| &key.expr))
    }
}

/// Whether a value is a floating-point number, or nobody knows.
fn may_be_float(expr: &Expr, plan: &LogicalPlan) -> bool {
    let input = plan.inputs().first().map(|input| expr.get_type(input.schema().as_ref()));
    !matches!(input, Some(Ok(data_type)) if !data_type.is_floating())
}

fn of_window(call: &WindowFunction, plan: &LogicalPlan) -> Determinism {
    let params = &call.params;
    let keys = || params.partition_by.iter().chain(params.order_by.iter().map(|key| &key.expr));
    let columns: Vec<Column> = plan.inputs().iter().flat_map(|input| input.schema().columns()).collect();
    if !columns.is_empty() && covers(keys(), columns.iter()) {
        // Rows that agree in all columns are the same row.
        return of_window_over_peers(call, plan);
    }
    let name = call.fun.name();
    match &call.fun {
        WindowFunctionDefinition::WindowUDF(_) if PEER_RANKS.contains(&name) => Deterministic,
        WindowFunctionDefinition::WindowUDF(_) if !FRAME_VALUES.contains(&name) => OrderDependent,
        _ if !has_peers_as_one(&params.window_frame) => OrderDependent,
        WindowFunctionDefinition::WindowUDF(_) => determined_by(&params.args, keys()),
        WindowFunctionDefinition::AggregateUDF(_) => of_window_over_peers(call, plan),
    }
}

/// The level of a window call whose frames do not depend on the order of rows with equal keys.
fn of_window_over_peers(call: &WindowFunction, plan: &LogicalPlan) -> Determinism {
    match &call.fun {
        WindowFunctionDefinition::AggregateUDF(function) => {
            of_aggregate_named(function.name(), &call.params.args, &call.params.order_by, plan)
        }
        WindowFunctionDefinition::WindowUDF(_) => Deterministic,
    }
}

/// Whether rows with equal keys are in a frame together or not at all.
fn has_peers_as_one(frame: &WindowFrame) -> bool {
    let whole = matches!(&frame.start_bound, WindowFrameBound::Preceding(by) if by.is_null())
        && matches!(&frame.end_bound, WindowFrameBound::Following(by) if by.is_null());
    whole || frame.units != WindowFrameUnits::Rows
}
