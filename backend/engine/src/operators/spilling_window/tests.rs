//! That window functions have the values that DataFusion's operator gives them, in any memory.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use datafusion::catalog::MemTable;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::collect;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;
use crate::operators::spill::Scarce;

/// A window of 30,000 rows without a key, one of 2,000, and small ones; the text is most of a row.
const ROWS: &str = "SELECT CASE WHEN value <= 30000 THEN NULL WHEN value <= 32000 THEN -1.5 ELSE value / 7 * 2.0 END AS a, \
                    CASE WHEN value % 11 > 0 THEN value * 7919 % 10007 END AS v, value AS id, \
                    concat('a text that no function reads, ', md5(value::text)) AS t \
                    FROM generate_series(1, 40000)";
/// One value for each window, and values that need all rows.
const FUNCTIONS: &[&str] = &[
    "count(*) OVER (PARTITION BY a)",
    "count(v) OVER (PARTITION BY a), sum(v) OVER (PARTITION BY a), min(t) OVER (PARTITION BY a), max(a) OVER (PARTITION BY a), \
     bool_or(v > 9000) OVER (PARTITION BY a)",
    "sum(a * 0.1) OVER (PARTITION BY a)",
    "count(DISTINCT v % 100) OVER (PARTITION BY a)",
    "avg(v) OVER ()",
    "sum(v) OVER (PARTITION BY a ORDER BY v, id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)",
    "ntile(7) OVER (PARTITION BY a ORDER BY v, id)",
    "percent_rank() OVER (PARTITION BY a ORDER BY v)",
    "last_value(v) OVER (PARTITION BY a ORDER BY v, id ROWS BETWEEN 3 PRECEDING AND UNBOUNDED FOLLOWING)",
];
/// Which columns a filter reads is not known.
const FILTERED: &[&str] = &[
    "max(t) FILTER (WHERE v % 3 = 0) OVER (PARTITION BY a)",
    "sum(v) FILTER (WHERE id % 5 > 0) OVER (PARTITION BY a ORDER BY v, id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)",
];

/// A context in which our operator has so much memory.
async fn context(memory: usize, batch_size: usize) -> SessionContext {
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Scarce::pool("window functions", memory));
    let config = SessionConfig::new().with_target_partitions(1).with_batch_size(batch_size);
    let context = SessionContext::new_with_config_rt(config, runtime.build_arc().unwrap());
    let batches = context.sql(ROWS).await.unwrap().collect().await.unwrap();
    let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
    context.register_table("t", Arc::new(table)).unwrap();
    context
}

/// The plan with our operators in it, or DataFusion's.
async fn plan(context: &SessionContext, functions: &str, ours: bool) -> Arc<dyn ExecutionPlan> {
    use datafusion::common::tree_node::{Transformed, TreeNode as _};
    let query = format!("SELECT id, a, t, {functions} FROM (SELECT *, id AS same FROM t) t");
    let plan = context.sql(&query).await.unwrap().create_physical_plan().await.unwrap();
    let replaced = plan.transform_up(|plan| match plan.downcast_ref::<WindowAggExec>() {
        Some(planned) if ours => {
            Ok(Transformed::yes(Arc::new(SpillingWindowAggExec::new(Arc::new(planned.clone()))) as _))
        }
        _ => Ok(Transformed::no(plan)),
    });
    let replaced = replaced.unwrap();
    assert_eq!(replaced.transformed, ours, "{functions} are computed by another operator");
    replaced.data
}

async fn rows(plan: Arc<dyn ExecutionPlan>, context: &SessionContext) -> Vec<RecordBatch> {
    collect(plan, context.task_ctx()).await.unwrap()
}

/// All rows in one batch.
fn whole(batches: &[RecordBatch]) -> RecordBatch {
    concat_batches(&batches[0].schema(), batches).unwrap()
}

/// How often operators of ours have spilled in a plan.
fn spills(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let own = if plan.is::<SpillingWindowAggExec>() { plan.metrics() } else { None };
    let own = own.and_then(|metrics| metrics.spill_count()).unwrap_or(0);
    own + plan.children().into_iter().map(spills).sum::<usize>()
}

/// Compares the values with those of DataFusion's operator.
async fn check(functions: &str, memory: usize, batch_size: usize, spilling: bool) {
    let case = format!("{functions} in {memory} bytes");
    let context = context(memory, batch_size).await;
    let wanted = rows(plan(&context, functions, false).await, &context).await;
    let ours = plan(&context, functions, true).await;
    let values = rows(Arc::clone(&ours), &context).await;
    assert!(values.iter().all(|batch| batch.num_rows() <= batch_size), "{case}");
    assert!(whole(&values) == whole(&wanted), "{case}");
    assert_eq!(spills(&ours) > 0, spilling, "{case}");
    assert_eq!(context.task_ctx().memory_pool().reserved(), 0, "{case}");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_the_same_in_any_memory() {
    // The long window does not fit, and what is kept of it does.
    for functions in FUNCTIONS {
        check(functions, 1 << 30, 8192, false).await;
        check(functions, 5 << 20, 1000, true).await;
    }
    check(&FUNCTIONS.join(", "), 11 << 20, 1000, true).await;
    for functions in FILTERED {
        check(functions, 1 << 30, 1000, false).await;
    }
    check("array_agg(v) OVER (PARTITION BY id / 5)", 1 << 30, 1000, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_may_be_ordered_by_a_column_that_equals_their_key() {
    check("count(*) OVER (PARTITION BY same), max(v) OVER (PARTITION BY same)", 1 << 30, 1000, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_with_one_value_needs_an_accumulator_and_others_their_columns() {
    let context = context(300 << 10, 500).await;
    let constant = "count(*) OVER (PARTITION BY a), max(v) OVER (PARTITION BY a)";
    let values = rows(plan(&context, constant, true).await, &context).await;
    let wanted = rows(plan(&context, constant, false).await, &context).await;
    assert!(whole(&values) == whole(&wanted));
    // The columns of the long window do not fit.
    for each in ["ntile(7) OVER (PARTITION BY a ORDER BY v, id)", FILTERED[0]] {
        let error = collect(plan(&context, each, true).await, context.task_ctx()).await.unwrap_err();
        assert!(error.to_string().contains("window functions over a"), "{each}: {error}");
    }
}
