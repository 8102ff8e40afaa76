//! Planning for its errors: everything a run plans, before anything runs, and which node an error belongs to.
//!
//! Segments are planned whole, as a run plans them, because rules look at several nodes at once. The message of a rule
//! names no node, though; so of a segment that fails, each node is planned once more by itself, over empty tables with
//! the columns of its inputs.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::common::Result;
use datafusion::common::runtime::SpawnedTask;
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use futures::StreamExt as _;
use ir::graph::{Graph, Node, NodeId};
use ir::hash::ContentHash;
use ir::op::Op;

use super::segment::{Settings, physical_plan};
use super::sharing::with_writers;
use crate::dag::{PlanDag, SegmentKind, SegmentPlan};
use crate::emit::{self, PlannedQueries};
use crate::error::{EngineError, was_stopped};
use crate::session::Session;

/// How many segments wait for a thread that is planning one.
const QUEUED: usize = 4;

/// A node that the engine cannot plan.
#[derive(Debug)]
pub struct Unplannable {
    /// The node's name in the graph.
    pub node: String,
    /// Why.
    pub error: EngineError,
}

/// Segments that could be planned in a session: they need not be planned again to see that.
#[derive(Debug, Default)]
pub struct PlannedSegments(Mutex<HashSet<ContentHash>>);

impl PlannedSegments {
    /// How many are remembered at the most; beyond that all are forgotten.
    const MOST: usize = 1 << 16;

    fn segments(&self) -> MutexGuard<'_, HashSet<ContentHash>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, segment: ContentHash) -> bool {
        self.segments().contains(&segment)
    }

    fn add(&self, segment: ContentHash) {
        let mut segments = self.segments();
        if segments.len() >= Self::MOST {
            segments.clear();
        }
        segments.insert(segment);
    }
}

/// Plans every segment of a DAG as a run does, several at a time, and gives the positions in [`PlanDag::segments`] of
/// those that cannot be planned. Shared views are not computed for it, so a run may choose other operators where their
/// sizes matter. Those that were planned before are not planned again.
///
/// # Errors
/// [`EngineError::Stopped`] when the session is stopped.
pub async fn plan_all(
    dag: &PlanDag,
    session: &Session,
    known: &PlannedSegments,
) -> Result<Vec<(usize, EngineError)>, EngineError> {
    let state = Arc::new(session.state().clone());
    let at_once = session.options().target_partitions.max(1) * QUEUED;
    let segments = dag.segments.iter().cloned().zip(dag.own_digests()).enumerate();
    let new: Vec<_> = segments.filter(|(_, (_, digest))| !known.has(*digest)).collect();
    let mut planned = futures::stream::iter(new)
        .map(|(index, (segment, digest))| {
            let state = Arc::clone(&state);
            SpawnedTask::spawn(async move {
                let planned = plan_segment(&state, &segment).await;
                (digest, planned.map_err(|source| (index, EngineError::physical(&segment.name, source))))
            })
            .join_unwind()
        })
        .buffered(at_once);
    let mut failed = Vec::new();
    while let Some(joined) = planned.next().await {
        match joined.map_err(|error| EngineError::internal(&dag.name, error.to_string()))? {
            (digest, Ok(())) => known.add(digest),
            (_, Err((_, EngineError::Stopped))) => return Err(EngineError::Stopped),
            (_, Err(found)) => failed.push(found),
        }
    }
    Ok(failed)
}

async fn plan_segment(state: &SessionState, segment: &SegmentPlan) -> Result<()> {
    let plan = physical_plan(state, segment).await?;
    match &segment.kind {
        SegmentKind::Output(sink) => {
            with_writers(plan, sink, segment.rows, state.config().target_partitions(), None).map(|_| ())
        }
        SegmentKind::SharedView(_) | SegmentKind::Check(_) => Ok(()),
    }
}

/// The nodes of the segment with this root that cannot be planned by themselves, inputs first. Nothing when only all of
/// them together cannot.
///
/// # Errors
/// [`EngineError::Stopped`] when the session is stopped.
pub async fn unplannable_nodes(
    graph: &Graph,
    root: &str,
    session: &Session,
) -> Result<Vec<Unplannable>, EngineError> {
    let members = members(graph, root);
    let mut found = Vec::new();
    for id in graph.topological().into_iter().filter(|id| members.contains(id)) {
        let node = &graph[id];
        match plan_alone(graph, id, node, session.state()).await {
            Ok(()) => {}
            Err(source) if was_stopped(&source) => return Err(EngineError::Stopped),
            Err(source) => {
                let error = EngineError::physical(&node.name, source);
                found.push(Unplannable { node: node.name.clone(), error });
            }
        }
    }
    Ok(found)
}

/// The nodes that are planned with this root: those below it, down to shared views and sinks.
fn members(graph: &Graph, root: &str) -> BTreeSet<NodeId> {
    let mut members: BTreeSet<NodeId> = BTreeSet::new();
    let mut open: Vec<NodeId> = graph.find(root).into_iter().collect();
    while let Some(id) = open.pop() {
        if members.insert(id) {
            open.extend(graph.inputs(id).into_iter().filter(|input| !graph[*input].is_segment_root()));
        }
    }
    members
}

async fn plan_alone(graph: &Graph, id: NodeId, node: &Node, state: &SessionState) -> Result<()> {
    if matches!(node.op, Op::Scan(_) | Op::Sink(_) | Op::Check(_) | Op::Written(_)) {
        return Ok(());
    }
    let inputs = graph.inputs(id).into_iter().map(|input| empty_input(graph, input));
    let inputs = inputs.collect::<Result<Vec<_>>>()?;
    let plan = emit::operation(state, &node.name, &node.op, inputs, &PlannedQueries::default())?;
    let plan = Settings::of(state).optimize(&plan)?;
    state.query_planner().create_physical_plan(&plan, state).await.map(|_| ())
}

/// A table with the columns of a node and no rows. Not an empty relation: the optimizer removes what reads one.
fn empty_input(graph: &Graph, id: NodeId) -> Result<Arc<LogicalPlan>> {
    let schema = graph[id]
        .schema
        .as_ref()
        .ok_or_else(|| DataFusionError::Internal(format!("`{}` has no schema", graph.name_of(id))))?;
    let table = EmptyTable::new(Arc::clone(schema.arrow()));
    emit::scan(graph.name_of(id), Arc::new(table), None).map(Arc::new)
}
