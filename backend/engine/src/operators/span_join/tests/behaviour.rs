//! Metrics, sorting, limits and errors of the operator.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use datafusion::prelude::{SessionConfig, SessionContext};

use super::super::{SpanComparison, SpanJoinExec, SpanJoinKind, SpanJoinSpec, SpanRelation};
use super::sweep::Random;
use super::{Row, context, ids, plan, source, spec};

/// One row per span, all of one file.
fn plain(spans: &[(i64, i64)]) -> Vec<Row> {
    let row = |(id, &(start, end))| Row {
        file: Some("a".to_owned()),
        unit: Some(0),
        start: Some(start),
        end: Some(end),
        rank: None,
        id,
    };
    (0..).zip(spans).map(row).collect()
}

fn exec(left: &[Row], right: &[Row], spec: SpanJoinSpec) -> SpanJoinExec {
    let mut random = Random(1);
    let left = source(&mut random, left, true, 1, 8192);
    let right = source(&mut random, right, false, 1, 8192);
    SpanJoinExec::try_new(left, right, spec).unwrap()
}

fn metric(plan: &Arc<dyn ExecutionPlan>, name: &str) -> usize {
    plan.metrics().unwrap().sum_by_name(name).map_or(0, |value| value.as_usize())
}

/// The join below whatever the optimizer put on top.
fn find_join(plan: &Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    if plan.is::<SpanJoinExec>() {
        return Arc::clone(plan);
    }
    find_join(plan.children()[0])
}

#[tokio::test]
async fn metrics_count_groups_fallbacks_pairs_and_inverted_spans() {
    let left = plain(&[(0, 9), (2, 5), (4, 8), (7, 1)]);
    let right = plain(&[(4, 5), (6, 3), (8, 2)]);
    let context = context(1, 8192);
    let plan =
        plan(&context, exec(&left, &right, spec(SpanRelation::Contains, 1, SpanJoinKind::Inner, false)));
    let batches = collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();
    assert_eq!(ids(&batches), [(0, 0), (1, 0), (2, 0)]);
    let join = find_join(&plan);
    assert_eq!(metric(&join, "groups"), 1);
    assert_eq!(metric(&join, "fallback_groups"), 1);
    assert_eq!(metric(&join, "pairs"), 3);
    assert_eq!(metric(&join, "inverted_spans"), 3);
    assert_eq!(join.metrics().unwrap().output_rows(), Some(3));
    assert!(metric(&join, "build_mem") > 0);
}

/// Few matches in each of many batches: they are gathered early and still come out in full batches.
#[tokio::test]
async fn a_selective_join_over_many_batches_fills_its_output_batches() {
    let context = context(1, 100);
    let mut random = Random(5);
    let spans: Vec<(i64, i64)> = (0..4_000).map(|start| (start, start + 1)).collect();
    let wanted: Vec<(i64, i64)> = (0..400).map(|n| (n * 10, n * 10 + 1)).collect();
    for relation in [SpanRelation::Equals, SpanRelation::Contains] {
        let left = source(&mut random, &plain(&spans), true, 1, 3);
        let right = source(&mut random, &plain(&wanted), false, 1, 3);
        let spec = spec(relation, 1, SpanJoinKind::Inner, false);
        let join = Arc::new(SpanJoinExec::try_new(left, right, spec).unwrap());
        let batches = collect(join, context.task_ctx()).await.unwrap();
        let sizes: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(sizes, [100; 4], "{relation}");
        assert_eq!(ids(&batches), (0..400).map(|n| (n * 10, n)).collect::<Vec<_>>(), "{relation}");
    }
}

/// The same input, said to be ordered by file, start and end descending.
fn declared(input: &Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    let columns = [("file", 0, false), ("start", 2, false), ("end", 3, true)];
    let order = columns.map(|(name, index, descending)| {
        let options = SortOptions { descending, nulls_first: descending };
        PhysicalSortExpr::new(Arc::new(Column::new(name, index)), options)
    });
    let source = input.downcast_ref::<DataSourceExec>().unwrap();
    let memory = source.data_source().downcast_ref::<MemorySourceConfig>().unwrap().clone();
    let sorted = memory.try_with_sort_information(vec![LexOrdering::new(order).unwrap()]).unwrap();
    DataSourceExec::from_data_source(sorted)
}

