//! The plans of a DAG as text.

use std::fmt::Write as _;

use datafusion::physical_plan::displayable;

use super::{PlanDag, SegmentPlan};
use crate::error::EngineError;
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

/// The plan of every segment, once, under a heading, in execution order. Equal DAGs and sessions give equal texts:
/// file names and folders are left out.
///
/// # Errors
/// [`EngineError::Plan`] when a segment cannot be planned.
pub async fn explain(dag: &PlanDag, session: &Session, stage: Stage) -> Result<String, EngineError> {
    let mut text = String::new();
    for segment in &dag.segments {
        let reads = if segment.reads.is_empty() {
            String::new()
        } else {
            format!(" reads {}", segment.reads.join(", "))
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "-- {} (level {}){reads}", segment.title(), segment.level);
        let plan = segment_text(segment, session, stage).await?;
        let _ = writeln!(text, "{}\n", plan.trim_end());
    }
    Ok(text)
}

async fn segment_text(segment: &SegmentPlan, session: &Session, stage: Stage) -> Result<String, EngineError> {
    let refused = |source| EngineError::plan(&segment.name, source);
    match stage {
        Stage::Plan => Ok(segment.logical.display_indent().to_string()),
        Stage::Optimized => {
            let plan = session.state().optimize(&segment.logical).map_err(refused)?;
            Ok(plan.display_indent().to_string())
        }
        Stage::Physical => {
            let plan = session.state().create_physical_plan(&segment.logical).await.map_err(refused)?;
            Ok(without_file_names(&displayable(plan.as_ref()).indent(false).to_string()))
        }
    }
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
