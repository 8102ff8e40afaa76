//! The session in which one segment is planned.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProviderList, Session};
use datafusion::common::config::TableOptions;
use datafusion::common::{DFSchema, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::registry::ExtensionTypeRegistryRef;
use datafusion::logical_expr::{AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, WindowUDF};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::operator_statistics::StatisticsRegistry;
use datafusion::prelude::SessionConfig;

use crate::operators::EnginePlanner;

/// A rule of the physical optimizer.
type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// A state with other rules and another planner. A state cannot be given these without registering all of its functions anew,
/// which would be done for each of hundreds of segments.
pub(super) struct SegmentSession {
    state: SessionState,
    rules: Vec<Rule>,
    planner: EnginePlanner,
}

impl SegmentSession {
    pub(super) fn new(state: SessionState, rules: Vec<Rule>, planner: EnginePlanner) -> Self {
        Self { state, rules, planner }
    }

    /// What operators are run with that are planned in this session.
    pub(super) fn task_context(&self) -> Arc<TaskContext> {
        self.state.task_ctx()
    }
}

#[async_trait]
impl Session for SegmentSession {
    fn physical_optimizers(&self) -> &[Rule] {
        &self.rules
    }

    fn query_planner(&self) -> Arc<dyn QueryPlanner + Send + Sync> {
        Arc::new(self.planner.clone())
    }

    async fn create_physical_plan(&self, plan: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>> {
        self.planner.create_physical_plan(&self.state.optimize(plan)?, self).await
    }

    /// Whoever asks for a state gets that of the session: the Delta library takes no other kind of session.
    fn as_any(&self) -> &dyn Any {
        &self.state
    }

    fn session_id(&self) -> &str {
        self.state.session_id()
    }

    fn config(&self) -> &SessionConfig {
        self.state.config()
    }

    fn catalog_list(&self) -> Arc<dyn CatalogProviderList> {
        Arc::clone(self.state.catalog_list())
    }

    fn optimize(&self, plan: &LogicalPlan) -> Result<LogicalPlan> {
        self.state.optimize(plan)
    }

    fn statistics_registry(&self) -> Option<&StatisticsRegistry> {
        self.state.statistics_registry()
    }

    fn create_physical_expr(&self, expr: Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        self.state.create_physical_expr(expr, schema)
    }

    fn scalar_functions(&self) -> &HashMap<String, Arc<ScalarUDF>> {
        self.state.scalar_functions()
    }

    fn higher_order_functions(&self) -> &HashMap<String, Arc<HigherOrderUDF>> {
        self.state.higher_order_functions()
    }

    fn aggregate_functions(&self) -> &HashMap<String, Arc<AggregateUDF>> {
        self.state.aggregate_functions()
    }

    fn window_functions(&self) -> &HashMap<String, Arc<WindowUDF>> {
        self.state.window_functions()
    }

    fn extension_type_registry(&self) -> &ExtensionTypeRegistryRef {
        Session::extension_type_registry(&self.state)
    }

    fn runtime_env(&self) -> &Arc<RuntimeEnv> {
        self.state.runtime_env()
    }

    fn execution_props(&self) -> &ExecutionProps {
        self.state.execution_props()
    }

    fn table_options(&self) -> &TableOptions {
        self.state.table_options()
    }

    fn table_options_mut(&mut self) -> &mut TableOptions {
        self.state.table_options_mut()
    }

    fn task_ctx(&self) -> Arc<TaskContext> {
        self.task_context()
    }
}
