//! Groups that lie together, and groups that come back.

use std::collections::HashMap;

use arrow::array::{ArrayRef, AsArray as _, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::physical_expr::aggregate::AggregateExprBuilder;
use datafusion::physical_expr::expressions::col;
use datafusion::physical_plan::aggregates::PhysicalGroupBy;
use datafusion::prelude::SessionConfig;

use super::super::leaf::once;
use super::super::spill::in_memory;
use super::*;

const ROWS: i64 = 1_200_000;

/// The groups that leave the aggregation of rows with these keys, each as often as it does, and the sums by key.
async fn aggregated(key: impl Fn(i64) -> i64) -> (usize, HashMap<i64, i64>) {
    // Not a multiple of the rows of a group: some groups are cut.
    let batch = |from: i64| {
        let rows = from..(from + 8190).min(ROWS);
        let keys: ArrayRef = Arc::new(rows.clone().map(&key).collect::<Int64Array>());
        let values: ArrayRef = Arc::new(rows.collect::<Int64Array>());
        RecordBatch::try_from_iter([("key", keys), ("value", values)]).unwrap()
    };
    let batches: Vec<RecordBatch> = (0..ROWS).step_by(8190).map(batch).collect();
    let schema = batches[0].schema();
    let keys = PhysicalGroupBy::new_single(vec![(col("key", &schema).unwrap(), "key".to_owned())]);
    let sum = AggregateExprBuilder::new(sum_udaf(), vec![col("value", &schema).unwrap()]);
    let sum = Arc::new(sum.schema(Arc::clone(&schema)).alias("sum").build().unwrap());
    let input = once(in_memory(Arc::clone(&schema), batches));
    let planned =
        AggregateExec::try_new(AggregateMode::Partial, keys, vec![sum], vec![None], input, schema).unwrap();
    let bounded = BoundedAggregateExec::for_aggregation(&planned).unwrap();
    let context = TaskContext::default().with_session_config(SessionConfig::new());
    let groups: Vec<RecordBatch> =
        bounded.execute(0, Arc::new(context)).unwrap().try_collect().await.unwrap();
    let mut sums: HashMap<i64, i64> = HashMap::new();
    for batch in &groups {
        let (keys, values) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1));
        for (key, value) in keys.values().iter().zip(values.as_primitive::<Int64Type>().values()) {
            *sums.entry(*key).or_default() += value;
        }
    }
    let counted = bounded.metrics().unwrap().output_rows();
    let rows = groups.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(counted, Some(rows));
    (rows, sums)
}

fn expected(key: impl Fn(i64) -> i64) -> HashMap<i64, i64> {
    let mut sums = HashMap::new();
    (0..ROWS).for_each(|row| *sums.entry(key(row)).or_default() += row);
    sums
}

#[tokio::test]
async fn groups_that_lie_together_leave_early() {
    let key = |row: i64| row / 4;
    let (groups, sums) = aggregated(key).await;
    assert_eq!(sums, expected(key));
    assert!(groups > sums.len() && groups < sums.len() + sums.len() / 100, "{groups} of {}", sums.len());
}

#[tokio::test]
async fn groups_that_come_back_are_kept() {
    let key = |row: i64| row / 2 * 7919 % 100_000;
    let (groups, sums) = aggregated(key).await;
    assert_eq!(sums, expected(key));
    // Without a limit 100,000 groups leave; with it all the time six times as many.
    assert!(groups > sums.len() && groups < 4 * sums.len(), "{groups} of {}", sums.len());
}
