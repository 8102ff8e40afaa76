//! One run: when it started and what tells it apart, the metadata of its commits, and its record.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use delta::Disk;
use engine::RunCapture;
use ir::diag::{Diagnostic, codes};
use ir::graph::Graph;
use ir::hash::ContentHash;
use ir::spec::RecordRetention;
use ir::stage::Stage;

use crate::folders::own_folder;
use crate::observer::RunStart;
use crate::record::{
    CAPTURE_ENDING, Capture, CaptureReference, FORMAT, FailureRecord, Identity, RUNS, RunRecord,
    SelectionRecord, Stages, Status, capabilities, expire, file_time, now, timestamp,
};
use crate::{Compilation, PipelineError, Result, Workers};

/// The identity of one run.
#[derive(Clone, Debug)]
pub(crate) struct Provenance {
    /// A random UUID.
    pub(crate) run_id: String,
    /// The name of the spec.
    name: String,
    /// When the run started.
    started_at: DateTime<Utc>,
    /// The same, as it is written.
    started: String,
    /// What is computed, from what and by which rules.
    identity: Identity,
    /// What is computed, with all defaults.
    spec: serde_json::Value,
    /// The part of it that is computed; nothing for all of it.
    selection: Option<SelectionRecord>,
    lineage_tags: BTreeMap<String, String>,
    retention: RecordRetention,
    settings: BTreeMap<String, String>,
    history: Vec<String>,
}

impl Provenance {
    /// The identity of a run of this compilation that starts now.
    ///
    /// # Errors
    /// Never: the error of hashing is passed on instead of hidden.
    pub(crate) fn of(compilation: &Compilation, run_id: String) -> Result<Self> {
        let (session, started_at) = (&compilation.session, now());
        Ok(Self {
            run_id,
            name: compilation.source.name.clone(),
            started: timestamp(started_at),
            started_at,
            identity: compilation.identity()?.clone(),
            spec: serde_json::to_value(&compilation.source.spec).map_err(PipelineError::not_hashed)?,
            selection: SelectionRecord::of(compilation),
            lineage_tags: compilation.source.spec.runtime.lineage_tags.clone(),
            retention: compilation.source.spec.runtime.record_retention,
            settings: session.describe().into_iter().collect(),
            history: compilation.remembered.runs.clone(),
        })
    }

    /// What observers are told of the begin of the run of this compilation.
    pub(crate) fn start<'a>(&'a self, compilation: &'a Compilation) -> RunStart<'a> {
        let envelope_hash = self.identity.envelope_hash;
        RunStart { run_id: &self.run_id, started_at: &self.started, envelope_hash, compilation }
    }

    /// What every commit of the run records. It holds hashes and names, no settings and no environment.
    pub(crate) fn commit_metadata(&self) -> BTreeMap<String, String> {
        let Identity { spec_hash, envelope, envelope_hash, rulepack_fingerprint, profile, .. } =
            &self.identity;
        let keys = [
            ("spec_hash", spec_hash.to_string()),
            ("envelope_hash", envelope_hash.to_string()),
            ("planning_surface_hash", envelope.planning_surface_hash.to_string()),
            ("provider_identity_hash", envelope.provider_identity_hash.to_string()),
            ("rulepack_fingerprint", rulepack_fingerprint.to_string()),
            // Specs cannot choose it yet; see `ir::spec::unsupported`.
            ("rulepack_profile", "Default".to_owned()),
            ("runtime_profile", profile.get("profile").cloned().unwrap_or_default()),
            ("run_started_at", self.started.clone()),
        ];
        let tags = self.lineage_tags.iter().map(|(tag, value)| (format!("lineage_tag.{tag}"), value.clone()));
        let selected = self.selection.iter().map(|it| ("selection", it.selectors.join(",")));
        let keys = keys.into_iter().chain(selected).map(|(key, value)| (key.to_owned(), value));
        keys.chain(tags).map(|(key, value)| (format!("codeanatomy.{key}"), value)).collect()
    }

