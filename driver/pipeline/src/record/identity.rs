//! What identifies a compilation: hashes of everything that decides the rows of its outputs.

use std::collections::BTreeMap;

use engine::{PlanningSurface, Session, Tables};
use ir::determinism::{Determinism, ResultClass};
use ir::graph::{Graph, NodeId};
use ir::hash::ContentHash;
use ir::hash::canonical::hash_of;
use ir::oracle::Oracle;
use ir::phase::Phase;
use ir::spec::{Spec, spec_hash};
use passes::Scope;
use passes::analysis::content::{Content, contents};
use passes::analysis::determinism::class_of;
use serde::{Deserialize, Serialize};

use super::build::Build;
use super::provider::{ProviderIdentity, hash_of_providers};
use crate::Compilation;

/// What is computed, from what and by which rules. Whoever compiles the same spec over the same tables with the same program
/// and settings has the same identity.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// What is computed: the hash of the spec.
    pub(crate) spec_hash: ContentHash,
    /// In which environment.
    pub(crate) envelope: Envelope,
    /// The hash of [`Self::envelope`].
    pub(crate) envelope_hash: ContentHash,
    /// The engine's own rules, in order.
    pub(crate) rulepack_fingerprint: ContentHash,
    /// The parts of the planning surface, each with its hash.
    pub(crate) surface_parts: BTreeMap<String, ContentHash>,
    /// How much of the machine is used: that decides speed and no row.
    pub(crate) profile: BTreeMap<String, String>,
    /// The hash of [`Self::profile`].
    pub(crate) profile_fingerprint: ContentHash,
    /// What is read, in the order of the spec.
    pub(crate) providers: Vec<ProviderIdentity>,
}

impl Identity {
    /// Of a spec, compiled to this graph over these tables in this session.
    ///
    /// # Errors
    /// Never: what is hashed is numbers, texts, lists and maps. The error is passed on instead of hidden.
    pub(crate) fn of(
        spec: &Spec,
        graph: &Graph,
        tables: &Tables,
        session: &Session,
    ) -> Result<Self, serde_json::Error> {
        let providers = ProviderIdentity::all(spec, graph, tables)?;
        let envelope = Envelope {
            archive_format: ir::archive::FORMAT_VERSION,
            build: Build::this(),
            planning_surface_hash: session.surface_hash(),
            provider_identity_hash: hash_of_providers(&providers)?,
            spec_version: ir::spec::SPEC_VERSION,
        };
        let profile = session.profile();
        Ok(Self {
            spec_hash: spec_hash(spec),
            envelope_hash: envelope.hash()?,
            envelope,
            rulepack_fingerprint: session.rules_hash(),
            surface_parts: session.surface().parts()?,
            profile_fingerprint: hash_of("codeanatomy profile 1", &profile)?,
            profile,
            providers,
        })
    }
}

/// The part of a spec that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectionRecord {
    /// What selects it.
    pub selectors: Vec<String>,
    /// The outputs that this selects, in the order of their names.
    pub outputs: Vec<String>,
}

impl SelectionRecord {
    /// That of a compilation; nothing where the whole spec was compiled.
    pub(crate) fn of(compilation: &Compilation) -> Option<Self> {
        let Scope::Outputs(selection) = &compilation.scope else { return None };
        let outputs = compilation.in_scope.outputs.clone()?;
        Some(Self { selectors: selection.texts(), outputs })
    }
}

/// Everything besides the spec that can change a row of a run. Nothing momentary is in it, and no sizes: runs of one spec
/// over the same tables have the same envelope, however much of the machine they use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The version of the archived form of graphs.
    pub archive_format: u32,
    /// The program.
    pub build: Build,
    /// What plans are made with: the engine's version, its rules, settings that are not sizes, and functions.
    pub planning_surface_hash: ContentHash,
    /// What is read: the tables' ids, versions, commits and columns.
    pub provider_identity_hash: ContentHash,
    /// The version of the wire format of specs.
    pub spec_version: u32,
}

