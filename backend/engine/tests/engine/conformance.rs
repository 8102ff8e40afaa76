//! What this crate relies on, or works around, in DataFusion. A test that fails after an upgrade says which of
//! our decisions to look at again.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{LogicalPlan, Projection, Union, col};
use datafusion::physical_plan::displayable;
use datafusion::prelude::{SessionConfig, SessionContext};
use engine::Session;

use crate::lake::options;

fn context() -> SessionContext {
    let state = Session::new(options()).unwrap().state().clone();
    let context = SessionContext::new_with_state(state);
    let batch = arrow::array::RecordBatch::try_from_iter([(
        "a",
        Arc::new(arrow::array::Int64Array::from(vec![1, 2, 3])) as arrow::array::ArrayRef,
    )])
    .unwrap();
    context.register_batch("t", batch).unwrap();
    context
}

/// Why shared views are leaves: what is one `Arc` before optimization is two plans after it.
#[tokio::test]
async fn the_optimizer_does_not_keep_shared_subplans() {
    let context = context();
    let scan =
        context.sql("SELECT a + 1 AS a FROM t WHERE 1 = 1 AND a > 0").await.unwrap().into_unoptimized_plan();
    let shared = Arc::new(scan);
    let reader = || {
        Arc::new(LogicalPlan::Projection(Projection::try_new(vec![col("a")], Arc::clone(&shared)).unwrap()))
    };
    let plan = LogicalPlan::Union(Union::try_new(vec![reader(), reader()]).unwrap());
    let optimized = context.state().optimize(&plan).unwrap();
    let mut scans = Vec::new();
    optimized
        .apply(|node| {
            if let LogicalPlan::TableScan(_) = node {
                scans.push(std::ptr::from_ref(node));
            }
            Ok(TreeNodeRecursion::Continue)
        })
        .unwrap();
    assert_eq!(scans.len(), 2);
    assert_ne!(scans[0], scans[1]);
}

/// Why views are not CTEs.
#[tokio::test]
async fn a_cte_used_twice_is_planned_twice() {
    let context = context();
    let query =
        "WITH v AS (SELECT a, count(*) AS n FROM t GROUP BY a) SELECT * FROM v x JOIN v y ON x.a = y.a";
    let plan = context.sql(query).await.unwrap().create_physical_plan().await.unwrap();
    let text = displayable(plan.as_ref()).indent(false).to_string();
    assert_eq!(text.matches("mode=Partial").count() + text.matches("mode=Single").count(), 2, "{text}");
}

/// Why the session pushes functions into the builder's list after the defaults.
#[test]
fn the_builder_replaces_functions_set_after_the_defaults_and_overrides_those_set_before() {
    let ours = functions::scalar_functions();
    let replaced =
        SessionStateBuilder::new().with_default_features().with_scalar_functions(ours.clone()).build();
    assert!(!replaced.scalar_functions().contains_key("upper"));
    let pushed = Session::new(options()).unwrap();
    assert!(pushed.state().scalar_functions().contains_key("upper"));
    assert!(pushed.state().scalar_functions().contains_key("stable_hash64"));
}

/// Why expressions are coerced before a plan node is made of them.
#[tokio::test]
async fn case_has_another_type_before_coercion() {
    use datafusion::logical_expr::ExprSchemable as _;
    let context = context();
    let frame = context.table("t").await.unwrap();
    let schema = frame.schema();
    let expr = context.parse_sql_expr("CASE WHEN a > 1 THEN CAST(1 AS INT) ELSE a END", schema).unwrap();
    assert_eq!(expr.get_type(schema).unwrap(), arrow::datatypes::DataType::Int32);
    let plan =
        context.sql("SELECT CASE WHEN a > 1 THEN CAST(1 AS INT) ELSE a END AS c FROM t").await.unwrap();
    let optimized = plan.into_optimized_plan().unwrap();
    assert_eq!(optimized.schema().field(0).data_type(), &arrow::datatypes::DataType::Int64);
}

/// Why a run marks its start: otherwise functions of the current time fail or differ between segments.
#[tokio::test]
async fn the_current_time_is_fixed_when_the_state_is_marked() {
    let session = Session::new(options()).unwrap();
    let mut state = session.state().clone();
    state.mark_start_execution();
    let plan = state.create_logical_plan("SELECT now() AS n").await.unwrap();
    let (first, second) = (state.optimize(&plan).unwrap(), state.optimize(&plan).unwrap());
    let text = first.display_indent().to_string();
    assert_eq!(text, second.display_indent().to_string());
    assert!(!text.contains("now()  AS"), "{text}");
}

/// The wording the oracle recognises unknown functions by.
#[tokio::test]
async fn an_unknown_function_is_reported_by_name() {
    let error = context().sql("SELECT no_such_thing(a) FROM t").await.unwrap_err();
    assert!(error.strip_backtrace().contains("Invalid function 'no_such_thing'"), "{error}");
}

/// Why the session turns them off: they are on by default.
#[test]
fn dynamic_filters_are_on_by_default_and_off_here() {
    assert!(SessionConfig::new().options().optimizer.enable_dynamic_filter_pushdown);
    let session = Session::new(options()).unwrap();
    assert!(!session.state().config_options().optimizer.enable_join_dynamic_filter_pushdown);
    assert!(!session.state().config_options().optimizer.enable_dynamic_filter_pushdown);
    let described = session.describe();
    assert!(described.contains(&("target_partitions".to_owned(), "4".to_owned())));
    assert!(described.iter().any(|(key, value)| key == "datafusion.execution.time_zone" && value == "UTC"));
}

/// An aggregation without groups gives one row for no rows; with groups it gives none.
#[tokio::test]
async fn aggregates_of_nothing() {
    let context = context();
    let count = |query: &str| {
        let context = context.clone();
        let query = query.to_owned();
        async move {
            context
                .sql(&query)
                .await
                .unwrap()
                .collect()
                .await
                .unwrap()
                .iter()
                .map(|b| b.num_rows())
                .sum::<usize>()
        }
    };
    assert_eq!(count("SELECT count(*) FROM t WHERE a > 9").await, 1);
    assert_eq!(count("SELECT count(*) FROM t WHERE a > 9 GROUP BY a").await, 0);
}