#[tokio::test]
async fn only_inputs_that_do_not_declare_the_order_are_sorted() {
    let spec = spec(SpanRelation::Contains, 1, SpanJoinKind::Inner, false);
    let unsorted = exec(&plain(&[(5, 9), (0, 9)]), &plain(&[(6, 7), (1, 2)]), spec.clone());
    let shown = |join: &SpanJoinExec| displayable(join).one_line().to_string();
    assert!(shown(&unsorted).contains("sort=[left, right]"), "{}", shown(&unsorted));
    let [left, right] = [unsorted.children()[0], unsorted.children()[1]];
    let half = SpanJoinExec::try_new(Arc::clone(left), declared(right), spec.clone()).unwrap();
    assert!(shown(&half).contains("sort=[left]"), "{}", shown(&half));
    let sorted = SpanJoinExec::try_new(declared(left), declared(right), spec).unwrap();
    assert!(!shown(&sorted).contains("sort="), "{}", shown(&sorted));
    let context = context(1, 8192);
    let batches = collect(Arc::new(unsorted), context.task_ctx()).await.unwrap();
    assert_eq!(ids(&batches), [(0, 0), (1, 0), (1, 1)]);
}

#[tokio::test]
async fn a_promised_order_that_does_not_hold_is_an_error() {
    let context = context(1, 8192);
    let spec = spec(SpanRelation::Within, 1, SpanJoinKind::Inner, false);
    let join = exec(&plain(&[(5, 9), (0, 9)]), &plain(&[(0, 9)]), spec.clone());
    let [left, right] = [declared(join.children()[0]), declared(join.children()[1])];
    let join = Arc::new(SpanJoinExec::try_new(left, right, spec).unwrap());
    let error = collect(join, context.task_ctx()).await.unwrap_err().to_string();
    assert!(error.contains("not sorted by its span"), "{error}");
}

/// Joins spans of one key within so many bytes of memory, in batches of 500 rows with memory of their own.
async fn within_memory(
    bytes: usize,
    left: &[(i64, i64)],
    right: &[(i64, i64)],
    spec: SpanJoinSpec,
) -> Result<usize> {
    let input = |spans: &[(i64, i64)], stored: bool| -> Arc<dyn ExecutionPlan> {
        let rows = plain(spans);
        let batches: Vec<RecordBatch> = rows.chunks(500).map(|rows| super::batch(rows, stored)).collect();
        let input: Arc<dyn ExecutionPlan> =
            MemorySourceConfig::try_new_exec(std::slice::from_ref(&batches), batches[0].schema(), None)
                .unwrap();
        declared(&input)
    };
    // Plain comparisons do not mix unsigned 64-bit bounds, which the right side has, with others.
    let mixed = spec.comparison == SpanComparison::HalfOpen;
    let (left, right) = (input(left, true), input(right, !mixed));
    let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(bytes));
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::clone(&pool)).build_arc().unwrap();
    let context = SessionContext::new_with_config_rt(SessionConfig::new().with_target_partitions(1), runtime);
    let join = Arc::new(SpanJoinExec::try_new(left, right, spec).unwrap());
    let result = collect(join, context.task_ctx()).await;
    assert_eq!(pool.reserved(), 0, "memory is given back");
    Ok(result?.iter().map(RecordBatch::num_rows).sum())
}

fn plain_comparisons(join: SpanJoinKind) -> SpanJoinSpec {
    let comparison = SpanComparison::Plain { strict: [false, false] };
    SpanJoinSpec { comparison, ..spec(SpanRelation::Contains, 1, join, false) }
}

