//! A scan of many files runs in pieces.
//!
//! DataFusion's Parquet reader registers some twenty metrics for every file it opens, and keeps them as long as its plan
//! lives: a run that scanned 100,000 files twice had two GiB in the end, and 0.3 without them. So a reader opens a few hundred
//! files; the next ones get a new reader, with metrics of its own, of which the sums are kept.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::limit::LimitStream;
use datafusion::physical_plan::metrics::BaselineMetrics;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt as _, TryStreamExt as _};

use super::files::file_scan;
use crate::scan::pruning::ScanMeasures;

/// How many files a reader opens.
const FILES_OF_A_READER: usize = 512;

/// `plan` with every scan of many Parquet files replaced by one in pieces, to be run as it is; itself if there is none.
///
/// # Errors
/// When the operators above do not take the new ones.
pub(in crate::scan) fn in_pieces(plan: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let replaced = Arc::clone(plan).transform_up(|node| {
        Ok(match PiecewiseScanExec::of(&node) {
            Some(scan) => Transformed::yes(Arc::new(scan) as Arc<dyn ExecutionPlan>),
            None => Transformed::no(node),
        })
    })?;
    Ok(replaced.data)
}

/// Reads the files of each partition of a scan piece by piece. A leaf.
#[derive(Debug)]
struct PiecewiseScanExec {
    scan: Arc<dyn ExecutionPlan>,
}

impl PiecewiseScanExec {
    /// Over a scan of Parquet files that is long. Readers of one plan give each other files, so either all of its partitions
    /// are read in pieces, or none.
    fn of(scan: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let config = file_scan(scan)?;
        let is_long = config.file_groups.iter().any(|group| group.len() > FILES_OF_A_READER);
        let is_parquet = config.file_source().is::<ParquetSource>();
        (is_long && is_parquet).then(|| Self { scan: Arc::clone(scan) })
    }
}

impl DisplayAs for PiecewiseScanExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PiecewiseScanExec")
    }
}

impl ExecutionPlan for PiecewiseScanExec {
    fn name(&self) -> &'static str {
        "PiecewiseScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.scan.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("a scan of files has no inputs") }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(config) = file_scan(&self.scan) else { return internal_err!("a scan of files has none") };
        let metrics = BaselineMetrics::new(config.file_source().metrics(), partition);
        let files = config.file_groups.get(partition).map_or(0, FileGroup::len);
        let pieces = Pieces { scan: Arc::clone(&self.scan), template: template(config), partition, context };
        let begins = (0..files).step_by(FILES_OF_A_READER);
        let rows = futures::stream::iter(begins)
            .map(move |begin| pieces.open(begin..files.min(begin + FILES_OF_A_READER)))
            .try_flatten();
        let rows = Box::pin(RecordBatchStreamAdapter::new(self.scan.schema(), rows));
        // Every piece ends after as many rows as the whole may give.
        Ok(Box::pin(LimitStream::new(rows, 0, config.limit, metrics)))
    }
}

/// A scan like `config`, without files.
fn template(config: &FileScanConfig) -> FileScanConfig {
    FileScanConfigBuilder::from(config.clone())
        .with_file_groups(Vec::new())
        .with_output_partitioning(None)
        .build()
}

/// Opens pieces of a partition.
struct Pieces {
    scan: Arc<dyn ExecutionPlan>,
    template: FileScanConfig,
    partition: usize,
    context: Arc<TaskContext>,
}

impl Pieces {
    fn open(&self, files: Range<usize>) -> Result<SendableRecordBatchStream> {
        let group = file_scan(&self.scan).and_then(|config| config.file_groups.get(self.partition));
        let files = group.and_then(|group| group.files().get(files)).unwrap_or_default();
        let Some(source) = self.template.file_source().downcast_ref::<ParquetSource>() else {
            return internal_err!("a scan in pieces reads no Parquet files");
        };
        let own = with_own_metrics(source)?;
        let (read, all, partition) = (own.metrics().clone(), source.metrics().clone(), self.partition);
        let config = FileScanConfigBuilder::from(self.template.clone())
            .with_file_groups(vec![FileGroup::new(files.to_vec())])
            .with_source(own);
        let rows = DataSourceExec::from_data_source(config.build()).execute(0, Arc::clone(&self.context))?;
        let schema = rows.schema();
        let sums = futures::stream::once(async move { ScanMeasures::add(&read, &all, partition) });
        let rows = rows.chain(sums.filter_map(|()| async { None }));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// A reader that gives the same rows and counts by itself.
fn with_own_metrics(source: &ParquetSource) -> Result<Arc<dyn FileSource>> {
    let mut own = ParquetSource::new(source.table_schema().clone())
        .with_table_parquet_options(source.table_parquet_options().clone());
    if let Some(predicate) = source.filter() {
        own = own.with_predicate(predicate);
    }
    if let Some(factory) = source.parquet_file_reader_factory() {
        own = own.with_parquet_file_reader_factory(Arc::clone(factory));
    }
    let Some(projection) = source.projection() else { return Ok(Arc::new(own)) };
    match own.try_pushdown_projection(projection)? {
        Some(projected) => Ok(projected),
        None => internal_err!("a Parquet reader does not take the columns of another"),
    }
}
