//! The table provider over files.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result as EngineResult, Statistics, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use ir::hash::ContentHash;

use crate::read::{self, Reading};
use crate::survey::{Piece, SurveyedFile};
use crate::table::{FileTable, url_of};
use crate::{FileError, Result};

/// The columns that a scan gives: those of the table, then the one with the URL of each row's file, if it has a name.
///
/// # Errors
/// When the table has a column of that name (case ignored).
pub fn scan_schema(table: &FileTable, file_column: Option<&str>) -> Result<SchemaRef> {
    let Some(column) = file_column else { return Ok(Arc::clone(table.schema())) };
    let mut fields = table.schema().fields().to_vec();
    if fields.iter().any(|field| field.name().eq_ignore_ascii_case(column)) {
        let reason = format!("the files have a column `{column}` already; choose another `lineage_column`");
        return Err(FileError::NotFiles { location: table.location().to_owned(), reason });
    }
    fields.push(Arc::new(Field::new(column, DataType::Utf8View, false)));
    Ok(Arc::new(Schema::new(fields)))
}

/// A provider over the files. Each file is read only if it still is what it was when the table was resolved. Columns that are
/// not asked for are not made; filters stay above.
///
/// # Errors
/// As [`scan_schema`].
pub fn provider(table: &FileTable, file_column: Option<&str>) -> Result<Arc<dyn TableProvider>> {
    Ok(Arc::new(Files { table: table.clone(), schema: scan_schema(table, file_column)? }))
}

/// The digest of the files whose rows an operator reads by itself; nothing if it reads none.
#[must_use]
pub fn scanned_files(plan: &dyn ExecutionPlan) -> Option<ContentHash> {
    plan.downcast_ref::<FileScanExec>().map(|scan| scan.table.digest())
}

#[derive(Debug)]
struct Files {
    table: FileTable,
    schema: SchemaRef,
}

#[async_trait]
impl TableProvider for Files {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(statistics(&self.table, &self.schema))
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(columns) => Arc::new(self.schema.project(columns)?),
            None => Arc::clone(&self.schema),
        };
        let partitions = session.config().target_partitions();
        Ok(Arc::new(FileScanExec::new(&self.table, schema, partitions, limit)))
    }
}

/// Row counts were counted, but by a reading that may not be the one of the run: they are estimates.
fn statistics(table: &FileTable, schema: &SchemaRef) -> Statistics {
    let number = |number: u64| Precision::Inexact(usize::try_from(number).unwrap_or(usize::MAX));
    let mut statistics = Statistics::new_unknown(schema);
    statistics.num_rows = table.rows().map_or(Precision::Absent, number);
    statistics.total_byte_size = number(table.bytes());
    statistics
}

/// Reads pieces of files, each partition some that follow each other.
#[derive(Debug)]
struct FileScanExec {
    table: FileTable,
    schema: SchemaRef,
    /// By partition: which piece of which file.
    partitions: Vec<Vec<(usize, Piece)>>,
    /// So many rows of each partition are enough.
    limit: Option<usize>,
    metrics: ExecutionPlanMetricsSet,
    properties: Arc<PlanProperties>,
}

impl FileScanExec {
    fn new(table: &FileTable, schema: SchemaRef, partitions: usize, limit: Option<usize>) -> Self {
        let partitions = divided(&table.inner.files, partitions);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            table: table.clone(),
            schema,
            partitions,
            limit,
            metrics: ExecutionPlanMetricsSet::new(),
            properties: Arc::new(properties),
        }
    }
}

/// All pieces, dealt to so many partitions at most, each with about as many bytes as the others.
fn divided(files: &[SurveyedFile], partitions: usize) -> Vec<Vec<(usize, Piece)>> {
    let all: Vec<(usize, Piece)> = files
        .iter()
        .enumerate()
        .flat_map(|(index, file)| file.pieces.iter().map(move |piece| (index, *piece)))
        .collect();
    let bytes = all.iter().fold(0, |sum: u64, (_, piece)| sum.saturating_add(piece.bytes));
    let partitions = u64::try_from(partitions).unwrap_or(1).max(1);
    let share = bytes.div_ceil(partitions).max(1);
    let mut divided: Vec<Vec<(usize, Piece)>> = vec![Vec::new()];
    let mut dealt: u64 = 0;
    for piece in all {
        let wanted = usize::try_from(dealt / share).unwrap_or(usize::MAX);
        if wanted >= divided.len() {
            divided.push(Vec::new());
        }
        dealt = dealt.saturating_add(piece.1.bytes);
        divided.last_mut().into_iter().for_each(|last| last.push(piece));
    }
    divided
}

