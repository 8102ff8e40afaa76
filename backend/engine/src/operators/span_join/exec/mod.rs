//! [`SpanJoinExec`]: the span join as a DataFusion operator.

mod display;
mod statistics;

use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{JoinType, Result, Statistics, internal_err, plan_err};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::equivalence::join_equivalence_properties;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::ProjectionMapping;
use datafusion::physical_expr::{
    Distribution, LexOrdering, OrderingRequirements, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::{CardinalityEffect, EmissionType};
use datafusion::physical_plan::joins::utils::build_join_schema;
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet, SpillMetrics,
};
use datafusion::physical_plan::projection::{EmbeddedProjection, ProjectionExec, try_embed_projection};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildStats, ChildrenPropertiesMode, ExecutionPlan, ExecutionPlanProperties,
    InputDistributionRequirements, PlanProperties, ReplaceChildrenOptions, StatisticsArgs,
    apply_expression_roots,
};
use futures::stream::try_unfold;

use super::gather::{Output, Role};
use super::input::{InputColumns, KEY_ORDER, SortedInput};
use super::roles::{Roles, SpanJoinMetrics, maintained_order};
use super::sorter::{InputSort, sorted};
use super::stream::SpanMerge;
use super::{SpanJoinKind, SpanJoinSpec};
use crate::operators::row_widths::RowWidths;
use statistics::estimated;

/// Joins two inputs by their spans; see the module documentation for the semantics.
///
/// * Output: left columns, then right columns; left columns only for semi and anti joins; of these the columns
///   that a projection above wants. Nullability follows the join kind.
/// * Distribution: both inputs hash-partitioned by the keys and co-partitioned; one partition without keys.
/// * Ordering: none required but what an input declares. An input that declares it, the containing side by (keys, start, end descending),
///   the other by (keys, start), NULL last except for the descending end, is read as it comes; any other is
///   collected, or sorted with spilling when it does not fit, and brought into that order. For `Overlaps` and
///   `Equals` the right side counts as containing.
/// * Memory, reserved in the pool: the rows of one key on the containing side. Inner joins, and joins whose
///   containing side is the right one, let go of rows that have ended: always from 32 MiB a key on for half-open
///   spans, and when the pool is full for plain comparisons. What must stay then is what is open at one
///   position. Joins that must know which of the containing rows have matched, innermost containers and overlaps
///   keep the whole key; when that does not fit they end with an error. The other side streams.
/// * Output order: that of the side that streams, or for semi and anti joins that of the left side.
#[derive(Debug, Clone)]
pub struct SpanJoinExec {
    left: Arc<dyn ExecutionPlan>,
    right: Arc<dyn ExecutionPlan>,
    spec: SpanJoinSpec,
    /// The columns that come out, by their index among left columns and right columns; all of them if absent.
    projection: Option<Vec<usize>>,
    /// Whether the left and the right input declare the order that the merge needs.
    sorted: [bool; 2],
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    /// What is found of the width of the rows; nothing where nobody asks.
    widths: Option<Arc<RowWidths>>,
    metrics: ExecutionPlanMetricsSet,
}

impl SpanJoinExec {
    /// Plans the join.
    ///
    /// # Errors
    /// What [`SpanJoinSpec::validate`] finds.
    pub fn try_new(
        left: Arc<dyn ExecutionPlan>,
        right: Arc<dyn ExecutionPlan>,
        spec: SpanJoinSpec,
    ) -> Result<Self> {
        Self::with_columns(left, right, spec, None)
    }

