//! Rules added to DataFusion's own, which all stay.
//!
//! | logical rule | what |
//! |---|---|
//! | [`SpanJoins`] | joins whose condition compares spans become [`SpanJoinNode`](crate::operators::SpanJoinNode)s |
//! | [`FiltersOfGroups`] | DataFusion moves no filter below an aggregation that gives a row for no rows |
//! | [`MergedProjections`] | a projection of a view that is a projection becomes one |
//! | [`UnusedColumns`] | DataFusion looks for columns to leave out where there may be some |
//!
//! DataFusion's `EnsureRequirements` gives operators the partitions and the order that they need. What decides which operators
//! run, or what is known of their rows, comes before it. What comes after it has a reason, and comes before DataFusion's
//! `SanityCheckPlan`: the last rule judges the plan that runs.
//!
//! | physical rule | what | if it comes after `EnsureRequirements`, why |
//! |---|---|---|
//! | [`FiltersByName`] | DataFusion's pushdown of filters does not run where it could take one column for another | where DataFusion's is, twice |
//! | [`GroupingSets`] | what is known of a column is not known of a key that grouping sets leave out | |
//! | [`SingleStepLists`] | aggregations that build lists take one step | |
//! | [`OuterJoins`] | a constant of one side of an outer join is none of the rows of the join | |
//! | [`JoinSides`] | a join of joins makes its table of the side that is guessed to be smaller | |
//! | [`Recursions`] | a join in a recursion makes its table of the side that is the same in each iteration | |
//! | [`SkippedRows`] | no sort is moved below an OFFSET | |
//! | [`EqualZeros`] | a column that equals zero is not zero in every expression | |
//! | [`FirstRows`] | a sort that keeps the first rows compares all that the merge above it compares | it changes sorts and merges that were made there, once `LimitPushdown` has told how many rows to keep |
//! | [`LostOrders`] | an order that the input of an operator has lost is made again | it makes good what is lost there |
//! | [`GuardedConditions`] | conditions that can fail are computed for the rows that other conditions let through | what a condition says of constants and orders could not be read off a `CASE`, and later rules of DataFusion put conditions together |
//! | [`BuildSides`] | the build sides of nested loop joins can be read again | all of a build side begins anew, with the exchanges and sorts that were put above it there |
//! | [`ListsOfStoredRows`] | aggregations that build lists of a shared view in memory group the places of rows | it takes the exchanges that were made there for exchanges of places, and looks which orders the aggregation got |
//! | [`SpillingOperators`] | operators that cannot spill run as ours, which do | it replaces exchanges, sorts and merges that were made there, and operators that DataFusion's rules look for |
//! | [`YieldingJoins`] | joins that pair rows without keys can be stopped | as DataFusion's own `EnsureCooperative`; rules before it look for joins |

#![expect(clippy::wildcard_enum_match_arm, reason = "plans of DataFusion, of which few nodes are meant")]

use std::sync::Arc;

use datafusion::common::{Result, internal_datafusion_err};
use datafusion::optimizer::{Optimizer, OptimizerRule};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;

mod build_sides;
mod comparisons;
mod filters;
pub(crate) mod guarded;
mod joins;
mod list_aggregates;
mod orders;
mod projections;
mod span_joins;
mod spilling;
mod yielding;

pub(crate) use spilling::{fewer_sorts, merged, ordered_across_partitions};

use crate::operators::RowWidths;
use build_sides::BuildSides;
use filters::{FiltersByName, FiltersOfGroups};
use guarded::GuardedConditions;
use joins::{JoinSides, Recursions};
use list_aggregates::{ListsOfStoredRows, SingleStepLists};
use orders::{EqualZeros, FirstRows, GroupingSets, LostOrders, OuterJoins, SkippedRows};
use projections::{MergedProjections, UnusedColumns};
use span_joins::SpanJoins;
use spilling::SpillingOperators;
use yielding::YieldingJoins;

/// A rule of the physical optimizer.
type PhysicalRule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// DataFusion's rules that leave out columns and move filters.
const OPTIMIZE_PROJECTIONS: &str = "optimize_projections";
const PUSH_DOWN_FILTER: &str = "push_down_filter";
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

