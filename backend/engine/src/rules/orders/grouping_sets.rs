//! A physical rule: what is known of a column is not known of a key that grouping sets leave out.
//!
//! ```text
//! AggregateExec: gby=[(NULL as g), (g@0 as g)]
//!   rows ordered by g, all with one value of g, or partitioned by g
//! ```
//!
//! `GROUP BY ROLLUP (g)` gives rows in which `g` is NULL: they are not where the order of `g` has them, they have another
//! value, and the partitions of the input tell nothing of them. DataFusion 55.2 carries all of that from the column over to
//! the key. An operator above then takes the rows as ordered and gives the same group twice, or a sort is left out. Here
//! the keys become expressions of their own, of which nothing is known.
//!
//! The rule runs before DataFusion's `EnsureRequirements`, which is the first to rely on orders and partitions.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, PhysicalGroupBy};

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct GroupingSets;

impl PhysicalOptimizerRule for GroupingSets {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let aggregation = plan.downcast_ref::<AggregateExec>();
            let Some(aggregation) = aggregation.filter(|plan| !plan.group_expr().is_single()) else {
                return Ok(Transformed::no(plan));
            };
            Ok(Transformed::yes(Arc::new(with_keys_of_their_own(aggregation)?)))
        })
        .data()
    }

    fn name(&self) -> &str {
        "grouping_sets"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn with_keys_of_their_own(aggregation: &AggregateExec) -> Result<AggregateExec> {
    let keys = aggregation.group_expr();
    let own = |(key, name): &(Arc<dyn PhysicalExpr>, String)| {
        let key: Arc<dyn PhysicalExpr> = Arc::new(GroupingKey(Arc::clone(key)));
        (key, name.clone())
    };
    let keys = PhysicalGroupBy::new(
        keys.expr().iter().map(own).collect(),
        keys.null_expr().to_vec(),
        keys.groups().to_vec(),
        keys.has_grouping_set(),
    );
    AggregateExec::try_new(
        *aggregation.mode(),
        keys,
        aggregation.aggr_expr().to_vec(),
        aggregation.filter_expr().to_vec(),
        Arc::clone(aggregation.input()),
        aggregation.input_schema(),
    )
}

/// The values of an expression in the grouping sets that have it.
#[derive(Debug, Eq)]
struct GroupingKey(Arc<dyn PhysicalExpr>);

// Derived, it would move the expression (rust-lang/rust#78808).
impl PartialEq for GroupingKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq(&other.0)
    }
}

impl Hash for GroupingKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Display for GroupingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl PhysicalExpr for GroupingKey {
    fn data_type(&self, input: &Schema) -> Result<DataType> {
        self.0.data_type(input)
    }

    fn nullable(&self, input: &Schema) -> Result<bool> {
        self.0.nullable(input)
    }

    fn return_field(&self, input: &Schema) -> Result<FieldRef> {
        self.0.return_field(input)
    }

    fn evaluate(&self, rows: &RecordBatch) -> Result<ColumnarValue> {
        self.0.evaluate(rows)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.0]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        match <[_; 1]>::try_from(children) {
            Ok([key]) => Ok(Arc::new(Self(key))),
            Err(_) => plan_err!("a grouping key has one expression"),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_sql(f)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::util::pretty::pretty_format_batches;
    use datafusion::catalog::MemTable;
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::{SessionContext, col};

    use crate::{Session, SessionOptions};

    /// 30,000 rows ordered by `k` in two partitions, as `ordered` and without the order as `plain`.
    const ROWS: &str = "SELECT value / 3 AS k, value % 10 AS g, value % 10 AS h, value AS v \
                        FROM generate_series(1, 30000) ORDER BY k";

    async fn context() -> SessionContext {
        let options = SessionOptions {
            target_partitions: 2,
            memory_limit_bytes: 256 << 20,
            ..SessionOptions::for_this_machine()
        };
        let context = SessionContext::new_with_state(Session::new(options).unwrap().state().clone());
        let rows = context.sql(ROWS).await.unwrap().collect().await.unwrap();
        let schema = rows[0].schema();
        let parts: Vec<_> = rows.chunks(rows.len().div_ceil(2)).map(<[_]>::to_vec).collect();
        let ordered = MemTable::try_new(Arc::clone(&schema), parts.clone()).unwrap();
        let ordered = ordered.with_sort_order(vec![vec![col("k").sort(true, false)]]);
        let plain = MemTable::try_new(schema, parts).unwrap();
        context.register_table("plain", Arc::new(plain)).unwrap();
        context.register_table("ordered", Arc::new(ordered)).unwrap();
        context
    }

    /// The plan and the rows, as texts.
    async fn run(context: &SessionContext, query: &str) -> (String, Vec<String>) {
        let plan = context.sql(query).await.unwrap().create_physical_plan().await.unwrap();
        let rows = datafusion::physical_plan::collect(Arc::clone(&plan), context.task_ctx());
        let rows = pretty_format_batches(&rows.await.unwrap()).unwrap().to_string();
        let rows = rows.lines().skip(3).filter(|line| line.starts_with('|')).map(str::to_owned);
        (displayable(plan.as_ref()).indent(false).to_string(), rows.collect())
    }

    /// A grouping set is an aggregation of its own: `GROUP BY ROLLUP (g, k)` is the union of three.
    const SETS: &str = "SELECT g, k, count(*) AS n FROM plain GROUP BY g, k \
                        UNION ALL SELECT g, NULL, count(*) FROM plain GROUP BY g \
                        UNION ALL SELECT NULL, NULL, count(*) FROM plain";

    #[tokio::test(flavor = "multi_thread")]
    async fn groups_of_an_ordered_input_come_once() {
        let context = context().await;
        let above = |rows: &str| format!("SELECT k, n, count(*) FROM ({rows}) GROUP BY k, n");
        let rollup = "SELECT g, k, count(*) AS n FROM ordered GROUP BY ROLLUP (g, k)";
        for (ours, judge) in [(rollup.to_owned(), SETS.to_owned()), (above(rollup), above(SETS))] {
            let (plan, mut rows) = run(&context, &ours).await;
            let (_, mut wanted) = run(&context, &judge).await;
            rows.sort();
            wanted.sort();
            assert_eq!(rows.len(), wanted.len(), "{plan}");
            assert!(rows == wanted, "{plan}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_value_of_a_column_is_not_the_only_one_of_a_key() {
        let context = context().await;
        let query = "SELECT g, h, count(*) FROM plain WHERE g = 3 AND h = g GROUP BY GROUPING SETS ((g), (h), ()) \
                     ORDER BY g NULLS LAST, h NULLS LAST";
        let (plan, rows) = run(&context, query).await;
        let wanted = ["| 3 |   | 3000     |", "|   | 3 | 3000     |", "|   |   | 3000     |"];
        assert_eq!(rows, wanted, "{plan}");
        // Without a sort, they may come in this order by chance.
        assert!(plan.contains("SortExec"), "{plan}");
    }
}