    fn with_columns(
        left: Arc<dyn ExecutionPlan>,
        right: Arc<dyn ExecutionPlan>,
        spec: SpanJoinSpec,
        projection: Option<Vec<usize>>,
    ) -> Result<Self> {
        spec.validate(&left.schema(), &right.schema())?;
        let join_type = JoinType::from(spec.join);
        let mut schema = Arc::new(build_join_schema(&left.schema(), &right.schema(), &join_type).0);
        let on: Vec<_> = spec.on.iter().map(|&(l, r)| (column(&left, l), column(&right, r))).collect();
        let sorted = [
            Self::is_sorted(&left, &spec.left_columns(), spec.stores_left())?,
            Self::is_sorted(&right, &spec.right_columns(), !spec.stores_left())?,
        ];
        let mut equivalences = join_equivalence_properties(
            left.equivalence_properties().clone(),
            right.equivalence_properties().clone(),
            &join_type,
            Arc::clone(&schema),
            &maintained_order(&spec, sorted),
            None,
            &on,
        )?;
        let mut partitioning = left.output_partitioning().clone();
        if let Some(columns) = &projection {
            let mapping = ProjectionMapping::from_indices(columns, &schema)?;
            schema = Arc::new(schema.project(columns)?);
            partitioning = partitioning.project(&mapping, &equivalences);
            equivalences = equivalences.project(&mapping, Arc::clone(&schema));
        }
        let boundedness =
            if left.boundedness().is_unbounded() { left.boundedness() } else { right.boundedness() };
        let properties =
            Arc::new(PlanProperties::new(equivalences, partitioning, EmissionType::Incremental, boundedness));
        Ok(Self {
            left,
            right,
            spec,
            projection,
            sorted,
            schema,
            properties,
            widths: None,
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }

    /// The same join, which tells how wide its rows are where it sorts them.
    pub(crate) fn with_widths(self, widths: Option<Arc<RowWidths>>) -> Self {
        Self { widths, ..self }
    }

    /// The output columns, by their index among left columns and right columns.
    fn output_columns(&self) -> Vec<usize> {
        self.projection.clone().unwrap_or_else(|| (0..self.schema.fields().len()).collect())
    }

    /// What is joined.
    #[must_use]
    pub fn spec(&self) -> &SpanJoinSpec {
        &self.spec
    }

    /// Where each output column comes from.
    fn sources(&self) -> Vec<(Role, usize)> {
        let width = self.left.schema().fields().len();
        let (left, right) =
            if self.spec.stores_left() { (Role::Stored, Role::Probe) } else { (Role::Probe, Role::Stored) };
        let source = |index| if index < width { (left, index) } else { (right, index - width) };
        self.output_columns().into_iter().map(source).collect()
    }

    /// (keys, start) for the side that streams; (keys, start, end descending) for the side that is kept.
    fn ordering(input: &Arc<dyn ExecutionPlan>, columns: &InputColumns, stored: bool) -> Option<LexOrdering> {
        let ascending = columns.keys.iter().chain([&columns.start]);
        let mut order: Vec<_> =
            ascending.map(|index| PhysicalSortExpr::new(column(input, *index), KEY_ORDER)).collect();
        if stored {
            let descending = SortOptions { descending: true, nulls_first: true };
            order.push(PhysicalSortExpr::new(column(input, columns.end), descending));
        }
        LexOrdering::new(order)
    }

    fn is_sorted(input: &Arc<dyn ExecutionPlan>, columns: &InputColumns, stored: bool) -> Result<bool> {
        match Self::ordering(input, columns, stored) {
            Some(order) => input.equivalence_properties().ordering_satisfy(order),
            None => Ok(false),
        }
    }

    /// The rows of one partition of an input, in order.
    fn input(&self, side: usize, partition: usize, context: &Arc<TaskContext>) -> Result<SortedInput> {
        let (plan, columns) = match side {
            0 => (&self.left, self.spec.left_columns()),
            _ => (&self.right, self.spec.right_columns()),
        };
        let format = self.spec.left_columns().key_format(&self.left.schema())?;
        let mut stream = plan.execute(partition, Arc::clone(context))?;
        if !self.sorted.get(side).copied().unwrap_or(false) {
            let stored = self.spec.stores_left() == (side == 0);
            let Some(ordering) = Self::ordering(plan, &columns, stored) else {
                return internal_err!("SpanJoinExec has no order");
            };
            let consumer = MemoryConsumer::new(format!("SpanJoinExec[{partition}] {} input", columns.side));
            let sort = InputSort {
                columns: columns.clone(),
                format: format.clone(),
                ordering,
                reservation: consumer.with_can_spill(true).register(context.memory_pool()),
                context: Arc::clone(context),
                widths: self.widths.clone(),
                spills: SpillMetrics::new(&self.metrics, partition),
                elapsed: MetricBuilder::new(&self.metrics).subset_time("sort_time", partition),
            };
            stream = sorted(stream, sort);
        }
        let inverted = MetricBuilder::new(&self.metrics).counter("inverted_spans", partition);
        Ok(SortedInput::new(stream, columns, format, inverted))
    }

    fn span_join_metrics(&self, partition: usize) -> SpanJoinMetrics {
        let builder = || MetricBuilder::new(&self.metrics);
        SpanJoinMetrics {
            baseline: BaselineMetrics::new(&self.metrics, partition),
            groups: builder().counter("groups", partition),
            fallback_groups: builder().counter("fallback_groups", partition),
            pairs: builder().counter("pairs", partition),
            build_mem: builder().gauge("build_mem", partition),
        }
    }
}

/// A column of an input whose index has been validated.
fn column(input: &Arc<dyn ExecutionPlan>, index: usize) -> Arc<dyn PhysicalExpr> {
    let schema = input.schema();
    let name = schema.fields().get(index).map_or("", |field| field.name());
    Arc::new(Column::new(name, index))
}

impl ExecutionPlan for SpanJoinExec {
    fn name(&self) -> &'static str {
        "SpanJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        if self.spec.on.is_empty() {
            return InputDistributionRequirements::new(vec![Distribution::SinglePartition; 2]);
        }
        let keys =
            |input, columns: InputColumns| columns.keys.iter().map(|key| column(input, *key)).collect();
        InputDistributionRequirements::co_partitioned(vec![
            Distribution::KeyPartitioned(keys(&self.left, self.spec.left_columns())),
            Distribution::KeyPartitioned(keys(&self.right, self.spec.right_columns())),
        ])
    }

