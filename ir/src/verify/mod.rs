//! The verifier: what every graph must keep.
//!
//! The invariants stand in one table, [`Rule`].
//!
//! A violation is a bug of the pass that ran last, never of the user. All violations are reported, not only the
//! first.

mod nodes;
mod rules;
mod schedule;

pub use rules::Rule;

use crate::graph::{Graph, Schedule};
use crate::op::Op;
use crate::oracle::Oracle;
use crate::phase::Phase;

/// One broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{rule} at `{node}`: {message}")]
pub struct Violation {
    /// The node, or the graph's name for what concerns no single node.
    pub node: String,
    /// The invariant.
    pub rule: Rule,
    /// What is wrong.
    pub message: String,
}

/// A graph that keeps all invariants of its phase.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'a>(&'a Graph);

impl<'a> Verified<'a> {
    /// The graph.
    #[must_use]
    pub fn graph(&self) -> &'a Graph {
        self.0
    }

    /// The graph as one that can be emitted.
    ///
    /// # Errors
    /// When not all passes have run.
    pub fn scheduled(self) -> Result<Scheduled<'a>, NotScheduled> {
        let Self(graph) = self;
        let schedule = graph.schedule.as_ref();
        let scheduled = schedule.map(|schedule| Scheduled { graph, schedule });
        scheduled.ok_or_else(|| NotScheduled { graph: graph.name.clone(), phase: graph.phase })
    }
}

/// A verified graph in phase Scheduled: what is computed and what is shared are decided, and every part of it belongs to
/// a segment. The engine emits nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Scheduled<'a> {
    graph: &'a Graph,
    schedule: &'a Schedule,
}

impl<'a> Scheduled<'a> {
    /// The graph.
    #[must_use]
    pub fn graph(&self) -> &'a Graph {
        self.graph
    }

    /// Its schedule.
    #[must_use]
    pub fn schedule(&self) -> &'a Schedule {
        self.schedule
    }
}

/// A sound graph of an earlier phase than Scheduled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("graph `{graph}` is in phase {phase} and has no schedule; run all passes before emitting it")]
pub struct NotScheduled {
    /// The graph.
    pub graph: String,
    /// Its phase.
    pub phase: Phase,
}

/// Checks all invariants of the graph's phase.
///
/// # Errors
/// All violations, ordered by node and number.
pub fn verify<'a>(graph: &'a Graph, oracle: &dyn Oracle) -> Result<Verified<'a>, Vec<Violation>> {
    let mut report = Report::default();
    let order = graph.topological();
    if graph.phase >= Phase::Resolved && order.len() < graph.len() {
        let cycle = graph.cycle().unwrap_or_default();
        let names: Vec<&str> = cycle.into_iter().map(|id| graph.name_of(id)).collect();
        report.add(&graph.name, Rule::V04, format!("there is a cycle: {}", names.join(" -> ")));
    }
    for id in graph.ids() {
        nodes::check(graph, id, oracle, &mut report);
    }
    check_reach(graph, &mut report);
    check_header(graph, &mut report);
    schedule::check(graph, &mut report);
    report.violations.sort();
    if report.violations.is_empty() { Ok(Verified(graph)) } else { Err(report.violations) }
}

/// Collects violations.
#[derive(Default)]
struct Report {
    violations: Vec<Violation>,
}

impl Report {
    fn add(&mut self, node: &str, rule: Rule, message: impl Into<String>) {
        self.violations.push(Violation { node: node.to_owned(), rule, message: message.into() });
    }
}

fn check_reach(graph: &Graph, report: &mut Report) {
    if graph.phase < Phase::Placed {
        return;
    }
    let needed = graph.needed();
    for id in graph.ids().filter(|id| !needed.contains(id)) {
        report.add(graph.name_of(id), Rule::V08, "no sink and no check depends on it");
    }
}

fn check_header(graph: &Graph, report: &mut Report) {
    if graph.phase >= Phase::Bound && !graph.parameters.is_empty() {
        report.add(&graph.name, Rule::V09, format!("{} parameters are left", graph.parameters.len()));
    }
}

/// Whether a node is a leaf: an operation that takes its schema from a table.
fn is_leaf(op: &Op) -> bool {
    matches!(op, Op::Scan(_))
}
