//! A recorded run, looked at again: is everything that decided its rows as it was, and do they come out the same?
//!
//! A record has the spec, the versions of the tables that were read and the hash of every part of the program and its
//! session. [`Replay::of`] compiles the spec over these versions and says, part by part, what is as it was. With
//! [`Replay::execute`] the outputs are computed again into a folder of their own, where nobody sees them; the digests of
//! their rows are compared with those recorded, and the files are deleted.

mod parts;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use delta::{RowsDigest, RowsError};
use engine::RunOptions;
use ir::determinism::ResultClass;
use ir::spec::Spec;
use ir::stage::Stage;
use passes::{Scope, Selection};
use serde::Serialize;
use tempfile::TempDir;

use crate::folders::with_folder;
use crate::observer::{OfRun, Traced, staged};
use crate::record::{OutputRecord, RunRecord, Status};
use crate::{Compilation, CompileRequest, Observer, PipelineError, Result, Source, Stages, Workers, compile};
use parts::{compared, data_files};

/// How something recorded compares with what is there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is as it was.
    Same,
    /// It is another, and decides rows.
    Differs,
    /// It is another, and decides speed and no row; or the class of the output allows it.
    Allowed,
    /// Nobody can say: it is not there any more.
    Unknown,
    /// Nobody can say: the digest of rows that was recorded is one by another definition than those of this program.
    OtherDefinition,
}

impl Verdict {
    /// Whether rows are the same as far as this goes.
    fn is_fine(self) -> bool {
        matches!(self, Self::Same | Self::Allowed)
    }
}

/// A part of what a run was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What it is, such as `build.version`, `input people: rows` or `setting datafusion.optimizer.max_passes`.
    pub part: String,
    /// What the record says; nothing where it says nothing.
    pub recorded: Option<String>,
    /// What is there now; nothing where there is nothing.
    pub found: Option<String>,
    /// How they compare.
    pub verdict: Verdict,
}

/// An output that was computed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplayedOutput {
    /// The table.
    pub table: String,
    /// How far its rows are the same whenever it is computed.
    pub class: ResultClass,
    /// The digest of the rows that the run added.
    pub recorded: String,
    /// That of the rows that were computed now.
    pub found: String,
    /// How they compare.
    pub verdict: Verdict,
}

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The run.
    pub run_id: String,
    /// Everything that was compared.
    pub parts: Vec<Part>,
    /// The outputs, if they were computed again.
    pub outputs: Vec<ReplayedOutput>,
}

impl Report {
    /// Whether nothing that decides rows differs, and all rows that were computed again are as they were.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.differing().is_empty()
    }

    /// The parts and outputs that decide rows and differ, or of which nobody can say.
    #[must_use]
    pub fn differing(&self) -> Vec<&str> {
        let parts = self.parts.iter().map(|part| (part.part.as_str(), part.verdict));
        let outputs = self.outputs.iter().map(|output| (output.table.as_str(), output.verdict));
        parts.chain(outputs).filter(|(_, verdict)| !verdict.is_fine()).map(|(name, _)| name).collect()
    }
}

/// A record, compiled again, and who watches.
pub struct Replay {
    record: RunRecord,
    compilation: Compilation,
    parts: Vec<Part>,
    /// Where outputs are computed to; deleted with this.
    scratch: TempDir,
    observer: Arc<dyn Observer>,
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Replay").field(&self.record.run_id).finish()
    }
}

impl Replay {
    /// Compiles what a record says was run, the part of its spec that was selected, over the versions of the tables that it
    /// read, and compares. Relative locations count from `folder`, which is what the spec may read besides the roots of the
    /// workers; `spec` stands in the place of the recorded spec.
    ///
    /// # Errors
    /// For a run that did not publish, a spec that this program does not read, a table or a version that is not there any more,
    /// and whatever compiling meets.
    pub fn of(
        file: &Path,
        folder: &Path,
        spec: Option<Spec>,
        workers: &Workers,
        observer: Arc<dyn Observer>,
    ) -> Result<Self> {
        let record = RunRecord::read(file).map_err(|error| PipelineError::Replay(error.to_string()))?;
        if record.status != Status::Published {
            let status = record.status.name();
            return Err(PipelineError::Replay(format!(
                "run {} {status}: it published nothing to compare with; replay one that did",
                record.run_id
            )));
        }
        let recorded = serde_json::from_value::<Spec>(record.spec.clone()).map_err(|error| {
            PipelineError::Replay(format!(
                "the spec in the record of run {} cannot be read: {error}",
                record.run_id
            ))
        })?;
        let spec = spec.unwrap_or_else(|| recorded.clone());
        let scratch = tempfile::Builder::new().prefix("codeanatomy-replay-").tempdir();
        let scratch =
            scratch.map_err(|error| PipelineError::file("make a folder in", &std::env::temp_dir(), error))?;
        let source =
            Source::from_spec(pinned(spec.clone(), &record, scratch.path()), record.name.as_str(), folder)?;
        let scope = match &record.selection {
            Some(selection) => Scope::Outputs(Selection::parse(&selection.selectors)?),
            None => Scope::Whole,
        };
        let roots = with_folder(&workers.options().roots, scratch.path())?;
        let request = CompileRequest {
            roots: &roots,
            scope,
            tracing: Some(&observer),
            ..CompileRequest::new(source, workers)
        };
        let compilation = compile(request)?;
        let mut parts = compared(&record, file, &recorded, &spec, &compilation)?;
        parts.extend(data_files(&record, &compilation, workers)?);
        Ok(Self { record, compilation, parts, scratch, observer })
    }

