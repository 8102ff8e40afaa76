//! A partial aggregation whose table of groups stays within the caches of the processor.
//!
//! DataFusion's partial aggregation keeps all groups of its partition until its input ends. Where there are many, every
//! row of a new group misses the caches several times, and the table is copied again and again while it grows. That pays
//! where later rows belong to the same groups. Often they do not: in tables that were written in the order of their keys,
//! such as lines by their order or nodes by their file, the rows of a group lie close together, though nobody has declared
//! an order. There a small table finds as much as a large one; when it is full, its groups go on to the final
//! aggregation, and it begins anew (the pre-aggregation of Leis, Boncz, Kemper and Neumann, Morsel-Driven Parallelism,
//! SIGMOD 2014, section 4.4).
//!
//! Where nearly all rows are groups of their own, DataFusion does not aggregate at all. It decides so by the groups of its
//! table, and does not after a table was emptied; rows that repeat at first and are all different later are aggregated in
//! small tables then.
//!
//! The table is DataFusion's, which gives its groups away before the end when it is refused memory; [`TableLimit`]
//! refuses it. Whether groups come back that were given away is watched ([`Revisits`]): when many do, the table grows from
//! then on as it would have from the beginning.

mod revisits;
mod table_limit;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, InputOrderMode};
use futures::TryStreamExt as _;

use self::revisits::Revisits;
use self::table_limit::TableLimit;
use super::spill::{Measures, with_pool};
use super::spilling_aggregate::{SpillingAggregateExec, over};
use crate::operators::forward::says_what_is_planned;

/// See the module documentation.
#[derive(Debug)]
pub struct BoundedAggregateExec {
    /// The aggregation as DataFusion planned it.
    planned: Arc<AggregateExec>,
    measures: Arc<Measures>,
}

impl BoundedAggregateExec {
    /// The operator that runs in the place of this one, if it is a partial aggregation by keys over rows in no order that
    /// keeps the states of its groups in columns.
    #[must_use]
    pub fn for_aggregation(planned: &AggregateExec) -> Option<Self> {
        let groups = planned.group_expr();
        let is_partial = *planned.mode() == AggregateMode::Partial
            && matches!(planned.input_order_mode(), InputOrderMode::Linear)
            && groups.is_single()
            && !groups.is_empty()
            && planned.limit_options().is_none();
        (is_partial && !SpillingAggregateExec::keeps_objects(planned))
            .then(|| Self { planned: Arc::new(planned.clone()), measures: Arc::default() })
    }

    /// The same operator for another plan of the aggregation. Over rows in an order DataFusion's operator gives its groups
    /// in that order.
    fn over(&self, planned: &AggregateExec) -> Result<Arc<dyn ExecutionPlan>> {
        match Self::for_aggregation(planned) {
            Some(ours) => Ok(Arc::new(ours)),
            None => Ok(Arc::new(planned.clone())),
        }
    }
}

impl DisplayAs for BoundedAggregateExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(format, DisplayFormatType::TreeRender) {
            f.write_str("Bounded")?;
        }
        self.planned.fmt_as(format, f)
    }
}

impl ExecutionPlan for BoundedAggregateExec {
    fn name(&self) -> &'static str {
        "BoundedAggregateExec"
    }

    says_what_is_planned!(AggregateExec);

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        // Where nearly every row is a group of its own, DataFusion does not aggregate at all; it decides by so many rows.
        let probed =
            context.session_config().options().execution.skip_partial_aggregation_probe_rows_threshold;
        let limit = Arc::new(TableLimit::after(probed, Arc::clone(context.memory_pool())));
        let rows = self.planned.input().execute(partition, Arc::clone(&context))?;
        let taken = Arc::clone(&limit);
        let counted = RecordBatchStreamAdapter::new(
            rows.schema(),
            rows.inspect_ok(move |batch| taken.took(batch.num_rows())),
        );
        let limited = with_pool(&context, Arc::clone(&limit) as _);
        let groups = over(Box::pin(counted), &self.planned, &limited, &self.measures)?;
        let mut revisits = Revisits::of_keys(self.planned.group_expr().expr().len());
        let watched = groups
            .and_then(move |batch| std::future::ready(watch(&mut revisits, &limit, &batch).map(|()| batch)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.planned.schema(), watched)))
    }

    /// Those of the aggregations that did the work.
    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.measures.all())
    }
}

/// Lets the table grow when groups come back that it has given away.
fn watch(revisits: &mut Revisits, limit: &TableLimit, groups: &RecordBatch) -> Result<()> {
    if limit.is_in_force() {
        revisits.add(groups)?;
        if revisits.are_many() {
            limit.lift();
        }
    }
    Ok(())
}
