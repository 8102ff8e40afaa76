//! The plans of a DAG as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use datafusion::common::runtime::SpawnedTask;
use datafusion::config::ExplainOptions;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use futures::StreamExt as _;

use super::segment::{optimized, physical_plan};
use crate::dag::{PlanDag, SegmentPlan};
use crate::error::EngineError;
use crate::operators::leaf::behind;
use crate::session::Session;

/// Which form of the plans is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The logical plans as emitted.
    Plan,
    /// The logical plans as DataFusion's optimizer leaves them.
    Optimized,
    /// The physical plans. Shared views are not computed for it, so choices that depend on their sizes may
    /// differ from a run's.
    Physical,
}

/// The plan of every segment, once, under a heading, in execution order; long segments part by part. Equal DAGs and
/// sessions give equal texts: file names and folders are left out. Segments are planned beside each other, on as many
/// threads as the session has partitions.
///
/// # Errors
/// [`EngineError::Plan`] for the first segment that cannot be planned; [`EngineError::Stopped`] when the
/// session is stopped.
pub async fn explain(dag: &PlanDag, session: &Session, stage: Stage) -> Result<String, EngineError> {
    let state = Arc::new(session.state().clone());
    let at_once = session.options().target_partitions.max(1) * QUEUED;
    let mut texts = futures::stream::iter(dag.segments.iter().cloned())
        .map(|segment| {
            let state = Arc::clone(&state);
            // Ends with the stream, when an earlier segment cannot be planned.
            SpawnedTask::spawn(async move { segment_text(&segment, &state, stage).await }).join_unwind()
        })
        .buffered(at_once);
    let mut result = String::new();
    while let Some(joined) = texts.next().await {
        let text = joined.map_err(|error| EngineError::internal(&dag.name, error.to_string()))??;
        result.push_str(&text);
    }
    Ok(result)
}

/// How many segments wait for a thread that is planning one.
const QUEUED: usize = 4;

async fn segment_text(
    segment: &SegmentPlan,
    state: &SessionState,
    stage: Stage,
) -> Result<String, EngineError> {
    let refused = |source| EngineError::plan(&segment.name, source);
    match stage {
        Stage::Plan => Ok(logical_block(segment)),
        Stage::Optimized => {
            let plans = optimized(state, segment, None).map_err(refused)?;
            Ok(optimized_block(segment, &plans))
        }
        Stage::Physical => {
            let plan = physical_plan(state, segment).await.map_err(refused)?;
            Ok(physical_block(segment, &plan, &state.config_options().explain))
        }
    }
}

/// What is said of the logical plan of a segment.
pub(crate) fn logical_block(segment: &SegmentPlan) -> String {
    let parts: Vec<String> = segment.parts.iter().map(|part| logical_text(&part.logical)).collect();
    block(segment, &logical_text(&segment.logical), &parts)
}

/// What is said of the optimized plans of a segment: its parts in their order, then its own.
pub(crate) fn optimized_block(segment: &SegmentPlan, plans: &[LogicalPlan]) -> String {
    let mut texts: Vec<String> = plans.iter().map(logical_text).collect();
    let own = texts.pop().unwrap_or_default();
    block(segment, &own, &texts)
}

/// What is said of the operators of a segment.
pub(crate) fn physical_block(
    segment: &SegmentPlan,
    plan: &Arc<dyn ExecutionPlan>,
    explain: &ExplainOptions,
) -> String {
    block(segment, &physical_text(plan, explain), &part_texts(plan, segment, explain))
}

/// The texts of a segment and of its parts, with headings.
fn block(segment: &SegmentPlan, plan: &str, parts: &[String]) -> String {
    let tables = segment.written.iter().map(|table| format!("@{table}"));
    let reads: Vec<String> = segment.reads.iter().cloned().chain(tables).collect();
    let reads = if reads.is_empty() { String::new() } else { format!(" reads {}", reads.join(", ")) };
    let title = segment.title();
    let mut text = format!("-- {title} (level {}){reads}\n{}\n\n", segment.level, plan.trim_end());
    // What reads comes before what is read, as within a plan.
    for (part, plan) in segment.parts.iter().zip(parts).rev() {
        // Writing to a string cannot fail.
        let _ = write!(text, "-- part {} of {title}\n{}\n\n", part.name, plan.trim_end());
    }
    text
}

fn logical_text(plan: &LogicalPlan) -> String {
    plan.display_indent().to_string()
}

fn physical_text(plan: &Arc<dyn ExecutionPlan>, explain: &ExplainOptions) -> String {
    let shown = displayable(plan.as_ref())
        .set_show_statistics(explain.show_statistics)
        .set_show_schema(explain.show_schema);
    without_file_names(&shown.indent(false).to_string())
}

/// The text of every part of a segment, in their order, found below the segment's plan.
fn part_texts(plan: &Arc<dyn ExecutionPlan>, segment: &SegmentPlan, explain: &ExplainOptions) -> Vec<String> {
    let mut found: BTreeMap<&str, &Arc<dyn ExecutionPlan>> = BTreeMap::new();
    let mut open = vec![plan];
    while let Some(plan) = open.pop() {
        if let Some((part, plan)) = behind(plan) {
            found.insert(part, plan);
            open.push(plan);
        }
        open.extend(plan.children());
    }
    let text = |name: &str| found.get(name).map(|plan| physical_text(plan, explain)).unwrap_or_default();
    segment.parts.iter().map(|part| text(&part.name)).collect()
}

/// `file_groups={2 groups: [[a.parquet], [b.parquet]]}` becomes `file_groups={2 groups}`.
fn without_file_names(text: &str) -> String {
    const GROUPS: &str = "file_groups={";
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(GROUPS) {
        let (before, groups) = rest.split_at(at + GROUPS.len());
        result.push_str(before);
        let end = groups.find('}').unwrap_or(groups.len());
        let (inside, after) = groups.split_at(end);
        result.push_str(inside.split(':').next().unwrap_or(inside));
        rest = after;
    }
    result.push_str(rest);
    result
}
