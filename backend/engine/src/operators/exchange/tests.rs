//! Exchanges with little memory deal out the rows of DataFusion's exchange, and wait for nobody who waits for them.

use std::time::Duration;

use arrow::array::{Array as _, ArrayRef, Int64Array, RecordBatch, StringViewArray, StringViewBuilder};
use datafusion::datasource::memory::{DataSourceExec, MemorySourceConfig};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::collect_partitioned;
use datafusion::prelude::SessionConfig;

use super::*;
use crate::operators::spill::Scarce;

const BATCH_SIZE: usize = 32;

fn column(index: usize) -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new(if index == 0 { "k" } else { "id" }, index))
}

/// Rows with a key, ids that differ, and texts; `one_key` of a hundred rows have the same key.
fn table(partitions: usize, batches: i64, one_key: i64) -> Arc<dyn ExecutionPlan> {
    let parts: Vec<Vec<RecordBatch>> = (0..partitions as i64)
        .map(|partition| {
            let batch = |number: i64| {
                let ids =
                    (0..BATCH_SIZE as i64).map(|row| (number * partitions as i64 + partition) * 100 + row);
                let ids: Int64Array = ids.collect();
                let key = |id: i64| if id.wrapping_mul(7919) % 100 < one_key { 0 } else { id % 97 };
                let keys: Int64Array = ids.values().iter().map(|id| Some(key(*id))).collect();
                let texts: StringViewArray =
                    ids.values().iter().map(|id| Some(format!("a text that is not inline {id}"))).collect();
                let columns: Vec<(&str, ArrayRef)> =
                    vec![("k", Arc::new(keys)), ("id", Arc::new(ids)), ("text", Arc::new(texts.gc()))];
                RecordBatch::try_from_iter(columns).unwrap()
            };
            (0..batches).map(batch).collect()
        })
        .collect();
    let schema = parts[0][0].schema();
    let rows = MemorySourceConfig::try_new(&parts, schema, None).unwrap();
    // Every partition is ordered by its ids.
    let order = LexOrdering::new([PhysicalSortExpr::new_default(column(1))]).unwrap();
    DataSourceExec::from_data_source(rows.try_with_sort_information(vec![order]).unwrap())
}

fn context(memory: usize) -> Arc<TaskContext> {
    context_of_batches(memory, BATCH_SIZE)
}

fn context_of_batches(memory: usize, batch_size: usize) -> Arc<TaskContext> {
    let pool = Scarce::pool("rows of an exchange", memory);
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc().unwrap();
    let config = SessionConfig::new().with_batch_size(batch_size).with_sort_spill_reservation_bytes(0);
    Arc::new(TaskContext::default().with_session_config(config).with_runtime(runtime))
}

fn exchange(planned: &RepartitionExec) -> Arc<ExchangeExec> {
    Arc::new(ExchangeExec::new(Arc::new(planned.clone())))
}

fn ids(batches: &[RecordBatch]) -> Vec<i64> {
    let ids = batches.iter().flat_map(|batch| {
        let ids = batch.column(1).as_any().downcast_ref::<Int64Array>().unwrap();
        assert_eq!(ids.len(), batch.column(2).len());
        ids.values().to_vec()
    });
    ids.collect()
}

fn sorted(mut ids: Vec<i64>) -> Vec<i64> {
    ids.sort_unstable();
    ids
}

