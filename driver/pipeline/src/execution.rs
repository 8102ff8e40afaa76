//! From a graph to published tables: emit, execute, record.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use engine::{EngineOracle, PlanDag, RunOptions, RunOutcome, Session, Stage, TableRequest, Tables};
use ir::graph::Graph;
use ir::hash::ContentHash;
use ir::verify::verify;

use crate::compilation::absolute;
use crate::observer::OfRun;
use crate::provenance::Provenance;
use crate::{Compilation, Observer, PipelineError, Result, Stages, Workers, on_deep_stack};

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
    /// relative locations count from `base_dir`.
    ///
    /// # Errors
    /// When the graph is broken or not scheduled, a table is not there or another one, or the engine refuses a node.
    pub fn of_graph(graph: &Graph, base_dir: &Path, session: &Session, workers: &Workers) -> Result<Self> {
        let (base_dir, requests) = (absolute(base_dir)?, TableRequest::of_graph(graph));
        let tables =
            workers.run_unless_stopped(async move { Tables::resolve(&base_dir, &requests).await })?;
        let oracle = EngineOracle::new(session.clone(), tables);
        Self::emit(graph, &oracle, session, &graph.name, workers)
    }

    /// Verifies and emits a graph.
    pub(crate) fn emit(
        graph: &Graph,
        oracle: &EngineOracle,
        session: &Session,
        about: &str,
        workers: &Workers,
    ) -> Result<Self> {
        workers.must_go_on()?;
        let runtime = workers.runtime()?;
        let dag = on_deep_stack(|| {
            // Table providers look for the runtime they are made in.
            let _entered = runtime.enter();
            let verified = verify(graph, Some(oracle)).map_err(|violations| {
                let list: Vec<String> =
                    violations.iter().map(|violation| format!("\n  {violation}")).collect();
                PipelineError::Bug(format!("the compiled graph is broken:{}", list.concat()))
            })?;
            oracle.emit(verified).map_err(|error| PipelineError::engine(error, about))
        })??;
        Ok(Self { dag, session: session.clone(), about: about.to_owned() })
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

    /// Runs the plans and publishes their outputs.
    ///
    /// # Errors
    /// When something fails; except for a failing commit, nothing is published then.
    pub fn run(self, options: RunOptions, workers: &Workers) -> Result<RunOutcome> {
        let Self { dag, session, about } = self;
        let outcome = workers.run(async move { engine::execute(&session, &dag, &options).await })?;
        outcome.map_err(|error| PipelineError::run(&error, &about))
    }
}

/// How to publish.
#[derive(Clone, Debug, Default)]
pub struct PublishOptions {
    /// What has been done for the run already; its time comes first in the outcome.
    pub before: Stages,
    /// Whether an overwrite may give a table other columns than it has.
    pub allow_schema_change: bool,
}

/// What a published run did.
#[derive(Debug)]
pub struct Outcome {
    /// The id of the run.
    pub run_id: String,
    /// Hash of the spec.
    pub spec_hash: ContentHash,
    /// Hash of everything else that decides the result.
    pub envelope_hash: ContentHash,
    /// What the engine did: outputs, shared views, segments.
    pub run: RunOutcome,
    /// Where the time went.
    pub stages: Stages,
    /// The run record.
    pub record: PathBuf,
}

/// Runs a compilation without mistakes, publishes its outputs and records the run beside the spec.
///
/// # Errors
/// For a spec with mistakes, when a table or the engine refuses something, a computation fails, or the workers are
/// stopped. The error says what was published before it.
pub fn publish(
    mut compilation: Compilation,
    workers: &Workers,
    options: PublishOptions,
    observer: Arc<dyn Observer>,
) -> Result<Outcome> {
    compilation.must_be_sound()?;
    let mut stages = options.before;
    stages.append(std::mem::take(&mut compilation.stages));
    observer.stage_started("emit");
    let provenance = Provenance::of(&compilation);
    let plans = stages.timed("emit", || compilation.plan(workers))?;
    let base_dir = compilation.source.base_dir.clone();
    // Without its tables: execution needs the plans only.
    let Compilation { graph, oracle, .. } = compilation;
    drop(oracle);
    let run_options = RunOptions {
        metadata: provenance.commit_metadata(),
        allow_schema_change: options.allow_schema_change,
        observer: Arc::new(OfRun(Arc::clone(&observer))),
        cancellation: workers.cancellation().clone(),
        no_progress_timeout: workers.options().no_progress_timeout,
        ..RunOptions::new(&base_dir, &provenance.run_id)
    };
    observer.stage_started("execute");
    let run = plans.run(run_options, workers)?;
    stages.add("open outputs", run.prepare);
    stages.add("execute", run.compute);
    stages.add("commit", run.commit);
    let recording = Instant::now();
    let record = provenance.write_record(&base_dir, &run, &stages, &graph)?;
    stages.add("record", recording.elapsed());
    Ok(Outcome {
        run_id: provenance.run_id,
        spec_hash: provenance.spec_hash,
        envelope_hash: provenance.envelope_hash,
        run,
        stages,
        record,
    })
}