impl Envelope {
    /// The hash of all of it, in the domain `codeanatomy envelope 1`.
    ///
    /// # Errors
    /// Never: it is numbers, texts and a map. The error is passed on instead of hidden.
    pub fn hash(&self) -> Result<ContentHash, serde_json::Error> {
        hash_of("codeanatomy envelope 1", self)
    }
}

/// What identifies the rows of an output.
#[derive(Clone, Debug, Serialize)]
pub struct OutputIdentity {
    /// What it is computed by.
    pub content_hash: ContentHash,
    /// How far its rows are the same whenever it is computed.
    pub class: ResultClass,
    /// The nodes that decide the class, each with how far its own operation is deterministic.
    pub class_reasons: BTreeMap<String, Determinism>,
}

impl OutputIdentity {
    /// Those of the outputs of a graph, by the names of their tables; none before it is scheduled.
    pub(crate) fn all(graph: &Graph, oracle: &dyn Oracle) -> BTreeMap<String, Self> {
        if graph.schedule.is_none() {
            return BTreeMap::new();
        }
        Self::of(graph, oracle, &contents(graph, oracle))
    }

    /// The same, of a graph whose contents are known.
    fn of(
        graph: &Graph,
        oracle: &dyn Oracle,
        contents: &BTreeMap<NodeId, (Content, ContentHash)>,
    ) -> BTreeMap<String, Self> {
        let identity = |id: NodeId| {
            let content_hash = contents.get(&id)?.1;
            let (class, class_reasons) = class_of(graph, oracle, id);
            Some((graph[id].owner.name().to_owned(), Self { content_hash, class, class_reasons }))
        };
        graph.sinks().into_iter().filter_map(identity).collect()
    }
}

/// Everything that a compilation is identified by, with what each hash covers: who reads the page of hashes can make every
/// one of them from it.
#[derive(Debug, Serialize)]
pub struct IdentityReport {
    /// The hash of the spec.
    pub spec_hash: ContentHash,
    /// What plans are made with.
    pub planning_surface: PlanningSurface,
    /// Its hash.
    pub planning_surface_hash: ContentHash,
    /// The hash of its rules.
    pub rulepack_fingerprint: ContentHash,
    /// The tables that are read.
    pub provider_identities: Vec<ProviderIdentity>,
    /// The hash of all of them.
    pub provider_identity_hash: ContentHash,
    /// Everything besides the spec that can change a row.
    pub envelope: Envelope,
    /// Its hash.
    pub envelope_hash: ContentHash,
    /// How much of the machine is used.
    pub profile: BTreeMap<String, String>,
    /// Its hash.
    pub profile_fingerprint: ContentHash,
    /// The outputs, by the names of their tables; none of a graph that is not typed.
    pub outputs: BTreeMap<String, OutputIdentity>,
    /// Every node of the graph, by name; none of a graph that is not typed.
    pub nodes: BTreeMap<String, NodeIdentity>,
}

/// What identifies the rows of a node.
#[derive(Debug, Serialize)]
pub struct NodeIdentity {
    /// What the hash covers.
    pub content: Content,
    /// The hash.
    pub content_hash: ContentHash,
}

impl IdentityReport {
    pub(crate) fn of(identity: &Identity, graph: &Graph, oracle: &dyn Oracle, session: &Session) -> Self {
        // Before it is typed, nobody knows the columns of a node.
        let contents = if graph.phase < Phase::Typed { BTreeMap::new() } else { contents(graph, oracle) };
        let outputs = OutputIdentity::of(graph, oracle, &contents);
        let nodes = contents.into_iter().map(|(id, (content, content_hash))| {
            (graph[id].name.clone(), NodeIdentity { content, content_hash })
        });
        Self {
            spec_hash: identity.spec_hash,
            planning_surface: session.surface().clone(),
            planning_surface_hash: session.surface_hash(),
            rulepack_fingerprint: identity.rulepack_fingerprint,
            provider_identities: identity.providers.clone(),
            provider_identity_hash: identity.envelope.provider_identity_hash,
            envelope: identity.envelope.clone(),
            envelope_hash: identity.envelope_hash,
            profile: identity.profile.clone(),
            profile_fingerprint: identity.profile_fingerprint,
            outputs,
            nodes: nodes.collect(),
        }
    }
}
