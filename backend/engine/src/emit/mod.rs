//! A verified graph becomes one DAG of DataFusion logical plans.
//!
//! Every node is emitted once, in topological order, over the plans of its inputs; the walk does not recurse. A
//! shared view becomes a leaf ([`SharedViewNode`](crate::operators::SharedViewNode)) for everybody who reads it:
//! DataFusion walks plans as trees, so a view that were inlined at each reader would be planned, and run, once per
//! path to it. The leaf carries its definition, so the DAG is complete; the definition is planned as a segment of
//! its own.
//!
//! A long segment is cut into parts ([`parts`]), at views with one reader.
//! The reader gets a leaf ([`PartNode`]), and each part is planned by itself ([`crate::planning`]).
//!
//! The type of a node is the schema of its plan: the oracle emits the same plan over stand-ins for its inputs and
//! asks for its schema. After emission every plan is checked against the schema the graph says.

mod aggregate;
mod explain;
mod expressions;
mod join;
mod parts;
mod query;
mod relational;
mod unnest;

pub use explain::{Stage, explain};

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::{DataFusionError, Result, plan_err};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Extension, LogicalPlan, UserDefinedLogicalNode};
use delta::TableBase;
use ir::graph::{Graph, NodeId, Segment};
use ir::op::{Op, Sink};
use ir::schema::Schema;
use ir::verify::Scheduled;

pub(crate) use expressions::calls::CallClause;
pub(crate) use expressions::{Misplaced, expression};
pub(crate) use query::{PlannedQueries, UnknownRelation, place_of_error, query};
pub(crate) use relational::scan;

use crate::error::EngineError;
use crate::operators::{OutputsNode, SharedViewNode, WriteNode};
use crate::planning::PartNode;
use crate::session::Session;
use crate::tables::Tables;
use parts::Cut;

/// A graph as plans: one for every segment, and the whole as one root.
#[derive(Clone, Debug)]
pub struct PlanDag {
    /// The name of the graph.
    pub name: String,
    /// The segments in execution order: each comes after those it reads.
    pub segments: Vec<SegmentPlan>,
    /// What the tables of the outputs were when they were opened, by output. Writes are based on it.
    pub bases: BTreeMap<String, TableBase>,
    /// Bytes of memory all shared views together may hold, if the spec limits them.
    pub cache_memory_budget: Option<u64>,
    /// One node over all outputs, for display and analysis. Shared views are leaves in it.
    pub root: LogicalPlan,
}

/// What is planned and run as one.
#[derive(Clone, Debug)]
pub struct SegmentPlan {
    /// The shared view, or the table that is written.
    pub name: String,
    /// What is done with its rows.
    pub kind: SegmentKind,
    /// Segments of one level do not depend on each other.
    pub level: u32,
    /// The shared views it reads.
    pub reads: Vec<String>,
    /// How urgent it is: the cost of everything that waits for it, itself included.
    pub bottom_level: u64,
    /// Its own cost, in rows passing a simple operator.
    pub cost: u64,
    /// How many rows it is estimated to give.
    pub rows: u64,
    /// The columns of its rows.
    pub schema: Schema,
    /// What it reads by [`PartNode`]s, in an order in which every part comes after those it reads. Empty for all but
    /// long segments.
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
}

impl SegmentPlan {
    /// `view x` or `output x`.
    #[must_use]
    pub fn title(&self) -> String {
        match self.kind {
            SegmentKind::SharedView(_) => format!("view {}", self.name),
            SegmentKind::Output(_) => format!("output {}", self.name),
        }
    }
}

/// Emits a scheduled graph.
///
/// # Errors
/// [`EngineError::Table`] for a scan whose table is not among `tables` or has
/// changed its identity; [`EngineError::Output`] for an output whose table could not be opened;
/// [`EngineError::Plan`] where DataFusion refuses a node; [`EngineError::Internal`] where a
/// plan does not have the schema the graph says; [`EngineError::Stopped`] when the session is stopped.
pub fn emit(graph: Scheduled<'_>, tables: &Tables, session: &Session) -> Result<PlanDag, EngineError> {
    emit_with(graph, tables, session, &PlannedQueries::default())
}

