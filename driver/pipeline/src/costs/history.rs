//! What the records of earlier runs tell the cost model: rows that were counted of whole nodes.

use std::collections::BTreeMap;
use std::path::Path;

use engine::RunOutcome;
use ir::diag::{Diagnostic, SpecPath, codes};
use ir::graph::{Graph, NodeId};
use ir::hash::ContentHash;
use ir::stage::Stage;
use passes::analysis::history::{History, NAMED_RUNS, NodeHashes, hashes};
use serde::{Deserialize, Serialize};

use super::sink;
use crate::observer::staged;
use crate::record::{RunRecord, Status, read};
use crate::{Compilation, Observer, Source, Stages};

/// So many runs of each spec are remembered, the newest that published.
const REMEMBERED: usize = 10;
/// So many records are read at the most.
const MOST_RECORDS: usize = 200;

/// The rows of a node that runs have counted: what a shared view stored, or an output wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedRecord {
    /// The node.
    pub node: String,
    /// Its content hash; absent where an earlier run counted the rows of other versions of its tables.
    pub content_hash: Option<ContentHash>,
    /// The hash of its definition, which stays when tables get new versions.
    pub definition_hash: ContentHash,
    /// Its rows.
    pub rows: u64,
    /// The ids of the runs that counted them, the newest first. A node that this run did not count, because each of its readers
    /// computes it, keeps what was known of it: that may be why.
    pub runs: Vec<String>,
}

impl CountedRecord {
    /// Everything that a run has counted of whole nodes, or knew of them. What a plan computes in between is no node's rows:
    /// filters of its readers may be below it.
    pub(crate) fn all(run_id: &str, run: &RunOutcome, compilation: &Compilation) -> Vec<Self> {
        let Compilation { graph, oracle, remembered, .. } = compilation;
        let history = remembered.history.as_ref();
        let counted = counted(run, graph);
        let record = |(id, node): (NodeId, NodeHashes)| {
            let of_content = history.and_then(|history| history.of_content(&node));
            let known = of_content.or_else(|| history?.of_definition(&node));
            let mut runs = known.map(|known| known.runs.clone()).unwrap_or_default();
            let now = counted.get(&id).copied();
            if now.is_some() {
                runs.insert(0, run_id.to_owned());
                runs.truncate(NAMED_RUNS);
            }
            Some(Self {
                node: graph.name_of(id).to_owned(),
                content_hash: (now.is_some() || of_content.is_some()).then_some(node.content),
                definition_hash: node.definition,
                rows: now.or(known.map(|known| known.rows))?,
                runs,
            })
        };
        hashes(graph, oracle.as_ref()).into_iter().filter_map(record).collect()
    }
}

/// The rows of nodes that were stored or written as they are.
fn counted(run: &RunOutcome, graph: &Graph) -> BTreeMap<NodeId, u64> {
    let mut rows: BTreeMap<NodeId, u64> = BTreeMap::new();
    for view in &run.shared_views {
        let stored = u64::try_from(view.rows).unwrap_or(u64::MAX);
        rows.extend(graph.find(&view.view).map(|id| (id, stored)));
    }
    for output in &run.outputs {
        let written = sink(graph, &output.table).into_iter().flat_map(|sink| graph.inputs(sink));
        rows.extend(written.map(|id| (id, output.rows)));
    }
    rows
}

/// What was read of earlier runs.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// What they have counted; nothing where the spec does not ask.
    pub(crate) history: Option<History>,
    /// Their ids, the newest first.
    pub(crate) runs: Vec<String>,
    /// What could not be read.
    pub(crate) unread: Option<Diagnostic>,
}

impl Remembered {
    /// What the newest runs of the specs in the folder of a spec have counted, if it asks for that.
    pub(crate) fn for_spec(source: &Source, stages: &mut Stages, observer: &dyn Observer) -> Self {
        let asks = source.spec.cache_policy.as_ref().is_some_and(|policy| policy.use_historical_metrics);
        if !asks {
            return Self::default();
        }
        staged(stages, observer, Stage::History, || Self::of(&source.base_dir))
    }

    fn of(folder: &Path) -> Self {
        #[derive(Deserialize)]
        struct Part {
            run_id: String,
            status: Status,
            counted: Vec<CountedRecord>,
        }
        let (mut history, mut found) = (History::default(), Self::default());
        let mut unread = Vec::new();
        let mut of_spec: BTreeMap<&str, usize> = BTreeMap::new();
        let files = RunRecord::files(folder).unwrap_or_else(|error| {
            unread.push(format!("the records below `{}`: {error}", folder.display()));
            Vec::new()
        });
        let mut records = 0;
        for file in files.iter().rev() {
            // The hash of the spec ends the name of the file; whoever named it otherwise is a spec of his own.
            let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let of_spec = of_spec.entry(stem.rsplit('-').next().unwrap_or(stem)).or_default();
            if *of_spec >= REMEMBERED {
                continue;
            }
            records += 1;
            if records > MOST_RECORDS {
                break;
            }
            match read::<Part>(file) {
                Ok(part) if part.status == Status::Published => {
                    *of_spec += 1;
                    for CountedRecord { content_hash, definition_hash, rows, runs, .. } in part.counted {
                        history.add(content_hash, definition_hash, rows, &runs);
                    }
                    found.runs.push(part.run_id);
                }
                Ok(_) => {}
                Err(error) => unread.push(error.to_string()),
            }
        }
        found.history = Some(history);
        found.unread = unread.first().map(|first| {
            let more = unread.len() - 1;
            let others = if more > 0 { format!("; {more} more as well") } else { String::new() };
            let message = format!("costs are estimated without a part of the history: {first}{others}");
            let place = SpecPath::root().field("cache_policy").field("use_historical_metrics");
            let found = Diagnostic::new(codes::HISTORY_UNREAD, message).at(place).in_stage(Stage::History);
            found.help("delete what cannot be read; the next runs leave records that can")
        });
        found
    }
}
