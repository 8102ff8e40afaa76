//! The primitives every rewrite is made of.

use petgraph::Direction;
use petgraph::visit::EdgeRef as _;

use super::{Graph, GraphError, Node, NodeId, Role};
use crate::op::Op;

impl Graph {
    /// Adds a node without edges.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn add(&mut self, node: Node) -> Result<NodeId, GraphError> {
        self.try_add(node).map_err(|taken| GraphError::DuplicateName(self.name_of(taken).to_owned()))
    }

    /// Adds a node without edges.
    ///
    /// # Errors
    /// The node that has the name.
    pub fn try_add(&mut self, node: Node) -> Result<NodeId, NodeId> {
        match self.find(&node.name) {
            Some(taken) => Err(taken),
            None => Ok(self.insert(node)),
        }
    }

    /// Adds a node whose name is free.
    fn insert(&mut self, node: Node) -> NodeId {
        let name = node.name.clone();
        let id = NodeId(self.nodes.add_node(node));
        self.names.insert(name, id);
        id
    }

    /// Makes `to` read the output of `from` at a port. What the port read before is let go.
    pub fn connect(&mut self, from: NodeId, to: NodeId, port: usize) {
        let old: Vec<_> = self
            .nodes
            .edges_directed(to.0, Direction::Incoming)
            .filter(|edge| *edge.weight() == port)
            .map(|edge| edge.id())
            .collect();
        for edge in old {
            self.nodes.remove_edge(edge);
        }
        self.nodes.add_edge(from.0, to.0, port);
    }

    /// Replaces all inputs of a node.
    pub fn set_inputs(&mut self, id: NodeId, inputs: &[NodeId]) {
        let old: Vec<_> =
            self.nodes.edges_directed(id.0, Direction::Incoming).map(|edge| edge.id()).collect();
        for edge in old {
            self.nodes.remove_edge(edge);
        }
        for (port, input) in inputs.iter().enumerate() {
            self.nodes.add_edge(input.0, id.0, port);
        }
    }

    /// Makes all readers of `old` read `new`; `new` itself keeps its inputs.
    ///
    /// ```text
    /// before: old -> a, old -> b      after: new -> a, new -> b
    /// ```
    pub fn replace_uses(&mut self, old: NodeId, new: NodeId) {
        for (consumer, port) in self.consumers(old) {
            if consumer != new {
                self.connect(new, consumer, port);
            }
        }
    }

    /// Removes a node with one input and connects its readers to that input.
    ///
    /// ```text
    /// before: input -> id -> a        after: input -> a
    /// ```
    pub fn splice_out(&mut self, id: NodeId) {
        if let [input] = self.inputs(id).as_slice() {
            self.replace_uses(id, *input);
        }
        self.remove(id);
    }

    /// Removes a node and its edges.
    pub fn remove(&mut self, id: NodeId) -> Option<Node> {
        let node = self.nodes.remove_node(id.0)?;
        self.names.remove(&node.name);
        Some(node)
    }

    /// Adds a step to what a node belongs to, without edges. It is named after the node and the step: `name.step`, or
    /// `name.step2`, `name.step3`, … where that name is taken.
    pub fn add_step(&mut self, of: NodeId, step: &str, op: Op) -> NodeId {
        let node = &self[of];
        let new = Node::new(self.free_name(&node.name, step), op).step_of(&node.owner);
        self.insert(new)
    }

    /// Puts a new step between a node and all its readers.
    ///
    /// ```text
    /// before: id -> a, id -> b        after: id -> step -> a, step -> b
    /// ```
    pub fn add_step_above(&mut self, id: NodeId, step: &str, op: Op) -> NodeId {
        let new = self.add_step(id, step, op);
        self.replace_uses(id, new);
        self.connect(id, new, 0);
        new
    }

    /// Puts a new node in the place of another: it has the other's name, owner and role, and its readers. The other
    /// becomes a step below it.
    ///
    /// ```text
    /// before: v -> a, v -> b          after: v.step -> v -> a, v -> b
    /// ```
    pub fn put_in_place(&mut self, id: NodeId, step: &str, op: Op) -> NodeId {
        let below = self.free_name(&self[id].name, step);
        let node = &mut self[id];
        let new = Node::new(std::mem::replace(&mut node.name, below.clone()), op)
            .part(node.owner.clone(), std::mem::replace(&mut node.role, Role::Step));
        self.names.remove(&new.name);
        self.names.insert(below, id);
        let new = self.insert(new);
        self.replace_uses(id, new);
        self.connect(id, new, 0);
        new
    }

    /// A name of the form `base.step` that is free: `step`, or `step2`, `step3`, …
    fn free_name(&self, base: &str, step: &str) -> String {
        let first = format!("{base}.{step}");
        let mut name = first.clone();
        let mut number = 2_u64;
        while self.find(&name).is_some() {
            name = format!("{first}{number}");
            number += 1;
        }
        name
    }

    /// Removes every node that no sink and no check depends on, and says which.
    pub fn remove_unreachable(&mut self) -> Vec<String> {
        let needed = self.needed();
        let dead: Vec<NodeId> = self.ids().filter(|id| !needed.contains(id)).collect();
        dead.into_iter().filter_map(|id| self.remove(id)).map(|node| node.name).collect()
    }
}
