//! The planning surface: everything a session makes plans with, each part with its name and its version.
//!
//! Two sessions with equal surfaces give equal plans for equal graphs over equal tables, whatever the machine. What a session
//! knows besides, its sizes, is told apart in [`SIZES`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use datafusion::execution::SessionStateDefaults;
use datafusion::execution::session_state::SessionState;
use datafusion::optimizer::{Analyzer, Optimizer};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;
use functions::FunctionKind;
use ir::hash::ContentHash;
use ir::hash::canonical::hash_of;
use serde::{Deserialize, Serialize};

use crate::semantics;

/// The form of [`PlanningSurface`]: raised when a field goes or means something else.
pub const SURFACE_VERSION: u32 = 2;

/// The formats of files that DataFusion has.
const FORMATS: [&str; 5] = ["arrow", "avro", "csv", "json", "parquet"];

const STREAMS: &str = "rows are dealt out to more streams or fewer; what depends on their order has a determinism class that says so";
const SHOWN: &str = "it is said where a plan is shown";

/// A setting of DataFusion that is no part of the surface, because no row of a result depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Its key.
    pub key: &'static str,
    /// Why it decides no row.
    pub reason: &'static str,
}

/// The settings that are no part of the surface. The differential fuzzer runs every spec with others of each
/// (`tests/differential/src/program.rs`); they are recorded with every run all the same.
pub const SIZES: [Size; 15] = [
    Size {
        key: "datafusion.execution.batch_size",
        reason: "rows go through operators in slices of it; no operator may see where one ends",
    },
    Size {
        key: "datafusion.execution.planning_concurrency",
        reason: "inputs of one operator are planned beside each other, and put together in their order",
    },
    Size {
        key: "datafusion.execution.sort_in_place_threshold_bytes",
        reason: "batches are put together before they are sorted, or merged after; the order is the same",
    },
    Size {
        key: "datafusion.execution.sort_spill_reservation_bytes",
        reason: "memory that a sort keeps free for merging what it has spilled",
    },
    Size { key: "datafusion.execution.target_partitions", reason: STREAMS },
    Size {
        key: "datafusion.execution.parquet.max_predicate_cache_size",
        reason: "decoded columns are kept or decoded again",
    },
    Size {
        key: "datafusion.execution.parquet.metadata_size_hint",
        reason: "bytes that are read at once for a footer; the rest of a longer one is read after them",
    },
    Size { key: "datafusion.explain.show_schema", reason: SHOWN },
    Size { key: "datafusion.explain.show_statistics", reason: SHOWN },
    Size { key: "datafusion.optimizer.repartition_aggregations", reason: STREAMS },
    Size { key: "datafusion.optimizer.repartition_file_min_size", reason: STREAMS },
    Size { key: "datafusion.optimizer.repartition_file_scans", reason: STREAMS },
    Size { key: "datafusion.optimizer.repartition_joins", reason: STREAMS },
    Size { key: "datafusion.optimizer.repartition_sorts", reason: STREAMS },
    Size { key: "datafusion.optimizer.repartition_windows", reason: STREAMS },
];

/// A part of a session with its version. What DataFusion brings along has the version of DataFusion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// `datafusion` and its version, or `codeanatomy` and the version of this part.
    pub version: String,
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
    /// What plans nodes of logical plans that are not DataFusion's.
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
    /// That of a session that also has these functions.
    pub(super) fn of(state: &SessionState, more: &BTreeMap<String, u32>) -> Self {
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
            function_rewrites: parts(
                state.analyzer().function_rewrites().iter().map(|rewrite| rewrite.name()),
                [],
            ),
            expr_planners: planners(state.expr_planners(), &SessionStateDefaults::default_expr_planners()),
            relation_planners: planners(state.relation_planners(), &[]),
            type_planners: planners(&[semantics::type_planner()], &[]),
            query_planners: planners(std::slice::from_ref(state.query_planner()), &[]),
            table_factories: factories(state),
            file_formats: formats(state),
            default_catalog: catalog.default_catalog.clone(),
            default_schema: catalog.default_schema.clone(),
            functions: functions(state, more),
            planning_config_keys: planning_settings(state),
        }
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
    format!("codeanatomy {}", env!("CARGO_PKG_VERSION"))
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

/// Planners, in their order: each by the name of its type.
fn planners<T: Debug>(planners: &[T], defaults: &[T]) -> Vec<Part> {
    let defaults: BTreeSet<String> = defaults.iter().map(type_name).collect();
    let part = |planner: &T| {
        let name = type_name(planner);
        let version = if defaults.contains(&name) { of_datafusion() } else { of_program() };
        Part { name, version }
    };
    planners.iter().map(part).collect()
}

/// The name that the derived debug form of a value begins with.
fn type_name(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

fn factories(state: &SessionState) -> Vec<Part> {
    let names: BTreeSet<&String> = state.table_factories().keys().collect();
    names.into_iter().map(|name| Part { name: name.clone(), version: of_datafusion() }).collect()
}

fn formats(state: &SessionState) -> Vec<Part> {
    let known = FORMATS.iter().filter(|name| state.get_file_format_factory(name).is_some());
    known.map(|name| Part { name: (*name).to_owned(), version: of_datafusion() }).collect()
}

fn functions(state: &SessionState, more: &BTreeMap<String, u32>) -> Vec<FunctionPart> {
    let own = functions::implementations();
    let version = |kind: FunctionKind, name: &str| {
        let given = more.get(name).filter(|_| kind == FunctionKind::Scalar);
        match given.or_else(|| own.get(&(kind, name.to_owned()))) {
            Some(version) => format!("codeanatomy {version}"),
            None => of_datafusion(),
        }
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

/// What DataFusion's settings are by themselves.
pub(super) fn defaults() -> BTreeMap<String, Option<String>> {
    SessionConfig::new().options().entries().into_iter().map(|entry| (entry.key, entry.value)).collect()
}

/// DataFusion's settings that differ from their defaults and are no sizes.
pub(super) fn planning_settings(state: &SessionState) -> BTreeMap<String, String> {
    let defaults = defaults();
    let entries = state.config_options().entries().into_iter();
    entries
        .filter(|entry| SIZES.iter().all(|size| size.key != entry.key))
        .filter(|entry| defaults.get(&entry.key) != Some(&entry.value))
        .map(|entry| (entry.key, entry.value.unwrap_or_default()))
        .collect()
}
