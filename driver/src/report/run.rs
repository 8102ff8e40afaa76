//! What a run did, and where its time went.

use std::time::Duration;

use engine::{GraphCheck, OutputOutcome, RunOutcome, ScanMeasures, SegmentOutcome, StoreCounters};
use pipeline::{Compilation, ExtractedTable, Outcome, Stages, output_json, resources_json, shared_view_json};
use serde_json::{Value, json};

use super::{Align, bytes, count, seconds, table};

/// The stages as a table.
pub(crate) fn stage_table(stages: &Stages) -> String {
    let total = stages.total();
    let rows = stages.iter().chain([("total", total)]);
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

/// How much an earlier compilation had proven, as a line of text; empty when there was none.
pub(crate) fn reuse_text(compilation: &Compilation) -> String {
    let views = compilation.source.spec.view_definitions.len();
    compilation.reused.map_or(String::new(), |reused| format!("reused {reused} of {views} views\n"))
}

/// What a run did.
#[derive(Debug)]
pub(crate) struct RunReport {
    /// What was published.
    pub(crate) outcome: Outcome,
}

impl RunReport {
    /// The report for people: outputs, shared views, stages; with `verbose` operators too.
    pub(crate) fn text(&self, verbose: bool) -> String {
        let mut parts = vec![self.output_table()];
        if !self.outcome.run.shared_views.is_empty() {
            parts.push(shared_view_table(&self.outcome.run.shared_views));
        }
        parts.push(stage_table(&self.outcome.stages));
        parts.push(self.resources_text());
        if verbose {
            parts.push(self.peak_table());
            let why = |view: &StoreCounters| format!("{} is shared: {}\n", view.view, view.reason);
            parts.push(self.outcome.run.shared_views.iter().map(why).collect());
            parts.extend(self.outcome.run.segments.iter().map(operator_table));
        }
        parts.push(format!("run {} recorded in {}\n", self.outcome.run_id, self.outcome.record.display()));
        parts.join("\n")
    }

    /// The tables of the extraction that was published with the outputs.
    fn extracted(&self) -> impl Iterator<Item = &ExtractedTable> {
        self.outcome.extracted.iter().flat_map(|extracted| &extracted.tables)
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
        let extracted = self.extracted().map(|table| {
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
        let outputs = self.outcome.run.outputs.iter().map(|output| {
            vec![
                output.table.clone(),
                count(output.rows),
                output.files.to_string(),
                bytes(output.bytes),
                output.version.to_string(),
                seconds(self.time_of(output)),
            ]
        });
        table(&headers, extracted.chain(outputs))
    }

    /// The time an output took by itself: planning and running its segment, and committing.
    fn time_of(&self, output: &OutputOutcome) -> Duration {
        let title = format!("output {}", output.table);
        let segment = self.outcome.run.segments.iter().find(|segment| segment.segment == title);
        segment.map_or(Duration::ZERO, |segment| segment.plan + segment.run) + output.commit
    }

    /// The report for programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "run_id": self.outcome.run_id,
            "spec_hash": self.outcome.spec_hash,
            "envelope_hash": self.outcome.envelope_hash,
            "record": self.outcome.record.display().to_string(),
            "extracted": self.extracted().map(extracted_json).collect::<Vec<_>>(),
            "checks": self.outcome.run.checks.iter().map(check_json).collect::<Vec<_>>(),
            "outputs": self.outcome.run.outputs.iter().map(|output| self.output_json(output)).collect::<Vec<_>>(),
            "shared_views": self.outcome.run.shared_views.iter().map(shared_view_json).collect::<Vec<_>>(),
            "resources": resources_json(&self.outcome.run),
            "stages": self.outcome.stages.json(),
            "seconds": self.outcome.stages.total().as_secs_f64(),
            "segments": self.outcome.run.segments.iter().map(segment_json).collect::<Vec<_>>(),
        })
    }

    /// Memory and disk, in a sentence.
    fn resources_text(&self) -> String {
        let RunOutcome { memory, spills, .. } = &self.outcome.run;
        let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let process = memory.process_peak_bytes.map(|peak| format!("; the process had {}", bytes(peak)));
        let spilled = match spills.written_bytes {
            0 => "nothing spilled".to_owned(),
            written => format!(
                "{} spilled to {}, {} of them at a time",
                bytes(written),
                spills.folder.display(),
                bytes(spills.peak_bytes)
            ),
        };
        format!(
            "memory: at most {} of {} reserved{}; {spilled}\n",
            bytes(wide(memory.peak_bytes)),
            bytes(wide(memory.limit_bytes)),
            process.unwrap_or_default()
        )
    }

    /// Who held the memory when the most was reserved.
    fn peak_table(&self) -> String {
        let headers = [("at the peak of memory", Align::Left), ("reserved", Align::Right)];
        let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let held = &self.outcome.run.memory.at_peak;
        table(&headers, held.iter().map(|one| vec![one.consumer.clone(), bytes(wide(one.bytes))]))
    }

    fn output_json(&self, output: &OutputOutcome) -> Value {
        let mut value = output_json(output);
        if let Some(map) = value.as_object_mut() {
            map.insert("seconds".to_owned(), self.time_of(output).as_secs_f64().into());
        }
        value
    }
}