    /// What was compared, without computing anything.
    #[must_use]
    pub fn report(self) -> Report {
        let report = Report { run_id: self.record.run_id, parts: self.parts, outputs: Vec::new() };
        self.observer.replayed(&report);
        report
    }

    /// Computes the outputs again and compares the digests of their rows.
    ///
    /// # Errors
    /// When the spec has mistakes now, a data file is not there any more, or a computation fails.
    pub fn execute(self, workers: &Workers) -> Result<Report> {
        let Self { record, compilation, parts, scratch, observer } = self;
        let observer: Arc<dyn Observer> = Arc::new((Traced::run(&compilation.source.name), observer));
        let plans = || compilation.plan(workers);
        let plans = staged(&mut Stages::default(), observer.as_ref(), Stage::Emit, plans)?;
        let options = RunOptions {
            observer: Arc::new(OfRun { observer: Arc::clone(&observer), planning: None }),
            cancellation: workers.cancellation().clone(),
            no_progress_timeout: workers.options().no_progress_timeout,
            ..RunOptions::new(&compilation.source.base_dir, &record.run_id)
        };
        let written = plans.try_write(options, workers)?;
        let written = written.map_err(|error| compilation.failed(&error, workers))?;
        let found = written.digests();
        written.discard(workers)?;
        drop(scratch);
        // Not the recorded class: that would allow whatever a record claims.
        let identities = compilation.output_identities();
        let class = |table: &str| identities.get(table).map_or(ResultClass::Bitwise, |it| it.class);
        let outputs = record.outputs.iter().map(|output| replayed(output, class(&output.table), &found));
        let report = Report { run_id: record.run_id.clone(), parts, outputs: outputs.collect() };
        observer.replayed(&report);
        Ok(report)
    }
}

/// An output as it was recorded, and the digest of its rows now.
fn replayed(output: &OutputRecord, class: ResultClass, found: &[(String, RowsDigest)]) -> ReplayedOutput {
    let now = found.iter().find(|(table, _)| *table == output.table).map(|(_, digest)| *digest);
    let recorded = output.digest.parse::<RowsDigest>();
    let verdict = match now {
        None => Verdict::Unknown,
        Some(_) if matches!(recorded, Err(RowsError::OtherDefinition { .. })) => Verdict::OtherDefinition,
        Some(now) if recorded == Ok(now) => Verdict::Same,
        Some(_) if class == ResultClass::Bitwise => Verdict::Differs,
        Some(_) => Verdict::Allowed,
    };
    ReplayedOutput {
        table: output.table.clone(),
        class,
        recorded: output.digest.clone(),
        found: now.map(|digest| digest.to_string()).unwrap_or_default(),
        verdict,
    }
}

/// A spec that reads the versions which a run has read, and writes nowhere but below a folder. What ran since is not asked.
fn pinned(mut spec: Spec, record: &RunRecord, scratch: &Path) -> Spec {
    for input in &mut spec.input_relations {
        let read = record.inputs.iter().find(|read| read.input == input.logical_name);
        if let Some(read) = read {
            input.version_pin = read.provider.version();
        }
    }
    if let Some(policy) = &mut spec.cache_policy {
        policy.use_historical_metrics = false;
    }
    for (number, output) in spec.output_targets.iter_mut().enumerate() {
        output.delta_location = Some(scratch.join(number.to_string()).to_string_lossy().into_owned());
        // They speak of tables that have more rows, and perhaps columns, than what is computed again.
        output.assertions.clear();
    }
    spec
}
