//! type: every node gets its schema.
//!
//! ```text
//! paid = filter orders predicate=(amount > 0)
//! ```
//! becomes
//! ```text
//! paid = filter orders predicate=(amount > 0) : {id Int64!, amount Float64}
//! ```
//!
//! The schema of a core operation is what the engine says it is; expressions are asked for one by one first, so
//! that a mistake is reported at its own place. A surface operation has the schema of the core operations it
//! stands for ([`crate::rewrite::desugar`]), so desugaring cannot change a type. What a view promises in
//! `output_schema` is checked against what it has.

use std::borrow::Cow;
use std::collections::BTreeSet;

use arrow_schema::DataType;
use ir::diag::{Diagnostic, SpecPath, codes};
use ir::graph::{Graph, Node, NodeId};
use ir::op::{ExprField, ExprUse, Op};
use ir::oracle::TypeError;
use ir::schema::{Schema, same_logical_type};
use ir::spec::ParameterTarget;

use super::bind;
use crate::context::Context;
use crate::rewrite::desugar;

/// How the engine says that no form of a function takes these arguments.
const WRONG_ARGUMENTS: [&str; 4] = [
    "to satisfy a call to",
    "does not support zero arguments",
    "failed to match any signature",
    "user-defined coercion failed",
];

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    let values = bind::placeholder_values(graph);
    for id in graph.topological() {
        let Some(node) = graph.get(id) else { continue };
        if cx.is_broken(node) {
            continue;
        }
        let owner = node.owner().to_owned();
        if node.schema.is_none() {
            // Parameters are still to be bound; types are asked for as if they were.
            let mut bound = Cow::Borrowed(node);
            if !values.is_empty() {
                bind::bind_op(&mut bound.to_mut().op, &values);
            }
            let unbound = bind::placeholders(&bound.op);
            if !unbound.is_empty() {
                report_unbound(cx, &bound, unbound);
                cx.broken.insert(owner);
                continue;
            }
            match infer(graph, cx, id, &bound) {
                Some(schema) => {
                    if let Some(node) = graph.get_mut(id) {
                        node.schema = Some(schema);
                    }
                }
                None => {
                    cx.broken.insert(owner);
                    continue;
                }
            }
        }
        check_contract(graph, cx, id);
    }
}

/// A placeholder without a value has no type. One whose value is wrong has been reported for that.
fn report_unbound(cx: &mut Context<'_>, node: &Node, unbound: BTreeSet<String>) {
    let given: BTreeSet<String> = cx
        .spec
        .iter()
        .flat_map(|spec| &spec.typed_parameters)
        .filter_map(|parameter| match parameter.target {
            ParameterTarget::PlaceholderPos { position } => Some(format!("${position}")),
            ParameterTarget::FilterEq { .. } => None,
        })
        .collect();
    for name in unbound.difference(&given) {
        cx.report(
            Diagnostic::new(codes::UNBOUND_PLACEHOLDER, format!("{name} has no value"))
                .at(cx.place_in_transform(node))
                .help("add an entry to `typed_parameters` with target kind PlaceholderPos"),
        );
    }
}

/// The schema of a node; nothing when it or one of its inputs is wrong, which is reported.
fn infer(graph: &Graph, cx: &mut Context<'_>, id: NodeId, node: &Node) -> Option<Schema> {
    let inputs: Vec<&Schema> = graph
        .inputs(id)
        .into_iter()
        .map(|input| graph.get(input).and_then(|node| node.schema.as_ref()))
        .collect::<Option<_>>()?;
    if !node.op.arity().allows(inputs.len()) {
        return None;
    }
    if let (Op::Sink(_), [input]) = (&node.op, inputs.as_slice()) {
        // A sink passes its input on; `validate` checks what it wants of the columns.
        return Some((*input).clone());
    }
    if node.op.is_surface() {
        return infer_surface(cx, node, &inputs);
    }
    let mut sound = true;
    if let [input] = inputs.as_slice() {
        for used in node.op.expressions() {
            sound &= check_expression(cx, node, &used, input);
        }
    }
    if !sound {
        return None;
    }
    match cx.oracle.schema(node, &inputs) {
        Ok(schema) => no_duplicates(cx, node, schema),
        Err(error) => {
            let place = operation_place(cx, node);
            report_type_error(cx, node, &error, place);
            None
        }
    }
}

fn infer_surface(cx: &mut Context<'_>, node: &Node, inputs: &[&Schema]) -> Option<Schema> {
    match desugar::expand(node, inputs, cx.oracle) {
        Ok(expansion) => expansion.schema(inputs).cloned().and_then(|schema| no_duplicates(cx, node, schema)),
        Err(issues) => {
            let place = cx.place_in_transform(node);
            for issue in issues {
                let at = issue.field.iter().fold(place.clone(), |at, part| match part {
                    desugar::FieldPart::Name(name) => at.field(*name),
                    desugar::FieldPart::Index(index) => at.index(*index),
                });
                cx.report(issue.diagnostic.at(at));
            }
            None
        }
    }
}

