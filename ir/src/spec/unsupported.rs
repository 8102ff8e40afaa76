//! Fields that are part of the format but whose feature does not exist yet.
//!
//! Such a field may be left out or have its default; any other value is refused with `E0601`, and the JSON Schema marks
//! it. To make a field work, implement it and delete its row. A field that asks for an ability that no build has is
//! refused with `E0607` and the reason that [`crate::capability`] gives. Knobs of a profile that turn nothing are another
//! table, and only warned of.

mod marks;

pub(crate) use marks::{is_marked, mark};

use serde_json::Value;

#[cfg(not(feature = "otel"))]
use crate::capability::OPENTELEMETRY;
use crate::capability::{FUNCTION_FACTORY, MissingCapability, SUBSTRAIT};
use crate::diag::{Diagnostic, SpecPath, codes};

use super::{CachePlacementPolicy, PROFILES, RuntimeConfig, RuntimeProfileSpec, SPEC_VERSION, Spec};

/// A field, and why it does not work.
pub struct Row {
    /// The field, as a path from the root.
    pub path: &'static str,
    /// Why it is refused: the end of the sentence "... is not supported yet: ".
    pub why: &'static str,
}

/// A field that asks for an ability that no build has.
pub struct CapabilityRow {
    /// The field, as a path from the root.
    pub path: &'static str,
    /// The ability.
    pub capability: MissingCapability,
}

/// Declares rows: groups of fields with one reason.
macro_rules! rows {
    ($($why:literal: [$($path:literal),+ $(,)?];)+) => {
        &[$($(Row { path: $path, why: $why }),+),+]
    };
}

/// All fields that are refused.
pub const NOT_YET: &[Row] = rows! {
    "rules cannot be chosen by a spec":
        ["rule_intents", "rulepack_profile", "rule_overlay"];
    "settings are not tuned by what earlier runs took":
        ["runtime.tuner_mode"];
    "output tables are not maintained after a run":
        ["maintenance"];
    "nothing of this kind is recorded":
        ["runtime.capture_optimizer_lab", "runtime.capture_delta_codec"];
    "where filters end up is not enforced":
        ["runtime.pushdown_enforcement_mode"];
    "SQL cannot be extended by a spec":
        ["runtime.enable_domain_planner", "runtime.enable_relation_planner"];
};

/// All fields that ask for an ability that no build has.
pub const UNAVAILABLE: &[CapabilityRow] = &[
    CapabilityRow { path: "runtime.capture_substrait", capability: SUBSTRAIT },
    #[cfg(not(feature = "otel"))]
    CapabilityRow { path: "runtime.enable_tracing", capability: OPENTELEMETRY },
    #[cfg(not(feature = "otel"))]
    CapabilityRow { path: "runtime.enable_rule_tracing", capability: OPENTELEMETRY },
    #[cfg(not(feature = "otel"))]
    CapabilityRow { path: "runtime.enable_plan_preview", capability: OPENTELEMETRY },
    #[cfg(not(feature = "otel"))]
    CapabilityRow { path: "runtime.tracing_preset", capability: OPENTELEMETRY },
    #[cfg(not(feature = "otel"))]
    CapabilityRow { path: "runtime.tracing", capability: OPENTELEMETRY },
    CapabilityRow { path: "runtime.enable_function_factory", capability: FUNCTION_FACTORY },
];

/// The knobs of a profile that turn nothing: a user who sets one is warned.
pub const RESERVED: &[Row] = rows! {
    "footers are fetched by the scans that need them, as many at a time as there are partitions":
        ["runtime_profile.meta_fetch_concurrency"];
    "a footer is read in two steps, whatever its length, after its file was looked at":
        ["runtime_profile.metadata_size_hint"];
    "a table that declares an order is read in it, and no other order is known of files":
        ["runtime_profile.enable_sort_pushdown"];
    "the files of a Delta table are listed by its log, which is read once a run":
        ["runtime_profile.list_files_cache_limit", "runtime_profile.list_files_cache_ttl"];
    "no input is endless, so no symmetric join is planned":
        ["runtime_profile.allow_symmetric_joins_without_pruning"];
    "names are compared as they are written, in SQL as everywhere":
        ["runtime_profile.enable_ident_normalization"];
};

