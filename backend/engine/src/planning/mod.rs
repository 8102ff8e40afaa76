//! From the logical plan of a segment to its physical plan.
//!
//! DataFusion's planner takes more than linear time in the depth of a plan: joins ask for the statistics of
//! everything below them, chains of filters become one conjunction whose analysis takes the fourth power of its
//! length. So a long segment is planned in parts ([`SegmentPlan::parts`]). To the part that reads it, a part is a
//! leaf ([`ViewReader::Part`](crate::operators::leaf::ViewReader)): no rule looks through it, and planning takes time linear
//! in the number of parts. Nothing is stored between two parts; rows stream through the leaf.
//!
//! Names that the optimizer makes up are counted per segment, so a segment has the same plan whatever is planned
//! beside it.

#![expect(clippy::wildcard_enum_match_arm, reason = "plans of DataFusion, of which few nodes are meant")]

mod check;
mod needed;
mod stoppable;
mod wide_rows;

pub use check::{Unplannable, plan_all, unplannable_nodes};

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::common::alias::AliasGenerator;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Result, internal_err};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Extension, LogicalPlan};
use datafusion::optimizer::{AnalyzerRule as _, Optimizer, OptimizerConfig};
use datafusion::physical_plan::ExecutionPlan;

use needed::Kinds;
pub(crate) use stoppable::{stoppable, was_stopped};
pub(crate) use wide_rows::{RowWidths, with_batches_for};

use crate::dag::SegmentPlan;
use crate::operators::WriteNode;
use crate::operators::leaf::PlannedParts;
use crate::semantics::FalseDependencies;

/// The logical plans of a segment as DataFusion's optimizer leaves them: its parts in their order, then its own.
///
/// # Errors
/// Where an optimizer rule fails.
pub(crate) fn optimized(state: &SessionState, segment: &SegmentPlan) -> Result<Vec<LogicalPlan>> {
    let settings = Settings::of(state);
    let plans = segment.parts.iter().map(|part| &part.logical).chain([&segment.logical]);
    plans.map(|plan| settings.optimize(plan)).collect()
}

/// The physical plan of a segment, to be looked at.
///
/// # Errors
/// Where DataFusion cannot plan it.
pub(crate) async fn physical_plan(
    state: &SessionState,
    segment: &SegmentPlan,
) -> Result<Arc<dyn ExecutionPlan>> {
    operators(state, segment, optimized(state, segment)?).await
}

/// A segment that is planned.
pub(crate) struct PlannedSegment {
    /// Its operators.
    pub(crate) operators: Arc<dyn ExecutionPlan>,
    /// What they are to be run with: the state it was planned with, with batches that suit its rows.
    pub(crate) state: SessionState,
    /// What they find of the width of their rows.
    pub(crate) widths: Arc<RowWidths>,
}

/// The physical plan of a segment to be run, with batches for rows of so many bytes and for those of its inputs.
///
/// # Errors
/// Where DataFusion cannot plan it, and as [`with_batches_for`].
pub(crate) async fn runnable_plan(
    state: &SessionState,
    segment: &SegmentPlan,
    row_bytes: usize,
) -> Result<PlannedSegment> {
    let logical = optimized(state, segment)?;
    let (state, widths) = with_batches_for(state.clone(), &logical, Some(row_bytes)).await?;
    Ok(PlannedSegment { operators: operators(&state, segment, logical).await?, state, widths })
}

/// The operators for the optimized plans of a segment.
async fn operators(
    state: &SessionState,
    segment: &SegmentPlan,
    mut logical: Vec<LogicalPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let Some(own) = logical.pop() else { return internal_err!("a segment without a plan") };
    let planner = Arc::clone(state.query_planner());
    if logical.is_empty() {
        return planner.create_physical_plan(&own, state).await;
    }
    let planned = Arc::new(PlannedParts::default());
    let mut with_parts = state.clone();
    with_parts.config_mut().set_extension(Arc::clone(&planned));
    for (part, logical) in segment.parts.iter().zip(logical) {
        let operators = planner.create_physical_plan(&logical, &with_parts).await?;
        planned.insert(&part.name, logical, operators);
    }
    planner.create_physical_plan(&own, &with_parts).await
}

/// What DataFusion's optimizer knows: the session, with a generator of names of its own.
struct Settings<'a> {
    state: &'a SessionState,
    aliases: Arc<AliasGenerator>,
}

impl<'a> Settings<'a> {
    fn of(state: &'a SessionState) -> Self {
        Self { state, aliases: Arc::new(AliasGenerator::new()) }
    }

    /// What is written is optimized without the node that writes it: such a node gives each rule a copy of its input
    /// and keeps the input itself, so that each rule would copy everything below before it changes a thing.
    fn optimize(&self, plan: &LogicalPlan) -> Result<LogicalPlan> {
        if let LogicalPlan::Extension(extension) = plan
            && let Some(write) = extension.node.as_any().downcast_ref::<WriteNode>()
        {
            let node = Arc::new(write.with_input(self.optimize(write.input())?));
            return Ok(LogicalPlan::Extension(Extension { node }));
        }
        let kinds = Kinds::of(plan)?;
        let analyzed = self.analyzed(plan, &kinds)?;
        let rules = kinds.rules(self.state.optimizers(), self.state.config_options());
        Optimizer::with_rules(rules).optimize(analyzed, self, |_, _| {})
    }

    /// Emission has made every conversion explicit, node by node, so of DataFusion's own analysis only that of unions has
    /// something to do: their inputs get its nullability. What a node makes of what is known of the rows below it shows only here.
    fn analyzed(&self, plan: &LogicalPlan, kinds: &Kinds) -> Result<LogicalPlan> {
        let options = self.state.config_options();
        let by_all_rules = || self.state.analyzer().execute_and_check(plan.clone(), options, |_, _| {});
        if kinds.are_analyzed_together() {
            return by_all_rules();
        }
        let analyzed = FalseDependencies.analyze(plan.clone(), options)?;
        debug_assert_eq!(
            analyzed.display_indent_schema().to_string(),
            by_all_rules()?.display_indent_schema().to_string(),
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
