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
//! `output_schema` is checked against what it has. Columns without a type end before the outputs, with a warning.

use std::borrow::Cow;
use std::collections::BTreeSet;

use arrow_schema::DataType;
use ir::diag::{Diagnostic, SpecPath, codes};
use ir::expr::{NamedExpr, NamedExprs, bytes_of};
use ir::graph::{Graph, Node, NodeId};
use ir::op::{ExprField, ExprUse, Op, Project};
use ir::oracle::{TypeError, TypeErrorKind};
use ir::schema::{Schema, same_logical_type};
use ir::spec::ParameterTarget;

use crate::context::Context;
use crate::rewrite::{bind, desugar};

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    let values = bind::placeholder_values(graph);
    for id in graph.topological() {
        if matches!(graph[id].op, Op::Sink(_)) {
            drop_void(graph, cx, id);
        }
        let node = &graph[id];
        if cx.is_broken(node) {
            continue;
        }
        let owner = node.owner.clone();
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
                Some(schema) => graph[id].schema = Some(schema),
                None => {
                    cx.broken.insert(owner);
                    continue;
                }
            }
        }
        check_contract(graph, cx, id);
    }
}

/// Leaves columns without a type out of an output: all that is known of them is that they are NULL, and no table holds
/// such columns.
///
/// ```text
/// before: input -> sink           after: input -> sink.typed -> sink
/// ```
fn drop_void(graph: &mut Graph, cx: &mut Context<'_>, sink: NodeId) {
    let [input] = graph.inputs(sink)[..] else { return };
    let Some(schema) = &graph[input].schema else { return };
    let (void, typed): (Vec<_>, Vec<_>) = schema.fields().partition(|field| field.data_type().is_null());
    // An output of nothing else is refused where outputs are checked.
    if void.is_empty() || typed.is_empty() {
        return;
    }
    let place = cx.place(&graph[sink]);
    for field in void {
        let message = format!("`{}` has no type, it is NULL in every row; it is not written", field.name());
        let help = "give it a type, such as `CAST(NULL AS VARCHAR)`, or leave it out";
        cx.report(Diagnostic::new(codes::VOID_COLUMN, message).at(place.clone()).help(help));
    }
    let columns = NamedExprs(typed.into_iter().map(|field| NamedExpr::column(field.name())).collect());
    let step = graph.add_step(sink, "typed", Op::Project(Project { columns }));
    graph.connect(input, step, 0);
    graph.connect(step, sink, 0);
    let node = graph[step].clone();
    let schema = infer(graph, cx, step, &node);
    graph[step].schema = schema;
}

/// A placeholder without a value has no type. One whose value is wrong has been reported for that, and so has a list of
/// values that cannot be read.
fn report_unbound(cx: &mut Context<'_>, node: &Node, unbound: BTreeSet<String>) {
    if cx.unread.is_some_and(|unread| unread.fields.contains("typed_parameters")) {
        return;
    }
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
    let inputs: Vec<&Schema> =
        graph.inputs(id).into_iter().map(|input| graph[input].schema.as_ref()).collect::<Option<_>>()?;
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
                    desugar::FieldPart::JoinKey(index) => cx.place_of_join_key(node, *index),
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
            .at(operation_place(cx, node).path)
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
                    .at(place.path)
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

/// A field of the spec, and the SQL text in it if it is one.
struct Place<'s> {
    path: SpecPath,
    text: Option<&'s str>,
}

/// The field of the spec an expression was written in.
fn expression_place<'s>(cx: &Context<'s>, node: &Node, used: &ExprUse<'_>) -> Place<'s> {
    let path = cx.place_in_transform(node);
    if path.is_root() {
        return Place { path, text: None };
    }
    let (list, index) = match used.field {
        ExprField::Predicate => {
            let path = path.field("predicate");
            return Place { text: cx.text(&path), path };
        }
        ExprField::Column(index, _) => ("columns", index),
        ExprField::GroupBy(index, _) => ("group_by", index),
        // An aggregation is written in several texts.
        ExprField::Measure(index, _) => {
            return Place { path: path.field("aggregations").index(index), text: None };
        }
    };
    let entry = path.field(list).index(index);
    let expr = entry.field("expr");
    match cx.text(&expr) {
        Some(text) => Place { path: expr, text: Some(text) },
        None => Place { path: entry, text: None },
    }
}

