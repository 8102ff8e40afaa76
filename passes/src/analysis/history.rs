//! What earlier runs have counted.

use std::collections::BTreeMap;

use ir::estimate::{Estimate, Quality};
use ir::graph::{Counted, Graph, NodeId};
use ir::hash::ContentHash;
use ir::oracle::Oracle;

use super::content;
use super::determinism::{Permission, Rewrite, of_node, permission};

/// The rows of nodes that earlier runs have counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// By content hash: counted of the same rows.
    contents: BTreeMap<ContentHash, Seen>,
    /// By the hash of the definition: counted of other versions of the tables.
    definitions: BTreeMap<ContentHash, Seen>,
}

/// What was counted of one content or definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The rows, in the newest of these runs.
    pub rows: u64,
    /// The ids of the runs that counted them, the newest first; of many, the newest [`NAMED_RUNS`].
    pub runs: Vec<String>,
}

/// Of so many runs the ids are kept with a count.
pub const NAMED_RUNS: usize = 10;

/// What identifies the rows of a node, in this run and over runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeHashes {
    /// Its content hash.
    pub content: ContentHash,
    /// The hash of its definition: [`content::definitions`].
    pub definition: ContentHash,
}

/// The hashes of every node.
#[must_use]
pub fn hashes(graph: &Graph, oracle: &dyn Oracle) -> BTreeMap<NodeId, NodeHashes> {
    let contents = content::contents(graph, oracle);
    let definitions = content::definitions(graph, &contents);
    let both = |(id, (_, content))| Some((id, NodeHashes { content, definition: *definitions.get(&id)? }));
    contents.into_iter().filter_map(both).collect()
}

impl History {
    /// Adds what some runs have counted of a node, whose content is told if it was that of the rows. What was counted last is
    /// added first: of one definition, the newest count is closest to what is there now.
    pub fn add(&mut self, content: Option<ContentHash>, definition: ContentHash, rows: u64, runs: &[String]) {
        // What no run counted was not counted.
        if runs.is_empty() {
            return;
        }
        let of_content = content.map(|content| self.contents.entry(content));
        for seen in of_content.into_iter().chain([self.definitions.entry(definition)]) {
            let seen = seen.or_insert_with(|| Seen { rows, runs: Vec::new() });
            for run in runs {
                if seen.runs.len() < NAMED_RUNS && !seen.runs.contains(run) {
                    seen.runs.push(run.clone());
                }
            }
        }
    }

    /// What was counted of the rows of a node.
    #[must_use]
    pub fn of_content(&self, node: &NodeHashes) -> Option<&Seen> {
        self.contents.get(&node.content)
    }

    /// What was counted of a node over whatever versions of its tables.
    #[must_use]
    pub fn of_definition(&self, node: &NodeHashes) -> Option<&Seen> {
        self.definitions.get(&node.definition)
    }

    /// What was counted of each node, by name. A count is exact where it was taken of the same content and the rows of the
    /// node are the same whenever it is computed.
    #[must_use]
    pub fn counted(&self, graph: &Graph, oracle: &dyn Oracle) -> BTreeMap<String, Counted> {
        let mut levels = BTreeMap::new();
        for id in graph.topological() {
            let level = of_node(graph, oracle, id, &levels);
            levels.insert(id, level);
        }
        let counted = |(id, hashes): (NodeId, NodeHashes)| {
            let is_same = permission(*levels.get(&id)?, Rewrite::Skip) != Permission::No;
            let (rows, seen) = match self.of_content(&hashes).filter(|_| is_same) {
                Some(seen) => (Estimate::exact(seen.rows), seen),
                None => {
                    let seen = self.of_definition(&hashes)?;
                    (Estimate { rows: seen.rows, quality: Quality::Estimated }, seen)
                }
            };
            let runs = u32::try_from(seen.runs.len()).unwrap_or(u32::MAX);
            Some((graph.name_of(id).to_owned(), Counted { rows, runs }))
        };
        hashes(graph, oracle).into_iter().filter_map(counted).collect()
    }
}
