//! A scan of many files runs in pieces.
//!
//! DataFusion's Parquet reader registers some twenty metrics for every file it opens, six kilobytes of them, and keeps them
//! as long as its plan lives: a scan of 100,000 files would end with 600 MB. So a reader opens a few hundred files; the next
//! ones get a new reader, with metrics of its own.

use std::ops::Range;
use std::sync::Arc;

use datafusion::common::{Result, internal_err};
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::limit::LimitStream;
use datafusion::physical_plan::metrics::BaselineMetrics;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt as _, TryStreamExt as _};

use super::direct::file_scan;

/// How many files a reader opens.
const FILES_OF_A_READER: usize = 512;

/// Runs a partition of a scan.
///
/// # Errors
/// As [`ExecutionPlan::execute`].
pub(super) fn execute(
    scan: &Arc<dyn ExecutionPlan>,
    partition: usize,
    context: Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let Some(config) = file_scan(scan) else { return scan.execute(partition, context) };
    // Readers of one plan give each other files: either all of its partitions are read in pieces, or none.
    let is_long = |group: &FileGroup| group.len() > FILES_OF_A_READER;
    let source = config.file_source().downcast_ref::<ParquetSource>();
    let Some(source) = source.filter(|_| config.file_groups.iter().any(is_long)) else {
        return scan.execute(partition, context);
    };
    let metrics = BaselineMetrics::new(source.metrics(), partition);
    let pieces = Pieces { scan: Arc::clone(scan), template: template(config), partition, context };
    let files = config.file_groups.get(partition).map_or(0, FileGroup::len);
    let begins = (0..files).step_by(FILES_OF_A_READER);
    let rows = futures::stream::iter(begins)
        .map(move |begin| pieces.open(begin..files.min(begin + FILES_OF_A_READER)))
        .try_flatten();
    let rows = Box::pin(RecordBatchStreamAdapter::new(scan.schema(), rows));
    // Every piece ends after as many rows as the whole may give.
    Ok(Box::pin(LimitStream::new(rows, 0, config.limit, metrics)))
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
        let mut config = FileScanConfigBuilder::from(self.template.clone())
            .with_file_groups(vec![FileGroup::new(files.to_vec())]);
        if let Some(source) = self.template.file_source().downcast_ref::<ParquetSource>() {
            config = config.with_source(with_own_metrics(source)?);
        }
        DataSourceExec::from_data_source(config.build()).execute(0, Arc::clone(&self.context))
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
