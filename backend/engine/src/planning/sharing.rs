//! How many writers an output gets.
//!
//! Every writer encodes on one core and makes files of its own, so a large output gets as many as there are cores and
//! a small one gets one. Estimates may be far off, or missing: what is estimated as small is begun by one writer for
//! all partitions, until it has written [`ONE_WRITER_BYTES`].

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion::common::Result;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _, Partitioning};
use ir::op::Sink;

use crate::operators::{ExchangeExec, RowWidths, ordering};
use crate::rules::{fewer_sorts, merged, ordered_across_partitions};

/// An output of less is written by one writer.
pub(crate) const ONE_WRITER_BYTES: u64 = 64 << 20;

/// How the partitions of a plan share writers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Each has its own.
    Own,
    /// One for all of them, until it has written much.
    OneAtFirst,
}

/// The plan with a partition for every writer at the most, and how they share writers. `rows` is the estimated size
/// of the output, `cores` the most writers it may have; `widths` is for operators that look at the width of rows.
///
/// The rows of one partition value belong to one writer, and a sorted run to one as well: there is nothing to share
/// then, and a small output is brought together in one partition.
pub(crate) fn with_writers(
    plan: Arc<dyn ExecutionPlan>,
    sink: &Sink,
    rows: u64,
    cores: usize,
    widths: Option<&Arc<RowWidths>>,
) -> Result<(Arc<dyn ExecutionPlan>, Sharing)> {
    let small = rows.saturating_mul(encoded_row_bytes(&plan.schema())) < ONE_WRITER_BYTES;
    let order = ordering(&sink.sort_by, &plan.schema());
    let shares = order.is_none() && sink.partition_by.is_empty();
    let sharing = if small && shares { Sharing::OneAtFirst } else { Sharing::Own };
    let writers = if small && !shares { 1 } else { cores.max(1) };
    if plan.output_partitioning().partition_count() <= writers {
        return Ok((plan, sharing));
    }
    let dealt = |plan| -> Result<RepartitionExec> {
        RepartitionExec::try_new(plan, Partitioning::RoundRobinBatch(writers))
    };
    let plan: Arc<dyn ExecutionPlan> = if let Some(order) = order {
        // Sorted partitions are merged: into one, or each writer merges its share of the batches of all of them.
        if writers == 1 {
            Arc::new(merged(order, &plan, cores.max(1), widths)?)
        } else {
            let fewer = fewer_sorts(&plan, &order, cores.max(1), widths)?;
            let plan = fewer.map_or_else(|| ordered_across_partitions(plan, &order, widths), Ok)?;
            Arc::new(ExchangeExec::new(Arc::new(dealt(plan)?.with_preserve_order())))
        }
    } else if writers == 1 {
        Arc::new(CoalescePartitionsExec::new(plan))
    } else {
        Arc::new(ExchangeExec::new(Arc::new(dealt(plan)?)))
    };
    Ok((plan, sharing))
}

/// About how many bytes of a data file a row takes. TPC-H `lineitem` takes 27; this says 46.
fn encoded_row_bytes(schema: &Schema) -> u64 {
    let quarters: usize = schema.fields().iter().map(|field| encoded_quarters(field.data_type())).sum();
    u64::try_from(quarters.div_ceil(4)).unwrap_or(u64::MAX).max(1)
}

