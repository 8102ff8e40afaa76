//! What a scan of a data source may claim to the planner, and nothing else.
//!
//! DataFusion believes what a leaf says of itself: a row count that is called exact answers `count(*)` without a row
//! being read, a limit that is called pushed down is not applied again, a filter that reached the Parquet reader skips
//! row groups by their bounds and makes columns constant. [`DeltaTableScanExec`] stands between the optimizer and a scan and passes on only the
//! claims that hold for every table:
//!
//! | claim | passed on |
//! |---|---|
//! | columns, partitions | as they are |
//! | row counts, ranges of columns | as estimates, never exact: the log is written by whoever wrote the files |
//! | limit | if the source cuts its streams itself |
//! | filters | never; the scan was told which row groups to skip when it was planned ([`Pruning`](super::pruning::Pruning)) |
//! | order | never; [`OrderedScanExec`](super::ordered::OrderedScanExec) checks the order it declares |
//! | projection | never: expressions over columns are evaluated above |

use std::fmt;
use std::sync::{Arc, OnceLock};

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::datasource::physical_plan::FileScanConfigBuilder;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::CardinalityEffect;
use datafusion::physical_plan::filter_pushdown::{FilterDescription, FilterPushdownPhase};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};

use super::direct::files::{ScannedFiles, file_scan};
use super::direct::many_files::in_pieces;
use super::ordered::hidden_input;
use crate::snapshot::ResolvedTable;

/// The table that a scan reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScannedTable {
    /// The id in its metadata. Copies of a table share it.
    pub table_id: String,
    /// The version that is read.
    pub version: u64,
}

/// The table whose rows an operator reads by itself; nothing if it is no scan of this crate.
#[must_use]
pub fn scanned_table(plan: &dyn ExecutionPlan) -> Option<&ScannedTable> {
    let scan = match hidden_input(plan) {
        Some(scan) => scan.as_ref(),
        None => plan,
    };
    scan.downcast_ref::<DeltaTableScanExec>().map(|scan| &scan.table)
}

/// Gives the rows of a scan as they are, and of its claims those that are proven.
#[derive(Debug)]
pub(super) struct DeltaTableScanExec {
    table: ScannedTable,
    input: Arc<dyn ExecutionPlan>,
    /// What is known about the rows, if not by the input.
    statistics: Option<Arc<Statistics>>,
    /// The files of an input whose groups are empty.
    files: Option<Arc<ScannedFiles>>,
    /// Whether the input may be changed when it runs.
    is_fixed: bool,
    /// What runs, once it does.
    running: OnceLock<Arc<dyn ExecutionPlan>>,
    properties: Arc<PlanProperties>,
}

impl DeltaTableScanExec {
    /// Over `input`, which reads this table.
    pub(super) fn new(table: &ResolvedTable, input: Arc<dyn ExecutionPlan>) -> Self {
        let table = ScannedTable { table_id: table.table_id().to_owned(), version: table.version() };
        let (properties, running) = (Arc::new(properties_over(&input)), OnceLock::new());
        Self { table, input, statistics: None, files: None, is_fixed: false, running, properties }
    }

    /// With an input that runs as it is: the library's scan of files with deletion vectors knows the operators below it.
    pub(super) fn with_fixed_input(self) -> Self {
        Self { is_fixed: true, ..self }
    }

    /// With the files of the input, whose groups are empty.
    pub(super) fn with_files(self, files: Arc<ScannedFiles>) -> Self {
        Self { files: Some(files), ..self }
    }

    /// With estimates of all its rows.
    pub(super) fn with_statistics(self, statistics: Statistics) -> Self {
        Self { statistics: Some(Arc::new(statistics)), ..self }
    }

    fn with_input(&self, input: Arc<dyn ExecutionPlan>) -> Self {
        Self {
            table: self.table.clone(),
            properties: Arc::new(properties_over(&input)),
            input,
            statistics: self.statistics.clone(),
            files: self.files.clone(),
            is_fixed: self.is_fixed,
            running: OnceLock::new(),
        }
    }

    /// What runs: the input with its files, in pieces if they are many. All partitions run the same one, so that they share
    /// what is left to read.
    fn running(&self) -> Result<&Arc<dyn ExecutionPlan>> {
        if let Some(running) = self.running.get() {
            return Ok(running);
        }
        let filled = match &self.files {
            Some(files) => self.filled(files)?,
            None => Arc::clone(&self.input),
        };
        let running = if self.is_fixed { filled } else { in_pieces(&filled)? };
        Ok(self.running.get_or_init(|| running))
    }

    /// The input with its files.
    fn filled(&self, files: &ScannedFiles) -> Result<Arc<dyn ExecutionPlan>> {
        let filled = Arc::clone(&self.input).transform_up(|node| {
            let Some(config) = file_scan(&node) else { return Ok(Transformed::no(node)) };
            let groups = files.groups()?;
            let config = FileScanConfigBuilder::from(config.clone()).with_file_groups(groups).build();
            Ok(Transformed::yes(DataSourceExec::from_data_source(config) as Arc<dyn ExecutionPlan>))
        })?;
        if !filled.transformed {
            return internal_err!("a table scan has no place for its files");
        }
        let (planned, given) = (self.input.output_partitioning(), filled.data.output_partitioning());
        if planned.partition_count() != given.partition_count() {
            return internal_err!("the files of a table scan are divided otherwise than planned");
        }
        Ok(filled.data)
    }
}

/// The claims of a scan over `input` that its rows come from.
fn properties_over(input: &Arc<dyn ExecutionPlan>) -> PlanProperties {
    PlanProperties::new(
        EquivalenceProperties::new(input.schema()),
        input.output_partitioning().clone(),
        input.pipeline_behavior(),
        input.boundedness(),
    )
}

impl DisplayAs for DeltaTableScanExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeltaTableScanExec")
    }
}

impl ExecutionPlan for DeltaTableScanExec {
    fn name(&self) -> &'static str {
        "DeltaTableScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
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
        match <[_; 1]>::try_from(children) {
            Ok([input]) => Ok(Arc::new(self.with_input(input))),
            Err(_) => internal_err!("a table scan has one input"),
        }
    }

    fn repartitioned(
        &self,
        target_partitions: usize,
        config: &ConfigOptions,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let input = self.input.repartitioned(target_partitions, config)?;
        Ok(input.map(|input| Arc::new(self.with_input(input)) as _))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.running()?.execute(partition, context)
    }

    fn supports_limit_pushdown(&self) -> bool {
        // One row out for each row in, and the planner goes on to the input, which takes the limit or gets one above it.
        true
    }

    fn fetch(&self) -> Option<usize> {
        self.input.fetch()
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        let input = self.input.with_fetch(limit)?;
        Some(Arc::new(self.with_input(input)))
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        if let (Some(statistics), None) = (&self.statistics, args.partition()) {
            return Ok(Arc::new(statistics.as_ref().clone().to_inexact()));
        }
        match inputs {
            [input] => Ok(Arc::new(input.as_ref().clone().to_inexact())),
            _ => internal_err!("a table scan has the statistics of one input"),
        }
    }

    fn gather_filters_for_pushdown(
        &self,
        _phase: FilterPushdownPhase,
        parent_filters: Vec<Arc<dyn PhysicalExpr>>,
        _config: &ConfigOptions,
    ) -> Result<FilterDescription> {
        Ok(FilterDescription::all_unsupported(&parent_filters, &[&self.input]))
    }
}
