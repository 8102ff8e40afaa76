//! [`SpanJoinExec`]: the span join as a DataFusion operator.

use std::fmt;
use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{ColumnStatistics, JoinType, Result, Statistics, internal_err, plan_err};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::equivalence::join_equivalence_properties;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    Distribution, LexOrdering, OrderingRequirements, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::{CardinalityEffect, EmissionType};
use datafusion::physical_plan::joins::utils::build_join_schema;
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildStats, ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties,
    InputDistributionRequirements, PlanProperties, ReplaceChildrenOptions, StatisticsArgs,
    apply_expression_roots,
};
use futures::stream::try_unfold;

use super::gather::Output;
use super::input::{InputColumns, KEY_ORDER, SortedInput};
use super::stream::{Roles, SpanJoinMetrics, SpanMerge};
use super::sweep::Wanted;
use super::{SpanJoinKind, SpanJoinSpec, SpanRelation};

/// Joins two inputs by their spans; see the module documentation for the semantics.
///
/// * Output: left columns, then right columns; left columns only for semi and anti joins. Nullability follows
///   the join kind.
/// * Distribution: both inputs hash-partitioned by the keys and co-partitioned; one partition without keys.
/// * Ordering: the containing side by (keys, start, end descending), the other by (keys, start); NULL last
///   except for the descending end. For `Overlaps` and `Equals` the right side counts as containing.
/// * Memory: the rows of one key on the containing side, reserved in the memory pool. The rest streams.
/// * Output order: that of the side that streams, or for semi and anti joins that of the left side.
#[derive(Debug, Clone)]
pub struct SpanJoinExec {
    left: Arc<dyn ExecutionPlan>,
    right: Arc<dyn ExecutionPlan>,
    spec: SpanJoinSpec,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
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
        spec.validate(&left.schema(), &right.schema())?;
        let join_type = JoinType::from(spec.join);
        let schema = Arc::new(build_join_schema(&left.schema(), &right.schema(), &join_type).0);
        let on: Vec<_> = spec.on.iter().map(|&(l, r)| (column(&left, l), column(&right, r))).collect();
        let equivalences = join_equivalence_properties(
            left.equivalence_properties().clone(),
            right.equivalence_properties().clone(),
            &join_type,
            Arc::clone(&schema),
            &maintained_order(&spec),
            None,
            &on,
        )?;
        let boundedness =
            if left.boundedness().is_unbounded() { left.boundedness() } else { right.boundedness() };
        let properties = Arc::new(PlanProperties::new(
            equivalences,
            left.output_partitioning().clone(),
            EmissionType::Incremental,
            boundedness,
        ));
        Ok(Self { left, right, spec, schema, properties, metrics: ExecutionPlanMetricsSet::new() })
    }

    /// What is joined.
    #[must_use]
    pub fn spec(&self) -> &SpanJoinSpec {
        &self.spec
    }

    fn left_columns(&self) -> InputColumns {
        let keys = self.spec.on.iter().map(|(left, _)| *left).collect();
        InputColumns { side: "left", keys, start: self.spec.left_start, end: self.spec.left_end }
    }

    fn right_columns(&self) -> InputColumns {
        let keys = self.spec.on.iter().map(|(_, right)| *right).collect();
        InputColumns { side: "right", keys, start: self.spec.right_start, end: self.spec.right_end }
    }

    /// (keys, start) for the side that streams; (keys, start, end descending) for the side that is kept.
    fn ordering(
        input: &Arc<dyn ExecutionPlan>,
        columns: &InputColumns,
        stored: bool,
    ) -> Option<OrderingRequirements> {
        let ascending = columns.keys.iter().chain([&columns.start]);
        let mut order: Vec<_> =
            ascending.map(|index| PhysicalSortExpr::new(column(input, *index), KEY_ORDER)).collect();
        if stored {
            let descending = SortOptions { descending: true, nulls_first: true };
            order.push(PhysicalSortExpr::new(column(input, columns.end), descending));
        }
        LexOrdering::new(order).map(OrderingRequirements::from)
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

    /// The relation and the columns in words.
    fn condition(&self) -> String {
        let name = |input: &Arc<dyn ExecutionPlan>, index: usize| column(input, index).to_string();
        let spec = &self.spec;
        format!(
            "[{}, {}) {} [{}, {})",
            name(&self.left, spec.left_start),
            name(&self.left, spec.left_end),
            spec.relation,
            name(&self.right, spec.right_start),
            name(&self.right, spec.right_end),
        )
    }

    fn key_pairs(&self) -> String {
        let pairs = self.spec.on.iter();
        let pairs = pairs.map(|&(l, r)| format!("({}, {})", column(&self.left, l), column(&self.right, r)));
        pairs.collect::<Vec<_>>().join(", ")
    }
}

/// A column of an input whose index has been validated.
fn column(input: &Arc<dyn ExecutionPlan>, index: usize) -> Arc<dyn PhysicalExpr> {
    let schema = input.schema();
    let name = schema.fields().get(index).map_or("", |field| field.name());
    Arc::new(Column::new(name, index))
}

