//! From a compiled spec to published tables: plan, write, commit, record.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use delta::Disk;
use engine::{AssertionOutcome, Publishing, RunCapture, RunError, RunOptions, RunOutcome};
use ir::diag::Diagnostic;
use ir::stage::Stage;

use crate::costs::Costs;
use crate::folders::own_folder;
use crate::observer::{OfRun, Traced, staged};
use crate::provenance::Provenance;
use crate::record::{
    AssertionRecord, CountedRecord, ExtractedRecord, FailureRecord, RUNS, RunRecord, Status, finding_records,
};
use crate::{
    Compilation, Extracted, Extraction, Locks, Observer, PipelineError, Result, Stages, Workers, Written,
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
    /// The id of the run, a UUID that no other run has ([`new_run_id`]); a new one if absent. A program that tells of a run
    /// before it begins gives one.
    pub run_id: Option<String>,
}

/// The id of a run that is still to come: a random UUID.
#[must_use]
pub fn new_run_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// What a published run did.
#[derive(Debug)]
pub struct Outcome {
    /// What the engine did: outputs, shared views, segments.
    pub run: RunOutcome,
    /// The extraction that was published with the outputs.
    pub extracted: Option<Extracted>,
    /// What is kept of the run: its identity, what it read and wrote, where its time went.
    pub record: RunRecord,
    /// The file of the record.
    pub record_file: PathBuf,
    /// How many files were opened to keep how the run was planned; none where the spec does not ask for it.
    pub capture_files: u64,
}

/// Runs a compilation without mistakes, publishes its outputs and records the run beside the spec. A run that fails or is
/// stopped is recorded as well.
///
/// # Errors
/// For a spec with mistakes, for a compilation of a scope that publishes nothing, when a table or the engine refuses something, a computation fails, or the workers are
/// stopped. The error says what was published before it.
pub fn publish(
    mut compilation: Compilation,
    workers: &Workers,
    options: PublishOptions,
    observer: Arc<dyn Observer>,
) -> Result<Outcome> {
    compilation.must_be_publishable()?;
    let observer: Arc<dyn Observer> = Arc::new((Traced::run(&compilation.source.name), observer));
    let PublishOptions { mut extraction, locks, run_id } = options;
    let _locks = locks.map_or_else(|| lock(&compilation, workers, observer.as_ref()), Ok)?;
    let mut stages =
        extraction.as_mut().map_or_else(Stages::default, |extraction| std::mem::take(&mut extraction.stages));
    stages.append(std::mem::take(&mut compilation.stages));
    // Before anything is computed, not when it is published.
    let runs = own_folder(&compilation.source.base_dir, RUNS)?;
    let provenance = Provenance::of(&compilation, run_id.unwrap_or_else(new_run_id))?;
    observer.run_started(&provenance.start(&compilation));
    if let Some(found) = provenance.expire(&runs) {
        observer.warned(&found);
        compilation.diagnostics.push(found);
    }
    let mut attempt = Attempt::new(&compilation, workers, observer, stages);
    let ended = attempt.run(&provenance, extraction);
    let Attempt {
        observer, stage, stages, published, asserted, capture, publishing: _until_recorded, ..
    } = attempt;
    if let Ok((run, _)) = &ended {
        tell_failed_assertions(&mut compilation, run, observer.as_ref());
    }
    let recording =
        Recording { compilation: &compilation, provenance: &provenance, workers, observer, stages, capture };
    match ended {
        Ok((run, extracted)) => {
            let record = provenance.record(Status::Published, None);
            let tables = extracted.iter().flat_map(|it| &it.tables).map(ExtractedRecord::from).collect();
            let counted = CountedRecord::all(&provenance.run_id, &run, &compilation);
            let record = RunRecord { counted, ..record };
            let costs = Costs::of(&run, &compilation);
            let record = record.of(&run, &compilation.output_identities(), tables, costs);
            let (record, capture_files, written) = recording.keep(record);
            Ok(Outcome { run, extracted, record, record_file: written?, capture_files })
        }
        Err(error) => {
            let failure = FailureRecord::of(&error, stage, published);
            recording.keep_failed(&error, failure, &asserted);
            Err(error)
        }
    }
}