fn no_duplicates(cx: &mut Context<'_>, node: &Node, schema: Schema) -> Option<Schema> {
    let mut seen = BTreeSet::new();
    let twice: Vec<String> = schema.names().filter(|name| !seen.insert(*name)).map(str::to_owned).collect();
    for name in &twice {
        cx.report(
            Diagnostic::new(
                codes::DUPLICATE_COLUMN,
                format!("the result would have two columns named `{name}`"),
            )
            .at(operation_place(cx, node))
            .help("give one of them another name"),
        );
    }
    twice.is_empty().then_some(schema)
}

/// Asks for the type of one expression and reports what is wrong with it.
fn check_expression(cx: &mut Context<'_>, node: &Node, used: &ExprUse<'_>, input: &Schema) -> bool {
    let place = expression_place(cx, node, used);
    match cx.oracle.expression(used.expr, used.evaluation, input) {
        Ok(found) => {
            let predicate = used.field == ExprField::Predicate;
            if predicate && !matches!(found.data_type, DataType::Boolean | DataType::Null) {
                cx.report(
                    Diagnostic::new(
                        codes::PREDICATE_NOT_BOOLEAN,
                        format!("the predicate is {}", found.data_type),
                    )
                    .at(place)
                    .found(found.data_type.to_string())
                    .allowed(["Boolean"]),
                );
                return false;
            }
            true
        }
        Err(error) => {
            report_type_error(cx, node, &error, place);
            false
        }
    }
}

/// The field of the spec an expression was written in.
fn expression_place(cx: &Context<'_>, node: &Node, used: &ExprUse<'_>) -> SpecPath {
    let place = cx.place_in_transform(node);
    if place.is_root() {
        return place;
    }
    match used.field {
        ExprField::Predicate => place.field("predicate"),
        ExprField::Column(index, _) => place.field("columns").index(index),
        ExprField::GroupBy(index, _) => place.field("group_by").index(index),
        ExprField::Measure(index, _) => place.field("aggregations").index(index),
    }
}

/// The field that says most about an operation as a whole.
fn operation_place(cx: &Context<'_>, node: &Node) -> SpecPath {
    let place = cx.place_in_transform(node);
    match &node.op {
        Op::Query(_) if !place.is_root() => place.field("query"),
        Op::Unnest(_) if !place.is_root() => place.field("column"),
        _ => place,
    }
}

fn report_type_error(cx: &mut Context<'_>, node: &Node, error: &TypeError, place: SpecPath) {
    let diagnostic = match error {
        TypeError::UnknownColumn { name, candidates } => {
            let code = if node.name.starts_with('@') { codes::OUTPUT_COLUMN } else { codes::UNKNOWN_COLUMN };
            let mut diagnostic = Diagnostic::new(code, format!("there is no column `{name}`"))
                .found(name)
                .allowed(candidates)
                .suggest_nearest();
            if let Some(exact) =
                candidates.iter().find(|column| column.eq_ignore_ascii_case(name) && *column != name)
            {
                diagnostic = diagnostic
                    .suggestion(format!("\"{exact}\""))
                    .help("unquoted names in SQL are lower case; put this one in double quotes");
            }
            diagnostic
        }
        TypeError::UnknownFunction { name, candidates } => {
            Diagnostic::new(codes::UNKNOWN_FUNCTION, format!("there is no function `{name}`"))
                .found(name)
                .allowed(candidates)
                .suggest_nearest()
        }
        TypeError::UnknownRelation { name } => {
            Diagnostic::new(codes::UNKNOWN_TABLE, format!("there is no view or input `{name}`")).found(name)
        }
        TypeError::Other(message) => {
            let code = match &node.op {
                Op::Unnest(_) => codes::NOT_A_LIST,
                Op::Window(_) if message.contains("window") => codes::NOT_A_WINDOW,
                _ if message.contains("not possible here") => codes::UNSUPPORTED_EXPRESSION,
                _ if message.contains("mbiguous reference") => codes::AMBIGUOUS_COLUMN,
                _ if WRONG_ARGUMENTS.iter().any(|words| message.contains(words)) => codes::WRONG_ARGUMENTS,
                _ => codes::TYPE_MISMATCH,
            };
            Diagnostic::new(code, message)
        }
    };
    cx.report(diagnostic.at(place));
}

fn check_contract(graph: &Graph, cx: &mut Context<'_>, id: NodeId) {
    let Some(node) = graph.get(id) else { return };
    let (Some(contract), Some(schema)) = (&node.contract, &node.schema) else { return };
    let place = cx.place(node).field("output_schema").field("columns");
    for promised in contract.fields() {
        let place = place.field(promised.name());
        match schema.field(promised.name()) {
            None => cx.report(
                Diagnostic::new(
                    codes::CONTRACT_COLUMN,
                    format!("`{}` has no column `{}`", node.name, promised.name()),
                )
                .at(place)
                .found(promised.name())
                .allowed(schema.names())
                .suggest_nearest(),
            ),
            Some(actual) if !same_logical_type(actual.data_type(), promised.data_type()) => cx.report(
                Diagnostic::new(
                    codes::CONTRACT_TYPE,
                    format!("`{}` is {}, not {}", promised.name(), actual.data_type(), promised.data_type()),
                )
                .at(place)
                .found(actual.data_type().to_string())
                .allowed([promised.data_type().to_string()]),
            ),
            Some(_) => {}
        }
    }
}
