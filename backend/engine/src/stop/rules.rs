//! Planning that can be stopped between any two rules.
//!
//! DataFusion plans without a point at which its caller could wait or ask, so the rules ask: each rule of the
//! optimizer and of the physical optimizer is wrapped in one that fails once a switch has been thrown.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{DataFusionError, Result};
use datafusion::config::ConfigOptions;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use datafusion::physical_optimizer::{PhysicalOptimizerContext, PhysicalOptimizerRule};
use datafusion::physical_plan::ExecutionPlan;

use super::cancellation::Cancellation;

/// The same state, whose planning ends with an error that [`was_stopped`](crate::error::was_stopped) knows once one of the
/// switches is thrown.
pub(crate) fn stoppable(state: &SessionState, switches: &[Cancellation]) -> SessionState {
    let switches: Arc<[Cancellation]> = switches.into();
    let optimizers = state.optimizers().iter().map(|rule| {
        let rule = Stoppable { rule: Arc::clone(rule), switches: Arc::clone(&switches) };
        Arc::new(rule) as Arc<dyn OptimizerRule + Send + Sync>
    });
    let physical = stoppable_rules(state.physical_optimizers(), &switches);
    SessionStateBuilder::new_from_existing(state.clone())
        .with_optimizer_rules(optimizers.collect())
        .with_physical_optimizer_rules(physical)
        .build()
}

/// The same rules, which fail with an error that [`was_stopped`](crate::error::was_stopped) knows once one of the switches is
/// thrown.
pub(crate) fn stoppable_rules(
    rules: &[Arc<dyn PhysicalOptimizerRule + Send + Sync>],
    switches: &Arc<[Cancellation]>,
) -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let stoppable = |rule: &Arc<_>| {
        let rule = Stoppable { rule: Arc::clone(rule), switches: Arc::clone(switches) };
        Arc::new(rule) as Arc<dyn PhysicalOptimizerRule + Send + Sync>
    };
    rules.iter().map(stoppable).collect()
}

/// The error of a rule that was asked to stop.
#[derive(Debug, thiserror::Error)]
#[error("planning was stopped")]
pub(crate) struct Stopped;

struct Stoppable<R: ?Sized> {
    rule: Arc<R>,
    switches: Arc<[Cancellation]>,
}

impl<R: ?Sized> Stoppable<R> {
    fn must_go_on(&self) -> Result<()> {
        match self.switches.iter().any(Cancellation::is_cancelled) {
            true => Err(DataFusionError::External(Box::new(Stopped))),
            false => Ok(()),
        }
    }
}

impl<R: fmt::Debug + ?Sized> fmt::Debug for Stoppable<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(f)
    }
}

impl OptimizerRule for Stoppable<dyn OptimizerRule + Send + Sync> {
    fn name(&self) -> &str {
        self.rule.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.rule.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        self.must_go_on()?;
        self.rule.rewrite(plan, config)
    }
}

impl PhysicalOptimizerRule for Stoppable<dyn PhysicalOptimizerRule + Send + Sync> {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.must_go_on()?;
        self.rule.optimize(plan, config)
    }

    fn optimize_with_context(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: &dyn PhysicalOptimizerContext,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.must_go_on()?;
        self.rule.optimize_with_context(plan, context)
    }

    fn name(&self) -> &str {
        self.rule.name()
    }

    fn schema_check(&self) -> bool {
        self.rule.schema_check()
    }
}
