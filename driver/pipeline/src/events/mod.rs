//! What happens during a command, as lines of JSON: for schedulers, dashboards, and whoever asks later.
//!
//! ```text
//! {"schema_version":1,"run_id":"…","sequence":4,"time":"…","event":"stage_finished","stage":"resolve","seconds":0.012}
//! ```
//!
//! A line is written when it happens, so that a run that is killed leaves what it did until then. Lines are added to a file
//! that is there. Events hold names, places, counts, times and what was found, no rows; messages of findings are those that the
//! command prints.

mod event;
mod file;

pub use event::{EVENT_SCHEMA_VERSION, EndStatus, event_schema};
pub(crate) use file::LineFile;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::{OutputOutcome, SegmentOutcome};
use ir::diag::{Diagnostic, Severity, SourceMap, SourceName, codes, resolve};
use ir::stage::Stage;
use passes::{Pass, PassEvent};

use crate::record::{RunRecord, Status, utc_now};
use crate::replay::Report;
use crate::{Compilation, ExtractedTable, Observer, Result, RunStart, Source};
use event::{Event, EventKind, Finding, Published};

/// What every line begins with.
const BEGINNING: &str = "{\"schema_version\":";

/// All events that were made.
static MADE: AtomicU64 = AtomicU64::new(0);

/// How many events this process has made, for tests of what costs nothing where nobody asks for it.
#[must_use]
pub fn events_made() -> u64 {
    MADE.load(Ordering::Relaxed)
}

/// Writes an event for everything that is observed. It may observe a compilation, its run, and an extraction one after the
/// other: they are parts of one command.
pub struct EventLog {
    run_id: String,
    started: Instant,
    state: Mutex<State>,
}

struct State {
    file: LineFile,
    sequence: u64,
    /// When the pass began that runs now.
    pass: Option<Instant>,
    /// The text of the spec, for findings that come later.
    map: SourceMap,
    told: BTreeSet<Finding>,
}

impl EventLog {
    /// Adds the events of a run of this id to a file, which is made if it is not there; it may be a pipe as well.
    ///
    /// # Errors
    /// When the file cannot be opened, lies in a Delta table, or holds something else than events.
    pub fn open(path: &Path, run_id: &str) -> Result<Self> {
        Ok(Self::new(LineFile::open(path, BEGINNING)?, run_id))
    }

    /// Writes the events of a run of this id to whatever can be written to. An error of it ends the events and nothing else.
    #[must_use]
    pub fn to(writer: impl Write + Send + 'static, run_id: &str) -> Self {
        Self::new(LineFile::to("events", Box::new(writer)), run_id)
    }

    fn new(file: LineFile, run_id: &str) -> Self {
        let map = SourceMap::new(SourceName::new("events"), "");
        let state = State { file, sequence: 0, pass: None, map, told: BTreeSet::new() };
        Self { run_id: run_id.to_owned(), started: Instant::now(), state: Mutex::new(state) }
    }

    /// Fails when the file lies where an output of a spec is or will be. To be asked before anything is run.
    ///
    /// # Errors
    /// See above.
    pub fn is_outside_of(&self, source: &Source) -> Result<()> {
        self.state().file.is_outside_of(source)
    }

