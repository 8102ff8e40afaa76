//! A physical rule: operators that cannot spill, or not without hanging, are replaced by ours that can.
//!
//! | DataFusion's operator | runs as |
//! |---|---|
//! | `RepartitionExec` | [`ExchangeExec`] |
//! | `HashJoinExec` | [`SpillingHashJoinExec`] |
//! | `AggregateExec` of one step that keeps an object for each group, or whose input is ordered by some keys | [`SpillingAggregateExec`] |
//! | `AggregateExec` that is partial, over rows in no order | [`BoundedAggregateExec`], which needs less memory |
//! | `WindowAggExec` | [`SpillingWindowAggExec`] |
//! | `ProjectionExec` whose values may be wider than what they are computed from | [`SlicedProjectionExec`] |
//! | `SortExec` that keeps the first rows, more than fit | a sort of all rows, and a limit |
//! | `SortPreservingMergeExec` over many sorts | over a sort for each core |
//! | `SortExec`, `SortPreservingMergeExec` | the same, over rows that hold no more than they use, in batches that are not large ([`CompactExec`]) |

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::physical_expr::{LexOrdering, Partitioning};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::limit::LocalLimitExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::windows::WindowAggExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _};

use super::joins::keeps_table;
use crate::operators::span_join::SpanJoinExec;
use crate::operators::{
    BoundaryExec, BoundedAggregateExec, CompactExec, ExchangeExec, RowWidths, SlicedProjectionExec,
    SpillingAggregateExec, SpillingHashJoinExec, SpillingWindowAggExec, WriteExec,
};

/// Bytes that a row takes in a sort of few rows, as a guess: no statistics tell the width of texts.
const BYTES_PER_SORTED_ROW: usize = 256;
/// Bytes that the texts of a row take, as a guess.
const BYTES_PER_TEXT: usize = 64;
/// A sort of few rows takes batches of fewer rows than these no more.
const LEAST_ROWS: usize = 32;
/// A sort of few rows may take this part of the memory of its partition: it cannot spill.
const SORTED_PART: usize = 8;
/// A merge reads so many inputs for each core: it holds a batch of each.
const MERGED_PER_CORE: usize = 4;

/// See the module documentation. It comes after the rules that look for DataFusion's operators.
#[derive(Debug)]
pub(crate) struct SpillingOperators {
    /// The memory of a partition, in bytes.
    pub(crate) partition_bytes: usize,
    /// What the operators of the segment find of the width of its rows; nothing where nobody asks.
    pub(crate) widths: Option<Arc<RowWidths>>,
}

type Plan = Arc<dyn ExecutionPlan>;

impl SpillingOperators {
    fn replaced(&self, plan: &Plan, cores: usize) -> Result<Option<Plan>> {
        if let Some(exchange) = plan.downcast_ref::<RepartitionExec>() {
            return Ok(Some(Arc::new(ExchangeExec::new(Arc::new(exchange.clone())))));
        }
        if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
            let keeps_table = keeps_table(join)?;
            let join = SpillingHashJoinExec::new(Arc::new(join.builder().build()?), self.widths.clone());
            return Ok(Some(Arc::new(if keeps_table { join.keeping_table() } else { join })));
        }
        if let Some(join) = plan.downcast_ref::<SpanJoinExec>() {
            return Ok(Some(Arc::new(join.clone().with_widths(self.widths.clone()))));
        }
        if let Some(aggregation) = plan.downcast_ref::<AggregateExec>() {
            if let Some(ours) = SpillingAggregateExec::for_aggregation(aggregation) {
                return Ok(Some(Arc::new(ours)));
            }
            let ours = BoundedAggregateExec::for_aggregation(aggregation);
            return Ok(ours.map(|ours| Arc::new(ours) as Plan));
        }
        if let Some(windows) = plan.downcast_ref::<WindowAggExec>() {
            return Ok(Some(Arc::new(SpillingWindowAggExec::new(Arc::new(windows.clone())))));
        }
        if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
            let ours = SlicedProjectionExec::for_projection(projection, self.widths.clone());
            return Ok(ours.map(|ours| Arc::new(ours) as Plan));
        }
        if let Some(merge) = plan.downcast_ref::<SortPreservingMergeExec>() {
            let again = merged(merge.expr().clone(), merge.input(), cores, self.widths.as_ref())?;
            let same = Arc::ptr_eq(again.input(), merge.input());
            return Ok((!same).then(|| Arc::new(again.with_fetch(merge.fetch())) as Plan));
        }
        Ok(plan.downcast_ref::<SortExec>().and_then(|sort| self.sorted(sort)))
    }

    fn sorted(&self, sort: &SortExec) -> Option<Plan> {
        let over = |input| {
            SortExec::new(sort.expr().clone(), input).with_preserve_partitioning(sort.preserve_partitioning())
        };
        let Some(fetch) = sort.fetch() else {
            let input = CompactExec::below(Arc::clone(sort.input()), self.widths.as_ref());
            let same = Arc::ptr_eq(&input, sort.input());
            return (!same).then(|| Arc::new(over(input)) as Plan);
        };
        // What is kept of a batch holds all of its texts: so many rows may a batch have then.
        let bytes = self.partition_bytes / SORTED_PART;
        let rows = bytes / fetch.max(1) / BYTES_PER_TEXT;
        if fetch.saturating_mul(BYTES_PER_SORTED_ROW) > bytes || rows < LEAST_ROWS {
            let all = over(CompactExec::below(Arc::clone(sort.input()), self.widths.as_ref()));
            return Some(Arc::new(LocalLimitExec::new(Arc::new(all), fetch)));
        }
        let input = CompactExec::in_batches_of(rows, Arc::clone(sort.input()), self.widths.as_ref());
        Some(Arc::new(over(input).with_fetch(Some(fetch))))
    }
}