/// Quarters of a byte: a fixed-width value is compressed to about a quarter of its width.
#[expect(clippy::wildcard_enum_match_arm, reason = "the width of other types says what they take")]
fn encoded_quarters(data_type: &DataType) -> usize {
    match data_type {
        DataType::Struct(fields) => fields.iter().map(|field| encoded_quarters(field.data_type())).sum(),
        DataType::List(item) | DataType::LargeList(item) => 4 * encoded_quarters(item.data_type()),
        DataType::Map(entries, _) => 4 * encoded_quarters(entries.data_type()),
        other => other.primitive_width().unwrap_or(16),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use arrow::compute::concat_batches;
    use arrow::datatypes::Field;
    use datafusion::catalog::{MemTable, TableProvider as _};
    use datafusion::datasource::memory::MemorySourceConfig;
    use datafusion::physical_expr::expressions::{col, lit};
    use datafusion::physical_plan::displayable;
    use datafusion::physical_plan::empty::EmptyExec;
    use datafusion::physical_plan::projection::ProjectionExec;
    use datafusion::physical_plan::sorts::sort::SortExec;
    use datafusion::physical_plan::union::UnionExec;
    use datafusion::physical_plan::{collect, collect_partitioned};
    use datafusion::prelude::SessionContext;
    use ir::op::{SinkMode, SortColumn};

    use super::*;
    use crate::operators::WriteExec;
    use crate::{Session, SessionOptions};

    fn sink(partition_by: &[&str], sort_by: &[&str]) -> Sink {
        let sort = |column: &&str| SortColumn { column: (*column).to_owned(), descending: false };
        Sink {
            location: "t".to_owned(),
            mode: SinkMode::Overwrite,
            schema_mode: ir::op::SchemaMode::Strict,
            partition_by: partition_by.iter().map(|name| (*name).to_owned()).collect(),
            sort_by: sort_by.iter().map(sort).collect(),
            target_file_size: None,
            metadata: std::collections::BTreeMap::new(),
            max_commit_retries: None,
            graph: None,
        }
    }

    fn columns() -> Arc<Schema> {
        let fields = ["a", "b"].map(|name| Field::new(name, DataType::Int64, true));
        Arc::new(Schema::new(fields.to_vec()))
    }

    /// Partitions of eight that are left, and how they share.
    fn planned(sink: &Sink, rows: u64) -> (usize, Sharing) {
        let plan = EmptyExec::new(columns()).with_partitions(8);
        let (plan, sharing) = with_writers(Arc::new(plan), sink, rows, 4, None).unwrap();
        (plan.output_partitioning().partition_count(), sharing)
    }

    #[test]
    fn small_outputs_begin_with_one_writer_and_large_ones_get_all_cores() {
        // Four bytes a row are estimated.
        let (few, many) = ((16 << 20) - 1, 16 << 20);
        assert_eq!(planned(&sink(&[], &[]), few), (4, Sharing::OneAtFirst));
        assert_eq!(planned(&sink(&[], &[]), many), (4, Sharing::Own));
        assert_eq!(planned(&sink(&["a"], &[]), few), (1, Sharing::Own));
        assert_eq!(planned(&sink(&["a"], &[]), many), (4, Sharing::Own));
        assert_eq!(planned(&sink(&[], &["b"]), few), (1, Sharing::Own));
        assert_eq!(planned(&sink(&[], &["b"]), many), (4, Sharing::Own));
    }

    #[test]
    fn sorted_partitions_stay_sorted() {
        let sink = sink(&[], &["b"]);
        for (rows, partitions) in [(1, 1), (16 << 20, 4)] {
            let empty = Arc::new(EmptyExec::new(columns()).with_partitions(8));
            let order = ordering(&sink.sort_by, &columns()).unwrap();
            let sorted = SortExec::new(order.clone(), empty).with_preserve_partitioning(true);
            let (plan, _) = with_writers(Arc::new(sorted), &sink, rows, 4, None).unwrap();
            assert_eq!(plan.output_partitioning().partition_count(), partitions);
            assert!(plan.equivalence_properties().ordering_satisfy(order).unwrap(), "{partitions}");
        }
    }

    /// Each sort would hold memory, and their merge a batch of each of them.
    #[test]
    fn many_sorted_views_of_a_union_are_sorted_together() {
        let sink = sink(&[], &["b"]);
        let sorted = || -> Arc<dyn ExecutionPlan> {
            let order = ordering(&sink.sort_by, &columns()).unwrap();
            Arc::new(SortExec::new(order, Arc::new(EmptyExec::new(columns()))))
        };
        let union = UnionExec::try_new(std::iter::repeat_with(sorted).take(20).collect()).unwrap();
        let plan = Arc::new(WriteExec::new("t", &sink, union));
        let (plan, _) = with_writers(plan, &sink, 1, 1, None).unwrap();
        let shown = displayable(plan.as_ref()).indent(true).to_string();
        assert_eq!(shown.matches("SortExec").count(), 1, "{shown}");
    }

    /// Each branch is sorted by `b` and so, since `a` is one number there, by `a` and `b`; the union of them is not.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn branches_with_other_constants_are_merged_by_the_whole_order() {
        let context = SessionContext::new();
        let sink = sink(&[], &["a", "b"]);
        let branch = |constant: i64| -> Arc<dyn ExecutionPlan> {
            let rows = |from: i64| {
                let values: ArrayRef =
                    Arc::new((0..20_000).map(|value| from + 3 * value).collect::<Int64Array>());
                vec![RecordBatch::try_from_iter([("b", values)]).unwrap()]
            };
            let schema = rows(0)[0].schema();
            let input =
                MemorySourceConfig::try_new_exec(&[rows(constant), rows(7)], Arc::clone(&schema), None);
            let order = ordering(&sink.sort_by[1..], &schema).unwrap();
            let sorted = SortExec::new(order, input.unwrap()).with_preserve_partitioning(true);
            let columns = [(lit(constant), "a".to_owned()), (col("b", &schema).unwrap(), "b".to_owned())];
            Arc::new(ProjectionExec::try_new(columns, Arc::new(sorted)).unwrap())
        };
        let union = UnionExec::try_new(vec![branch(2), branch(1)]).unwrap();
        let (plan, _) = with_writers(union, &sink, u64::MAX, 2, None).unwrap();
        let order =
            ["a", "b"].map(|column| delta::SortColumn { column: column.to_owned(), descending: false });
        for partition in collect_partitioned(plan, context.task_ctx()).await.unwrap() {
            let rows = concat_batches(&partition[0].schema(), &partition).unwrap();
            assert_eq!(delta::sorted(rows.clone(), &order).unwrap(), rows);
        }
    }

    /// Batches of sorted texts point into the buffers of all batches that were sorted; counted in full, few of them
    /// would fill the memory of their merge.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_merge_of_sorted_texts_fits_in_little_memory() {
        let options = SessionOptions {
            target_partitions: 2,
            memory_limit_bytes: 32 << 20,
            ..SessionOptions::for_this_machine()
        };
        let session = Session::new(options).unwrap();
        let context = SessionContext::new_with_state(session.state().clone());
        let sorted = "SELECT concat(md5(value::text), repeat('x', 600)) AS b FROM generate_series(1, 60000)";
        let rows = context.sql(sorted).await.unwrap().collect().await.unwrap();
        let parts = rows.chunks(rows.len().div_ceil(2)).map(<[_]>::to_vec).collect();
        let rows = MemTable::try_new(rows[0].schema(), parts).unwrap();
        let rows = rows.scan(&context.state(), None, &[], None).await.unwrap();
        let sink = sink(&[], &["b"]);
        let order = ordering(&sink.sort_by, &rows.schema()).unwrap();
        let sorted = SortExec::new(order, rows).with_preserve_partitioning(true);
        let (plan, _) = with_writers(Arc::new(sorted), &sink, 1, 2, None).unwrap();
        let rows: usize =
            collect(plan, context.task_ctx()).await.unwrap().iter().map(RecordBatch::num_rows).sum();
        assert_eq!(rows, 60_000);
    }
}
