//! What is observed, as spans.

use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use engine::{OperatorMetrics, OutputOutcome, RulePhase, RuleRun, SegmentOutcome};
use ir::diag::{Diagnostic, SourceMap};
use ir::spec::RuleTraceMode;
use ir::stage::Stage;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};
use passes::{Pass, PassEvent};

use super::Traces;
use crate::observer::Work;
use crate::record::RunRecord;
use crate::{Compilation, Observer, RunStart};

/// A count as an attribute.
fn count(key: &'static str, number: impl TryInto<i64>) -> KeyValue {
    KeyValue::new(key, number.try_into().unwrap_or(i64::MAX))
}

impl Observer for Traces {
    fn stage_started(&self, stage: Stage) {
        // A spec has been read when this is told of.
        if stage != Stage::Load {
            self.open.begin(Work::Stage(stage), self.span(&self.root, stage.name(), None, Vec::new()));
        }
    }

    fn stage_finished(&self, stage: Stage, took: Duration) {
        let span = self.open.end(&Work::Stage(stage)).unwrap_or_else(|| {
            let started = SystemTime::now().checked_sub(took);
            self.span(&self.root, stage.name(), started, Vec::new())
        });
        span.span().end();
    }

    fn pass_started(&self, pass: &'static Pass) {
        let span = self.span(&self.root, format!("pass {}", pass.name), None, Vec::new());
        self.open.begin(Work::Pass(pass.name), span);
    }

    fn pass_finished(&self, event: &PassEvent<'_>) {
        if let Some(span) = self.open.end(&Work::Pass(event.pass.name)) {
            let counts =
                [("codeanatomy.nodes", event.graph.len()), ("codeanatomy.findings", event.findings.len())];
            span.span().set_attributes(counts.map(|(key, number)| count(key, number)));
            span.span().end();
        }
    }

    fn compiled(&self, compilation: &Compilation) {
        let spec =
            compilation.spec_hash().map(|hash| KeyValue::new("codeanatomy.spec_hash", hash.to_string()));
        self.root.span().set_attributes(spec);
    }

    fn found(&self, found: &[Diagnostic], _: &SourceMap) {
        for found in found {
            let code = KeyValue::new("codeanatomy.code", found.code.id());
            self.root.span().add_event("found", vec![code]);
        }
    }

    fn run_started(&self, run: &RunStart<'_>) {
        let envelope = KeyValue::new("codeanatomy.envelope_hash", run.envelope_hash.to_string());
        let id = KeyValue::new("codeanatomy.run_id", run.run_id.to_owned());
        self.root.span().set_attributes([id, envelope]);
    }

    fn segment_started(&self, segment: &str) {
        let within = self.open.get(&Work::Stage(Stage::Execute)).unwrap_or_else(|| self.root.clone());
        let span = self.span(&within, format!("segment {segment}"), None, Vec::new());
        self.open.begin(Work::Segment(segment.to_owned()), span);
    }

    fn watches_rules(&self) -> bool {
        self.config.rule_mode != RuleTraceMode::Disabled
    }

    fn rules_ran(&self, segment: &str, runs: &[RuleRun]) {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.push((segment.to_owned(), runs.to_vec()));
    }

    fn segment_finished(&self, outcome: &SegmentOutcome) {
        let Some(segment) = self.open.end(&Work::Segment(outcome.segment.clone())) else { return };
        let ended = SystemTime::now();
        let ran = ended.checked_sub(outcome.run).unwrap_or(ended);
        let began = ran.checked_sub(outcome.plan).unwrap_or(ran);
        let plan = self.span(&segment, "plan", Some(began), Vec::new());
        self.rules(&plan, &self.take_rules(&outcome.segment));
        plan.span().end_with_timestamp(ran);
        self.operators(&segment, &outcome.operators, (ran, ended));
        let counts =
            [count("codeanatomy.rows", outcome.rows), count("codeanatomy.partitions", outcome.partitions)];
        segment.span().set_attributes(counts);
        segment.span().end();
    }

    fn output_committed(&self, outcome: &OutputOutcome) {
        let within = self.open.get(&Work::Stage(Stage::Commit)).unwrap_or_else(|| self.root.clone());
        let attributes = vec![
            KeyValue::new("codeanatomy.table", outcome.table.clone()),
            count("codeanatomy.version", outcome.version),
            count("codeanatomy.rows", outcome.rows),
            count("codeanatomy.bytes", outcome.bytes),
        ];
        within.span().add_event("output published", attributes);
    }

    fn warned(&self, found: &Diagnostic) {
        self.root.span().add_event("found", vec![KeyValue::new("codeanatomy.code", found.code.id())]);
    }

    fn run_finished(&self, record: &RunRecord) {
        self.root.span().set_attribute(KeyValue::new("codeanatomy.status", record.status.name()));
    }
}

impl Traces {
    /// The rules that planned a segment, by their phases.
    fn rules(&self, plan: &Context, runs: &[RuleRun]) {
        let phases = [
            (RulePhase::Analyzer, "analyzer"),
            (RulePhase::Optimizer, "optimizer"),
            (RulePhase::PhysicalOptimizer, "physical_optimizer"),
        ];
        for (phase, name) in phases {
            let runs: Vec<&RuleRun> = runs.iter().filter(|run| run.phase == phase).collect();
            let ended = |run: &&&RuleRun| run.started.checked_add(run.took).unwrap_or(run.started);
            let (Some(first), Some(last)) = (runs.first(), runs.iter().map(|run| ended(&run)).max()) else {
                continue;
            };
            let phase =
                self.span(plan, name, Some(first.started), vec![count("codeanatomy.rules", runs.len())]);
            if self.config.rule_mode == RuleTraceMode::Full {
                for run in &runs {
                    let changed = self.config.plan_diff;
                    let changed = changed.then(|| KeyValue::new("codeanatomy.changed", run.changed));
                    let attributes = changed.into_iter().collect();
                    let rule = self.span(&phase, run.rule_name.clone(), Some(run.started), attributes);
                    rule.span().end_with_timestamp(ended(&run));
                }
            }
            phase.span().end_with_timestamp(last);
        }
    }

    /// The operators of a segment that has run, each below the one that reads it. Those that did not count when they ran have
    /// the time of the segment.
    fn operators(&self, segment: &Context, operators: &[OperatorMetrics], ran: (SystemTime, SystemTime)) {
        let mut above: Vec<Context> = Vec::new();
        for operator in operators {
            above.truncate(operator.depth);
            let parent = above.last().unwrap_or(segment);
            let attributes = if self.config.record_metrics { metrics(operator) } else { Vec::new() };
            let span =
                self.span(parent, operator.name.clone(), Some(operator.started.unwrap_or(ran.0)), attributes);
            span.span().end_with_timestamp(operator.ended.unwrap_or(ran.1));
            above.push(span);
        }
    }
}

/// What an operator counted.
fn metrics(operator: &OperatorMetrics) -> Vec<KeyValue> {
    let scan = operator.scan.as_ref();
    let counts = [
        ("codeanatomy.output_rows", operator.output_rows),
        ("codeanatomy.elapsed_compute_nanos", operator.elapsed_compute_nanos),
        ("codeanatomy.peak_memory_bytes", operator.peak_memory_bytes),
        ("codeanatomy.spill_count", operator.spill_count),
        ("codeanatomy.spilled_bytes", operator.spilled_bytes),
        ("codeanatomy.scanned_bytes", scan.map(|scan| scan.bytes)),
        ("codeanatomy.row_groups", scan.map(|scan| scan.row_groups)),
    ];
    counts.into_iter().filter_map(|(key, number)| Some(count(key, number?))).collect()
}
