//! What identifies a run: hashes of everything that decides its result, the metadata of its commits, and the record
//! it leaves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use delta::Disk;
use engine::{OutputOutcome, RunOutcome, Session, StoreCounters, Tables};
use ir::graph::Graph;
use ir::hash::{ContentHash, Fingerprint};
use serde_json::{Value, json};

use crate::extraction::own_folder;
use crate::{Compilation, PipelineError, Result, Stages, Workers};

/// The version of the run record's format.
const RECORD_FORMAT: u32 = 1;

/// The identity of one run.
#[derive(Clone, Debug)]
pub(crate) struct Provenance {
    /// A random UUID.
    pub(crate) run_id: String,
    /// When the run started.
    started_at: DateTime<Utc>,
    /// What is computed: the hash of the spec.
    pub(crate) spec_hash: ContentHash,
    /// In which environment: versions, session settings, functions, rules, input snapshots.
    pub(crate) envelope_hash: ContentHash,
    /// What plans are made with: settings, functions, rules.
    surface_hash: ContentHash,
    /// What is read: input snapshots.
    inputs_hash: ContentHash,
    /// The engine's own rules, in order.
    rules_hash: ContentHash,
    lineage_tags: BTreeMap<String, String>,
    inputs: Vec<Value>,
    settings: Vec<(String, String)>,
}

impl Provenance {
    /// The identity of a run of this compilation that starts now.
    pub(crate) fn of(compilation: &Compilation) -> Self {
        let (session, tables) = (&compilation.session, compilation.oracle.tables());
        let rules_hash = rules(session);
        let surface_hash = surface(session, rules_hash);
        let inputs_hash = inputs(tables);
        let envelope_hash = Fingerprint::new()
            .field(env!("CARGO_PKG_VERSION").as_bytes())
            .field(&ir::archive::FORMAT_VERSION.to_le_bytes())
            .field(&ir::spec::SPEC_VERSION.to_le_bytes())
            .field(surface_hash.as_bytes())
            .field(inputs_hash.as_bytes())
            .finish();
        Self {
            run_id: uuid::Uuid::new_v4().to_string(),
            started_at: now(),
            spec_hash: compilation.spec_hash,
            envelope_hash,
            surface_hash,
            inputs_hash,
            rules_hash,
            lineage_tags: compilation.source.spec.runtime.lineage_tags.clone(),
            inputs: tables
                .iter()
                .map(|(location, version, table)| {
                    json!({"location": location, "version": version, "table_id": table.table_id()})
                })
                .collect(),
            settings: session.describe(),
        }
    }

    /// What every commit of the run records. It holds hashes and names, no settings and no environment.
    pub(crate) fn commit_metadata(&self) -> BTreeMap<String, String> {
        let keys = [
            ("spec_hash", self.spec_hash.to_string()),
            ("envelope_hash", self.envelope_hash.to_string()),
            ("planning_surface_hash", self.surface_hash.to_string()),
            ("provider_identity_hash", self.inputs_hash.to_string()),
            ("rulepack_fingerprint", self.rules_hash.to_string()),
            // Specs can choose neither yet; see `ir::spec::unsupported`.
            ("rulepack_profile", "Default".to_owned()),
            ("runtime_profile", "none".to_owned()),
            ("run_started_at", timestamp(self.started_at)),
        ];
        let tags = self.lineage_tags.iter().map(|(tag, value)| (format!("lineage_tag.{tag}"), value.clone()));
        let keys = keys.into_iter().map(|(key, value)| (key.to_owned(), value));
        keys.chain(tags).map(|(key, value)| (format!("codeanatomy.{key}"), value)).collect()
    }

    /// Writes the record that pins inputs and outputs together, and the graph beside it, into `runs` below
    /// `folder/.codeanatomy`. A record that exists is never replaced; one that is reported survives a power cut.
    pub(crate) fn write_record(
        &self,
        folder: &Path,
        outcome: &RunOutcome,
        stages: &Stages,
        graph: &Graph,
        disk: &Disk,
        workers: &Workers,
    ) -> Result<PathBuf> {
        let runs = own_folder(folder, "runs")?;
        let not_recorded = |reason: String| PipelineError::NotRecorded { folder: runs.clone(), reason };
        let archive = ir::archive::write(graph).map_err(|error| not_recorded(error.to_string()))?;
        // To the microsecond, so that records sort by time; the random id tells apart what that does not.
        let stamp = self.started_at.format("%Y%m%dT%H%M%S%.6fZ");
        let name = format!("{stamp}-{}", self.spec_hash.short());
        let graph_file = format!("{name}.ir");
        let record = self.record(outcome, stages, &graph_file);
        let record_file = format!("{name}.json");
        let path = runs.join(&record_file);
        let files = vec![(graph_file, archive.to_vec()), (record_file, format!("{record:#}\n").into_bytes())];
        let (disk, folder) = (disk.clone(), runs.clone());
        let kept = workers.run(async move { disk.keep_files(&folder, files).await })?;
        kept.map_err(|error| not_recorded(error.to_string()))?;
        Ok(path)
    }

