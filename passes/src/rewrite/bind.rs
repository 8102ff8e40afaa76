//! bind: parameters become literals and filters.
//!
//! ```text
//! parameter target={placeholder: 1} value="10"
//! parameter target={filter_eq: {base: orders, column: day}} value=(CAST('2026-01-31' AS DATE))
//! orders = scan location=orders version=3 rows=120 : {…}
//! big = filter orders predicate=(amount > $1) : {…}
//! ```
//! becomes
//! ```text
//! orders = filter orders.unfiltered predicate=(day = CAST('2026-01-31' AS DATE)) : {…}
//! orders.unfiltered = scan location=orders version=3 rows=120 : {…}
//! big = filter orders predicate=(amount > 10) : {…}
//! ```
//!
//! A filter stands right above the input or view its parameter names, so every reader sees filtered rows and
//! nobody else does. Without a name it stands above the rows of every input that has the column. What else is read of
//! an input's table is not meant by that: its changes, its metadata and its list of files are filtered only where the
//! parameter names their view. A NULL value keeps the rows in which the column is NULL. Literals are trees, not text, so
//! no value can change the shape of an expression.

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::DataType;
use ir::diag::{Diagnostic, codes};
use ir::expr::ScalarExpr;
use ir::graph::{Graph, Node, NodeId, Parameter, ParameterTarget};
use ir::op::{Evaluation, Filter, Op, Read};
use ir::schema::{Schema, same_logical_type, type_text};
use sqlparser::ast::{Expr, Value};

use crate::context::Context;

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    let values = placeholder_values(graph);
    for id in graph.topological() {
        bind_op(&mut graph[id].op, &values);
    }
    let parameters = std::mem::take(&mut graph.parameters);
    for parameter in &parameters {
        for id in filter_targets(graph, parameter) {
            insert_filter(graph, cx, id, parameter);
        }
    }
}

/// The values of positional placeholders, by their spelling.
pub(crate) fn placeholder_values(graph: &Graph) -> BTreeMap<String, ScalarExpr> {
    graph
        .parameters
        .iter()
        .filter_map(|parameter| match parameter.target {
            ParameterTarget::Placeholder(position) => Some((format!("${position}"), parameter.value.clone())),
            ParameterTarget::FilterEq { .. } => None,
        })
        .collect()
}

/// Replaces placeholders in all expressions of an operation.
pub(crate) fn bind_op(op: &mut Op, values: &BTreeMap<String, ScalarExpr>) {
    if values.is_empty() {
        return;
    }
    if let Op::Query(query) = op {
        query.query.bind(values);
    }
    for expr in op.expressions_mut() {
        expr.bind(values);
    }
}

/// The placeholders in an operation.
pub(crate) fn placeholders(op: &Op) -> BTreeSet<String> {
    let mut found: BTreeSet<String> =
        op.expressions().iter().flat_map(|used| used.expr.placeholders()).collect();
    if let Op::Query(query) = op {
        found.extend(query.query.placeholders().iter().cloned());
    }
    found
}

/// The nodes above which a parameter's filter belongs.
fn filter_targets(graph: &Graph, parameter: &Parameter) -> Vec<NodeId> {
    let ParameterTarget::FilterEq { base, column } = &parameter.target else { return Vec::new() };
    let has_column = |id: &NodeId| graph[*id].schema.as_ref().is_some_and(|schema| schema.contains(column));
    match base {
        Some(base) => graph.find(base).into_iter().filter(has_column).collect(),
        None => graph.ids().filter(|id| is_rows_of_a_table(&graph[*id].op)).filter(has_column).collect(),
    }
}

/// Whether an operation reads the rows of a table, and not what else there is to know of it.
fn is_rows_of_a_table(op: &Op) -> bool {
    matches!(op, Op::Scan(scan) if scan.read == Read::Rows)
}

/// Checks that every parameter has something to do and fits it. Part of validation.
pub(crate) fn check(graph: &Graph, cx: &mut Context<'_>) {
    let used: BTreeSet<String> = graph.ids().flat_map(|id| placeholders(&graph[id].op)).collect();
    let needed = graph.needed();
    for (index, parameter) in graph.parameters.iter().enumerate() {
        match &parameter.target {
            ParameterTarget::Placeholder(position) => {
                let placeholder = format!("${position}");
                if !used.contains(&placeholder) && !cx.reported.placeholders_elsewhere.contains(&placeholder)
                {
                    let message = format!("nothing uses ${position}");
                    let place = cx.origins.target_field(index, "position");
                    cx.report(Diagnostic::new(codes::UNUSED_PARAMETER, message).at(place));
                }
            }
            ParameterTarget::FilterEq { base, column } => {
                check_filter(graph, cx, (index, parameter), base, column, &needed);
            }
        }
    }
}

