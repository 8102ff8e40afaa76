//! place: every node with several readers is shared or recomputed.
//!
//! ```text
//! daily = aggregate paid group_by={day: day} measures={total: (sum(amount))} : {…}
//! ```
//! becomes
//! ```text
//! daily = aggregate paid group_by={day: day} measures={total: (sum(amount))} : {…}
//!     place share "2 readers: computing it again costs 4800 in 3 more operators, storing and reading ~12 rows costs 24"
//! ```
//!
//! Sharing costs one write and a cheap read per reader; recomputing costs everything below, down to tables and
//! shared nodes, once more for every further reader ([`crate::analysis::cost`]). The cheaper one is taken. A reader is
//! every place that names the node: a query that joins a view with itself reads it twice.
//!
//! Whatever is recomputed is also planned again, and nodes recomputed below each other multiply, so that *d* diamonds
//! on top of each other are a plan of 2^*d* operators. Therefore a node is recomputed only as long as that adds a
//! handful of operators: [`REPEATED_OPERATORS`] for what is only cheaper by estimate, [`STREAMED_OPERATORS`] at each
//! reader for a chain of filters and projections without function calls over a table or a shared node. All plans
//! together then stay linear in the size of the graph.
//!
//! The readers of a node must agree on its rows, and so must one reader that computes it more than once to compare values
//! with it ([`Graph::reads_at_most`]). So what may give other rows when it is computed again, itself or by
//! something below it that is not shared ([`crate::analysis::determinism`]), is shared whatever it costs. Where only the
//! last digits of floating-point sums may differ, cost decides, and the reason says so.
//!
//! Otherwise the spec has the last word: `ForceCache` and `NeverCache`, fewer readers than `min_fanout`, fewer rows than
//! `min_estimated_rows`; but no wish makes a plan repeat more than [`ALLOWED_OPERATORS`]. A wish that has no effect is
//! warned of. Nodes are decided producers first, so the price of a node knows what below it is shared already.

use std::collections::BTreeMap;

use ir::determinism::Determinism;
use ir::estimate::Estimate;
use ir::graph::{Graph, Node, NodeId, Placement, PlacementChoice};

use crate::analysis::cost::{self, NodeCost};
use crate::analysis::determinism::{self, Permission, Rewrite, permission};
use crate::context::Context;

/// The most operators that are planned again because that is cheaper than storing rows.
const REPEATED_OPERATORS: usize = 8;
/// The most operators of a chain of filters and projections that every reader runs for itself.
const STREAMED_OPERATORS: usize = 16;
/// The most operators that are planned again because the spec asks for it.
const ALLOWED_OPERATORS: usize = 4096;

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    let costs = cost::estimate(graph);
    for name in [graph.cache.force.as_slice(), graph.cache.never.as_slice()].concat() {
        if graph.find(&name).is_none() {
            cx.refuse_cache_override(graph, &name, "nothing of that name is left");
        }
    }
    let mut below = BTreeMap::new();
    let mut levels = BTreeMap::new();
    for id in graph.topological() {
        let inlined = Inlined::of(graph, id, &costs, &below);
        below.insert(id, inlined);
        let level = determinism::of_node(graph, cx.oracle, id, &levels);
        levels.insert(id, level);
        // A node with one reader is placed nowhere.
        let Some((placement, refused)) = decide(graph, id, &costs, inlined, level) else { continue };
        let name = graph.name_of(id).to_owned();
        cx.remark(format!("{name}: {} ({})", placement.choice.name(), placement.reason));
        match refused {
            Some(Wish::Never) => cx.refuse_cache_override(graph, &name, &placement.reason),
            Some(Wish::MinFanout(..)) => cx.refuse_cache_limit("min_fanout", &name, &placement.reason),
            Some(Wish::MinRows(..)) => cx.refuse_cache_limit("min_estimated_rows", &name, &placement.reason),
            None => {}
        }
        graph[id].placement = Some(placement);
    }
}

/// What a reader gets that computes a node for itself: everything below it, down to tables and shared nodes.
#[derive(Clone, Copy)]
struct Inlined {
    /// The operators of its plan.
    operators: usize,
    /// What they cost, in rows passing simple operators.
    cost: u64,
    /// Whether they are a table or a shared node, and nothing but cheap filters and projections above it.
    streams: bool,
}

