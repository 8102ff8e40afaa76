//! `driver replay RUN`: whether what decided the rows of a run is as it was, and whether they come out the same.

use ir::diag::escape_text;
use pipeline::replay::{Part, Replay, Report, Verdict};
use serde_json::json;

use super::runs::record_of;
use crate::cli::ReplayArgs;
use crate::commands::Context;
use crate::failure::Failure;
use crate::report::{Align, table};

pub(in crate::commands) fn run(arguments: &ReplayArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let (file, base) = record_of(&arguments.run)?;
    let spec = arguments
        .spec
        .as_ref()
        .map(|path| context.read_spec_with(path, &arguments.parameters))
        .transpose()?;
    let spec = match spec {
        Some(source) if source.findings.iter().any(ir::diag::Diagnostic::is_error) => {
            return Err(Failure::Findings { diagnostics: source.findings, source: Box::new(source.map) });
        }
        spec => spec.map(|source| source.spec),
    };
    let workers = context.workers()?;
    let replay = Replay::of(&file, &base, spec, workers, context.telemetry.observer())?;
    let report = if arguments.execute { replay.execute(workers)? } else { replay.report() };
    if context.console.is_json() {
        context.console.print_json(&json!({
            "run_id": report.run_id, "same": report.is_same(), "parts": report.parts, "outputs": report.outputs,
        }))?;
    } else {
        let text = text(&report, context.console.is_verbose());
        context.console.print(&text)?;
    }
    if report.is_same() {
        return Ok(());
    }
    let all = report.differing().join(", ");
    Err(Failure::User(format!("the run is not what it would be now: {}", escape_text(&all))))
}

/// What differs; everything when asked for more.
fn text(report: &Report, is_verbose: bool) -> String {
    let same = report.parts.iter().filter(|part| part.verdict == Verdict::Same).count();
    let shown = report.parts.iter().filter(|part| is_verbose || part.verdict != Verdict::Same);
    let headers =
        [("part", Align::Left), ("recorded", Align::Left), ("now", Align::Left), ("verdict", Align::Left)];
    let rows: Vec<Vec<String>> = shown.map(row).collect();
    let mut text = format!("run {}: {same} parts are as they were", report.run_id);
    if rows.is_empty() {
        text.push_str(", and no part differs\n");
    } else {
        text.push_str(&format!("\n\n{}", table(&headers, rows.into_iter())));
    }
    if !report.outputs.is_empty() {
        let headers = [
            ("output", Align::Left),
            ("class", Align::Left),
            ("digest of rows", Align::Left),
            ("verdict", Align::Left),
        ];
        let rows = report.outputs.iter().map(|output| {
            let digest = if output.recorded == output.found {
                output.found.clone()
            } else {
                format!("{}, was {}", output.found, output.recorded)
            };
            vec![
                output.table.clone(),
                output.class.name().to_owned(),
                digest,
                verdict(output.verdict).to_owned(),
            ]
        });
        text.push_str(&format!("\n{}", table(&headers, rows)));
    }
    text
}

fn row(part: &Part) -> Vec<String> {
    let side = |side: &Option<String>| {
        side.as_ref().map_or_else(|| "-".to_owned(), |text| escape_text(text).into_owned())
    };
    vec![part.part.clone(), side(&part.recorded), side(&part.found), verdict(part.verdict).to_owned()]
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same => "same",
        Verdict::Differs => "differs",
        Verdict::Allowed => "differs, as it may",
        Verdict::Unknown => "cannot be told",
        Verdict::OtherDefinition => "cannot be told: the digest was made by another definition",
    }
}
