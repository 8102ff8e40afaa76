//! What a run reads and writes, and which columns come from which, as events of [OpenLineage](https://openlineage.io) 2-0-2.
//!
//! A run gives two events, a line of JSON each: `START` when its spec is compiled, and `COMPLETE`, `FAIL` or `ABORT` when it has
//! ended. A dataset is the folder of a table: namespace `file`, name the absolute path. A job is a spec: namespace `codeanatomy`,
//! name the folder of the spec and its name. The run's id is that of the run.

mod datasets;
mod document;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ir::diag::Diagnostic;
use serde_json::json;

use crate::events::{LineFile, not_written};
use crate::record::{RunRecord, Status};
use crate::{Observer, Result, RunStart, Source};
use datasets::Datasets;
use document::{EventType, Job, Run, RunEvent, facet, facets};

/// The version of OpenLineage that events are of.
pub const OPENLINEAGE_VERSION: &str = "2-0-2";

/// What every line begins with.
const BEGINNING: &str = "{\"eventTime\":";

/// Writes the lineage of runs.
pub struct LineageLog(Mutex<State>);

struct State {
    file: LineFile,
    /// The run that goes on.
    run: Option<Started>,
}

/// What a run is, while it goes on.
struct Started {
    job: Job,
    datasets: Datasets,
    tags: serde_json::Value,
}

impl LineageLog {
    /// Adds the events of runs to a file, which is made if it is not there.
    ///
    /// # Errors
    /// When the file cannot be opened, lies in a Delta table, or holds something else than lineage.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self(Mutex::new(State { file: LineFile::open(path, BEGINNING)?, run: None })))
    }

    /// Fails when the file lies where an output of a spec is or will be. To be asked before anything is run.
    ///
    /// # Errors
    /// See above.
    pub fn is_outside_of(&self, source: &Source) -> Result<()> {
        self.state().file.is_outside_of(source)
    }

    /// Why events are missing at the end of the file; nothing when all are there.
    #[must_use]
    pub fn failure(&self) -> Option<Diagnostic> {
        self.state().file.failure().map(|(path, error)| not_written("lineage", path, error))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, event: &RunEvent<'_>) {
        // An event has a JSON form: texts and whole numbers.
        if let Ok(line) = serde_json::to_vec(event) {
            self.file.add(line);
        }
    }
}

impl Observer for LineageLog {
    fn run_started(&self, run: &RunStart<'_>) {
        let source = &run.compilation.source;
        let job = Job::of(&source.base_dir, &source.name);
        let tags = source.spec.runtime.lineage_tags.iter();
        let tags = tags.map(|(key, value)| json!({"key": key, "value": value, "source": "USER"})).collect();
        let started = Started { job, datasets: Datasets::of(run.compilation), tags };
        let mut state = self.state();
        let (inputs, outputs) = (started.datasets.inputs(), started.datasets.planned());
        let run_facets = started.run_facets(None);
        state.add(&RunEvent::new(
            EventType::Start,
            run.started_at,
            Run::new(run.run_id, run_facets),
            &started.job,
            inputs,
            outputs,
        ));
        state.run = Some(started);
    }

    fn run_finished(&self, record: &RunRecord) {
        let mut state = self.state();
        let Some(started) = state.run.take() else { return };
        let (event_type, outputs) = match record.status {
            Status::Published => (EventType::Complete, started.datasets.published(&record.outputs)),
            Status::Failed => (EventType::Fail, started.datasets.planned()),
            Status::Cancelled => (EventType::Abort, started.datasets.planned()),
        };
        let message = record.failure.as_ref().map(|failure| failure.message.as_str());
        let run = Run::new(&record.run_id, started.run_facets(message));
        let inputs = started.datasets.inputs();
        state.add(&RunEvent::new(event_type, &record.finished_at, run, &started.job, inputs, outputs));
    }
}

impl Started {
    fn run_facets(&self, error: Option<&str>) -> serde_json::Value {
        let engine = json!({
            "name": "DataFusion", "version": engine::DATAFUSION_VERSION,
            "openlineageAdapterVersion": env!("CARGO_PKG_VERSION"),
        });
        let tagged = self.tags.as_array().is_some_and(|tags| !tags.is_empty());
        let tags = tagged.then(|| json!({"tags": self.tags}));
        let error = error.map(|message| json!({"message": message, "programmingLanguage": "Rust"}));
        facets([
            ("processing_engine", Some(facet("1-1-1", "ProcessingEngineRunFacet", engine))),
            ("tags", tags.map(|tags| facet("1-0-0", "TagsRunFacet", tags))),
            ("errorMessage", error.map(|error| facet("1-0-1", "ErrorMessageRunFacet", error))),
        ])
    }
}