/// A merge of sorted partitions: over fewer sorts if they are many, and over rows that hold no more than they use. It
/// cannot spill.
///
/// # Errors
/// When DataFusion cannot deal the rows out.
pub(crate) fn merged(
    order: LexOrdering,
    sorted: &Plan,
    cores: usize,
    widths: Option<&Arc<RowWidths>>,
) -> Result<SortPreservingMergeExec> {
    let fewer = fewer_sorts(sorted, &order, cores, widths)?;
    let input = CompactExec::below(fewer.unwrap_or_else(|| Arc::clone(sorted)), widths);
    Ok(SortPreservingMergeExec::new(order, input))
}

/// The rows of many partitions that have this order in a sorted partition for each core; nothing where they are few, or
/// nothing of them is sorted here. Merging holds a batch of every partition, and a sort of each holds more.
///
/// # Errors
/// When DataFusion cannot deal the rows out.
pub(crate) fn fewer_sorts(
    sorted: &Plan,
    order: &LexOrdering,
    cores: usize,
    widths: Option<&Arc<RowWidths>>,
) -> Result<Option<Plan>> {
    if sorted.output_partitioning().partition_count() <= cores * MERGED_PER_CORE {
        return Ok(None);
    }
    let Some((fetch, rows)) = unsorted(sorted)? else { return Ok(None) };
    let dealt = RepartitionExec::try_new(rows, Partitioning::RoundRobinBatch(cores))?;
    let dealt = CompactExec::below(Arc::new(ExchangeExec::new(Arc::new(dealt))), widths);
    let sort = SortExec::new(order.clone(), dealt).with_preserve_partitioning(true).with_fetch(fetch);
    Ok(Some(Arc::new(sort)))
}

/// A plan whose partitions can be merged by the order that it says it has. Branches of a union may each have an order because a
/// column is constant there; together they do not, and are sorted by all of it.
///
/// # Errors
/// When DataFusion refuses a union.
pub(crate) fn ordered_across_partitions(
    plan: Plan,
    order: &LexOrdering,
    widths: Option<&Arc<RowWidths>>,
) -> Result<Plan> {
    let is_told = plan.output_ordering().is_some_and(|own| own.iter().take(order.len()).eq(order.iter()));
    if is_told || !plan.exists(|node| Ok(node.is::<UnionExec>()))? {
        return Ok(plan);
    }
    let rows = match unsorted(&plan)? {
        Some((None, rows)) => rows,
        _ => plan,
    };
    // A sort that knows of a constant in each partition says that it sorts by the other columns.
    let rows: Plan = Arc::new(BoundaryExec::of_order(rows));
    let sort = SortExec::new(order.clone(), CompactExec::below(rows, widths));
    Ok(Arc::new(sort.with_preserve_partitioning(true)))
}

/// A plan without its sorts, and how many rows they keep of each partition. What they sort by is not always the order that the
/// plan has: branches of a union sort by what is not constant in them.
fn unsorted(plan: &Plan) -> Result<Option<(Option<usize>, Plan)>> {
    if let Some(sort) = plan.downcast_ref::<SortExec>() {
        return Ok(Some((sort.fetch(), Arc::clone(sort.input()))));
    }
    // It passes rows on, and has said what it needs.
    if let (true, [input]) = (plan.is::<WriteExec>(), plan.children().as_slice()) {
        return unsorted(input);
    }
    let Some(union) = plan.downcast_ref::<UnionExec>() else { return Ok(None) };
    let mut sorts = false;
    let mut inputs = Vec::new();
    for input in union.inputs() {
        match unsorted(input)? {
            // Rows that a branch leaves out must stay out.
            Some((Some(_), _)) => return Ok(None),
            Some((None, rows)) => {
                sorts = true;
                inputs.push(rows);
            }
            None => inputs.push(Arc::clone(input)),
        }
    }
    Ok(if sorts { Some((None, UnionExec::try_new(inputs)?)) } else { None })
}

impl PhysicalOptimizerRule for SpillingOperators {
    fn optimize(&self, plan: Plan, options: &ConfigOptions) -> Result<Plan> {
        let cores = options.execution.target_partitions.max(1);
        plan.transform_up(|plan| {
            let replaced = self.replaced(&plan, cores)?;
            Ok(replaced.map_or_else(|| Transformed::no(plan), Transformed::yes))
        })
        .data()
    }

    fn name(&self) -> &str {
        "spilling_operators"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
