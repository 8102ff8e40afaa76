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
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use datafusion::physical_planner::PhysicalPlanner;

use crate::semantics::without_dependencies;

/// A part of a segment, where the next part reads it.
#[derive(Clone)]
pub struct PartNode {
    view: String,
    definition: Arc<LogicalPlan>,
    /// That of the definition, without what the definition claims of its rows before it is analyzed.
    schema: DFSchemaRef,
}

impl PartNode {
    /// The reader of the part that computes this view.
    ///
    /// # Errors
    /// When DataFusion refuses the schema.
    pub fn try_new(view: &str, definition: Arc<LogicalPlan>) -> Result<Self> {
        Ok(Self { view: view.to_owned(), schema: without_dependencies(definition.schema())?, definition })
    }

    /// The view that the part computes.
    pub(crate) fn view(&self) -> &str {
        &self.view
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
        &self.schema
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

/// The planned parts of a segment, by view; an extension of the session that plans the segment.
#[derive(Default)]
pub(super) struct PlannedParts(Mutex<HashMap<String, Planned>>);

/// A part that is planned.
struct Planned {
    /// The optimized plan.
    logical: LogicalPlan,
    /// The operators, until somebody reads them: they may be executed by one reader only.
    operators: Option<Arc<dyn ExecutionPlan>>,
}

impl PlannedParts {
    pub(super) fn insert(&self, view: &str, logical: LogicalPlan, operators: Arc<dyn ExecutionPlan>) {
        let planned = Planned { logical, operators: Some(operators) };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(view.to_owned(), planned);
    }

    /// The operators of a part for its first reader, its optimized plan for every other.
    fn take(&self, view: &str) -> Option<Result<Arc<dyn ExecutionPlan>, LogicalPlan>> {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let planned = parts.get_mut(view)?;
        Some(planned.operators.take().ok_or_else(|| planned.logical.clone()))
    }
}

/// The operator for a reader of a part. Parts are cut where there is one reader, but a query may read its input more
/// than once, and DataFusion may copy a subquery; then the part is planned again, and computed as often as it is read.
///
/// # Errors
/// When the part was not planned before.
pub(crate) async fn part_reader(
    node: &PartNode,
    planner: &dyn PhysicalPlanner,
    session: &dyn Session,
) -> Result<Arc<dyn ExecutionPlan>> {
    let parts = session.config().get_extension::<PlannedParts>();
    let plan = match parts.and_then(|parts| parts.take(&node.view)) {
        Some(Ok(operators)) => operators,
        Some(Err(logical)) => planner.create_physical_plan(&logical, session).await?,
        None => {
            return internal_err!("the part `{}` of a segment is not planned where it is read", node.view);
        }
    };
    Ok(Arc::new(PartExec::new(&node.view, plan)))
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
    pub(crate) fn new(view: &str, plan: Arc<dyn ExecutionPlan>) -> Self {
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

    /// The operators of the part begin anew with those that read it.
    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(&self.view, reset_plan_states(Arc::clone(&self.plan))?)))
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

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{Extension, LogicalPlanBuilder, lit};
    use datafusion::physical_plan::collect;

    use super::*;
    use crate::{Session, SessionOptions};

    /// A query may read its input twice, and DataFusion copies the plans of subqueries.
    #[tokio::test]
    async fn a_part_gives_all_its_rows_to_every_reader() {
        let session = Session::new(SessionOptions::for_this_machine()).unwrap();
        let mut state = session.state().clone();
        let rows = vec![vec![lit(1_i64)], vec![lit(2_i64)], vec![lit(3_i64)]];
        let part = LogicalPlanBuilder::values(rows).unwrap().build().unwrap();
        let planned = Arc::new(PlannedParts::default());
        state.config_mut().set_extension(Arc::clone(&planned));
        let planner = Arc::clone(state.query_planner());
        planned.insert("v", part.clone(), planner.create_physical_plan(&part, &state).await.unwrap());
        let definition = Arc::new(part);
        let reader = || {
            let node = Arc::new(PartNode::try_new("v", Arc::clone(&definition)).unwrap());
            LogicalPlanBuilder::from(LogicalPlan::Extension(Extension { node }))
        };
        let twice = reader().union(reader().build().unwrap()).unwrap().build().unwrap();
        let plan = planner.create_physical_plan(&twice, &state).await.unwrap();
        let batches = collect(plan, state.task_ctx()).await.unwrap();
        assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 6);
    }
}
