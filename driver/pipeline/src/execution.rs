//! From a compiled spec to published tables: plan, write, commit, record.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use delta::Disk;
use engine::{RunOptions, RunOutcome};
use ir::hash::ContentHash;

use crate::extraction::own_folder;
use crate::observer::OfRun;
use crate::provenance::Provenance;
use crate::{Compilation, Observer, PipelineError, Result, Stages, Workers};

/// How to publish.
#[derive(Clone, Debug, Default)]
pub struct PublishOptions {
    /// What has been done for the run already; its time comes first in the outcome.
    pub before: Stages,
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
    let base_dir = &compilation.source.base_dir;
    // Before anything is computed, not when it is published.
    own_folder(base_dir, "runs")?;
    let disk = Disk::default();
    let run_options = RunOptions {
        disk: disk.clone(),
        metadata: provenance.commit_metadata(),
        observer: Arc::new(OfRun(Arc::clone(&observer))),
        cancellation: workers.cancellation().clone(),
        no_progress_timeout: workers.options().no_progress_timeout,
        ..RunOptions::new(base_dir, &provenance.run_id)
    };
    observer.stage_started("execute");
    let written = plans.try_write(run_options, workers)?;
    let written = written.map_err(|error| compilation.failed(&error, workers))?;
    // From the first commit to the record nothing stops a run: what is published is recorded.
    let Some(_publishing) = workers.cancellation().publishing() else {
        written.discard(workers)?;
        return Err(PipelineError::interrupted());
    };
    observer.stage_started("commit");
    let run = written.try_commit(workers)?.map_err(|error| compilation.failed(&error, workers))?;
    stages.add("open outputs", run.prepare);
    stages.add("execute", run.compute);
    stages.add("commit", run.commit);
    let recording = Instant::now();
    let record = provenance.write_record(base_dir, &run, &stages, &compilation.graph, &disk, workers)?;
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
