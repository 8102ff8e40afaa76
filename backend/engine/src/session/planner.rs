//! Physical planning: DataFusion's planner, ours for our nodes, the Delta library's for its own.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use deltalake::delta_datafusion::planner::DeltaExtensionPlanner;

use crate::operators::OperatorPlanner;

/// The query planner of every session.
#[derive(Debug)]
pub(super) struct EnginePlanner;

#[async_trait]
impl QueryPlanner for EnginePlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        DefaultPhysicalPlanner::with_extension_planners(vec![
            Arc::new(OperatorPlanner),
            DeltaExtensionPlanner::new(),
        ])
        .create_physical_plan(plan, session)
        .await
    }
}
