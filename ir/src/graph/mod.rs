//! The graph: nodes with names, edges with ports, and the few ways to change them.
//!
//! [`Graph`] hides a `petgraph::stable_graph::StableDiGraph`, so node ids stay valid while others are removed.
//! Edges run from producer to consumer and carry the consumer's port. Walks are topological with ties broken by
//! name, so everything computed from a graph is deterministic.
//!
//! Names are what nodes are found by, and mean nothing else: what a node computes says its [`Op`], what it is part of
//! its [`Owner`] and [`Role`]. A view's result is named like the view, because that is the name its readers know.
//!
//! The ids a pass holds are of nodes that are there. One of a node that is gone is a mistake of the compiler, and
//! nothing that goes on from it could be right: indexing with it panics, and the program prints a bug report.

mod edit;
mod flat;
mod node;
mod walk;

pub use flat::FlatGraph;
pub use node::{
    CachePolicy, Counted, Node, Owner, Parameter, ParameterTarget, Placement, PlacementChoice, Role,
    Schedule, Segment,
};

use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};

use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef as _;

use crate::op::{Op, Reads};
use crate::phase::Phase;
use crate::schema::Schema;

/// The id of a node: valid until the node is removed, never printed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct NodeId(NodeIndex);

/// A change that would break the graph; always a bug in the pass that asked for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two nodes would have one name.
    #[error("two nodes are named `{0}`")]
    DuplicateName(String),
    /// A name has no node.
    #[error("there is no node named `{0}`")]
    UnknownName(String),
    /// A node has inputs of the kind that its graph's phase does not have: names from Resolved on, edges before.
    #[error("the inputs of `{0}` are not those of its graph's phase")]
    OtherInputs(String),
}

/// The IR of one spec.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The name of the spec, for people.
    pub name: String,
    /// How far the graph is compiled.
    pub phase: Phase,
    /// Values to be bound, until phase Bound.
    pub parameters: Vec<Parameter>,
    /// How shared views are placed.
    pub cache: CachePolicy,
    /// The segments in execution order, from phase Scheduled on.
    pub schedule: Option<Schedule>,
    nodes: StableDiGraph<Node, usize>,
    names: BTreeMap<String, NodeId>,
}

