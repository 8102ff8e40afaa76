//! The input of an aggregation that lies in memory: what is computed of it, where it is needed.
//!
//! An aggregation of lists holds all of its input until the end. Where the input is a shared view, its rows are held
//! already. Then only the places of rows ([`Place`]) are dealt out and grouped, and values are made of the rows at these
//! places when lists are made.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Result, internal_datafusion_err, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::expressions::{Column, LambdaExpr, LambdaVariable};
use datafusion::physical_expr::projection::ProjectionExpr;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, RecordOutput as _};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, PlanProperties, SendableRecordBatchStream};
use functions::aggregate::{Place, RowSource, Selection};

use crate::operators::PinnedRows;
use crate::operators::leaf::{self, StoredView};

/// The name of the column with places.
const PLACE: &str = "place";

/// The rows of a plan that computes columns of a shared view.
#[derive(Debug)]
pub(super) struct StoredRows {
    pinned: PinnedRows,
    /// The columns of the plan, over those of the view.
    expressions: Vec<Arc<dyn PhysicalExpr>>,
    /// The same, to be computed.
    columns: Vec<Stored>,
    schema: SchemaRef,
}

/// An expression over some columns of the view.
#[derive(Clone, Debug)]
struct Stored {
    expression: Arc<dyn PhysicalExpr>,
    /// The columns of the view, in the order of the expression's input.
    columns: Vec<usize>,
    input: SchemaRef,
}

impl StoredRows {
    /// The rows of this plan, if they lie in memory as rows of a shared view and take so many bytes at most there.
    ///
    /// # Errors
    /// None that is known; an expression could refuse its columns.
    pub(super) fn of(plan: &Arc<dyn ExecutionPlan>, most_bytes: usize) -> Result<Option<Self>> {
        let Some((view, expressions)) = over_a_view(plan)? else { return Ok(None) };
        let Some(store) = view.store() else { return Ok(None) };
        let Some(pinned) = PinnedRows::of(store, most_bytes) else { return Ok(None) };
        let columns = expressions.iter().map(|expression| Stored::new(expression, pinned.schema()));
        let columns = columns.collect::<Result<_>>()?;
        Ok(Some(Self { pinned, expressions, columns, schema: plan.schema() }))
    }

    /// What an expression over the columns of the plan is over those of the view.
    fn stored(&self, expression: &Arc<dyn PhysicalExpr>) -> Result<Stored> {
        Stored::new(&replaced(expression, &self.expressions)?, self.pinned.schema())
    }

