//! place: every node with several readers is shared or recomputed.
//!
//! ```text
//! daily = aggregate paid group_by={day: day} measures={total: (sum(amount))} : {…}
//! ```
//! becomes
//! ```text
//! daily = aggregate paid group_by={day: day} measures={total: (sum(amount))} : {…}
//!     place share "2 readers: computing it again costs 4800, storing and reading ~12 rows costs 24"
//! ```
//!
//! Sharing costs one write and a cheap read per reader; recomputing costs everything below, down to tables and
//! shared nodes, once more for every further reader ([`crate::analysis::cost`]). The cheaper one is taken, unless
//! the spec says otherwise: `ForceCache` and `NeverCache`, fewer readers than `min_fanout`, fewer rows than
//! `min_estimated_rows`. A scan with only filters and projections above it is always read again. A volatile node is always shared: its readers must agree on its rows. Nodes are decided
//! producers first, so the price of a node knows what below it is shared already.

use std::collections::{BTreeMap, BTreeSet};

use ir::graph::{Graph, NodeId, Placement, PlacementChoice};
use ir::op::Op;

use crate::analysis::cost::{self, NodeCost};
use crate::context::Context;

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    let costs = cost::estimate(graph);
    for name in graph.cache.force.iter().chain(&graph.cache.never) {
        if graph.find(name).is_none() {
            cx.remark(format!("the cache override for {name} has no effect: no node of that name is left"));
        }
    }
    for id in graph.topological() {
        let Some(placement) = decide(graph, cx, id, &costs) else { continue };
        if let Some(node) = graph.get_mut(id) {
            cx.remark(format!("{}: {} ({})", node.name, placement.choice.name(), placement.reason));
            node.placement = Some(placement);
        }
    }
}

/// The placement of a node; nothing for a node with one reader that nobody asked to share.
fn decide(
    graph: &Graph,
    cx: &Context<'_>,
    id: NodeId,
    costs: &BTreeMap<NodeId, NodeCost>,
) -> Option<Placement> {
    let node = graph.get(id)?;
    let readers = graph.consumers(id).len();
    let forced = graph.cache.force.contains(&node.name);
    if matches!(node.op, Op::Sink(_)) || (readers < 2 && !forced) {
        return None;
    }
    let share = |reason: String| Some(Placement { choice: PlacementChoice::Share, reason });
    let recompute = |reason: String| Some(Placement { choice: PlacementChoice::Recompute, reason });
    if forced {
        return share("the spec says ForceCache".to_owned());
    }
    let inputs = graph.input_schemas(id);
    if cx.oracle.is_volatile(node, &inputs) {
        return share(format!("{readers} readers must see the same rows of a volatile node"));
    }
    if graph.cache.never.contains(&node.name) {
        return recompute("the spec says NeverCache".to_owned());
    }
    if readers < usize::try_from(graph.cache.min_fanout).unwrap_or(usize::MAX) {
        return recompute(format!("{readers} readers are fewer than min_fanout {}", graph.cache.min_fanout));
    }
    let rows = costs.get(&id)?.rows;
    if let Some(least) = graph.cache.min_estimated_rows.filter(|least| rows.rows < *least) {
        return recompute(format!("{rows} rows are fewer than min_estimated_rows {least}"));
    }
    if is_streaming(graph, id) {
        return recompute(format!(
            "{readers} readers: reading the table again costs less than holding {rows} rows"
        ));
    }
    let readers_wide = u64::try_from(readers).unwrap_or(u64::MAX);
    let again = cost_below(graph, id, costs).saturating_mul(readers_wide.saturating_sub(1));
    let stored = rows.rows.saturating_add(rows.rows.saturating_mul(readers_wide) / 2);
    let reason = format!(
        "{readers} readers: computing it again costs {again}, storing and reading {rows} rows costs {stored}"
    );
    if again > stored { share(reason) } else { recompute(reason) }
}

/// Whether a node is a table scan with nothing but filters and projections above it. Each reader then reads only its
/// own columns and row groups; a store would have to hold the union of them.
fn is_streaming(graph: &Graph, mut id: NodeId) -> bool {
    loop {
        match graph.get(id).map(|node| &node.op) {
            Some(Op::Scan(_)) => return true,
            Some(Op::Filter(_) | Op::Project(_)) => match graph.inputs(id).as_slice() {
                [input] => id = *input,
                _ => return false,
            },
            _ => return false,
        }
    }
}

/// The cost of a node and everything below it, down to shared nodes.
fn cost_below(graph: &Graph, id: NodeId, costs: &BTreeMap<NodeId, NodeCost>) -> u64 {
    let shared = |id: NodeId| {
        graph
            .get(id)
            .and_then(|node| node.placement.as_ref())
            .is_some_and(|p| p.choice == PlacementChoice::Share)
    };
    let mut seen = BTreeSet::new();
    let mut open = vec![id];
    let mut total: u64 = 0;
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            total = total.saturating_add(costs.get(&id).map_or(0, |cost| cost.own));
            open.extend(graph.inputs(id).into_iter().filter(|input| !shared(*input)));
        }
    }
    total
}
