//! The parts of a record.

use std::collections::BTreeMap;

use engine::{
    OperatorKind, OperatorMetrics, OutputOutcome, RunOutcome, ScanMeasures, SegmentOutcome, StoreCounters,
};
use ir::determinism::{Determinism, ResultClass};
use ir::diag::{Diagnostic, ResolvedDiagnostic, Severity, SourceMap, resolve};
use ir::hash::ContentHash;
use ir::stage::Stage;
use serde::{Deserialize, Serialize};

use super::OutputIdentity;
use crate::PipelineError;
use crate::costs::Attributed;

/// A table of an extraction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtractedRecord {
    /// Its folder below the lake.
    pub location: String,
    /// Rows that the commit added.
    pub rows: u64,
    /// Data files that it added.
    pub files: usize,
    /// Bytes of these files.
    pub bytes: u64,
    /// The version it made.
    pub version: u64,
}

/// A published output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// The table.
    pub table: String,
    /// Its location as the spec gives it.
    pub location: String,
    /// The version the run made.
    pub version: u64,
    /// Rows added.
    pub rows: u64,
    /// Data files added.
    pub files: usize,
    /// Data files removed: those of the rows that were replaced.
    pub files_removed: usize,
    /// Bytes of the data files added.
    pub bytes: u64,
    /// The digest of the rows added, as in the commit.
    pub digest: String,
    /// What it was computed by: the content hash of the output.
    pub content_hash: ContentHash,
    /// How far its rows are the same whenever it is computed.
    pub class: ResultClass,
    /// The views and steps that decide the class, each with how far its own operation is deterministic.
    pub class_reasons: BTreeMap<String, Determinism>,
    /// How many partitions of the plan were written beside each other.
    pub partitions: usize,
    /// The time until it was committed, from when all outputs were written.
    pub commit_seconds: f64,
}

impl OutputRecord {
    /// An output that was published, and what identifies it.
    pub(crate) fn of(output: &OutputOutcome, identity: &OutputIdentity) -> Self {
        Self {
            table: output.table.clone(),
            location: output.location.clone(),
            version: output.version,
            rows: output.rows,
            files: output.files,
            files_removed: output.files_removed,
            bytes: output.bytes,
            digest: output.digest.to_string(),
            content_hash: identity.content_hash,
            class: identity.class,
            class_reasons: identity.class_reasons.clone(),
            partitions: output.partitions,
            commit_seconds: output.commit.as_secs_f64(),
        }
    }
}

/// How a shared view was used, and why it is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedViewRecord {
    /// The view.
    pub view: String,
    /// Why it is shared, in the words of the compiler.
    pub reason: String,
    /// How many times it was computed.
    pub computed: usize,
    /// Its rows.
    pub rows: usize,
    /// The bytes of memory it held last.
    pub memory_bytes: usize,
    /// The bytes of its temporary files.
    pub spilled_bytes: usize,
    /// How many temporary files were written.
    pub spill_files: usize,
    /// How many places of the plans read it.
    pub readers: usize,
    /// How many times a partition of it was read.
    pub reads: usize,
}

impl From<&StoreCounters> for SharedViewRecord {
    fn from(view: &StoreCounters) -> Self {
        Self {
            view: view.view.clone(),
            reason: view.reason.clone(),
            computed: view.computed,
            rows: view.rows,
            memory_bytes: view.memory_bytes,
            spilled_bytes: view.spilled_bytes,
            spill_files: view.spill_count,
            readers: view.readers,
            reads: view.reads,
        }
    }
}

/// What a run reserved in memory and put on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourcesRecord {
    /// The most bytes that could be reserved.
    pub memory_limit_bytes: usize,
    /// The most bytes that were reserved at a time.
    pub memory_peak_bytes: usize,
    /// Who held them, most first.
    pub memory_at_peak: Vec<HolderRecord>,
    /// The most bytes the whole process has had; absent where the system does not tell.
    pub process_peak_bytes: Option<u64>,
    /// The folder of temporary files.
    pub spill_folder: String,
    /// The most bytes they could take.
    pub spill_limit_bytes: u64,
    /// The most bytes they took at a time.
    pub spill_peak_bytes: u64,
    /// The bytes written to them.
    pub spilled_bytes: u64,
}

