//! The physical operator of a leaf, and what it asks of a source.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};

/// Where the rows of a leaf come from.
pub trait RowSource: fmt::Debug + Send + Sync + Any {
    /// The operator that gives the rows.
    fn leaf(self) -> Arc<dyn ExecutionPlan>
    where
        Self: Sized,
    {
        Arc::new(RowsExec { source: Box::new(self), metrics: ExecutionPlanMetricsSet::new() })
    }

    /// The name of the leaf in plans and measures.
    fn name(&self) -> &'static str;

    /// The view whose rows they are.
    fn view(&self) -> Option<&str> {
        None
    }

    /// The columns, the partitions, the order.
    fn properties(&self) -> &Arc<PlanProperties>;

    /// The rows of a partition. What is measured of them goes to `metrics`.
    ///
    /// # Errors
    /// When the rows are not there.
    fn rows(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<SendableRecordBatchStream>;

    /// What is known of the rows.
    ///
    /// # Errors
    /// When it cannot be read.
    fn statistics(&self, _args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        Ok(Arc::new(Statistics::new_unknown(self.properties().equivalence_properties().schema())))
    }

    /// The expressions that are computed for each row.
    ///
    /// # Errors
    /// Those of `visit`.
    fn visit_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    /// The plan whose operators give the rows.
    fn plan(&self) -> Option<&Arc<dyn ExecutionPlan>> {
        None
    }

    /// A leaf that gives the rows from the beginning; nothing where this one does.
    ///
    /// # Errors
    /// When operators cannot begin anew.
    fn anew(&self) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        Ok(None)
    }
}

/// Gives the rows of a [`RowSource`]; made by [`RowSource::leaf`].
#[derive(Debug)]
pub struct RowsExec {
    source: Box<dyn RowSource>,
    metrics: ExecutionPlanMetricsSet,
}

/// The source of a leaf, if it is one of this kind.
pub(crate) fn source_of<S: RowSource>(plan: &Arc<dyn ExecutionPlan>) -> Option<&S> {
    let source: &dyn Any = plan.downcast_ref::<RowsExec>()?.source.as_ref();
    source.downcast_ref()
}

/// The view whose rows a leaf gives, and the plan that runs in its place.
pub(crate) fn behind(plan: &Arc<dyn ExecutionPlan>) -> Option<(&str, &Arc<dyn ExecutionPlan>)> {
    let source = &plan.downcast_ref::<RowsExec>()?.source;
    source.view().zip(source.plan())
}

/// What runs where this operator stands in a plan.
pub(crate) fn seen(mut plan: &Arc<dyn ExecutionPlan>) -> &Arc<dyn ExecutionPlan> {
    while let Some((_, instead)) = behind(plan) {
        plan = instead;
    }
    plan
}

/// The operators whose rows an operator reads, also where it hides them from the rules of planning.
pub(crate) fn inputs(plan: &Arc<dyn ExecutionPlan>) -> Vec<&Arc<dyn ExecutionPlan>> {
    plan.children().into_iter().chain(delta::hidden_input(plan.as_ref())).map(seen).collect()
}

impl DisplayAs for RowsExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let view = self.source.view();
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                f.write_str(self.source.name())?;
                view.map_or(Ok(()), |view| write!(f, ": {view}"))
            }
            DisplayFormatType::TreeRender => view.map_or(Ok(()), |view| write!(f, "view={view}")),
        }
    }
}

impl ExecutionPlan for RowsExec {
    fn name(&self) -> &'static str {
        self.source.name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.source.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.source.visit_expressions(visit)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("{} has no children", self.source.name()) }
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.source.anew()?.unwrap_or(self))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.source.rows(partition, context, &self.metrics)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        self.source.statistics(args)
    }
}
