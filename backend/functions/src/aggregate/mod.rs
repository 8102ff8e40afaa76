//! Functions from many rows to one value.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use datafusion::logical_expr::AggregateUDF;

pub mod arg_extreme;
pub mod array_agg_sorted;
mod best_rows;
pub mod c3_linearize;
mod columns;
pub mod count_if;
mod grouped_rows;
pub mod instead;
mod key_order;
mod sorted_lists;

pub use columns::{for_each_buffer, held_bytes};
pub use grouped_rows::{GroupedRows, Place, RowSource, Selection};
pub use sorted_lists::SortedLists;

/// Every aggregate function, in alphabetical order of the names.
pub(crate) fn all() -> Vec<Arc<AggregateUDF>> {
    let new = [
        AggregateUDF::from(arg_extreme::ArgExtreme::max()),
        AggregateUDF::from(arg_extreme::ArgExtreme::min()),
        AggregateUDF::from(array_agg_sorted::ArrayAggSorted::new()),
        AggregateUDF::from(c3_linearize::C3Linearize::new()),
        AggregateUDF::from(count_if::CountIf::new()),
    ];
    let mut functions: Vec<_> = new.into_iter().chain(instead::all()).map(Arc::new).collect();
    functions.sort_by(|one, other| one.name().cmp(other.name()));
    functions
}

/// The rows a filter or condition lets through: true and not NULL.
fn passing(condition: &BooleanArray) -> BooleanBuffer {
    match condition.nulls() {
        Some(nulls) => condition.values() & nulls.inner(),
        None => condition.values().clone(),
    }
}

/// Which rows count, those that are not NULL and that pass the filter: all of them for `None`.
fn kept(nulls: Option<&NullBuffer>, filter: Option<&BooleanArray>) -> Option<NullBuffer> {
    let filter = filter.map(|filter| NullBuffer::new(passing(filter)));
    NullBuffer::union(nulls, filter.as_ref())
}