/// [`emit()`] with the queries that typing has planned.
pub(crate) fn emit_with(
    graph: Scheduled<'_>,
    tables: &Tables,
    session: &Session,
    planned: &PlannedQueries,
) -> Result<PlanDag, EngineError> {
    let (graph, schedule) = (graph.graph(), graph.schedule());
    let mut emission = Emission {
        graph,
        tables,
        session,
        planned,
        plans: BTreeMap::new(),
        definitions: BTreeMap::new(),
        cut: Cut::new(graph),
    };
    for id in graph.topological() {
        if session.is_stopped() {
            return Err(EngineError::Stopped);
        }
        emission.node(id)?;
    }
    let segments =
        schedule.segments.iter().map(|segment| emission.segment(segment)).collect::<Result<Vec<_>, _>>()?;
    let writes: BTreeMap<&str, &LogicalPlan> = segments
        .iter()
        .filter(|segment| matches!(segment.kind, SegmentKind::Output(_)))
        .map(|segment| (segment.name.as_str(), &segment.logical))
        .collect();
    let root = OutputsNode::new(writes.into_values().cloned().collect());
    let root = LogicalPlan::Extension(Extension { node: Arc::new(root) });
    let cache_memory_budget = graph.cache.memory_budget;
    let bases = bases(&segments, tables)?;
    Ok(PlanDag { name: graph.name.clone(), segments, bases, cache_memory_budget, root })
}

/// What the outputs are based on.
fn bases(segments: &[SegmentPlan], tables: &Tables) -> Result<BTreeMap<String, TableBase>, EngineError> {
    let mut bases = BTreeMap::new();
    for segment in segments {
        let SegmentKind::Output(sink) = &segment.kind else { continue };
        let base = match tables.base(&sink.location) {
            Some(Ok(base)) => base.clone(),
            Some(Err(source)) => {
                return Err(EngineError::Output { output: segment.name.clone(), source: Arc::clone(source) });
            }
            None => return Err(EngineError::internal(&segment.name, "its table was not requested")),
        };
        bases.insert(segment.name.clone(), base);
    }
    Ok(bases)
}

struct Emission<'a> {
    graph: &'a Graph,
    tables: &'a Tables,
    session: &'a Session,
    planned: &'a PlannedQueries,
    /// What a reader of a node gets.
    plans: BTreeMap<NodeId, Arc<LogicalPlan>>,
    /// What the segments compute: for a shared view its definition, for a sink its input.
    definitions: BTreeMap<NodeId, Arc<LogicalPlan>>,
    cut: Cut,
}

impl Emission<'_> {
    fn segment(&mut self, segment: &Segment) -> Result<SegmentPlan, EngineError> {
        let unknown = || EngineError::internal(&segment.root, "the schedule names a node without a plan");
        let id = self.graph.find(&segment.root).ok_or_else(unknown)?;
        let node = &self.graph[id];
        let definition = self.definitions.get(&id).ok_or_else(unknown)?;
        // A shared view is known to its readers by the name of its node, which may be a step of an output.
        let mut name = node.name.clone();
        let (kind, logical) = if let Op::Sink(sink) = &node.op {
            name = node.owner.name().to_owned();
            check_sink(sink, definition).map_err(|source| EngineError::plan(&node.name, source))?;
            let write = WriteNode::new(&name, sink, Arc::clone(definition));
            let logical = LogicalPlan::Extension(Extension { node: Arc::new(write) });
            (SegmentKind::Output(sink.clone()), logical)
        } else {
            let reason = node.placement.as_ref().map(|placement| placement.reason.clone());
            (SegmentKind::SharedView(reason.unwrap_or_default()), definition.as_ref().clone())
        };
        Ok(SegmentPlan {
            name,
            kind,
            level: segment.level,
            reads: segment.reads.clone(),
            bottom_level: segment.bottom_level,
            cost: segment.cost,
            rows: segment.rows.rows,
            schema: node.schema.clone().ok_or_else(unknown)?,
            parts: self.cut.parts_of(id),
            logical,
        })
    }

    fn node(&mut self, id: NodeId) -> Result<(), EngineError> {
        let node = &self.graph[id];
        let mut inputs = Vec::new();
        for input in self.graph.inputs(id) {
            let plan = self.plans.get(&input).cloned();
            inputs.push(plan.ok_or_else(|| EngineError::internal(&node.name, "an input has no plan"))?);
        }
        let refused = |source| EngineError::plan(&node.name, source);
        let plan = if let Op::Scan(scan) = &node.op {
            let provider = self.tables.provider(scan).map_err(|source| EngineError::Table {
                node: node.name.clone(),
                location: scan.location.clone(),
                source,
            })?;
            let scan = relational::scan(&node.name, provider, scan.columns.as_deref());
            Arc::new(scan.map_err(refused)?)
        } else {
            operation(self.session.state(), &node.name, &node.op, inputs, self.planned).map_err(refused)?
        };
        check_schema(&node.name, node.schema.as_ref(), &plan)?;
        if node.is_segment_root() {
            self.definitions.insert(id, Arc::clone(&plan));
        }
        let leaf: Option<Arc<dyn UserDefinedLogicalNode>> = if node.is_shared() {
            Some(Arc::new(SharedViewNode::try_new(&node.name, Arc::clone(&plan)).map_err(refused)?))
        } else if self.cut.is_part(self.graph, id, &plan) {
            Some(Arc::new(PartNode::try_new(&node.name, Arc::clone(&plan)).map_err(refused)?))
        } else {
            None
        };
        let plan = leaf.map_or(plan, |node| Arc::new(LogicalPlan::Extension(Extension { node })));
        self.plans.insert(id, plan);
        Ok(())
    }
}

