//! That runs of ordered rows are aggregated as DataFusion does it, in the order of the leading keys, in any memory.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use datafusion::catalog::MemTable;
use datafusion::common::ScalarValue;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::{ExecutionPlan, InputOrderMode, collect};
use datafusion::prelude::{SessionConfig, SessionContext, col};

use super::*;
use crate::operators::spill::Scarce;

/// One run of 30,000 rows, 2,000 of one, one of 9,000, and 4,000 of one or two; some keys are not there.
const ROWS: &str = "SELECT CASE WHEN value <= 30000 THEN NULL WHEN value <= 32000 THEN value - 33000 WHEN value <= 41000 THEN 0 ELSE value * 2 / 3 END AS a, \
                    CASE WHEN value % 11 > 0 THEN concat('key ', value % 3000) END AS b, value AS v \
                    FROM generate_series(1, 47000)";

/// A context in which `ordered` has these rows by `a`, and aggregations of ours have so much memory.
async fn context(memory: usize, batch_size: usize) -> SessionContext {
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Scarce::pool("aggregation by", memory));
    let config = SessionConfig::new().with_target_partitions(1).with_batch_size(batch_size);
    let context = SessionContext::new_with_config_rt(config, runtime.build_arc().unwrap());
    functions::register(&mut *context.state_ref().write()).unwrap();
    let rows = context.sql(&format!("SELECT * FROM ({ROWS}) ORDER BY a NULLS FIRST, v % 7")).await.unwrap();
    let batches = rows.collect().await.unwrap();
    let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
    let table = table.with_sort_order(vec![vec![col("a").sort(true, true)]]);
    context.register_table("ordered", Arc::new(table)).unwrap();
    context
}

async fn rows(plan: Arc<dyn ExecutionPlan>, context: &SessionContext) -> Vec<RecordBatch> {
    collect(plan, context.task_ctx()).await.unwrap()
}

/// The aggregation in a plan.
fn aggregation(plan: &Arc<dyn ExecutionPlan>) -> &Arc<dyn ExecutionPlan> {
    if plan.name() == "AggregateExec" { plan } else { aggregation(plan.children()[0]) }
}

/// The rows by all keys.
async fn sorted(batches: Vec<RecordBatch>, context: &SessionContext) -> String {
    let rows = context.read_batches(batches).unwrap();
    let rows = rows.sort(vec![col("a").sort(true, true), col("b").sort(true, true)]).unwrap();
    pretty_format_batches(&rows.collect().await.unwrap()).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_aggregated_in_their_order_in_any_memory() {
    for aggregates in ["array_agg_sorted(v, v) AS l, count(*) AS n", "sum(v) AS s, max(v) AS m"] {
        let query = format!("SELECT a, b, {aggregates} FROM ordered GROUP BY a, b");
        // Everything fits; the long run does not; not even the rows of a batch do.
        for (memory, batch_size, spills) in
            [(1 << 30, 8192, false), (2 << 20, 1000, true), (300 << 10, 500, true)]
        {
            let context = context(memory, batch_size).await;
            let planned = context.sql(&query).await.unwrap().create_physical_plan().await.unwrap();
            let wanted = sorted(rows(Arc::clone(aggregation(&planned)), &context).await, &context).await;
            let ours = in_place(&planned);
            assert_eq!(ours.name(), "SpillingAggregateExec");
            let groups = rows(Arc::clone(&ours), &context).await;
            let case = format!("{aggregates} in {memory} bytes");
            let keys: Vec<ScalarValue> = groups
                .iter()
                .flat_map(|batch| {
                    (0..batch.num_rows()).map(|row| ScalarValue::try_from_array(batch.column(0), row))
                })
                .collect::<Result<_>>()
                .unwrap();
            assert!(keys.is_sorted(), "{case}: the groups are not in the order of their first key");
            assert!(sorted(groups, &context).await == wanted, "{case}: other groups");
            assert_eq!(ours.metrics().unwrap().spill_count().unwrap_or(0) > 0, spills, "{case}");
            assert_eq!(context.task_ctx().memory_pool().reserved(), 0, "{case}");
        }
    }
}

/// -0.0 comes before 0.0 and is in the same group.
#[tokio::test(flavor = "multi_thread")]
async fn zeros_of_both_signs_are_one_group() {
    let context = context(300 << 10, 500).await;
    let rows_of =
        "SELECT CASE WHEN value <= 3000 THEN -0.0 ELSE 0.0 END AS a, 'k' AS b FROM generate_series(1, 6000)";
    let batches = context.sql(rows_of).await.unwrap().collect().await.unwrap();
    let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
    let table = table.with_sort_order(vec![vec![col("a").sort(true, true)]]);
    context.register_table("zeros", Arc::new(table)).unwrap();
    let query = "SELECT a, b, count(*) AS n FROM zeros GROUP BY a, b";
    let planned = context.sql(query).await.unwrap().create_physical_plan().await.unwrap();
    let groups = rows(in_place(&planned), &context).await;
    assert_eq!(groups.iter().map(RecordBatch::num_rows).sum::<usize>(), 1, "{groups:?}");
}

/// The aggregation of a plan, as ours where ours runs in its place.
fn in_place(plan: &Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    let planned = aggregation(plan).downcast_ref::<AggregateExec>().unwrap();
    assert!(matches!(planned.input_order_mode(), InputOrderMode::PartiallySorted(_)));
    match SpillingAggregateExec::for_aggregation(planned) {
        Some(ours) => Arc::new(ours),
        None => Arc::new(planned.clone()),
    }
}
