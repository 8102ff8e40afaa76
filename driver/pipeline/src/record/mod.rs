//! The record that a run leaves: what identifies it, what it read and wrote, how it went and how it ended.
//!
//! One file of JSON a run, in `.codeanatomy/runs` beside the spec, and the graph that was run beside it. A run that
//! failed or was stopped after it had begun leaves a record too, with what went wrong. Reports are made of records, so
//! that what is said of a run when it ends can be said again at any time. How a run was planned stands in a file of its own
//! ([`Capture`]), of runs whose specs ask for it.
//!
//! The format has a number ([`FORMAT`]). A record of another format is refused by that number; one of every format that was
//! written stands in `testdata/run_record`.

mod build;
mod capability;
mod capture;
mod checks;
mod identity;
mod parts;
mod provider;
mod retention;
mod summary;
mod time;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

pub use engine::CacheUse;
use engine::RunOutcome;
use ir::diag::Severity;
use ir::hash::ContentHash;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::costs::Costs;
pub use crate::costs::{CostRecord, CountedRecord, PartKind};
use crate::folders::OWN_FOLDER;
pub use build::Build;
pub use capability::{Capability, capabilities};
pub(crate) use capture::CAPTURE_ENDING;
pub use capture::{CAPTURE_FORMAT, Capture, CaptureError, CaptureReference};
pub use checks::{AssertionRecord, CheckRecord};
pub(crate) use identity::Identity;
pub use identity::{Envelope, IdentityReport, NodeIdentity, OutputIdentity, SelectionRecord};
pub(crate) use parts::finding_records;
pub use parts::{
    ExtractedRecord, FailureRecord, FindingRecord, HolderRecord, OperatorRecord, OutputRecord,
    ResourcesRecord, ScanRecord, SegmentRecord, SharedViewRecord,
};
pub(crate) use provider::hash_of_providers;
pub use provider::{
    ColumnIdentity, DeltaProvider, FilesProvider, Provider, ProviderIdentity, ProviderProtocol, ScanOptions,
};
pub(crate) use retention::{expire, file_time};
pub use summary::{FailureSummary, OutputSummary, RunSummary};
pub use time::{Stages, utc_now};
pub(crate) use time::{now, timestamp};

/// The version of the format that is written and read.
pub const FORMAT: u32 = 6;

/// What is kept of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// [`FORMAT`].
    pub format: u32,
    /// A random UUID.
    pub run_id: String,
    /// The name of the spec: that of its file, without its ending.
    pub name: String,
    /// RFC 3339, to the microsecond.
    pub started_at: String,
    /// RFC 3339, to the microsecond.
    pub finished_at: String,
    /// How it ended.
    pub status: Status,
    /// What went wrong; nothing for a run that published.
    pub failure: Option<FailureRecord>,
    /// What was computed, with all defaults.
    pub spec: serde_json::Value,
    /// The hash of the spec.
    pub spec_hash: ContentHash,
    /// The part of the spec that was run; nothing where all of it was.
    pub selection: Option<SelectionRecord>,
    /// The hash of [`Self::envelope`].
    pub envelope_hash: ContentHash,
    /// Everything else that decides a row.
    pub envelope: Envelope,
    /// The parts of the planning surface, each with its hash; the settings stand in [`Self::session`].
    pub surface_parts: BTreeMap<String, ContentHash>,
    /// The engine's rules, in order; a part of the planning surface.
    pub rulepack_fingerprint: ContentHash,
    /// How much of the machine was used: that decides speed and no row. The hash of the sizes in [`Self::session`].
    pub profile_fingerprint: ContentHash,
    /// What the spec wants runs to be labelled with.
    pub lineage_tags: BTreeMap<String, String>,
    /// The file of the graph, in the folder of the record.
    pub graph: String,
    /// How it was planned; nothing where the spec does not ask for it, or where it could not be written.
    pub capture: Option<CaptureReference>,
    /// The tables that were read, in the order of the inputs of the spec.
    pub inputs: Vec<ProviderIdentity>,
    /// The tables of an extraction that was published with the outputs.
    pub extracted: Vec<ExtractedRecord>,
    /// The outputs that were published, in commit order.
    pub outputs: Vec<OutputRecord>,
    /// What was checked of a code property graph before it was published, and holds.
    pub checks: Vec<CheckRecord>,
    /// The assertions of the spec, as far as they were evaluated; of a run that failed for another reason none.
    pub assertions: Vec<AssertionRecord>,
    /// The shared views, in the order they were released.
    pub shared_views: Vec<SharedViewRecord>,
    /// Memory and disk; nothing for a run that failed.
    pub resources: Option<ResourcesRecord>,
    /// What its caches held at the end, and how they were used.
    pub caches: Vec<CacheUse>,
    /// Where the time went.
    pub stages: Stages,
    /// What each input, view and output cost, in the order of the spec; empty for a run that failed.
    pub costs: Vec<CostRecord>,
    /// The rows of shared views and outputs, for the cost model of later runs.
    pub counted: Vec<CountedRecord>,
    /// The runs whose counts the cost model knew, the newest first; none where the spec does not ask for them.
    pub history: Vec<String>,
    /// The segments in the order they ended, with what their operators did.
    pub segments: Vec<SegmentRecord>,
    /// What was found that did not stop the run.
    pub warnings: Vec<FindingRecord>,
    /// How many of them there are of each code.
    pub warning_counts_by_code: BTreeMap<String, u64>,
    /// What the program could do.
    pub capabilities: Vec<Capability>,
    /// The settings of the session.
    pub session: BTreeMap<String, String>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All outputs are published.
    Published,
    /// Something went wrong; what was published before that says the failure.
    Failed,
    /// It was stopped from outside.
    Cancelled,
}