impl DisplayAs for FileScanExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (format, files) = (self.table.format().name(), self.table.inner.files.len());
        let columns: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "FileScanExec: format={format}, files={files}, columns=[{}]", columns.join(", "))?;
        match self.limit {
            Some(limit) => write!(f, ", limit={limit}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for FileScanExec {
    fn name(&self) -> &'static str {
        "FileScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> EngineResult<TreeNodeRecursion>,
    ) -> EngineResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("a scan of files has no input") }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> EngineResult<SendableRecordBatchStream> {
        let Some(pieces) = self.partitions.get(partition) else {
            return internal_err!("a scan of files has no partition {partition}");
        };
        let reading = Reading {
            table: self.table.clone(),
            columns: self.table.inner.columns.of_schema(&self.schema),
            rows_per_batch: context.session_config().batch_size(),
        };
        let rows = Rows {
            reading,
            schema: Arc::clone(&self.schema),
            pieces: pieces.clone().into_iter(),
            open: None,
            left: self.limit,
            measured: BaselineMetrics::new(&self.metrics, partition),
            bytes: MetricBuilder::new(&self.metrics).counter("bytes_scanned", partition),
        };
        let stream = futures::stream::iter(rows);
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> EngineResult<Arc<Statistics>> {
        Ok(Arc::new(match args.partition() {
            None => statistics(&self.table, &self.schema),
            Some(_) => Statistics::new_unknown(&self.schema),
        }))
    }
}

type Opened = (Box<dyn Iterator<Item = Result<RecordBatch>> + Send>, String);

/// The rows of a partition.
struct Rows {
    reading: Reading,
    schema: SchemaRef,
    pieces: std::vec::IntoIter<(usize, Piece)>,
    /// What is being read, with the URL of its file.
    open: Option<Opened>,
    left: Option<usize>,
    measured: BaselineMetrics,
    bytes: Count,
}

impl Rows {
    /// The next batch of the files; nothing after the last.
    fn read(&mut self) -> Option<Result<RecordBatch>> {
        loop {
            if let Some((batches, url)) = &mut self.open {
                match batches.next() {
                    Some(batch) => return Some(batch.and_then(|batch| located(&batch, url, &self.schema))),
                    None => self.open = None,
                }
            }
            let (index, piece) = self.pieces.next()?;
            let file = self.reading.table.inner.files.get(index)?;
            self.bytes.add(usize::try_from(piece.bytes).unwrap_or(usize::MAX));
            match read::batches(&self.reading, file, piece) {
                Ok(batches) => self.open = Some((Box::new(batches), url_of(&file.file))),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Iterator for Rows {
    type Item = EngineResult<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == Some(0) {
            return None;
        }
        let timer = self.measured.elapsed_compute().clone();
        let read = {
            let _timing = timer.timer();
            self.read()?
        };
        Some(match read {
            Ok(batch) => {
                let batch = match &mut self.left {
                    Some(left) => {
                        let taken = batch.slice(0, batch.num_rows().min(*left));
                        *left -= taken.num_rows();
                        taken
                    }
                    None => batch,
                };
                self.measured.record_output(batch.num_rows());
                Ok(batch)
            }
            Err(error) => {
                self.left = Some(0);
                Err(DataFusionError::External(Box::new(error)))
            }
        })
    }
}

/// A batch with the URL of its file, if that is among the columns of the scan, in their order.
fn located(batch: &RecordBatch, url: &str, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => Arc::clone(column),
        None => Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(url, batch.num_rows())))
            as ArrayRef,
    });
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect(), &rows)
        .map_err(|error| FileError::unreadable(url, error))
}
