//! The session of a spec: its profile, and settings of the engine.

use std::collections::BTreeMap;
use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AllowedExtensions;

/// The profiles that ship with the program.
pub const PROFILES: [&str; 4] = ["auto", "small", "medium", "large"];

/// How much of the machine a session uses, and how it plans. A field left out is that of the profile that is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuntimeProfileSpec {
    /// `auto`, the default, is sized from the machine; `small`, `medium` and `large` have sizes of their own. Any other name is
    /// that of a profile of this spec: `auto` with the fields that are set here, at least one.
    pub profile_name: Option<String>,
    /// Partitions a plan runs in.
    pub target_partitions: Option<NonZeroU32>,
    /// Rows in a batch.
    pub batch_size: Option<NonZeroU32>,
    /// Inputs of one operator that are planned at the same time.
    pub planning_concurrency: Option<NonZeroU32>,
    /// Footers fetched at the same time.
    pub meta_fetch_concurrency: Option<NonZeroU32>,
    /// Bytes of memory operators may hold.
    pub memory_pool_bytes: Option<NonZeroU64>,
    /// Bytes of spill files.
    pub max_temp_directory_bytes: Option<u64>,
    /// Repartitions joins.
    pub repartition_joins: Option<bool>,
    /// Repartitions aggregations.
    pub repartition_aggregations: Option<bool>,
    /// Repartitions windows.
    pub repartition_windows: Option<bool>,
    /// Repartitions sorts.
    pub repartition_sorts: Option<bool>,
    /// Splits files between partitions.
    pub repartition_file_scans: Option<bool>,
    /// Bytes below which a file is not split.
    pub repartition_file_min_size: Option<u64>,
    /// Skips row groups by their statistics.
    pub parquet_pruning: Option<bool>,
    /// Evaluates conditions while decoding, row by row, and not for pages only.
    pub pushdown_filters: Option<bool>,
    /// Skips pages by their statistics.
    pub enable_page_index: Option<bool>,
    /// Bytes read at once for a footer.
    pub metadata_size_hint: Option<u64>,
    /// Bytes of cached filter results.
    pub max_predicate_cache_size: Option<u64>,
    /// Bytes of cached file lists.
    pub list_files_cache_limit: Option<u64>,
    /// How long a file list is cached: digits, or a number and `s`, `m`, `h` or `d`.
    pub list_files_cache_ttl: Option<String>,
    /// Bytes of cached footers.
    pub metadata_cache_limit: Option<u64>,
    /// Reads statistics of files.
    pub collect_statistics: Option<bool>,
    /// Times the optimizer goes over a plan.
    pub optimizer_max_passes: Option<NonZeroU32>,
    /// Skips optimizer rules that fail.
    pub skip_failed_rules: Option<bool>,
    /// Drops NULL join keys early.
    pub filter_null_join_keys: Option<bool>,
    /// Filters learned while running.
    pub enable_dynamic_filter_pushdown: Option<bool>,
    /// Filters learned from joins.
    pub enable_join_dynamic_filter_pushdown: Option<bool>,
    /// Filters learned from aggregates.
    pub enable_aggregate_dynamic_filter_pushdown: Option<bool>,
    /// Filters learned from sorts with a limit.
    pub enable_topk_dynamic_filter_pushdown: Option<bool>,
    /// Lets scans give rows in the order of a sort above them.
    pub enable_sort_pushdown: Option<bool>,
    /// Allows symmetric joins that cannot forget rows.
    pub allow_symmetric_joins_without_pruning: Option<bool>,
    /// Allows recursive queries.
    pub enable_recursive_ctes: Option<bool>,
    /// Folds identifiers to lower case.
    pub enable_ident_normalization: Option<bool>,
    /// Shows statistics in plans.
    pub show_statistics: Option<bool>,
    /// Shows schemas in plans.
    pub show_schema: Option<bool>,
}

impl RuntimeProfileSpec {
    /// The fields that are set, but for the name, each with its value in JSON.
    #[must_use]
    pub fn fields(&self) -> BTreeMap<String, serde_json::Value> {
        // It holds numbers, texts and truth values, so it has a JSON form.
        let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(self) else {
            return BTreeMap::new();
        };
        fields.into_iter().filter(|(name, value)| name != "profile_name" && !value.is_null()).collect()
    }
}

/// The session that a spec runs in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SessionSpec {
    /// Settings of DataFusion by their keys, such as `datafusion.optimizer.prefer_hash_join: false`. They go before the
    /// profile. What is set here has a part in the planning surface.
    pub config: BTreeMap<String, SettingValue>,
    /// The extensions that the spec may use; see `runtime.extension_governance_mode`.
    #[serde(skip_serializing_if = "AllowedExtensions::is_empty")]
    pub allowed_extensions: AllowedExtensions,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SettingValue {
    /// On or off.
    Switch(bool),
    /// A whole number.
    Number(i64),
    /// Anything else, as DataFusion writes it.
    Text(String),
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{value}"),
        }
    }
}
