//! lower: the spec becomes nodes.
//!
//! ```yaml
//! view_definitions:
//!   - {name: paid, transform: {kind: Filter, source: orders, predicate: amount > 0}}
//! output_targets:
//!   - {table_name: daily, source_view: paid, columns: [day]}
//! ```
//! becomes
//! ```text
//! @daily = sink @daily.columns location=daily mode=overwrite
//! @daily.columns = project paid columns={day: day}
//! paid = filter orders predicate=(amount > 0)
//! ```
//!
//! Every SQL text is parsed here, so later passes see trees only. Names are not looked up yet, except that a name
//! must not be used twice: names are what nodes are found by. A definition with a mistake is left out and marked
//! as broken, so that its readers are not blamed for it.

mod assertions;
mod cache;
mod dependencies;
mod expression;
mod input;
mod parameter;
mod transform;
mod view_tests;

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use arrow_schema::DataType;
use ir::diag::{Diagnostic, SpecPath, codes};
use ir::expr::{NamedExpr, NamedExprs, ScalarExpr};
use ir::graph::{Graph, Node, NodeId, Owner, Role};
use ir::op::{GraphTable, Op, Project, SchemaMode, Sink, SinkMode, SortColumn};
use ir::origin::{Definition, Place, SpecField};
use ir::schema::Schema;
use ir::spec::{self, MaterializationMode, OutputTarget, Unread, ViewDefinition};

use crate::context::Context;
use crate::pass::SpecSource;

pub(crate) fn run(source: &SpecSource<'_>, graph: &mut Graph, cx: &mut Context<'_>) {
    let SpecSource { spec, unread } = source;
    for (index, input) in read(&spec.input_relations, &unread.inputs) {
        input::lower(graph, cx, input, &SpecPath::root().field("input_relations").index(index));
    }
    for (index, view) in read(&spec.view_definitions, &unread.views) {
        lower_view(graph, cx, view, &SpecPath::root().field("view_definitions").index(index));
    }
    for (index, output) in read(&spec.output_targets, &unread.outputs) {
        lower_output(graph, cx, output, &SpecPath::root().field("output_targets").index(index));
    }
    break_unread(graph, cx, unread);
    assertions::lower(graph, cx, source);
    view_tests::check(graph, cx, source);
    cx.reported.all_placeholders = unread.fields.contains("typed_parameters");
    graph.parameters = parameter::lower(cx, &spec.typed_parameters);
    graph.cache = cache::lower(cx, source);
    dependencies::check(graph, cx, source);
}

/// The parts of a list that could be read, with their places.
fn read<'s, P>(
    parts: &'s [P],
    unread: &BTreeMap<usize, Option<String>>,
) -> impl Iterator<Item = (usize, &'s P)> {
    parts.iter().enumerate().filter(|(index, _)| !unread.contains_key(index))
}

/// Nothing is said of what reads a part that could not be read, unless another one has its name.
fn break_unread(graph: &Graph, cx: &mut Context<'_>, unread: &Unread) {
    let views = unread.inputs.values().chain(unread.views.values()).flatten().cloned();
    views.filter(|name| graph.find(name).is_none()).for_each(|name| cx.leave_out(Owner::View(name)));
    let outputs = unread.outputs.values().flatten().cloned();
    let unnamed = outputs.filter(|name| graph.find(&format!("@{name}")).is_none());
    unnamed.for_each(|name| cx.leave_out(Owner::Output(name)));
}

/// Adds a node, which stands where `origin` says, unless its name is taken.
fn add(
    graph: &mut Graph,
    cx: &mut Context<'_>,
    node: Node,
    origin: Definition,
    taken: impl FnOnce(&Node) -> Diagnostic,
) -> Option<NodeId> {
    let owner = node.owner.clone();
    let id = graph.try_add(node).map_err(|other| cx.report(taken(&graph[other]))).ok()?;
    cx.origins.record(owner, origin);
    Some(id)
}