    /// The rows at these places, with the columns of the plan.
    pub(super) fn rows(&self, places: &UInt64Array) -> Result<RecordBatch> {
        let places: Vec<Place> = places.values().iter().map(|&place| place_of(place)).collect();
        let selection = self.pinned.select(&places);
        let columns = self.columns.iter().map(|column| column.gather(&self.pinned, &selection));
        let options = RecordBatchOptions::new().with_row_count(Some(places.len()));
        let columns = columns.collect::<Result<_>>()?;
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

/// A shared view, and expressions over its columns.
type OverView<'a> = (&'a StoredView, Vec<Arc<dyn PhysicalExpr>>);

/// The shared view that a plan reads, and what its columns are of those of the view. Nothing where the plan does more than
/// that, or would give something else the next time.
fn over_a_view(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<OverView<'_>>> {
    if let Some(view) = leaf::source_of::<StoredView>(plan) {
        let fields = plan.schema();
        let columns = fields.fields().iter().enumerate();
        let columns = columns.map(|(index, field)| Arc::new(Column::new(field.name(), index)) as _);
        return Ok(Some((view, columns.collect())));
    }
    if let Some(yielding) = plan.downcast_ref::<CooperativeExec>() {
        return over_a_view(yielding.input());
    }
    let Some(projection) = plan.downcast_ref::<ProjectionExec>() else { return Ok(None) };
    let Some((view, below)) = over_a_view(projection.input())? else { return Ok(None) };
    if !projection.expr().iter().all(|column| can_be_looked_up(&column.expr)) {
        return Ok(None);
    }
    let columns = projection.expr().iter().map(|ProjectionExpr { expr, .. }| replaced(expr, &below));
    Ok(Some((view, columns.collect::<Result<_>>()?)))
}

/// Whether an expression gives the same whenever it is computed, over any choice of columns with what it reads. The variables of
/// lambdas are numbered behind the columns of one input.
pub(super) fn can_be_looked_up(expression: &Arc<dyn PhysicalExpr>) -> bool {
    let has_lambda = expression.exists(|node| Ok(node.is::<LambdaExpr>() || node.is::<LambdaVariable>()));
    !is_volatile(expression) && matches!(has_lambda, Ok(false))
}

/// The expression with these in the place of its columns.
fn replaced(
    expression: &Arc<dyn PhysicalExpr>,
    columns: &[Arc<dyn PhysicalExpr>],
) -> Result<Arc<dyn PhysicalExpr>> {
    let replace = |expression: Arc<dyn PhysicalExpr>| {
        let Some(column) = expression.downcast_ref::<Column>() else {
            return Ok(Transformed::no(expression));
        };
        match columns.get(column.index()) {
            Some(replacement) => Ok(Transformed::yes(Arc::clone(replacement))),
            None => internal_err!("an expression reads the column {column} of {} columns", columns.len()),
        }
    };
    Arc::clone(expression).transform_up(replace).data()
}

impl Stored {
    /// An expression over the columns of a view.
    fn new(expression: &Arc<dyn PhysicalExpr>, view: &SchemaRef) -> Result<Self> {
        let mut columns: Vec<usize> = collect_columns(expression).iter().map(Column::index).collect();
        columns.sort_unstable();
        columns.dedup();
        let input: SchemaRef = Arc::new(view.project(&columns)?);
        let places = (0..view.fields().len()).map(|column| {
            let place = columns.binary_search(&column).unwrap_or_default();
            Arc::new(Column::new(view.field(column).name(), place)) as Arc<dyn PhysicalExpr>
        });
        Ok(Self { expression: replaced(expression, &places.collect::<Vec<_>>())?, columns, input })
    }

    fn evaluate(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<ArrayRef> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.input), columns, &options)?;
        self.expression.evaluate(&batch)?.into_array(rows)
    }

    /// Its values for the selected rows.
    fn gather(&self, pinned: &PinnedRows, selection: &Selection) -> Result<ArrayRef> {
        let columns = self.columns.iter().map(|&column| pinned.gather(column, selection));
        self.evaluate(columns.collect::<Result<_>>()?, selection.rows.len())
    }

    /// Its values for all rows of a batch.
    fn batch(&self, pinned: &PinnedRows, batch: usize) -> Result<ArrayRef> {
        let columns = self.columns.iter().map(|&column| pinned.column(batch, column));
        self.evaluate(columns.collect::<Result<_>>()?, pinned.rows_of(batch))
    }
}

/// The value and the keys of a list, over rows that lie in memory.
#[derive(Debug)]
pub(super) struct StoredList {
    rows: Arc<StoredRows>,
    arguments: Vec<Stored>,
}

impl StoredList {
    /// `arguments` are over the columns of the plan that the rows are of.
    pub(super) fn new(rows: &Arc<StoredRows>, arguments: &[Arc<dyn PhysicalExpr>]) -> Result<Self> {
        let arguments = arguments.iter().map(|argument| rows.stored(argument)).collect::<Result<_>>()?;
        Ok(Self { rows: Arc::clone(rows), arguments })
    }
}

impl RowSource for StoredList {
    fn gather(&self, columns: Range<usize>, places: &[Place]) -> Result<Vec<ArrayRef>> {
        let selection = self.rows.pinned.select(places);
        let arguments = self.arguments.get(columns).unwrap_or_default();
        arguments.iter().map(|argument| argument.gather(&self.rows.pinned, &selection)).collect()
    }
}

/// The place that a number of the column with places stands for.
pub(super) fn place_of(number: u64) -> Place {
    Place { chunk: (number >> 32) as u32, row: number as u32 }
}

