//! Functions from many rows to one value.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray};
use arrow::buffer::BooleanBuffer;
use datafusion::logical_expr::AggregateUDF;

pub mod arg_extreme;
pub mod array_agg_sorted;
mod best_rows;
pub mod checked_sum;
mod columns;
pub mod count_if;
mod grouped_rows;
mod key_order;
mod sorted_lists;

pub use grouped_rows::GroupedRows;
pub use sorted_lists::SortedLists;

/// Every aggregate function, in alphabetical order of the names.
pub(crate) fn all() -> Vec<Arc<AggregateUDF>> {
    [
        AggregateUDF::from(arg_extreme::ArgExtreme::max()),
        AggregateUDF::from(arg_extreme::ArgExtreme::min()),
        AggregateUDF::from(array_agg_sorted::ArrayAggSorted::new()),
        AggregateUDF::from(count_if::CountIf::new()),
        AggregateUDF::from(checked_sum::CheckedSum::new()),
    ]
    .map(Arc::new)
    .to_vec()
}

/// The rows a filter or condition lets through: true and not NULL.
fn passing(condition: &BooleanArray) -> BooleanBuffer {
    match condition.nulls() {
        Some(nulls) => condition.values() & nulls.inner(),
        None => condition.values().clone(),
    }
}
