//! schedule: the graph is cut into segments.
//!
//! ```text
//! daily = aggregate … place share "…"
//! @a = sink daily …
//! @b = sink daily …
//! ```
//! gets
//! ```text
//! segment root=daily level=0 rows=~12 cost=4800 bottom_level=4848 critical=true
//! segment root=@a level=1 reads=[daily] rows=~12 cost=48 bottom_level=48 critical=true
//! segment root=@b level=1 reads=[daily] rows=~12 cost=48 bottom_level=48
//! ```
//!
//! A segment is what is planned and run as one: everything below a shared node, a sink or a check, down to tables and other
//! shared nodes; a check of an output's table comes after the sink that writes it. Its level is one more than the highest level it reads. Within a level, segments come in order of
//! falling bottom level (their cost plus that of the longest chain waiting for them), the classic list-scheduling
//! priority (Graham 1969), so that the critical path starts first.

use std::collections::{BTreeMap, BTreeSet};

use ir::graph::{Graph, NodeId, Schedule, Segment};

use crate::analysis::cost::{self, NodeCost};
use crate::context::Context;

pub(crate) fn run(graph: &mut Graph, _: &mut Context<'_>) {
    let costs = cost::estimate(graph);
    let roots: Vec<NodeId> =
        graph.topological().into_iter().filter(|id| graph[*id].is_segment_root()).collect();
    let mut segments: BTreeMap<NodeId, Segment> = BTreeMap::new();
    let mut reads_of: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
    for &root in &roots {
        let (reads, cost) = walk(graph, root, &costs);
        let level = reads.iter().map(|read| segments[read].level + 1).max();
        let segment = Segment {
            root: graph.name_of(root).to_owned(),
            level: level.unwrap_or(0),
            reads: reads.iter().map(|read| graph.name_of(*read).to_owned()).collect(),
            rows: costs[&root].rows,
            cost,
            bottom_level: cost,
            critical: false,
        };
        segments.insert(root, segment);
        reads_of.insert(root, reads);
    }
    set_bottom_levels(&roots, &reads_of, &mut segments);
    mark_critical_path(&reads_of, &mut segments);
    let mut segments: Vec<Segment> = segments.into_values().collect();
    segments.sort_by(|a, b| {
        (a.level, std::cmp::Reverse(a.bottom_level), &a.root).cmp(&(
            b.level,
            std::cmp::Reverse(b.bottom_level),
            &b.root,
        ))
    });
    graph.schedule = Some(Schedule { segments });
}

/// The shared nodes and sinks a segment reads, ordered by name, and the cost of the nodes in it. A node that is computed
/// again for several readers inside the segment counts once for each.
fn walk(graph: &Graph, root: NodeId, costs: &BTreeMap<NodeId, NodeCost>) -> (Vec<NodeId>, u64) {
    let mut reads = BTreeSet::new();
    // How often each node of the segment is computed: once for every way from the root to it.
    let mut times: BTreeMap<NodeId, u64> = BTreeMap::from([(root, 1)]);
    let mut total: u64 = 0;
    for id in graph.topological_below(root, |id| graph[id].is_segment_root()) {
        // Consumers come first, so every way to the node has been walked.
        let count = times[&id];
        if id != root && graph[id].is_segment_root() {
            reads.insert((graph.name_of(id).to_owned(), id));
            continue;
        }
        total = total.saturating_add(costs[&id].own.saturating_mul(count));
        for (port, input) in graph.ports(id) {
            let reads = u64::try_from(graph.reads_of_port(id, port)).unwrap_or(u64::MAX);
            let entry = times.entry(input).or_default();
            *entry = entry.saturating_add(count.saturating_mul(reads));
        }
    }
    (reads.into_iter().map(|(_, id)| id).collect(), total)
}

/// Adds to every segment's cost the longest chain of segments that wait for it.
fn set_bottom_levels(
    roots: &[NodeId],
    reads_of: &BTreeMap<NodeId, Vec<NodeId>>,
    segments: &mut BTreeMap<NodeId, Segment>,
) {
    for root in roots.iter().rev() {
        let waiting = segments[root].bottom_level;
        for read in &reads_of[root] {
            segments.entry(*read).and_modify(|below| {
                below.bottom_level = below.bottom_level.max(below.cost.saturating_add(waiting))
            });
        }
    }
}

/// Follows the largest bottom levels from the first segments to a sink.
fn mark_critical_path(reads_of: &BTreeMap<NodeId, Vec<NodeId>>, segments: &mut BTreeMap<NodeId, Segment>) {
    let longest = |candidates: &mut dyn Iterator<Item = (&NodeId, &Segment)>| {
        candidates
            .max_by_key(|(_, segment)| (segment.bottom_level, std::cmp::Reverse(segment.root.clone())))
            .map(|(id, _)| *id)
    };
    let mut next = longest(&mut segments.iter().filter(|(_, segment)| segment.level == 0));
    while let Some(id) = next {
        segments.entry(id).and_modify(|segment| segment.critical = true);
        let waits = |root: &NodeId| reads_of[root].contains(&id);
        next = longest(&mut segments.iter().filter(|(root, _)| waits(root)));
    }
}
