//! validate: rules about meaning that types do not express.
//!
//! Changes nothing; reports everything it finds. Errors: keys that cannot be compared, partition columns that do
//! not work, two outputs or an output and an input at one place, parameters without a use. Warnings: keys of
//! different numeric types, very broad projections, sources of a union that lack columns, views nobody needs, views
//! that give other rows at every run.

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::DataType;
use ir::diag::{Diagnostic, SpecPath, codes};
use ir::graph::{Graph, Node, NodeId};
use ir::op::{Op, Relate, Scan, Sink};
use ir::schema::{Schema, same_logical_type};

use super::{bind, case};
use crate::context::Context;

/// More columns than this in one projection are worth a warning.
const BROAD: usize = 64;

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    let graph = &*graph;
    for id in graph.topological() {
        let Some(node) = graph.get(id) else { continue };
        if cx.is_broken(node) {
            continue;
        }
        let inputs = graph.input_schemas(id);
        match (&node.op, inputs.as_slice()) {
            (Op::Relate(relate), [left, right]) => check_keys(cx, node, relate, left, right),
            (Op::UnionByName(_), inputs) => check_union(cx, node, inputs),
            (Op::Project(project), _) if project.columns.0.len() > BROAD => {
                let message = format!("the projection has {} columns", project.columns.0.len());
                cx.report(
                    Diagnostic::new(codes::BROAD_PROJECTION, message)
                        .at(cx.place_in_transform(node).field("columns"))
                        .help("leave `columns` out to keep all columns"),
                );
            }
            (Op::Sink(sink), [schema]) => check_sink(cx, node, sink, schema),
            _ => {}
        }
        case::check(cx, node, &inputs);
        // Surface operations and sinks hold no expressions of their own, and the engine cannot plan them.
        let planned = !node.op.is_surface() && !matches!(node.op, Op::Sink(_));
        if planned && cx.oracle.is_volatile(node, &inputs) {
            cx.report(
                Diagnostic::new(
                    codes::NON_DETERMINISTIC,
                    format!("`{}` gives other rows at every run", node.name),
                )
                .at(cx.place_in_transform(node))
                .help("pass the value in as a typed parameter"),
            );
        }
    }
    bind::check(graph, cx);
    check_locations(graph, cx);
    if !cx.has_errors() {
        // What a mistake cut off is not unused.
        warn_unused(graph, cx);
    }
}

fn check_keys(cx: &mut Context<'_>, node: &Node, relate: &Relate, left: &Schema, right: &Schema) {
    for (index, (left_key, right_key)) in relate.on.iter().enumerate() {
        let (Some(left), Some(right)) = (left.field(left_key), right.field(right_key)) else { continue };
        let (left, right) = (left.data_type(), right.data_type());
        let place = cx.place_in_transform(node).field("on").index(index);
        if same_logical_type(left, right) {
            continue;
        }
        if !cx.oracle.comparable(left, right) || left.is_numeric() != right.is_numeric() {
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
            let place = cx.place_in_transform(node).field("sources").index(index);
            cx.report(Diagnostic::new(codes::LOSSY_UNION, message).at(place));
        }
    }
}

fn check_order(cx: &mut Context<'_>, sink: &Sink, schema: &Schema, place: &SpecPath) {
    for (index, sort) in sink.sort_by.iter().enumerate() {
        let name = &sort.column;
        let message = match schema.field(name).map(|field| field.data_type()) {
            None => format!("the output has no column `{name}`"),
            Some(data_type) if data_type.is_nested() => {
                format!("`{name}` is {data_type}, which has no order")
            }
            Some(_) if sink.sort_by.iter().take(index).any(|earlier| earlier.column == *name) => {
                format!("`{name}` is there twice")
            }
            Some(_) => continue,
        };
        let diagnostic = Diagnostic::new(codes::SORT_COLUMN, message).at(place.field("sort_by").index(index));
        cx.report(diagnostic.found(name.clone()).allowed(schema.names()).suggest_nearest());
    }
}

fn check_sink(cx: &mut Context<'_>, node: &Node, sink: &Sink, schema: &Schema) {
    let place = cx.place(node);
    if schema.is_empty() {
        cx.report(Diagnostic::new(codes::NO_COLUMNS, "the table would have no columns").at(place.clone()));
    }
    let mut refuse = |index: usize, message: String| {
        let place = place.field("partition_by").index(index);
        let diagnostic = Diagnostic::new(codes::PARTITION_COLUMN, message).at(place);
        let found = sink.partition_by.get(index).cloned().unwrap_or_default();
        cx.report(diagnostic.found(found).allowed(schema.names()).suggest_nearest());
    };
    for (index, name) in sink.partition_by.iter().enumerate() {
        match schema.field(name).map(|field| field.data_type()) {
            None => refuse(index, format!("the output has no column `{name}`")),
            Some(data_type) if data_type.is_nested() || data_type.is_floating() => {
                refuse(index, format!("`{name}` is {data_type}; rows cannot be partitioned by it"));
            }
            Some(_) if sink.partition_by.iter().take(index).any(|earlier| earlier == name) => {
                refuse(index, format!("`{name}` is there twice"));
            }
            Some(_) => {}
        }
    }
    if !schema.is_empty() && schema.names().all(|name| sink.partition_by.iter().any(|column| column == name))
    {
        let message = "every column is a partition column; data files would be empty";
        cx.report(Diagnostic::new(codes::PARTITION_COLUMN, message).at(place.field("partition_by")));
    }
    check_order(cx, sink, schema, &place);
    for names in case::twins(schema) {
        let message = format!("the columns {} differ by letter case only", names.join(" and "));
        cx.report(Diagnostic::new(codes::COLUMN_CASE, message).at(place.clone()).help(
            "most programs that read Delta tables take them for one column; rename one of them in `columns`",
        ));
    }
    for field in schema.fields().filter(|field| !storable(field.data_type())) {
        let message = format!("`{}` is {}, which a Delta table cannot hold", field.name(), field.data_type());
        cx.report(
            Diagnostic::new(codes::OUTPUT_TYPE, message)
                .at(place.clone())
                .help("cast it with {name, expr} in `columns`"),
        );
    }
    for key in sink.metadata.keys().filter(|key| key.starts_with("codeanatomy.")) {
        let message = format!("`{key}` is written by CodeAnatomy itself");
        cx.report(
            Diagnostic::new(codes::RESERVED_METADATA, message).at(place.field("write_metadata").field(key)),
        );
    }
}

