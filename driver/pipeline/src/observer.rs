//! What a program is told while the pipeline works.

use std::sync::Arc;

use engine::{ExecutionObserver, OutputOutcome, SegmentOutcome};
use ir::diag::Diagnostic;
use ir::stage::Stage;
use passes::{Pass, PassEvent};

/// Sees what happens between a spec and its published tables. Dumps, traces and progress bars are observers. Methods are
/// called from several threads and do nothing unless overridden; they must return quickly.
pub trait Observer: Send + Sync {
    /// A stage begins: reading tables, planning, extracting and so on, as in [`Stages`](crate::Stages).
    fn stage_started(&self, _stage: Stage) {}

    /// Somebody else publishes to a table, and this waits for it: who and where, as a sentence.
    fn waiting(&self, _busy: &str) {}

    /// A pass begins.
    fn pass_started(&self, _pass: &'static Pass) {}

    /// A pass ran, also when it found mistakes in the spec: the graph after it, and what it decided.
    fn pass_finished(&self, _event: &PassEvent<'_>) {}

    /// A segment (`view x` or `output x`) begins to run.
    fn segment_started(&self, _segment: &str) {}

    /// A segment has produced this many rows so far.
    fn segment_progress(&self, _segment: &str, _rows: u64) {}

    /// A segment is done; an output's files are written and not committed.
    fn segment_finished(&self, _outcome: &SegmentOutcome) {}

    /// An output is published.
    fn output_committed(&self, _outcome: &OutputOutcome) {}

    /// Something was found after the compilation that does not stop the run.
    fn warned(&self, _found: &Diagnostic) {}

    /// A run that failed or was stopped cannot be recorded, for this reason.
    fn not_recorded(&self, _reason: &str) {}

    /// An extraction has found this many rows of all tables so far.
    fn rows_extracted(&self, _rows: u64) {}
}

/// Watches nothing.
impl Observer for () {}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn stage_started(&self, stage: Stage) {
        self.as_ref().stage_started(stage);
    }

    fn waiting(&self, busy: &str) {
        self.as_ref().waiting(busy);
    }

    fn pass_started(&self, pass: &'static Pass) {
        self.as_ref().pass_started(pass);
    }

    fn pass_finished(&self, event: &PassEvent<'_>) {
        self.as_ref().pass_finished(event);
    }

    fn segment_started(&self, segment: &str) {
        self.as_ref().segment_started(segment);
    }

    fn segment_progress(&self, segment: &str, rows: u64) {
        self.as_ref().segment_progress(segment, rows);
    }

    fn segment_finished(&self, outcome: &SegmentOutcome) {
        self.as_ref().segment_finished(outcome);
    }

    fn output_committed(&self, outcome: &OutputOutcome) {
        self.as_ref().output_committed(outcome);
    }

    fn warned(&self, found: &Diagnostic) {
        self.as_ref().warned(found);
    }

    fn not_recorded(&self, reason: &str) {
        self.as_ref().not_recorded(reason);
    }

    fn rows_extracted(&self, rows: u64) {
        self.as_ref().rows_extracted(rows);
    }
}

/// An observer as the engine calls it.
pub(crate) struct OfRun(pub(crate) Arc<dyn Observer>);

impl ExecutionObserver for OfRun {
    fn segment_started(&self, segment: &str) {
        self.0.segment_started(segment);
    }

    fn segment_progress(&self, segment: &str, rows: u64) {
        self.0.segment_progress(segment, rows);
    }

    fn segment_finished(&self, outcome: &SegmentOutcome) {
        self.0.segment_finished(outcome);
    }

    fn checks_started(&self) {
        self.0.stage_started(Stage::Check);
    }

    fn output_committed(&self, outcome: &OutputOutcome) {
        self.0.output_committed(outcome);
    }
}
