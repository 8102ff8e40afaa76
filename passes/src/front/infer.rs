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

mod accepted;

use std::borrow::Cow;
use std::collections::BTreeSet;

use arrow_schema::DataType;
use ir::diag::{Diagnostic, codes};
use ir::expr::{NamedExpr, NamedExprs, bytes_of};
use ir::graph::{Graph, Node, NodeId, Owner};
use ir::op::{ExprField, ExprUse, Op, Project};
use ir::oracle::{TypeError, TypeErrorKind};
use ir::origin::SpecField;
use ir::schema::{Schema, same_logical_type};
use sqlparser::tokenizer::Span;

use super::elsewhere;
use crate::context::Context;
use crate::rewrite::{bind, desugar};

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    let values = bind::placeholder_values(graph);
    for id in graph.topological() {
        if matches!(&graph[id].op, Op::Sink(sink) if sink.has_table()) {
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
                cx.leave_out(owner);
                continue;
            }
            match infer(graph, cx, id, &bound) {
                Some(schema) => graph[id].schema = Some(schema),
                None => {
                    cx.leave_out(owner);
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
    let place = cx.place(&graph[sink], SpecField::Definition);
    for field in void {
        let message = format!("`{}` has no type, it is NULL in every row; it is not written", field.name());
        let help = "give it a type, such as `CAST(NULL AS VARCHAR)`, or leave it out";
        let found = Diagnostic::new(codes::VOID_COLUMN, message).at(place.clone()).help(help);
        cx.report(found.about("table", graph[sink].owner.name()).about("column", field.name()));
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
    if cx.reported.all_placeholders {
        return;
    }
    for name in unbound {
        if cx.reported.placeholders.contains(&name) {
            continue;
        }
        let is_position =
            name.strip_prefix('$').and_then(|number| number.parse::<u32>().ok()).is_some_and(|it| it > 0);
        let help = if is_position {
            "add an entry to `typed_parameters` with target kind PlaceholderPos"
        } else {
            "placeholders are `$1`, `$2`, ...; each has an entry in `typed_parameters` with target kind PlaceholderPos"
        };
        let (field, span) = place_of_placeholder(node, &name);
        let place = cx.written(node, field);
        let bytes = span.zip(place.sql.as_deref()).and_then(|(span, sql)| bytes_of(sql, span));
        let unbound = Diagnostic::new(codes::UNBOUND_PLACEHOLDER, format!("{name} has no value")).help(help);
        cx.report(place.mark(unbound, bytes));
    }
}

/// The part of a definition in which a placeholder stands first, and where in its text.
fn place_of_placeholder(node: &Node, name: &str) -> (SpecField, Option<Span>) {
    if let Op::Query(query) = &node.op {
        return (SpecField::Operation, query.query.place_of_placeholder(name));
    }
    let expressions = node.op.expressions().into_iter();
    let mut places = expressions.map(|used| (used.field.into(), used.expr.place_of_placeholder(name)));
    places.find(|(_, span)| span.is_some()).unwrap_or((SpecField::Transform, None))
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
    if let (Op::Written(_), [input]) = (&node.op, graph.inputs(id).as_slice()) {
        return written(graph, cx, *input);
    }
    if node.op.is_surface() {
        return infer_surface(cx, node, &inputs);
    }
    let mut sound = true;
    if let [input] = inputs.as_slice() {
        // Accepted values that are none of their column's type are told one by one, and not as a list that has no type.
        sound = accepted::check(cx, node, input);
        if sound {
            for used in node.op.expressions() {
                sound &= check_expression(cx, node, &used, input);
            }
        }
    }
    if !sound {
        return None;
    }
    match cx.oracle.schema(node, &inputs) {
        Ok(schema) => no_duplicates(cx, node, schema),
        Err(error) => {
            report_type_error(cx, node, &error, SpecField::Operation);
            None
        }
    }
}

/// The columns that the table of a sink will have. Where a run would refuse to write it, `validate` says why; until then it
/// has the columns of its view, which its assertions speak of.
fn written(graph: &Graph, cx: &Context<'_>, sink: NodeId) -> Option<Schema> {
    let node = &graph[sink];
    let Op::Sink(op) = &node.op else { return None };
    let rows = node.schema.as_ref()?;
    cx.oracle.written(node.owner.name(), op, rows).or_else(|| Some(rows.clone()))
}

fn infer_surface(cx: &mut Context<'_>, node: &Node, inputs: &[&Schema]) -> Option<Schema> {
    match desugar::expand(node, inputs, cx.oracle) {
        Ok(expansion) => expansion.schema(inputs).cloned().and_then(|schema| no_duplicates(cx, node, schema)),
        Err(issues) => {
            for issue in issues {
                let place = cx.place(node, issue.field);
                cx.report(issue.diagnostic.at(place));
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
            .at(cx.place(node, SpecField::Operation))
            .help("give one of them another name"),
        );
    }
    twice.is_empty().then_some(schema)
}

/// Asks for the type of one expression and reports what is wrong with it.
fn check_expression(cx: &mut Context<'_>, node: &Node, used: &ExprUse<'_>, input: &Schema) -> bool {
    // What is negated must be a condition itself. An assertion's expression is, by the compiler, whose NOT is in no spec.
    if used.field == ExprField::Predicate
        && let Some(negated) = used.expr.negated()
    {
        let inner = ExprUse { expr: &negated, ..*used };
        if !check_expression(cx, node, &inner, input) {
            return false;
        }
    }
    match cx.oracle.expression(used.expr, used.evaluation, input) {
        Ok(found) => {
            let predicate = used.field == ExprField::Predicate;
            if predicate && !matches!(found.data_type, DataType::Boolean | DataType::Null) {
                cx.report(
                    Diagnostic::new(
                        codes::PREDICATE_NOT_BOOLEAN,
                        format!("the predicate is {}", found.data_type),
                    )
                    .at(cx.place(node, used.field.into()))
                    .found(found.data_type.to_string())
                    .allowed(["Boolean"]),
                );
                return false;
            }
            true
        }
        Err(error) => {
            report_type_error(cx, node, &error, used.field.into());
            false
        }
    }
}

/// Reports a type error at the field of the spec where it was made.
fn report_type_error(cx: &mut Context<'_>, node: &Node, error: &TypeError, field: SpecField) {
    let place = cx.written(node, field);
    let diagnostic = match error.kind.as_ref() {
        TypeErrorKind::UnknownColumn { name, candidates } => {
            unknown_column(node, name, candidates, place.sql.is_some())
        }
        TypeErrorKind::AmbiguousColumn { name } => {
            let message = format!("`{name}` can mean columns of several tables");
            Diagnostic::new(codes::AMBIGUOUS_COLUMN, message)
                .found(name)
                .help(format!("say which one is meant: `t.{name}`"))
        }
        TypeErrorKind::UnknownFunction { name, candidates } => {
            let found = Diagnostic::new(codes::UNKNOWN_FUNCTION, format!("there is no function `{name}`"))
                .found(name);
            match elsewhere::written_here(name) {
                Some(here) => {
                    found.help(format!("what other systems call `{name}` is written `{here}` here"))
                }
                None => found.allowed(candidates).suggest_nearest(),
            }
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
    let bytes = error.span.zip(place.sql.as_deref()).and_then(|(span, sql)| bytes_of(sql, span));
    let marked = bytes.as_ref().zip(place.sql.as_deref()).and_then(|(bytes, sql)| sql.get(bytes.clone()));
    let diagnostic = match (error.kind.as_ref(), marked) {
        (TypeErrorKind::UnknownColumn { name, .. }, Some(marked)) => as_text(diagnostic, name, marked),
        _ => diagnostic,
    };
    let diagnostic = place.mark(diagnostic, bytes);
    // Assertions of one relation show its keys, and all of them find the same fault with these.
    if !matches!(node.owner, Owner::Assertion(_)) || !cx.diagnostics.contains(&diagnostic) {
        cx.report(diagnostic);
    }
}

/// Says how texts are written, where a name in double quotes is no column: several systems read it as a text.
fn as_text(found: Diagnostic, name: &str, marked: &str) -> Diagnostic {
    if !marked.starts_with('"') || found.help.is_some() {
        return found;
    }
    let text = name.replace('\'', "''");
    found.help(format!("double quotes stand around names; a text stands in single quotes: '{text}'"))
}

/// `is_sql` says whether the name stands in SQL, and not as it is.
fn unknown_column(node: &Node, name: &str, candidates: &[String], is_sql: bool) -> Diagnostic {
    let code = if node.owner.is_output() { codes::OUTPUT_COLUMN } else { codes::UNKNOWN_COLUMN };
    let diagnostic = Diagnostic::new(code, format!("there is no column `{name}`"))
        .found(name)
        .allowed(candidates)
        .suggest_nearest();
    let is_here = |wanted: &str| candidates.iter().any(|column| column == wanted);
    // A query may have several relations; an expression has one, without a name.
    let with_relation = name.rsplit_once('.').filter(|(_, column)| is_here(column));
    if let (Some((_, column)), false) = (with_relation, matches!(node.op, Op::Query(_))) {
        return diagnostic.suggestion(column).help("an expression names columns without their relation");
    }
    match candidates.iter().find(|column| column.eq_ignore_ascii_case(name) && *column != name) {
        Some(exact) if is_sql => diagnostic
            .suggestion(format!("\"{exact}\""))
            .help("unquoted names in SQL are lower case; put this one in double quotes"),
        Some(exact) => diagnostic.suggestion(exact).help("names are compared with their capitals"),
        None => diagnostic,
    }
}

fn check_contract(graph: &Graph, cx: &mut Context<'_>, id: NodeId) {
    let node = &graph[id];
    let (Some(contract), Some(schema)) = (&node.contract, &node.schema) else { return };
    for promised in contract.fields() {
        match schema.field(promised.name()) {
            None => cx.report(
                Diagnostic::new(
                    codes::CONTRACT_COLUMN,
                    format!("`{}` has no column `{}`", node.name, promised.name()),
                )
                .at(cx.place(node, SpecField::Promise(promised.name().clone())))
                .found(promised.name())
                .allowed(schema.names())
                .suggest_nearest(),
            ),
            Some(actual) if !same_logical_type(actual.data_type(), promised.data_type()) => cx.report(
                Diagnostic::new(
                    codes::CONTRACT_TYPE,
                    format!("`{}` is {}, not {}", promised.name(), actual.data_type(), promised.data_type()),
                )
                .at(cx.place(node, SpecField::Promise(promised.name().clone())))
                .found(actual.data_type().to_string())
                .allowed([promised.data_type().to_string()]),
            ),
            Some(_) => {}
        }
    }
}