/// Whether the Delta protocol has a type for this one, at every depth.
fn storable(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(inner) | DataType::LargeList(inner) | DataType::FixedSizeList(inner, _) => {
            storable(inner.data_type())
        }
        DataType::Struct(fields) => {
            !fields.is_empty() && fields.iter().all(|field| storable(field.data_type()))
        }
        DataType::Map(entries, _) => storable(entries.data_type()),
        DataType::Dictionary(_, value) => storable(value),
        DataType::Null
        | DataType::Float16
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Duration(_)
        | DataType::Interval(_)
        | DataType::Decimal256(..)
        | DataType::Union(..)
        | DataType::RunEndEncoded(..) => false,
        _ => true,
    }
}

/// Two outputs must not write to one place, and none where the same spec reads.
fn check_locations(graph: &Graph, cx: &mut Context<'_>) {
    let mut written: BTreeMap<&str, NodeId> = BTreeMap::new();
    let mut read: BTreeMap<&str, &Node> = BTreeMap::new();
    for node in graph.ids().filter_map(|id| graph.get(id)) {
        if let Op::Scan(Scan { location, .. }) = &node.op {
            read.entry(location.trim_end_matches('/')).or_insert(node);
        }
    }
    for id in graph.sinks() {
        let Some(node) = graph.get(id) else { continue };
        let Op::Sink(sink) = &node.op else { continue };
        let location = sink.location.trim_end_matches('/');
        if let Some(other) = written.insert(location, id).and_then(|other| graph.get(other)) {
            let message = format!(
                "`{location}` is also written by the output `{}`",
                other.name.trim_start_matches('@')
            );
            cx.report(Diagnostic::new(codes::DUPLICATE_LOCATION, message).at(location_place(cx, node)));
        }
        if let Some(reader) = read.get(location) {
            let message = format!("`{location}` is also read, by the input `{}`", reader.owner());
            cx.report(
                Diagnostic::new(codes::OUTPUT_IS_INPUT, message)
                    .at(location_place(cx, node))
                    .related(cx.place(reader), "read here"),
            );
        }
    }
}

fn location_place(cx: &Context<'_>, node: &Node) -> SpecPath {
    let place = cx.place(node);
    let given = cx.spec.is_some_and(|spec| {
        let table = node.name.trim_start_matches('@');
        spec.output_targets.iter().any(|output| output.table_name == table && output.delta_location.is_some())
    });
    place.field(if given { "delta_location" } else { "table_name" })
}

/// Views and inputs that no output needs.
fn warn_unused(graph: &Graph, cx: &mut Context<'_>) {
    // What reads them may be among what is broken.
    if cx.has_errors() {
        return;
    }
    let mut alive: BTreeSet<NodeId> = BTreeSet::new();
    let mut open = graph.sinks();
    while let Some(id) = open.pop() {
        if alive.insert(id) {
            open.extend(graph.inputs(id));
        }
    }
    for id in graph.ids().filter(|id| !alive.contains(id)) {
        let Some(node) = graph.get(id).filter(|node| !cx.is_broken(node)) else { continue };
        let Some(spec) = cx.spec else { continue };
        let is_input = spec.input_relations.iter().any(|input| input.logical_name == node.name);
        // An input may be there only to name the table of a change feed or a manifest.
        let names_a_table = is_input
            && spec.view_definitions.iter().any(|view| match &view.transform {
                ir::spec::Transform::IncrementalCdf(feed) => feed.source == node.name,
                ir::spec::Transform::Metadata(metadata) => metadata.source == node.name,
                ir::spec::Transform::FileManifest(manifest) => manifest.source == node.name,
                _ => false,
            });
        if names_a_table {
            continue;
        }
        let (code, what) =
            if is_input { (codes::UNUSED_INPUT, "input") } else { (codes::UNUSED_VIEW, "view") };
        let message = format!("no output needs the {what} `{}`; it is not computed", node.name);
        cx.report(Diagnostic::new(code, message).at(cx.place(node)));
    }
}
