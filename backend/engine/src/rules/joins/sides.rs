//! A physical rule: a join of joins makes its table of the side that is guessed to be smaller.
//!
//! DataFusion's `JoinSelection` has done so where its statistics tell the sizes. Above the first join they guess too few rows
//! ([`Cardinalities`]): each `LEFT JOIN` of a chain would take all rows that it widens into a table, instead of the few that
//! they are widened by, and hold or spill them.
//!
//! Where a table is made in one piece that DataFusion took for small, it stays so if making it takes no longer than dealing
//! both sides out to the cores would.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};

use crate::operators::{Cardinalities, Rows};

/// Bytes that a text, a list or another value of no fixed width takes, as a guess.
const BYTES_PER_VALUE: usize = 40;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct JoinSides;

type Plan = Arc<dyn ExecutionPlan>;

/// A side of a join: how many rows it has, and how many bytes they take.
#[derive(Clone, Copy)]
struct Side {
    rows: f64,
    bytes: f64,
}

impl PhysicalOptimizerRule for JoinSides {
    fn optimize(&self, plan: Plan, options: &ConfigOptions) -> Result<Plan> {
        let mut cardinalities = Cardinalities::default();
        plan.transform_up(|plan| {
            let Some(join) = plan.downcast_ref::<HashJoinExec>() else { return Ok(Transformed::no(plan)) };
            let (left, right) = (cardinalities.of(join.left())?, cardinalities.of(join.right())?);
            let (Some(left), Some(right)) = (left, right) else { return Ok(Transformed::no(plan)) };
            if !left.joined && !right.joined {
                return Ok(Transformed::no(plan));
            }
            let sides = [Side::of(left, &join.left().schema()), Side::of(right, &join.right().schema())];
            Ok(chosen(join, sides, options)?.map_or_else(|| Transformed::no(plan), Transformed::yes))
        })
        .data()
    }

    fn name(&self) -> &str {
        "join_sides"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

impl Side {
    fn of(rows: Rows, schema: &Schema) -> Self {
        let width = |kind: &DataType| kind.primitive_width().unwrap_or(BYTES_PER_VALUE);
        let bytes: usize = schema.fields().iter().map(|field| width(field.data_type())).sum();
        Self { rows: rows.rows, bytes: rows.rows * bytes as f64 }
    }
}

/// The join with other sides or in another mode, if these are better.
fn chosen(join: &HashJoinExec, [left, right]: [Side; 2], options: &ConfigOptions) -> Result<Option<Plan>> {
    let may_swap = options.optimizer.join_reordering && join.join_type().supports_swap() && !join.null_aware;
    let swaps = may_swap && left.bytes > right.bytes;
    let (build, probe) = if swaps { (right, left) } else { (left, right) };
    let mode = match join.partition_mode() {
        PartitionMode::CollectLeft if !join.null_aware && !is_made_at_once(build, probe, options) => {
            PartitionMode::Partitioned
        }
        mode => *mode,
    };
    Ok(if swaps {
        Some(join.swap_inputs(mode)?)
    } else if mode == *join.partition_mode() {
        None
    } else {
        Some(join.builder().with_partition_mode(mode).build_exec()?)
    })
}

/// Whether a table is made by one core: it is small, or the other cores would take longer to deal the rows of both sides out.
fn is_made_at_once(build: Side, probe: Side, options: &ConfigOptions) -> bool {
    let other_cores = options.execution.target_partitions.saturating_sub(2) as f64;
    build.bytes <= options.optimizer.hash_join_single_partition_threshold as f64
        || build.rows * other_cores <= probe.rows
}

#[cfg(test)]
mod tests {
    use datafusion::catalog::MemTable;
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::{Session, SessionOptions};

    /// What the joins of a query make their tables of, the uppermost join first.
    async fn build_sides(query: &str, target_partitions: usize) -> Vec<String> {
        let options = SessionOptions { target_partitions, ..SessionOptions::for_this_machine() };
        let context = SessionContext::new_with_state(Session::new(options).unwrap().state().clone());
        for (name, rows, keys) in
            [("orders", 90_000, 7), ("cities", 5_000, 11), ("people", 9_000, 5_000), ("countries", 10, 1)]
        {
            let table = format!(
                "SELECT value AS {name}_id, value % {keys} AS key, concat('text ', value::text) AS {name}_text \
                 FROM generate_series(1, {rows})"
            );
            let batches = context.sql(&table).await.unwrap().collect().await.unwrap();
            let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
            context.register_table(name, Arc::new(table)).unwrap();
        }
        let plan = context.sql(query).await.unwrap().create_physical_plan().await.unwrap();
        let mut sides = Vec::new();
        let mut open = vec![plan];
        while let Some(plan) = open.pop() {
            if plan.name() == "SpillingHashJoinExec" {
                let [build, _] = plan.children()[..] else { panic!("a join has two sides") };
                let columns = build.schema();
                let named = ["orders", "people", "cities", "countries"].into_iter();
                let named =
                    named.filter(|name| columns.fields().iter().any(|field| field.name().starts_with(name)));
                let mode = displayable(plan.as_ref()).one_line().to_string();
                let mode = if mode.contains("mode=CollectLeft") { "at once" } else { "in parts" };
                sides.push(format!("{}: {mode}", named.collect::<Vec<_>>().join(" ")));
            }
            open.extend(plan.children().into_iter().cloned());
        }
        sides
    }

    const WIDENED: &str = "SELECT * FROM orders o LEFT JOIN countries c ON c.countries_id = o.key \
                           LEFT JOIN people p ON p.people_id = o.orders_id LEFT JOIN cities t ON t.cities_id = o.orders_id";

    #[tokio::test]
    async fn a_chain_of_left_joins_makes_tables_of_what_it_adds() {
        let sides = build_sides(WIDENED, 2).await;
        assert_eq!(sides, ["cities: at once", "people: at once", "countries: at once"]);
    }

    #[tokio::test]
    async fn large_tables_are_made_in_parts_where_there_are_many_cores() {
        let large = "SELECT * FROM orders o JOIN countries c ON c.countries_id = o.key \
                     JOIN orders r ON r.orders_id = o.orders_id";
        assert_eq!(build_sides(large, 2).await, ["orders: at once", "countries: at once"]);
        assert_eq!(build_sides(large, 16).await, ["orders: in parts", "countries: at once"]);
        assert_eq!(build_sides(WIDENED, 8).await.last().map(String::as_str), Some("countries: at once"));
    }

    #[tokio::test]
    async fn what_filters_leave_of_a_side_is_left_of_the_join() {
        let joined = "SELECT * FROM orders o JOIN people p ON p.people_id = o.key AND p.people_id = 3 \
                      JOIN orders r ON r.orders_id = o.orders_id";
        assert_eq!(build_sides(joined, 2).await[0], "orders people: at once");
    }
}
