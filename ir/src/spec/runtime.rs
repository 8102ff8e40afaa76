//! How a run behaves, what it records, and how its session is set.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a run behaves and what it records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuntimeConfig {
    /// Records everything needed to audit the run.
    pub compliance_capture: bool,
    /// Whether settings are tuned from earlier runs.
    pub tuner_mode: TunerMode,
    /// Records plans as Substrait.
    pub capture_substrait: bool,
    /// Records the plan after each optimizer rule.
    pub capture_optimizer_lab: bool,
    /// Records plans in the Delta codec.
    pub capture_delta_codec: bool,
    /// What happens when a filter does not reach the scan it should.
    pub pushdown_enforcement_mode: PushdownEnforcementMode,
    /// Which registered functions and rules may be used.
    pub extension_governance_mode: ExtensionGovernanceMode,
    /// Older spelling of `tracing.enabled`.
    pub enable_tracing: bool,
    /// Older spelling of `tracing.rule_mode: Full`.
    pub enable_rule_tracing: bool,
    /// Older spelling of `tracing.preview_limit: 5`.
    pub enable_plan_preview: bool,
    /// Allows SQL that creates functions.
    pub enable_function_factory: bool,
    /// Uses the domain's own expression planner.
    pub enable_domain_planner: bool,
    /// Uses the domain's own relation planner.
    pub enable_relation_planner: bool,
    /// Text pairs recorded with every output of the run.
    pub lineage_tags: BTreeMap<String, String>,
    /// A named set of tracing settings.
    pub tracing_preset: Option<TracingPreset>,
    /// Tracing settings.
    pub tracing: TracingConfig,
}

/// Whether settings are tuned from earlier runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TunerMode {
    /// Not at all.
    #[default]
    Off,
    /// Proposals are recorded and not used.
    Observe,
    /// Proposals are used.
    Apply,
}

/// What happens when a filter does not reach the scan it should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PushdownEnforcementMode {
    /// A warning, once filters are followed to their scans; nothing follows them yet.
    #[default]
    Warn,
    /// An error.
    Strict,
    /// Nothing.
    Disabled,
}

/// Which registered functions and rules may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExtensionGovernanceMode {
    /// Those on the list.
    StrictAllowlist,
    /// All; others than those on the list with a warning.
    WarnOnUnregistered,
    /// All.
    #[default]
    Permissive,
}

/// A named set of tracing settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TracingPreset {
    /// Everything, with samples of data.
    Maximal,
    /// Everything but data.
    MaximalNoData,
    /// What is cheap enough to leave on.
    ProductionLean,
}

/// Tracing settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TracingConfig {
    /// Whether traces are recorded.
    pub enabled: bool,
    /// Whether traces hold the metrics of operators.
    pub record_metrics: bool,
    /// How far planning rules are traced.
    pub rule_mode: RuleTraceMode,
    /// Records the difference each rule makes.
    pub plan_diff: bool,
    /// Rows of data shown for each operator.
    pub preview_limit: u32,
    /// How columns are hidden in samples.
    pub preview_redaction_mode: RedactionMode,
    /// The columns the mode is about.
    pub preview_redacted_columns: Vec<String>,
    /// Shown in place of hidden values.
    pub preview_redaction_token: String,
    /// Width of a sample, in characters.
    pub preview_max_width: u32,
    /// Height of a row in a sample, in lines.
    pub preview_max_row_height: u32,
    /// Width below which a column is not shrunk, in characters.
    pub preview_min_compacted_col_width: u32,
    /// Traces requests to object stores.
    pub instrument_object_store: bool,
    /// Where traces are sent (OTLP).
    pub otlp_endpoint: Option<String>,
    /// How traces are sent.
    pub otlp_protocol: Option<OtlpProtocol>,
    /// The service's name in traces.
    pub otel_service_name: Option<String>,
    /// Attributes of the service in traces.
    pub otel_resource_attributes: BTreeMap<String, String>,
    /// Fields added to every span.
    pub custom_span_fields: BTreeMap<String, String>,
    /// Sampling and batching.
    pub export_policy: ExportPolicy,
}

