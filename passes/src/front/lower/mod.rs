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

mod expression;
mod parameter;
mod relate;
mod transform;

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use ir::diag::{Diagnostic, SpecPath, codes};
use ir::expr::{NamedExpr, NamedExprs, ScalarExpr};
use ir::graph::{CachePolicy, Graph, Node, NodeId, Owner, Role};
use ir::op::{GraphTable, Input, Op, Project, SchemaMode, Sink, SinkMode, SortColumn};
use ir::schema::Schema;
use ir::spec::{
    self, CacheAction, InputRelation, MaterializationMode, OutputTarget, Spec, Unread, ViewDefinition,
};

use crate::context::Context;

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    let Some(spec) = cx.spec else { return };
    let all_read = Unread::default();
    let unread = cx.unread.unwrap_or(&all_read);
    for (index, input) in read(&spec.input_relations, &unread.inputs) {
        lower_input(graph, cx, input, SpecPath::root().field("input_relations").index(index));
    }
    for (index, view) in read(&spec.view_definitions, &unread.views) {
        lower_view(graph, cx, view, &SpecPath::root().field("view_definitions").index(index));
    }
    for (index, output) in read(&spec.output_targets, &unread.outputs) {
        lower_output(graph, cx, output, &SpecPath::root().field("output_targets").index(index));
    }
    break_unread(graph, cx, unread);
    graph.parameters = parameter::lower(cx, &spec.typed_parameters);
    graph.cache = lower_cache_policy(cx, spec);
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
    cx.broken.extend(views.filter(|name| graph.find(name).is_none()).map(Owner::View));
    let outputs = unread.outputs.values().flatten().cloned();
    cx.broken.extend(outputs.filter(|name| graph.find(&format!("@{name}")).is_none()).map(Owner::Output));
}

/// Adds a node unless its name is taken.
fn add(
    graph: &mut Graph,
    cx: &mut Context<'_>,
    node: Node,
    taken: impl FnOnce(&Node) -> Diagnostic,
) -> Option<NodeId> {
    graph.try_add(node).map_err(|other| cx.report(taken(&graph[other]))).ok()
}

fn lower_input(graph: &mut Graph, cx: &mut Context<'_>, input: &InputRelation, place: SpecPath) {
    let op = Op::Input(Input {
        location: input.delta_location.clone(),
        version: input.version_pin,
        lineage: input.requires_lineage,
    });
    let name = &input.logical_name;
    add(graph, cx, Node::new(name, op), |_| {
        Diagnostic::new(codes::DUPLICATE_INPUT, format!("there is another input named `{name}`"))
            .at(place.field("logical_name"))
    });
}

fn lower_view(graph: &mut Graph, cx: &mut Context<'_>, view: &ViewDefinition, place: &SpecPath) {
    let name = &view.name;
    let contract = lower_contract(cx, view, place);
    let Some((op, sources)) = transform::lower(cx, view, &place.field("transform")) else {
        cx.broken.insert(Owner::View(name.clone()));
        return;
    };
    let mut node = Node::new(name, op).reading(sources);
    node.contract = contract;
    add(graph, cx, node, |other| {
        let input = matches!(other.op, Op::Input(_));
        let (code, what) =
            if input { (codes::NAME_TAKEN, "an input") } else { (codes::DUPLICATE_VIEW, "another view") };
        Diagnostic::new(code, format!("there is {what} named `{name}`")).at(place.field("name"))
    });
}

