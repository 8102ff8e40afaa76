//! Content hashes: nodes with equal content give equal rows.
//!
//! The hash of a node covers its operation with all expressions, its schema and the hashes of its inputs in port
//! order; the hash of a leaf covers the table's identity ([`ir::op::Identity`]; its location, where it has none), its
//! version, what is read of it and its schema. Names of nodes are not part of it, with two exceptions. Every computation
//! of a volatile operation may give other rows, so its hash holds its name, and what stands on two of them differs too. So
//! does the hash of an output: two outputs with equal rows are two. What reads the table of an output again reads its own
//! columns of it. Where an output lies does not count.

use std::collections::BTreeMap;

use ir::graph::{Graph, NodeId};
use ir::hash::ContentHash;
use ir::hash::canonical::Encoder;
use ir::op::{Identity, Op, Scan, Sink};
use ir::oracle::Oracle;
use serde::Serialize;

use super::determinism::{Rewrite, permits};

/// What the content hash of a node covers: a map of these fields in the domain [`DOMAIN`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Content {
    /// The content hashes of its inputs, in port order.
    pub inputs: Vec<ContentHash>,
    /// The name of the node, where its rows are not those of every node of this content.
    pub only: Option<String>,
    /// What it computes, in the text form of graphs.
    pub operation: String,
    /// The columns of its rows, in the text form of graphs.
    pub schema: String,
}

/// The domain of content hashes.
pub const DOMAIN: &str = "codeanatomy content 1";

impl Content {
    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        self.hash_in(DOMAIN)
    }

    fn hash_in(&self, domain: &str) -> ContentHash {
        let mut encoder = Encoder::new(domain);
        encoder.map(4).text("inputs").list(self.inputs.len());
        for input in &self.inputs {
            encoder.hash(input);
        }
        encoder.text("only").optional_text(self.only.as_deref());
        encoder.text("operation").text(&self.operation).text("schema").text(&self.schema);
        encoder.finish()
    }
}

/// The content hash of every node.
#[must_use]
pub fn hashes(graph: &Graph, oracle: &dyn Oracle) -> BTreeMap<NodeId, ContentHash> {
    contents(graph, oracle).into_iter().map(|(id, (_, hash))| (id, hash)).collect()
}

/// The content of every node, with its hash.
#[must_use]
pub fn contents(graph: &Graph, oracle: &dyn Oracle) -> BTreeMap<NodeId, (Content, ContentHash)> {
    let mut contents: BTreeMap<NodeId, (Content, ContentHash)> = BTreeMap::new();
    for id in graph.topological() {
        let node = &graph[id];
        let is_alone =
            matches!(node.op, Op::Sink(_) | Op::Written(_)) || !permits(graph, oracle, id, Rewrite::Merge);
        let content = Content {
            inputs: graph.inputs(id).into_iter().map(|input| contents[&input].1).collect(),
            only: is_alone.then(|| node.name.clone()),
            operation: operation(&node.op),
            schema: graph.schema(id).to_string(),
        };
        let hash = content.hash();
        contents.insert(id, (content, hash));
    }
    contents
}

/// The definition of every node as a hash: its content but for the versions of the tables below it. What was seen of a
/// node before its tables changed is found by it.
#[must_use]
pub fn definitions(
    graph: &Graph,
    contents: &BTreeMap<NodeId, (Content, ContentHash)>,
) -> BTreeMap<NodeId, ContentHash> {
    let mut definitions: BTreeMap<NodeId, ContentHash> = BTreeMap::new();
    for id in graph.topological() {
        let Some((content, _)) = contents.get(&id) else { continue };
        let inputs = graph.inputs(id).into_iter().filter_map(|input| definitions.get(&input).copied());
        let mut content = Content { inputs: inputs.collect(), ..content.clone() };
        if let Op::Scan(scan) = &graph[id].op {
            let identity = scan.identity.clone();
            let identity = identity.map(|identity| Identity { commit: None, listing: None, ..identity });
            content.operation = operation(&Op::Scan(Scan { version: 0, identity, ..scan.clone() }));
        }
        definitions.insert(id, content.hash_in("codeanatomy definition 1"));
    }
    definitions
}

/// What an operation computes, as text. Estimates do not count; a table with an identity is the same wherever it
/// lies, and so are outputs.
fn operation(op: &Op) -> String {
    let mut op = op.clone();
    if let Op::Scan(Scan { location, identity, rows, .. }) = &mut op {
        if identity.is_some() {
            location.clear();
        }
        *rows = ir::estimate::Estimate::unknown(0);
    }
    if let Op::Sink(Sink { location, .. }) = &mut op {
        location.clear();
    }
    ir::text::operation(&op)
}