impl From<&RunOutcome> for ResourcesRecord {
    fn from(RunOutcome { memory, spills, .. }: &RunOutcome) -> Self {
        let holders = memory.at_peak.iter();
        Self {
            memory_limit_bytes: memory.limit_bytes,
            memory_peak_bytes: memory.peak_bytes,
            memory_at_peak: holders
                .map(|one| HolderRecord { consumer: one.consumer.clone(), bytes: one.bytes })
                .collect(),
            process_peak_bytes: memory.process_peak_bytes,
            spill_folder: spills.folder.display().to_string(),
            spill_limit_bytes: spills.limit_bytes,
            spill_peak_bytes: spills.peak_bytes,
            spilled_bytes: spills.written_bytes,
        }
    }
}

/// Somebody who holds memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderRecord {
    /// The operator, shared view or writer.
    pub consumer: String,
    /// The bytes it held.
    pub bytes: usize,
}

/// A segment that ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// `view x` or `output x`.
    pub segment: String,
    /// The table it writes; nothing for a shared view.
    pub output: Option<String>,
    /// The digest of what was computed: of the plans below it, with the tables that were scanned. Comparable between runs
    /// of one build of the program.
    pub digest: ContentHash,
    /// Its level in the schedule.
    pub level: u32,
    /// The rows it produced.
    pub rows: u64,
    /// The partitions of its plan.
    pub partitions: usize,
    /// When it began, counted from the begin of the first segment.
    pub started_seconds: f64,
    /// The time to plan it.
    pub plan_seconds: f64,
    /// The time to run it.
    pub run_seconds: f64,
    /// Its operators, root first, each before its inputs.
    pub operators: Vec<OperatorRecord>,
}

impl SegmentRecord {
    /// A segment, and whom its operators worked for.
    pub(crate) fn of(segment: &SegmentOutcome, attributed: &[Attributed]) -> Self {
        Self {
            segment: segment.segment.clone(),
            output: segment.output.clone(),
            digest: segment.digest,
            level: segment.level,
            rows: segment.rows,
            partitions: segment.partitions,
            started_seconds: segment.started.as_secs_f64(),
            plan_seconds: segment.plan.as_secs_f64(),
            run_seconds: segment.run.as_secs_f64(),
            operators: OperatorRecord::all(&segment.operators, attributed),
        }
    }
}

/// What one operator did, all partitions together. A number that it does not count is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatorRecord {
    /// The operator.
    pub operator: String,
    /// The part of the spec it worked for: a view or an input, or an output with `@` before its name.
    pub part_of: Option<String>,
    /// How deep it stands below the root, which is 0.
    pub depth: usize,
    /// The rows it gave.
    pub output_rows: Option<usize>,
    /// The part of the rows that it kept: of the table for a scan, where the log counts them, of its input for a filter.
    pub selectivity: Option<f64>,
    /// The time it computed, in nanoseconds, summed over threads.
    pub elapsed_compute_nanos: Option<usize>,
    /// The most bytes of memory it had, summed over partitions.
    pub peak_memory_bytes: Option<usize>,
    /// How often it spilled.
    pub spill_count: Option<usize>,
    /// The bytes it spilled.
    pub spilled_bytes: Option<usize>,
    /// What it has read of files.
    pub scan: Option<ScanRecord>,
}

impl OperatorRecord {
    /// The operators of a segment, and whom they worked for.
    fn all(operators: &[OperatorMetrics], attributed: &[Attributed]) -> Vec<Self> {
        let mut all = Vec::with_capacity(operators.len());
        for (index, operator) in operators.iter().enumerate() {
            let own = attributed.get(index);
            let input = operators.get(index + 1).filter(|input| input.depth > operator.depth);
            let of_rows = match operator.kind {
                OperatorKind::Scan(_) => own.and_then(|own| own.table_rows),
                OperatorKind::Filter => input.and_then(|input| u64::try_from(input.output_rows?).ok()),
                _ => None,
            };
            all.push(Self {
                operator: operator.name.clone(),
                part_of: own.map(|own| own.owner.to_string()),
                depth: operator.depth,
                output_rows: operator.output_rows,
                selectivity: operator.output_rows.zip(of_rows).and_then(|(given, of)| share(given, of)),
                elapsed_compute_nanos: operator.elapsed_compute_nanos,
                peak_memory_bytes: operator.peak_memory_bytes,
                spill_count: operator.spill_count,
                spilled_bytes: operator.spilled_bytes,
                scan: operator.scan.as_ref().map(ScanRecord::from),
            });
        }
        all
    }
}

