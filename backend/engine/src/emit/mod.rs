//! A verified graph becomes one DAG of DataFusion logical plans.
//!
//! Every node is emitted once, in topological order, over the plans of its inputs; the walk does not recurse. A
//! shared view becomes a leaf ([`ViewReaderNode`]) for everybody who reads it:
//! DataFusion walks plans as trees, so a view that were inlined at each reader would be planned, and run, once per
//! path to it. The leaf carries its definition, so the DAG is complete; the definition is planned as a segment of
//! its own.
//!
//! A long segment is cut into parts ([`parts`]), at views with one reader.
//! The reader gets a leaf ([`ViewReader::Part`]), and each part is planned by itself ([`crate::planning`]).
//!
//! The type of a node is the schema of its plan: the oracle emits the same plan over stand-ins for its inputs and
//! asks for its schema. After emission every plan is checked against the schema the graph says.

mod aggregate;
mod expressions;
mod join;
mod parts;
mod query;
mod relational;
mod unnest;

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::{DFSchema, DataFusionError, Result, plan_err};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Extension, LogicalPlan};
use delta::TableBase;
use ir::graph::{Graph, NodeId, Segment};
use ir::hash::digest;
use ir::op::{Op, Sink};
use ir::schema::Schema;
use ir::verify::Scheduled;

pub(crate) use expressions::calls::{CallClause, Called, called};
pub(crate) use expressions::{Misplaced, expression};
pub(crate) use query::{PlannedQueries, UnknownRelation, place_of_error, query};
pub(crate) use relational::scan;

use crate::dag::{Known, PlanDag, SegmentFacts, SegmentKind, Top};
use crate::error::EngineError;
use crate::operators::leaf::{ViewReader, ViewReaderNode, WrittenNode};
use crate::operators::{CheckNode, WriteNode};
use crate::session::Session;
use crate::tables::Tables;
use parts::Cut;

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
    let mut emission =
        Emission { graph, tables, session, planned, plans: BTreeMap::new(), cut: Cut::new(graph) };
    for id in graph.topological() {
        if session.is_stopped() {
            return Err(EngineError::Stopped);
        }
        emission.node(id)?;
    }
    let mut known = Known::default();
    let (mut writes, mut checks) = (BTreeMap::new(), BTreeMap::new());
    for (position, segment) in schedule.segments.iter().enumerate() {
        let (top, facts) = emission.facts(position, segment)?;
        match &facts.kind {
            SegmentKind::Output(sink) => {
                writes.insert(top.clone(), emission.write(segment, sink)?);
            }
            SegmentKind::Check(_) => {
                let plan = emission.plan_of(segment)?;
                checks.insert(top.clone(), CheckNode::new(&segment.root, plan));
            }
            SegmentKind::SharedView(_) => {}
        }
        known.segments.insert(top, facts);
    }
    for node in graph.ids().map(|id| &graph[id]) {
        if let Op::Scan(scan) = &node.op {
            known.scans.insert(node.name.clone(), digest(scan));
        }
    }
    let bases = bases(&known, tables)?;
    let (writes, checks) = (writes.into_values().collect(), checks.into_values().collect());
    PlanDag::new(&graph.name, writes, checks, known, bases, graph.cache.memory_budget)
}

/// What the outputs are based on.
fn bases(known: &Known, tables: &Tables) -> Result<BTreeMap<String, TableBase>, EngineError> {
    let mut bases = BTreeMap::new();
    for (top, facts) in &known.segments {
        let (Top::Output(table), SegmentKind::Output(sink)) = (top, &facts.kind) else { continue };
        if !sink.has_table() {
            continue;
        }
        let base = match tables.base(&sink.location) {
            Some(Ok(base)) => base.clone(),
            Some(Err(source)) => {
                return Err(EngineError::Output { output: table.clone(), source: Arc::clone(source) });
            }
            None => return Err(EngineError::internal(table, "its table was not requested")),
        };
        bases.insert(table.clone(), base);
    }
    Ok(bases)
}

struct Emission<'a> {
    graph: &'a Graph,
    tables: &'a Tables,
    session: &'a Session,
    planned: &'a PlannedQueries,
    /// What a reader of a node gets; of a sink, what it writes.
    plans: BTreeMap<NodeId, Arc<LogicalPlan>>,
    cut: Cut,
}