    /// An order that an input declares is asked for, so that dealing the rows out by keys keeps it.
    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let stores_left = self.spec.stores_left();
        let left = Self::ordering(&self.left, &self.spec.left_columns(), stores_left);
        let right = Self::ordering(&self.right, &self.spec.right_columns(), !stores_left);
        let declared = [left, right].into_iter().zip(self.sorted);
        declared.map(|(order, sorted)| order.filter(|_| sorted).map(OrderingRequirements::from)).collect()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        maintained_order(&self.spec, self.sorted)
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.left, &self.right]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let mut columns = Vec::new();
        for (input, used) in
            [(&self.left, self.spec.left_columns()), (&self.right, self.spec.right_columns())]
        {
            columns
                .extend(used.keys.iter().chain([&used.start, &used.end]).map(|index| column(input, *index)));
        }
        apply_expression_roots(&columns, f)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([left, right]) = <[Arc<dyn ExecutionPlan>; 2]>::try_from(children) else {
            return internal_err!("SpanJoinExec has two children");
        };
        Ok(Arc::new(match options.children_properties {
            ChildrenPropertiesMode::Keep => {
                Self { left, right, metrics: ExecutionPlanMetricsSet::new(), ..Self::clone(&self) }
            }
            ChildrenPropertiesMode::Recompute => {
                Self::with_columns(left, right, self.spec.clone(), self.projection.clone())?
                    .with_widths(self.widths.clone())
            }
        }))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let partitions = [&self.left, &self.right].map(|input| input.output_partitioning().partition_count());
        let [left_partitions, right_partitions] = partitions;
        if left_partitions != right_partitions {
            return plan_err!(
                "SpanJoinExec: the left input has {left_partitions} partitions and the right one \
                 {right_partitions}; plan it with DataFusion's EnforceDistribution rule"
            );
        }
        let stores_left = self.spec.stores_left();
        let left = self.input(0, partition, &context)?;
        let right = self.input(1, partition, &context)?;
        let (stored, probe) = if stores_left { (left, right) } else { (right, left) };
        let batch_size = context.session_config().batch_size();
        let output = Output::new(Arc::clone(&self.schema), self.sources(), batch_size);
        let reservation =
            MemoryConsumer::new(format!("SpanJoinExec[{partition}]")).register(context.memory_pool());
        let roles = Roles::of(&self.spec);
        let merge =
            SpanMerge::new(roles, stored, probe, output, reservation, self.span_join_metrics(partition));
        let batches = try_unfold(merge, |mut merge| async move {
            Ok(merge.next_batch().await?.map(|batch| (batch, merge)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition), ChildStats::At(partition)]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let [left, right] = inputs else {
            return internal_err!("SpanJoinExec needs the statistics of two inputs");
        };
        Ok(Arc::new(estimated(&self.spec, [left, right], &self.output_columns())))
    }

    fn try_swapping_with_projection(
        &self,
        projection: &ProjectionExec,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if self.projection.is_some() {
            return Ok(None);
        }
        try_embed_projection(projection, self)
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        match self.spec.join {
            SpanJoinKind::LeftSemi | SpanJoinKind::LeftAnti => CardinalityEffect::LowerEqual,
            SpanJoinKind::Inner | SpanJoinKind::Left => CardinalityEffect::Unknown,
        }
    }
}

impl EmbeddedProjection for SpanJoinExec {
    fn with_projection(&self, projection: Option<Vec<usize>>) -> Result<Self> {
        Self::with_columns(Arc::clone(&self.left), Arc::clone(&self.right), self.spec.clone(), projection)
    }
}
