//! A graph as flat vectors, for archiving.

use super::{CachePolicy, Graph, GraphError, Node, NodeId, Parameter, Schedule};
use crate::phase::Phase;

/// A graph without pointers: nodes ordered by name, edges by index into them.
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct FlatGraph {
    name: String,
    phase: Phase,
    parameters: Vec<Parameter>,
    cache: CachePolicy,
    schedule: Option<Schedule>,
    nodes: Vec<Node>,
    /// From, to, port.
    edges: Vec<(u32, u32, u64)>,
}

impl Graph {
    /// The graph as flat vectors.
    #[must_use]
    pub fn flatten(&self) -> FlatGraph {
        let order: Vec<NodeId> = self.ids().collect();
        let index: std::collections::BTreeMap<NodeId, u32> =
            order.iter().zip(0_u32..).map(|(id, index)| (*id, index)).collect();
        let mut edges = Vec::new();
        for id in &order {
            for (port, from) in self.ports(*id) {
                edges.push((index[&from], index[id], port as u64));
            }
        }
        let nodes = order.iter().map(|id| self[*id].clone()).collect();
        FlatGraph {
            name: self.name.clone(),
            phase: self.phase,
            parameters: self.parameters.clone(),
            cache: self.cache.clone(),
            schedule: self.schedule.clone(),
            nodes,
            edges,
        }
    }

    /// The graph that flat vectors describe.
    ///
    /// # Errors
    /// When two nodes share a name, an edge names a node that is not there, or there are edges where inputs are still
    /// names, or the other way round. The text form has no words for such a graph.
    pub fn unflatten(flat: FlatGraph) -> Result<Self, GraphError> {
        let mut graph = Self::new(flat.name);
        graph.phase = flat.phase;
        graph.parameters = flat.parameters;
        graph.cache = flat.cache;
        graph.schedule = flat.schedule;
        let is_named = graph.phase == Phase::Lowered;
        if let Some(node) = flat.nodes.iter().find(|node| !is_named && !node.sources.is_empty()) {
            return Err(GraphError::OtherInputs(node.name.clone()));
        }
        let ids: Result<Vec<NodeId>, GraphError> =
            flat.nodes.into_iter().map(|node| graph.add(node)).collect();
        let ids = ids?;
        let id = |index: u32| {
            ids.get(index as usize).copied().ok_or_else(|| GraphError::UnknownName(format!("number {index}")))
        };
        for (from, to, port) in flat.edges {
            let port = usize::try_from(port).map_err(|_| GraphError::UnknownName(format!("port {port}")))?;
            let (from, to) = (id(from)?, id(to)?);
            if is_named {
                return Err(GraphError::OtherInputs(graph.name_of(to).to_owned()));
            }
            graph.connect(from, to, port);
        }
        Ok(graph)
    }
}
