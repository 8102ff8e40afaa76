//! What identifies a run: hashes of everything that decides its result, the metadata of its commits, and the record
//! it leaves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use delta::Disk;
use engine::{MemoryHolder, OutputOutcome, RunOutcome, Session, StoreCounters, Tables};
use ir::graph::Graph;
use ir::hash::{ContentHash, Fingerprint};
use ir::op::{Identity, Op};
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
    /// In which environment: versions, session settings, functions, rules, input snapshots. Sizes are not among them.
    pub(crate) envelope_hash: ContentHash,
    /// What plans are made with: settings, functions, rules.
    surface_hash: ContentHash,
    /// How much of the machine is used: that decides speed and no row.
    profile_fingerprint: ContentHash,
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
        let surface_hash = surface(session);
        let inputs = inputs(tables);
        let inputs_hash = hash_of_inputs(&inputs, &compilation.graph);
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
            profile_fingerprint: pairs(Fingerprint::new(), b"size", &session.sizes()).finish(),
            inputs_hash,
            rules_hash,
            lineage_tags: compilation.source.spec.runtime.lineage_tags.clone(),
            inputs: inputs.iter().map(Input::json).collect(),
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
            "profile_fingerprint": self.profile_fingerprint,
            "lineage_tags": self.lineage_tags,
            "graph": graph_file,
            "inputs": self.inputs,
            "outputs": outcome.outputs.iter().map(output_json).collect::<Vec<_>>(),
            "shared_views": outcome.shared_views.iter().map(shared_view_json).collect::<Vec<_>>(),
            "resources": resources_json(outcome),
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

/// What a run reserved in memory and put on disk, in bytes.
#[must_use]
pub fn resources_json(outcome: &RunOutcome) -> Value {
    let RunOutcome { memory, spills, .. } = outcome;
    let holder = |one: &MemoryHolder| json!({"consumer": one.consumer, "bytes": one.bytes});
    let at_peak: Vec<Value> = memory.at_peak.iter().map(holder).collect();
    json!({
        "memory_limit_bytes": memory.limit_bytes, "memory_peak_bytes": memory.peak_bytes,
        "memory_at_peak": at_peak,
        "process_peak_bytes": memory.process_peak_bytes, "spill_folder": spills.folder.display().to_string(),
        "spill_limit_bytes": spills.limit_bytes, "spill_peak_bytes": spills.peak_bytes,
        "spilled_bytes": spills.written_bytes,
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

/// What plans are made with, and what decides the types of a session besides the program: its settings and functions.
/// How much memory there is, and how many threads, does not.
pub(crate) fn surface(session: &Session) -> ContentHash {
    let fingerprint = Fingerprint::new()
        .field(rules(session).as_bytes())
        .field(session.describe().first().map_or("", |(_, version)| version.as_str()).as_bytes());
    let mut fingerprint = pairs(fingerprint, b"setting", &session.settings());
    for name in session.function_names() {
        fingerprint = fingerprint.field(b"function").field(name.as_bytes());
    }
    fingerprint.finish()
}

fn pairs(mut fingerprint: Fingerprint, kind: &[u8], pairs: &[(String, String)]) -> Fingerprint {
    for (key, value) in pairs {
        fingerprint = fingerprint.field(kind).field(key.as_bytes()).field(value.as_bytes());
    }
    fingerprint
}

/// A table that was opened to be read.
struct Input {
    location: String,
    version: u64,
    /// What tells its rows from those of other tables; nothing where its list of files cannot be read.
    identity: Option<Identity>,
    schema: String,
}

impl Input {
    fn json(&self) -> Value {
        let identity = self.identity.as_ref();
        json!({
            "location": self.location,
            "version": self.version,
            "table_id": identity.map(|identity| &identity.table_id),
            "commit_hash": identity.and_then(|identity| identity.commit),
            "files_hash": identity.and_then(|identity| identity.listing),
        })
    }

    /// What its rows are, wherever it lies: the commit of its version, or the list of its files where the log no longer
    /// has that.
    fn hash(&self) -> ContentHash {
        let identity = self.identity.as_ref();
        let digest = identity.and_then(|identity| identity.commit.or(identity.listing));
        Fingerprint::new()
            .field(identity.map_or("", |identity| identity.table_id.as_str()).as_bytes())
            .field(&self.version.to_le_bytes())
            .field(digest.as_ref().map_or(&[][..], |digest| digest.as_bytes()))
            .field(self.schema.as_bytes())
            .finish()
    }
}

/// The tables, in the order of their places.
fn inputs(tables: &Tables) -> Vec<Input> {
    let input = |(location, version, table): (&str, u64, &_)| Input {
        location: location.to_owned(),
        version,
        identity: engine::identity_of(table).ok(),
        schema: table_schema(table),
    };
    tables.iter().map(input).collect()
}

fn table_schema(table: &delta::ResolvedTable) -> String {
    ir::schema::Schema::from_arrow(table.schema()).to_string()
}

/// The hash of what is read, in the order of the places: which table is read as which input. Where all of them lie counts
/// only where rows show it.
fn hash_of_inputs(inputs: &[Input], graph: &Graph) -> ContentHash {
    let mut fingerprint = Fingerprint::new();
    for input in inputs {
        fingerprint = fingerprint.field(input.hash().as_bytes());
    }
    for node in graph.ids().filter_map(|id| graph.get(id)) {
        if let Op::Scan(scan) = &node.op
            && let Some(place) = scan.identity.as_ref().and_then(|identity| identity.place.as_ref())
        {
            fingerprint = fingerprint.field(b"place").field(place.as_bytes());
        }
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