impl Status {
    /// Its name in a record.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A record that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be read.
    #[error("cannot read the run record `{}`: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The file holds something else.
    #[error("`{}` is not a run record: {error}", .path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        error: serde_json::Error,
    },
    /// A record of another version.
    #[error(
        "the run record `{}` has format {found}, this program reads format {FORMAT}; read it with the version of \
         CodeAnatomy that wrote it",
        .path.display()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
    },
}

impl RunRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// When the file cannot be read, is no record, or is one of another format.
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        read(path)
    }

    /// The files of the records of all runs of specs in a folder, the oldest first. It may be the folder of the records
    /// itself.
    ///
    /// # Errors
    /// When the folder of the records cannot be read. Where there is none, nothing has run.
    pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
        let own = Path::new(OWN_FOLDER).join(RUNS);
        let runs = if folder.ends_with(&own) { folder.to_owned() } else { folder.join(&own) };
        let entries = match std::fs::read_dir(runs) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
        let is_record = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".json") && !name.ends_with(&format!(".{CAPTURE_ENDING}"))
        };
        let mut records: Vec<PathBuf> = paths?.into_iter().filter(is_record).collect();
        // Their names begin with the time of the run.
        records.sort();
        Ok(records)
    }

    /// The folder of the spec whose run a file is the record of; nothing where it lies elsewhere.
    #[must_use]
    pub fn folder_of(file: &Path) -> Option<PathBuf> {
        let runs = file.parent()?;
        let own = Path::new(OWN_FOLDER).join(RUNS);
        runs.ends_with(&own).then(|| runs.ancestors().nth(own.components().count()).map(Path::to_owned))?
    }

    /// The record with what a run did that published everything.
    pub(crate) fn of(
        self,
        run: &RunOutcome,
        identities: &BTreeMap<String, OutputIdentity>,
        extracted: Vec<ExtractedRecord>,
        costs: Costs,
    ) -> Self {
        let segments = run.segments.iter().zip(&costs.segments);
        Self {
            extracted,
            outputs: run
                .outputs
                .iter()
                .filter_map(|output| Some(OutputRecord::of(output, identities.get(&output.table)?)))
                .collect(),
            checks: run.checks.iter().map(CheckRecord::from).collect(),
            assertions: run.assertions.iter().map(AssertionRecord::from).collect(),
            shared_views: run.shared_views.iter().map(SharedViewRecord::from).collect(),
            resources: Some(ResourcesRecord::from(run)),
            segments: segments.map(|(segment, owners)| SegmentRecord::of(segment, owners)).collect(),
            costs: costs.parts,
            ..self
        }
    }

    /// The record with what was found that did not stop the run.
    pub(crate) fn with_warnings(self, warnings: Vec<FindingRecord>) -> Self {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for found in warnings.iter().filter(|found| found.severity == Severity::Warning) {
            *counts.entry(found.code.clone()).or_default() += 1;
        }
        Self { warnings, warning_counts_by_code: counts, ..self }
    }

    /// The time an output took by itself, in seconds: planning and running its segment, and committing.
    #[must_use]
    pub fn seconds_of(&self, output: &OutputRecord) -> f64 {
        let segment = self.segments.iter().find(|segment| segment.output.as_deref() == Some(&output.table));
        segment.map_or(0.0, |segment| segment.plan_seconds + segment.run_seconds) + output.commit_seconds
    }
}