/// One span around everything and 40,000 small ones: what is open at a position is small, the key is not.
#[tokio::test]
async fn one_large_key_is_joined_in_little_memory() {
    let small = (0..40_000).map(|start| (start, start + 1));
    let containers: Vec<(i64, i64)> = std::iter::once((0, 50_000)).chain(small.clone()).collect();
    let probes: Vec<(i64, i64)> = small.collect();
    let relation = |join| spec(SpanRelation::Contains, 1, join, false);
    for spec in [relation(SpanJoinKind::Inner), plain_comparisons(SpanJoinKind::Inner)] {
        let pairs = within_memory(400_000, &containers, &probes, spec).await.unwrap();
        assert_eq!(pairs, 80_000);
    }
    // Which containers have matched is known only when the key ends.
    let error = within_memory(400_000, &containers, &probes, relation(SpanJoinKind::LeftSemi)).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("must fit in memory together"), "{error}");
    // The containing side on the right: its rows owe nothing at the end.
    let within = SpanJoinSpec { relation: SpanRelation::Within, ..relation(SpanJoinKind::Left) };
    let rows = within_memory(400_000, &probes, &containers, within).await.unwrap();
    assert_eq!(rows, 80_000);
}

#[tokio::test]
async fn more_open_spans_than_memory_are_an_error_that_says_so() {
    let nested: Vec<(i64, i64)> = (0..20_000).map(|n| (n, 50_000 - n)).collect();
    let spec = spec(SpanRelation::Contains, 1, SpanJoinKind::Inner, false);
    let error = within_memory(400_000, &nested, &[(20_000, 20_001)], spec).await.unwrap_err().to_string();
    assert!(error.contains("open at one position must fit in memory"), "{error}");
}

/// An inverted span compares with rows that were let go: an error, not fewer rows.
#[tokio::test]
async fn an_inverted_span_after_rows_were_let_go_is_an_error() {
    let containers: Vec<(i64, i64)> = (0..20_000).map(|start| (start, start + 1)).collect();
    let probes = [(1, 2), (18_000, 18_001), (18_000, 5)];
    let join = || plain_comparisons(SpanJoinKind::Inner);
    let enough = within_memory(100_000_000, &containers, &probes, join()).await.unwrap();
    // Containers 4 to 18000 end at 5 or later and start at 18000 or before.
    assert_eq!(enough, 2 + 17_997);
    let error = within_memory(400_000, &containers, &probes, join()).await.unwrap_err().to_string();
    assert!(error.contains("let go because they do not fit in memory"), "{error}");
}

#[tokio::test]
async fn positions_beyond_i64_are_an_error() {
    let schema: SchemaRef = Arc::new(Schema::new(vec![
        Field::new("start", DataType::UInt64, false),
        Field::new("end", DataType::UInt64, false),
    ]));
    let column: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(&column), column]).unwrap();
    let input = MemorySourceConfig::try_new_exec(&[vec![batch]], schema, None).unwrap();
    let spec = SpanJoinSpec {
        relation: SpanRelation::Equals,
        comparison: SpanComparison::HalfOpen,
        on: Vec::new(),
        left_start: 0,
        left_end: 1,
        right_start: 0,
        right_end: 1,
        join: SpanJoinKind::Inner,
        innermost: false,
    };
    let input: Arc<dyn ExecutionPlan> = input;
    let join = Arc::new(SpanJoinExec::try_new(Arc::clone(&input), input, spec).unwrap());
    let error = collect(join, SessionContext::new().task_ctx()).await.unwrap_err().to_string();
    assert!(error.contains("18446744073709551615"), "{error}");
}

#[test]
fn wrong_specs_are_refused_by_name() {
    let table = plain(&[(0, 1)]);
    let good = spec(SpanRelation::Contains, 1, SpanJoinKind::Inner, false);
    let refused = |change: fn(&mut SpanJoinSpec)| -> String {
        let mut spec = good.clone();
        change(&mut spec);
        let mut random = Random(1);
        let left = source(&mut random, &table, true, 1, 9);
        let right = source(&mut random, &table, false, 1, 9);
        let result: Result<SpanJoinExec> = SpanJoinExec::try_new(left, right, spec);
        result.unwrap_err().to_string()
    };
    assert!(refused(|s| s.left_start = 0).contains("'file' is Utf8"));
    assert!(refused(|s| s.right_end = 77).contains("right input has no column 77"));
    assert!(refused(|s| s.on = vec![(0, 1)]).contains("differ in type"));
    assert!(refused(|s| (s.relation, s.innermost) = (SpanRelation::Overlaps, true)).contains("innermost"));
}
