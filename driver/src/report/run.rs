//! What a run did, and where its time went.

use std::time::Duration;

use std::path::Path;

use ir::diag::escape_text;
use ir::op::AssertionSeverity;
use pipeline::record::{
    AssertionRecord, CacheUse, FailureRecord, OutputRecord, ResourcesRecord, RunRecord, SharedViewRecord,
    Status,
};
use pipeline::{Compilation, ExtractedTable, Stages};
use serde_json::{Value, json};

use super::costs::{cost_table, operator_table};
use super::graph::parts_in_scope;
use super::{Align, bytes, count, duration, seconds, table, wide};
use crate::failure::Failure;

/// The stages as a table.
pub(crate) fn stage_table(stages: &Stages) -> String {
    let total = stages.total();
    let rows = stages.iter().map(|(stage, time)| (stage.name(), time)).chain([("total", total)]);
    let share = |time: Duration| {
        let share = if total.is_zero() { 0.0 } else { time.as_secs_f64() / total.as_secs_f64() };
        format!("{:.0} %", share * 100.0)
    };
    let rows = rows.map(|(stage, time)| vec![stage.to_owned(), seconds(time), share(time)]);
    table(&[("stage", Align::Left), ("seconds", Align::Right), ("share", Align::Right)], rows)
}

/// A table that extraction wrote, for programs.
pub(crate) fn extracted_json(table: &ExtractedTable) -> Value {
    json!({
        "location": table.location, "rows": table.rows, "files": table.files, "bytes": table.bytes,
        "version": table.version,
    })
}

/// How much an earlier compilation had proven, or why that was of no use, as a line of text; empty when there was none.
pub(crate) fn reuse_text(compilation: &Compilation) -> String {
    let [_, views, _] = parts_in_scope(compilation);
    match (compilation.reused, &compilation.outdated_proofs) {
        (Some(reused), _) => format!("reused {reused} of {views} views\n"),
        (None, Some(why)) => format!("reused no views: {}\n", escape_text(why)),
        (None, None) => String::new(),
    }
}

/// What a run did, as its record tells.
#[derive(Debug)]
pub(crate) struct RunReport<'a> {
    /// The record.
    pub(crate) record: &'a RunRecord,
    /// Its file.
    pub(crate) file: &'a Path,
}

impl RunReport<'_> {
    /// The report for people: outputs, shared views, stages; with `verbose` operators too.
    pub(crate) fn text(&self, verbose: bool) -> String {
        let mut parts = Vec::new();
        if let Some(selection) = &self.record.selection {
            let selectors = escape_text(&selection.selectors.join(",")).into_owned();
            parts.push(format!("selected by {selectors}: {}\n", escape_text(&selection.outputs.join(", "))));
        }
        if let Some(failure) = &self.record.failure {
            parts.push(failure_text(self.record, failure));
        } else {
            parts.push(self.output_table());
        }
        if !self.record.assertions.is_empty() {
            parts.push(assertion_table(&self.record.assertions));
        }
        if !self.record.shared_views.is_empty() {
            parts.push(shared_view_table(&self.record.shared_views));
        }
        if !self.record.costs.is_empty() {
            parts.push(cost_table(&self.record.costs, verbose));
        }
        parts.push(stage_table(&self.record.stages));
        if let Some(resources) = &self.record.resources {
            parts.push(resources_text(resources));
            if verbose {
                parts.push(peak_table(resources));
                parts.push(cache_table(&self.record.caches));
            }
        }
        if verbose {
            let why = |view: &SharedViewRecord| {
                format!("{} is shared: {}\n", escape_text(&view.view), escape_text(&view.reason))
            };
            parts.push(self.record.shared_views.iter().map(why).collect());
            parts.extend(self.record.segments.iter().map(operator_table));
        }
        let (id, file) = (escape_text(&self.record.run_id), self.file.display().to_string());
        parts.push(format!("run {id} recorded in {}\n", escape_text(&file)));
        parts.extend(self.capture_text());
        parts.join("\n")
    }

    /// Where it is kept how the run was planned, and whether it is what the run wrote.
    fn capture_text(&self) -> Option<String> {
        let reference = self.record.capture.as_ref()?;
        let text = match reference.bytes(self.file) {
            Ok(_) => {
                let file = self.file.with_file_name(&reference.file).display().to_string();
                format!("its plans are captured in {file}")
            }
            Err(error) => error.to_string(),
        };
        Some(format!("{}\n", escape_text(&text)))
    }

    fn output_table(&self) -> String {
        let headers = [
            ("output", Align::Left),
            ("rows", Align::Right),
            ("files", Align::Right),
            ("bytes", Align::Right),
            ("version", Align::Right),
            ("seconds", Align::Right),
        ];
        let extracted = self.record.extracted.iter().map(|table| {
            vec![
                table.location.clone(),
                count(table.rows),
                table.files.to_string(),
                bytes(table.bytes),
                table.version.to_string(),
                // Extraction fills all tables at the same time; its time is a stage.
                String::new(),
            ]
        });
        let outputs = self.record.outputs.iter().map(|output| {
            vec![
                output.table.clone(),
                count(output.rows),
                output.files.to_string(),
                bytes(output.bytes),
                output.version.to_string(),
                seconds(duration(self.record.seconds_of(output))),
            ]
        });
        table(&headers, extracted.chain(outputs))
    }

    /// The report for programs: the record, its file, and the time each output took by itself.
    pub(crate) fn json(&self) -> Result<Value, Failure> {
        let value = serde_json::to_value(self.record);
        let mut value =
            value.map_err(|error| Failure::Bug(format!("the run record has no JSON form: {error}")))?;
        let seconds = |output: &OutputRecord| self.record.seconds_of(output).into();
        let times: Vec<Value> = self.record.outputs.iter().map(seconds).collect();
        for (output, time) in value["outputs"].as_array_mut().into_iter().flatten().zip(times) {
            output["seconds"] = time;
        }
        value["record"] = self.file.display().to_string().into();
        if let Some(reference) = &self.record.capture {
            let state = reference.bytes(self.file).err().map(|error| error.to_string());
            value["capture"]["path"] = self.file.with_file_name(&reference.file).display().to_string().into();
            value["capture"]["problem"] = state.into();
        }
        value["seconds"] = self.record.stages.total().as_secs_f64().into();
        Ok(value)
    }
}

