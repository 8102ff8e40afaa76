//! What identifies a compilation: hashes of everything that decides the rows of its outputs.

use engine::{Session, Tables};
use ir::graph::Graph;
use ir::hash::{ContentHash, Fingerprint};
use ir::op::Op;
use serde::{Deserialize, Serialize};

use super::InputRecord;

/// What is computed, from what and by which rules. Whoever compiles the same spec over the same tables with the same program
/// and settings has the same identity.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// What is computed: the hash of the spec.
    pub(crate) spec_hash: ContentHash,
    /// In which environment.
    pub(crate) envelope: Envelope,
    /// The engine's own rules, in order.
    pub(crate) rulepack_fingerprint: ContentHash,
    /// What is read, in the order of the places.
    pub(crate) providers: Vec<ProviderIdentity>,
}

impl Identity {
    /// Of a spec with this hash, compiled to this graph over these tables in this session.
    pub(crate) fn of(spec_hash: ContentHash, graph: &Graph, tables: &Tables, session: &Session) -> Self {
        let providers: Vec<ProviderIdentity> =
            tables.iter().map(|(location, version, table)| provider(location, version, table)).collect();
        let envelope = Envelope {
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            archive_format: ir::archive::FORMAT_VERSION,
            spec_version: ir::spec::SPEC_VERSION,
            planning_surface_hash: surface(session),
            provider_identity_hash: hash_of_providers(&providers, graph),
        };
        Self { spec_hash, envelope, rulepack_fingerprint: rules(session), providers }
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

/// A table that was opened to be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProviderIdentity {
    /// The table, as records have it.
    #[serde(flatten)]
    pub input: InputRecord,
    /// What its rows are, wherever it lies: its id, its version, the commit that made the version, or the list of its files
    /// where the log no longer has that, and its columns.
    pub identity_hash: ContentHash,
}

fn provider(location: &str, version: u64, table: &delta::ResolvedTable) -> ProviderIdentity {
    // Nothing where its list of files cannot be read.
    let identity = engine::identity_of(table).ok();
    let identity = identity.as_ref();
    let digest = identity.and_then(|identity| identity.commit.or(identity.listing));
    let schema = ir::schema::Schema::from_arrow(table.schema()).to_string();
    let identity_hash = Fingerprint::new()
        .field(identity.map_or("", |identity| identity.table_id.as_str()).as_bytes())
        .field(&version.to_le_bytes())
        .field(digest.as_ref().map_or(&[][..], |digest| digest.as_bytes()))
        .field(schema.as_bytes())
        .finish();
    let input = InputRecord {
        location: location.to_owned(),
        version,
        table_id: identity.map(|identity| identity.table_id.clone()),
        commit_hash: identity.and_then(|identity| identity.commit),
        files_hash: identity.and_then(|identity| identity.listing),
    };
    ProviderIdentity { input, identity_hash }
}

/// The hash of what is read, in the order of the places: which table is read as which input. Where all of them lie counts
/// only where rows show it.
fn hash_of_providers(providers: &[ProviderIdentity], graph: &Graph) -> ContentHash {
    let mut fingerprint = Fingerprint::new();
    for provider in providers {
        fingerprint = fingerprint.field(provider.identity_hash.as_bytes());
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

/// How much of the machine a session uses.
pub(crate) fn fingerprint_of_sizes(session: &Session) -> ContentHash {
    pairs(Fingerprint::new(), b"size", &session.sizes()).finish()
}

fn pairs(mut fingerprint: Fingerprint, kind: &[u8], pairs: &[(String, String)]) -> Fingerprint {
    for (key, value) in pairs {
        fingerprint = fingerprint.field(kind).field(key.as_bytes()).field(value.as_bytes());
    }
    fingerprint
}
