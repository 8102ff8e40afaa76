//! Fields that are part of the format but whose feature does not exist yet.
//!
//! Such a field may be left out or have its default; any other value is refused with `E0601`, and the JSON Schema marks
//! it. To make a field work, implement it and delete its row.

mod marks;

pub(crate) use marks::{is_marked, mark};

use serde_json::Value;

use crate::diag::{Diagnostic, SpecPath, codes};

use super::{CachePlacementPolicy, RuntimeConfig, RuntimeProfileSpec, SPEC_VERSION, Spec};

/// A field, and why it does not work.
pub struct Row {
    /// The field, as a path from the root.
    pub path: &'static str,
    /// Why it is refused: the end of the sentence "... is not supported yet: ".
    pub why: &'static str,
}

/// Declares rows: groups of fields with one reason.
macro_rules! rows {
    ($($why:literal: [$($path:literal),+ $(,)?];)+) => {
        &[$($(Row { path: $path, why: $why }),+),+]
    };
}

/// All fields that are refused.
pub const NOT_YET: &[Row] = rows! {
    "joins are declared by `Relate` views, and nothing else reads the join graph":
        ["join_graph.edges", "join_graph.constraints"];
    "rules cannot be chosen by a spec":
        ["rule_intents", "rulepack_profile", "rule_overlay"];
    "measurements of earlier runs are not kept":
        ["cache_policy.use_historical_metrics", "runtime.tuner_mode"];
    "output tables are not maintained after a run":
        ["maintenance"];
    "nothing of this kind is recorded":
        ["runtime.compliance_capture", "runtime.capture_substrait", "runtime.capture_optimizer_lab",
         "runtime.capture_delta_codec"];
    "where filters end up is not enforced":
        ["runtime.pushdown_enforcement_mode"];
    "functions cannot be added from outside, so there is nothing to govern":
        ["runtime.extension_governance_mode"];
    "traces are not recorded":
        ["runtime.enable_tracing", "runtime.enable_rule_tracing", "runtime.enable_plan_preview",
         "runtime.tracing_preset", "runtime.tracing"];
    "SQL cannot be extended by a spec":
        ["runtime.enable_function_factory", "runtime.enable_domain_planner", "runtime.enable_relation_planner"];
    "the session is sized from the machine":
        ["runtime_profile.profile_name", "runtime_profile.target_partitions", "runtime_profile.batch_size",
         "runtime_profile.planning_concurrency", "runtime_profile.meta_fetch_concurrency",
         "runtime_profile.memory_pool_bytes", "runtime_profile.max_temp_directory_bytes",
         "runtime_profile.repartition_joins", "runtime_profile.repartition_aggregations",
         "runtime_profile.repartition_windows", "runtime_profile.repartition_sorts",
         "runtime_profile.repartition_file_scans", "runtime_profile.repartition_file_min_size",
         "runtime_profile.parquet_pruning", "runtime_profile.pushdown_filters", "runtime_profile.enable_page_index",
         "runtime_profile.metadata_size_hint", "runtime_profile.max_predicate_cache_size",
         "runtime_profile.list_files_cache_limit", "runtime_profile.list_files_cache_ttl",
         "runtime_profile.metadata_cache_limit", "runtime_profile.collect_statistics",
         "runtime_profile.optimizer_max_passes", "runtime_profile.skip_failed_rules",
         "runtime_profile.filter_null_join_keys", "runtime_profile.enable_dynamic_filter_pushdown",
         "runtime_profile.enable_join_dynamic_filter_pushdown",
         "runtime_profile.enable_aggregate_dynamic_filter_pushdown",
         "runtime_profile.enable_topk_dynamic_filter_pushdown", "runtime_profile.enable_sort_pushdown",
         "runtime_profile.allow_symmetric_joins_without_pruning", "runtime_profile.enable_recursive_ctes",
         "runtime_profile.enable_ident_normalization", "runtime_profile.show_statistics",
         "runtime_profile.show_schema"];
};

/// Reports every field of [`NOT_YET`] that a spec sets to something else than its default.
#[must_use]
pub fn check(spec: &Spec) -> Vec<Diagnostic> {
    // Specs from the loader have a JSON form; see `spec_hash`.
    let (Ok(given), Ok(defaults)) = (serde_json::to_value(spec), serde_json::to_value(defaults())) else {
        return Vec::new();
    };
    NOT_YET.iter().filter_map(|row| refused(row, &given, &defaults)).collect()
}

fn refused(row: &Row, given: &Value, defaults: &Value) -> Option<Diagnostic> {
    let value = lookup(given, row.path)?;
    let default = lookup(defaults, row.path).unwrap_or(&Value::Null);
    if value == default {
        return None;
    }
    let path = row.path.split('.').fold(SpecPath::root(), |path, field| path.field(field));
    let help = match default {
        Value::Object(_) | Value::Null => "leave the field out".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            format!("leave the field out, or give it its default: {default}")
        }
    };
    let message = format!("`{}` is not supported yet: {}", row.path, row.why);
    Some(Diagnostic::new(codes::NOT_SUPPORTED_YET, message).at(path).help(help))
}

/// The value at a path of field names.
fn lookup<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, field| value.get(field))
}

/// A spec in which every field of [`NOT_YET`] has its default.
fn defaults() -> Spec {
    Spec {
        version: SPEC_VERSION,
        input_relations: Vec::new(),
        view_definitions: Vec::new(),
        output_targets: Vec::new(),
        join_graph: Default::default(),
        rule_intents: Vec::new(),
        rulepack_profile: Default::default(),
        runtime: RuntimeConfig::default(),
        typed_parameters: Vec::new(),
        rule_overlay: None,
        runtime_profile: Some(RuntimeProfileSpec::default()),
        cache_policy: Some(CachePlacementPolicy::default()),
        maintenance: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_a_field() {
        let defaults = serde_json::to_value(defaults()).unwrap();
        for row in NOT_YET {
            assert!(lookup(&defaults, row.path).is_some(), "no field {}", row.path);
        }
    }

    #[test]
    fn defaults_are_accepted() {
        assert_eq!(check(&defaults()), Vec::new());
    }
}
