//! From a compiled spec to published tables: emit, execute, record.

use std::sync::Arc;
use std::time::Instant;

use engine::RunOptions;

use crate::commands::Context;
use crate::compilation::{Compilation, timed};
use crate::failure::Failure;
use crate::provenance::Provenance;
use crate::report::{RunReport, Stages};

/// Runs a compilation without mistakes and publishes its outputs. `before` is what has been done for the run
/// already; its time comes first in the report.
pub(crate) fn publish(
    mut compilation: Compilation,
    context: &mut Context<'_>,
    before: Stages,
    allow_schema_change: bool,
) -> Result<RunReport, Failure> {
    compilation.must_be_sound()?;
    context.console.diagnose(&compilation.diagnostics, &compilation.source.map);
    let mut stages = before;
    stages.append(std::mem::take(&mut compilation.stages));
    let progress = Arc::new(context.console.progress());
    progress.stage("planning");
    let provenance = Provenance::of(&compilation);
    let dag = timed(&mut stages, "emit", || compilation.emit(&context.workers))?;
    let (_, cancellation) = context.workers.started()?;
    let options = RunOptions {
        metadata: provenance.commit_metadata(),
        allow_schema_change,
        observer: Arc::clone(&progress) as _,
        cancellation: cancellation.clone(),
        no_progress_timeout: context.workers.no_progress_timeout(),
        ..RunOptions::new(&compilation.source.base_dir, &provenance.run_id)
    };
    let session = compilation.session.clone();
    // Without its tables: execution needs the plans only.
    let outcome = context.workers.run(async move { engine::execute(&session, &dag, &options).await })?;
    let outcome = outcome.map_err(|error| Failure::run(&error, compilation.source.map.name().as_str()))?;
    stages.add("open outputs", outcome.prepare);
    stages.add("execute", outcome.compute);
    stages.add("commit", outcome.commit);
    let recording = Instant::now();
    let record =
        provenance.write_record(&compilation.source.base_dir, &outcome, &stages, &compilation.graph)?;
    stages.add("record", recording.elapsed());
    Ok(RunReport {
        run_id: provenance.run_id,
        spec_hash: provenance.spec_hash.to_string(),
        envelope_hash: provenance.envelope_hash.to_string(),
        extracted: Vec::new(),
        outcome,
        stages,
        record,
    })
}

/// Says what the session is, for those who want to know.
pub(crate) fn describe_session(context: &mut Context<'_>) -> Result<(), Failure> {
    if context.console.is_verbose() {
        let session = context.workers.session()?;
        let lines = session.describe().into_iter().map(|(key, value)| format!("  {key} = {value}\n"));
        let text: String = lines.collect();
        context.console.note(&format!("session:\n{text}"));
    }
    Ok(())
}