/// Why a run did not publish everything.
fn failure_text(record: &RunRecord, failure: &FailureRecord) -> String {
    let ended = match record.status {
        Status::Published => "published",
        Status::Failed => "failed",
        Status::Cancelled => "was stopped",
    };
    let (name, started) = (escape_text(&record.name), escape_text(&record.started_at));
    let mut text = format!("the run of `{name}` that was started {started} {ended}:\n");
    if failure.findings.is_empty() {
        text.push_str(&format!("  {}\n", escape_text(&failure.message)));
    }
    for found in &failure.findings {
        let place = found.path.as_ref().map_or(String::new(), |path| format!(" at {}", escape_text(path)));
        let line = found.line.map_or(String::new(), |line| format!(", line {line}"));
        let code = escape_text(&found.code);
        text.push_str(&format!("  {code}{place}{line}: {}\n", escape_text(&found.message)));
    }
    for output in &failure.published {
        text.push_str(&format!("  `{}` was published before that\n", escape_text(output)));
    }
    text
}

/// Memory and disk, in a sentence.
fn resources_text(resources: &ResourcesRecord) -> String {
    let process = resources.process_peak_bytes.map(|peak| format!("; the process had {}", bytes(peak)));
    let spilled = match resources.spilled_bytes {
        0 => "nothing spilled".to_owned(),
        written => format!(
            "{} spilled to {}, {} of them at a time",
            bytes(written),
            escape_text(&resources.spill_folder),
            bytes(resources.spill_peak_bytes)
        ),
    };
    format!(
        "memory: at most {} of {} reserved{}; {spilled}\n",
        bytes(wide(resources.memory_peak_bytes)),
        bytes(wide(resources.memory_limit_bytes)),
        process.unwrap_or_default()
    )
}

/// Who held the memory when the most was reserved.
fn peak_table(resources: &ResourcesRecord) -> String {
    let headers = [("at the peak of memory", Align::Left), ("reserved", Align::Right)];
    let held = &resources.memory_at_peak;
    table(&headers, held.iter().map(|one| vec![one.consumer.clone(), bytes(wide(one.bytes))]))
}

/// The caches that were used.
fn cache_table(caches: &[CacheUse]) -> String {
    let headers = [
        ("cache", Align::Left),
        ("entries", Align::Right),
        ("hits", Align::Right),
        ("misses", Align::Right),
        ("evicted", Align::Right),
        ("limit", Align::Right),
        ("of", Align::Left),
    ];
    let used = caches.iter().filter(|cache| !cache.formats.is_empty());
    let rows = used.map(|cache| {
        vec![
            cache.cache_name.clone(),
            count(cache.entry_count),
            count(cache.hit_count),
            count(cache.miss_count),
            count(cache.eviction_count),
            cache.config_limit.map(bytes).unwrap_or_default(),
            cache.remark.clone(),
        ]
    });
    table(&headers, rows)
}

fn assertion_table(assertions: &[AssertionRecord]) -> String {
    let headers = [
        ("assertion", Align::Left),
        ("of", Align::Left),
        ("what", Align::Left),
        ("failing", Align::Right),
        ("seconds", Align::Right),
    ];
    let rows = assertions.iter().map(|assertion| {
        let failing = match (assertion.failures, assertion.severity) {
            (0, _) => "none".to_owned(),
            (failures, AssertionSeverity::Error) => count(failures),
            (failures, AssertionSeverity::Warn) => format!("{} (warn)", count(failures)),
        };
        vec![
            assertion.assertion.clone(),
            assertion.subject.clone(),
            assertion.rule.clone(),
            failing,
            seconds(duration(assertion.seconds)),
        ]
    });
    table(&headers, rows)
}

fn shared_view_table(views: &[SharedViewRecord]) -> String {
    let headers = [
        ("shared view", Align::Left),
        ("computed", Align::Right),
        ("rows", Align::Right),
        ("memory", Align::Right),
        ("spilled", Align::Right),
        ("readers", Align::Right),
    ];
    let rows = views.iter().map(|view| {
        vec![
            view.view.clone(),
            format!("{}x", view.computed),
            count(wide(view.rows)),
            bytes(wide(view.memory_bytes)),
            bytes(wide(view.spilled_bytes)),
            view.readers.to_string(),
        ]
    });
    table(&headers, rows)
}
