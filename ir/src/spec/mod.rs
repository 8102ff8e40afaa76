//! The spec: what a user writes, as plain data.
//!
//! A spec names input tables, views over them and output Delta tables. The types of this module are
//! its wire format, version [`SPEC_VERSION`], in YAML and JSON alike; their doc comments are the
//! descriptions in the JSON Schema that `driver schema` prints ([`json_schema`]).
//!
//! | module | holds |
//! |---|---|
//! | [`relation`](InputRelation) | inputs, views, outputs, assertions, the join graph |
//! | [`transform`](Transform) | what a view does |
//! | [`parameter`](TypedParameter) | values given from outside the views, and from outside the spec |
//! | [`policy`](CachePlacementPolicy) | rules, caching, maintenance |
//! | [`runtime`](RuntimeConfig) | how a run behaves and what it records |
//! | [`load`](load()) | text -> [`Spec`], with the place of every field kept beside it |
//! | [`unsupported`] | fields that exist but whose feature does not yet: refused, never ignored |
//!
//! The types hold no positions. A position is found through the field's [`SpecPath`](crate::diag::SpecPath)
//! in the [`SourceMap`](crate::diag::SourceMap) the loader returns.

mod load;
mod names;
mod parameter;
mod policy;
mod relation;
mod runtime;
mod shorthand;
mod transform;
pub mod unsupported;

pub use load::{Loaded, LoadedParameters, MAX_SPEC_BYTES, Unread, load, load_bytes, load_parameters};
pub use parameter::{GivenParameter, GivenValue, ParameterTarget, ParameterValue, TypedParameter};
pub use policy::{
    CacheAction, CacheOverride, CachePlacementPolicy, CompactPolicy, MaintenanceConstraint,
    MaintenanceSchedule, PriorityOverride, RuleClass, RuleIntent, RuleOverlayProfile, RulepackProfile,
    VacuumPolicy,
};
pub use relation::{
    Accepted, AcceptedValue, Assertion, AssertionSeverity, ColumnPromises, ConstraintType, FileColumns,
    GivenRows, InputRelation, JoinConstraint, JoinEdge, JoinGraph, MaterializationMode, OutputTarget,
    RelationTo, SchemaContract, SchemaMode, SortColumn, TestRow, TypedRows, ViewDefinition, ViewTest,
};
pub use runtime::{
    AllowedExtensions, ExportPolicy, ExtensionGovernanceMode, ExtensionKind, OtlpProtocol, PROFILES,
    PushdownEnforcementMode, RecordRetention, RedactionMode, RuleTraceMode, RuntimeConfig,
    RuntimeProfileSpec, SHIPPED_EXTENSIONS, SessionSpec, SettingValue, TracingConfig, TracingPreset,
    TunerMode,
};
pub use shorthand::{JoinKey, NameSuffix, NamedExpr, SelectEntry, Side};
pub use transform::{
    Aggregate, AggregationExpr, ComputedColumn, CpgEmit, FileManifest, Filter, IncrementalCdf, JoinKeyPair,
    JoinType, Metadata, Normalize, Project, Relate, SpanCondition, SpanRelation, Sql, TableShape, Transform,
    Union, Unnest, Window,
};

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hash::ContentHash;

/// The version of the wire format this program reads.
pub const SPEC_VERSION: u32 = 4;

/// A spec: input tables, views, output Delta tables, and how to run them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Version of the wire format. Always 4.
    #[schemars(extend("const" = SPEC_VERSION))]
    pub version: u32,
    /// The tables that are read.
    pub input_relations: Vec<InputRelation>,
    /// The views, in any order.
    pub view_definitions: Vec<ViewDefinition>,
    /// The Delta tables that are written.
    pub output_targets: Vec<OutputTarget>,
    /// How relations join, and what holds of them. Views that join say so themselves, with `Relate`.
    #[serde(default)]
    pub join_graph: JoinGraph,
    /// Tests of views, for `driver test`. They decide no row of a run and are no part of the hash of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<ViewTest>,
    /// Planning rules asked for by name.
    #[serde(default)]
    pub rule_intents: Vec<RuleIntent>,
    /// The set of planning rules a run uses.
    #[serde(default)]
    pub rulepack_profile: RulepackProfile,
    /// How a run behaves and what it records.
    #[serde(default)]
    pub runtime: RuntimeConfig,
    /// Values given from outside the views.
    #[serde(default)]
    pub typed_parameters: Vec<TypedParameter>,
    /// Changes to the rule set for this spec alone.
    #[serde(default)]
    pub rule_overlay: Option<RuleOverlayProfile>,
    /// How much of the machine the session uses. What is left out is sized from the machine.
    #[serde(default)]
    pub runtime_profile: Option<RuntimeProfileSpec>,
    /// The session's settings, one by one.
    #[serde(default)]
    pub session: SessionSpec,
    /// Which shared views are computed once and kept for all their readers.
    #[serde(default)]
    pub cache_policy: Option<CachePlacementPolicy>,
    /// Upkeep of the output tables after a run.
    #[serde(default)]
    pub maintenance: Option<MaintenanceSchedule>,
}

/// The JSON Schema (draft 2020-12) of a spec, derived from [`Spec`].
///
/// It is also what the loader checks a document against, so an editor and the loader accept the same
/// documents. Fields that are refused whatever they say are marked: `x-status: not supported`.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    SCHEMA.clone()
}

/// The schema, derived once.
pub(crate) static SCHEMA: LazyLock<serde_json::Value> = LazyLock::new(|| {
    let mut schema = schemars::schema_for!(Spec).to_value();
    unsupported::mark(&mut schema);
    schema
});

/// The largest integer below which every integer is a double, so that RFC 8785 keeps it apart from its
/// neighbours.
const LARGEST_EXACT_INTEGER: u64 = 1 << 53;

/// The identity of a spec: BLAKE3 of its canonical JSON ([RFC 8785](https://www.rfc-editor.org/rfc/rfc8785)).
///
/// Every field but `tests`, which decide no row, takes part with its default filled in and every short form written out, so the hash is equal
/// for YAML and JSON, for any order of keys, and for a default left out or spelled out. The order of lists
/// matters.
///
/// RFC 8785 writes numbers as doubles, which would make 2^53 and 2^53 + 1 equal; integers beyond 2^53 are
/// therefore hashed as the text of the integer.
#[must_use]
pub fn spec_hash(spec: &Spec) -> ContentHash {
    // A spec always has a JSON form: its maps have text keys and the loader admits finite numbers only. For a
    // hand-built spec that breaks this, the debug form still tells two specs apart.
    let canonical = serde_json::to_value(spec)
        .map(|mut value| {
            if let Some(fields) = value.as_object_mut() {
                fields.remove("tests");
            }
            spell_out_large_integers(&mut value);
            value
        })
        .and_then(|value| serde_json_canonicalizer::to_vec(&value));
    match canonical {
        Ok(bytes) => ContentHash::of(&bytes),
        Err(_) => ContentHash::of(format!("{spec:?}").as_bytes()),
    }
}

/// Replaces integers that a double cannot hold exactly by `integer:` and their digits.
fn spell_out_large_integers(value: &mut serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            if magnitude.is_some_and(|m| m > LARGEST_EXACT_INTEGER) {
                *value = Value::String(format!("integer:{number}"));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(spell_out_large_integers),
        Value::Object(fields) => fields.values_mut().for_each(spell_out_large_integers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests;
