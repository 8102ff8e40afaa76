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
use crate::{
    Compilation, Extracted, Extraction, Locks, Observer, PipelineError, Result, Source, Stages, Workers,
};

/// How to publish.
#[derive(Debug, Default)]
pub struct PublishOptions {
    /// The extraction that the spec was compiled over. It is published together with the outputs: where the run fails,
    /// neither is visible. Its time comes first in the outcome.
    pub extraction: Option<Extraction>,
    /// The locks of the outputs' tables, taken before these were opened. Without them they are locked now, which does not
    /// help against what somebody has published since.
    pub locks: Option<Locks>,
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
    /// The extraction that was published with the outputs.
    pub extracted: Option<Extracted>,
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
    let PublishOptions { mut extraction, locks } = options;
    let _locks = locks.map_or_else(|| lock(&compilation.source, workers, observer.as_ref()), Ok)?;
    let mut stages =
        extraction.as_mut().map_or_else(Stages::default, |extraction| std::mem::take(&mut extraction.stages));
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
    let before = extraction.as_mut().map_or_else(Vec::new, Extraction::take_tables);
    let names: Vec<String> = before.iter().map(|(name, _)| name.clone()).collect();
    let committed = written.try_commit_after(before, workers)?;
    let (first, run) = committed.map_err(|error| compilation.failed(&error, workers))?;
    let extracted = extraction.map(|extraction| extraction.published(&names, &first));
    add_stages(&mut stages, &run);
    let recording = Instant::now();
    let record = provenance.write_record(base_dir, &run, &stages, &compilation.graph, &disk, workers)?;
    stages.add("record", recording.elapsed());
    Ok(Outcome {
        run_id: provenance.run_id,
        spec_hash: provenance.spec_hash,
        envelope_hash: provenance.envelope_hash,
        run,
        extracted,
        stages,
        record,
    })
}

/// Locks the outputs of a spec that has been compiled already.
fn lock(source: &Source, workers: &Workers, observer: &dyn Observer) -> Result<Locks> {
    let work = format!("a run of {}", source.map.name().as_str());
    Locks::of_outputs(source, &work, &workers.waiting(), &mut |busy| observer.waiting(busy))
}

/// Adds where the time of a run went.
fn add_stages(stages: &mut Stages, run: &RunOutcome) {
    stages.add("open outputs", run.prepare);
    stages.add("execute", run.compute);
    if !run.checks.is_empty() {
        stages.add("check", run.check);
    }
    stages.add("commit", run.commit);
}
