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

use std::sync::Arc;

use datafusion::common::{Result, internal_datafusion_err};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;

mod build_sides;
mod comparisons;
mod filters;
pub(crate) mod guarded;
mod list_aggregates;
mod orders;
mod projections;
mod span_joins;
mod spilling;

pub(crate) use filters::FiltersOfGroups;
pub(crate) use projections::{MergedProjections, UnusedColumns};
pub(crate) use span_joins::SpanJoins;
pub(crate) use spilling::{fewer_sorts, merged, ordered_across_partitions};

use crate::operators::RowWidths;
use build_sides::BuildSides;
use filters::FiltersByName;
use guarded::GuardedConditions;
use list_aggregates::{ListsOfStoredRows, SingleStepLists};
use orders::{EqualZeros, FirstRows, GroupingSets, LostOrders, OuterJoins, SkippedRows};
use spilling::SpillingOperators;

/// A rule of the physical optimizer.
type PhysicalRule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// DataFusion's rule that deals out and sorts rows as operators need them.
const ENSURE_REQUIREMENTS: &str = "EnsureRequirements";
/// How the names of DataFusion's rules begin that push filters down.
const FILTER_PUSHDOWN: &str = "FilterPushdown";
/// DataFusion's rule that tells operators how many rows are enough.
const LIMIT_PUSHDOWN: &str = "LimitPushdown";
/// DataFusion's rule that refuses plans in which operators do not get what they need.
const SANITY_CHECK: &str = "SanityCheckPlan";

/// The memory that a session may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemorySizes {
    /// All of it, in bytes.
    pub(crate) session_bytes: usize,
    /// That of a partition if only one operator runs at a time, in bytes.
    pub(crate) partition_bytes: usize,
}

/// The rules of the physical optimizer: DataFusion's in their order, and ours. Those of a segment hand its operators what
/// they find of the width of its rows.
///
/// # Errors
/// When DataFusion lacks a rule beside which one of ours belongs.
pub(crate) fn physical_rules(
    memory: MemorySizes,
    widths: Option<&Arc<RowWidths>>,
) -> Result<Vec<PhysicalRule>> {
    let mut rules = PhysicalOptimizer::new().rules;
    let place = |rules: &[PhysicalRule], name: &str| {
        let place = rules.iter().position(|rule| rule.name() == name);
        place.ok_or_else(|| internal_datafusion_err!("DataFusion has no rule `{name}`"))
    };
    for rule in rules.iter_mut().filter(|rule| rule.name().starts_with(FILTER_PUSHDOWN)) {
        *rule = Arc::new(FiltersByName(Arc::clone(rule)));
    }
    let requirements = place(&rules, ENSURE_REQUIREMENTS)?;
    rules.insert(requirements, Arc::new(GroupingSets));
    rules.insert(requirements + 1, Arc::new(SingleStepLists));
    rules.insert(requirements + 2, Arc::new(OuterJoins));
    rules.insert(requirements + 3, Arc::new(SkippedRows));
    rules.insert(requirements + 4, Arc::new(EqualZeros));
    rules.insert(place(&rules, LIMIT_PUSHDOWN)? + 1, Arc::new(FirstRows));
    rules.insert(place(&rules, SANITY_CHECK)?, Arc::new(LostOrders));
    rules.push(Arc::new(GuardedConditions));
    rules.push(Arc::new(BuildSides));
    rules.push(Arc::new(ListsOfStoredRows { memory_bytes: memory.session_bytes }));
    let (partition_bytes, widths) = (memory.partition_bytes, widths.cloned());
    rules.push(Arc::new(SpillingOperators { partition_bytes, widths }));
    Ok(rules)
}
