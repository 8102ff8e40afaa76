//! From our logical nodes to physical operators.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::outputs::{OutputsNode, WriteNode};
use super::shared_view::{SharedViewExec, SharedViewNode};
use super::span_join_node::SpanJoinNode;
use super::store::RunStores;
use crate::planning::{PartNode, part_reader};
use crate::semantics::ForgottenDependencies;

/// Plans the nodes of this crate.
#[derive(Debug)]
pub(crate) struct OperatorPlanner;

#[async_trait]
impl ExtensionPlanner for OperatorPlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        _context: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if let Some(node) = node.as_any().downcast_ref::<SharedViewNode>() {
            return Ok(Some(reader(node, session)));
        }
        if let Some(node) = node.as_any().downcast_ref::<PartNode>() {
            return part_reader(node, planner, session).await.map(Some);
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
                [input] => Ok(Some(Arc::new(node.plan(Arc::clone(input))))),
                _ => plan_err!("a write has one input"),
            };
        }
        if node.as_any().is::<ForgottenDependencies>() {
            return match physical_inputs {
                [input] => Ok(Some(Arc::clone(input))),
                _ => plan_err!("ForgottenDependencies has one input"),
            };
        }
        if node.as_any().is::<OutputsNode>() {
            return plan_err!("outputs are run one by one; the root of a DAG is for display");
        }
        Ok(None)
    }
}

fn reader(node: &SharedViewNode, session: &dyn Session) -> Arc<dyn ExecutionPlan> {
    let stores = session.config().get_extension::<RunStores>();
    match stores.and_then(|stores| stores.get(node.view())) {
        Some(store) => Arc::new(SharedViewExec::new(node.view(), store)),
        None => {
            let schema = Arc::clone(node.definition().schema().inner());
            Arc::new(SharedViewExec::unfilled(node.view(), schema, session.config().target_partitions()))
        }
    }
}