impl Default for TracingConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            record_metrics: true,
            rule_mode: RuleTraceMode::Disabled,
            plan_diff: false,
            preview_limit: 0,
            preview_redaction_mode: RedactionMode::None,
            preview_redacted_columns: Vec::new(),
            preview_redaction_token: "[REDACTED]".to_owned(),
            preview_max_width: 96,
            preview_max_row_height: 4,
            preview_min_compacted_col_width: 10,
            instrument_object_store: false,
            otlp_endpoint: None,
            otlp_protocol: None,
            otel_service_name: None,
            otel_resource_attributes: BTreeMap::new(),
            custom_span_fields: BTreeMap::new(),
            export_policy: ExportPolicy::default(),
        }
    }
}

/// How far planning rules are traced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RuleTraceMode {
    /// Not at all.
    #[default]
    Disabled,
    /// One span for each phase.
    PhaseOnly,
    /// One span for each rule.
    Full,
}

/// How columns are hidden in samples of data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RedactionMode {
    /// Nothing is hidden.
    #[default]
    None,
    /// Listed columns are hidden.
    DenyList,
    /// All but listed columns are hidden.
    AllowList,
}

/// How traces are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OtlpProtocol {
    /// gRPC.
    #[serde(rename = "grpc")]
    Grpc,
    /// Protocol buffers over HTTP.
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
    /// JSON over HTTP.
    #[serde(rename = "http/json")]
    HttpJson,
}

/// Sampling and batching of traces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExportPolicy {
    /// The sampler's name.
    pub traces_sampler: String,
    /// The sampler's argument.
    pub traces_sampler_arg: Option<String>,
    /// Spans kept until they are sent.
    pub bsp_max_queue_size: u32,
    /// Spans sent at once.
    pub bsp_max_export_batch_size: u32,
    /// Milliseconds between sends.
    pub bsp_schedule_delay_ms: u64,
    /// Milliseconds a send may take.
    pub bsp_export_timeout_ms: u64,
}

impl Default for ExportPolicy {
    fn default() -> Self {
        Self {
            traces_sampler: "parentbased_always_on".to_owned(),
            traces_sampler_arg: None,
            bsp_max_queue_size: 2048,
            bsp_max_export_batch_size: 512,
            bsp_schedule_delay_ms: 5000,
            bsp_export_timeout_ms: 30_000,
        }
    }
}

/// Session settings. A field left out is sized from the machine or has the engine's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuntimeProfileSpec {
    /// A name for reports.
    pub profile_name: Option<String>,
    /// Partitions a plan runs in.
    pub target_partitions: Option<u32>,
    /// Rows in a batch.
    pub batch_size: Option<u32>,
    /// Views planned at the same time.
    pub planning_concurrency: Option<u32>,
    /// Footers fetched at the same time.
    pub meta_fetch_concurrency: Option<u32>,
    /// Bytes of memory operators may hold.
    pub memory_pool_bytes: Option<u64>,
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
    /// Evaluates filters while decoding.
    pub pushdown_filters: Option<bool>,
    /// Skips pages by their statistics.
    pub enable_page_index: Option<bool>,
    /// Bytes read at once for a footer.
    pub metadata_size_hint: Option<u64>,
    /// Bytes of cached filter results.
    pub max_predicate_cache_size: Option<u64>,
    /// Bytes of cached file lists.
    pub list_files_cache_limit: Option<u64>,
    /// How long a file list is cached: digits and `s`, `m`, `h` or `d`.
    pub list_files_cache_ttl: Option<String>,
    /// Bytes of cached footers.
    pub metadata_cache_limit: Option<u64>,
    /// Reads statistics of files.
    pub collect_statistics: Option<bool>,
    /// Times the optimizer goes over a plan.
    pub optimizer_max_passes: Option<u32>,
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
    /// Uses the order of files.
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