/// The part of these rows that was given; nothing of no rows.
#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
fn share(given: usize, of: u64) -> Option<f64> {
    (of > 0).then(|| given as f64 / of as f64)
}

/// How much of the files a scan has read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanRecord {
    /// Bytes read.
    pub bytes: usize,
    /// Row groups of the files.
    pub row_groups: usize,
    /// Row groups that their bounds ruled out.
    pub skipped_by_bounds: usize,
    /// Row groups that their bloom filters ruled out.
    pub skipped_by_bloom_filters: usize,
    /// Pages that were looked at one by one.
    pub pages: usize,
    /// Pages of these that their bounds ruled out.
    pub skipped_pages: usize,
}

impl From<&ScanMeasures> for ScanRecord {
    fn from(scan: &ScanMeasures) -> Self {
        Self {
            bytes: scan.bytes,
            row_groups: scan.row_groups,
            skipped_by_bounds: scan.skipped_by_bounds,
            skipped_by_bloom_filters: scan.skipped_by_bloom_filters,
            pages: scan.pages,
            skipped_pages: scan.skipped_pages,
        }
    }
}

/// Why a run did not publish everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureRecord {
    /// What went wrong, in one line.
    pub message: String,
    /// What was found, with codes.
    pub findings: Vec<FindingRecord>,
    /// The outputs that were published before that; their commits stand.
    pub published: Vec<String>,
}

impl FailureRecord {
    /// Of a run that ended with this error in a stage, after these outputs were published.
    pub(crate) fn of(error: &PipelineError, stage: Stage, published: Vec<String>) -> Self {
        let (message, findings) = match error {
            PipelineError::Findings { diagnostics, map } => {
                let worst = diagnostics.iter().find(|found| found.is_error());
                let message = worst.map_or_else(|| error.to_string(), |found| found.message.clone());
                (message, finding_records(diagnostics, map, stage))
            }
            _ => (error.to_string(), Vec::new()),
        };
        Self { message, findings, published }
    }
}

/// Findings as records keep them, in the order of their places. Those that do not say where they were made were made in
/// this stage.
pub(crate) fn finding_records(
    diagnostics: &[Diagnostic],
    map: &SourceMap,
    stage: Stage,
) -> Vec<FindingRecord> {
    resolve(diagnostics, map).into_iter().map(|found| FindingRecord::of(found, stage)).collect()
}

/// A finding, with its place in the spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingRecord {
    /// The code, such as `E0707`.
    pub code: String,
    /// How grave it is.
    pub severity: Severity,
    /// The stage of the run in which it was found.
    pub stage: Stage,
    /// What is wrong.
    pub message: String,
    /// What the message speaks of, by what it is: `view`, `column`, `file`.
    pub context: BTreeMap<String, String>,
    /// The place as a path from the root of the spec.
    pub path: Option<String>,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// The column in characters, counted from 1.
    pub column: Option<usize>,
    /// What to do next.
    pub help: Option<String>,
}

impl FindingRecord {
    /// A finding; of one that does not say where it was made, in this stage.
    pub(crate) fn of(found: ResolvedDiagnostic, stage: Stage) -> Self {
        let context = found.context.into_iter();
        Self {
            code: found.code.id().to_owned(),
            severity: found.severity,
            stage: found.stage.unwrap_or(stage),
            message: found.message,
            context: context.map(|(kind, name)| (kind.to_owned(), name)).collect(),
            path: found.path.map(|path| path.to_string()),
            line: found.line,
            column: found.column,
            help: found.help,
        }
    }
}
