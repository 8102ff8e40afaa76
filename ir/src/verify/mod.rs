//! The verifier: what every graph must keep.
//!
//! | number | invariant | from phase |
//! |---|---|---|
//! | V01 | the result of a view or input is named like it; a sink, and nothing else, is the result of an output | Lowered |
//! | V02 | an operation stands only in the phases it is allowed in | Lowered |
//! | V03 | a node has as many inputs as its operation takes, at ports 0, 1, …; in Lowered as names, later as edges | Lowered |
//! | V04 | the graph has no cycle | Resolved |
//! | V05 | leaves (from Resolved) and all nodes (from Typed) have a schema, without two columns of one name | Resolved |
//! | V06 | expressions, keys and bounds read only columns their input has | Typed |
//! | V07 | the schema of a core operation is the one derived from its inputs, nullability included | Typed |
//! | V08 | nobody reads a sink; from Placed on every node leads to a sink | Resolved |
//! | V09 | there are no parameters and no placeholders | Bound |
//! | V10 | there are no view contracts | Core |
//! | V11 | a node with several readers has a placement; before Placed none has | Lowered |
//! | V12 | segments are exactly the shared nodes and the sinks, each after those it reads, on a higher level | Scheduled |
//! | V13 | output columns of joins exist on their side and have different names; a span join keeps left rows only or both sides | Core |
//! | V14 | the inputs of a union have the same columns and types in the same order | Core |
//!
//! A violation is a bug of the pass that ran last, never of the user. All violations are reported, not only the
//! first.

mod nodes;
mod schedule;

use crate::graph::Graph;
use crate::op::Op;
use crate::oracle::Oracle;
use crate::phase::Phase;

/// One broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{rule} at `{node}`: {message}")]
pub struct Violation {
    /// The node, or the graph's name for what concerns no single node.
    pub node: String,
    /// The number of the invariant, like `V03`.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
}

/// A graph that keeps all invariants of its phase. The engine takes nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'a>(&'a Graph);

impl<'a> Verified<'a> {
    /// The graph.
    #[must_use]
    pub fn graph(&self) -> &'a Graph {
        self.0
    }
}

/// Checks all invariants of the graph's phase. Without an oracle V07 is not checked.
///
/// # Errors
/// All violations, ordered by node and number.
pub fn verify<'a>(graph: &'a Graph, oracle: Option<&dyn Oracle>) -> Result<Verified<'a>, Vec<Violation>> {
    let mut report = Report::default();
    let order = graph.topological();
    if graph.phase >= Phase::Resolved && order.len() < graph.len() {
        let cycle = graph.cycle().unwrap_or_default();
        let names: Vec<&str> = cycle.into_iter().map(|id| graph.name_of(id)).collect();
        report.add(&graph.name, "V04", format!("there is a cycle: {}", names.join(" -> ")));
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
    fn add(&mut self, node: &str, rule: &'static str, message: impl Into<String>) {
        self.violations.push(Violation { node: node.to_owned(), rule, message: message.into() });
    }
}

fn check_reach(graph: &Graph, report: &mut Report) {
    if graph.phase < Phase::Placed {
        return;
    }
    let needed = graph.needed();
    for id in graph.ids().filter(|id| !needed.contains(id)) {
        report.add(graph.name_of(id), "V08", "no sink depends on it");
    }
}

fn check_header(graph: &Graph, report: &mut Report) {
    if graph.phase >= Phase::Bound && !graph.parameters.is_empty() {
        report.add(&graph.name, "V09", format!("{} parameters are left", graph.parameters.len()));
    }
}

/// Whether a node is a leaf: an operation that takes its schema from a table.
fn is_leaf(op: &Op) -> bool {
    matches!(op, Op::Scan(_))
}
