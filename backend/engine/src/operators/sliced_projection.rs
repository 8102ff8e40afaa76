//! Projections whose values may be wide.
//!
//! `repeat(name, 100000)` makes a row of a few bytes one of 100 KB, and a batch of 8,192 such rows takes 800 MB. Nobody
//! knows before it is computed. So a few rows are computed first, and then as many at a time as take the bytes of a usual
//! batch, by the rows before. Other operators fill batches up with rows again; when rows are seen to be too wide for
//! that, the projection fails, and the segment is planned with fewer rows in a batch ([`RowWidths`]).

#![expect(clippy::wildcard_enum_match_arm, reason = "types of Arrow of which few are meant")]

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::{CastExpr, Column, Literal};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_expr_common::utils::evaluate_expressions_to_arrays;
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput as _,
};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan};
use futures::{TryStreamExt as _, stream};

use super::row_widths::RowWidths;
use super::spill::used_bytes;
use crate::operators::forward::says_what_is_planned;

/// Rows that are computed first.
const FIRST_ROWS: usize = 16;
/// So many times the rows before are computed next, at most.
const GROWTH: usize = 16;

/// See the module documentation.
#[derive(Debug)]
pub struct SlicedProjectionExec {
    /// The operator as DataFusion planned it.
    planned: Arc<ProjectionExec>,
    /// What is found of the width of the rows, and how wide batches are to be; nothing where batches are computed as they come.
    widths: Option<Arc<RowWidths>>,
    metrics: ExecutionPlanMetricsSet,
}

impl SlicedProjectionExec {
    /// The operator in the place of this one, if its values may be wider than what they are computed from.
    pub(crate) fn for_projection(planned: &ProjectionExec, widths: Option<Arc<RowWidths>>) -> Option<Self> {
        let schema = planned.schema();
        let mut values = planned.expr().iter().zip(schema.fields());
        let may_be_wide =
            values.any(|(value, field)| has_any_width(field.data_type()) && !is_taken(&value.expr));
        may_be_wide.then(|| Self::new(Arc::new(planned.clone()), widths))
    }

    fn new(planned: Arc<ProjectionExec>, widths: Option<Arc<RowWidths>>) -> Self {
        Self { planned, widths, metrics: ExecutionPlanMetricsSet::new() }
    }

    /// The same operator for another plan of the projection.
    fn over(&self, planned: &ProjectionExec) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(Arc::new(planned.clone()), self.widths.clone())))
    }
}

/// Whether values of a type have as many bytes as they like.
fn has_any_width(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(fields) => fields.iter().any(|field| has_any_width(field.data_type())),
        DataType::Dictionary(_, values) => has_any_width(values),
        DataType::FixedSizeList(_, _) => true,
        other => {
            !(other.is_primitive()
                || matches!(other, DataType::Null | DataType::Boolean | DataType::FixedSizeBinary(_)))
        }
    }
}

/// Whether a value is one of the input, or of the query, and not computed.
fn is_taken(value: &Arc<dyn PhysicalExpr>) -> bool {
    if let Some(cast) = value.downcast_ref::<CastExpr>() {
        return is_taken(cast.expr());
    }
    if let Some(call) = value.downcast_ref::<ScalarFunctionExpr>() {
        return call.name() == "get_field" && call.args().iter().all(is_taken);
    }
    value.is::<Column>() || value.is::<Literal>()
}

/// The rows of one partition.
struct Slices {
    planned: Arc<ProjectionExec>,
    input: SendableRecordBatchStream,
    /// Rows of the input that are not computed yet.
    left: Option<RecordBatch>,
    widths: Option<Arc<RowWidths>>,
    /// How many rows are computed next.
    rows: usize,
    /// Rows and bytes that were computed so far.
    rows_so_far: usize,
    bytes_so_far: usize,
    metrics: BaselineMetrics,
}

impl Slices {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let Some(batch) = self.left.take().filter(|left| left.num_rows() > 0) else {
                self.left = self.input.try_next().await?;
                if self.left.is_none() {
                    return Ok(None);
                }
                continue;
            };
            let Some(widths) = self.widths.clone() else { return self.computed(&batch).map(Some) };
            let rows = self.rows.min(batch.num_rows());
            self.left = Some(batch.slice(rows, batch.num_rows() - rows));
            let values = self.computed(&batch.slice(0, rows))?;
            let bytes = used_bytes(&values).max(1);
            self.rows_so_far += rows;
            self.bytes_so_far += bytes;
            widths.check(self.rows_so_far, self.bytes_so_far)?;
            let fitting = widths.batch_bytes().saturating_mul(rows) / bytes;
            self.rows = fitting.clamp(1, self.rows.max(FIRST_ROWS).saturating_mul(GROWTH));
            return Ok(Some(values));
        }
    }

    fn computed(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let timer = self.metrics.elapsed_compute().timer();
        let expressions = self.planned.expr().iter().map(|column| &column.expr);
        let values = evaluate_expressions_to_arrays(expressions, batch)?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let values = RecordBatch::try_new_with_options(self.planned.schema(), values, &options)?;
        timer.done();
        Ok(values.record_output(&self.metrics))
    }
}

