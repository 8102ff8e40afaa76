//! Running graphs, and reading back what they wrote.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::prelude::SessionContext;
use delta::{Location, ResolvedTable, ScanOptions};
use engine::{RunOptions, RunOutcome, Session, Stage};
use ir::graph::Graph;
use ir::op::Op;
use pipeline::Plans;
use tempfile::TempDir;

use super::{Rows, copy_folder, runtime, workers};

/// What a run left behind.
pub(crate) struct Execution {
    /// The tables of the outputs, by name; they live as long as this.
    pub(crate) published: BTreeMap<String, PathBuf>,
    _home: TempDir,
    /// The rows of every output, by table name.
    pub(crate) outputs: BTreeMap<String, Rows>,
    pub(crate) outcome: RunOutcome,
}

fn emit(graph: &Graph, home: &Path, session: &Session) -> Plans {
    Plans::of_graph(graph, home, session, workers()).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a scheduled graph over a copy of the tables in `home`.
pub(crate) fn execute(graph: &Graph, home: &Path, session: &Session) -> Execution {
    let copy = tempfile::tempdir().expect("a folder is made");
    copy_folder(home, copy.path());
    let options = RunOptions::new(copy.path(), "suite");
    let outcome = emit(graph, copy.path(), session).run(options, workers());
    let outcome = outcome.unwrap_or_else(|error| panic!("{error}\n{error:?}"));
    let (mut outputs, mut published) = (BTreeMap::new(), BTreeMap::new());
    for id in graph.sinks() {
        let node = &graph[id];
        let Op::Sink(sink) = &node.op else { continue };
        let table = open(&sink.location, copy.path(), None);
        let context = SessionContext::new();
        let rows = collect(&context, provider(&table));
        let name = node.owner.name().to_owned();
        published.insert(name.clone(), copy.path().join(&sink.location));
        outputs.insert(name, rows);
    }
    Execution { published, _home: copy, outputs, outcome }
}

/// The digests of the rows of a scheduled graph's outputs, by the names of their tables. Nothing is published.
pub(crate) fn digests(graph: &Graph, home: &Path, session: &Session) -> BTreeMap<String, String> {
    let scratch = tempfile::tempdir().expect("a folder is made");
    copy_folder(home, scratch.path());
    let options = RunOptions::new(scratch.path(), "suite");
    let written = emit(graph, scratch.path(), session).write(options, workers());
    let written = written.unwrap_or_else(|error| panic!("{error}"));
    let digests = written.digests().into_iter().map(|(table, digest)| (table, digest.to_string())).collect();
    written.discard(workers()).expect("files are deleted");
    digests
}

/// The logical plans of a graph as emitted, and as the engine's optimizer leaves them.
pub(crate) fn plans(graph: &Graph, home: &Path, session: &Session) -> (String, String) {
    let plans = emit(graph, home, session);
    let explain = |stage| plans.explain(stage, workers()).unwrap_or_else(|error| panic!("{error}"));
    (explain(Stage::Plan), explain(Stage::Optimized))
}

fn open(location: &str, base: &Path, version: Option<u64>) -> ResolvedTable {
    let location = Location::parse(location, base).unwrap_or_else(|error| panic!("{error}"));
    runtime().block_on(delta::resolve(&location, version)).unwrap_or_else(|error| panic!("{error}"))
}

fn provider(table: &ResolvedTable) -> Arc<dyn TableProvider> {
    delta::provider(table, &ScanOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn collect(context: &SessionContext, provider: Arc<dyn TableProvider>) -> Rows {
    let frame = context.read_table(provider).expect("a table can be read");
    let schema = frame.schema().as_arrow().clone();
    let batches = runtime().block_on(frame.collect()).unwrap_or_else(|error| panic!("{error}"));
    Rows::of(&schema, &batches)
}

/// The answer of DataFusion alone, without this program's functions, rules and operators, to a query over the
/// given tables. `NAME` is a table's latest version, `NAME_v3` its version 3.
pub(crate) fn read_sql(query: &str, tables: &BTreeMap<String, PathBuf>) -> Rows {
    let context = SessionContext::new();
    for (name, path) in tables {
        let latest = open(&path.to_string_lossy(), path, None);
        for version in 0..=latest.version() {
            let table = open(&path.to_string_lossy(), path, Some(version));
            context.register_table(format!("{name}_v{version}"), provider(&table)).expect("a free name");
        }
        context.register_table(name, provider(&latest)).expect("a free name");
    }
    let answer = async {
        let frame = context.sql(query).await?;
        let schema = frame.schema().as_arrow().clone();
        Ok::<_, datafusion::error::DataFusionError>((schema, frame.collect().await?))
    };
    let (schema, batches) = runtime().block_on(answer).unwrap_or_else(|error| panic!("{error}\n{query}"));
    Rows::of(&schema, &batches)
}
