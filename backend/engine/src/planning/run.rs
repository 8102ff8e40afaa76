//! From the logical plans of a segment to operators that are run.
//!
//! What the operators of a segment get from the run is handed to them where they are made: the leaves get the rows of shared
//! views and of parts from the planner of the segment, and those that look at the width of rows get the segment's
//! [`RowWidths`] from its rules. Both are made for each segment; the functions of a session are not.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;

use super::segment::{operators, optimized};
use super::segment_session::SegmentSession;
use super::wide_rows::batches_for;
use crate::capture::{CaptureCounters, RuleWatch, RunCapture, SegmentWatch};
use crate::dag::{PartPlan, SegmentPlan};
use crate::operators::{EnginePlanner, RowWidths, RunStores};
use crate::rules::{MemorySizes, physical_rules};
use crate::session::{Session, with_rows_per_batch};
use crate::stop::{Cancellation, stoppable, stoppable_rules};

/// Plans what is run: all segments of a run, or one query.
pub(crate) struct RunPlanner {
    /// With one current time for everything.
    state: SessionState,
    sizes: MemorySizes,
    switches: Arc<[Cancellation]>,
    /// What shared views gave, as far as they are computed; nothing for a query, which reads none.
    stores: Option<Arc<RunStores>>,
    /// Who is shown the plans of a run that is captured.
    capture: Option<(Arc<RunCapture>, Arc<CaptureCounters>)>,
}

impl RunPlanner {
    /// The planner of a run, which shows its plans to a capture. Planning ends once one of the switches is thrown.
    pub(crate) fn of_run(
        session: &Session,
        stores: Arc<RunStores>,
        switches: &[Cancellation],
        capture: Option<&Arc<RunCapture>>,
    ) -> Self {
        let state = stoppable(session.state(), switches);
        let capture = capture.map(|capture| (Arc::clone(capture), Arc::clone(session.capture_counters())));
        Self { capture, ..Self::new(session, state, switches, Some(stores)) }
    }

    /// The planner of a query.
    pub(crate) fn of_query(session: &Session) -> Self {
        Self::new(session, session.state().clone(), std::slice::from_ref(session.switch()), None)
    }

    fn new(
        session: &Session,
        mut state: SessionState,
        switches: &[Cancellation],
        stores: Option<Arc<RunStores>>,
    ) -> Self {
        state.mark_start_execution();
        let sizes = session.options().memory_sizes();
        Self { state, sizes, switches: switches.into(), stores, capture: None }
    }

    /// The state, in which logical plans are made and optimized.
    pub(crate) fn state(&self) -> &SessionState {
        &self.state
    }

    /// Plans a segment, with batches for rows of so many bytes and for those of its inputs.
    ///
    /// # Errors
    /// Where DataFusion cannot plan it, and when the storage of a table that is to be read cannot be used.
    pub(crate) async fn segment(&self, segment: &SegmentPlan, row_bytes: usize) -> Result<Planned> {
        let capture = self.capture.as_ref();
        let watch = capture.map(|(run, counters)| SegmentWatch::begin(run, counters, segment));
        let rules = watch.as_ref().map(SegmentWatch::rules);
        let logical = optimized(&self.state, segment, rules.map(Arc::as_ref))?;
        if let Some(watch) = &watch {
            watch.optimized(segment, &logical)?;
        }
        let planned = self.planned(logical, &segment.parts, Some(row_bytes), rules).await?;
        Ok(Planned { watch, ..planned })
    }

    /// Plans an optimized query. It is not planned again, however wide its rows are.
    ///
    /// # Errors
    /// As [`Self::segment`].
    pub(crate) async fn query(&self, optimized: LogicalPlan) -> Result<Planned> {
        self.planned(vec![optimized], &[], None, None).await
    }

    async fn planned(
        &self,
        logical: Vec<LogicalPlan>,
        parts: &[PartPlan],
        row_bytes: Option<usize>,
        watch: Option<&Arc<RuleWatch>>,
    ) -> Result<Planned> {
        let (rows, widths) = batches_for(&self.state, self.stores.as_deref(), &logical, row_bytes).await?;
        let widths = Arc::new(widths);
        let mut state = self.state.clone();
        if let Some(rows) = rows {
            let config = state.config_mut();
            *config = with_rows_per_batch(config.clone(), rows);
        }
        let rules = stoppable_rules(&physical_rules(self.sizes, Some(&widths))?, &self.switches);
        let rules = watch.map(|watch| watch.physical(&rules)).unwrap_or(rules);
        let planner = EnginePlanner::of_segment(self.stores.clone());
        let session = SegmentSession::new(state, rules, planner.clone());
        let operators = operators(&session, &planner, parts, logical).await?;
        Ok(Planned { operators, context: session.task_context(), widths, watch: None })
    }
}

/// What is planned to be run.
pub(crate) struct Planned {
    /// The operators.
    pub(crate) operators: Arc<dyn ExecutionPlan>,
    /// What they are to be run with: batches suit their rows.
    pub(crate) context: Arc<TaskContext>,
    /// What they find of the width of their rows.
    pub(crate) widths: Arc<RowWidths>,
    /// Who is shown what runs, in a run that is captured.
    pub(crate) watch: Option<SegmentWatch>,
}