/// Reports every field of [`RESERVED`] that a spec sets.
#[must_use]
pub fn reserved(spec: &Spec) -> Vec<Diagnostic> {
    let Ok(given) = serde_json::to_value(spec) else { return Vec::new() };
    let set = RESERVED.iter().filter(|row| lookup(&given, row.path).is_some_and(|value| !value.is_null()));
    set.map(|row| {
        let message = format!("`{}` has no effect: {}", row.path, row.why);
        let knob = row.path.rsplit('.').next().unwrap_or(row.path);
        let value = lookup(&given, row.path).map(Value::to_string).unwrap_or_default();
        let found = Diagnostic::new(codes::RESERVED_PROFILE_KNOB, message).at(path_of(row.path));
        found.about("knob", knob).about("value", value).help("leave the field out")
    })
    .collect()
}

/// Reports a profile whose name says nothing.
#[must_use]
pub fn profile(spec: &Spec) -> Option<Diagnostic> {
    let profile = spec.runtime_profile.as_ref()?;
    let name = profile.profile_name.as_deref()?;
    if PROFILES.contains(&name) || !profile.fields().is_empty() {
        return None;
    }
    let message = format!("there is no profile `{name}`, and no field makes one of this spec");
    let help = crate::diag::nearest_name(name, PROFILES.iter().copied()).map_or_else(
        || format!("the profiles are {}; or set fields beside the name", PROFILES.join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    let path = SpecPath::root().field("runtime_profile").field("profile_name");
    Some(Diagnostic::new(codes::UNKNOWN_PROFILE, message).at(path).help(help))
}

/// Reports every field of [`NOT_YET`] and [`UNAVAILABLE`] that a spec sets to something else than its default.
#[must_use]
pub fn check(spec: &Spec) -> Vec<Diagnostic> {
    // Specs from the loader have a JSON form; see `spec_hash`.
    let (Ok(given), Ok(defaults)) = (serde_json::to_value(spec), serde_json::to_value(defaults())) else {
        return Vec::new();
    };
    let not_yet = NOT_YET.iter().filter_map(|row| {
        let help = how_to_leave_out(row.path, &given, &defaults)?;
        let message = format!("`{}` is not supported yet: {}", row.path, row.why);
        Some(Diagnostic::new(codes::NOT_SUPPORTED_YET, message).at(path_of(row.path)).help(help))
    });
    let unavailable = UNAVAILABLE.iter().filter_map(|row| {
        let help = how_to_leave_out(row.path, &given, &defaults)?;
        let MissingCapability { name, reason } = row.capability;
        let message =
            format!("`{}` needs the capability `{name}`, which is not available: {reason}", row.path);
        Some(Diagnostic::new(codes::CAPABILITY_UNAVAILABLE, message).at(path_of(row.path)).help(help))
    });
    not_yet.chain(unavailable).collect()
}

/// What to do about a field that a spec sets to something else than its default; nothing for one that it does not.
fn how_to_leave_out(path: &str, given: &Value, defaults: &Value) -> Option<String> {
    let default = lookup(defaults, path).unwrap_or(&Value::Null);
    if lookup(given, path)? == default {
        return None;
    }
    Some(match default {
        Value::Object(_) | Value::Null => "leave the field out".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            format!("leave the field out, or give it its default: {default}")
        }
    })
}

fn path_of(path: &str) -> SpecPath {
    path.split('.').fold(SpecPath::root(), |path, field| path.field(field))
}

/// The value at a path of field names.
fn lookup<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, field| value.get(field))
}

/// A spec in which every field of these tables has its default.
fn defaults() -> Spec {
    Spec {
        version: SPEC_VERSION,
        input_relations: Vec::new(),
        view_definitions: Vec::new(),
        output_targets: Vec::new(),
        join_graph: Default::default(),
        tests: Vec::new(),
        rule_intents: Vec::new(),
        rulepack_profile: Default::default(),
        runtime: RuntimeConfig::default(),
        typed_parameters: Vec::new(),
        rule_overlay: None,
        runtime_profile: Some(RuntimeProfileSpec::default()),
        cache_policy: Some(CachePlacementPolicy::default()),
        maintenance: None,
        session: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_a_field() {
        let defaults = serde_json::to_value(defaults()).unwrap();
        let rows = NOT_YET.iter().chain(RESERVED).map(|row| row.path);
        for path in rows.chain(UNAVAILABLE.iter().map(|row| row.path)) {
            assert!(lookup(&defaults, path).is_some(), "no field {path}");
        }
    }

    #[test]
    fn defaults_are_accepted() {
        assert_eq!(check(&defaults()), Vec::new());
    }
}