fn check_filter(
    graph: &Graph,
    cx: &mut Context<'_>,
    (index, parameter): (usize, &Parameter),
    base: &Option<String>,
    column: &str,
    needed: &BTreeSet<NodeId>,
) {
    let targets = filter_targets(graph, parameter);
    if targets.is_empty() {
        let is_broken = match base {
            Some(base) => cx.is_view_broken(base),
            // Any of those that have a mistake may be an input with the column.
            None => !cx.reported.owners.is_subset(&cx.reported.elsewhere),
        };
        if is_broken {
            return;
        }
        if base.is_none() && cx.reported.inputs_elsewhere {
            let message =
                format!("no input of what is selected has a column `{column}`; the others are not looked at");
            let found = Diagnostic::new(codes::FILTER_WITHOUT_EFFECT, message);
            cx.report(found.at(cx.origins.target(index)).about("column", column));
            return;
        }
        let (field, message) = match base {
            Some(base) if graph.find(base).is_none() => {
                ("base_table", format!("there is no view or input `{base}`"))
            }
            Some(base) => ("filter_column", format!("`{base}` has no column `{column}`")),
            None => ("filter_column", format!("no input has a column `{column}`")),
        };
        let place = cx.origins.target_field(index, field);
        let mut diagnostic = Diagnostic::new(codes::FILTER_TARGET, message).at(place);
        let others = if base.is_none() { views_with(graph, column) } else { Vec::new() };
        if !others.is_empty() {
            diagnostic = diagnostic.help(format!(
                "without `base_table` only the rows of inputs are filtered; name the view to filter: {}",
                others.join(", ")
            ));
        }
        cx.report(diagnostic);
        return;
    }
    if !cx.has_errors() && !targets.iter().any(|id| needed.contains(id)) {
        let names: Vec<&str> = targets.iter().map(|id| graph.name_of(*id)).collect();
        let message = format!("the parameter filters {} only, which no output needs", names.join(", "));
        let found = Diagnostic::new(codes::FILTER_WITHOUT_EFFECT, message).at(cx.origins.target(index));
        cx.report(found.about("views", names.join(", ")).about("column", column));
    }
    for id in targets {
        // What has no columns is reported already.
        let Some(schema) = &graph[id].schema else { continue };
        if let Some(reason) = misfit(cx, column, &parameter.value, schema) {
            let place = cx.origins.target_field(index, "filter_column");
            let message = format!("the value does not fit `{}.{column}`: {reason}", graph.name_of(id));
            cx.report(Diagnostic::new(codes::PARAMETER_TYPE, message).at(place));
        }
    }
}

/// Why a value cannot be compared with a column of rows.
fn misfit(cx: &Context<'_>, column: &str, value: &ScalarExpr, rows: &Schema) -> Option<String> {
    let typed = |expr: &ScalarExpr| cx.oracle.expression(expr, Evaluation::Scalar, rows);
    if let Err(error) = typed(&predicate(column, value)) {
        return Some(error.to_string());
    }
    let (of_column, of_value) = (rows.field(column)?.data_type(), typed(value).ok()?.data_type);
    let fits = same_logical_type(of_column, &of_value) || of_value == DataType::Null;
    let message = || format!("it is {}, and the column is {}", type_text(&of_value), type_text(of_column));
    (!fits && !cx.are_comparable(of_column, &of_value)).then(message)
}

/// Views and inputs that have a column, in order.
fn views_with(graph: &Graph, column: &str) -> Vec<String> {
    let has_column = |node: &&Node| node.schema.as_ref().is_some_and(|schema| schema.contains(column));
    let nodes = graph.ids().map(|id| &graph[id]);
    nodes.filter(|node| node.owner.is_view()).filter(has_column).map(|node| node.name.clone()).collect()
}

fn predicate(column: &str, value: &ScalarExpr) -> ScalarExpr {
    let column = ScalarExpr::column(column);
    let value_of = if let Expr::Cast { expr, .. } = value.ast() { expr } else { value.ast() };
    let null = matches!(value_of, Expr::Value(value) if value.value == Value::Null);
    if null {
        ScalarExpr::new(Expr::IsNull(Box::new(column.into_ast())))
    } else {
        column.equals(value.clone())
    }
}

/// Puts a filter in the place of a node: it is what readers of that name mean.
fn insert_filter(graph: &mut Graph, cx: &mut Context<'_>, id: NodeId, parameter: &Parameter) {
    let ParameterTarget::FilterEq { column, .. } = &parameter.target else { return };
    let filter = Op::Filter(Filter { predicate: predicate(column, &parameter.value) });
    let filter = graph.put_in_place(id, "unfiltered", filter);
    graph[filter].schema = graph[id].schema.clone();
    graph[filter].contract = graph[id].contract.take();
    let label = parameter.label.as_deref().unwrap_or(column);
    cx.remark(format!("{}: {label} is bound to a filter", graph.name_of(filter)));
}
