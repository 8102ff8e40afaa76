//! Views that are computed once and read many times.
//!
//! To every reader a shared view is a leaf. Nothing a reader's plan does (pushing filters, pruning columns,
//! planning the same subtree twice) can reach the view's own plan, and a reader may be executed any number of
//! times: each execution is a new cursor over the stored batches.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchemaRef, Result, Statistics, exec_err, internal_err, plan_err};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, SendableRecordBatchStream,
};
use futures::TryStreamExt;

use super::store::SharedStore;
use crate::semantics::without_dependencies;

/// A reader of a shared view. Two readers of one view are equal.
#[derive(Clone)]
pub struct SharedViewNode {
    view: String,
    definition: Arc<LogicalPlan>,
    /// That of the definition, without what the definition claims of its rows before it is analyzed.
    schema: DFSchemaRef,
}

impl SharedViewNode {
    /// A reader of the view with this definition.
    ///
    /// # Errors
    /// When DataFusion refuses the schema.
    pub fn try_new(view: &str, definition: Arc<LogicalPlan>) -> Result<Self> {
        Ok(Self { view: view.to_owned(), schema: without_dependencies(definition.schema())?, definition })
    }

    /// The name of the view.
    #[must_use]
    pub fn view(&self) -> &str {
        &self.view
    }

    /// The plan that computes the view; it is not an input of this node.
    #[must_use]
    pub fn definition(&self) -> &Arc<LogicalPlan> {
        &self.definition
    }
}

impl PartialEq for SharedViewNode {
    fn eq(&self, other: &Self) -> bool {
        self.view == other.view
    }
}

impl Eq for SharedViewNode {}

impl Hash for SharedViewNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.view.hash(state);
    }
}

impl PartialOrd for SharedViewNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.view.cmp(&other.view))
    }
}

impl fmt::Debug for SharedViewNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedView({})", self.view)
    }
}

impl UserDefinedLogicalNodeCore for SharedViewNode {
    fn name(&self) -> &'static str {
        "SharedView"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        Vec::new()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedView: {}", self.view)
    }

    fn with_exprs_and_inputs(&self, _expressions: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        if inputs.is_empty() { Ok(self.clone()) } else { plan_err!("a shared view has no inputs") }
    }
}

/// Reads the batches a shared view's segment stored.
#[derive(Debug)]
pub struct SharedViewExec {
    view: String,
    store: Option<Arc<SharedStore>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl SharedViewExec {
    /// A reader of a filled store.
    #[must_use]
    pub fn new(view: &str, store: Arc<SharedStore>) -> Self {
        store.add_reader();
        let properties = store.properties();
        Self {
            view: view.to_owned(),
            store: Some(store),
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// Where the rows are, if something computed the view.
    pub(crate) fn store(&self) -> Option<&Arc<SharedStore>> {
        self.store.as_ref()
    }

    /// A reader that can be shown but not executed, because nothing computed the view.
    #[must_use]
    pub fn unfilled(view: &str, schema: SchemaRef, partitions: usize) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            view: view.to_owned(),
            store: None,
            properties: Arc::new(properties.with_scheduling_type(SchedulingType::NonCooperative)),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for SharedViewExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "SharedViewExec: {}", self.view)
            }
            DisplayFormatType::TreeRender => write!(f, "view={}", self.view),
        }
    }
}

impl ExecutionPlan for SharedViewExec {
    fn name(&self) -> &'static str {
        "SharedViewExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
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
        if children.is_empty() { Ok(self) } else { internal_err!("SharedViewExec has no children") }
    }

    fn execute(&self, partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(store) = &self.store else {
            return exec_err!("the view `{}` is read by a plan that was made for display", self.view);
        };
        let batches = store.partition(partition)?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let batches = batches.map_ok(move |batch| batch.record_output(&metrics));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        match &self.store {
            Some(store) => store.statistics(args.partition()).map(Arc::new),
            None => Ok(Arc::new(Statistics::new_unknown(&self.schema()))),
        }
    }
}