/// Where a run that failed cannot be recorded, and why.
fn reason_of(not_recorded: PipelineError) -> String {
    match not_recorded {
        PipelineError::NotRecorded { folder, reason } => format!("{}: {reason}", folder.display()),
        other => other.to_string(),
    }
}

/// Warns of the assertions that do not hold although the run publishes.
fn tell_failed_assertions(compilation: &mut Compilation, run: &RunOutcome, observer: &dyn Observer) {
    let failed = compilation.failed_assertions(&run.assertions);
    failed.iter().for_each(|found| observer.warned(found));
    compilation.diagnostics.extend(failed);
}

/// A run that has ended and is not recorded yet.
pub(crate) struct Recording<'a> {
    pub(crate) compilation: &'a Compilation,
    pub(crate) provenance: &'a Provenance,
    pub(crate) workers: &'a Workers,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) stages: Stages,
    /// How the run was planned, if its spec asks for it.
    pub(crate) capture: Option<Arc<RunCapture>>,
}

impl Recording<'_> {
    /// Keeps what became of a run that failed.
    fn keep_failed(self, error: &PipelineError, failure: FailureRecord, asserted: &[AssertionOutcome]) {
        let status = match error {
            PipelineError::Interrupted(_) => Status::Cancelled,
            _ => Status::Failed,
        };
        if let PipelineError::Findings { diagnostics, map } = error {
            self.observer.found(diagnostics, map);
        }
        let observer = Arc::clone(&self.observer);
        let assertions = asserted.iter().map(AssertionRecord::from).collect();
        let record = RunRecord { assertions, ..self.provenance.record(status, Some(failure)) };
        let (_, _, written) = self.keep(record);
        // What went wrong first is what is told; often it is the reason for this as well.
        if let Err(not_recorded) = written {
            observer.not_recorded(&reason_of(not_recorded));
        }
    }

    /// Writes how the run was planned, then its record. Gives the record as it was to be written, how many files were opened
    /// for the capture, and the file of the record.
    pub(crate) fn keep(self, record: RunRecord) -> (RunRecord, u64, Result<PathBuf>) {
        let Self { compilation, provenance, workers, observer, stages, capture } = self;
        observer.stage_started(Stage::Record);
        let recording = Instant::now();
        let (folder, map) = (&compilation.source.base_dir, &compilation.source.map);
        let mut diagnostics = compilation.diagnostics.clone();
        let warnings = |diagnostics: &[Diagnostic]| finding_records(diagnostics, map, Stage::PlanPasses);
        let caches = compilation.session.cache_use();
        let mut record = RunRecord { stages, caches, ..record }.with_warnings(warnings(&diagnostics));
        let mut opened = 0;
        match capture.map(|shown| provenance.write_capture(&record, &shown, folder, workers, &mut opened)) {
            Some(Ok(reference)) => record.capture = Some(reference),
            Some(Err(found)) => {
                observer.warned(&found);
                diagnostics.push(*found);
                record = record.with_warnings(warnings(&diagnostics));
            }
            None => {}
        }
        let written = provenance.write(&record, folder, &compilation.graph, &Disk::default(), workers);
        observer.stage_finished(Stage::Record, recording.elapsed());
        observer.run_finished(&record);
        (record, opened, written)
    }
}

/// A run that has an identity and no outcome yet.
struct Attempt<'a> {
    compilation: &'a Compilation,
    workers: &'a Workers,
    observer: Arc<dyn Observer>,
    /// Where it is.
    stage: Stage,
    /// Where the time went so far.
    stages: Stages,
    /// The outputs whose commits stand although the run failed.
    published: Vec<String>,
    /// The assertions that were evaluated although the run failed.
    asserted: Vec<AssertionOutcome>,
    /// From the first commit to the record nothing stops a run: what is published is recorded.
    publishing: Option<Publishing>,
    /// What it shows of its planning, if its spec asks for it.
    capture: Option<Arc<RunCapture>>,
}

impl<'a> Attempt<'a> {
    fn new(
        compilation: &'a Compilation,
        workers: &'a Workers,
        observer: Arc<dyn Observer>,
        stages: Stages,
    ) -> Self {
        let capture = compilation.source.spec.runtime.compliance_capture.then(Arc::default);
        let stage = Stage::Emit;
        let (published, asserted) = (Vec::new(), Vec::new());
        Self { compilation, workers, observer, stage, stages, published, asserted, publishing: None, capture }
    }