fn check_schema(name: &str, wanted: Option<&Schema>, plan: &LogicalPlan) -> Result<(), EngineError> {
    let given = Schema::from_arrow(plan.schema().as_arrow());
    match wanted {
        Some(wanted) if *wanted == given => {}
        Some(wanted) => {
            return Err(EngineError::internal(
                name,
                format!("the graph says {wanted}, its plan gives {given}"),
            ));
        }
        None => return Err(EngineError::internal(name, "it has no schema")),
    }
    if plan.schema().iter().any(|(qualifier, _)| qualifier.is_some()) {
        return Err(EngineError::internal(name, "its plan gives qualified columns"));
    }
    Ok(())
}

/// The plan of a core operation over the plans of its inputs. A sink passes its input on. `name` is that of the node;
/// the columns do not depend on it.
///
/// # Errors
/// Where DataFusion refuses it, and for operations that are not core or read a table.
pub(crate) fn operation(
    state: &SessionState,
    name: &str,
    op: &Op,
    inputs: Vec<Arc<LogicalPlan>>,
    planned: &PlannedQueries,
) -> Result<Arc<LogicalPlan>> {
    match op {
        Op::Filter(filter) => relational::filter(state, &filter.predicate, single(inputs)?),
        Op::Project(project) => relational::projection(state, &project.columns, single(inputs)?, name),
        Op::Aggregate(op) => aggregate::aggregate(state, &op.group_by, &op.measures, single(inputs)?),
        Op::Window(op) => aggregate::window(state, &op.columns, single(inputs)?),
        Op::Unnest(op) => unnest::unnest(op, single(inputs)?),
        Op::Query(op) => query(state, &op.query, &op.relations, &inputs, planned),
        Op::Join(op) => pair(inputs).and_then(|(left, right)| join::join(op, left, right)),
        Op::SpanJoin(op) => pair(inputs).and_then(|(left, right)| join::span_join(op, left, right)),
        Op::Union(_) => relational::union(inputs),
        Op::Distinct(_) => single(inputs).map(relational::distinct),
        Op::Sink(_) => return single(inputs),
        Op::Scan(_)
        | Op::Input(_)
        | Op::ChangeFeed(_)
        | Op::TableMetadata(_)
        | Op::FileManifest(_)
        | Op::Normalize(_)
        | Op::Relate(_)
        | Op::UnionByName(_)
        | Op::CpgEmit(_) => plan_err!("`{}` is not an operation on inputs that can be run", op.keyword()),
    }
    .map(Arc::new)
}

/// Refuses a sink that is partitioned or sorted by a column its input does not have.
fn check_sink(sink: &Sink, input: &LogicalPlan) -> Result<()> {
    let columns = sink.partition_by.iter().chain(sink.sort_by.iter().map(|sort| &sort.column));
    for name in columns {
        if !input.schema().has_column_with_unqualified_name(name) {
            return plan_err!(
                "`{name}`, by which the table is partitioned or sorted, is not a column of the output"
            );
        }
    }
    Ok(())
}

fn single(inputs: Vec<Arc<LogicalPlan>>) -> Result<Arc<LogicalPlan>> {
    let [input] = <[_; 1]>::try_from(inputs).map_err(|inputs| wrong_count(1, inputs.len()))?;
    Ok(input)
}

fn pair(inputs: Vec<Arc<LogicalPlan>>) -> Result<(Arc<LogicalPlan>, Arc<LogicalPlan>)> {
    let [left, right] = <[_; 2]>::try_from(inputs).map_err(|inputs| wrong_count(2, inputs.len()))?;
    Ok((left, right))
}

fn wrong_count(wanted: usize, given: usize) -> DataFusionError {
    DataFusionError::Plan(format!("the operation takes {wanted} inputs and has {given}"))
}