impl Inlined {
    /// From those of the node's inputs, which are decided already.
    fn of(
        graph: &Graph,
        id: NodeId,
        costs: &BTreeMap<NodeId, NodeCost>,
        below: &BTreeMap<NodeId, Self>,
    ) -> Self {
        let mut sum = Self { operators: 1, cost: costs[&id].own, streams: cost::streams(&graph[id].op) };
        for (port, input) in graph.ports(id) {
            let reads = graph.reads_of_port(id, port);
            if graph[input].is_shared() {
                sum.operators = sum.operators.saturating_add(reads);
                continue;
            }
            let input = &below[&input];
            sum.operators = sum.operators.saturating_add(input.operators.saturating_mul(reads));
            sum.cost = sum.cost.saturating_add(input.cost.saturating_mul(wide(reads)));
            sum.streams &= input.streams;
        }
        sum
    }
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// The placement of a node, and the wish of the spec that it does not fulfil; nothing for a node with one reader that
/// nobody asked to share.
fn decide(
    graph: &Graph,
    id: NodeId,
    costs: &BTreeMap<NodeId, NodeCost>,
    inlined: Inlined,
    level: Determinism,
) -> Option<(Placement, Option<Wish>)> {
    let node = &graph[id];
    let mut readers = graph.reads(id);
    if permission(level, Rewrite::Recompute) == Permission::No {
        readers = graph.reads_at_most(id);
    }
    let forced = graph.cache.force.contains(&node.name);
    if node.is_root() || (readers < 2 && !forced) {
        return None;
    }
    let share = |reason: String| Placement { choice: PlacementChoice::Share, reason };
    let recompute = |reason: String| Placement { choice: PlacementChoice::Recompute, reason };
    if forced {
        return Some((share("the spec says ForceCache".to_owned()), None));
    }
    let rows = costs[&id].rows;
    let counted = graph.cache.counted.get(&node.name).map(|counted| format!(" ({})", counted.source()));
    let source = counted.unwrap_or_default();
    let wish = Wish::of(graph, node, readers, rows);
    let note = match permission(level, Rewrite::Recompute) {
        Permission::No => {
            let reason = format!("{readers} readers must see the same rows, and these are {level}");
            return Some((share(reason), wish));
        }
        Permission::Said => "; the last digits of sums may differ from reader to reader",
        Permission::Yes => "",
    };
    let more_operators = inlined.operators.saturating_mul(readers.saturating_sub(1));
    if let Some(wish) = wish {
        // The operator of a bare table scan is there once a reader whatever is decided.
        return Some(if more_operators <= ALLOWED_OPERATORS || inlined.operators == 1 {
            (recompute(format!("{wish}{note}")), None)
        } else {
            let reason = format!(
                "{wish}, but that would plan {more_operators} more operators; {ALLOWED_OPERATORS} are allowed"
            );
            (share(reason), Some(wish))
        });
    }
    if inlined.streams && inlined.operators <= STREAMED_OPERATORS {
        let what = if inlined.operators == 1 { "reading the table" } else { "filtering and projecting" };
        let reason = format!("{readers} readers: {what} again costs less than holding {rows} rows{source}");
        return Some((recompute(reason), None));
    }
    let again = inlined.cost.saturating_mul(wide(readers).saturating_sub(1));
    let stored = rows.rows.saturating_add(rows.rows.saturating_mul(wide(readers)) / 2);
    let reason = format!(
        "{readers} readers: computing it again costs {again} in {more_operators} more operators, storing and \
         reading {rows} rows{source} costs {stored}"
    );
    let cheaper = again <= stored && more_operators <= REPEATED_OPERATORS;
    Some((if cheaper { recompute(format!("{reason}{note}")) } else { share(reason) }, None))
}

/// Why the spec wants a node to be computed by every reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// It says so of the node.
    Never,
    /// The node has fewer readers than this.
    MinFanout(usize, u32),
    /// The node has fewer rows than this.
    MinRows(Estimate, u64),
}

impl Wish {
    fn of(graph: &Graph, node: &Node, readers: usize, rows: Estimate) -> Option<Self> {
        let policy = &graph.cache;
        if policy.never.contains(&node.name) {
            return Some(Self::Never);
        }
        if wide(readers) < u64::from(policy.min_fanout) {
            return Some(Self::MinFanout(readers, policy.min_fanout));
        }
        let least = policy.min_estimated_rows.filter(|least| rows.rows < *least)?;
        Some(Self::MinRows(rows, least))
    }
}

impl std::fmt::Display for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Never => f.write_str("the spec says NeverCache"),
            Self::MinFanout(readers, least) => {
                write!(f, "{readers} readers are fewer than min_fanout {least}")
            }
            Self::MinRows(rows, least) => {
                write!(f, "{rows} rows are fewer than min_estimated_rows {least}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