fn lower_view(graph: &mut Graph, cx: &mut Context<'_>, view: &ViewDefinition, place: &SpecPath) {
    let name = &view.name;
    let mut origin = Definition::at(place.clone());
    origin.record(SpecField::Name, place.field("name"));
    origin.record(SpecField::Transform, place.field("transform"));
    let contract = lower_contract(cx, view, &place.field("output_schema").field("columns"), &mut origin);
    let Some((op, sources)) = transform::lower(cx, view, &place.field("transform"), &mut origin) else {
        cx.leave_out(Owner::View(name.clone()));
        return;
    };
    let mut node = Node::new(name, op).reading(sources);
    node.contract = contract;
    add(graph, cx, node, origin, |other| {
        let input = matches!(other.op, Op::Input(_));
        let (code, what) =
            if input { (codes::NAME_TAKEN, "an input") } else { (codes::DUPLICATE_VIEW, "another view") };
        Diagnostic::new(code, format!("there is {what} named `{name}`")).at(place.field("name"))
    });
}

/// The promised columns of a view, as types. They need not be all of its columns.
fn lower_contract(
    cx: &mut Context<'_>,
    view: &ViewDefinition,
    place: &SpecPath,
    origin: &mut Definition,
) -> Option<Schema> {
    let mut columns = Vec::new();
    for (name, text) in &view.output_schema.columns {
        let place = place.field(name);
        origin.record(SpecField::Promise(name.clone()), place.clone());
        columns.extend(data_type(cx, text, place).map(|data_type| (name.clone(), data_type, true)));
    }
    (!columns.is_empty()).then(|| Schema::new(columns))
}

/// The type that a spec writes as text; nothing if there is none of this name.
fn data_type(cx: &mut Context<'_>, text: &str, place: SpecPath) -> Option<DataType> {
    let known = text.parse().ok();
    if known.is_none() {
        let common = ["Boolean", "Int32", "Int64", "Float64", "Utf8", "Binary", "Date32", "Timestamp(µs)"];
        let message = format!("`{text}` is not an Arrow type");
        let unknown = Diagnostic::new(codes::CONTRACT_UNKNOWN_TYPE, message).at(place).found(text);
        cx.report(unknown.allowed(common).suggest_nearest());
    }
    known
}

fn lower_output(graph: &mut Graph, cx: &mut Context<'_>, output: &OutputTarget, place: &SpecPath) {
    let owner = Owner::Output(output.table_name.clone());
    let mut origin = output_origin(output, place);
    let columns = if output.columns.is_empty() {
        None
    } else {
        let place = place.field("columns");
        let Some(columns) = lower_columns(cx, &output.columns, &place, &mut origin, SpecField::Column) else {
            cx.leave_out(owner);
            return;
        };
        Some(columns)
    };
    // Names are not looked up yet, and need not be for this: a view is a node of its own name.
    let source = graph.find(&output.source_view).map(|view| &graph[view].op);
    let part = if let Some(Op::Conform(conform)) = source { conform.graph } else { None };
    let sink = Node::new(format!("@{}", output.table_name), Op::Sink(lower_sink(output, part)))
        .part(owner, Role::Result)
        .reading([output.source_view.clone()]);
    let sink = add(graph, cx, sink, origin, |_| {
        let message = format!("there is another output named `{}`", output.table_name);
        Diagnostic::new(codes::DUPLICATE_OUTPUT, message).at(place.field("table_name"))
    });
    if let (Some(sink), Some(columns)) = (sink, columns) {
        let step = graph.add_step(sink, "columns", Op::Project(Project { columns }));
        let below = vec![graph.name_of(step).to_owned()];
        graph[step].sources = std::mem::replace(&mut graph[sink].sources, below);
    }
}

