//! The planning surface: everything a session makes plans with, each part with its name and its version.
//!
//! Two sessions with equal surfaces give equal plans for equal graphs over equal tables, whatever the machine. What a session
//! knows besides, its sizes, is told apart in [`SIZES`](super::SIZES).

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::config::TableOptions;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::session_state::SessionState;
use datafusion::optimizer::{Analyzer, Optimizer};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;
use functions::FunctionKind;
use ir::hash::ContentHash;
use ir::hash::canonical::hash_of;
use ir::spec::{ExtensionKind, SHIPPED_EXTENSIONS};
use serde::{Deserialize, Serialize};

use super::additions::{Added, Additions};
use super::sizes::SIZES;

/// The form of [`PlanningSurface`]: raised when a field goes or means something else.
pub const SURFACE_VERSION: u32 = 2;

/// How versions of additions begin.
const EXTENSION: &str = "extension";

/// Planners have no names of their own: what they are called here, in the order they are asked.
const EXPR_PLANNERS: [&str; 1] = ["number_literals"];
const DATAFUSION_EXPR_PLANNERS: [&str; 7] = [
    "core_functions",
    "nested_functions",
    "field_access",
    "datetime_functions",
    "unicode_functions",
    "aggregate_functions",
    "window_functions",
];
const RELATION_PLANNERS: [&str; 2] = ["merged_keys", "unknown_rows"];
const TYPE_PLANNERS: [&str; 1] = ["delta_types"];
const QUERY_PLANNERS: [&str; 1] = ["engine"];

/// The formats of files that DataFusion has.
const FORMATS: [&str; 5] = ["arrow", "avro", "csv", "json", "parquet"];

/// A part of a session with its version. What DataFusion brings along has the version of DataFusion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// `datafusion` and its version, `codeanatomy` and the version of this part, both for a part of DataFusion that runs
    /// inside one of this program, or `extension` and the version that was given where it was added.
    pub version: String,
}

/// Whose a part of a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// It is DataFusion's own, as it ships.
    Datafusion,
    /// It ships with this program.
    Codeanatomy,
    /// A program that embeds this one has added it.
    Extension,
}

/// A function that SQL can call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FunctionPart {
    /// Its name, or another that it is called by.
    pub name: String,
    /// `scalar`, `aggregate` or `window`.
    pub kind: String,
    /// As [`Part::version`]; the version of its implementation.
    pub version: String,
}

/// Everything a session makes plans with. It is the same on every machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanningSurface {
    /// [`SURFACE_VERSION`].
    pub version: u32,
    /// DataFusion's version.
    pub datafusion: String,
    /// Rules that make a logical plan sound, in order.
    pub analyzer_rules: Vec<Part>,
    /// Rules that make a logical plan better, in order.
    pub optimizer_rules: Vec<Part>,
    /// Rules that make a physical plan sound and better, in order.
    pub physical_optimizer_rules: Vec<Part>,
    /// Rewrites of calls, in order.
    pub function_rewrites: Vec<Part>,
    /// What plans operators of SQL, in the order they are asked.
    pub expr_planners: Vec<Part>,
    /// What plans relations of SQL, in the order they are asked.
    pub relation_planners: Vec<Part>,
    /// What gives types of SQL their meaning.
    pub type_planners: Vec<Part>,
    /// What plans nodes of logical plans that are not DataFusion's, in the order they are asked.
    pub query_planners: Vec<Part>,
    /// What makes tables out of `CREATE EXTERNAL TABLE`, by name.
    pub table_factories: Vec<Part>,
    /// Formats of files that can be named, by name.
    pub file_formats: Vec<Part>,
    /// The catalog of names without one.
    pub default_catalog: String,
    /// The schema of names without one.
    pub default_schema: String,
    /// Functions, in the order of their names and kinds.
    pub functions: Vec<FunctionPart>,
    /// DataFusion's settings that differ from their defaults and are no sizes, by key.
    pub planning_config_keys: BTreeMap<String, String>,
}

impl PlanningSurface {
    /// That of a session with these additions, which it has at their places.
    pub(super) fn of(state: &SessionState, added: &Additions) -> Self {
        let catalog = &state.config_options().catalog;
        let (defaults, physical_defaults) = (Optimizer::new().rules, PhysicalOptimizer::new().rules);
        let analyzer_defaults = Analyzer::new().rules;
        Self {
            version: SURFACE_VERSION,
            datafusion: datafusion::DATAFUSION_VERSION.to_owned(),
            analyzer_rules: parts(
                state.analyzer().rules.iter().map(|rule| rule.name()),
                analyzer_defaults.iter().map(|rule| rule.name()),
            ),
            optimizer_rules: parts(
                state.optimizers().iter().map(|rule| rule.name()),
                defaults.iter().map(|rule| rule.name()),
            ),
            physical_optimizer_rules: parts(
                state.physical_optimizers().iter().map(|rule| rule.name()),
                physical_defaults.iter().map(|rule| rule.name()),
            ),
            function_rewrites: of_extensions(&added.function_rewrites),
            expr_planners: [
                named(&EXPR_PLANNERS, &of_program()),
                of_extensions(&added.expr_planners),
                named(&DATAFUSION_EXPR_PLANNERS, &of_datafusion()),
            ]
            .concat(),
            relation_planners: [
                named(&RELATION_PLANNERS, &of_program()),
                of_extensions(&added.relation_planners),
            ]
            .concat(),
            type_planners: named(&TYPE_PLANNERS, &of_program()),
            query_planners: [named(&QUERY_PLANNERS, &of_program()), of_extensions(&added.extension_planners)]
                .concat(),
            table_factories: factories(state, added),
            file_formats: formats(state, added),
            default_catalog: catalog.default_catalog.clone(),
            default_schema: catalog.default_schema.clone(),
            functions: functions(state, added),
            planning_config_keys: planning_settings(state),
        }
    }