/// The promised columns of a view, as types. They need not be all of its columns.
fn lower_contract(cx: &mut Context<'_>, view: &ViewDefinition, place: &SpecPath) -> Option<Schema> {
    let mut columns = Vec::new();
    for (name, text) in &view.output_schema.columns {
        match text.parse() {
            Ok(data_type) => columns.push((name.clone(), data_type, true)),
            Err(_) => cx.report(
                Diagnostic::new(codes::CONTRACT_UNKNOWN_TYPE, format!("`{text}` is not an Arrow type"))
                    .at(place.field("output_schema").field("columns").field(name))
                    .found(text)
                    .allowed([
                        "Boolean",
                        "Int32",
                        "Int64",
                        "Float64",
                        "Utf8",
                        "Binary",
                        "Date32",
                        "Timestamp(µs)",
                    ])
                    .suggest_nearest(),
            ),
        }
    }
    (!columns.is_empty()).then(|| Schema::new(columns))
}

fn lower_output(graph: &mut Graph, cx: &mut Context<'_>, output: &OutputTarget, place: &SpecPath) {
    let owner = Owner::Output(output.table_name.clone());
    let columns = if output.columns.is_empty() {
        None
    } else {
        let Some(columns) = lower_columns(cx, &output.columns, &place.field("columns")) else {
            cx.broken.insert(owner);
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
    let sink = add(graph, cx, sink, |_| {
        let message = format!("there is another output named `{}`", output.table_name);
        Diagnostic::new(codes::DUPLICATE_OUTPUT, message).at(place.field("table_name"))
    });
    if let (Some(sink), Some(columns)) = (sink, columns) {
        let step = graph.add_step(sink, "columns", Op::Project(Project { columns }));
        let below = vec![graph.name_of(step).to_owned()];
        graph[step].sources = std::mem::replace(&mut graph[sink].sources, below);
    }
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
fn lower_columns(cx: &mut Context<'_>, entries: &[spec::NamedExpr], place: &SpecPath) -> Option<NamedExprs> {
    let mut columns = Vec::with_capacity(entries.len());
    let mut complete = true;
    for (index, entry) in entries.iter().enumerate() {
        let place = place.index(index);
        let expr = match &entry.expr {
            None => Some(ScalarExpr::column(&entry.name)),
            Some(text) => expression::parse(cx, text, &place.field("expr")),
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
pub(super) fn named_views<'s>(spec: &'s Spec, unread: Option<&Unread>) -> Vec<&'s str> {
    let has_name = |index: &usize| unread.is_none_or(|unread| unread.views.get(index) != Some(&None));
    let views = spec.view_definitions.iter().enumerate().filter(|(index, _)| has_name(index));
    views.map(|(_, view)| view.name.as_str()).collect()
}

fn lower_cache_policy(cx: &mut Context<'_>, spec: &Spec) -> CachePolicy {
    let Some(policy) = &spec.cache_policy else { return CachePolicy::default() };
    let mut lowered = CachePolicy {
        min_fanout: policy.min_fanout,
        min_estimated_rows: policy.min_estimated_rows,
        memory_budget: policy.cache_memory_budget,
        force: Vec::new(),
        never: Vec::new(),
    };
    let views = named_views(spec, cx.unread);
    for (index, entry) in policy.overrides.iter().enumerate() {
        if !views.contains(&entry.view_name.as_str()) {
            let place =
                SpecPath::root().field("cache_policy").field("overrides").index(index).field("view_name");
            cx.report(
                Diagnostic::new(codes::UNKNOWN_CACHE_VIEW, format!("there is no view `{}`", entry.view_name))
                    .at(place)
                    .found(&entry.view_name)
                    .allowed(views.iter().copied())
                    .suggest_nearest(),
            );
            continue;
        }
        if lowered.force.contains(&entry.view_name) || lowered.never.contains(&entry.view_name) {
            let place = SpecPath::root().field("cache_policy").field("overrides").index(index);
            let message = format!("an earlier override for `{}` stands", entry.view_name);
            cx.report(Diagnostic::new(codes::CACHE_WITHOUT_EFFECT, message).at(place));
            continue;
        }
        match entry.action {
            CacheAction::ForceCache => lowered.force.push(entry.view_name.clone()),
            CacheAction::NeverCache => lowered.never.push(entry.view_name.clone()),
        }
    }
    lowered
}