/// The field that says most about an operation as a whole.
fn operation_place<'s>(cx: &Context<'s>, node: &Node) -> Place<'s> {
    let path = cx.place_in_transform(node);
    if path.is_root() {
        return Place { path, text: None };
    }
    match &node.op {
        Op::Query(_) => {
            let path = path.field("query");
            Place { text: cx.text(&path), path }
        }
        Op::Unnest(_) => Place { path: path.field("column"), text: None },
        Op::Input(_)
        | Op::ChangeFeed(_)
        | Op::TableMetadata(_)
        | Op::FileManifest(_)
        | Op::Normalize(_)
        | Op::Relate(_)
        | Op::UnionByName(_)
        | Op::Conform(_)
        | Op::Scan(_)
        | Op::Filter(_)
        | Op::Project(_)
        | Op::Aggregate(_)
        | Op::Window(_)
        | Op::Join(_)
        | Op::SpanJoin(_)
        | Op::Union(_)
        | Op::Distinct(_)
        | Op::Sink(_) => Place { path, text: None },
    }
}

fn report_type_error(cx: &mut Context<'_>, node: &Node, error: &TypeError, place: Place<'_>) {
    let diagnostic = match error.kind.as_ref() {
        TypeErrorKind::UnknownColumn { name, candidates } => unknown_column(node, name, candidates),
        TypeErrorKind::AmbiguousColumn { name } => {
            let message = format!("`{name}` can mean columns of several tables");
            Diagnostic::new(codes::AMBIGUOUS_COLUMN, message)
                .found(name)
                .help(format!("say which one is meant: `t.{name}`"))
        }
        TypeErrorKind::UnknownFunction { name, candidates } => {
            Diagnostic::new(codes::UNKNOWN_FUNCTION, format!("there is no function `{name}`"))
                .found(name)
                .allowed(candidates)
                .suggest_nearest()
        }
        TypeErrorKind::WrongArguments { function, forms, .. } => {
            Diagnostic::new(codes::WRONG_ARGUMENTS, error.to_string()).found(function).allowed(forms)
        }
        TypeErrorKind::UnknownRelation { name } => {
            Diagnostic::new(codes::UNKNOWN_TABLE, format!("there is no view or input `{name}`")).found(name)
        }
        TypeErrorKind::Misplaced(message) => Diagnostic::new(codes::UNSUPPORTED_EXPRESSION, message),
        TypeErrorKind::NotAWindow(message) => Diagnostic::new(codes::NOT_A_WINDOW, message),
        TypeErrorKind::Clause { message, help } => {
            Diagnostic::new(codes::UNSUPPORTED_CLAUSE, message).help(help)
        }
        TypeErrorKind::NotComputed(message) => Diagnostic::new(codes::NOT_COMPUTED, message),
        TypeErrorKind::Other(message) => {
            let is_unnest = matches!(node.op, Op::Unnest(_));
            let code = if is_unnest { codes::NOT_A_LIST } else { codes::TYPE_MISMATCH };
            Diagnostic::new(code, message)
        }
    };
    let part = error.span.zip(place.text).and_then(|(span, text)| Some((text, bytes_of(text, span)?)));
    cx.report(match part {
        Some((text, bytes)) => diagnostic.at(place.path).at_part(text, bytes),
        None => diagnostic.at(place.path),
    });
}

fn unknown_column(node: &Node, name: &str, candidates: &[String]) -> Diagnostic {
    let code = if node.owner.is_output() { codes::OUTPUT_COLUMN } else { codes::UNKNOWN_COLUMN };
    let diagnostic = Diagnostic::new(code, format!("there is no column `{name}`"))
        .found(name)
        .allowed(candidates)
        .suggest_nearest();
    match candidates.iter().find(|column| column.eq_ignore_ascii_case(name) && *column != name) {
        Some(exact) => diagnostic
            .suggestion(format!("\"{exact}\""))
            .help("unquoted names in SQL are lower case; put this one in double quotes"),
        None => diagnostic,
    }
}

fn check_contract(graph: &Graph, cx: &mut Context<'_>, id: NodeId) {
    let node = &graph[id];
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
