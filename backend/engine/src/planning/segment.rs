//! The plans of one segment: its parts, then its own.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::catalog::Session;
use datafusion::common::alias::AliasGenerator;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Result, internal_err};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::context::QueryPlanner as _;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Extension, LogicalPlan};
use datafusion::optimizer::{AnalyzerRule, Optimizer, OptimizerConfig};
use datafusion::physical_plan::ExecutionPlan;

use super::needed::Kinds;
use crate::capture::{LogicalWatch, RulePhase, RuleWatch};
use crate::dag::{PartPlan, SegmentPlan};
use crate::operators::{EnginePlanner, WriteNode};
use crate::semantics::FalseDependencies;

/// The logical plans of a segment as DataFusion's optimizer leaves them: its parts in their order, then its own. Who
/// watches is told of the rules.
///
/// # Errors
/// Where an optimizer rule fails.
pub(super) fn optimized(
    state: &SessionState,
    segment: &SegmentPlan,
    watch: Option<&RuleWatch>,
) -> Result<Vec<LogicalPlan>> {
    let settings = Settings { watch, ..Settings::of(state) };
    let plans = segment.parts.iter().map(|part| &part.logical).chain([&segment.logical]);
    plans.map(|plan| settings.optimize(plan)).collect()
}

/// The physical plan of a segment, to be looked at.
///
/// # Errors
/// Where DataFusion cannot plan it.
pub(super) async fn physical_plan(
    state: &SessionState,
    segment: &SegmentPlan,
) -> Result<Arc<dyn ExecutionPlan>> {
    let planner = EnginePlanner::of_segment(None);
    operators(state, &planner, &segment.parts, optimized(state, segment, None)?).await
}

/// The operators for the optimized plans of a segment, its parts first, in a session that has this planner.
///
/// # Errors
/// Where DataFusion cannot plan it.
pub(super) async fn operators(
    session: &dyn Session,
    planner: &EnginePlanner,
    parts: &[PartPlan],
    mut logical: Vec<LogicalPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let Some(own) = logical.pop() else { return internal_err!("a segment without a plan") };
    for (part, logical) in parts.iter().zip(logical) {
        let operators = planner.create_physical_plan(&logical, session).await?;
        planner.parts().insert(&part.name, logical, operators);
    }
    planner.create_physical_plan(&own, session).await
}

/// What DataFusion's optimizer knows: the session, with a generator of names of its own.
pub(super) struct Settings<'a> {
    state: &'a SessionState,
    aliases: Arc<AliasGenerator>,
    /// Who is told of the rules that run.
    watch: Option<&'a RuleWatch>,
}

impl<'a> Settings<'a> {
    pub(super) fn of(state: &'a SessionState) -> Self {
        Self { state, aliases: Arc::new(AliasGenerator::new()), watch: None }
    }

    /// What is written is optimized without the node that writes it: such a node gives each rule a copy of its input
    /// and keeps the input itself, so that each rule would copy everything below before it changes a thing.
    pub(super) fn optimize(&self, plan: &LogicalPlan) -> Result<LogicalPlan> {
        if let LogicalPlan::Extension(extension) = plan
            && let Some(write) = extension.node.as_any().downcast_ref::<WriteNode>()
        {
            let node = Arc::new(write.with_input(self.optimize(write.input())?));
            return Ok(LogicalPlan::Extension(Extension { node }));
        }
        let kinds = Kinds::of(plan)?;
        let mut watch = self.watch.map(|watch| watch.logical(plan));
        let analyzed = self.analyzed(plan, &kinds, watch.as_mut())?;
        let rules = kinds.rules(self.state.optimizers(), self.state.config_options());
        Optimizer::with_rules(rules).optimize(analyzed, self, |plan, rule| {
            if let Some(watch) = &mut watch {
                watch.ran(RulePhase::Optimizer, rule.name(), plan);
            }
        })
    }

    /// Emission has made every conversion explicit, node by node, so of DataFusion's own analysis only that of unions has
    /// something to do: their inputs get its nullability. What a node makes of what is known of the rows below it shows only here.
    fn analyzed(
        &self,
        plan: &LogicalPlan,
        kinds: &Kinds,
        mut watch: Option<&mut LogicalWatch<'_>>,
    ) -> Result<LogicalPlan> {
        let options = self.state.config_options();
        let mut ran = |plan: &LogicalPlan, rule: &dyn AnalyzerRule| {
            if let Some(watch) = &mut watch {
                watch.ran(RulePhase::Analyzer, rule.name(), plan);
            }
        };
        if kinds.are_analyzed_together() {
            return self.state.analyzer().execute_and_check(plan.clone(), options, ran);
        }
        let analyzed = FalseDependencies.analyze(plan.clone(), options)?;
        ran(&analyzed, &FalseDependencies);
        debug_assert_eq!(
            analyzed.display_indent_schema().to_string(),
            self.state
                .analyzer()
                .execute_and_check(plan.clone(), options, |_, _| {})?
                .display_indent_schema()
                .to_string(),
            "DataFusion's analysis changes a plan that was emitted",
        );
        Ok(analyzed)
    }
}

impl OptimizerConfig for Settings<'_> {
    fn query_execution_start_time(&self) -> Option<DateTime<Utc>> {
        self.state.query_execution_start_time()
    }

    fn alias_generator(&self) -> &Arc<AliasGenerator> {
        &self.aliases
    }

    fn options(&self) -> Arc<ConfigOptions> {
        Arc::clone(self.state.config_options())
    }

    fn function_registry(&self) -> Option<&dyn FunctionRegistry> {
        Some(self.state)
    }
}
