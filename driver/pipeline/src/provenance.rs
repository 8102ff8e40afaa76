//! What identifies a run: hashes of everything that decides its result, and the metadata of its commits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use delta::Disk;
use engine::{Session, Tables};
use ir::graph::Graph;
use ir::hash::{ContentHash, Fingerprint};
use ir::op::{Identity, Op};
use serde::{Deserialize, Serialize};

use crate::extraction::own_folder;
use crate::record::{FORMAT, FailureRecord, InputRecord, Program, RUNS, RunRecord, Status};
use crate::{Compilation, PipelineError, Result, Stages, Workers};

/// The identity of one run.
#[derive(Clone, Debug)]
pub(crate) struct Provenance {
    /// A random UUID.
    pub(crate) run_id: String,
    /// The name of the spec.
    name: String,
    /// When the run started.
    started_at: DateTime<Utc>,
    /// What is computed: the hash of the spec.
    spec_hash: ContentHash,
    /// In which environment.
    envelope: Envelope,
    /// How much of the machine is used: that decides speed and no row.
    profile_fingerprint: ContentHash,
    /// The engine's own rules, in order.
    rules_hash: ContentHash,
    lineage_tags: BTreeMap<String, String>,
    inputs: Vec<InputRecord>,
    settings: BTreeMap<String, String>,
}

impl Provenance {
    /// The identity of a run of this compilation that starts now.
    pub(crate) fn of(compilation: &Compilation) -> Self {
        let (session, tables) = (&compilation.session, compilation.oracle.tables());
        let inputs = inputs(tables);
        let envelope = Envelope {
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            archive_format: ir::archive::FORMAT_VERSION,
            spec_version: ir::spec::SPEC_VERSION,
            planning_surface_hash: surface(session),
            provider_identity_hash: hash_of_inputs(&inputs, &compilation.graph),
        };
        Self {
            run_id: uuid::Uuid::new_v4().to_string(),
            name: compilation.source.name.clone(),
            started_at: now(),
            spec_hash: compilation.spec_hash,
            envelope,
            profile_fingerprint: pairs(Fingerprint::new(), b"size", &session.sizes()).finish(),
            rules_hash: rules(session),
            lineage_tags: compilation.source.spec.runtime.lineage_tags.clone(),
            inputs: inputs.iter().map(Input::record).collect(),
            settings: session.describe().into_iter().collect(),
        }
    }

    /// What every commit of the run records. It holds hashes and names, no settings and no environment.
    pub(crate) fn commit_metadata(&self) -> BTreeMap<String, String> {
        let keys = [
            ("spec_hash", self.spec_hash.to_string()),
            ("envelope_hash", self.envelope.hash().to_string()),
            ("planning_surface_hash", self.envelope.planning_surface_hash.to_string()),
            ("provider_identity_hash", self.envelope.provider_identity_hash.to_string()),
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

    /// The record of a run that ends now like this; what it did is still to be added.
    pub(crate) fn record(&self, status: Status, failure: Option<FailureRecord>) -> RunRecord {
        let program =
            Program { name: "codeanatomy".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
        RunRecord {
            format: FORMAT,
            program,
            run_id: self.run_id.clone(),
            name: self.name.clone(),
            started_at: timestamp(self.started_at),
            finished_at: timestamp(now()),
            status,
            failure,
            spec_hash: self.spec_hash,
            envelope_hash: self.envelope.hash(),
            envelope: self.envelope.clone(),
            rulepack_fingerprint: self.rules_hash,
            profile_fingerprint: self.profile_fingerprint,
            lineage_tags: self.lineage_tags.clone(),
            graph: format!("{}.ir", self.file_name()),
            inputs: self.inputs.clone(),
            extracted: Vec::new(),
            outputs: Vec::new(),
            checks: Vec::new(),
            shared_views: Vec::new(),
            resources: None,
            stages: Stages::default(),
            segments: Vec::new(),
            warnings: Vec::new(),
            session: self.settings.clone(),
        }
    }

    /// The name of the record's files, without their endings: to the microsecond, so that records sort by time. Of two runs
    /// of one spec in one microsecond the second is refused.
    fn file_name(&self) -> String {
        format!("{}-{}", self.started_at.format("%Y%m%dT%H%M%S%.6fZ"), self.spec_hash.short())
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

/// Everything besides the spec that can change a row of a run. Nothing momentary is in it, and no sizes: runs of one spec
/// over the same tables have the same envelope, however much of the machine they use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The version of the program.
    pub program_version: String,
    /// The version of the archived form of graphs.
    pub archive_format: u32,
    /// The version of the wire format of specs.
    pub spec_version: u32,
    /// What plans are made with: the engine's version, its rules, settings that are not sizes, and functions.
    pub planning_surface_hash: ContentHash,
    /// What is read: the tables' ids, versions, commits and columns.
    pub provider_identity_hash: ContentHash,
}

impl Envelope {
    /// The hash of all of it.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        Fingerprint::new()
            .field(self.program_version.as_bytes())
            .field(&self.archive_format.to_le_bytes())
            .field(&self.spec_version.to_le_bytes())
            .field(self.planning_surface_hash.as_bytes())
            .field(self.provider_identity_hash.as_bytes())
            .finish()
    }
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
    fn record(&self) -> InputRecord {
        let identity = self.identity.as_ref();
        InputRecord {
            location: self.location.clone(),
            version: self.version,
            table_id: identity.map(|identity| identity.table_id.clone()),
            commit_hash: identity.and_then(|identity| identity.commit),
            files_hash: identity.and_then(|identity| identity.listing),
        }
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
