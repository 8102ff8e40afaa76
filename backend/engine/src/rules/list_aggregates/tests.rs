//! Ordered lists: that the session's own operator makes the same ones as DataFusion's aggregation, with enough memory
//! and without.

use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::MemTable;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{self, Extension, LogicalPlan};
use datafusion::physical_expr;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext, col};

use crate::operators::leaf::{ViewReader, ViewReaderNode};
use crate::operators::{EnginePlanner, RunStores, SharedStore};
use crate::{Session, SessionOptions};

fn options() -> SessionOptions {
    SessionOptions {
        target_partitions: 4,
        memory_limit_bytes: 256 << 20,
        ..SessionOptions::for_this_machine()
    }
}

/// 60,000 rows in 20,000 groups of one to a few hundred rows, with ties in the keys and NULL in everything.
const ROWS: &str = "SELECT CASE WHEN value % 110 = 0 THEN NULL WHEN value % 40 = 0 THEN value % 3 ELSE value % 20000 END AS g, \
                    arrow_cast(CASE WHEN value % 7 > 0 THEN concat('a text longer than twelve bytes ', value % 5) END, 'Utf8View') AS k, \
                    CASE WHEN value % 13 > 0 THEN value % 100 END AS v, value AS id \
                    FROM generate_series(1, 60000)";
/// One list by a text and one by a number, of a struct and of a number; most keys are equal.
const LISTS: &str = "SELECT g, array_agg_sorted(named_struct('v', v, 'id', id), k, v) AS a, array_agg_sorted(v, id % 3) AS b \
                     FROM t GROUP BY g";

async fn context(options: SessionOptions) -> SessionContext {
    let context = SessionContext::new_with_state(Session::new(options).unwrap().state().clone());
    table(&context).await;
    context
}

async fn table(context: &SessionContext) {
    let rows = context.sql(ROWS).await.unwrap().cache().await.unwrap();
    context.register_table("t", rows.into_view()).unwrap();
}

async fn plan_of(context: &SessionContext, query: &str) -> Arc<dyn ExecutionPlan> {
    context.sql(query).await.unwrap().create_physical_plan().await.unwrap()
}

fn text(plan: &Arc<dyn ExecutionPlan>) -> String {
    displayable(plan.as_ref()).indent(false).to_string()
}

/// How many files the aggregation that makes lists has written.
fn spills_of_lists(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let mut lists = plan;
    while lists.name() != "ListAggregateExec" {
        lists = lists.children()[0];
    }
    lists.metrics().unwrap().spill_count().unwrap_or(0)
}

/// The rows as text, in order.
async fn rows(context: &SessionContext, plan: Arc<dyn ExecutionPlan>) -> Vec<String> {
    let batches = collect(plan, context.task_ctx()).await.unwrap();
    assert!(batches.iter().all(|batch| batch.num_rows() <= context.task_ctx().session_config().batch_size()));
    let format = FormatOptions::default().with_null("NULL");
    let mut lines = Vec::new();
    for batch in &batches {
        let columns = batch.columns().iter();
        let columns: Vec<_> =
            columns.map(|column| ArrayFormatter::try_new(column.as_ref(), &format).unwrap()).collect();
        for row in 0..batch.num_rows() {
            lines.push(columns.iter().map(|column| format!("{}|", column.value(row))).collect::<String>());
        }
    }
    lines.sort();
    lines
}

