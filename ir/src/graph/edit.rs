//! The primitives every rewrite is made of.

use petgraph::Direction;
use petgraph::visit::EdgeRef as _;

use super::{Graph, GraphError, Node, NodeId};
use crate::op::Op;

impl Graph {
    /// Adds a node without edges.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn add(&mut self, node: Node) -> Result<NodeId, GraphError> {
        if self.names.contains_key(&node.name) {
            return Err(GraphError::DuplicateName(node.name));
        }
        let name = node.name.clone();
        let id = NodeId(self.nodes.add_node(node));
        self.names.insert(name, id);
        Ok(id)
    }

    /// Adds a node that reads these inputs, in port order.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn add_reading(&mut self, node: Node, inputs: &[NodeId]) -> Result<NodeId, GraphError> {
        let id = self.add(node)?;
        self.set_inputs(id, inputs);
        Ok(id)
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

    /// Puts a new node between `id` and all its readers.
    ///
    /// ```text
    /// before: id -> a, id -> b        after: id -> node -> a, node -> b
    /// ```
    ///
    /// # Errors
    /// When the name is taken.
    pub fn insert_above(&mut self, id: NodeId, node: Node) -> Result<NodeId, GraphError> {
        let new = self.add(node)?;
        self.replace_uses(id, new);
        self.connect(id, new, 0);
        Ok(new)
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

    /// Gives a node another name.
    ///
    /// # Errors
    /// When the name is taken by another node.
    pub fn rename(&mut self, id: NodeId, name: &str) -> Result<(), GraphError> {
        match self.find(name) {
            Some(found) if found == id => return Ok(()),
            Some(_) => return Err(GraphError::DuplicateName(name.to_owned())),
            None => {}
        }
        if let Some(node) = self.nodes.node_weight_mut(id.0) {
            let old = std::mem::replace(&mut node.name, name.to_owned());
            self.names.remove(&old);
            self.names.insert(name.to_owned(), id);
        }
        Ok(())
    }

    /// A name of the form `base.step` that is free: `step`, or `step2`, `step3`, …
    #[must_use]
    pub fn free_name(&self, base: &str, step: &str) -> String {
        let first = format!("{base}.{step}");
        if self.find(&first).is_none() {
            return first;
        }
        (2_u64..).map(|n| format!("{first}{n}")).find(|name| self.find(name).is_none()).unwrap_or(first)
    }

    /// Removes every node no sink depends on, and says which.
    pub fn remove_unreachable(&mut self) -> Vec<String> {
        let mut alive = std::collections::BTreeSet::new();
        let mut open: Vec<NodeId> = self
            .ids()
            .filter(|id| self.get(*id).is_some_and(|node| matches!(node.op, Op::Sink(_))))
            .collect();
        while let Some(id) = open.pop() {
            if alive.insert(id) {
                open.extend(self.inputs(id));
            }
        }
        let dead: Vec<NodeId> = self.ids().filter(|id| !alive.contains(id)).collect();
        dead.into_iter().filter_map(|id| self.remove(id)).map(|node| node.name).collect()
    }
}
