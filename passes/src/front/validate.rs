//! validate: rules about meaning that types do not express.
//!
//! Changes nothing; reports everything it finds. Errors: keys that cannot be compared, outputs that a run would refuse to
//! write (`outputs`), edges of the join graph without such columns (`joins`), tables in one view whose columns are mapped differently, parameters without a use. Warnings: keys
//! of different numeric types, very broad projections, sources of a union that lack columns, conditions that do not
//! depend on the row, tables of different protocol versions in one view, views nobody needs, views that give other rows
//! at every run.

use std::collections::BTreeSet;

use ir::determinism::Determinism;
use ir::diag::{Diagnostic, codes};
use ir::expr::ScalarExpr;
use ir::graph::{Graph, Node};
use ir::op::{Op, Read, Relate, Scan};
use ir::origin::SpecField;
use ir::schema::{Schema, same_logical_type};

use super::{case, compatibility, joins, outputs};
use crate::context::Context;
use crate::rewrite::bind;

/// More columns than this in one projection are worth a warning.
const BROAD: usize = 64;

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    let graph = &*graph;
    let displaced = outputs::check_locations(graph, cx);
    for id in graph.topological() {
        let node = &graph[id];
        if cx.is_broken(node) {
            continue;
        }
        let inputs = graph.input_schemas(id);
        let level = cx.oracle.determinism(node, &inputs);
        match (&node.op, inputs.as_slice()) {
            (Op::Relate(relate), [left, right]) => check_keys(cx, node, relate, left, right),
            (Op::UnionByName(_), inputs) => check_union(cx, node, inputs),
            (Op::Project(project), _) if project.columns.0.len() > BROAD => {
                let message = format!("the projection has {} columns", project.columns.0.len());
                cx.report(
                    Diagnostic::new(codes::BROAD_PROJECTION, message)
                        .about("view", node.owner.name())
                        .about("columns", project.columns.0.len().to_string())
                        .at(cx.place(node, SpecField::Columns))
                        .help("leave `columns` out to keep all columns"),
                );
            }
            (Op::Filter(filter), _)
                if is_constant(&filter.predicate) && level == Determinism::Deterministic =>
            {
                cx.report(
                    Diagnostic::new(codes::REDUNDANT_FILTER, "whether this holds does not depend on the row")
                        .about("view", node.owner.name())
                        .about("predicate", filter.predicate.to_string())
                        .at(cx.place(node, SpecField::Predicate)),
                );
            }
            (Op::Sink(sink), [schema]) if sink.has_table() => {
                outputs::check(cx, node, sink, schema, displaced.contains(&node.name));
            }
            _ => {}
        }
        case::check(cx, node, &inputs);
        if level == Determinism::Volatile {
            cx.report(
                Diagnostic::new(
                    codes::NON_DETERMINISTIC,
                    format!("`{}` gives other rows at every run", node.name),
                )
                .about("view", node.owner.name())
                .at(cx.place(node, SpecField::Transform))
                .help("pass the value in as a typed parameter"),
            );
        }
    }
    joins::check(graph, cx);
    bind::check(graph, cx);
    compatibility::check(graph, cx);
    if !cx.has_errors() {
        // What a mistake cut off is not unused.
        warn_unused(graph, cx);
    }
}

/// Whether a predicate is the same for all rows. One with a parameter is the same in one run and not in the next.
fn is_constant(predicate: &ScalarExpr) -> bool {
    predicate.column_references().is_empty() && predicate.placeholders().is_empty()
}

fn check_keys(cx: &mut Context<'_>, node: &Node, relate: &Relate, left: &Schema, right: &Schema) {
    for (index, (left_key, right_key)) in relate.on.iter().enumerate() {
        let (Some(left), Some(right)) = (left.field(left_key), right.field(right_key)) else { continue };
        let (left, right) = (left.data_type(), right.data_type());
        if same_logical_type(left, right) {
            continue;
        }
        let place = cx.place(node, SpecField::Key(index));
        if !cx.are_comparable(left, right) {
            cx.report(
                Diagnostic::new(
                    codes::JOIN_KEY_TYPES,
                    format!("`{left_key}` is {left}, `{right_key}` is {right}; they cannot be compared"),
                )
                .at(place)
                .help("cast one of them in a `Project` before"),
            );
        } else {
            cx.report(
                Diagnostic::new(
                    codes::IMPLICIT_COERCION,
                    format!(
                        "`{left_key}` is {left}, `{right_key}` is {right}; one is converted for every row"
                    ),
                )
                .about("view", node.owner.name())
                .about("left_key", left_key)
                .about("left_type", left.to_string())
                .about("right_key", right_key)
                .about("right_type", right.to_string())
                .at(place),
            );
        }
    }
}

fn check_union(cx: &mut Context<'_>, node: &Node, inputs: &[&Schema]) {
    let Op::UnionByName(union) = &node.op else { return };
    let all: BTreeSet<&str> = inputs.iter().flat_map(|input| input.names()).collect();
    for (index, input) in inputs.iter().enumerate() {
        let missing: Vec<&str> = all.iter().copied().filter(|name| !input.contains(name)).collect();
        if !missing.is_empty() {
            let source = union.sources.get(index).map_or("", String::as_str);
            let message = format!("`{source}` has no {}; they are NULL in its rows", missing.join(", "));
            let place = cx.place(node, SpecField::Source(index));
            let found = Diagnostic::new(codes::LOSSY_UNION, message).at(place);
            let found = found.about("view", node.owner.name()).about("source", source);
            cx.report(found.about("columns", missing.join(", ")));
        }
    }
}

/// Views and inputs that no output needs.
fn warn_unused(graph: &Graph, cx: &mut Context<'_>) {
    // What reads them may be among what is broken.
    if cx.has_errors() {
        return;
    }
    let needed = graph.needed();
    for node in graph.ids().filter(|id| !needed.contains(id)).map(|id| &graph[id]) {
        if cx.is_broken(node) {
            continue;
        }
        let input = rows_of_a_table(node);
        // An input may be there only to name the table of a change feed or a manifest.
        if input.is_some_and(|input| is_read_otherwise(graph, input)) {
            continue;
        }
        let (code, what) =
            if input.is_some() { (codes::UNUSED_INPUT, "input") } else { (codes::UNUSED_VIEW, "view") };
        let message = format!("no output needs the {what} `{}`; it is not computed", node.name);
        let found = Diagnostic::new(code, message).at(cx.place(node, SpecField::Definition));
        cx.report(found.about(what, &node.name));
    }
}

/// The scan of an input: no view is one that reads rows.
fn rows_of_a_table(node: &Node) -> Option<&Scan> {
    if let Op::Scan(scan) = &node.op { Some(scan).filter(|scan| scan.read == Read::Rows) } else { None }
}

/// Whether something else than its rows is read of the table of an input.
fn is_read_otherwise(graph: &Graph, input: &Scan) -> bool {
    graph.ids().any(|id| {
        let node = &graph[id];
        matches!(&node.op, Op::Scan(scan) if scan.location == input.location && scan.read != Read::Rows)
    })
}