impl RunSummary {
    /// Reads what lists show of a record.
    ///
    /// # Errors
    /// When the file cannot be read, is no record, or is one of another format.
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        read(path)
    }
}

/// Reads a record, or the parts of it that `T` has.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, RecordError> {
    #[derive(Deserialize)]
    struct Head {
        format: u64,
    }
    let bytes = contents(path).map_err(|error| RecordError::File { path: path.to_owned(), error })?;
    let shape = |error| RecordError::Shape { path: path.to_owned(), error };
    let head: Head = serde_json::from_slice(&bytes).map_err(shape)?;
    if head.format != u64::from(FORMAT) {
        return Err(RecordError::Format { path: path.to_owned(), found: head.format });
    }
    serde_json::from_slice(&bytes).map_err(shape)
}

/// The longest record that is read, in bytes. Ten thousand segments of a hundred operators take less.
const MAX_BYTES: u64 = 256 << 20;

/// The content of a file. Others than ordinary files may have no end.
fn contents(path: &Path) -> io::Result<Vec<u8>> {
    let unusable = |reason: &str| io::Error::new(io::ErrorKind::InvalidInput, reason.to_owned());
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(unusable("it is no file"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(unusable("it is longer than a record"));
    }
    std::fs::read(path)
}

/// The folder of records, in the folder that is the program's own.
pub(crate) const RUNS: &str = "runs";

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// The record of a run of two outputs, in the format of now.
    fn fixture() -> PathBuf {
        let file = format!("testdata/run_record/{FORMAT}.json");
        Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
    }

    #[test]
    fn what_is_no_record_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.json");
        assert!(matches!(RunRecord::read(&file), Err(RecordError::File { .. })));
        let current = |more: &str| format!("{{\"format\": {FORMAT}{more}}}");
        let texts = [
            String::new(),
            "[]".to_owned(),
            format!("{{\"format\": \"{FORMAT}\"}}"),
            current(""),
            current(", \"stages\": [{}]"),
        ];
        for text in texts {
            fs::write(&file, &text).unwrap();
            let refused = [RunRecord::read(&file).unwrap_err(), RunSummary::read(&file).unwrap_err()];
            assert!(matches!(refused, [RecordError::Shape { .. }, RecordError::Shape { .. }]), "{text}");
        }
        let text = fs::read_to_string(fixture()).unwrap();
        let negative = text.replacen("\"seconds\": 0.0", "\"seconds\": -1.0", 1);
        assert_ne!(text, negative);
        fs::write(&file, negative).unwrap();
        assert!(matches!(RunRecord::read(&file), Err(RecordError::Shape { .. })));
    }

    #[test]
    fn numbers_that_no_run_gives_are_read_and_added() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.json");
        let text = fs::read_to_string(fixture()).unwrap();
        let mut record: serde_json::Value = serde_json::from_str(&text).unwrap();
        for output in record["outputs"].as_array_mut().unwrap() {
            output["rows"] = u64::MAX.into();
        }
        for stage in record["stages"].as_array_mut().unwrap() {
            stage["seconds"] = 1e19.into();
        }
        fs::write(&file, record.to_string()).unwrap();
        let record = RunRecord::read(&file).unwrap();
        let listed = RunSummary::read(&file).unwrap();
        assert_eq!(listed.rows(), u64::MAX);
        assert_eq!((listed.stages.total(), &listed.stages), (std::time::Duration::MAX, &record.stages));
        assert_eq!(
            (&listed.run_id, listed.status, listed.spec_hash),
            (&record.run_id, record.status, record.spec_hash)
        );
        assert!(
            matches!(RunRecord::read(folder.path()), Err(RecordError::File { .. })),
            "a folder is no record"
        );
    }

    #[test]
    fn where_nothing_ran_there_are_no_records() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(RunRecord::files(folder.path()).unwrap(), Vec::<PathBuf>::new());
    }
}
