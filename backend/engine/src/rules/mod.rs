//! Rules added to DataFusion's own, which all stay.
//!
//! | rule | kind | what |
//! |---|---|---|
//! | [`SpanJoins`] | logical | joins whose condition compares spans become [`SpanJoinNode`](crate::operators::SpanJoinNode)s |
//! | [`FiltersOfGroups`] | logical | DataFusion moves no filter below an aggregation that gives a row for no rows |
//! | [`MergedProjections`] | logical | a projection of a view that is a projection becomes one |
//! | [`UnusedColumns`] | logical | DataFusion looks for columns to leave out where there may be some |
//! | [`GroupingSets`] | physical | what is known of a column is not known of a key that grouping sets leave out |
//! | [`SingleStepLists`] | physical | aggregations that build lists take one step |
//! | [`ListsOfStoredRows`] | physical | aggregations that build lists of a shared view in memory group the places of rows |
//! | [`OuterJoins`] | physical | a constant of one side of an outer join is none of the rows of the join |
//! | [`SkippedRows`] | physical | no sort is moved below an OFFSET |
//! | [`FiltersByName`] | physical | DataFusion's pushdown of filters does not run where it could take one column for another |
//! | [`LostOrders`] | physical | an order that the input of an operator has lost is made again |
//! | [`GuardedConditions`] | physical | conditions that can fail are computed for the rows that other conditions let through |
//! | [`BuildSides`] | physical | the build sides of nested loop joins can be read again |
//! | [`SpillingOperators`] | physical | exchanges and hash joins are ours, which spill |

#![expect(clippy::wildcard_enum_match_arm, reason = "plans of DataFusion, of which few nodes are meant")]

mod build_sides;
mod comparisons;
mod filters;
pub(crate) mod guarded;
mod list_aggregates;
mod orders;
mod projections;
mod span_joins;
mod spilling;

pub(crate) use build_sides::BuildSides;
pub(crate) use filters::{FiltersByName, FiltersOfGroups};
pub(crate) use guarded::GuardedConditions;
pub(crate) use list_aggregates::{ListsOfStoredRows, SingleStepLists};
pub(crate) use orders::{EqualZeros, FirstRows, GroupingSets, LostOrders, OuterJoins, SkippedRows};
pub(crate) use projections::{MergedProjections, UnusedColumns};
pub(crate) use span_joins::SpanJoins;
pub(crate) use spilling::{SpillingOperators, fewer_sorts, merged, ordered_across_partitions};
