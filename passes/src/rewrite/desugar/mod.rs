//! desugar: surface operations become core operations.
//!
//! ```text
//! all = union_by_name a, b sources=[a, b] distinct=true : {…}
//! ```
//! becomes
//! ```text
//! all = distinct all.union : {…}
//! all.a = project a columns={id: id, note: (arrow_cast(NULL, 'Utf8'))} : {…}
//! all.b = project b columns={id: id, note: note} : {…}
//! all.union = union all.a, all.b : {…}
//! ```
//!
//! Every surface operation has one function that says what it stands for ([`expand`]). The type pass uses the
//! same function, so an operation has the schema of its expansion by definition and this pass cannot change it.
//! The last step of an expansion takes over the node's name and readers; a projection of all columns is spliced
//! out. View contracts were checked by the type pass and are dropped.

mod cpg;
mod normalize;
mod relate;
mod union;

use ir::diag::Diagnostic;
use ir::graph::{Graph, Node, NodeId};
use ir::op::{Op, Project};
use ir::oracle::Oracle;
use ir::schema::Schema;

use crate::context::Context;

/// Where a step of an expansion gets a relation from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum From {
    /// An input of the node.
    Port(usize),
    /// An earlier step.
    Step(usize),
}

/// One core operation of an expansion.
pub(crate) struct Step {
    name: String,
    op: Op,
    inputs: Vec<From>,
    schema: Schema,
}

/// The core operations a surface operation stands for; the last one is the result. No step at all stands for the
/// only input itself.
pub(crate) struct Expansion<'a> {
    oracle: &'a dyn Oracle,
    owner: String,
    steps: Vec<Step>,
}

/// A mistake in a surface operation: the diagnostic without its place, and the field of the transform.
pub(crate) struct Issue {
    pub(crate) field: Vec<FieldPart>,
    pub(crate) diagnostic: Diagnostic,
}

/// A part of the way to a field.
#[derive(Clone, Debug)]
pub(crate) enum FieldPart {
    Name(&'static str),
    Index(usize),
}

impl Issue {
    fn at(field: &'static str, diagnostic: Diagnostic) -> Self {
        Self { field: vec![FieldPart::Name(field)], diagnostic }
    }

    fn at_index(field: &'static str, index: usize, diagnostic: Diagnostic) -> Self {
        Self { field: vec![FieldPart::Name(field), FieldPart::Index(index)], diagnostic }
    }
}

impl<'a> Expansion<'a> {
    fn new(owner: &str, oracle: &'a dyn Oracle) -> Self {
        Self { oracle, owner: owner.to_owned(), steps: Vec::new() }
    }

    /// Adds a step. `inputs` of the node are needed for the schemas behind [`From::Port`].
    fn step(&mut self, name: &str, op: Op, from: &[From], inputs: &[&Schema]) -> Result<From, Vec<Issue>> {
        let schemas: Vec<&Schema> = from.iter().filter_map(|from| self.schema_of(*from, inputs)).collect();
        let node = Node::new(format!("{}.{name}", self.owner), op);
        let schema = self.oracle.schema(&node, &schemas).map_err(|error| {
            let message = format!("the transform does not fit its sources: {error}");
            vec![Issue {
                field: Vec::new(),
                diagnostic: Diagnostic::new(ir::diag::codes::TYPE_MISMATCH, message),
            }]
        })?;
        self.steps.push(Step { name: name.to_owned(), op: node.op, inputs: from.to_vec(), schema });
        Ok(From::Step(self.steps.len() - 1))
    }

    fn schema_of<'s>(&'s self, from: From, inputs: &[&'s Schema]) -> Option<&'s Schema> {
        match from {
            From::Port(port) => inputs.get(port).copied(),
            From::Step(step) => self.steps.get(step).map(|step| &step.schema),
        }
    }

    /// The schema of the result.
    pub(crate) fn schema<'s>(&'s self, inputs: &[&'s Schema]) -> Option<&'s Schema> {
        self.steps.last().map(|step| &step.schema).or_else(|| inputs.first().copied())
    }
}

/// What a surface operation stands for.
///
/// # Errors
/// All mistakes in the operation.
pub(crate) fn expand<'a>(
    node: &Node,
    inputs: &[&Schema],
    oracle: &'a dyn Oracle,
) -> Result<Expansion<'a>, Vec<Issue>> {
    let expansion = Expansion::new(&node.name, oracle);
    match &node.op {
        Op::Normalize(normalize) => normalize::expand(expansion, normalize, inputs),
        Op::Relate(relate) => relate::expand(expansion, relate, inputs),
        Op::UnionByName(union) => union::expand(expansion, union, inputs),
        Op::CpgEmit(emit) => cpg::expand(expansion, emit.table, inputs),
        // A projection of all columns is its input.
        _ => Ok(expansion),
    }
}

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    for id in graph.topological() {
        let Some(node) = graph.get_mut(id) else { continue };
        node.contract = None;
        match &node.op {
            Op::Project(Project { columns }) if columns.is_empty() => graph.splice_out(id),
            op if op.is_surface() => replace(graph, cx, id),
            _ => {}
        }
    }
}

/// Replaces a surface operation by its expansion.
fn replace(graph: &mut Graph, cx: &Context<'_>, id: NodeId) {
    let Some(node) = graph.get(id) else { return };
    let ports = graph.inputs(id);
    let schemas: Vec<&Schema> =
        ports.iter().filter_map(|port| graph.get(*port)).filter_map(|node| node.schema.as_ref()).collect();
    let Ok(expansion) = expand(node, &schemas, cx.oracle) else {
        debug_assert!(false, "the type pass expanded this operation without an issue");
        return;
    };
    let owner = node.name.clone();
    let mut steps = expansion.steps;
    let Some(result) = steps.pop() else { return };
    let mut ids = Vec::with_capacity(steps.len());
    let resolve = |from: &From, ids: &[NodeId]| match *from {
        From::Port(port) => ports.get(port).copied(),
        From::Step(step) => ids.get(step).copied(),
    };
    for step in steps {
        let inputs: Vec<NodeId> = step.inputs.iter().filter_map(|from| resolve(from, &ids)).collect();
        let name = graph.free_name(&owner, &step.name);
        if let Ok(id) = graph.add_reading(Node::new(name, step.op).typed(step.schema), &inputs) {
            ids.push(id);
        }
    }
    let inputs: Vec<NodeId> = result.inputs.iter().filter_map(|from| resolve(from, &ids)).collect();
    graph.set_inputs(id, &inputs);
    if let Some(node) = graph.get_mut(id) {
        node.op = result.op;
        node.schema = Some(result.schema);
    }
}

/// The diagnostic for a column that a source does not have.
fn unknown_column(name: &str, schema: &Schema) -> Diagnostic {
    Diagnostic::new(ir::diag::codes::UNKNOWN_COLUMN, format!("there is no column `{name}`"))
        .found(name)
        .allowed(schema.names())
        .suggest_nearest()
}
