//! `driver runs [PATH]` and `driver show RUN`: what is recorded of runs: all of those of a folder, or one in full.

use std::path::{Path, PathBuf};

use ir::diag::escape_text;
use pipeline::record::{Capture, RecordError, RunRecord, RunSummary};
use serde_json::{Value, json};

use crate::cli::{RunArgs, RunsArgs, ShowArgs};
use crate::commands::Context;
use crate::failure::Failure;
use crate::report::{Align, RunReport, capture_text, count, seconds, table};

pub(in crate::commands) fn run(arguments: &RunsArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    if arguments.path.is_dir() { list(&arguments.path, context) } else { print(&arguments.path, context) }
}

/// The word for the run that was recorded last.
const LATEST: &str = "latest";

/// `driver show RUN`.
pub(in crate::commands) fn show(arguments: &ShowArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let (file, _) = record_of(&arguments.run)?;
    if arguments.capture { print_capture(&file, context) } else { print(&file, context) }
}

/// How a run was planned.
fn print_capture(file: &Path, context: &mut Context<'_>) -> Result<(), Failure> {
    let record = RunRecord::read(file).map_err(|error| Failure::User(error.to_string()))?;
    let capture = Capture::of(&record, file).map_err(|error| Failure::User(error.to_string()))?;
    let Some(capture) = capture else {
        return Err(Failure::User(format!(
            "run {} has no capture: runs of a spec that says `runtime: {{compliance_capture: true}}` have one",
            escape_text(&record.run_id)
        )));
    };
    if context.console.is_json() {
        let value = serde_json::to_value(&capture);
        let value = value.map_err(|error| Failure::Bug(format!("a capture has no JSON form: {error}")))?;
        return context.console.print_json(&value);
    }
    context.console.print(&capture_text(&capture))
}

/// The file of the record of a run, and the folder that relative locations of its spec count from.
pub(super) fn record_of(arguments: &RunArgs) -> Result<(PathBuf, PathBuf), Failure> {
    let current = PathBuf::from(".");
    if arguments.run.is_file() {
        let file = std::fs::canonicalize(&arguments.run)
            .map_err(|error| Failure::file("find", &arguments.run, &error))?;
        let base = arguments.base.clone().or_else(|| RunRecord::folder_of(&file)).unwrap_or(current);
        return Ok((file, base));
    }
    let id = arguments.run.to_string_lossy();
    let base = arguments.base.clone().unwrap_or(current);
    let files = RunRecord::files(&base);
    let files = files.map_err(|error| Failure::file("read the records in", &base, &error))?;
    // Their names begin with the time, so the last one is the youngest.
    if let Some(file) = files.last().filter(|_| id == LATEST) {
        return Ok((file.clone(), base));
    }
    let has_id = |file: &&PathBuf| RunSummary::read(file).is_ok_and(|run| run.run_id.starts_with(&*id));
    let found: Vec<&PathBuf> = files.iter().filter(has_id).collect();
    match found.as_slice() {
        [file] => Ok(((*file).clone(), base)),
        [] => Err(Failure::User(format!(
            "there is no file `{id}`, and no run of {} has an id that begins so; `driver runs {}` lists them",
            base.display(),
            base.display()
        ))),
        several => {
            let files: Vec<String> = several.iter().map(|file| file.display().to_string()).collect();
            Err(Failure::User(format!(
                "several runs have an id that begins with `{id}`: {}",
                files.join(", ")
            )))
        }
    }
}

/// One run, as it was reported when it ended.
fn print(file: &Path, context: &mut Context<'_>) -> Result<(), Failure> {
    let file = &std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let record = RunRecord::read(file).map_err(|error| Failure::User(error.to_string()))?;
    let report = RunReport { record: &record, file };
    if context.console.is_json() {
        return context.console.print_json(&report.json()?);
    }
    let text = report.text(context.console.is_verbose());
    context.console.print(&text)
}

/// All runs, the oldest first. One whose record cannot be read is among them, with the reason.
fn list(folder: &Path, context: &mut Context<'_>) -> Result<(), Failure> {
    let files =
        RunRecord::files(folder).map_err(|error| Failure::file("read the records in", folder, &error))?;
    let records: Vec<_> = files.iter().map(|file| (file.as_path(), RunSummary::read(file))).collect();
    if context.console.is_json() {
        let list = records.iter().map(|(file, record)| summary(file, record)).collect::<Vec<_>>();
        return context.console.print_json(&json!(list));
    }
    if records.is_empty() {
        context
            .console
            .note(&format!("no run is recorded in {}\n", escape_text(&folder.display().to_string())));
        return Ok(());
    }
    let headers = [
        ("id", Align::Left),
        ("started", Align::Left),
        ("spec", Align::Left),
        ("status", Align::Left),
        ("outputs", Align::Right),
        ("rows", Align::Right),
        ("seconds", Align::Right),
        ("record", Align::Left),
    ];
    let rows = records.iter().filter_map(|(file, record)| {
        let record = record.as_ref().ok()?;
        Some(vec![
            record.run_id.chars().take(8).collect(),
            record.started_at.clone(),
            record.name.clone(),
            record.status.name().to_owned(),
            record.outputs.len().to_string(),
            count(record.rows()),
            seconds(record.stages.total()),
            file.display().to_string(),
        ])
    });
    let text = table(&headers, rows);
    context.console.print(&text)?;
    for error in records.iter().filter_map(|(_, record)| record.as_ref().err()) {
        context.console.print(&format!("{}\n", escape_text(&error.to_string())))?;
    }
    Ok(())
}

fn summary(file: &Path, record: &Result<RunSummary, RecordError>) -> Value {
    match record {
        Ok(record) => json!({
            "record": file.display().to_string(), "run_id": record.run_id, "name": record.name,
            "started_at": record.started_at, "finished_at": record.finished_at, "status": record.status,
            "message": record.failure.as_ref().map(|failure| &failure.message),
            "spec_hash": record.spec_hash, "envelope_hash": record.envelope_hash,
            "outputs": record.outputs.iter().map(|output| &output.table).collect::<Vec<_>>(),
            "rows": record.rows(),
            "seconds": record.stages.total().as_secs_f64(),
        }),
        Err(error) => json!({"record": file.display().to_string(), "error": error.to_string()}),
    }
}
