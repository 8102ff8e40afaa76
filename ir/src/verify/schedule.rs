//! Invariants of the schedule.

use std::collections::{BTreeMap, BTreeSet};

use super::{Report, Rule};
use crate::graph::{Graph, NodeId};
use crate::phase::Phase;

pub(super) fn check(graph: &Graph, report: &mut Report) {
    let Some(schedule) = &graph.schedule else {
        if graph.phase >= Phase::Scheduled {
            report.add(&graph.name, Rule::V12, "there is no schedule");
        }
        return;
    };
    if graph.phase < Phase::Scheduled {
        report.add(&graph.name, Rule::V12, format!("there is a schedule in phase {}", graph.phase));
    }
    let wanted: BTreeSet<&str> =
        graph.ids().filter(|id| graph[*id].is_segment_root()).map(|id| graph.name_of(id)).collect();
    let mut levels: BTreeMap<&str, u32> = BTreeMap::new();
    for segment in &schedule.segments {
        let root = segment.root.as_str();
        if levels.contains_key(root) {
            report.add(root, Rule::V12, "two segments have this root");
        }
        let Some(id) = graph.find(root).filter(|id| graph[*id].is_segment_root()) else {
            report.add(root, Rule::V12, "a segment's root is neither a shared view nor a sink nor a check");
            continue;
        };
        let reads = shared_inputs(graph, id);
        if reads.iter().map(String::as_str).ne(segment.reads.iter().map(String::as_str)) {
            report.add(
                root,
                Rule::V12,
                format!("the segment reads {reads:?}, the schedule says {:?}", segment.reads),
            );
        }
        for read in &reads {
            match levels.get(read.as_str()) {
                None => report.add(root, Rule::V12, format!("comes before `{read}`, which it reads")),
                Some(level) if *level >= segment.level => {
                    report.add(
                        root,
                        Rule::V12,
                        format!("is on level {}, reads `{read}` on level {level}", segment.level),
                    );
                }
                Some(_) => {}
            }
        }
        levels.insert(root, segment.level);
    }
    for missing in wanted.into_iter().filter(|name| !levels.contains_key(name)) {
        report.add(missing, Rule::V12, "has no segment");
    }
}

/// The shared views and sinks below a segment's root that the segment reads, ordered by name.
fn shared_inputs(graph: &Graph, root: NodeId) -> Vec<String> {
    let mut reads = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = graph.inputs(root);
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        if graph[id].is_segment_root() {
            reads.insert(graph.name_of(id).to_owned());
        } else {
            open.extend(graph.inputs(id));
        }
    }
    reads.into_iter().collect()
}