    /// Plans, writes and commits.
    fn run(
        &mut self,
        provenance: &Provenance,
        extraction: Option<Extraction>,
    ) -> Result<(RunOutcome, Option<Extracted>)> {
        let (written, executed) = self.write(provenance)?;
        self.publishing = self.workers.cancellation().publishing();
        if self.publishing.is_none() {
            self.stages.add(Stage::Execute, executed);
            written.discard(self.workers)?;
            return Err(PipelineError::interrupted());
        }
        self.commit(written, executed, extraction)
    }

    /// Plans and writes; gives how long writing took.
    fn write(&mut self, provenance: &Provenance) -> Result<(Written, Duration)> {
        let (compilation, workers) = (self.compilation, self.workers);
        self.stage = Stage::Emit;
        let plans = || compilation.plan(workers);
        let plans = staged(&mut self.stages, self.observer.as_ref(), Stage::Emit, plans)?;
        // Rules are watched by what captures them; what is captured for that alone is not kept.
        let planning = self.capture.clone();
        let planning = planning.or_else(|| self.observer.watches_rules().then(Arc::default));
        let run_options = RunOptions {
            disk: Disk::default(),
            metadata: provenance.commit_metadata(),
            observer: Arc::new(OfRun { observer: Arc::clone(&self.observer), planning: planning.clone() }),
            cancellation: workers.cancellation().clone(),
            no_progress_timeout: workers.options().no_progress_timeout,
            capture: planning,
            ..RunOptions::new(&compilation.source.base_dir, &provenance.run_id)
        };
        self.stage = Stage::Execute;
        let executing = Instant::now();
        let written = plans.try_write(run_options, workers)?;
        let executed = executing.elapsed();
        let written = written.map_err(|error| {
            self.stages.add(Stage::Execute, executed);
            if let RunError::Unsound { assertions, .. } = &error {
                self.asserted.clone_from(assertions);
            }
            self.stage = match error {
                RunError::Prepare { .. } => Stage::OpenOutputs,
                RunError::Unsound { .. } => Stage::Check,
                _ => Stage::Execute,
            };
            compilation.failed(&error, workers)
        })?;
        Ok((written, executed))
    }

    /// Makes what was written visible.
    fn commit(
        &mut self,
        written: Written,
        executed: Duration,
        mut extraction: Option<Extraction>,
    ) -> Result<(RunOutcome, Option<Extracted>)> {
        let (compilation, workers) = (self.compilation, self.workers);
        self.stage = Stage::Commit;
        self.observer.stage_started(Stage::Commit);
        let before = extraction.as_mut().map_or_else(Vec::new, Extraction::take_tables);
        let names: Vec<String> = before.iter().map(|(name, _)| name.clone()).collect();
        let committing = Instant::now();
        let committed = written.try_commit_after(before, workers)?;
        self.observer.stage_finished(Stage::Commit, committing.elapsed());
        let (first, run) = committed.map_err(|error| {
            self.stages.add(Stage::Execute, executed);
            self.stages.add(Stage::Commit, committing.elapsed());
            self.published = error.committed().to_vec();
            compilation.failed(&error, workers)
        })?;
        let extracted = extraction.map(|extraction| extraction.published(&names, &first));
        let tables = extracted.iter().flat_map(|extracted| &extracted.tables);
        tables.for_each(|table| self.observer.table_extracted(table));
        add_stages(&mut self.stages, &run);
        Ok((run, extracted))
    }
}

/// Locks the outputs of a spec that has been compiled already.
fn lock(compilation: &Compilation, workers: &Workers, observer: &dyn Observer) -> Result<Locks> {
    let Compilation { source, in_scope, .. } = compilation;
    let work = format!("a run of {}", source.map.name().as_str());
    let roots = &workers.options().roots;
    source.lock_outputs(in_scope, &work, roots, &workers.waiting(), &mut |busy| observer.waiting(busy))
}

/// Adds where the time of a run went.
fn add_stages(stages: &mut Stages, run: &RunOutcome) {
    stages.add(Stage::OpenOutputs, run.prepare);
    stages.add(Stage::Execute, run.compute);
    if !run.checks.is_empty() || !run.assertions.is_empty() {
        stages.add(Stage::Check, run.check);
    }
    stages.add(Stage::Commit, run.commit);
}
