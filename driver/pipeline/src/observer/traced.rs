//! What `tracing` is told, always: a program that has a subscriber sees the spans and events of the target [`TARGET`].
//!
//! ```text
//! compile{spec}     stage{stage}  pass{pass}
//! run{spec run_id}  stage{stage} > segment{segment}
//! extract           stage{stage}
//! ```
//!
//! Fields are names, codes, counts and times. The messages of findings are left out, because some of them quote values, and so
//! is whatever comes from rows. Without a subscriber, or with one that does not want the target, nothing is made: each
//! place costs a look at an atomic number.

use std::time::Duration;

use engine::{OutputOutcome, SegmentOutcome};
use ir::diag::{Diagnostic, Severity, SourceMap};
use ir::stage::Stage;
use passes::{Pass, PassEvent};
use tracing::field::Empty;
use tracing::{Span, debug, debug_span, error, info, info_span, warn};

use super::{Observer, OpenWork, RunStart, Work};
use crate::record::RunRecord;
use crate::{Compilation, ExtractedTable};

/// The target of all spans and events of this program.
pub const TARGET: &str = "codeanatomy";

/// Tells `tracing`. The span around everything ends with it.
pub(crate) struct Traced {
    root: Span,
    open: OpenWork<Span>,
}

impl Traced {
    /// Tells of the compilation of a spec.
    pub(crate) fn compilation(spec: &str) -> Self {
        Self::within(info_span!(target: TARGET, "compile", spec))
    }

    /// Tells of a run of a spec.
    pub(crate) fn run(spec: &str) -> Self {
        Self::within(info_span!(target: TARGET, "run", spec, run_id = Empty))
    }

    /// Tells of an extraction.
    pub(crate) fn extraction() -> Self {
        Self::within(info_span!(target: TARGET, "extract"))
    }

    fn within(root: Span) -> Self {
        Self { root, open: OpenWork::default() }
    }

    fn opened(&self, work: Work, span: Span) {
        if !span.is_disabled() {
            self.open.begin(work, span);
        }
    }

    /// The span of what has ended; that of everything where it has none of its own.
    fn closed(&self, work: &Work) -> Span {
        self.open.end(work).unwrap_or_else(|| self.root.clone())
    }

    /// The span of a stage, while it goes on.
    fn stage(&self, stage: Stage) -> Span {
        self.open.get(&Work::Stage(stage)).unwrap_or_else(|| self.root.clone())
    }

    fn finding(&self, found: &Diagnostic) {
        let (root, code) = (&self.root, found.code.id());
        let path = found.location.as_ref().map(tracing::field::display);
        let stage = found.stage.map(Stage::name);
        match found.severity {
            Severity::Error => error!(target: TARGET, parent: root, code, path, stage, "found"),
            Severity::Warning => warn!(target: TARGET, parent: root, code, path, stage, "found"),
            Severity::Note => info!(target: TARGET, parent: root, code, path, stage, "found"),
        }
    }
}

impl Observer for Traced {
    fn stage_started(&self, stage: Stage) {
        let span = info_span!(target: TARGET, parent: &self.root, "stage", stage = stage.name());
        debug!(target: TARGET, parent: &span, "stage started");
        self.opened(Work::Stage(stage), span);
    }

    fn stage_finished(&self, stage: Stage, took: Duration) {
        let span = self.closed(&Work::Stage(stage));
        info!(target: TARGET, parent: &span, seconds = took.as_secs_f64(), "stage finished");
    }

    fn waiting(&self, busy: &str) {
        info!(target: TARGET, parent: &self.root, busy, "waiting");
    }

    fn pass_started(&self, pass: &'static Pass) {
        let span = debug_span!(target: TARGET, parent: &self.root, "pass", pass = pass.name);
        self.opened(Work::Pass(pass.name), span);
    }

    fn pass_finished(&self, event: &PassEvent<'_>) {
        let span = self.closed(&Work::Pass(event.pass.name));
        let (nodes, findings) = (event.graph.len(), event.findings.len());
        debug!(target: TARGET, parent: &span, nodes, findings, "pass finished");
    }

    fn compiled(&self, compilation: &Compilation) {
        let (nodes, findings) = (compilation.graph.len(), compilation.diagnostics.len());
        let reused_views = compilation.reused;
        info!(target: TARGET, parent: &self.root, nodes, findings, reused_views, "compiled");
    }

    fn found(&self, found: &[Diagnostic], _: &SourceMap) {
        found.iter().for_each(|found| self.finding(found));
    }

    fn run_started(&self, run: &RunStart<'_>) {
        self.root.record("run_id", run.run_id);
        info!(target: TARGET, parent: &self.root, "run started");
    }

    fn segment_started(&self, segment: &str) {
        let within = self.stage(Stage::Execute);
        let span = info_span!(target: TARGET, parent: &within, "segment", segment);
        debug!(target: TARGET, parent: &span, "segment started");
        self.opened(Work::Segment(segment.to_owned()), span);
    }

    fn segment_finished(&self, outcome: &SegmentOutcome) {
        let span = self.closed(&Work::Segment(outcome.segment.clone()));
        let (plan_seconds, run_seconds) = (outcome.plan.as_secs_f64(), outcome.run.as_secs_f64());
        let SegmentOutcome { rows, partitions, .. } = outcome;
        info!(target: TARGET, parent: &span, rows, partitions, plan_seconds, run_seconds, "segment finished");
    }

    fn output_committed(&self, outcome: &OutputOutcome) {
        let OutputOutcome { table, version, rows, files, bytes, .. } = outcome;
        let within = self.stage(Stage::Commit);
        info!(target: TARGET, parent: &within, table, version, rows, files, bytes, "output published");
    }

    fn table_extracted(&self, table: &ExtractedTable) {
        let ExtractedTable { location, version, rows, files, bytes } = table;
        info!(target: TARGET, parent: &self.root, location, version, rows, files, bytes, "table published");
    }

    fn warned(&self, found: &Diagnostic) {
        self.finding(found);
    }

    fn run_finished(&self, record: &RunRecord) {
        let (status, outputs) = (record.status.name(), record.outputs.len());
        let seconds = record.stages.total().as_secs_f64();
        info!(target: TARGET, parent: &self.root, status, outputs, seconds, "run finished");
    }

    fn not_recorded(&self, _: &str) {
        warn!(target: TARGET, parent: &self.root, "run not recorded");
    }
}
