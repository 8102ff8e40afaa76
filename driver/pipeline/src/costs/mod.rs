//! What each view of a spec cost in a run, made of what the operators of its segments did; and what the cost model of later
//! runs knows of it.

mod attribution;
mod history;
mod regions;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::iter::successors;

use engine::{RunOutcome, SegmentOutcome};
use ir::graph::{Graph, NodeId, Owner};
use ir::origin::SpecField;
use serde::{Deserialize, Serialize};

pub(crate) use attribution::Attributed;
pub use history::CountedRecord;
pub(crate) use history::Remembered;

use crate::Compilation;

/// What an input, a view, an output or an assertion of a spec cost in a run.
///
/// Every operator of the run is counted for one of them, so the costs of all together are those of all operators. Which one is
/// found by what it does and reads, since a plan does not say; the numbers of an operator that serves two views are those of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostRecord {
    /// What it is.
    pub kind: PartKind,
    /// Its name.
    pub name: String,
    /// Where it stands in the spec.
    pub path: String,
    /// The line of the spec, counted from 1.
    pub line: Option<usize>,
    /// The operators that worked for it. None where it melted into those that read it, or nothing needs it.
    pub operators: usize,
    /// The rows that left its highest operators, of all places where it was computed together: of a stored view and an output
    /// all of its rows; of a view that is computed by those that read it those that these had not filtered out below it.
    pub rows: Option<u64>,
    /// The time its operators computed, in nanoseconds, summed over threads.
    pub compute_nanos: u64,
    /// The most bytes of memory its operators had; see [`engine::OperatorMetrics::peak_memory_bytes`].
    pub peak_memory_bytes: u64,
    /// The bytes read of data files.
    pub read_bytes: u64,
    /// The bytes of the data files it wrote.
    pub written_bytes: u64,
    /// How often its operators spilled, a store of its rows among them.
    pub spills: u64,
    /// The bytes they spilled.
    pub spilled_bytes: u64,
    /// The time from when its segment began until its rows were stored or committed, in seconds; nothing where it is
    /// computed by those that read it.
    pub seconds: Option<f64>,
}

/// A part of a spec that costs something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// A table that is read.
    Input,
    /// A view.
    View,
    /// A table that is written.
    Output,
    /// An assertion.
    Assertion,
}

impl PartKind {
    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::View => "view",
            Self::Output => "output",
            Self::Assertion => "assertion",
        }
    }
}

/// What a run cost.
#[derive(Debug)]
pub(crate) struct Costs {
    /// Every part of the spec that was compiled, in its order.
    pub(crate) parts: Vec<CostRecord>,
    /// Whom the operators of each segment worked for, in the order of the segments of the run.
    pub(crate) segments: Vec<Vec<Attributed>>,
}

impl Costs {
    /// Of a run of this compilation.
    pub(crate) fn of(run: &RunOutcome, compilation: &Compilation) -> Self {
        let graph = &compilation.graph;
        let mut parts = Parts::of(compilation);
        let mut segments = Vec::with_capacity(run.segments.len());
        for segment in &run.segments {
            let Some(root) = root(graph, segment) else {
                segments.push(Vec::new());
                continue;
            };
            let attributed = attribution::attributed(graph, root, &segment.operators);
            parts.add_segment(segment, &attributed);
            parts.add_root(&graph[root].owner, segment);
            segments.push(attributed);
        }
        for view in &run.shared_views {
            let owner = graph.find(&view.view).map(|id| &graph[id].owner);
            parts.change(owner, |part| {
                part.spills = part.spills.saturating_add(wide(view.spill_count));
                part.spilled_bytes = part.spilled_bytes.saturating_add(wide(view.spilled_bytes));
            });
        }
        for output in &run.outputs {
            parts.change(Some(&Owner::Output(output.table.clone())), |part| {
                part.written_bytes = output.bytes;
                part.seconds = part.seconds.map(|seconds| seconds + output.commit.as_secs_f64());
            });
        }
        Self { parts: parts.in_order, segments }
    }
}

