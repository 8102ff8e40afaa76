//! How a run was planned, for people.

use engine::{FilterAnswer, RuleImpact, RulePhase, SegmentCapture};
use ir::diag::escape_text;
use ir::spec::RecordRetention;
use pipeline::record::Capture;

use super::{Align, table};

/// A capture: rules, then the plans and scans of every segment, then settings and warnings.
pub(crate) fn capture_text(capture: &Capture) -> String {
    let mut parts = vec![format!("run {}\n", escape_text(&capture.run_id))];
    parts.push(rule_table(&capture.rule_impact));
    parts.extend(capture.segments.iter().map(segment_text));
    let settings = capture.config_snapshot.iter().map(|(key, value)| vec![key.clone(), value.clone()]);
    parts.push(table(&[("setting", Align::Left), ("value", Align::Left)], settings));
    let kept = match capture.retention {
        RecordRetention::Short => "kept for a short time".to_owned(),
        RecordRetention::Long => "kept for a long time".to_owned(),
        RecordRetention::Custom(days) => format!("kept for {days} days"),
    };
    parts.push(format!("{kept}\n"));
    let warnings = capture
        .warnings
        .iter()
        .map(|found| vec![found.code.clone(), found.stage.name().to_owned(), found.message.clone()]);
    let headers = [("warning", Align::Left), ("stage", Align::Left), ("message", Align::Left)];
    if !capture.warnings.is_empty() {
        parts.push(table(&headers, warnings));
    }
    parts.join("\n")
}

fn rule_table(rules: &[RuleImpact]) -> String {
    let headers =
        [("rule", Align::Left), ("phase", Align::Left), ("plans", Align::Right), ("rewrites", Align::Right)];
    let rows = rules.iter().map(|rule| {
        let phase = match rule.phase {
            RulePhase::Analyzer => "analyzer",
            RulePhase::Optimizer => "optimizer",
            RulePhase::PhysicalOptimizer => "physical optimizer",
        };
        vec![
            rule.rule_name.clone(),
            phase.to_owned(),
            rule.plans_touched.to_string(),
            rule.rewrites_applied.to_string(),
        ]
    });
    table(&headers, rows)
}

/// The plans of a segment, each under its digest, and what its scans were offered.
fn segment_text(segment: &SegmentCapture) -> String {
    let mut text = String::new();
    let plans = [
        ("logical", Some(&segment.logical)),
        ("optimized", segment.optimized.as_ref()),
        ("physical", segment.physical.as_ref()),
    ];
    for (name, plan) in plans {
        let title = escape_text(&segment.segment);
        match plan {
            Some(plan) => text.push_str(&format!(
                "{title}: {name} plan {}, columns {}\n{}",
                plan.digest.short(),
                plan.schema_fingerprint.short(),
                plan.text.lines().map(|line| format!("{}\n", escape_text(line))).collect::<String>()
            )),
            None => text.push_str(&format!("{title}: the run ended before there was a {name} plan\n\n")),
        }
    }
    text.push_str(&scan_table(segment));
    text
}

fn scan_table(segment: &SegmentCapture) -> String {
    let headers =
        [("scan", Align::Left), ("columns", Align::Left), ("filter", Align::Left), ("answer", Align::Left)];
    let rows = segment.scans.iter().flat_map(|scan| {
        let row = |filter: &str, answer: &str| {
            vec![scan.scan.clone(), scan.columns.join(", "), filter.to_owned(), answer.to_owned()]
        };
        let filters = scan.filters.iter().map(|offered| {
            let answer = match offered.answer {
                FilterAnswer::Exact => "exact",
                FilterAnswer::Inexact => "inexact",
                FilterAnswer::Unsupported => "unsupported",
            };
            row(&offered.filter, answer)
        });
        let none = scan.filters.is_empty().then(|| row("-", "-"));
        filters.chain(none).collect::<Vec<_>>()
    });
    if segment.scans.is_empty() { String::new() } else { table(&headers, rows) }
}
