//! The code property graph of a repository: extraction, compilation, execution and the checks of the graph.

use serde_json::{Map, Value, json};

use super::{Bound, Report, Setting, text};
use crate::contest::{Contestant, Turn};
use crate::failure::{Failure, Result};

const OURS: &str = "ours";

/// Runs the benchmark, if there is a folder of source code.
///
/// # Errors
/// When the folder does not exist.
pub(super) fn run(setting: &Setting) -> Result<Report> {
    let mut report = Report {
        name: "graph",
        title: "Code property graph of a repository".to_owned(),
        ..Report::default()
    };
    // A quick run shows that it works, on whatever source code is at hand.
    let own = setting.quick.then(|| setting.sources.join("src"));
    let Some(repository) = setting.repository.as_ref().or(own.as_ref()) else {
        let skipped = "NOT RUN: set CODEANATOMY_BENCH_SOURCES to a folder of source code, such as a copy of the \
                       Python standard library.";
        crate::report::progress(skipped);
        report.notes.push(skipped.to_owned());
        return Ok(report);
    };
    let repository = repository.canonicalize().map_err(Failure::file("find", repository))?;
    let ours = Contestant::ours(OURS, move |driver, folder| {
        let lake = text(&folder.join("lake"));
        let arguments = ["build", &text(&repository), "--lake", &lake, "--format", "json"];
        let finished = driver.command(&arguments, folder)?;
        let said: Value = serde_json::from_slice(&finished.stdout)?;
        let tables =
            ["extracted", "outputs"].into_iter().flat_map(|kind| said[kind].as_array().into_iter().flatten());
        let rows: Map<String, Value> = tables
            .filter_map(|table| Some((table["location"].as_str()?.to_owned(), table["rows"].clone())))
            .collect();
        let remarks = json!({"rows": rows.clone(), "stages": said["stages"]});
        Ok(Turn { usage: finished.usage, work: None, answer: rows.into(), remarks })
    });
    let outcome = setting.arena.hold("build", None, &[ours])?;
    let standing = outcome.of(OURS).cloned();
    if let Some(standing) = &standing {
        let stages = standing.remarks["stages"].as_array().into_iter().flatten();
        let stages = stages.filter_map(|stage| Some((stage["stage"].as_str()?, stage["seconds"].as_f64()?)));
        let stages: Vec<String> = stages.map(|(stage, seconds)| format!("{stage} {seconds:.3}")).collect();
        report.notes.push(format!("Wall seconds by stage, of the last run: {}.", stages.join(", ")));
        report.notes.push(format!("Rows: {}.", standing.remarks["rows"]));
    }
    report.outcomes.push(outcome);
    let wall = standing.map(|standing| standing.wall_seconds.median);
    report.target(
        "whole build, wall seconds (stated for the Python standard library)",
        wall,
        Bound::AtMost(25.0),
    );
    Ok(report)
}