/// The rules of the logical optimizer: DataFusion's rules in their order, and ours after them.
pub(crate) fn logical_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    for rule in rules.iter_mut().filter(|rule| rule.name() == PUSH_DOWN_FILTER) {
        *rule = Arc::new(FiltersOfGroups(Arc::clone(rule)));
    }
    for rule in rules.iter_mut().filter(|rule| rule.name() == OPTIMIZE_PROJECTIONS) {
        *rule = Arc::new(UnusedColumns(Arc::clone(rule)));
    }
    // Filters lie between projections until they are moved.
    let moved = rules.iter().position(|rule| rule.name() == PUSH_DOWN_FILTER);
    rules.insert(moved.map_or(rules.len(), |place| place + 1), Arc::new(MergedProjections));
    rules.push(Arc::new(SpanJoins));
    rules
}

/// Whether a rule of DataFusion runs inside one of ours that has its name.
pub(crate) fn is_wrapped(name: &str) -> bool {
    [PUSH_DOWN_FILTER, OPTIMIZE_PROJECTIONS].contains(&name) || name.starts_with(FILTER_PUSHDOWN)
}

/// The rules of the physical optimizer: DataFusion's in their order, and ours where the table of this module has them. Those of a
/// segment hand its operators the widths of rows that they tell.
///
/// # Errors
/// When DataFusion lacks a rule beside which one of ours belongs.
pub(crate) fn physical_rules(
    memory: MemorySizes,
    widths: Option<&Arc<RowWidths>>,
) -> Result<Vec<PhysicalRule>> {
    let mut rules = PhysicalOptimizer::new().rules;
    for rule in rules.iter_mut().filter(|rule| rule.name().starts_with(FILTER_PUSHDOWN)) {
        *rule = Arc::new(FiltersByName(Arc::clone(rule)));
    }
    let before_requirements: [PhysicalRule; 7] = [
        Arc::new(JoinSides),
        Arc::new(Recursions),
        Arc::new(GroupingSets),
        Arc::new(SingleStepLists),
        Arc::new(OuterJoins),
        Arc::new(SkippedRows),
        Arc::new(EqualZeros),
    ];
    let place = place_of(&rules, ENSURE_REQUIREMENTS)?;
    rules.splice(place..place, before_requirements);
    let place = place_of(&rules, LIMIT_PUSHDOWN)? + 1;
    rules.insert(place, Arc::new(FirstRows));
    let before_the_check: [PhysicalRule; 6] = [
        Arc::new(LostOrders),
        Arc::new(GuardedConditions),
        Arc::new(BuildSides),
        Arc::new(ListsOfStoredRows { memory_bytes: memory.session_bytes }),
        Arc::new(SpillingOperators { partition_bytes: memory.partition_bytes, widths: widths.cloned() }),
        Arc::new(YieldingJoins),
    ];
    let place = place_of(&rules, SANITY_CHECK)?;
    rules.splice(place..place, before_the_check);
    Ok(rules)
}

fn place_of(rules: &[PhysicalRule], name: &str) -> Result<usize> {
    let place = rules.iter().position(|rule| rule.name() == name);
    place.ok_or_else(|| internal_datafusion_err!("DataFusion has no rule `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Session, SessionOptions};

    /// Of a session, and of a segment of a run.
    #[test]
    fn physical_rules_stand_in_their_places_and_the_check_is_the_last() {
        let session = Session::new(SessionOptions::for_this_machine()).unwrap();
        let widths = Arc::new(RowWidths::new(1, 1, None));
        let of_segment = physical_rules(session.options().memory_sizes(), Some(&widths)).unwrap();
        for rules in [session.state().physical_optimizers(), &of_segment] {
            let names: Vec<&str> = rules.iter().map(|rule| rule.name()).collect();
            assert_eq!(
                names,
                [
                    "OutputRequirements",
                    "aggregate_statistics",
                    "join_selection",
                    "LimitedDistinctAggregation",
                    "FilterPushdown",
                    "WindowTopN",
                    "join_sides",
                    "recursions",
                    "grouping_sets",
                    "single_step_lists",
                    "outer_joins",
                    "skipped_rows",
                    "equal_zeros",
                    ENSURE_REQUIREMENTS,
                    "CombinePartialFinalAggregate",
                    "OptimizeAggregateOrder",
                    "ProjectionPushdown",
                    "OutputRequirements",
                    "LimitAggregation",
                    "LimitPushPastWindows",
                    "HashJoinBuffering",
                    LIMIT_PUSHDOWN,
                    "first_rows",
                    "TopKRepartition",
                    "ProjectionPushdown",
                    "PushdownSort",
                    "EnsureCooperative",
                    "FilterPushdown(Post)",
                    "lost_orders",
                    "guarded_conditions",
                    "build_sides",
                    "lists_of_stored_rows",
                    "spilling_operators",
                    "yielding_joins",
                    SANITY_CHECK,
                ]
            );
        }
    }
}
