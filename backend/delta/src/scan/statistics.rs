//! What a scan can say about its columns before it runs.
//!
//! The Delta library gives a scan the statistics of a column only when a filter is pushed onto it. Without the range of
//! its keys the engine takes an equi-join to have no more rows than its smaller side, and then builds hash tables over
//! the larger one. The log has the ranges of all columns; this puts them back.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{cast, sum};
use arrow::datatypes::{DataType, Field, UInt64Type};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, ColumnStatistics, Result, ScalarValue};
use datafusion::datasource::physical_plan::{FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::functions_aggregate::min_max::{MaxAccumulator, MinAccumulator};
use datafusion::logical_expr::Accumulator;
use datafusion::physical_optimizer::pruning::PruningStatistics;
use datafusion::physical_plan::ExecutionPlan;

/// `plan` with what `files` know about the columns that its file scans do not describe. `files` gives one value a file.
///
/// Everything stays an estimate: files may have been skipped, and the log shortens long values.
pub(super) fn described(
    plan: Arc<dyn ExecutionPlan>,
    files: &dyn PruningStatistics,
) -> Result<Arc<dyn ExecutionPlan>> {
    let describe = |node: Arc<dyn ExecutionPlan>| {
        let config = node
            .downcast_ref::<DataSourceExec>()
            .and_then(|source| source.data_source().downcast_ref::<FileScanConfig>());
        let Some(config) = config else { return Ok(Transformed::no(node)) };
        let mut statistics = config.statistics();
        let rows = statistics.num_rows;
        for (known, field) in statistics.column_statistics.iter_mut().zip(config.file_schema().fields()) {
            if known.min_value == Precision::Absent && known.max_value == Precision::Absent {
                *known = column(field, rows, files);
            }
        }
        let config = FileScanConfigBuilder::from(config.clone()).with_statistics(statistics).build();
        Ok(Transformed::yes(DataSourceExec::from_data_source(config) as Arc<dyn ExecutionPlan>))
    };
    plan.transform_up(describe).data()
}

/// What the files say about a column. A file without a value leaves it unknown.
fn column(field: &Field, rows: Precision<usize>, files: &dyn PruningStatistics) -> ColumnStatistics {
    let name = Column::from_name(field.name());
    let kind = field.data_type();
    let extreme = |values: Option<ArrayRef>, most: bool| {
        values.and_then(|values| extreme(&values, kind, most)).map_or(Precision::Absent, Precision::Inexact)
    };
    let nulls = files.null_counts(&name).filter(|counts| counts.null_count() == 0);
    let nulls = nulls.and_then(|counts| sum(counts.as_primitive_opt::<UInt64Type>()?));
    ColumnStatistics {
        min_value: extreme(files.min_values(&name), false),
        max_value: extreme(files.max_values(&name), true),
        null_count: nulls
            .and_then(|nulls| usize::try_from(nulls).ok())
            .map_or(Precision::Absent, Precision::Inexact),
        byte_size: kind
            .primitive_width()
            .map_or(Precision::Absent, |width| rows.multiply(&Precision::Inexact(width))),
        ..ColumnStatistics::new_unknown()
    }
}

/// The least or the greatest of the files' values; nothing when one is missing or has no order here.
fn extreme(values: &ArrayRef, kind: &DataType, most: bool) -> Option<ScalarValue> {
    if values.is_empty() || values.null_count() > 0 {
        return None;
    }
    let values = cast(values, kind).ok()?;
    let mut accumulator: Box<dyn Accumulator> = if most {
        Box::new(MaxAccumulator::try_new(kind).ok()?)
    } else {
        Box::new(MinAccumulator::try_new(kind).ok()?)
    };
    accumulator.update_batch(&[values]).ok()?;
    accumulator.evaluate().ok().filter(|value| !value.is_null())
}