impl Graph {
    /// An empty graph in phase Lowered.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            phase: Phase::Lowered,
            parameters: Vec::new(),
            cache: CachePolicy::default(),
            schedule: None,
            nodes: StableDiGraph::new(),
            names: BTreeMap::new(),
        }
    }

    /// The node with this id. Ids of removed nodes must not be kept; asking for one gives nothing.
    #[must_use]
    pub fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes.node_weight(id.0)
    }

    /// The node with this id, for changes to everything but its name.
    pub fn get_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.node_weight_mut(id.0)
    }

    /// The id of the node with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.names.get(name).copied()
    }

    /// The name of a node.
    ///
    /// # Panics
    /// When the node is gone; see [the index](Self#impl-Index<NodeId>-for-Graph).
    #[must_use]
    pub fn name_of(&self, id: NodeId) -> &str {
        &self[id].name
    }

    /// All nodes, ordered by name.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> {
        self.names.values().copied()
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are no nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The producers of a node's inputs, in port order.
    #[must_use]
    pub fn inputs(&self, id: NodeId) -> Vec<NodeId> {
        self.ports(id).into_iter().map(|(_, source)| source).collect()
    }

    /// The columns of a node, from phase Typed on.
    ///
    /// # Panics
    /// When it has none. Every node of a graph without mistakes is typed; to go on without its columns would make a
    /// wrong plan.
    #[must_use]
    pub fn schema(&self, id: NodeId) -> &Schema {
        self[id].schema.as_ref().unwrap_or_else(|| untyped(&self[id]))
    }

    /// The schemas of a node's inputs, in port order; inputs without one are left out.
    #[must_use]
    pub fn input_schemas(&self, id: NodeId) -> Vec<&Schema> {
        self.inputs(id).into_iter().filter_map(|input| self[input].schema.as_ref()).collect()
    }

    /// The ports in use of a node, in order, with their producers. Unlike [`Self::inputs`] this shows gaps.
    #[must_use]
    pub fn ports(&self, id: NodeId) -> Vec<(usize, NodeId)> {
        let mut edges: Vec<_> = self
            .nodes
            .edges_directed(id.0, Direction::Incoming)
            .map(|edge| (*edge.weight(), NodeId(edge.source())))
            .collect();
        edges.sort_unstable();
        edges
    }

    /// How many times a node's output is read.
    #[must_use]
    pub fn reader_count(&self, id: NodeId) -> usize {
        self.nodes.edges_directed(id.0, Direction::Outgoing).count()
    }

    /// The readers of a node's output with the port they read it at, ordered by name and port. A node that
    /// reads the same output twice is there twice.
    #[must_use]
    pub fn consumers(&self, id: NodeId) -> Vec<(NodeId, usize)> {
        let mut edges: Vec<_> = self
            .nodes
            .edges_directed(id.0, Direction::Outgoing)
            .map(|edge| (NodeId(edge.target()), *edge.weight()))
            .collect();
        edges.sort_by(|a, b| (self.name_of(a.0), a.1).cmp(&(self.name_of(b.0), b.1)));
        edges
    }

    /// How often a reader's plan holds the plan of the input at `port`: a query may name a relation several times,
    /// every other operation reads an input once.
    #[must_use]
    pub fn reads_of_port(&self, reader: NodeId, port: usize) -> usize {
        self.counted(reader, port, crate::expr::Query::reference_counts)
    }

    fn counted(
        &self,
        reader: NodeId,
        port: usize,
        counts: impl Fn(&crate::expr::Query) -> &BTreeMap<String, usize>,
    ) -> usize {
        let op = &self[reader].op;
        match (op.facts().reads, op) {
            (Reads::AsNamed, Op::Query(query)) => {
                let counts = counts(&query.query);
                let count = query.relations.get(port).and_then(|name| counts.get(name));
                count.map_or(1, |count| (*count).max(1))
            }
            _ => 1,
        }
    }

    /// How often a node's output is read, by all its consumers together.
    #[must_use]
    pub fn reads(&self, id: NodeId) -> usize {
        let reads = self.consumers(id).into_iter().map(|(reader, port)| self.reads_of_port(reader, port));
        reads.fold(0, usize::saturating_add)
    }

    /// How often a node's output is read at the most
    /// ([`Query::reference_counts_at_most`](crate::expr::Query::reference_counts_at_most)).
    #[must_use]
    pub fn reads_at_most(&self, id: NodeId) -> usize {
        let at_most = crate::expr::Query::reference_counts_at_most;
        let reads = self.consumers(id).into_iter().map(|(reader, port)| self.counted(reader, port, at_most));
        reads.fold(0, usize::saturating_add)
    }
}

/// A node that is in the graph.
///
/// # Panics
/// When it is gone. Whoever kept its id is a pass with a mistake; to skip the node would make a wrong plan of it.
impl Index<NodeId> for Graph {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        self.nodes.node_weight(id.0).unwrap_or_else(|| gone(id))
    }
}

/// A node that is in the graph, for changes to everything but its name.
///
/// # Panics
/// As [`Index`].
impl IndexMut<NodeId> for Graph {
    fn index_mut(&mut self, id: NodeId) -> &mut Node {
        self.nodes.node_weight_mut(id.0).unwrap_or_else(|| gone(id))
    }
}

#[expect(clippy::panic, reason = "a broken graph is a bug of the compiler; the program reports it as one")]
fn gone(id: NodeId) -> ! {
    panic!("{id:?} is of a node that was removed from the graph")
}

#[expect(clippy::panic, reason = "a broken graph is a bug of the compiler; the program reports it as one")]
fn untyped(node: &Node) -> ! {
    panic!("`{}` has no schema, although the graph is typed", node.name)
}

/// Graphs are equal when they say the same: the same header, and nodes of the same names with equal contents and
/// inputs.
impl PartialEq for Graph {
    fn eq(&self, other: &Self) -> bool {
        let header = |graph: &Self| {
            (
                graph.name.clone(),
                graph.phase,
                graph.parameters.clone(),
                graph.cache.clone(),
                graph.schedule.clone(),
            )
        };
        let input_names = |graph: &Self, id: NodeId| -> Vec<(usize, String)> {
            graph.ports(id).into_iter().map(|(port, from)| (port, graph.name_of(from).to_owned())).collect()
        };
        header(self) == header(other)
            && self.names.len() == other.names.len()
            && self.names.iter().all(|(name, &id)| {
                other.find(name).is_some_and(|twin| {
                    self.get(id) == other.get(twin) && input_names(self, id) == input_names(other, twin)
                })
            })
    }
}

#[cfg(test)]
mod tests;
