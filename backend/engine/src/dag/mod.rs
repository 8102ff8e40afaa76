//! A graph as one DAG of logical plans, and the segments it is run in.
//!
//! ```text
//! Outputs
//!   Write: a            Write: b
//!     Filter              Aggregate
//!       SharedView: v       SharedView: v      one node of the DAG: its definition is in it
//! ```
//!
//! Checks are tops like outputs. Emission makes the DAG. Segments are cut from it ([`cut`]), and nothing else is planned, explained or run: what is not
//! reached from the root is not computed. The schedule adds in which order, and at what cost.

mod cut;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::logical_expr::{Extension, LogicalPlan};
use delta::TableBase;
use ir::hash::canonical::Encoder;
use ir::hash::{ContentHash, digest};
use ir::op::{Check, Sink};
use ir::schema::Schema;

use crate::error::EngineError;
use crate::operators::{CheckNode, OutputsNode, WriteNode};

/// A graph as plans: one DAG, and the segments it is run in.
#[derive(Clone, Debug)]
pub struct PlanDag {
    /// The name of the graph.
    pub name: String,
    /// One node over all outputs and checks. A shared view is a leaf with its definition in it.
    pub root: LogicalPlan,
    /// The segments of the DAG in execution order: each comes after those it reads.
    pub segments: Vec<SegmentPlan>,
    /// What the tables of the outputs were when they were opened, by output. Writes are based on it.
    pub bases: BTreeMap<String, TableBase>,
    /// Bytes of memory all shared views together may hold, if the spec limits them.
    pub cache_memory_budget: Option<u64>,
    known: Known,
}

/// What the DAG does not say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Of the segment below each top, by its place in the schedule.
    pub(crate) segments: BTreeMap<Top, SegmentFacts>,
    /// What each scan reads, by the name of its node: the table, its version and its commit.
    pub(crate) scans: BTreeMap<String, ContentHash>,
}

/// What a segment is named after: the shared view that it computes, the table that it writes, or its check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Top {
    View(String),
    Output(String),
    Check(String),
}

impl Top {
    /// Its name.
    fn name(&self) -> &str {
        match self {
            Self::View(name) | Self::Output(name) | Self::Check(name) => name,
        }
    }
}

/// What the schedule knows of a segment.
#[derive(Clone, Debug)]
pub(crate) struct SegmentFacts {
    /// Its place in the order of execution.
    pub(crate) position: usize,
    /// See [`SegmentPlan::kind`].
    pub(crate) kind: SegmentKind,
    /// See [`SegmentPlan::level`].
    pub(crate) level: u32,
    /// See [`SegmentPlan::bottom_level`].
    pub(crate) bottom_level: u64,
    /// See [`SegmentPlan::cost`].
    pub(crate) cost: u64,
    /// See [`SegmentPlan::rows`].
    pub(crate) rows: u64,
    /// See [`SegmentPlan::schema`].
    pub(crate) schema: Schema,
}

/// What is planned and run as one.
#[derive(Clone, Debug)]
pub struct SegmentPlan {
    /// The shared view, the table that is written, or the node of the check.
    pub name: String,
    /// What is done with its rows.
    pub kind: SegmentKind,
    /// Segments of one level do not depend on each other.
    pub level: u32,
    /// The shared views it reads.
    pub reads: Vec<String>,
    /// The outputs whose tables it reads as they will be.
    pub written: Vec<String>,
    /// The scans in it, by the names of their nodes.
    pub scans: Vec<String>,
    /// How urgent it is: the cost of everything that waits for it, itself included.
    pub bottom_level: u64,
    /// Its own cost, in rows passing a simple operator.
    pub cost: u64,
    /// How many rows it is estimated to give.
    pub rows: u64,
    /// The columns of its rows.
    pub schema: Schema,
    /// What it reads by [`ViewReader::Part`](crate::operators::leaf::ViewReader)s, in an order in which every part comes after those it
    /// reads. Empty for all but long segments.
    pub parts: Vec<PartPlan>,
    /// The plan, not optimized; where there are parts, of what lies above them.
    pub logical: LogicalPlan,
}

/// A part of a long segment.
#[derive(Clone, Debug)]
pub struct PartPlan {
    /// The view it computes.
    pub name: String,
    /// The plan, not optimized.
    pub logical: LogicalPlan,
}

/// What is done with the rows of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    /// They are kept for other segments, for this reason.
    SharedView(String),
    /// They are written to a table.
    Output(Sink),
    /// They fail an assertion, and are counted.
    Check(Check),
}

