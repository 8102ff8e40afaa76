//! The manifest of a session, version 1: its planning surface by names alone, with what a spec allows of it.
//!
//! The planning surface has versions and is what hashes are made of; the manifest is for those who want to know what a session
//! is made of, and to compare two programs by names. Every name is one that was given to the part, and none that of a type.

use std::collections::BTreeMap;

use ir::hash::ContentHash;
use ir::hash::canonical::hash_of;
use ir::spec::{AllowedExtensions, ExtensionGovernanceMode, ExtensionKind};
use serde::Serialize;

use super::Session;

/// The form of [`SessionManifest`]: raised when a field goes or means something else.
pub const MANIFEST_VERSION: u32 = 1;

/// What a session is made of, by names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionManifest {
    /// [`MANIFEST_VERSION`].
    pub version: u32,
    /// DataFusion's version.
    pub datafusion_version: String,
    /// Whether the session has what DataFusion has by itself. It always does.
    pub default_features_enabled: bool,
    /// Formats of files, in order.
    pub file_format_names: Vec<String>,
    /// What makes tables, in order.
    pub table_factory_names: Vec<String>,
    /// Planners of operators and literals, in the order they are asked.
    pub expr_planner_names: Vec<String>,
    /// Planners of what stands in FROM, in the order they are asked.
    pub relation_planner_names: Vec<String>,
    /// Planners of types, in the order they are asked.
    pub type_planner_names: Vec<String>,
    /// Planners of nodes of logical plans, in the order they are asked.
    pub query_planner_names: Vec<String>,
    /// Rewrites of calls, in order.
    pub function_rewrite_names: Vec<String>,
    /// The hash of all functions with their kinds and versions, in the domain `codeanatomy functions 1`.
    pub function_registry_identity: ContentHash,
    /// The settings of DataFusion that differ from its defaults and are no sizes, by key.
    pub planning_config_keys: BTreeMap<String, String>,
    /// The catalog of names without one.
    pub default_catalog: String,
    /// The schema of names without one.
    pub default_schema: String,
    /// What the spec lists of extensions.
    pub allowed_extensions: AllowedExtensions,
    /// What becomes of those that it does not list.
    pub extension_policy: ExtensionGovernanceMode,
    /// The hash of the options of formats, a map of their keys, in the domain `codeanatomy table options 1`.
    pub table_options_digest: ContentHash,
    /// What decides who plans, in short.
    pub typed_policy: TypedPolicy,
    /// The form of [`Self::typed_policy`].
    pub typed_policy_version: &'static str,
    /// The hash of [`Self::typed_policy`], in the domain `codeanatomy typed policy 1`.
    pub typed_policy_hash: ContentHash,
}

/// Who plans in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TypedPolicy {
    /// As [`SessionManifest::default_features_enabled`].
    pub enable_default_features: bool,
    /// As [`SessionManifest::expr_planner_names`].
    pub expr_planner_names: Vec<String>,
    /// Whether anything plans what stands in FROM before DataFusion does.
    pub relation_planner_enabled: bool,
    /// Whether anything plans types before DataFusion does.
    pub type_planner_enabled: bool,
    /// The table factories that the spec lists.
    pub table_factory_allowlist: Vec<String>,
}

impl Session {
    /// The manifest of the session, for a spec that lists these extensions.
    ///
    /// # Errors
    /// Never: what is hashed is texts, lists and maps. The error is passed on instead of hidden.
    pub fn manifest(
        &self,
        policy: ExtensionGovernanceMode,
        allowed: &AllowedExtensions,
    ) -> Result<SessionManifest, serde_json::Error> {
        let surface = self.surface();
        let names = |kind: ExtensionKind| -> Vec<String> {
            surface.of_kind(kind).into_iter().map(|(name, _)| name.to_owned()).collect()
        };
        let options = self.state().table_options().entries().into_iter();
        let options: BTreeMap<String, Option<String>> =
            options.map(|entry| (entry.key, entry.value)).collect();
        let relation_planner_names = names(ExtensionKind::RelationPlanners);
        let type_planner_names = names(ExtensionKind::TypePlanners);
        let typed_policy = TypedPolicy {
            enable_default_features: true,
            expr_planner_names: names(ExtensionKind::ExprPlanners),
            relation_planner_enabled: !relation_planner_names.is_empty(),
            type_planner_enabled: !type_planner_names.is_empty(),
            table_factory_allowlist: allowed.table_factories.clone(),
        };
        Ok(SessionManifest {
            version: MANIFEST_VERSION,
            datafusion_version: surface.datafusion.clone(),
            default_features_enabled: true,
            file_format_names: names(ExtensionKind::FileFormats),
            table_factory_names: names(ExtensionKind::TableFactories),
            expr_planner_names: typed_policy.expr_planner_names.clone(),
            relation_planner_names,
            type_planner_names,
            query_planner_names: names(ExtensionKind::QueryPlanners),
            function_rewrite_names: names(ExtensionKind::FunctionRewrites),
            function_registry_identity: hash_of("codeanatomy functions 1", &surface.functions)?,
            planning_config_keys: surface.planning_config_keys.clone(),
            default_catalog: surface.default_catalog.clone(),
            default_schema: surface.default_schema.clone(),
            allowed_extensions: allowed.clone(),
            extension_policy: policy,
            table_options_digest: hash_of("codeanatomy table options 1", &options)?,
            typed_policy_version: "v1",
            typed_policy_hash: hash_of("codeanatomy typed policy 1", &typed_policy)?,
            typed_policy,
        })
    }
}