/// What DataFusion's own operators make of the same query.
async fn wanted() -> Vec<String> {
    let reference = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    functions::register(&mut *reference.state_ref().write()).unwrap();
    table(&reference).await;
    let plan = plan_of(&reference, LISTS).await;
    assert!(!text(&plan).contains("ListAggregateExec"), "{}", text(&plan));
    rows(&reference, plan).await
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_the_same_in_any_number_of_partitions_and_batches() {
    let wanted = wanted().await;
    for (target_partitions, batch_size) in [(1, 8192), (4, 8192), (3, 100)] {
        let context = context(SessionOptions { target_partitions, batch_size, ..options() }).await;
        let plan = plan_of(&context, LISTS).await;
        assert_eq!(text(&plan).matches("ListAggregateExec: gby=[g@0]").count(), 1, "{}", text(&plan));
        assert!(!text(&plan).contains(" AggregateExec"), "{}", text(&plan));
        assert!(rows(&context, Arc::clone(&plan)).await == wanted, "{target_partitions} partitions");
        assert_eq!(plan.metrics().unwrap().spill_count().unwrap_or(0), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_enough_memory_the_general_aggregation_takes_over_and_spills() {
    let wanted = wanted().await;
    // The rows are a few megabytes; the table they come from is not accounted.
    let options =
        SessionOptions { target_partitions: 2, batch_size: 500, memory_limit_bytes: 4 << 20, ..options() };
    let context = context(options).await;
    let plan = plan_of(&context, LISTS).await;
    assert!(rows(&context, Arc::clone(&plan)).await == wanted);
    assert!(spills_of_lists(&plan) > 0);
    assert_eq!(context.runtime_env().memory_pool.reserved(), 0);
}

/// The query over the rows of `t` as those of a shared view, in so many partitions or, for none, as they are.
async fn over_a_shared_view(
    context: &SessionContext,
    partitions: usize,
    query: &str,
) -> Arc<dyn ExecutionPlan> {
    let rows = context.table("t").await.unwrap();
    let rows = rows.repartition(logical_expr::Partitioning::RoundRobinBatch(partitions)).unwrap();
    over_the_rows_of(context, rows.create_physical_plan().await.unwrap(), query).await
}

/// The query over the rows of a plan of `t` as those of a shared view.
async fn over_the_rows_of(
    context: &SessionContext,
    plan: Arc<dyn ExecutionPlan>,
    query: &str,
) -> Arc<dyn ExecutionPlan> {
    let stores = Arc::new(RunStores::new(None));
    let planner = EnginePlanner::of_segment(Some(Arc::clone(&stores)));
    let state = SessionStateBuilder::new_from_existing(context.state());
    let state = state.with_query_planner(Arc::new(planner)).build();
    let definition = Arc::new(context.table("t").await.unwrap().logical_plan().clone());
    let schema = plan.schema();
    let store = SharedStore::filled("shared", schema, plan, context.task_ctx()).await.unwrap();
    stores.insert("shared", store);
    let node = Arc::new(ViewReaderNode::try_new(ViewReader::Shared, "shared", definition).unwrap());
    let reader = LogicalPlan::Extension(Extension { node });
    let reading = SessionContext::new_with_state(state);
    reading.deregister_table("t2").unwrap();
    reading.register_table("t2", DataFrame::new(reading.state(), reader).into_view()).unwrap();
    plan_of(&reading, &query.replace("FROM t", "FROM t2")).await
}

/// Keys, values and lists that are columns, computed ones and constants; texts that the store packs.
#[tokio::test(flavor = "multi_thread")]
async fn lists_of_a_shared_view_in_memory_are_made_of_the_places_of_its_rows() {
    let computed = "SELECT n AS g, array_agg_sorted(named_struct('k', k, 'one', 1), k, id) AS a, \
                    array_agg_sorted(k, v + 1, id) AS b FROM (SELECT g + 1 AS n, k, v, id FROM t) GROUP BY n";
    for (target_partitions, batch_size) in [(1, 8192), (4, 8192), (3, 100)] {
        let context = context(SessionOptions { target_partitions, batch_size, ..options() }).await;
        for (partitions, query) in [(1, LISTS), (3, LISTS), (3, computed)] {
            let wanted = rows(&context, plan_of(&context, query).await).await;
            let plan = over_a_shared_view(&context, partitions, query).await;
            assert!(text(&plan).contains("over places of stored rows"), "{}", text(&plan));
            assert!(text(&plan).contains("StoredPlacesExec: shared"), "{}", text(&plan));
            assert!(rows(&context, plan).await == wanted, "{target_partitions} partitions, {query}");
        }
    }
}

/// A view that is partitioned by the keys is read as it lies.
#[tokio::test(flavor = "multi_thread")]
async fn places_of_a_view_that_is_partitioned_by_the_keys_are_not_dealt_out() {
    let context = context(options()).await;
    let wanted = rows(&context, plan_of(&context, LISTS).await).await;
    let rows_of_t = context.table("t").await.unwrap().create_physical_plan().await.unwrap();
    let key = physical_expr::expressions::col("g", &rows_of_t.schema()).unwrap();
    // A plan that ends with it loses it when DataFusion plans it.
    let dealt = RepartitionExec::try_new(rows_of_t, physical_expr::Partitioning::Hash(vec![key], 4)).unwrap();
    let plan = over_the_rows_of(&context, Arc::new(dealt), LISTS).await;
    let shown = text(&plan);
    assert!(shown.contains("over places of stored rows") && !shown.contains("ExchangeExec"), "{shown}");
    assert!(rows(&context, plan).await == wanted);
}

/// Groups of a view that is ordered by one of the keys come in its order, and a sort above is left out.
#[tokio::test(flavor = "multi_thread")]
async fn groups_of_a_shared_view_that_is_ordered_by_some_keys_stay_in_order() {
    let query = "SELECT v, g, array_agg_sorted(id, id) AS ids FROM t GROUP BY v, g";
    for target_partitions in [1, 4] {
        let context = context(SessionOptions { target_partitions, batch_size: 500, ..options() }).await;
        let wanted = rows(&context, plan_of(&context, query).await).await;
        let ordered = context.table("t").await.unwrap();
        let ordered = ordered.sort(vec![col("v").sort(true, true)]).unwrap().cache().await.unwrap();
        let batches = ordered.collect().await.unwrap();
        let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
        let table = table.with_sort_order(vec![vec![col("v").sort(true, true)]]);
        context.deregister_table("t").unwrap();
        context.register_table("t", Arc::new(table)).unwrap();
        let plan =
            over_a_shared_view(&context, 0, &format!("SELECT * FROM ({query}) ORDER BY v NULLS FIRST")).await;
        let shown = text(&plan);
        assert!(shown.contains("over places of stored rows"), "{shown}");
        assert_eq!(shown.contains("SortExec"), target_partitions > 1, "{shown}");
        let batches = collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();
        let values = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter());
        assert!(values.is_sorted(), "{target_partitions}");
        let again = over_a_shared_view(&context, 0, query).await;
        assert!(rows(&context, again).await == wanted, "{target_partitions}");
    }
}

/// Whoever plans around a planned part asks for its statistics. The key is the last of four columns; places have two.
#[tokio::test(flavor = "multi_thread")]
async fn statistics_are_those_of_the_rows_and_not_of_their_places() {
    let context = context(options()).await;
    let query = "SELECT id, array_agg_sorted(v, g) AS vs FROM t GROUP BY id";
    let plan = over_a_shared_view(&context, 3, query).await;
    assert!(text(&plan).contains("over places of stored rows"), "{}", text(&plan));
    let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new()).unwrap();
    assert_eq!(statistics.column_statistics.len(), 2);
    assert!(statistics.num_rows.get_value().is_some(), "{statistics}");
}

/// The view stays in memory meanwhile, and the rest is too little for the groups: the general aggregation gets the rows.
#[tokio::test(flavor = "multi_thread")]
async fn without_memory_for_the_places_the_general_aggregation_gets_their_rows() {
    let more = async |context: &SessionContext| {
        let copies = format!("{} ORDER BY id", ["SELECT * FROM t"; 5].join(" UNION ALL "));
        let rows = context.sql(&copies).await.unwrap().cache().await.unwrap();
        context.deregister_table("t").unwrap();
        context.register_table("t", rows.into_view()).unwrap();
    };
    let enough = context(options()).await;
    more(&enough).await;
    let wanted = rows(&enough, plan_of(&enough, LISTS).await).await;
    let options =
        SessionOptions { target_partitions: 1, batch_size: 500, memory_limit_bytes: 12 << 20, ..options() };
    let context = context(options).await;
    more(&context).await;
    let plan = over_a_shared_view(&context, 1, LISTS).await;
    assert!(text(&plan).contains("over places of stored rows"), "{}", text(&plan));
    assert!(rows(&context, Arc::clone(&plan)).await == wanted);
    assert!(spills_of_lists(&plan) > 0);
    drop(plan);
    assert_eq!(context.runtime_env().memory_pool.reserved(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_other_rows_hold_the_rows() {
    let context = context(options()).await;
    for query in [
        "SELECT n, array_agg_sorted(v, id) FROM (SELECT g + random() AS n, v, id FROM t) GROUP BY n",
        "SELECT g, array_agg_sorted(v, random()) FROM t GROUP BY g",
        "SELECT g, array_agg_sorted(v, id) FROM t WHERE id > 3 GROUP BY g",
    ] {
        let plan = text(&over_a_shared_view(&context, 3, query).await);
        assert!(plan.contains("ListAggregateExec") && !plan.contains("stored rows"), "{query}\n{plan}");
    }
    let context = self::context(SessionOptions { memory_limit_bytes: 1 << 20, ..options() }).await;
    let plan = text(&over_a_shared_view(&context, 3, LISTS).await);
    assert!(!plan.contains("stored rows"), "a view larger than the memory: {plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_aggregates_and_filters_stay_with_the_general_aggregation() {
    let context = context(options()).await;
    for query in [
        "SELECT g, array_agg_sorted(v, id), count(*) FROM t GROUP BY g",
        "SELECT g, array_agg_sorted(v, id) FILTER (WHERE v > 3) FROM t GROUP BY g",
        "SELECT array_agg_sorted(v, id) FROM t",
        "SELECT g, array_agg_sorted(v, id) FROM t GROUP BY GROUPING SETS ((g), ())",
    ] {
        let plan = text(&plan_of(&context, query).await);
        assert!(plan.contains("AggregateExec") && !plan.contains("ListAggregateExec"), "{query}\n{plan}");
    }
}

/// The rows of a table that says it is ordered by the key of the groups.
async fn ordered_table(context: &SessionContext, partitions: usize) {
    let rows = context.sql("SELECT g, v, id FROM t WHERE g IS NOT NULL ORDER BY g").await.unwrap();
    let batches = rows.collect().await.unwrap();
    let mut dealt = vec![Vec::new(); partitions];
    for (position, batch) in batches.into_iter().enumerate() {
        dealt[position % partitions].push(batch);
    }
    let schema = dealt[0][0].schema();
    let table = MemTable::try_new(schema, dealt).unwrap();
    let table = table.with_sort_order(vec![vec![col("g").sort(true, false)]]);
    context.register_table("ordered", Arc::new(table)).unwrap();
}

/// An aggregation of ordered rows gives ordered groups, and a sort above it goes. The single step must not break that.
#[tokio::test(flavor = "multi_thread")]
async fn groups_of_ordered_rows_stay_in_order() {
    let lists = "SELECT g, array_agg_sorted(v, id) AS a FROM ordered GROUP BY g";
    for (target_partitions, partitions) in [(1, 1), (4, 1), (4, 3)] {
        let context = context(SessionOptions { target_partitions, batch_size: 500, ..options() }).await;
        ordered_table(&context, partitions).await;
        let case = format!("{target_partitions} of {partitions}");
        let query = format!("SELECT g, row_number() OVER (ORDER BY g) AS n FROM ({lists}) ORDER BY g");
        let batches = collect(plan_of(&context, &query).await, context.task_ctx()).await.unwrap();
        let mut last = (i64::MIN, 0);
        for batch in &batches {
            let columns = [batch.column(0), batch.column(1)].map(|column| column.as_primitive::<Int64Type>());
            for row in 0..batch.num_rows() {
                let next = (columns[0].value(row), columns[1].value(row));
                assert!(next.0 > last.0 && next.1 == last.1 + 1, "{case}: {next:?} after {last:?}");
                last = next;
            }
        }
        assert!(last.1 > 10_000, "{case}: {last:?}");
        let limited = format!(
            "SELECT count(*) AS n FROM (SELECT g FROM ({lists}) ORDER BY g LIMIT 100) WHERE g <= {}",
            first(&context).await
        );
        let counted = rows(&context, plan_of(&context, &limited).await).await;
        assert_eq!(counted, ["100|"], "{case}");
    }
}

/// The hundredth key.
async fn first(context: &SessionContext) -> i64 {
    let query = "SELECT max(g) AS g FROM (SELECT DISTINCT g FROM t WHERE g IS NOT NULL ORDER BY g LIMIT 100)";
    let batches = context.sql(query).await.unwrap().collect().await.unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}