impl Emission<'_> {
    /// What the schedule says of a segment.
    fn facts(&self, position: usize, segment: &Segment) -> Result<(Top, SegmentFacts), EngineError> {
        let unknown = || EngineError::internal(&segment.root, "the schedule names a node without a schema");
        let id = self.graph.find(&segment.root).ok_or_else(unknown)?;
        let node = &self.graph[id];
        let (top, kind) = if let Op::Sink(sink) = &node.op {
            (Top::Output(node.owner.name().to_owned()), SegmentKind::Output(sink.clone()))
        } else if let Op::Check(check) = &node.op {
            (Top::Check(node.name.clone()), SegmentKind::Check(check.clone()))
        } else {
            let reason = node.placement.as_ref().map(|placement| placement.reason.clone());
            // A shared view is known to its readers by the name of its node, which may be a step of an output.
            (Top::View(node.name.clone()), SegmentKind::SharedView(reason.unwrap_or_default()))
        };
        let facts = SegmentFacts {
            position,
            kind,
            level: segment.level,
            bottom_level: segment.bottom_level,
            cost: segment.cost,
            rows: segment.rows.rows,
            schema: node.schema.clone().ok_or_else(unknown)?,
        };
        Ok((top, facts))
    }

    /// The node that writes a table.
    fn write(&self, segment: &Segment, sink: &Sink) -> Result<WriteNode, EngineError> {
        let written = self.plan_of(segment)?;
        check_sink(sink, &written).map_err(|source| EngineError::plan(&segment.root, source))?;
        let table = self.graph.find(&segment.root).map(|id| self.graph[id].owner.name());
        Ok(WriteNode::new(table.unwrap_or_default(), sink, written))
    }

    /// The plan of the node at the top of a segment.
    fn plan_of(&self, segment: &Segment) -> Result<Arc<LogicalPlan>, EngineError> {
        let plan = self.graph.find(&segment.root).and_then(|id| self.plans.get(&id)).cloned();
        plan.ok_or_else(|| EngineError::internal(&segment.root, "the schedule names a node without a plan"))
    }

    /// The leaf that reads the table of a sink.
    fn written(&self, id: NodeId) -> Result<Arc<LogicalPlan>, EngineError> {
        let (node, inputs) = (&self.graph[id], self.graph.inputs(id));
        let (Some(schema), [sink]) = (&node.schema, inputs.as_slice()) else {
            return Err(EngineError::internal(&node.name, "it reads no sink, or has no schema"));
        };
        let schema = DFSchema::try_from(Arc::clone(schema.arrow()));
        let schema = schema.map_err(|source| EngineError::plan(&node.name, source))?;
        let leaf = WrittenNode::new(self.graph[*sink].owner.name(), Arc::new(schema));
        Ok(Arc::new(LogicalPlan::Extension(Extension { node: Arc::new(leaf) })))
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
        } else if let Op::Written(_) = &node.op {
            self.written(id)?
        } else {
            operation(self.session.state(), &node.name, &node.op, inputs, self.planned).map_err(refused)?
        };
        check_schema(&node.name, node.schema.as_ref(), &plan)?;
        let reader = if node.is_shared() {
            Some(ViewReader::Shared)
        } else {
            self.cut.is_part(self.graph, id).then_some(ViewReader::Part)
        };
        let plan = match reader {
            Some(kind) => {
                let node = Arc::new(ViewReaderNode::try_new(kind, &node.name, plan).map_err(refused)?);
                Arc::new(LogicalPlan::Extension(Extension { node }))
            }
            None => plan,
        };
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

/// The plan of a core operation over the plans of its inputs. A sink and a check pass their input on. `name` is that of the node;
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
        Op::Sink(_) | Op::Check(_) => return single(inputs),
        Op::Scan(_)
        | Op::Input(_)
        | Op::ChangeFeed(_)
        | Op::TableMetadata(_)
        | Op::FileManifest(_)
        | Op::Normalize(_)
        | Op::Relate(_)
        | Op::UnionByName(_)
        | Op::Conform(_)
        | Op::Written(_) => plan_err!("`{}` is not an operation on inputs that can be run", op.keyword()),
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