    /// The first event: a command of this name begins.
    pub fn begin(&self, command: &str) {
        let (command, program_version) = (command.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        self.add(EventKind::RunStarted { command, program_version });
    }

    /// The last event: the command has ended like this; `message` says what went wrong where no finding does.
    pub fn end(&self, status: EndStatus, message: Option<String>) {
        let mut state = self.state();
        let count = |severity: Severity| {
            let told = state.told.iter().filter(|finding| finding.severity == severity).count();
            u64::try_from(told).unwrap_or(u64::MAX)
        };
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        let seconds = self.started.elapsed().as_secs_f64();
        self.add_to(&mut state, EventKind::RunFinished { status, errors, warnings, message, seconds });
    }

    /// Why events are missing at the end of the file; nothing when all are there.
    #[must_use]
    pub fn failure(&self) -> Option<Diagnostic> {
        self.state().file.failure().map(|(path, error)| not_written("events", path, error))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, kind: EventKind) {
        self.add_to(&mut self.state(), kind);
    }

    fn add_to(&self, state: &mut State, kind: EventKind) {
        MADE.fetch_add(1, Ordering::Relaxed);
        let (schema_version, sequence) = (EVENT_SCHEMA_VERSION, state.sequence);
        let time = &utc_now();
        let event = Event { schema_version, run_id: &self.run_id, sequence, time, kind };
        // An event has a JSON form: texts, and numbers that are finite.
        if let Ok(line) = serde_json::to_vec(&event) {
            state.file.add(line);
            state.sequence += 1;
        }
    }

    fn findings(&self, found: &[Diagnostic], map: &SourceMap) {
        let mut state = self.state();
        for finding in resolve(found, map).into_iter().map(Finding::from) {
            if state.told.insert(finding.clone()) {
                self.add_to(&mut state, EventKind::Found(finding));
            }
        }
    }
}

/// The warning that lines are missing in a file.
pub(crate) fn not_written(what: &'static str, path: &Path, error: &std::io::Error) -> Diagnostic {
    let message = format!("`{}` has not all {what}: {error}", path.display());
    let found = Diagnostic::new(codes::EVENTS_NOT_WRITTEN, message).about("file", path.display().to_string());
    found.help("what was run is not concerned; see that the file can be written to before the next run")
}

impl Observer for EventLog {
    fn stage_started(&self, stage: Stage) {
        self.add(EventKind::StageStarted { stage });
    }

    fn stage_finished(&self, stage: Stage, took: Duration) {
        self.add(EventKind::StageFinished { stage, seconds: took.as_secs_f64() });
    }

    fn waiting(&self, busy: &str) {
        self.add(EventKind::Waiting { reason: busy.to_owned() });
    }

    fn pass_started(&self, _: &'static Pass) {
        self.state().pass = Some(Instant::now());
    }

    fn pass_finished(&self, event: &PassEvent<'_>) {
        let mut state = self.state();
        let seconds = state.pass.take().map_or(0.0, |started| started.elapsed().as_secs_f64());
        let (pass, stage) = (event.pass.name.to_owned(), event.pass.family.stage());
        let (nodes, findings) = (event.graph.len(), event.findings.len());
        self.add_to(&mut state, EventKind::PassFinished { pass, stage, seconds, nodes, findings });
    }

    fn compiled(&self, compilation: &Compilation) {
        self.state().map = compilation.source.map.clone();
        self.add(EventKind::compiled(compilation));
    }

    fn found(&self, found: &[Diagnostic], map: &SourceMap) {
        self.findings(found, map);
    }

    fn run_started(&self, run: &RunStart<'_>) {
        let outputs = run.compilation.source.spec.output_targets.iter();
        self.add(EventKind::ExecutionStarted {
            envelope_hash: run.envelope_hash.to_string(),
            outputs: outputs.map(|output| output.table_name.clone()).collect(),
        });
    }

    fn segment_started(&self, segment: &str) {
        self.add(EventKind::SegmentStarted { segment: segment.to_owned() });
    }

    fn segment_finished(&self, outcome: &SegmentOutcome) {
        self.add(EventKind::segment(outcome));
    }

    fn output_committed(&self, outcome: &OutputOutcome) {
        self.add(EventKind::OutputPublished(Published::from(outcome)));
    }

    fn table_extracted(&self, table: &ExtractedTable) {
        self.add(EventKind::OutputPublished(Published::from(table)));
    }

    fn warned(&self, found: &Diagnostic) {
        let map = self.state().map.clone();
        self.findings(std::slice::from_ref(found), &map);
    }

    fn run_finished(&self, record: &RunRecord) {
        let status = match record.status {
            Status::Published => EndStatus::Succeeded,
            Status::Failed => EndStatus::Failed,
            Status::Cancelled => EndStatus::Cancelled,
        };
        let failed = record.failure.as_ref().map_or(0, |failure| failure.published.len());
        let outputs = record.outputs.len() + failed;
        let seconds = record.stages.total().as_secs_f64();
        self.add(EventKind::ExecutionFinished { status, outputs, seconds });
    }

    fn replayed(&self, report: &Report) {
        self.add(EventKind::replayed(report));
    }
}
