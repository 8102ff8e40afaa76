//! recall: rows that earlier runs counted of nodes are noted.
//!
//! ```text
//! daily = aggregate paid group_by={day: day} measures={total: (sum(amount))} : {…}
//! ```
//! gets in the head of the graph
//! ```text
//! cache min_fanout=2 counted={daily: {rows: ~324, runs: 3}}
//! ```
//!
//! Rules of thumb are off by factors, and the more operators lie below a node the more. What the node really gave stands in
//! the records of earlier runs, under its content hash while its tables are what they were, and under the hash of its
//! definition when they have changed ([`crate::analysis::history`]). The cost model takes it for the estimate from here on.
//! Without a history, which the spec has to ask for, nothing is done: two compilations of a spec that does not ask are equal,
//! whatever ran in between.

use ir::graph::Graph;

use crate::context::Context;

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    let Some(history) = cx.history else { return };
    graph.cache.counted = history.counted(graph, cx.oracle);
    for (name, counted) in &graph.cache.counted {
        cx.remark(format!("{name}: {} rows, {}", counted.rows, counted.source()));
    }
}
