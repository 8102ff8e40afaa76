//! Content hashes: nodes with equal content give equal rows.
//!
//! The hash of a node covers its operation with all expressions, its schema and the hashes of its inputs in port
//! order; the hash of a leaf covers the table's identity ([`ir::op::Identity`]; its location, where it has none), its
//! version, what is read of it and its schema. Names of nodes are not part of it, with one exception: every computation
//! of a volatile operation may give other rows, so its hash holds its name, and what stands on two of them differs too.
//! Sinks are hashed like everything else: their location and mode are in their operation.

use std::collections::BTreeMap;

use ir::graph::{Graph, Node, NodeId};
use ir::hash::{ContentHash, Fingerprint};
use ir::op::{Op, Scan};
use ir::oracle::Oracle;

use super::determinism::{Rewrite, permits};

/// The content hash of every node.
#[must_use]
pub fn hashes(graph: &Graph, oracle: &dyn Oracle) -> BTreeMap<NodeId, ContentHash> {
    let mut hashes = BTreeMap::new();
    for id in graph.topological() {
        let node = &graph[id];
        let mut fingerprint = Fingerprint::new()
            .field(operation(node).as_bytes())
            .field(graph.schema(id).to_string().as_bytes());
        if !permits(graph, oracle, id, Rewrite::Merge) {
            fingerprint = fingerprint.field(b"only").field(node.name.as_bytes());
        }
        for input in graph.inputs(id) {
            let below: &ContentHash = &hashes[&input];
            fingerprint = fingerprint.field(below.as_bytes());
        }
        hashes.insert(id, fingerprint.finish());
    }
    hashes
}

/// What an operation computes, as text. Estimates do not count, and a table with an identity is the same wherever it
/// lies.
fn operation(node: &Node) -> String {
    let mut op = node.op.clone();
    if let Op::Scan(scan) = &mut op {
        let Scan { location, identity, rows, .. } = scan;
        if identity.is_some() {
            location.clear();
        }
        *rows = ir::estimate::Estimate::unknown(0);
    }
    ir::text::operation(&op)
}