/// Fails where the work hangs.
async fn ends<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work).await.expect("it hangs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_go_where_datafusion_sends_them() {
    for (inputs, outputs, one_key) in [(1, 1, 0), (1, 4, 0), (3, 2, 0), (4, 7, 0), (3, 4, 80)] {
        for memory in [1, 5_000, 1 << 30] {
            let by = Partitioning::Hash(vec![column(0)], outputs);
            let planned = RepartitionExec::try_new(table(inputs, 40, one_key), by).unwrap();
            let expected = collect_partitioned(Arc::new(planned.clone()), context(1 << 30)).await.unwrap();
            let ours = exchange(&planned);
            let found = ends(collect_partitioned(Arc::clone(&ours) as _, context(memory))).await.unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(sorted(ids(found)), sorted(ids(expected)), "{inputs} {outputs} {memory}");
            }
            assert_eq!(ours.metrics().unwrap().output_rows(), Some(inputs * 40 * BATCH_SIZE));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_go_round() {
    for memory in [1, 1 << 30] {
        let by = Partitioning::RoundRobinBatch(3);
        let planned = RepartitionExec::try_new(table(2, 30, 0), by).unwrap();
        let found = ends(collect_partitioned(exchange(&planned), context(memory))).await.unwrap();
        let counts: Vec<usize> = found.iter().map(|part| ids(part).len()).collect();
        assert_eq!(counts, [20 * BATCH_SIZE; 3]);
    }
}

/// Outputs that are read one after the other: what the others get meanwhile has to go somewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outputs_can_be_read_one_after_the_other_and_left_alone() {
    for memory in [1, 20_000, 1 << 30] {
        let by = Partitioning::Hash(vec![column(0)], 4);
        let planned = RepartitionExec::try_new(table(3, 300, 0), by).unwrap();
        let ours = exchange(&planned);
        let context = context(memory);
        let mut count = 0;
        for partition in [3, 1, 2] {
            let stream = ours.execute(partition, Arc::clone(&context)).unwrap();
            let batches: Vec<RecordBatch> = ends(stream.try_collect()).await.unwrap();
            count += ids(&batches).len();
        }
        let mut dropped = ours.execute(0, Arc::clone(&context)).unwrap();
        count += ends(dropped.try_next()).await.unwrap().unwrap().num_rows();
        drop(dropped);
        assert!(count > 3 * 300 * BATCH_SIZE / 2);
        assert_eq!(context.memory_pool().reserved(), 0, "all memory is given back");
        let spilled = ours.metrics().unwrap().spill_count().unwrap_or(0);
        assert_eq!(spilled > 0, memory < 1 << 30);
        drop(ours);
        let disk = Arc::clone(&context.runtime_env().disk_manager);
        // Tasks that read ahead let go of their files when they notice.
        ends(async {
            while disk.used_disk_space() > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_of_every_input_is_kept() {
    for (memory, one_key) in [(1, 0), (40_000, 80), (1 << 30, 0)] {
        let by = Partitioning::Hash(vec![column(0)], 4);
        let planned = RepartitionExec::try_new(table(3, 60, one_key), by).unwrap().with_preserve_order();
        let exchange = exchange(&planned);
        // The merges of the outputs take their memory from the same pool.
        let found = ends(collect_partitioned(exchange, context(memory))).await.unwrap();
        let mut count = 0;
        for part in &found {
            let ids = ids(part);
            count += ids.len();
            assert!(ids.is_sorted());
        }
        assert_eq!(count, 3 * 60 * BATCH_SIZE);
    }
}

/// A lane can have enough bytes long before it has the rows of a batch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_wide_rows_are_not_waited_for() {
    let text = "a text of many bytes ".repeat(3_000);
    let batch = |number: i64| {
        let ids: Int64Array = (number * 32..(number + 1) * 32).collect();
        // All rows point to the same bytes.
        let mut texts = StringViewBuilder::new().with_deduplicate_strings();
        (0..32).for_each(|_| texts.append_value(&text));
        let columns: Vec<(&str, ArrayRef)> =
            vec![("k", Arc::new(ids.clone())), ("id", Arc::new(ids)), ("text", Arc::new(texts.finish()))];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let rows: Vec<RecordBatch> = (0..40).map(batch).collect();
    let schema = rows[0].schema();
    let input = MemorySourceConfig::try_new_exec(&[rows], schema, None).unwrap();
    for memory in [1, 1 << 30] {
        let by = Partitioning::Hash(vec![column(0)], 2);
        let planned = RepartitionExec::try_new(Arc::clone(&input) as _, by).unwrap();
        let context = context_of_batches(memory, 8192);
        let found = ends(collect_partitioned(exchange(&planned), context)).await.unwrap();
        assert_eq!(
            sorted(found.iter().flat_map(|part| ids(part)).collect()),
            (0..40 * 32).collect::<Vec<_>>()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_an_input_reaches_every_output() {
    use datafusion::physical_plan::projection::ProjectionExec;
    // Fails where id is 1000: the division is by zero.
    let division: Arc<dyn PhysicalExpr> = Arc::new(datafusion::physical_expr::expressions::BinaryExpr::new(
        column(0),
        datafusion::logical_expr::Operator::Divide,
        Arc::new(datafusion::physical_expr::expressions::BinaryExpr::new(
            column(1),
            datafusion::logical_expr::Operator::Minus,
            Arc::new(datafusion::physical_expr::expressions::Literal::new(
                datafusion::common::ScalarValue::Int64(Some(1001)),
            )),
        )),
    ));
    let fails = ProjectionExec::try_new([(division, "k".to_owned())], table(2, 40, 0)).unwrap();
    let by = Partitioning::Hash(vec![Arc::new(Column::new("k", 0)) as _], 3);
    let planned = RepartitionExec::try_new(Arc::new(fails), by).unwrap();
    let ours = exchange(&planned);
    let context = context(1 << 30);
    for partition in 0..3 {
        let stream = ours.execute(partition, Arc::clone(&context)).unwrap();
        let error = ends(stream.try_collect::<Vec<_>>()).await.unwrap_err();
        assert!(error.to_string().contains("Divide by zero"), "{error}");
    }
}