impl SegmentPlan {
    /// `view x`, `output x` or `check x`; `rows x` of what is shown and not written.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.kind {
            SegmentKind::SharedView(_) => format!("view {}", self.name),
            SegmentKind::Output(sink) if !sink.has_table() => {
                format!("rows {}", self.name.strip_suffix(Sink::ROWS).unwrap_or(&self.name))
            }
            SegmentKind::Output(_) => format!("output {}", self.name),
            SegmentKind::Check(_) => format!("check {}", self.name),
        }
    }
}

impl PlanDag {
    /// The DAG of these outputs and checks.
    ///
    /// # Errors
    /// [`EngineError::Internal`] when the schedule does not know a segment of it.
    pub(crate) fn new(
        name: &str,
        writes: Vec<WriteNode>,
        checks: Vec<CheckNode>,
        known: Known,
        bases: BTreeMap<String, TableBase>,
        cache_memory_budget: Option<u64>,
    ) -> Result<Self, EngineError> {
        let writes = writes.into_iter().map(|write| Extension { node: Arc::new(write) });
        let checks = checks.into_iter().map(|check| Extension { node: Arc::new(check) });
        let root = OutputsNode::new(writes.chain(checks).map(LogicalPlan::Extension).collect());
        let root = LogicalPlan::Extension(Extension { node: Arc::new(root) });
        let segments = cut::segments(&root, &known.segments)?;
        Ok(Self { name: name.to_owned(), root, segments, bases, cache_memory_budget, known })
    }

    /// The same DAG without the other outputs, without checks, and without what only they need.
    ///
    /// # Errors
    /// [`EngineError::Internal`] when the DAG is not one of outputs.
    pub fn of_outputs(self, is_wanted: impl Fn(&str) -> bool) -> Result<Self, EngineError> {
        let writes = cut::writes(&self.root)?.into_iter().filter(|write| is_wanted(write.table()));
        let writes = writes.cloned().collect();
        let bases = self.bases.into_iter().filter(|(table, _)| is_wanted(table)).collect();
        Self::new(&self.name, writes, Vec::new(), self.known, bases, self.cache_memory_budget)
    }

    /// What of each segment is planned, in their order: the digest of its own plans and of the tables that it scans. What a
    /// shared view computes that it reads is no part of it; that view's columns are.
    #[must_use]
    pub(crate) fn own_digests(&self) -> Vec<ContentHash> {
        let schemas: BTreeMap<&str, ContentHash> =
            self.segments.iter().map(|segment| (segment.name.as_str(), digest(&segment.schema))).collect();
        let own = |segment: &SegmentPlan| {
            let mut encoder = Encoder::new("codeanatomy planned segment 1");
            encoder.list(4).hash(&digest(&segment.logical)).list(segment.parts.len());
            for part in &segment.parts {
                encoder.list(2).text(&part.name).hash(&digest(&part.logical));
            }
            known_below(&mut encoder, &segment.reads, |name| schemas.get(name));
            known_below(&mut encoder, &segment.scans, |name| self.known.scans.get(name));
            encoder.finish()
        };
        self.segments.iter().map(own).collect()
    }

    /// What each segment is, in their order: the digest of the DAG below its top, with the tables that are scanned, their
    /// locations as the spec gives them and their versions. Two runs of one build of the program compute the same in
    /// segments of one digest, but for what is random or of the current time.
    #[must_use]
    pub fn digests(&self) -> Vec<ContentHash> {
        let mut views: BTreeMap<&str, ContentHash> = BTreeMap::new();
        let mut outputs: BTreeMap<&str, ContentHash> = BTreeMap::new();
        let mut digests = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            let mut encoder = Encoder::new("codeanatomy segment 1");
            encoder
                .list(if segment.written.is_empty() { 4 } else { 5 })
                .hash(&digest(&segment.logical))
                .list(segment.parts.len());
            for part in &segment.parts {
                encoder.list(2).text(&part.name).hash(&digest(&part.logical));
            }
            known_below(&mut encoder, &segment.reads, |name| views.get(name));
            known_below(&mut encoder, &segment.scans, |name| self.known.scans.get(name));
            if !segment.written.is_empty() {
                known_below(&mut encoder, &segment.written, |name| outputs.get(name));
            }
            let whole = encoder.finish();
            match segment.kind {
                SegmentKind::SharedView(_) => views.insert(&segment.name, whole),
                SegmentKind::Output(_) => outputs.insert(&segment.name, whole),
                SegmentKind::Check(_) => None,
            };
            digests.push(whole);
        }
        digests
    }
}

/// What is read below a segment: names, each with what is known of it.
fn known_below<'a>(encoder: &mut Encoder, names: &[String], known: impl Fn(&str) -> Option<&'a ContentHash>) {
    encoder.list(names.len());
    for name in names {
        encoder.list(2).text(name);
        match known(name) {
            Some(hash) => encoder.hash(hash),
            None => encoder.null(),
        };
    }
}
