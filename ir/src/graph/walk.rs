//! Orders over the graph.

use std::collections::{BTreeMap, BTreeSet};

use super::{Graph, NodeId};

impl Graph {
    /// The nodes so that producers come before consumers, ties broken by name (Kahn 1962). Nodes on a cycle, and
    /// those behind one, are missing; see [`Self::cycle`].
    #[must_use]
    pub fn topological(&self) -> Vec<NodeId> {
        let mut waiting: BTreeMap<NodeId, usize> = self.ids().map(|id| (id, self.ports(id).len())).collect();
        let mut ready: BTreeSet<(&str, NodeId)> = waiting
            .iter()
            .filter(|(_, inputs)| **inputs == 0)
            .map(|(id, _)| (self.name_of(*id), *id))
            .collect();
        let mut order = Vec::with_capacity(self.len());
        while let Some((_, id)) = ready.pop_first() {
            order.push(id);
            for (consumer, _) in self.consumers(id) {
                if let Some(inputs) = waiting.get_mut(&consumer) {
                    *inputs -= 1;
                    if *inputs == 0 {
                        ready.insert((self.name_of(consumer), consumer));
                    }
                }
            }
        }
        order
    }

    /// `root` and the nodes it depends on, so that consumers come before producers. The walk does not go below
    /// nodes, other than the root, for which `stop` holds.
    #[must_use]
    pub fn topological_below(&self, root: NodeId, stop: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
        let inputs_of = |id: NodeId| if id != root && stop(id) { Vec::new() } else { self.inputs(id) };
        let mut below = BTreeSet::new();
        let mut open = vec![root];
        while let Some(id) = open.pop() {
            if below.insert(id) {
                open.extend(inputs_of(id));
            }
        }
        let mut waiting: BTreeMap<NodeId, usize> = BTreeMap::new();
        for input in below.iter().flat_map(|id| inputs_of(*id)) {
            *waiting.entry(input).or_default() += 1;
        }
        let mut ready = vec![root];
        let mut order = Vec::with_capacity(below.len());
        while let Some(id) = ready.pop() {
            order.push(id);
            for input in inputs_of(id) {
                if let Some(readers) = waiting.get_mut(&input) {
                    *readers -= 1;
                    if *readers == 0 {
                        ready.push(input);
                    }
                }
            }
        }
        order
    }

    /// The nodes along one cycle, if there is one: every node reads the one before it, the first reads the last. It
    /// begins with the first name.
    #[must_use]
    pub fn cycle(&self) -> Option<Vec<NodeId>> {
        let sorted: BTreeSet<NodeId> = self.topological().into_iter().collect();
        let start = self.ids().find(|id| !sorted.contains(id))?;
        // Every node left over has an input left over, so walking inputs must come back to a node seen before.
        let mut path = vec![start];
        loop {
            let next = self.inputs(*path.last()?).into_iter().find(|input| !sorted.contains(input))?;
            if let Some(at) = path.iter().position(|id| *id == next) {
                let mut cycle: Vec<NodeId> = path[at..].iter().rev().copied().collect();
                let smallest = (0..cycle.len()).min_by_key(|index| self.name_of(cycle[*index])).unwrap_or(0);
                cycle.rotate_left(smallest);
                return Some(cycle);
            }
            path.push(next);
        }
    }

    /// The nodes that write tables, ordered by name.
    #[must_use]
    pub fn sinks(&self) -> Vec<NodeId> {
        self.ids().filter(|id| self[*id].is_sink()).collect()
    }

    /// The sinks and checks and everything they depend on: what a run computes.
    #[must_use]
    pub fn needed(&self) -> BTreeSet<NodeId> {
        let mut needed = BTreeSet::new();
        let mut open: Vec<NodeId> = self.ids().filter(|id| self[*id].is_root()).collect();
        while let Some(id) = open.pop() {
            if needed.insert(id) {
                open.extend(self.inputs(id));
            }
        }
        needed
    }
}
