//! The border between two parts of a segment: a leaf above, a root below.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchemaRef, Result, Statistics, internal_err, plan_err};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};

/// A part of a segment, where the next part reads it. Each part is read once.
#[derive(Clone)]
pub struct PartNode {
    view: String,
    definition: Arc<LogicalPlan>,
}

impl PartNode {
    /// The reader of the part that computes this view.
    #[must_use]
    pub fn new(view: &str, definition: Arc<LogicalPlan>) -> Self {
        Self { view: view.to_owned(), definition }
    }

    /// The plan of the part; it is not an input of this node.
    #[must_use]
    pub fn definition(&self) -> &Arc<LogicalPlan> {
        &self.definition
    }
}

impl PartialEq for PartNode {
    fn eq(&self, other: &Self) -> bool {
        self.view == other.view
    }
}

impl Eq for PartNode {}

impl Hash for PartNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.view.hash(state);
    }
}

impl PartialOrd for PartNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.view.cmp(&other.view))
    }
}

impl fmt::Debug for PartNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Part({})", self.view)
    }
}

impl UserDefinedLogicalNodeCore for PartNode {
    fn name(&self) -> &'static str {
        "Part"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        Vec::new()
    }

    fn schema(&self) -> &DFSchemaRef {
        self.definition.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Part: {}", self.view)
    }

    fn with_exprs_and_inputs(&self, _expressions: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        if inputs.is_empty() { Ok(self.clone()) } else { plan_err!("a part of a segment has no inputs") }
    }
}

/// The parts of a segment that are planned and not yet read, by view; an extension of the session that plans the
/// segment.
#[derive(Default)]
pub(super) struct PlannedParts(Mutex<HashMap<String, Arc<dyn ExecutionPlan>>>);

impl PlannedParts {
    pub(super) fn insert(&self, view: &str, plan: Arc<dyn ExecutionPlan>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(view.to_owned(), plan);
    }

    /// Takes the part: a plan may be executed by one reader only.
    fn take(&self, view: &str) -> Option<Arc<dyn ExecutionPlan>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(view)
    }
}

/// The operator for a reader of a part.
///
/// # Errors
/// When the part was not planned before, or is read already.
pub(crate) fn part_reader(node: &PartNode, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
    let parts = session.config().get_extension::<PlannedParts>();
    match parts.and_then(|parts| parts.take(&node.view)) {
        Some(plan) => Ok(Arc::new(PartExec::new(&node.view, plan))),
        None => internal_err!("the part `{}` of a segment is not planned where it is read", node.view),
    }
}

/// Gives the rows of a part, partition by partition. The plan of the part is no child of this operator, so that no
/// rule of the reading part walks into it.
pub struct PartExec {
    view: String,
    plan: Arc<dyn ExecutionPlan>,
    /// By partition; all partitions together without one. They are asked for by every join above.
    statistics: Mutex<HashMap<Option<usize>, Arc<Statistics>>>,
}

impl PartExec {
    fn new(view: &str, plan: Arc<dyn ExecutionPlan>) -> Self {
        Self { view: view.to_owned(), plan, statistics: Mutex::default() }
    }

    /// The view the part computes.
    #[must_use]
    pub fn view(&self) -> &str {
        &self.view
    }

    /// The plan of the part.
    #[must_use]
    pub fn plan(&self) -> &Arc<dyn ExecutionPlan> {
        &self.plan
    }
}

impl fmt::Debug for PartExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartExec({})", self.view)
    }
}

impl DisplayAs for PartExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => write!(f, "PartExec: {}", self.view),
            DisplayFormatType::TreeRender => write!(f, "view={}", self.view),
        }
    }
}

impl ExecutionPlan for PartExec {
    fn name(&self) -> &'static str {
        "PartExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.plan.properties()
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
        if children.is_empty() { Ok(self) } else { internal_err!("PartExec has no children") }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.plan.execute(partition, context)
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let known = |statistics: &Mutex<HashMap<_, Arc<Statistics>>>| {
            let found = statistics.lock().unwrap_or_else(PoisonError::into_inner);
            found.get(&args.partition()).map(Arc::clone)
        };
        if let Some(found) = known(&self.statistics) {
            return Ok(found);
        }
        let computed = StatisticsContext::new().compute(self.plan.as_ref(), args)?;
        let mut found = self.statistics.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert(args.partition(), Arc::clone(&computed));
        Ok(computed)
    }
}
