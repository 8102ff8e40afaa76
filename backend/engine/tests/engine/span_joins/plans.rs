//! What span joins read, sort and spill.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::col;
use datafusion::prelude::SessionContext;
use engine::{Session, SessionOptions};

use super::{Random, physical, register, rows, session, table};

#[tokio::test(flavor = "multi_thread")]
async fn only_the_columns_that_are_used_are_read_and_returned() {
    let table = Arc::new(table(&mut Random(16), 20, 1, 20));
    let context = session(1, 20);
    register(&context, "a", &table);
    register(&context, "d", &table);
    let query =
        "SELECT count(*), sum(a.id), max(d.v) FROM a JOIN d ON a.f = d.f AND a.s <= d.s AND d.e <= a.e";
    let (plan, shown) = physical(&context, query).await;
    assert!(
        shown.contains("contains(s@2 <= s@2, e@3 <= e@3), sort=[left, right], projection=[id@0, v@5]"),
        "{shown}"
    );
    // The inputs: `g` is not read at all, `v` only on the right and `id` only on the left.
    let mut widths = Vec::new();
    let mut plans = vec![plan];
    while let Some(plan) = plans.pop() {
        if plan.name() == "SpanJoinExec" {
            widths.extend(plan.children().iter().map(|child| child.schema().fields().len()));
        }
        plans.extend(plan.children().into_iter().cloned());
    }
    assert_eq!(widths, [4, 4], "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_declare_the_order_are_not_sorted() {
    let table = table(&mut Random(17), 50, 1, 100);
    let context = session(1, 100);
    register(&context, "unsorted", &Arc::new(table));
    let sorted =
        context.sql("SELECT * FROM unsorted ORDER BY f, s, e DESC").await.unwrap().collect().await.unwrap();
    let order = vec![col("f").sort(true, false), col("s").sort(true, false), col("e").sort(false, true)];
    let sorted = MemTable::try_new(sorted[0].schema(), vec![sorted]).unwrap().with_sort_order(vec![order]);
    let sorted = Arc::new(sorted);
    register(&context, "a", &sorted);
    register(&context, "d", &sorted);
    let query = "SELECT a.id, d.id FROM a JOIN d ON a.f = d.f AND a.s <= d.s AND d.e <= a.e";
    let (_, plan) = physical(&context, query).await;
    assert!(plan.contains("SpanJoinExec") && !plan.contains("sort=") && !plan.contains("SortExec"), "{plan}");
    let unsorted = query.replace("FROM a JOIN d", "FROM unsorted a JOIN unsorted d");
    let (_, unsorted_plan) = physical(&context, &unsorted).await;
    assert!(unsorted_plan.contains("sort=[left, right]"), "{unsorted_plan}");
    assert_eq!(rows(&context, query).await, rows(&context, &unsorted).await);
}

/// Inputs larger than the memory limit, in an order far from the one needed.
#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_do_not_fit_in_memory_are_sorted_on_disk() {
    let count = 600_000_i64;
    let place = |n: i64| (n * 7_919) % count;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("f", Arc::new(Int64Array::from_iter_values((0..count).map(|n| place(n) / 1_000)))),
        ("s", Arc::new(Int64Array::from_iter_values((0..count).map(|n| place(n) % 1_000)))),
        ("e", Arc::new(Int64Array::from_iter_values((0..count).map(|n| place(n) % 1_000 + 1)))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let batches: Vec<RecordBatch> = (0..count as usize)
        .step_by(8_000)
        .map(|from| arrow::compute::concat_batches(&batch.schema(), [&batch.slice(from, 8_000)]).unwrap())
        .collect();
    let table = Arc::new(MemTable::try_new(batch.schema(), vec![batches]).unwrap());
    let options = SessionOptions {
        target_partitions: 1,
        memory_limit_bytes: 48 * 1024 * 1024,
        ..SessionOptions::for_this_machine()
    };
    let context = SessionContext::new_with_state(Session::new(options).unwrap().state().clone());
    register(&context, "a", &table);
    register(&context, "d", &table);
    let query = "SELECT a.f, a.s, d.s FROM a JOIN d ON a.f = d.f AND a.s <= d.s AND d.e <= a.e";
    let (plan, _) = physical(&context, query).await;
    let batches = datafusion::physical_plan::collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>() as i64, count);
    let mut plans = vec![plan];
    let mut spilled = 0;
    while let Some(plan) = plans.pop() {
        if plan.name() == "SpanJoinExec" {
            spilled += plan.metrics().unwrap().spilled_bytes().unwrap_or(0);
        }
        plans.extend(plan.children().into_iter().cloned());
    }
    assert!(spilled > 20_000_000, "{spilled} bytes were spilled");
}