    fn record(&self, outcome: &RunOutcome, stages: &Stages, graph_file: &str) -> Value {
        let settings: serde_json::Map<String, Value> =
            self.settings.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
        json!({
            "format": RECORD_FORMAT,
            "program": {"name": "codeanatomy", "version": env!("CARGO_PKG_VERSION")},
            "run_id": self.run_id,
            "started_at": timestamp(self.started_at),
            "finished_at": timestamp(now()),
            "spec_hash": self.spec_hash,
            "envelope_hash": self.envelope_hash,
            "planning_surface_hash": self.surface_hash,
            "provider_identity_hash": self.inputs_hash,
            "rulepack_fingerprint": self.rules_hash,
            "lineage_tags": self.lineage_tags,
            "graph": graph_file,
            "inputs": self.inputs,
            "outputs": outcome.outputs.iter().map(output_json).collect::<Vec<_>>(),
            "shared_views": outcome.shared_views.iter().map(shared_view_json).collect::<Vec<_>>(),
            "stages": stages.json(),
            "session": settings,
        })
    }
}

/// An output without its times: what a run record keeps.
#[must_use]
pub fn output_json(output: &OutputOutcome) -> Value {
    json!({
        "table": output.table, "location": output.location, "version": output.version, "rows": output.rows,
        "files": output.files, "files_removed": output.files_removed, "bytes": output.bytes,
        "partitions": output.partitions,
    })
}

/// How a shared view was used, and why it is one.
#[must_use]
pub fn shared_view_json(view: &StoreCounters) -> Value {
    json!({
        "view": view.view, "reason": view.reason, "computed": view.computed, "rows": view.rows,
        "memory_bytes": view.memory_bytes, "spilled_bytes": view.spilled_bytes, "spill_files": view.spill_count,
        "readers": view.readers, "reads": view.reads,
    })
}

fn rules(session: &Session) -> ContentHash {
    let state = session.state();
    let mut fingerprint = Fingerprint::new();
    for rule in &state.analyzer().rules {
        fingerprint = fingerprint.field(b"analyzer").field(rule.name().as_bytes());
    }
    for rule in state.optimizers() {
        fingerprint = fingerprint.field(b"optimizer").field(rule.name().as_bytes());
    }
    for rule in state.physical_optimizers() {
        fingerprint = fingerprint.field(b"physical").field(rule.name().as_bytes());
    }
    fingerprint.finish()
}

fn surface(session: &Session, rules: ContentHash) -> ContentHash {
    // The place of temporary files is no part of what plans are made with.
    let settings = session.describe().into_iter().filter(|(key, _)| key != "spill_directory");
    let mut fingerprint = Fingerprint::new().field(rules.as_bytes());
    for (key, value) in settings {
        fingerprint = fingerprint.field(b"setting").field(key.as_bytes()).field(value.as_bytes());
    }
    for name in session.function_names() {
        fingerprint = fingerprint.field(b"function").field(name.as_bytes());
    }
    fingerprint.finish()
}

/// What decides the types of a session besides the program: its settings and functions. How much memory there is does
/// not.
pub(crate) fn typing_surface(session: &Session) -> ContentHash {
    let mut fingerprint = Fingerprint::new().field(rules(session).as_bytes());
    for (key, value) in session.settings() {
        fingerprint = fingerprint.field(b"setting").field(key.as_bytes()).field(value.as_bytes());
    }
    for name in session.function_names() {
        fingerprint = fingerprint.field(b"function").field(name.as_bytes());
    }
    fingerprint.finish()
}

fn inputs(tables: &Tables) -> ContentHash {
    let mut fingerprint = Fingerprint::new();
    for (location, version, table) in tables.iter() {
        let schema = ir::schema::Schema::from_arrow(table.schema()).to_string();
        fingerprint = fingerprint
            .field(location.as_bytes())
            .field(&version.to_le_bytes())
            .field(table.table_id().as_bytes())
            .field(schema.as_bytes());
    }
    fingerprint.finish()
}

/// The current time.
pub(crate) fn now() -> DateTime<Utc> {
    // A clock before 1970 shows as 1970.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, since.subsec_nanos()).unwrap_or_default()
}

/// RFC 3339, to the microsecond.
pub(crate) fn timestamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
