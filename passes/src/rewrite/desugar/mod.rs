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
//! A definition of WITH that would be computed more than once and may give other rows each time becomes a view of its own
//! ([`definitions`]).
//!
//! Every surface operation has one function that says what it stands for ([`expand`]). The type pass uses the
//! same function, so an operation has the schema of its expansion by definition and this pass cannot change it.
//! The last step of an expansion takes over the node's name and readers; a projection of all columns is spliced
//! out, and what the spec says about sharing it holds for its input. View contracts were checked by the type pass and are dropped.

mod conform;
mod definitions;
mod normalize;
mod relate;
mod union;

use ir::diag::Diagnostic;
use ir::graph::{Graph, Node, NodeId, Owner};
use ir::op::{Op, Project};
use ir::oracle::Oracle;
use ir::origin::SpecField;
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
    owner: Owner,
    steps: Vec<Step>,
}

/// A mistake in a surface operation: the diagnostic without its place, and the part of the definition it is in.
pub(crate) struct Issue {
    pub(crate) field: SpecField,
    pub(crate) diagnostic: Diagnostic,
}

impl<'a> Expansion<'a> {
    fn new(owner: &Owner, oracle: &'a dyn Oracle) -> Self {
        Self { oracle, owner: owner.clone(), steps: Vec::new() }
    }

    /// Adds a step. `inputs` of the node are needed for the schemas behind [`From::Port`].
    fn step(&mut self, name: &str, op: Op, from: &[From], inputs: &[&Schema]) -> Result<From, Vec<Issue>> {
        let schemas: Vec<&Schema> = from.iter().filter_map(|from| self.schema_of(*from, inputs)).collect();
        let node = Node::new(name, op).step_of(&self.owner);
        let schema = self.oracle.schema(&node, &schemas).map_err(|error| {
            let message = format!("the transform does not fit its sources: {error}");
            vec![Issue {
                field: SpecField::Transform,
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
    let expansion = Expansion::new(&node.owner, oracle);
    match &node.op {
        Op::Normalize(normalize) => normalize::expand(expansion, normalize, inputs),
        Op::Relate(relate) => relate::expand(expansion, relate, inputs),
        Op::UnionByName(union) => union::expand(expansion, union, inputs),
        Op::Conform(conform) => conform::expand(expansion, conform, inputs),
        // A projection of all columns is its input.
        Op::Input(_)
        | Op::ChangeFeed(_)
        | Op::TableMetadata(_)
        | Op::FileManifest(_)
        | Op::Scan(_)
        | Op::Filter(_)
        | Op::Project(_)
        | Op::Aggregate(_)
        | Op::Window(_)
        | Op::Unnest(_)
        | Op::Query(_)
        | Op::Join(_)
        | Op::SpanJoin(_)
        | Op::Union(_)
        | Op::Distinct(_)
        | Op::Sink(_)
        | Op::Check(_)
        | Op::Written(_) => Ok(expansion),
    }
}

pub(crate) fn run(graph: &mut Graph, cx: &mut Context<'_>) {
    for id in graph.topological() {
        let node = &mut graph[id];
        node.contract = None;
        if let Op::Project(Project { columns }) = &node.op
            && columns.is_empty()
        {
            // A projection of all columns.
            if let [input] = graph.inputs(id)[..] {
                cx.carry_cache_override(graph, id, input);
            }
            graph.splice_out(id);
        } else if node.op.is_surface() {
            replace(graph, cx, id);
        } else if let Op::Query(_) = &node.op {
            definitions::cut_out(graph, cx, id);
        }
    }
}

/// Replaces a surface operation by its expansion. The last step stays in the operation's node.
///
/// The type pass has reported operations without one. A graph that somebody wrote by hand may still have such, and then
/// it stays as it is: what is wrong is a finding, and later passes do not run.
fn replace(graph: &mut Graph, cx: &mut Context<'_>, id: NodeId) {
    let ports = graph.inputs(id);
    let expansion = expand(&graph[id], &graph.input_schemas(id), cx.oracle);
    let steps = match expansion {
        Ok(expansion) => expansion.steps,
        Err(issues) => {
            let node = &graph[id];
            for Issue { field, diagnostic } in issues {
                cx.report_broken(&node.owner, diagnostic.at(cx.place(node, field)));
            }
            return;
        }
    };
    let Some(last) = steps.len().checked_sub(1) else { return };
    let mut ids: Vec<NodeId> = Vec::with_capacity(steps.len());
    for (number, step) in steps.into_iter().enumerate() {
        // The type pass has typed these steps over these inputs, so what they read is there.
        let inputs: Vec<NodeId> = step
            .inputs
            .iter()
            .map(|from| match *from {
                From::Port(port) => ports[port],
                From::Step(step) => ids[step],
            })
            .collect();
        let node = if number == last {
            graph[id].op = step.op;
            id
        } else {
            graph.add_step(id, &step.name, step.op)
        };
        graph.set_inputs(node, &inputs);
        graph[node].schema = Some(step.schema);
        ids.push(node);
    }
}

/// The diagnostic for a column that a source does not have.
fn unknown_column(name: &str, schema: &Schema) -> Diagnostic {
    Diagnostic::new(ir::diag::codes::UNKNOWN_COLUMN, format!("there is no column `{name}`"))
        .found(name)
        .allowed(schema.names())
        .suggest_nearest()
}