    /// The parts of a kind by name and version; functions once for each name and kind.
    pub(super) fn of_kind(&self, kind: ExtensionKind) -> Vec<(&str, &str)> {
        let parts = match kind {
            ExtensionKind::Functions => {
                let functions = self.functions.iter();
                return functions.map(|it| (it.name.as_str(), it.version.as_str())).collect();
            }
            ExtensionKind::ExprPlanners => &self.expr_planners,
            ExtensionKind::RelationPlanners => &self.relation_planners,
            ExtensionKind::TypePlanners => &self.type_planners,
            ExtensionKind::QueryPlanners => &self.query_planners,
            ExtensionKind::FunctionRewrites => &self.function_rewrites,
            ExtensionKind::TableFactories => &self.table_factories,
            ExtensionKind::FileFormats => &self.file_formats,
            ExtensionKind::AnalyzerRules => &self.analyzer_rules,
            ExtensionKind::OptimizerRules => &self.optimizer_rules,
            ExtensionKind::PhysicalOptimizerRules => &self.physical_optimizer_rules,
        };
        parts.iter().map(|part| (part.name.as_str(), part.version.as_str())).collect()
    }

    /// Its hash, in the domain `codeanatomy surface 2`.
    ///
    /// # Errors
    /// Never: it is texts, lists and maps. The error is passed on instead of hidden.
    pub fn hash(&self) -> Result<ContentHash, serde_json::Error> {
        hash_of("codeanatomy surface 2", self)
    }

    /// The hash of each of its fields but for the settings, by name: to say of two surfaces where they differ. In the domain
    /// `codeanatomy surface part 1`.
    ///
    /// # Errors
    /// As [`Self::hash`].
    pub fn parts(&self) -> Result<BTreeMap<String, ContentHash>, serde_json::Error> {
        let serde_json::Value::Object(fields) = serde_json::to_value(self)? else {
            return Ok(BTreeMap::new());
        };
        let parts = fields.into_iter().filter(|(name, _)| name != "planning_config_keys");
        parts.map(|(name, part)| Ok((name, hash_of("codeanatomy surface part 1", &part)?))).collect()
    }

    /// The hash of its rules alone, in the domain `codeanatomy rules 1`: a map of `analyzer`, `optimizer` and
    /// `physical_optimizer`.
    ///
    /// # Errors
    /// As [`Self::hash`].
    pub fn rules_hash(&self) -> Result<ContentHash, serde_json::Error> {
        let rules = BTreeMap::from([
            ("analyzer", &self.analyzer_rules),
            ("optimizer", &self.optimizer_rules),
            ("physical_optimizer", &self.physical_optimizer_rules),
        ]);
        hash_of("codeanatomy rules 1", &rules)
    }
}

/// Whether a key is that of a setting of DataFusion that has a part in the surface where it differs from its default.
#[must_use]
pub fn is_planning_setting(key: &str) -> bool {
    defaults().contains_key(key) && SIZES.iter().all(|size| size.key != key)
}

/// The version of what DataFusion brings along.
fn of_datafusion() -> String {
    format!("datafusion {}", datafusion::DATAFUSION_VERSION)
}

/// The version of what this program brings along and does not count by itself.
fn of_program() -> String {
    format!("{SHIPPED_EXTENSIONS} {}", env!("CARGO_PKG_VERSION"))
}

/// The version of what a program that embeds this one has added.
fn of_extension(version: &str) -> String {
    format!("{EXTENSION} {version}")
}

/// Whose a part is, by its version.
pub(super) fn provider(version: &str) -> Provider {
    if version.starts_with(EXTENSION) {
        Provider::Extension
    } else if version.contains(SHIPPED_EXTENSIONS) {
        Provider::Codeanatomy
    } else {
        Provider::Datafusion
    }
}

/// Parts by their names, in their order. Those of DataFusion that are wrapped here have both versions.
fn parts<'a>(
    names: impl IntoIterator<Item = &'a str>,
    defaults: impl IntoIterator<Item = &'a str>,
) -> Vec<Part> {
    let defaults: BTreeSet<&str> = defaults.into_iter().collect();
    let part = |name: &str| {
        let version = match (defaults.contains(name), crate::rules::is_wrapped(name)) {
            (true, false) => of_datafusion(),
            (true, true) => format!("{}, {}", of_datafusion(), of_program()),
            (false, _) => of_program(),
        };
        Part { name: name.to_owned(), version }
    };
    names.into_iter().map(part).collect()
}

