//! A scan that gives rows in the order the table declares.
//!
//! The Delta library's scan declares no order and puts files into partitions as it likes. Here the files of its
//! Parquet scan are dealt out anew: the files of a sorted run follow each other, and a partition has a stretch of
//! one run, cut at files or inside of them (Parquet gives the row groups of a byte range in their order). What
//! comes out is checked, batch by batch.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result as EngineResult, Statistics, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    EquivalenceProperties, LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::StreamExt;

use super::direct::file_scan;
use crate::error::DeltaError;
use crate::order::{OrderCheck, SortColumn, TableOrder, compares_bits, to_text};

/// How many partitions a scan may have, and from which size on a file is read by several.
#[derive(Debug, Clone, Copy)]
pub(super) struct Division {
    pub(super) partitions: usize,
    pub(super) min_bytes: u64,
}

/// `plan`, a scan of the Delta library, with its files in the order of the table; `None` when it has more sorted
/// runs than partitions, or when the plan is not one whose files can be dealt out (deletion vectors, several
/// stores, counts from the log).
pub(super) fn arranged(
    plan: &Arc<dyn ExecutionPlan>,
    order: &TableOrder,
    division: Division,
) -> EngineResult<Option<Arc<dyn ExecutionPlan>>> {
    let [source] = plan.children()[..] else { return Ok(None) };
    let Some(config) = file_scan(source) else { return Ok(None) };
    let files = config.file_groups.iter().flat_map(FileGroup::iter);
    let Some(runs) = runs(files, order) else { return Ok(None) };
    if runs.is_empty() || runs.len() > division.partitions {
        return Ok(None);
    }
    let groups: Vec<FileGroup> = divided(runs, division).into_iter().map(FileGroup::new).collect();
    let partitioning = Partitioning::UnknownPartitioning(groups.len());
    let config = FileScanConfigBuilder::from(config.clone())
        .with_file_groups(groups)
        .with_output_partitioning(Some(partitioning))
        .with_preserve_order(true)
        .build();
    let source = DataSourceExec::from_data_source(config);
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    Arc::clone(plan).replace_children(vec![source], options).map(Some)
}

/// The files of every run, in order; `None` for files that are cut already or that the order does not know.
fn runs<'a>(
    files: impl Iterator<Item = &'a PartitionedFile>,
    order: &TableOrder,
) -> Option<Vec<Vec<PartitionedFile>>> {
    let mut runs: BTreeMap<&str, BTreeMap<u64, PartitionedFile>> = BTreeMap::new();
    for file in files {
        let (run, part) = order.part(file.object_meta.location.filename()?)?;
        let twice = runs.entry(run).or_default().insert(part, file.clone()).is_some();
        if file.range.is_some() || twice {
            return None;
        }
    }
    Some(runs.into_values().map(|parts| parts.into_values().collect()).collect())
}

/// Cuts the runs into stretches of about the same size: each run into at least one, together as many as there are
/// partitions, unless they would be small.
fn divided(runs: Vec<Vec<PartitionedFile>>, division: Division) -> Vec<Vec<PartitionedFile>> {
    let bytes_of = |run: &[PartitionedFile]| run.iter().map(|file| file.object_meta.size).sum::<u64>();
    let total: u64 = runs.iter().map(|run| bytes_of(run)).sum();
    let partitions = u64::try_from(division.partitions).unwrap_or(u64::MAX);
    let stretch = total.div_ceil(partitions.max(1)).max(division.min_bytes).max(1);
    let mut spare = division.partitions.saturating_sub(runs.len());
    let mut stretches = Vec::new();
    for run in runs {
        let wanted = usize::try_from((bytes_of(&run) + stretch / 2) / stretch).unwrap_or(usize::MAX);
        let cuts = wanted.saturating_sub(1).min(spare);
        spare -= cuts;
        stretches.extend(cut(run, cuts + 1));
    }
    stretches
}

/// Cuts one run into `count` stretches of the same size.
fn cut(run: Vec<PartitionedFile>, count: usize) -> Vec<Vec<PartitionedFile>> {
    let total: u64 = run.iter().map(|file| file.object_meta.size).sum();
    let length = total.div_ceil(u64::try_from(count).unwrap_or(1).max(1)).max(1);
    let mut stretches = vec![Vec::new()];
    let mut room = length;
    for file in run {
        let size = file.object_meta.size;
        let mut start = 0;
        while start < size || size == 0 {
            if room == 0 {
                stretches.push(Vec::new());
                room = length;
            }
            let end = size.min(start.saturating_add(room));
            let whole = start == 0 && end == size;
            let part = if whole { file.clone() } else { range(file.clone(), start, end) };
            if let Some(stretch) = stretches.last_mut() {
                stretch.push(part);
            }
            room -= end - start;
            start = end;
            if size == 0 {
                break;
            }
        }
    }
    stretches
}