fn shared_view_table(views: &[StoreCounters]) -> String {
    let headers = [
        ("shared view", Align::Left),
        ("computed", Align::Right),
        ("rows", Align::Right),
        ("memory", Align::Right),
        ("spilled", Align::Right),
        ("readers", Align::Right),
    ];
    let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
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

/// A rule that was checked before the outputs were published, and holds.
fn check_json(check: &GraphCheck) -> Value {
    json!({"output": check.output, "rule": check.rule, "holds": true})
}

fn segment_json(segment: &SegmentOutcome) -> Value {
    let operators = segment.operators.iter().map(|operator| {
        json!({
            "operator": operator.name, "depth": operator.depth, "output_rows": operator.output_rows,
            "elapsed_compute_nanos": operator.elapsed_compute_nanos, "spill_count": operator.spill_count,
            "spilled_bytes": operator.spilled_bytes, "scan": operator.scan.as_ref().map(scan_json),
        })
    });
    json!({
        "segment": segment.segment, "level": segment.level, "rows": segment.rows, "partitions": segment.partitions,
        "started_seconds": segment.started.as_secs_f64(), "plan_seconds": segment.plan.as_secs_f64(),
        "run_seconds": segment.run.as_secs_f64(), "operators": operators.collect::<Vec<_>>(),
    })
}

fn scan_json(scan: &ScanMeasures) -> Value {
    json!({
        "bytes": scan.bytes, "row_groups": scan.row_groups, "skipped_by_bounds": scan.skipped_by_bounds,
        "skipped_by_bloom_filters": scan.skipped_by_bloom_filters, "pages": scan.pages,
        "skipped_pages": scan.skipped_pages,
    })
}

/// How much of the files a scan has read: `1.2 MiB: 1 of 77 row groups, 2 of 14 pages`.
fn scan_text(scan: &ScanMeasures) -> String {
    let read = scan.row_groups.saturating_sub(scan.skipped_by_bounds + scan.skipped_by_bloom_filters);
    let size = bytes(u64::try_from(scan.bytes).unwrap_or(u64::MAX));
    let pages = match scan.pages {
        0 => String::new(),
        pages => format!(", {} of {pages} pages", pages.saturating_sub(scan.skipped_pages)),
    };
    format!("{size}: {read} of {} row groups{pages}", scan.row_groups)
}

fn operator_table(segment: &SegmentOutcome) -> String {
    let headers = [
        ("operator", Align::Left),
        ("rows", Align::Right),
        ("compute seconds", Align::Right),
        ("spilled", Align::Right),
        ("read", Align::Left),
    ];
    let wide = |number: Option<usize>| number.and_then(|number| u64::try_from(number).ok());
    let rows = segment.operators.iter().map(|operator| {
        vec![
            format!("{}{}", "  ".repeat(operator.depth), operator.name),
            wide(operator.output_rows).map(count).unwrap_or_default(),
            wide(operator.elapsed_compute_nanos).map(Duration::from_nanos).map(seconds).unwrap_or_default(),
            wide(operator.spilled_bytes).filter(|spilled| *spilled > 0).map(bytes).unwrap_or_default(),
            operator.scan.as_ref().map(scan_text).unwrap_or_default(),
        ]
    });
    let rows = table(&headers, rows);
    format!("{}: plan {} s, run {} s\n{rows}", segment.segment, seconds(segment.plan), seconds(segment.run))
}