/// The node at the top of a segment.
fn root(graph: &Graph, segment: &SegmentOutcome) -> Option<NodeId> {
    match &segment.output {
        Some(table) => sink(graph, table),
        None => graph.find(&segment.name),
    }
}

/// The node that writes a table.
fn sink(graph: &Graph, table: &str) -> Option<NodeId> {
    graph.sinks().into_iter().find(|id| graph[*id].owner.name() == table)
}

/// The parts of a spec, found by their owners.
struct Parts {
    in_order: Vec<CostRecord>,
    places: BTreeMap<Owner, usize>,
}

impl Parts {
    fn of(compilation: &Compilation) -> Self {
        let Compilation { source, origins, .. } = compilation;
        let spec = &source.spec;
        let inputs = spec.input_relations.iter().map(|input| (PartKind::Input, &input.logical_name));
        let views = spec.view_definitions.iter().map(|view| (PartKind::View, &view.name));
        let outputs = spec.output_targets.iter().map(|output| (PartKind::Output, &output.table_name));
        let mut parts = Self { in_order: Vec::new(), places: BTreeMap::new() };
        let graph = &compilation.graph;
        let checks = graph.ids().map(|id| &graph[id]).filter(|node| node.is_check());
        let assertions = checks.map(|node| (PartKind::Assertion, &node.name));
        for (kind, name) in inputs.chain(views).chain(outputs).chain(assertions) {
            let owner = match kind {
                PartKind::Input | PartKind::View => Owner::View(name.clone()),
                PartKind::Output => Owner::Output(name.clone()),
                PartKind::Assertion => Owner::Assertion(name.clone()),
            };
            if !compilation.in_scope.has(&owner) {
                continue;
            }
            let path = origins.place(&owner, SpecField::Definition).path;
            parts.places.insert(owner, parts.in_order.len());
            parts.in_order.push(CostRecord {
                kind,
                name: name.clone(),
                line: source.map.locate(&path).map(|place| place.line),
                path: path.to_string(),
                operators: 0,
                rows: None,
                compute_nanos: 0,
                peak_memory_bytes: 0,
                read_bytes: 0,
                written_bytes: 0,
                spills: 0,
                spilled_bytes: 0,
                seconds: None,
            });
        }
        parts
    }

    fn change(&mut self, owner: Option<&Owner>, change: impl FnOnce(&mut CostRecord)) {
        let part = owner.and_then(|owner| self.places.get(owner)).and_then(|at| self.in_order.get_mut(*at));
        if let Some(part) = part {
            change(part);
        }
    }

    /// Adds what the operators of a segment did.
    fn add_segment(&mut self, segment: &SegmentOutcome, attributed: &[Attributed]) {
        for (operator, own) in segment.operators.iter().zip(attributed) {
            let above = |own: &&Attributed| own.parent.and_then(|parent| attributed.get(parent));
            // A filter that was moved below an aggregation stands between operators of one view.
            let is_top = successors(above(&own), above).all(|reader| reader.owner != own.owner);
            self.change(Some(&own.owner), |part| {
                let add = |sum: &mut u64, more: Option<usize>| {
                    *sum = sum.saturating_add(more.map_or(0, wide));
                };
                part.operators += 1;
                add(&mut part.compute_nanos, operator.elapsed_compute_nanos);
                add(&mut part.peak_memory_bytes, operator.peak_memory_bytes);
                add(&mut part.read_bytes, operator.scan.map(|scan| scan.bytes));
                add(&mut part.spills, operator.spill_count);
                add(&mut part.spilled_bytes, operator.spilled_bytes);
                if let Some(rows) = operator.output_rows.filter(|_| is_top) {
                    part.rows = Some(part.rows.unwrap_or(0).saturating_add(wide(rows)));
                }
            });
        }
    }

    /// Adds what is known of the rows of a segment as a whole.
    fn add_root(&mut self, owner: &Owner, segment: &SegmentOutcome) {
        self.change(Some(owner), |part| {
            let seconds = (segment.plan + segment.run).as_secs_f64();
            part.seconds = Some(part.seconds.unwrap_or(0.0) + seconds);
            // Counted where they were stored or written, whatever its operators count.
            part.rows = Some(segment.rows);
        });
    }
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