    /// The record of a run that ends now like this; what it did is still to be added.
    pub(crate) fn record(&self, status: Status, failure: Option<FailureRecord>) -> RunRecord {
        RunRecord {
            format: FORMAT,
            run_id: self.run_id.clone(),
            name: self.name.clone(),
            started_at: self.started.clone(),
            finished_at: timestamp(now()),
            status,
            failure,
            spec: self.spec.clone(),
            spec_hash: self.identity.spec_hash,
            selection: self.selection.clone(),
            envelope_hash: self.identity.envelope_hash,
            envelope: self.identity.envelope.clone(),
            surface_parts: self.identity.surface_parts.clone(),
            rulepack_fingerprint: self.identity.rulepack_fingerprint,
            profile_fingerprint: self.identity.profile_fingerprint,
            lineage_tags: self.lineage_tags.clone(),
            graph: format!("{}.ir", self.file_name()),
            capture: None,
            inputs: self.identity.providers.clone(),
            extracted: Vec::new(),
            outputs: Vec::new(),
            checks: Vec::new(),
            assertions: Vec::new(),
            shared_views: Vec::new(),
            resources: None,
            caches: Vec::new(),
            stages: Stages::default(),
            costs: Vec::new(),
            counted: Vec::new(),
            history: self.history.clone(),
            segments: Vec::new(),
            warnings: Vec::new(),
            warning_counts_by_code: BTreeMap::new(),
            capabilities: capabilities(),
            session: self.settings.clone(),
        }
    }

    /// Deletes records of the folder that are older than the spec wants them kept. What cannot be deleted is told.
    pub(crate) fn expire(&self, runs: &Path) -> Option<Diagnostic> {
        expire(runs, self.retention, self.started_at)
    }

    /// The name of the record's files, without their endings: to the microsecond, so that records sort by time. Of two runs
    /// of one spec in one microsecond the second is refused.
    fn file_name(&self) -> String {
        format!("{}-{}", file_time(self.started_at), self.identity.spec_hash.short())
    }

    /// Writes how the run was planned, for its record: what the record will name survives a power cut. Counts the files it
    /// opens.
    ///
    /// # Errors
    /// A warning that it cannot be written; the run itself is not concerned.
    pub(crate) fn write_capture(
        &self,
        record: &RunRecord,
        shown: &RunCapture,
        folder: &Path,
        workers: &Workers,
        opened: &mut u64,
    ) -> Result<CaptureReference, Box<Diagnostic>> {
        let file = format!("{}.{CAPTURE_ENDING}", self.file_name());
        let mut written = || {
            let runs = own_folder(folder, RUNS).map_err(|error| error.to_string())?;
            let capture = Capture::new(record, self.retention, shown);
            let mut text = serde_json::to_vec_pretty(&capture).map_err(|error| error.to_string())?;
            text.push(b'\n');
            let hash = ContentHash::of(&text);
            let (disk, files) = (Disk::default(), vec![(file.clone(), text)]);
            *opened += 1;
            let kept = workers.run(async move { disk.keep_files(&runs, files).await });
            let kept = kept.map_err(|error| error.to_string())?;
            kept.map_err(|error| error.to_string())?;
            Ok(CaptureReference { file: file.clone(), hash })
        };
        written().map_err(|cause: String| {
            let message = format!("the capture `{file}` could not be written: {cause}");
            let found = Diagnostic::new(codes::CAPTURE_NOT_WRITTEN, message).in_stage(Stage::Record);
            Box::new(found.about("file", file.as_str()).about("cause", cause))
        })
    }

    /// Writes a record of this run, and the graph beside it, below the folder of the spec. A record that exists is never
    /// replaced; one that is reported survives a power cut.
    pub(crate) fn write(
        &self,
        record: &RunRecord,
        folder: &Path,
        graph: &Graph,
        disk: &Disk,
        workers: &Workers,
    ) -> Result<PathBuf> {
        let runs = own_folder(folder, RUNS)?;
        let not_recorded = |reason: String| PipelineError::NotRecorded { folder: runs.clone(), reason };
        let archive = ir::archive::write(graph).map_err(|error| not_recorded(error.to_string()))?;
        let mut text = serde_json::to_vec_pretty(record).map_err(|error| not_recorded(error.to_string()))?;
        text.push(b'\n');
        let record_file = format!("{}.json", self.file_name());
        let path = runs.join(&record_file);
        let files = vec![(record.graph.clone(), archive.to_vec()), (record_file, text)];
        let (disk, folder) = (disk.clone(), runs.clone());
        let kept = workers.run(async move { disk.keep_files(&folder, files).await })?;
        kept.map_err(|error| not_recorded(error.to_string()))?;
        Ok(path)
    }
}
