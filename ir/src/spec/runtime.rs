//! How a run behaves, what it records, and how its session is set.

mod extensions;
mod profile;

pub use extensions::{AllowedExtensions, ExtensionKind, SHIPPED_EXTENSIONS};
pub use profile::{PROFILES, RuntimeProfileSpec, SessionSpec, SettingValue};

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long records of runs are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RecordRetention {
    /// 7 days.
    Short,
    /// 365 days.
    #[default]
    Long,
    /// So many days.
    Custom(NonZeroU32),
}

/// How a run behaves and what it records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuntimeConfig {
    /// Keeps beside the record of a run how it was planned: the plans that ran, what the rules changed in them, and which
    /// filters scans were offered.
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
    /// What becomes of extensions that `session.allowed_extensions` does not list: functions that the spec calls, and
    /// planners, rewrites and rules of the session that are not DataFusion's own.
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
    /// How long the records of runs are kept. A run deletes older ones of its folder.
    pub record_retention: RecordRetention,
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

/// What becomes of extensions that `session.allowed_extensions` does not list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExtensionGovernanceMode {
    /// They are errors: nothing is opened or computed.
    StrictAllowlist,
    /// They are warned of.
    WarnOnUnregistered,
    /// Nothing.
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
