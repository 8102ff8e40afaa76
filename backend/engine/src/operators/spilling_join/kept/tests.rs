//! Recursions give the rows of DataFusion's plan, and read what does not change once.

use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::util::pretty::pretty_format_batches;
use datafusion::catalog::MemTable;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::collect;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;
use crate::operators::spill::{Scarce, in_memory};
use crate::{Session, SessionOptions};

/// Edges from each of 4,000 nodes to three others, with a text for each.
const EDGES: &str = "SELECT value % 4000 AS a, value * 7919 % 4003 AS b, concat('edge number ', value::text) AS text \
                     FROM generate_series(1, 12000)";

/// A recursive term, and whether its join keeps its table.
const TERMS: &[(&str, bool)] = &[
    ("SELECT e.b, depth + 1, e.text FROM walk w JOIN edges e ON e.a = w.node WHERE depth < 6", true),
    (
        "SELECT e.b, depth + 1, e.text FROM edges e JOIN walk w ON e.a = w.node AND e.b > w.depth WHERE depth < 6",
        true,
    ),
    (
        "SELECT e.b, depth + 1, e.text FROM walk w LEFT JOIN edges e ON e.a = w.node AND e.b < 2000 WHERE depth < 6",
        true,
    ),
    (
        "SELECT w.node + 1, depth + 1, w.text FROM walk w LEFT SEMI JOIN edges e ON e.a = w.node WHERE depth < 6",
        true,
    ),
    (
        "SELECT w.node + 500, depth + 1, w.text FROM walk w LEFT ANTI JOIN (SELECT a FROM edges WHERE a > 3000) e ON e.a = w.node WHERE depth < 40",
        true,
    ),
    (
        "SELECT f.b, depth + 1, e.text FROM walk w JOIN edges e ON e.a = w.node JOIN edges f ON f.a = e.b AND f.b % 5 = 0 \
      WHERE depth < 5",
        true,
    ),
    (
        "SELECT e.top, depth + 1, w.text FROM walk w JOIN (SELECT a, max(b) AS top FROM edges GROUP BY a) e ON e.a = w.node \
      WHERE depth < 40",
        true,
    ),
    // More executions than a table is used for.
    (
        "SELECT e.a + 1, depth + 1, 'one' FROM walk w JOIN (SELECT DISTINCT a FROM edges WHERE a < 4000) e ON e.a = w.node % 4000 \
      WHERE depth < 100",
        true,
    ),
    // Rows of the edges without a match are rows of the join.
    (
        "SELECT coalesce(w.node, e.b), coalesce(depth, 0) + 1, e.text FROM walk w FULL JOIN edges e ON e.a = w.node \
      WHERE coalesce(depth, 9) < 3",
        false,
    ),
    (
        "SELECT e.b, depth + 1, e.text FROM walk w JOIN (SELECT a, b, text FROM edges WHERE random() < 2) e ON e.a = w.node \
      WHERE depth < 4",
        false,
    ),
];

/// A context with the edges: ours in which hash joins have so much memory, or DataFusion's.
async fn context(memory: Option<usize>) -> SessionContext {
    let context = match memory {
        Some(memory) => {
            let session =
                Session::new(SessionOptions { target_partitions: 2, ..SessionOptions::for_this_machine() });
            let runtime = RuntimeEnvBuilder::new().with_memory_pool(Scarce::pool("hash join", memory));
            let state = SessionStateBuilder::new_from_existing(session.unwrap().state().clone());
            SessionContext::new_with_state(state.with_runtime_env(runtime.build_arc().unwrap()).build())
        }
        None => SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2)),
    };
    let batches = context.sql(EDGES).await.unwrap().collect().await.unwrap();
    let parts = batches.chunks(1).map(<[_]>::to_vec).collect();
    let table = MemTable::try_new(batches[0].schema(), parts).unwrap();
    context.register_table("edges", Arc::new(table)).unwrap();
    context
}

fn query(term: &str) -> String {
    format!(
        "WITH RECURSIVE walk AS (SELECT 1 AS node, 0 AS depth, 'root' AS text UNION ALL {term}) \
         SELECT node, depth, text, count(*) AS ways FROM walk GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
}

/// The rows, and the plan that gave them.
async fn run(context: &SessionContext, query: &str) -> (String, Arc<dyn ExecutionPlan>) {
    let plan = context.sql(query).await.unwrap().create_physical_plan().await.unwrap();
    let rows = collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();
    (pretty_format_batches(&rows).unwrap().to_string(), plan)
}

fn kept_tables(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let own = plan.downcast_ref::<SpillingHashJoinExec>().is_some_and(|join| join.kept.is_some());
    usize::from(own) + plan.children().into_iter().map(kept_tables).sum::<usize>()
}

/// A table of one partition that counts how often it is read.
#[derive(Debug)]
struct Counted {
    rows: Vec<RecordBatch>,
    schema: SchemaRef,
    read: AtomicUsize,
}

impl PartitionStream for Counted {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        self.read.fetch_add(1, Ordering::Relaxed);
        in_memory(Arc::clone(&self.schema), self.rows.clone())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_the_same_in_any_memory() {
    let reference = context(None).await;
    let [enough, little] = [context(Some(1 << 30)).await, context(Some(200 << 10)).await];
    for (term, keeps) in TERMS {
        let query = query(term);
        let (wanted, _) = run(&reference, &query).await;
        assert!(wanted.lines().count() > 6, "{term} ends at once:\n{wanted}");
        for context in [&enough, &little] {
            let (rows, plan) = run(context, &query).await;
            assert_eq!(kept_tables(&plan) > 0, *keeps, "{term}");
            assert!(rows == wanted, "{term}: {rows}\ninstead of {wanted}");
            drop(plan);
            assert_eq!(context.task_ctx().memory_pool().reserved(), 0, "{term}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_change_is_read_once() {
    let read = async |memory| {
        let context = context(Some(memory)).await;
        let rows = context.sql("SELECT * FROM edges").await.unwrap().collect().await.unwrap();
        let counted = Arc::new(Counted { schema: rows[0].schema(), rows, read: AtomicUsize::new(0) });
        let table = StreamingTable::try_new(Arc::clone(&counted.schema), vec![Arc::clone(&counted) as _]);
        context.register_table("counted", Arc::new(table.unwrap())).unwrap();
        run(&context, &query(TERMS[0].0).replace("edges", "counted")).await;
        counted.read.load(Ordering::Relaxed)
    };
    assert_eq!(read(1 << 30).await, 1);
    // Where the table does not fit, each of six iterations reads it, and the first one has tried.
    assert_eq!(read(200 << 10).await, 1 + 6);
}