/// Parts of one version by these names.
fn named(names: &[&str], version: &str) -> Vec<Part> {
    names.iter().map(|name| Part { name: (*name).to_owned(), version: version.to_owned() }).collect()
}

/// Parts that were added, in their order.
fn of_extensions<T>(added: &[Added<T>]) -> Vec<Part> {
    let part = |it: &Added<T>| Part { name: it.name.clone(), version: of_extension(&it.version) };
    added.iter().map(part).collect()
}

fn factories(state: &SessionState, added: &Additions) -> Vec<Part> {
    let names: BTreeSet<&String> = state.table_factories().keys().collect();
    let version = |name: &str| added.table_factories.iter().find(|it| it.name == name).map(|it| &it.version);
    let part = |name: &String| Part {
        name: name.clone(),
        version: version(name).map_or_else(of_datafusion, |version| of_extension(version)),
    };
    names.into_iter().map(part).collect()
}

fn formats(state: &SessionState, added: &Additions) -> Vec<Part> {
    let known: Vec<&str> =
        FORMATS.iter().copied().filter(|name| state.get_file_format_factory(name).is_some()).collect();
    let mut parts = [named(&known, &of_datafusion()), of_extensions(&added.file_formats)].concat();
    parts.sort();
    parts
}

fn functions(state: &SessionState, added: &Additions) -> Vec<FunctionPart> {
    let own = functions::implementations();
    let version = |kind: FunctionKind, name: &str| match added.function_version(kind, name) {
        Some(version) => of_extension(version),
        None => own
            .get(&(kind, name.to_owned()))
            .map_or_else(of_datafusion, |version| format!("{SHIPPED_EXTENSIONS} {version}")),
    };
    let scalar = state.scalar_functions().keys().map(|name| (name, FunctionKind::Scalar));
    let aggregate = state.aggregate_functions().keys().map(|name| (name, FunctionKind::Aggregate));
    let window = state.window_functions().keys().map(|name| (name, FunctionKind::Window));
    let all: BTreeSet<(&String, FunctionKind)> = scalar.chain(aggregate).chain(window).collect();
    let part = |(name, kind): (&String, FunctionKind)| FunctionPart {
        name: name.clone(),
        kind: kind.name().to_owned(),
        version: version(kind, name),
    };
    all.into_iter().map(part).collect()
}

/// The names that an addition cannot have: those of parts that stay beside it. Functions of DataFusion are replaced.
pub(super) fn shipped_names() -> BTreeSet<(ExtensionKind, String)> {
    let own = functions::implementations().into_keys().map(|(_, name)| (ExtensionKind::Functions, name));
    let factories = SessionStateDefaults::default_table_factories().into_keys();
    let factories = factories.map(|name| (ExtensionKind::TableFactories, name));
    let listed: [(ExtensionKind, &[&str]); 6] = [
        (ExtensionKind::ExprPlanners, &EXPR_PLANNERS),
        (ExtensionKind::ExprPlanners, &DATAFUSION_EXPR_PLANNERS),
        (ExtensionKind::RelationPlanners, &RELATION_PLANNERS),
        (ExtensionKind::TypePlanners, &TYPE_PLANNERS),
        (ExtensionKind::QueryPlanners, &QUERY_PLANNERS),
        (ExtensionKind::FileFormats, &FORMATS),
    ];
    let listed = listed.iter().flat_map(|(kind, names)| names.iter().map(|name| (*kind, (*name).to_owned())));
    own.chain(factories).chain(listed).collect()
}

/// What DataFusion's settings are by themselves.
pub(super) fn defaults() -> BTreeMap<String, Option<String>> {
    SessionConfig::new().options().entries().into_iter().map(|entry| (entry.key, entry.value)).collect()
}

/// DataFusion's settings that differ from their defaults and are no sizes, and options of formats that no setting gives.
pub(super) fn planning_settings(state: &SessionState) -> BTreeMap<String, String> {
    let defaults = defaults();
    let entries = state.config_options().entries().into_iter();
    let settings = entries
        .filter(|entry| SIZES.iter().all(|size| size.key != entry.key))
        .filter(|entry| defaults.get(&entry.key) != Some(&entry.value));
    let by_settings = TableOptions::default_from_session_config(state.config_options()).entries();
    let by_settings: BTreeMap<_, _> = by_settings.into_iter().map(|it| (it.key, it.value)).collect();
    let options = state.table_options().entries().into_iter();
    let options = options.filter(|entry| by_settings.get(&entry.key) != Some(&entry.value));
    settings.chain(options).map(|entry| (entry.key, entry.value.unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use crate::session::{Session, SessionOptions};

    /// Planners do not say their names, so they are listed here: one that comes or goes must come or go there as well.
    #[test]
    fn there_are_as_many_names_as_planners() {
        let session = Session::new(SessionOptions::default()).unwrap();
        let (state, surface) = (session.state(), session.surface());
        assert_eq!(surface.expr_planners.len(), state.expr_planners().len());
        assert_eq!(surface.relation_planners.len(), state.relation_planners().len());
    }
}
