//! Where a long segment is cut into parts.
//!
//! Nodes are counted along the longest way below them while they are emitted. The last of [`PART_HEIGHT`] in a row
//! becomes a part, and its reader counts on from there. Only a node with one way to the root of its segment is cut:
//! what is computed again for several readers must be planned for each, since an operator serves one reader.

use std::collections::BTreeMap;

use ir::graph::{Graph, NodeId};

/// How many nodes in a row are planned as one. Many enough that ordinary segments are planned as a whole, with
/// filters moving all the way down; few enough that the planner's more than linear steps stay cheap.
const PART_HEIGHT: usize = 24;

/// What is counted, as far as nodes are emitted.
pub(super) struct Cut {
    /// The root of the segment of every node with one way to it.
    segments: BTreeMap<NodeId, NodeId>,
    /// How many nodes lie in a row below a reader of a node, the node included.
    heights: BTreeMap<NodeId, usize>,
}

impl Cut {
    pub(super) fn new(graph: &Graph) -> Self {
        let mut segments = BTreeMap::new();
        for id in graph.topological().into_iter().rev() {
            if graph[id].is_segment_root() {
                segments.insert(id, id);
            } else if graph.reads(id) == 1
                && let [(reader, _)] = graph.consumers(id)[..]
                && let Some(root) = segments.get(&reader).copied()
            {
                segments.insert(id, root);
            }
        }
        Self { segments, heights: BTreeMap::new() }
    }

    /// Counts a node, whose inputs have been counted, and says whether it becomes a part.
    pub(super) fn is_part(&mut self, graph: &Graph, id: NodeId) -> bool {
        if self.segments.get(&id) == Some(&id) {
            // Its readers are other segments, to which it is a leaf.
            return false;
        }
        let height = |input| self.heights.get(&input).copied().unwrap_or(0);
        let below = graph.inputs(id).into_iter().map(height).max().unwrap_or(0);
        let is_part = self.segments.contains_key(&id) && below + 1 >= PART_HEIGHT;
        if !is_part {
            self.heights.insert(id, below + 1);
        }
        is_part
    }
}