/// Whether the output has the order of the left and of the right input.
fn maintained_order(spec: &SpanJoinSpec) -> Vec<bool> {
    match (spec.stores_left(), spec.join) {
        (true, SpanJoinKind::Inner) => vec![false, true],
        (true, SpanJoinKind::Left) => vec![false, false],
        (true, SpanJoinKind::LeftSemi | SpanJoinKind::LeftAnti) | (false, _) => vec![true, false],
    }
}

impl DisplayAs for SpanJoinExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join_type = JoinType::from(self.spec.join);
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(
                    f,
                    "SpanJoinExec: join_type={join_type}, on=[{}], {}",
                    self.key_pairs(),
                    self.condition()
                )?;
                if self.spec.innermost {
                    write!(f, ", innermost")?;
                }
                Ok(())
            }
            DisplayFormatType::TreeRender => {
                writeln!(f, "join_type={join_type}")?;
                if !self.spec.on.is_empty() {
                    writeln!(f, "on={}", self.key_pairs())?;
                }
                writeln!(f, "span={}", self.condition())?;
                if self.spec.innermost {
                    writeln!(f, "innermost=true")?;
                }
                Ok(())
            }
        }
    }
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
            Distribution::KeyPartitioned(keys(&self.left, self.left_columns())),
            Distribution::KeyPartitioned(keys(&self.right, self.right_columns())),
        ])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let stores_left = self.spec.stores_left();
        vec![
            Self::ordering(&self.left, &self.left_columns(), stores_left),
            Self::ordering(&self.right, &self.right_columns(), !stores_left),
        ]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        maintained_order(&self.spec)
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.left, &self.right]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let mut columns = Vec::new();
        for (input, used) in [(&self.left, self.left_columns()), (&self.right, self.right_columns())] {
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
            ChildrenPropertiesMode::Recompute => Self::try_new(left, right, self.spec.clone())?,
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
        let format = self.left_columns().key_format(&self.left.schema())?;
        let inverted = MetricBuilder::new(&self.metrics).counter("inverted_spans", partition);
        let input = |plan: &Arc<dyn ExecutionPlan>, columns: InputColumns| {
            let stream = plan.execute(partition, Arc::clone(&context))?;
            Ok::<_, datafusion::common::DataFusionError>(SortedInput::new(
                stream,
                columns,
                format.clone(),
                inverted.clone(),
            ))
        };
        let left = input(&self.left, self.left_columns())?;
        let right = input(&self.right, self.right_columns())?;
        let schemas = (self.left.schema(), self.right.schema());
        let (stored, probe, schemas) =
            if stores_left { (left, right, schemas) } else { (right, left, (schemas.1, schemas.0)) };
        let wanted = match self.spec.relation {
            SpanRelation::Contains | SpanRelation::Within if self.spec.innermost => Wanted::Innermost,
            SpanRelation::Contains | SpanRelation::Within => Wanted::Containers,
            SpanRelation::Overlaps => Wanted::Overlapping,
            SpanRelation::Equals => Wanted::Equal,
        };
        let left_only = matches!(self.spec.join, SpanJoinKind::LeftSemi | SpanJoinKind::LeftAnti);
        let batch_size = context.session_config().batch_size();
        let output = Output::new(Arc::clone(&self.schema), batch_size, schemas, stores_left, left_only);
        let reservation =
            MemoryConsumer::new(format!("SpanJoinExec[{partition}]")).register(context.memory_pool());
        let roles = Roles { wanted, kind: self.spec.join, stored_is_left: stores_left };
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

    /// Rows are estimated, never exact: semi and anti joins return at most the left rows, an innermost join
    /// about one row per contained row, other joins are taken to return as many rows as the larger input.
    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let [left, right] = inputs else {
            return internal_err!("SpanJoinExec needs the statistics of two inputs");
        };
        let (left_rows, right_rows) = (left.num_rows, right.num_rows);
        let rows = match (self.spec.join, self.spec.innermost, self.spec.relation) {
            (SpanJoinKind::LeftSemi | SpanJoinKind::LeftAnti, _, _) => left_rows,
            (SpanJoinKind::Inner, true, SpanRelation::Contains) => right_rows,
            (_, true, SpanRelation::Within) => left_rows,
            _ => left_rows.max(&right_rows),
        };
        let kept = |input: &Statistics| -> Vec<ColumnStatistics> {
            input.column_statistics.iter().map(subset_statistics).collect()
        };
        let mut column_statistics = kept(left);
        if column_statistics.len() < self.schema.fields().len() {
            column_statistics.extend(kept(right));
        }
        Ok(Arc::new(Statistics {
            num_rows: rows.to_inexact(),
            total_byte_size: Precision::Absent,
            column_statistics,
        }))
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        match self.spec.join {
            SpanJoinKind::LeftSemi | SpanJoinKind::LeftAnti => CardinalityEffect::LowerEqual,
            SpanJoinKind::Inner | SpanJoinKind::Left => CardinalityEffect::Unknown,
        }
    }
}

/// What still holds of a column when its rows are selected and repeated: the range of its values, as a bound.
fn subset_statistics(column: &ColumnStatistics) -> ColumnStatistics {
    ColumnStatistics {
        min_value: column.min_value.clone().to_inexact(),
        max_value: column.max_value.clone().to_inexact(),
        distinct_count: column.distinct_count.to_inexact(),
        ..ColumnStatistics::new_unknown()
    }
}