/// Where the parts of an output stand, but for the expressions of its columns.
fn output_origin(output: &OutputTarget, place: &SpecPath) -> Definition {
    let mut origin = Definition::at(place.clone());
    origin.record(SpecField::Source(0), place.field("source_view"));
    let location = if output.delta_location.is_some() { "delta_location" } else { "table_name" };
    origin.record(SpecField::Location, place.field(location));
    origin.record(SpecField::SchemaMode, place.field("schema_mode"));
    origin.record(SpecField::CommitRetries, place.field("max_commit_retries"));
    for (index, column) in output.columns.iter().enumerate() {
        origin.record(SpecField::Written(column.name.clone()), place.field("columns").index(index));
    }
    let (partitioning, order) = (&output.partition_by, &output.sort_by);
    let by = place.field("partition_by");
    origin.record_list(SpecField::Partitioning, by, partitioning.len(), SpecField::PartitionColumn);
    origin.record_list(SpecField::Order, place.field("sort_by"), order.len(), SpecField::OrderColumn);
    for key in output.write_metadata.keys() {
        origin.record(SpecField::Metadata(key.clone()), place.field("write_metadata").field(key));
    }
    origin
}

fn lower_sink(output: &OutputTarget, part: Option<GraphTable>) -> Sink {
    Sink {
        location: output.delta_location.clone().unwrap_or_else(|| output.table_name.clone()),
        mode: match output.materialization_mode {
            MaterializationMode::Append => SinkMode::Append,
            MaterializationMode::Overwrite => SinkMode::Overwrite,
        },
        schema_mode: match output.schema_mode {
            spec::SchemaMode::Strict => SchemaMode::Strict,
            spec::SchemaMode::Additive => SchemaMode::Additive,
            spec::SchemaMode::Replace => SchemaMode::Replace,
        },
        partition_by: output.partition_by.clone(),
        sort_by: output
            .sort_by
            .iter()
            .map(|sort| SortColumn { column: sort.column.clone(), descending: sort.descending })
            .collect(),
        target_file_size: output.target_file_size.map(NonZeroU64::get),
        metadata: output.write_metadata.clone(),
        max_commit_retries: output.max_commit_retries,
        graph: part,
    }
}

/// Output columns given as names or as `{name, expr}`.
fn lower_columns(
    cx: &mut Context<'_>,
    entries: &[spec::NamedExpr],
    place: &SpecPath,
    origin: &mut Definition,
    field: fn(usize) -> SpecField,
) -> Option<NamedExprs> {
    let mut columns = Vec::with_capacity(entries.len());
    let mut complete = true;
    for (index, entry) in entries.iter().enumerate() {
        let place = place.index(index);
        let expr = match &entry.expr {
            None => {
                origin.record(field(index), place.clone());
                Some(ScalarExpr::column(&entry.name))
            }
            Some(sql) => {
                let place = place.field("expr");
                let expr = expression::parse(cx, sql, &place);
                origin.record(field(index), Place::of_sql(place, sql));
                expr
            }
        };
        match expr {
            Some(expr) => columns.push((NamedExpr::new(&entry.name, expr), place)),
            None => complete = false,
        }
    }
    complete &= unique_names(cx, columns.iter().map(|(column, place)| (column.name.as_str(), place)));
    complete.then(|| columns.into_iter().map(|(column, _)| column).collect())
}

/// Reports names that are used twice; whether there were none.
fn unique_names<'a>(cx: &mut Context<'_>, names: impl Iterator<Item = (&'a str, &'a SpecPath)>) -> bool {
    let mut seen = BTreeMap::new();
    let mut unique = true;
    for (name, place) in names {
        if let Some(first) = seen.insert(name, place) {
            unique = false;
            cx.report(
                Diagnostic::new(codes::DUPLICATE_COLUMN, format!("the column `{name}` is there twice"))
                    .at(place.clone())
                    .related(first.clone(), "it is first defined here"),
            );
        }
    }
    unique
}

/// The names of views, but for those that could not be read.
fn named_views<'s>(source: &SpecSource<'s>) -> Vec<&'s str> {
    let views = source.spec.view_definitions.iter().enumerate();
    let named = views.filter(|(index, _)| source.unread.views.get(index) != Some(&None));
    named.map(|(_, view)| view.name.as_str()).collect()
}