impl DisplayAs for SlicedProjectionExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(format, DisplayFormatType::TreeRender) {
            f.write_str("Sliced")?;
        }
        self.planned.fmt_as(format, f)
    }
}

impl ExecutionPlan for SlicedProjectionExec {
    fn name(&self) -> &'static str {
        "SlicedProjectionExec"
    }

    says_what_is_planned!(ProjectionExec);

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let slices = Slices {
            planned: Arc::clone(&self.planned),
            input: self.planned.input().execute(partition, Arc::clone(&context))?,
            left: None,
            widths: self.widths.clone(),
            rows: FIRST_ROWS,
            rows_so_far: 0,
            bytes_so_far: 0,
            metrics: BaselineMetrics::new(&self.metrics, partition),
        };
        let batches = stream::try_unfold(slices, |mut slices| async move {
            Ok::<_, DataFusionError>(slices.next().await?.map(|batch| (batch, slices)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

#[cfg(test)]
mod tests {
    use arrow::compute::concat_batches;
    use datafusion::physical_plan::collect;
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::*;

    /// The projection at the top of a query over these rows, and its rows in batches of at most so many bytes.
    async fn sliced(query: &str, batch_bytes: usize, rows: Option<usize>) -> Result<Vec<RecordBatch>> {
        let widths = Arc::new(RowWidths::new(batch_bytes, 0, rows));
        let config = SessionConfig::new().with_target_partitions(1);
        let context = SessionContext::new_with_config(config);
        let plan = context.sql(query).await.unwrap().create_physical_plan().await.unwrap();
        let projection = plan.downcast_ref::<ProjectionExec>().unwrap();
        let ours = Arc::new(SlicedProjectionExec::for_projection(projection, Some(widths)).unwrap());
        collect(ours, context.task_ctx()).await
    }

    /// Rows of 100 bytes, and from row 5,000 on of 10,000.
    const WIDENING: &str = "SELECT value AS id, repeat('wide ', CASE WHEN value < 5000 THEN 20 ELSE 2000 END) AS t \
                            FROM generate_series(1, 8000)";

    #[tokio::test]
    async fn slices_take_the_bytes_of_a_batch_and_have_all_rows() {
        let batches = sliced(WIDENING, 1 << 20, None).await.unwrap();
        let expected = SessionContext::new().sql(WIDENING).await.unwrap().collect().await.unwrap();
        let schema = batches[0].schema();
        assert_eq!(concat_batches(&schema, &batches).unwrap(), concat_batches(&schema, &expected).unwrap());
        let rows: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(rows[..3], [16, 256, 4096]);
        // One slice meets the wide rows unprepared, and no other.
        let large = batches.iter().filter(|batch| used_bytes(batch) > (1 << 20) + 10_000);
        assert_eq!(large.count(), 1, "{rows:?}");
    }

    #[tokio::test]
    async fn rows_too_wide_for_batches_end_the_plan_if_it_is_made_again() {
        let error = sliced(WIDENING, 1 << 20, Some(8192)).await.unwrap_err();
        assert!(matches!(error, DataFusionError::ResourcesExhausted(_)), "{error}");
        sliced(WIDENING, 1 << 20, Some(100)).await.unwrap();
        sliced(WIDENING, 100 << 20, Some(8192)).await.unwrap();
    }

    /// A slice of lists that are passed on keeps all of them.
    #[tokio::test]
    async fn lists_that_are_passed_on_are_as_wide_as_they_are() {
        let query = "SELECT concat('a', k) AS t, ids FROM (SELECT value % 4000 AS k, array_agg(value) AS ids \
                     FROM generate_series(1, 40000) GROUP BY value % 4000)";
        let batches = sliced(query, 1 << 20, Some(8192)).await.unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 4000);
        assert!(batches.len() <= 5, "{}", batches.len());
    }

    #[tokio::test]
    async fn only_computed_values_of_any_width_are_sliced() {
        let context = SessionContext::new();
        for (values, expected) in [
            ("value + 1", false),
            ("CAST(value AS VARCHAR)", false),
            ("'text'", false),
            ("named_struct('a', value)", false),
            ("lpad('x', value)", true),
            ("make_array(value, value)", true),
            ("named_struct('a', lpad('x', value))", true),
        ] {
            let query = format!("SELECT {values} AS c, value % 2 AS d FROM generate_series(1, 3)");
            let plan = context.sql(&query).await.unwrap().create_physical_plan().await.unwrap();
            let projection = plan.downcast_ref::<ProjectionExec>().unwrap();
            assert_eq!(
                SlicedProjectionExec::for_projection(projection, None).is_some(),
                expected,
                "{values}"
            );
        }
    }
}
