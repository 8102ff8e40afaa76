//! Where a DAG is cut into segments: below the nodes that write, and at shared views.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::common::Result as PlanResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;

use super::{PartPlan, SegmentFacts, SegmentPlan, Top};
use crate::error::EngineError;
use crate::operators::leaf::{ViewReader, ViewReaderNode, WrittenNode};
use crate::operators::{CheckNode, OutputsNode, WriteNode};

/// The nodes that write, below the root of a DAG.
pub(super) fn writes(root: &LogicalPlan) -> Result<Vec<&WriteNode>, EngineError> {
    Ok(tops(root)?.filter_map(extension::<WriteNode>).collect())
}

/// The nodes that write and check, below the root of a DAG.
fn tops(root: &LogicalPlan) -> Result<impl Iterator<Item = &LogicalPlan>, EngineError> {
    let no_outputs = || EngineError::internal("the plan", "its root is not one of outputs");
    Ok(extension::<OutputsNode>(root).ok_or_else(no_outputs)?.tops())
}

/// The segments that are reached from the root, in the order of the schedule.
pub(super) fn segments(
    root: &LogicalPlan,
    facts: &BTreeMap<Top, SegmentFacts>,
) -> Result<Vec<SegmentPlan>, EngineError> {
    let mut open = Vec::new();
    for plan in tops(root)? {
        let write = extension::<WriteNode>(plan).map(|write| Top::Output(write.table().to_owned()));
        let check = || extension::<CheckNode>(plan).map(|check| Top::Check(check.check().to_owned()));
        let unknown = || EngineError::internal("the plan", "it has a top that is no output and no check");
        open.push((write.or_else(check).ok_or_else(unknown)?, plan.clone()));
    }
    let mut seen: BTreeSet<Top> = open.iter().map(|(top, _)| top.clone()).collect();
    let mut segments = Vec::new();
    while let Some((top, logical)) = open.pop() {
        let unknown = || EngineError::internal(top.name(), "the schedule has no such segment");
        let facts = facts.get(&top).ok_or_else(unknown)?;
        let below = Below::of(&logical).map_err(|source| EngineError::plan(top.name(), source))?;
        for (view, definition) in &below.views {
            let view = Top::View(view.clone());
            if seen.insert(view.clone()) {
                open.push((view, definition.as_ref().clone()));
            }
        }
        let segment = SegmentPlan {
            name: top.name().to_owned(),
            kind: facts.kind.clone(),
            level: facts.level,
            reads: below.views.into_keys().collect(),
            written: below.written.into_iter().collect(),
            scans: below.scans.into_iter().collect(),
            bottom_level: facts.bottom_level,
            cost: facts.cost,
            rows: facts.rows,
            schema: facts.schema.clone(),
            parts: below.parts,
            logical,
        };
        segments.push((facts.position, segment));
    }
    segments.sort_by_key(|(position, _)| *position);
    Ok(segments.into_iter().map(|(_, segment)| segment).collect())
}

/// What lies below the top of a segment.
#[derive(Default)]
struct Below {
    /// The shared views that are read, with their definitions.
    views: BTreeMap<String, Arc<LogicalPlan>>,
    scans: BTreeSet<String>,
    /// The outputs whose tables are read as they will be.
    written: BTreeSet<String>,
    /// Each after those that it reads.
    parts: Vec<PartPlan>,
}

impl Below {
    fn of(top: &LogicalPlan) -> PlanResult<Self> {
        let mut below = Self::default();
        let mut named = BTreeSet::new();
        let mut open: Vec<Arc<LogicalPlan>> = vec![Arc::new(top.clone())];
        while let Some(plan) = open.pop() {
            plan.apply_with_subqueries(|node| {
                if let LogicalPlan::TableScan(scan) = node {
                    below.scans.insert(scan.table_name.table().to_owned());
                } else if let Some(reader) = extension::<WrittenNode>(node) {
                    below.written.insert(reader.table().to_owned());
                } else if let Some(reader) = extension::<ViewReaderNode>(node) {
                    let (view, definition) = (reader.view().to_owned(), reader.definition());
                    match reader.kind() {
                        ViewReader::Shared => {
                            below.views.insert(view, Arc::clone(definition));
                        }
                        ViewReader::Part if named.insert(view.clone()) => {
                            below.parts.push(PartPlan { name: view, logical: definition.as_ref().clone() });
                            open.push(Arc::clone(definition));
                        }
                        ViewReader::Part => {}
                    }
                }
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        // A part has one reader, which was found before it.
        below.parts.reverse();
        Ok(below)
    }
}

/// A node of ours.
fn extension<N: 'static>(plan: &LogicalPlan) -> Option<&N> {
    let LogicalPlan::Extension(extension) = plan else { return None };
    extension.node.as_any().downcast_ref()
}
