//! What a scan has read of its files, and what it has skipped.

use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricValue, MetricsSet};

/// The names of DataFusion's metrics.
const BYTES: &str = "bytes_scanned";
const PAGES: &str = "page_index_pages_pruned";
const ROW_GROUPS: &str = "row_groups_pruned_statistics";
const BLOOM_FILTERS: &str = "row_groups_pruned_bloom_filter";

/// What an operator has read of Parquet files, and what it has skipped, all partitions together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanMeasures {
    /// Bytes read, those of footers that were at hand not among them.
    pub bytes: usize,
    /// The row groups of the files that were opened.
    pub row_groups: usize,
    /// How many of them were skipped by their bounds.
    pub skipped_by_bounds: usize,
    /// How many of the rest were skipped by Bloom filters.
    pub skipped_by_bloom_filters: usize,
    /// Pages that the page index tells about, of one column in each row group that was left.
    pub pages: usize,
    /// How many of them were skipped.
    pub skipped_pages: usize,
}

impl ScanMeasures {
    /// What `plan` has read by itself; nothing if it reads no Parquet files.
    #[must_use]
    pub fn of(plan: &dyn ExecutionPlan) -> Option<Self> {
        Self::in_metrics(&plan.metrics()?)
    }

    fn in_metrics(metrics: &MetricsSet) -> Option<Self> {
        let bytes = metrics.sum_by_name(BYTES)?.as_usize();
        let mut found = Self { bytes, ..Self::default() };
        for metric in metrics.iter() {
            let MetricValue::PruningMetrics { name, pruning_metrics } = metric.value() else { continue };
            let (skipped, kept) = (pruning_metrics.pruned(), pruning_metrics.matched());
            match &**name {
                ROW_GROUPS => {
                    found.row_groups += skipped + kept;
                    found.skipped_by_bounds += skipped;
                }
                BLOOM_FILTERS => found.skipped_by_bloom_filters += skipped,
                PAGES => {
                    found.pages += skipped + kept;
                    found.skipped_pages += skipped;
                }
                _ => {}
            }
        }
        Some(found)
    }

    /// Adds what one reader has counted to what all of a partition have.
    pub(in crate::scan) fn add(
        read: &ExecutionPlanMetricsSet,
        all: &ExecutionPlanMetricsSet,
        partition: usize,
    ) {
        let Some(found) = Self::in_metrics(&read.clone_inner()) else { return };
        let add = |name: &'static str, skipped: usize, kept: usize| {
            let metric = MetricBuilder::new(all).pruning_metrics(name, partition);
            metric.add_pruned(skipped);
            metric.add_matched(kept);
        };
        MetricBuilder::new(all).counter(BYTES, partition).add(found.bytes);
        add(ROW_GROUPS, found.skipped_by_bounds, found.row_groups - found.skipped_by_bounds);
        add(BLOOM_FILTERS, found.skipped_by_bloom_filters, 0);
        add(PAGES, found.skipped_pages, found.pages - found.skipped_pages);
    }
}