fn range(file: PartitionedFile, start: u64, end: u64) -> PartitionedFile {
    let at = |offset: u64| i64::try_from(offset).unwrap_or(i64::MAX);
    file.with_range(at(start), at(end))
}

/// The first columns of `order` that are in `schema`, with their places: rows sorted by all are sorted by these. Not from a float
/// on: rows that are equal by it are in the order of the next column, and operators tell zero from minus zero.
pub(super) fn kept_order(order: &TableOrder, schema: &Schema) -> Vec<(SortColumn, usize)> {
    let place = |sort: &SortColumn| {
        let index = schema.index_of(&sort.column).ok()?;
        compares_bits(schema.field(index).data_type()).then(|| (sort.clone(), index))
    };
    order.columns.iter().map_while(place).collect()
}

/// Gives the rows of a scan, declares their order, and fails when they do not have it.
///
/// It is a leaf: no rule of the optimizer may put anything between the files and the check, or divide the files
/// otherwise.
pub(super) struct OrderedScanExec {
    table: String,
    scan: Arc<dyn ExecutionPlan>,
    order: Vec<SortColumn>,
    columns: Vec<usize>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl OrderedScanExec {
    /// `order` with the places of its columns in `scan`, each partition of which is sorted by it.
    pub(super) fn new(table: &str, scan: Arc<dyn ExecutionPlan>, order: Vec<(SortColumn, usize)>) -> Self {
        let schema = scan.schema();
        let expressions = order.iter().map(|(sort, index)| {
            let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(&sort.column, *index));
            PhysicalSortExpr::new(column, sort.options())
        });
        let mut equivalences = EquivalenceProperties::new(schema);
        equivalences.add_orderings(LexOrdering::new(expressions));
        let properties = PlanProperties::new(
            equivalences,
            scan.output_partitioning().clone(),
            scan.pipeline_behavior(),
            scan.boundedness(),
        );
        let (order, columns) = order.into_iter().unzip();
        Self {
            table: table.into(),
            scan,
            order,
            columns,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

/// The operator below a scan of this crate that is a leaf to the rules of planning, for those who ask what runs.
#[must_use]
pub fn hidden_input(plan: &dyn ExecutionPlan) -> Option<&Arc<dyn ExecutionPlan>> {
    plan.downcast_ref::<OrderedScanExec>().map(|ordered| &ordered.scan)
}

impl fmt::Debug for OrderedScanExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrderedScanExec({} by {})", self.table, to_text(&self.order))
    }
}

impl DisplayAs for OrderedScanExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<String> = self
            .order
            .iter()
            .map(|sort| if sort.descending { format!("{} DESC", sort.column) } else { sort.column.clone() })
            .collect();
        let columns = columns.join(", ");
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                let partitions = self.scan.output_partitioning().partition_count();
                write!(f, "DeltaOrderedScanExec: sorted_by=[{columns}], partitions={partitions}")
            }
            DisplayFormatType::TreeRender => write!(f, "sorted_by={columns}"),
        }
    }
}

impl ExecutionPlan for OrderedScanExec {
    fn name(&self) -> &'static str {
        "DeltaOrderedScanExec"
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
        if children.is_empty() { Ok(self) } else { internal_err!("an ordered scan has no children") }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> EngineResult<SendableRecordBatchStream> {
        let batches = self.scan.execute(partition, context)?;
        let mut check = OrderCheck::new(&self.order, self.columns.clone());
        let (table, order) = (self.table.clone(), to_text(&self.order));
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let checked = batches.map(move |batch| {
            let batch = batch?;
            if check.follows(&batch)? {
                return Ok(batch.record_output(&metrics));
            }
            Err(DataFusionError::External(Box::new(DeltaError::OrderViolation {
                location: table.clone(),
                access: "read from",
                order: order.clone(),
                advice: "its files were changed by another program; overwrite the table",
            })))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), checked)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> EngineResult<Arc<Statistics>> {
        StatisticsContext::new().compute(self.scan.as_ref(), args)
    }
}
