//! prune: nodes keep the columns that are used, filters that all readers share move below, unused nodes go.
//!
//! ```text
//! orders = scan location=orders version=3 rows=9 : {id Int64!, day Date32, amount Float64, note Utf8}
//! big = filter orders predicate=((amount > 0) AND (id < 5)) : {…}
//! new = filter orders predicate=((amount > 0) AND (id >= 5)) : {…}
//! big_ids = project big columns={id: id, amount: amount} : {…}
//! …
//! ```
//! becomes
//! ```text
//! orders = scan location=orders version=3 columns=[id, amount] rows=9 : {id Int64!, amount Float64}
//! orders.common = filter orders predicate=(amount > 0) : {…}
//! big = filter orders.common predicate=(id < 5) : {…}
//! new = filter orders.common predicate=(id >= 5) : {…}
//! ```
//!
//! 1. Nodes no sink and no check depends on are removed.
//! 2. Where all readers of a node are filters, what they all filter by moves below them, see [`filters`].
//! 3. Demand ([`crate::analysis::demand`]) says which columns each node must give. Scans, projections, aggregations,
//!    windows and joins drop the others; every relation keeps at least one column, so that rows can be counted.
//! 4. Sinks, checks, unions and `DISTINCT` mean exactly the columns of their inputs. Where an input still has more, because
//!    another reader needs them, a projection is put between.
//! 5. Schemas are derived again.
//!
//! Dropping a column nobody reads changes no row that is written.

mod filters;

use std::collections::{BTreeMap, BTreeSet};

use ir::expr::NamedExpr;
use ir::graph::{Graph, NodeId};
use ir::op::{Op, Project, Scan, Written};

use crate::analysis::demand;
use crate::context::Context;

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    for name in graph.remove_unreachable() {
        cx.remark(format!("{name} is not needed"));
        cx.refuse_cache_override(graph, &name, "no output needs it");
    }
    for id in graph.topological() {
        // A filter that had nothing left to do is gone.
        if graph.get(id).is_some() {
            filters::move_below(graph, cx, id);
        }
    }
    let before: BTreeMap<NodeId, Vec<String>> = graph.ids().map(|id| (id, names(graph, id))).collect();
    let demand = demand::columns(graph);
    for id in graph.topological() {
        narrow(graph, id, &demand[&id]);
        for (port, input) in graph.ports(id) {
            let wanted = exact_columns(graph, id, input, &before, &demand);
            if let Some(wanted) = wanted.filter(|wanted| *wanted != names(graph, input)) {
                insert_projection(graph, cx, id, port, input, &wanted);
            }
        }
        derive(graph, cx, id);
    }
}

fn names(graph: &Graph, id: NodeId) -> Vec<String> {
    graph.schema(id).names().map(str::to_owned).collect()
}

/// Drops the columns of a node that nobody uses.
fn narrow(graph: &mut Graph, id: NodeId, wanted: &BTreeSet<String>) {
    let schema = graph.schema(id).clone();
    let node = &mut graph[id];
    match &mut node.op {
        Op::Scan(Scan { columns, .. }) | Op::Written(Written { columns }) => {
            let names: Vec<&str> = schema.names().collect();
            let kept: Vec<&str> = demand::kept(&names, |name| name, wanted, true).copied().collect();
            if kept.len() < schema.len() {
                node.schema = Some(schema.project(|name| kept.contains(&name)));
                *columns = Some(kept.into_iter().map(str::to_owned).collect());
            }
        }
        Op::Project(project) => keep_some(&mut project.columns.0, |column| &column.name, wanted, true),
        Op::Aggregate(aggregate) => {
            let must_have_one = aggregate.group_by.is_empty();
            keep_some(&mut aggregate.measures.0, |column| &column.name, wanted, must_have_one);
        }
        Op::Window(window) => keep_some(&mut window.columns.0, |column| &column.name, wanted, true),
        Op::Join(join) => keep_some(&mut join.columns, |column| &column.name, wanted, true),
        Op::SpanJoin(join) => keep_some(&mut join.columns, |column| &column.name, wanted, true),
        Op::Input(_)
        | Op::ChangeFeed(_)
        | Op::TableMetadata(_)
        | Op::FileManifest(_)
        | Op::Normalize(_)
        | Op::Relate(_)
        | Op::UnionByName(_)
        | Op::Conform(_)
        | Op::Filter(_)
        | Op::Unnest(_)
        | Op::Query(_)
        | Op::Union(_)
        | Op::Distinct(_)
        | Op::Sink(_)
        | Op::Check(_) => {}
    }
}

fn keep_some<C: Clone>(
    columns: &mut Vec<C>,
    name: impl Fn(&C) -> &str,
    wanted: &BTreeSet<String>,
    must_have_one: bool,
) {
    *columns = demand::kept(columns, name, wanted, must_have_one).cloned().collect();
}

/// The columns that a node means when it reads an input as a whole; nothing when extra columns do no harm.
fn exact_columns(
    graph: &Graph,
    id: NodeId,
    input: NodeId,
    before: &BTreeMap<NodeId, Vec<String>>,
    demand: &BTreeMap<NodeId, BTreeSet<String>>,
) -> Option<Vec<String>> {
    match &graph[id].op {
        Op::Sink(_) | Op::Check(_) | Op::Distinct(_) => Some(before[&input].clone()),
        Op::Union(_) => {
            let kept = demand::kept(&before[&id], |name| name, &demand[&id], true);
            Some(kept.cloned().collect())
        }
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
        | Op::Unnest(_)
        | Op::Query(_)
        | Op::Join(_)
        | Op::SpanJoin(_)
        | Op::Written(_) => None,
    }
}

fn insert_projection(
    graph: &mut Graph,
    cx: &Context<'_>,
    id: NodeId,
    port: usize,
    input: NodeId,
    wanted: &[String],
) {
    let columns = wanted.iter().map(|name| NamedExpr::column(name)).collect();
    let new = graph.add_step(id, "narrow", Op::Project(Project { columns }));
    graph.set_inputs(new, &[input]);
    derive(graph, cx, new);
    graph.connect(new, id, port);
}

/// Asks for the schema of a node again.
fn derive(graph: &mut Graph, cx: &Context<'_>, id: NodeId) {
    if matches!(graph[id].op, Op::Scan(_) | Op::Written(_)) {
        return;
    }
    let inputs = graph.input_schemas(id);
    // A failure leaves the old schema standing; the verifier names this pass for it.
    if let Ok(schema) = cx.oracle.schema(&graph[id], &inputs) {
        graph[id].schema = Some(schema);
    }
}
