//! What a program is told while the pipeline works.
//!
//! There is one instrumentation. The pipeline tells an [`Observer`]; progress bars, files of events
//! ([`EventLog`](crate::EventLog)), lineage and traces are observers, and a program may have several at once: a pair of observers is one.
//! Every compilation, run and extraction tells `tracing` as well ([`Traced`]).

mod forward;
mod open;
mod traced;

pub(crate) use open::{OpenWork, Work};
pub use traced::TARGET as TRACING_TARGET;
pub(crate) use traced::Traced;

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::{ExecutionObserver, OutputOutcome, RuleRun, RunCapture, SegmentOutcome};
use ir::diag::{Diagnostic, SourceMap};
use ir::hash::ContentHash;
use ir::stage::Stage;
use passes::{Pass, PassEvent};

use crate::record::RunRecord;
use crate::replay::Report;
use crate::{Compilation, ExtractedTable, Stages};

/// A run that begins: its spec is compiled, and nothing is computed.
pub struct RunStart<'a> {
    /// Its id.
    pub run_id: &'a str,
    /// When it began; RFC 3339, to the microsecond.
    pub started_at: &'a str,
    /// The hash of everything besides the spec that decides its rows.
    pub envelope_hash: ContentHash,
    /// What is run.
    pub compilation: &'a Compilation,
}

/// Sees what happens between a spec and its published tables. Dumps, traces and progress bars are observers. Methods are
/// called from several threads and do nothing unless overridden; they must return quickly.
pub trait Observer: Send + Sync {
    /// A stage begins: reading tables, planning, extracting and so on, as in [`Stages`](crate::Stages). The families of passes
    /// and their verification are no stages of this kind: passes are told of one by one.
    fn stage_started(&self, _stage: Stage) {}

    /// A stage has ended after this time, whatever came of it.
    fn stage_finished(&self, _stage: Stage, _took: Duration) {}

    /// Somebody else publishes to a table, and this waits for it: who and where, as a sentence.
    fn waiting(&self, _busy: &str) {}

    /// A pass begins.
    fn pass_started(&self, _pass: &'static Pass) {}

    /// A pass ran, also when it found mistakes in the spec: the graph after it, and what it decided.
    fn pass_finished(&self, _event: &PassEvent<'_>) {}

    /// A compilation has come to its end, perhaps with mistakes in its spec. What it found is told after this.
    fn compiled(&self, _compilation: &Compilation) {}

    /// This was found, in a spec of this text.
    fn found(&self, _found: &[Diagnostic], _map: &SourceMap) {}

    /// A run has an identity and begins.
    fn run_started(&self, _run: &RunStart<'_>) {}

    /// A segment (`view x` or `output x`) begins to run.
    fn segment_started(&self, _segment: &str) {}

    /// A segment has produced this many rows so far.
    fn segment_progress(&self, _segment: &str, _rows: u64) {}

    /// Whether it wants to know of the rules that plan segments; watching them takes time.
    fn watches_rules(&self) -> bool {
        false
    }

    /// These rules ran on the plans of a segment that is done. Told to who wants to know, before the segment's end is.
    fn rules_ran(&self, _segment: &str, _runs: &[RuleRun]) {}

    /// A segment is done; an output's files are written and not committed.
    fn segment_finished(&self, _outcome: &SegmentOutcome) {}

    /// An output is published.
    fn output_committed(&self, _outcome: &OutputOutcome) {}

    /// A table of an extraction is published.
    fn table_extracted(&self, _table: &ExtractedTable) {}

    /// Something was found after the compilation that does not stop the run.
    fn warned(&self, _found: &Diagnostic) {}

    /// A run has ended, well or not, as its record says. Whether the record is written is told elsewhere.
    fn run_finished(&self, _record: &RunRecord) {}

    /// A run that failed or was stopped cannot be recorded, for this reason.
    fn not_recorded(&self, _reason: &str) {}

    /// An extraction has found this many rows of all tables so far.
    fn rows_extracted(&self, _rows: u64) {}

    /// A recorded run was looked at again.
    fn replayed(&self, _report: &Report) {}
}

/// Runs a stage: tells of its begin and its end, and adds its time to that of others.
pub(crate) fn staged<T>(
    stages: &mut Stages,
    observer: &dyn Observer,
    stage: Stage,
    work: impl FnOnce() -> T,
) -> T {
    observer.stage_started(stage);
    let started = Instant::now();
    let result = work();
    let took = started.elapsed();
    stages.add(stage, took);
    observer.stage_finished(stage, took);
    result
}

/// An observer as the engine calls it.
pub(crate) struct OfRun {
    pub(crate) observer: Arc<dyn Observer>,
    /// Who sees how segments are planned, if somebody does.
    pub(crate) planning: Option<Arc<RunCapture>>,
}

impl ExecutionObserver for OfRun {
    fn stage_started(&self, stage: Stage) {
        self.observer.stage_started(stage);
    }

    fn stage_finished(&self, stage: Stage, took: Duration) {
        self.observer.stage_finished(stage, took);
    }

    fn segment_started(&self, segment: &str) {
        self.observer.segment_started(segment);
    }

    fn segment_progress(&self, segment: &str, rows: u64) {
        self.observer.segment_progress(segment, rows);
    }

    fn segment_finished(&self, outcome: &SegmentOutcome) {
        if let Some(planning) = self.planning.as_ref().filter(|_| self.observer.watches_rules()) {
            self.observer.rules_ran(&outcome.segment, &planning.rule_runs(&outcome.segment));
        }
        self.observer.segment_finished(outcome);
    }

    fn output_committed(&self, outcome: &OutputOutcome) {
        self.observer.output_committed(outcome);
    }
}
