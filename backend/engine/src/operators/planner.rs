//! From logical nodes to physical operators: DataFusion's planner, ours for our nodes, the Delta library's for its own, and
//! those that a program has added to the session for nodes of theirs.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{Result, internal_err, plan_err};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use deltalake::delta_datafusion::planner::DeltaExtensionPlanner;

use super::dependencies::ForgottenDependencies;
use super::leaf::{
    PlannedPart, PlannedParts, RowSource as _, StoredView, ViewReader, ViewReaderNode, WrittenNode,
};
use super::outputs::{CheckNode, OutputsNode, WriteNode};
use super::span_join::SpanJoinNode;
use super::store::RunStores;
use crate::session::AddedPlanners;

/// The query planner of a session, or of one segment with what its leaves read.
#[derive(Clone, Debug, Default)]
pub(crate) struct EnginePlanner {
    nodes: Arc<NodePlanner>,
}

impl EnginePlanner {
    /// The planner of one segment of a run, or of a segment that is shown: nothing has computed shared views then.
    pub(crate) fn of_segment(stores: Option<Arc<RunStores>>) -> Self {
        Self { nodes: Arc::new(NodePlanner { stores, parts: PlannedParts::default() }) }
    }

    /// The parts of the segment that are planned. Each is there before it is read.
    pub(crate) fn parts(&self) -> &PlannedParts {
        &self.nodes.parts
    }
}

#[async_trait]
impl QueryPlanner for EnginePlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let nodes = Arc::clone(&self.nodes) as Arc<dyn ExtensionPlanner + Send + Sync>;
        let mut planners = vec![nodes, DeltaExtensionPlanner::new()];
        if let Some(added) = session.config().get_extension::<AddedPlanners>() {
            planners.extend(added.0.iter().map(Arc::clone));
        }
        DefaultPhysicalPlanner::with_extension_planners(planners).create_physical_plan(plan, session).await
    }
}

/// Plans the nodes of this crate.
#[derive(Debug, Default)]
struct NodePlanner {
    /// Where the rows of shared views are.
    stores: Option<Arc<RunStores>>,
    parts: PlannedParts,
}

#[async_trait]
impl ExtensionPlanner for NodePlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        _context: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if let Some(node) = node.as_any().downcast_ref::<ViewReaderNode>() {
            return match node.kind() {
                ViewReader::Shared => Ok(Some(self.shared_view(node, session))),
                ViewReader::Part => self.part(node, planner, session).await.map(Some),
            };
        }
        if let Some(node) = node.as_any().downcast_ref::<WrittenNode>() {
            return self.written(node, session).await.map(Some);
        }
        if let Some(node) = node.as_any().downcast_ref::<SpanJoinNode>() {
            return match (logical_inputs, physical_inputs) {
                ([left, right], [left_plan, right_plan]) => {
                    node.plan([left, right], [Arc::clone(left_plan), Arc::clone(right_plan)]).map(Some)
                }
                _ => plan_err!("a span join has two inputs"),
            };
        }
        if let Some(node) = node.as_any().downcast_ref::<WriteNode>() {
            return match physical_inputs {
                [input] => Ok(Some(node.plan(Arc::clone(input)))),
                _ => plan_err!("a write has one input"),
            };
        }
        if node.as_any().is::<ForgottenDependencies>() || node.as_any().is::<CheckNode>() {
            return match physical_inputs {
                [input] => Ok(Some(Arc::clone(input))),
                _ => plan_err!("{} has one input", node.name()),
            };
        }
        if node.as_any().is::<OutputsNode>() {
            return plan_err!("outputs are run one by one; the root of a DAG is for display");
        }
        Ok(None)
    }
}

impl NodePlanner {
    fn shared_view(&self, node: &ViewReaderNode, session: &dyn Session) -> Arc<dyn ExecutionPlan> {
        match self.stores.as_ref().and_then(|stores| stores.get(node.view())) {
            Some(store) => StoredView::new(node.view(), store).leaf(),
            None => {
                let schema = Arc::clone(node.definition().schema().inner());
                StoredView::unfilled(node.view(), schema, session.config().target_partitions()).leaf()
            }
        }
    }

    /// The operator for a reader of the table of an output as it will be.
    async fn written(&self, node: &WrittenNode, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        match self.stores.as_ref().and_then(|stores| stores.written(node.table())) {
            Some(table) => node.scan(table.as_ref(), session).await,
            None => {
                let schema = Arc::clone(node.columns().inner());
                Ok(StoredView::unfilled(node.table(), schema, session.config().target_partitions()).leaf())
            }
        }
    }

    /// The operator for a reader of a part. Parts are cut where there is one reader, but a query may read its input more
    /// than once, and DataFusion may copy a subquery; then the part is planned again, and computed as often as it is read.
    ///
    /// # Errors
    /// When the part was not planned before.
    async fn part(
        &self,
        node: &ViewReaderNode,
        planner: &dyn PhysicalPlanner,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = match self.parts.take(node.view()) {
            Some(Ok(operators)) => operators,
            Some(Err(logical)) => planner.create_physical_plan(&logical, session).await?,
            None => {
                return internal_err!(
                    "the part `{}` of a segment is not planned where it is read",
                    node.view()
                );
            }
        };
        Ok(PlannedPart::new(node.view(), plan).leaf())
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
        let state = session.state();
        let rows = vec![vec![lit(1_i64)], vec![lit(2_i64)], vec![lit(3_i64)]];
        let part = LogicalPlanBuilder::values(rows).unwrap().build().unwrap();
        let planner = EnginePlanner::of_segment(None);
        let operators = planner.create_physical_plan(&part, state).await.unwrap();
        planner.parts().insert("v", part.clone(), operators);
        let definition = Arc::new(part);
        let reader = || {
            let node = ViewReaderNode::try_new(ViewReader::Part, "v", Arc::clone(&definition)).unwrap();
            LogicalPlanBuilder::from(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
        };
        let twice = reader().union(reader().build().unwrap()).unwrap().build().unwrap();
        let plan = planner.create_physical_plan(&twice, state).await.unwrap();
        let batches = collect(plan, state.task_ctx()).await.unwrap();
        assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 6);
    }
}
