//! Graphs as plans: what the engine makes of them before and while they run.

use std::path::Path;
use std::sync::Arc;

use delta::{Committed, RowsDigest, StagedTable};
use engine::planning::PlannedSegments;
use engine::{
    Computed, EngineError, EngineOracle, PlanDag, RunError, RunOptions, RunOutcome, Session, Stage,
    TableRequest, Tables,
};
use ir::graph::Graph;
use ir::verify::verify;

use crate::folders::absolute;
use crate::{PipelineError, Result, Workers, on_deep_stack};

/// A verified graph as plans, ready to be looked at or run.
#[derive(Clone, Debug)]
pub struct Plans {
    dag: PlanDag,
    session: Session,
    /// What they are called in messages.
    about: String,
}

impl Plans {
    /// Plans of a scheduled graph that was not compiled here, such as an archived one. Opens the tables it reads;
    /// relative locations count from `base_dir`, and lead nowhere but below it and to where specs of these workers may go.
    ///
    /// # Errors
    /// When the graph is broken or not scheduled, a table is not there or another one, or the engine refuses a node.
    pub fn of_graph(graph: &Graph, base_dir: &Path, session: &Session, workers: &Workers) -> Result<Self> {
        let (base_dir, requests) = (absolute(base_dir)?, TableRequest::of_graph(graph));
        let roots = workers.roots_of(&base_dir)?;
        let tables =
            workers.run_unless_stopped(async move { Tables::resolve(&base_dir, &roots, &requests).await })?;
        let session = session.stopped_by(workers.cancellation());
        let oracle = EngineOracle::new(session.clone(), tables);
        let plans = Self::emit(graph, &oracle, &session, &graph.name, workers)?;
        plans.map_err(|error| PipelineError::engine(error, &graph.name))
    }

    /// Verifies and emits a graph; the inner error is that of the engine.
    pub(super) fn emit(
        graph: &Graph,
        oracle: &EngineOracle,
        session: &Session,
        about: &str,
        workers: &Workers,
    ) -> Result<Result<Self, EngineError>> {
        workers.must_go_on()?;
        let runtime = workers.runtime()?;
        let dag = on_deep_stack(|| {
            // Table providers look for the runtime they are made in.
            let _entered = runtime.enter();
            let verified = verify(graph, oracle).map_err(|violations| {
                let list: Vec<String> =
                    violations.iter().map(|violation| format!("\n  {violation}")).collect();
                PipelineError::Bug(format!("the compiled graph is broken:{}", list.concat()))
            })?;
            let scheduled = verified.scheduled().map_err(|error| PipelineError::Bug(error.to_string()))?;
            Ok::<_, PipelineError>(oracle.emit(scheduled))
        })??;
        Ok(dag.map(|dag| Self { dag, session: session.clone(), about: about.to_owned() }))
    }

    /// The logical plans, by segment.
    #[must_use]
    pub fn dag(&self) -> &PlanDag {
        &self.dag
    }

    /// The plans as text.
    ///
    /// # Errors
    /// Where a segment cannot be planned.
    pub fn explain(&self, stage: Stage, workers: &Workers) -> Result<String> {
        let (dag, session) = (self.dag.clone(), self.session.clone());
        let text = workers.run_unless_stopped(async move { engine::explain(&dag, &session, stage).await })?;
        text.map_err(|error| PipelineError::engine(error, &self.about))
    }

    /// Makes the physical plans of all segments that are not known to have one, and gives the positions of those for which
    /// there is none.
    pub(super) fn plan_all(
        &self,
        known: &Arc<PlannedSegments>,
        workers: &Workers,
    ) -> Result<Vec<(usize, EngineError)>> {
        let (dag, session, known) = (self.dag.clone(), self.session.clone(), Arc::clone(known));
        let plan = async move { engine::planning::plan_all(&dag, &session, &known).await };
        let planned = workers.run_unless_stopped(plan)?;
        planned.map_err(|error| PipelineError::engine(error, &self.about))
    }

    /// Computes the outputs into data files that no table refers to yet.
    ///
    /// # Errors
    /// When a table or the engine refuses something, a computation fails, or the run is stopped. No file is left then.
    pub fn write(self, options: RunOptions, workers: &Workers) -> Result<Written> {
        let about = self.about.clone();
        self.try_write(options, workers)?.map_err(|error| PipelineError::run(&error, &about))
    }

    /// [`Self::write`] with the engine's own error.
    pub(crate) fn try_write(
        self,
        options: RunOptions,
        workers: &Workers,
    ) -> Result<Result<Written, RunError>> {
        let Self { dag, session, about } = self;
        workers.run(async move {
            let computed = engine::compute(&session, &dag, &options).await;
            computed.map(|computed| Written { computed, options, about })
        })
    }

    /// Computes the outputs and publishes them: [`Self::write`], then [`Written::commit`].
    ///
    /// # Errors
    /// When something fails; except for a failing commit, nothing is published then.
    pub fn run(self, options: RunOptions, workers: &Workers) -> Result<RunOutcome> {
        self.write(options, workers)?.commit(workers)
    }
}

/// Outputs in data files that no table refers to yet. Dropping it deletes the files in the background.
#[derive(Debug)]
pub struct Written {
    computed: Computed,
    options: RunOptions,
    about: String,
}

impl Written {
    /// Publishes the outputs. Once this has begun nothing stops it.
    ///
    /// # Errors
    /// When the run was stopped before, or a commit fails; the error says what was published.
    pub fn commit(self, workers: &Workers) -> Result<RunOutcome> {
        let about = self.about.clone();
        self.try_commit(workers)?.map_err(|error| PipelineError::run(&error, &about))
    }

    /// [`Self::commit`] with the engine's own error.
    fn try_commit(self, workers: &Workers) -> Result<Result<RunOutcome, RunError>> {
        let committed = self.try_commit_after(Vec::new(), workers)?;
        Ok(committed.map(|(_, outcome)| outcome))
    }

    /// Publishes the tables in `before`, each with its name, and then the outputs, as far as possible together.
    pub(crate) fn try_commit_after(
        self,
        before: Vec<(String, StagedTable)>,
        workers: &Workers,
    ) -> Result<Result<(Vec<Committed>, RunOutcome), RunError>> {
        let Self { computed, options, .. } = self;
        workers.run(async move { computed.commit_after(before, &options).await })
    }

    /// The digests of the rows of the outputs, by the names of their tables.
    #[must_use]
    pub fn digests(&self) -> Vec<(String, RowsDigest)> {
        self.computed.digests()
    }

    /// Deletes the files, and waits until they are gone.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn discard(self, workers: &Workers) -> Result<()> {
        workers.run(self.computed.discard())
    }
}