fn number_of(batch: usize, row: usize) -> u64 {
    ((batch as u64) << 32) | row as u64
}

/// Gives the places of rows, partition by partition of the view that they are of, each with some values of the row.
#[derive(Debug)]
pub(super) struct StoredPlaces {
    rows: Arc<StoredRows>,
    values: Vec<Stored>,
    properties: Arc<PlanProperties>,
}

impl StoredPlaces {
    /// The values, which are over the columns of the plan that the rows are of, and the place at the end.
    pub(super) fn new(rows: &Arc<StoredRows>, values: &[Arc<dyn PhysicalExpr>]) -> Result<Self> {
        let field = |(index, value): (usize, &Arc<dyn PhysicalExpr>)| {
            let field = value.return_field(&rows.schema)?;
            Ok(Field::new(value_name(index), field.data_type().clone(), true))
        };
        let mut fields = values.iter().enumerate().map(field).collect::<Result<Vec<_>>>()?;
        fields.push(Field::new(PLACE, DataType::UInt64, false));
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::new(Schema::new(fields))),
            Partitioning::UnknownPartitioning(rows.pinned.partitions()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self {
            values: values.iter().map(|value| rows.stored(value)).collect::<Result<_>>()?,
            rows: Arc::clone(rows),
            properties: Arc::new(properties.with_scheduling_type(SchedulingType::NonCooperative)),
        })
    }
}

impl StoredPlaces {
    /// The same, of rows whose values are partitioned so.
    pub(super) fn partitioned(self, partitioning: Partitioning) -> Self {
        let properties = self.properties.as_ref().clone().with_partitioning(partitioning);
        Self { properties: Arc::new(properties), ..self }
    }
}

impl leaf::RowSource for StoredPlaces {
    fn name(&self) -> &'static str {
        "StoredPlacesExec"
    }

    fn view(&self) -> Option<&str> {
        Some(self.rows.pinned.view())
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn visit_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let mut going = TreeNodeRecursion::Continue;
        for value in &self.values {
            going = going.visit_sibling(|| visit(&value.expression))?;
        }
        Ok(going)
    }

    fn rows(
        &self,
        partition: usize,
        _context: Arc<TaskContext>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<SendableRecordBatchStream> {
        let (rows, values) = (Arc::clone(&self.rows), self.values.clone());
        let schema = Arc::clone(self.properties.equivalence_properties().schema());
        let metrics = BaselineMetrics::new(metrics, partition);
        let given = Arc::clone(&schema);
        let batches = rows.pinned.read(partition).map(move |batch| {
            let timer = metrics.elapsed_compute().timer();
            let values = values.iter().map(|value| value.batch(&rows.pinned, batch));
            let mut columns = values.collect::<Result<Vec<_>>>()?;
            let places = (0..rows.pinned.rows_of(batch)).map(|row| number_of(batch, row));
            columns.push(Arc::new(UInt64Array::from_iter_values(places)));
            let batch = RecordBatch::try_new(Arc::clone(&given), columns)?;
            timer.done();
            Ok(batch.record_output(&metrics))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter(batches))))
    }
}

fn value_name(index: usize) -> String {
    format!("value_{index}")
}

/// One of the values that a [`StoredPlaces`] gives.
pub(super) fn value(index: usize) -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new(&value_name(index), index))
}

/// The column with places of a batch that a [`StoredPlaces`] gave.
///
/// # Errors
/// When it came from elsewhere.
pub(super) fn places_of(batch: &RecordBatch) -> Result<UInt64Array> {
    let column = batch.columns().last();
    let places = column.and_then(|column| column.as_any().downcast_ref::<UInt64Array>());
    places.cloned().ok_or_else(|| internal_datafusion_err!("a batch without places of stored rows"))
}

/// The batch with its places and nothing else.
///
/// # Errors
/// When it has no columns.
pub(super) fn only_places(batch: &RecordBatch) -> Result<RecordBatch> {
    Ok(batch.project(&[batch.num_columns().saturating_sub(1)])?)
}
