//! How a run was planned, kept beside its record for whoever audits it.
//!
//! A spec asks for it (`runtime.compliance_capture`). The file lies beside the record, has its name with another ending, and
//! goes away with it. The record names the file and its hash, so a capture that was changed is told. It is written before the
//! record: one that cannot be written is a warning in the record, and the run stands.
//!
//! The format has a number of its own ([`CAPTURE_FORMAT`]); a capture of another one is refused by it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use engine::{RuleImpact, RulePhase, RunCapture, SegmentCapture};
use ir::hash::ContentHash;
use ir::spec::RecordRetention;
use serde::{Deserialize, Serialize};

use super::{FindingRecord, RunRecord, contents};

/// The version of the format of captures that is written and read.
pub const CAPTURE_FORMAT: u32 = 1;

/// The ending of a capture, after the name that the files of a run have in common.
pub(crate) const CAPTURE_ENDING: &str = "capture.json";

/// What a record says of the capture beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureReference {
    /// The file, in the folder of the record.
    pub file: String,
    /// The hash of its bytes.
    pub hash: ContentHash,
}

/// How a run was planned. Runs of one spec over the same tables differ in [`Self::run_id`] alone, unless they use the machine
/// otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// [`CAPTURE_FORMAT`].
    pub format: u32,
    /// The run.
    pub run_id: String,
    /// What was computed: the hash of the spec.
    pub spec_hash: ContentHash,
    /// The hash of everything else that decides a row.
    pub envelope_hash: ContentHash,
    /// The segments that were planned, each after those it reads. A run that failed or was stopped has planned some.
    pub segments: Vec<SegmentCapture>,
    /// What each rule changed in all of them, by phase and name. Rules that changed nothing are not listed.
    pub rule_impact: Vec<RuleImpact>,
    /// The settings of the session.
    pub config_snapshot: BTreeMap<String, String>,
    /// How long the capture is kept.
    pub retention: RecordRetention,
    /// What was found that did not stop the run.
    pub warnings: Vec<FindingRecord>,
}

/// A capture that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The record names something that is no file beside it.
    #[error(
        "the run record names `{file}` as its capture, which is no file beside it: the record was changed"
    )]
    Elsewhere {
        /// What it names.
        file: String,
    },
    /// The file cannot be read.
    #[error("cannot read the capture `{}`: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// It is not what the run wrote.
    #[error("the capture `{}` is not the one that the run wrote: its hash is not that in the record", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error("`{}` is not a capture: {error}", .path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        error: serde_json::Error,
    },
    /// A capture of another version.
    #[error(
        "the capture `{}` has format {found}, this program reads format {CAPTURE_FORMAT}; read it with the version of \
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

impl CaptureReference {
    /// Where the capture is, for a record in this file.
    ///
    /// # Errors
    /// When the name is not that of a file beside the record.
    pub fn path(&self, record: &Path) -> Result<PathBuf, CaptureError> {
        let is_plain = Path::new(&self.file).file_name() == Some(OsStr::new(&self.file));
        if !is_plain || !self.file.ends_with(CAPTURE_ENDING) {
            return Err(CaptureError::Elsewhere { file: self.file.clone() });
        }
        Ok(record.with_file_name(&self.file))
    }

    /// The bytes of the capture, for a record in this file.
    ///
    /// # Errors
    /// When they cannot be read, or are not what the run wrote.
    pub fn bytes(&self, record: &Path) -> Result<Vec<u8>, CaptureError> {
        let path = self.path(record)?;
        match contents(&path) {
            Ok(bytes) if ContentHash::of(&bytes) == self.hash => Ok(bytes),
            Ok(_) => Err(CaptureError::Changed { path }),
            Err(error) => Err(CaptureError::File { path, error }),
        }
    }
}

impl Capture {
    /// What a run has shown of its planning.
    pub(crate) fn new(record: &RunRecord, retention: RecordRetention, shown: &RunCapture) -> Self {
        let segments = shown.segments();
        Self {
            format: CAPTURE_FORMAT,
            run_id: record.run_id.clone(),
            spec_hash: record.spec_hash,
            envelope_hash: record.envelope_hash,
            rule_impact: all_rules(&segments),
            segments,
            config_snapshot: record.session.clone(),
            retention,
            warnings: record.warnings.clone(),
        }
    }

    /// The capture of a run whose record is in this file; nothing where the run was not captured.
    ///
    /// # Errors
    /// When it cannot be read, is not what the run wrote, or is one of another format.
    pub fn of(record: &RunRecord, file: &Path) -> Result<Option<Self>, CaptureError> {
        let Some(reference) = &record.capture else { return Ok(None) };
        let (path, bytes) = (reference.path(file)?, reference.bytes(file)?);
        Self::decoded(&path, &bytes).map(Some)
    }

    /// The capture in the bytes of a file.
    pub(crate) fn decoded(path: &Path, bytes: &[u8]) -> Result<Self, CaptureError> {
        #[derive(Deserialize)]
        struct Head {
            format: u64,
        }
        let shape = |error| CaptureError::Shape { path: path.to_owned(), error };
        let head: Head = serde_json::from_slice(bytes).map_err(shape)?;
        if head.format != u64::from(CAPTURE_FORMAT) {
            return Err(CaptureError::Format { path: path.to_owned(), found: head.format });
        }
        serde_json::from_slice(bytes).map_err(shape)
    }
}

/// What each rule changed in all segments.
fn all_rules(segments: &[SegmentCapture]) -> Vec<RuleImpact> {
    let mut all: BTreeMap<(RulePhase, &str), (u64, u64)> = BTreeMap::new();
    for rule in segments.iter().flat_map(|segment| &segment.rules) {
        let (plans, rewrites) = all.entry((rule.phase, &rule.rule_name)).or_default();
        *plans = plans.saturating_add(rule.plans_touched);
        *rewrites = rewrites.saturating_add(rule.rewrites_applied);
    }
    let impact = all.into_iter().map(|((phase, rule), (plans_touched, rewrites_applied))| RuleImpact {
        phase,
        rule_name: rule.to_owned(),
        plans_touched,
        rewrites_applied,
    });
    impact.collect()
}
