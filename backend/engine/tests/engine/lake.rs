//! A folder with tables, and a miniature of the compiler that fills in what passes would: versions, schemas and
//! the schedule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::SessionContext;
use delta::{CommitOptions, Location, Roots, TableTarget, WriteMode, WriteOptions};
use engine::{
    EngineOracle, PlanDag, PlanningSurfaceSpec, QueryRows, RunError, RunOptions, RunOutcome, Session,
    SessionOptions, TableRequest, Tables, emit, execute,
};
use futures::TryStreamExt as _;
use ir::estimate::Estimate;
use ir::graph::{Graph, NodeId, Placement, PlacementChoice, Schedule, Segment};
use ir::op::{Input, Op};
use ir::oracle::Oracle as _;
use tempfile::TempDir;

pub(crate) struct Lake {
    pub(crate) dir: TempDir,
    pub(crate) session: Session,
}

impl Lake {
    pub(crate) fn new() -> Self {
        Self::with(options(), Vec::new())
    }

    pub(crate) fn with(options: SessionOptions, functions: Vec<Arc<ScalarUDF>>) -> Self {
        let added = PlanningSurfaceSpec::builder();
        let added = functions.into_iter().fold(added, |added, function| added.scalar_function(function, "1"));
        let session = Session::with_surface(options, &added.build().unwrap()).unwrap();
        Self { dir: TempDir::new().unwrap(), session }
    }

    /// Writes the rows of a DataFusion query as a version of a table.
    pub(crate) async fn write(&self, table: &str, query: &str, options: WriteOptions) {
        let frame = SessionContext::new().sql(query).await.unwrap();
        let schema = Arc::new(frame.schema().as_arrow().clone());
        let batches = frame.collect().await.unwrap();
        let location = Location::parse(table, self.dir.path()).unwrap();
        let target = TableTarget::prepare(&location, schema, options).await.unwrap();
        let mut writer = target.writer();
        for batch in batches {
            writer.write(batch).await.unwrap();
        }
        let files = writer.close().await.unwrap();
        target.commit(vec![files], &CommitOptions::default()).await.unwrap();
    }

    pub(crate) async fn table(&self, table: &str, query: &str) {
        self.write(table, query, WriteOptions { mode: WriteMode::Overwrite, ..WriteOptions::default() })
            .await;
    }

    pub(crate) async fn oracle(&self, graph: &Graph) -> EngineOracle {
        let tables =
            Tables::resolve(self.dir.path(), &Roots::everywhere(), &TableRequest::of_graph(graph)).await;
        EngineOracle::new(self.session.clone(), tables)
    }

    /// Parses, types, schedules, verifies and emits.
    pub(crate) async fn compile(&self, text: &str) -> PlanDag {
        let mut graph = ir::text::parse(text).unwrap_or_else(|error| panic!("{error} in {text}")).graph;
        let oracle = self.oracle(&graph).await;
        complete(&mut graph, &oracle);
        let verified = ir::verify::verify(&graph, &oracle).unwrap_or_else(|found| panic!("{found:#?}"));
        emit(verified.scheduled().unwrap(), oracle.tables(), &self.session).unwrap()
    }

    pub(crate) async fn run(&self, text: &str) -> Result<RunOutcome, RunError> {
        let dag = self.compile(text).await;
        execute(&self.session, &dag, &RunOptions::new(self.dir.path(), "run-1")).await
    }

    /// The rows of a query over the tables of the lake, each as `a|b|c`, sorted.
    pub(crate) async fn rows(&self, query: &str) -> Vec<String> {
        rows_of(self.session.sql(query, self.dir.path()).await.unwrap()).await
    }

    /// Runs a graph with one output `@out` and gives its rows.
    pub(crate) async fn output(&self, text: &str) -> Vec<String> {
        self.run(text).await.unwrap();
        self.rows("SELECT * FROM out").await
    }

    /// The files below a table's folder.
    pub(crate) fn files(&self, table: &str) -> Vec<String> {
        fn walk(path: &std::path::Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    walk(&entry.path(), found);
                } else {
                    found.push(entry.path().display().to_string());
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.dir.path().join(table), &mut found);
        found
    }
}

pub(crate) fn options() -> SessionOptions {
    SessionOptions {
        target_partitions: 4,
        memory_limit_bytes: 256 << 20,
        ..SessionOptions::for_this_machine()
    }
}

pub(crate) async fn rows_of(rows: QueryRows) -> Vec<String> {
    let batches: Vec<RecordBatch> = rows.batches.try_collect().await.unwrap();
    let mut lines = Vec::new();
    let format = FormatOptions::default().with_null("NULL");
    for batch in &batches {
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &format).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            lines.push(cells.join("|"));
        }
    }
    lines.sort();
    lines
}

/// Gives every scan its version, every node its schema, nodes with several readers a placement, and the graph its
/// schedule.
fn complete(graph: &mut Graph, oracle: &EngineOracle) {
    for id in graph.topological() {
        let node = graph.get(id).unwrap().clone();
        let (op, schema) = match &node.op {
            Op::Scan(scan) => {
                let input = Input {
                    location: scan.location.clone(),
                    version: Some(scan.version),
                    lineage: scan.lineage,
                };
                let (mut full, schema) = oracle.table(&input, &scan.read).unwrap();
                full.columns = scan.columns.clone();
                let kept = scan.columns.clone();
                let schema =
                    schema.project(|name| kept.as_ref().is_none_or(|kept| kept.iter().any(|k| k == name)));
                (Op::Scan(full), schema)
            }
            op => {
                let inputs = graph.inputs(id);
                let schemas: Vec<_> =
                    inputs.iter().map(|input| graph.get(*input).unwrap().schema.as_ref().unwrap()).collect();
                (
                    op.clone(),
                    oracle.schema(&node, &schemas).unwrap_or_else(|error| panic!("{}: {error}", node.name)),
                )
            }
        };
        let node = graph.get_mut(id).unwrap();
        node.op = op;
        node.schema = Some(schema);
    }
    for id in graph.topological() {
        let read_again = graph.reads(id) > 1;
        let node = graph.get_mut(id).unwrap();
        if read_again && node.placement.is_none() {
            let reason = "nothing else is said".to_owned();
            node.placement = Some(Placement { choice: PlacementChoice::Recompute, reason });
        }
    }
    graph.schedule = Some(schedule(graph));
}

fn schedule(graph: &Graph) -> Schedule {
    let is_root = |id: NodeId| {
        let node = graph.get(id).unwrap();
        matches!(node.op, Op::Sink(_))
            || node.placement.as_ref().is_some_and(|p| p.choice == PlacementChoice::Share)
    };
    let mut levels: BTreeMap<String, u32> = BTreeMap::new();
    let mut segments = Vec::new();
    for id in graph.topological().into_iter().filter(|id| is_root(*id)) {
        let (mut reads, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), graph.inputs(id));
        while let Some(input) = open.pop() {
            if !seen.insert(input) {
            } else if is_root(input) {
                reads.insert(graph.name_of(input).to_owned());
            } else {
                open.extend(graph.inputs(input));
            }
        }
        let level = reads.iter().map(|read| levels[read] + 1).max().unwrap_or(0);
        levels.insert(graph.name_of(id).to_owned(), level);
        segments.push(Segment {
            root: graph.name_of(id).to_owned(),
            level,
            reads: reads.into_iter().collect(),
            rows: Estimate::unknown(1),
            cost: 1,
            bottom_level: 1,
            critical: false,
        });
    }
    Schedule { segments }
}
