//! The rows of a sink that returns them: read while they are computed, and written nowhere.
//!
//! Shared views below it are computed first, as in any run. Its own segment computes as much as is read of it: nothing before
//! the first batch is asked for, and nothing more once the rows are dropped.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream, execute_stream};
use futures::StreamExt as _;
use ir::op::Sink;

use super::publish::{self, Targets};
use super::run::Run;
use super::schedule::Execution;
use super::segment::Failure;
use super::{OperatorMetrics, RunOptions, SegmentOutcome};
use crate::dag::{PlanDag, SegmentPlan};
use crate::error::RunError;
use crate::session::Session;

/// Rows that a sink returns.
pub struct ReturnedRows {
    /// The columns.
    pub schema: SchemaRef,
    /// The segment that computes them, as errors name it.
    pub segment: String,
    /// The batches.
    pub batches: SendableRecordBatchStream,
    /// What computes them.
    pub operators: RanOperators,
}

impl fmt::Debug for ReturnedRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReturnedRows({}, {})", self.segment, self.schema)
    }
}

/// The operators of a run that returns rows.
#[derive(Clone)]
pub struct RanOperators {
    /// The segments that have run before.
    segments: Vec<SegmentOutcome>,
    plan: Arc<dyn ExecutionPlan>,
    /// What the plan reads of shared views lies in the stores of the run.
    _run: Arc<Run>,
}

impl fmt::Debug for RanOperators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.metrics().iter().map(|operator| &operator.name)).finish()
    }
}

impl RanOperators {
    /// What all of them did until now.
    #[must_use]
    pub fn metrics(&self) -> Vec<OperatorMetrics> {
        let earlier = self.segments.iter().flat_map(|segment| segment.operators.iter().cloned());
        earlier.chain(OperatorMetrics::of(&self.plan, None)).collect()
    }
}

/// Computes the rows that a DAG returns: it has one sink, of mode [`Return`](ir::op::SinkMode::Return). Planned again when
/// the first rows turn out to be wider than it was planned for.
///
/// # Errors
/// As [`compute`](super::compute); [`RunError::Internal`] for a DAG with another sink.
pub async fn returned_rows(
    session: &Session,
    dag: &PlanDag,
    options: &RunOptions,
) -> Result<ReturnedRows, RunError> {
    let (segment, others) = divided(dag)?;
    let run = Arc::new(Run::new(session, dag, options));
    let mut execution = Execution::new(session, &others, Arc::clone(&run), &segment.reads, options);
    execution.compute(&Targets::new()).await?;
    let segments = std::mem::take(&mut execution.ran.segments);
    let title = segment.title();
    let failed = |failure: Failure| {
        failure.into_error(&title).unwrap_or(RunError::Cancelled { committed: Vec::new() })
    };
    let mut row_bytes = 0;
    loop {
        let planned = run.planner.segment(&segment, row_bytes).await;
        let planned = planned.map_err(|error| failed(Failure::planning(error)))?;
        let plan = Arc::clone(&planned.operators);
        let began = execute_stream(Arc::clone(&plan), planned.context);
        let mut batches = began.map_err(|error| failed(Failure::Engine(error)))?;
        let first = batches.next().await;
        match (&first, planned.widths.too_wide()) {
            (Some(Err(_)), Some(wider)) if wider > row_bytes => {
                row_bytes = wider;
                continue;
            }
            _ => {}
        }
        let first = first.transpose().map_err(|error: DataFusionError| failed(Failure::Engine(error)))?;
        let schema = Arc::clone(segment.schema.arrow());
        let all = futures::stream::iter(first.map(Ok)).chain(batches);
        let batches = datafusion::physical_plan::stream::RecordBatchStreamAdapter::new(plan.schema(), all);
        return Ok(ReturnedRows {
            schema,
            batches: Box::pin(batches),
            operators: RanOperators { segments, plan, _run: run },
            segment: title,
        });
    }
}

/// The segment whose rows are returned, and the DAG with the segments that it reads.
fn divided(dag: &PlanDag) -> Result<(SegmentPlan, PlanDag), RunError> {
    let sinks: Vec<(&SegmentPlan, &Sink)> = publish::outputs(dag).collect();
    let [(segment, sink)] = sinks.as_slice() else {
        let message = format!("it returns rows and has {} outputs", sinks.len());
        return Err(RunError::Internal { segment: dag.name.clone(), message });
    };
    if sink.has_table() {
        let message = "its rows are for a table, and were asked for".to_owned();
        return Err(RunError::Internal { segment: segment.title(), message });
    }
    let mut others = dag.clone();
    others.segments.retain(|other| other.title() != segment.title());
    Ok(((*segment).clone(), others))
}
